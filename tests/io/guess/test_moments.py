"""Which column of a table holds times, in which order its dates are written, and since when its numbers count."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo import Column, Kind
from utokyo.io.cells import Notation
from utokyo.io.guess.moments import order_of, times_of
from utokyo.io.reader import Reader

START = datetime(2023, 5, 9, 11, 20, 5)
UNIX = datetime(1970, 1, 1)
MOMENTS = [START + timedelta(seconds=0.25 * k) for k in range(8)]
EPOCHS = [
    # name, from when, seconds of a count, digits behind the point, said
    ("Time (s)", datetime(1904, 1, 1), 1.0, 2, "seconds since 1904 (LabVIEW)"),
    ("Timestamp", datetime(1904, 1, 1), 1.0, 6, "seconds since 1904 (LabVIEW)"),
    ("timestamp_ms", datetime(1904, 1, 1), 1e-3, 0, "milliseconds since 1904 (LabVIEW)"),
    ("time", UNIX, 1.0, 2, "seconds since 1970 (Unix)"),
    ("unix time", UNIX, 1.0, 6, "seconds since 1970 (Unix)"),
    ("timestamp", UNIX, 1e-3, 0, "milliseconds since 1970"),
    ("t_ms", UNIX, 1e-3, 3, "milliseconds since 1970"),
    ("epoch (us)", UNIX, 1e-6, 0, "microseconds since 1970"),
    ("timestamp_ns", UNIX, 1e-9, 0, "nanoseconds since 1970"),
    ("Zeit", datetime(1899, 12, 30), 86400.0, 10, "days since 1899-12-30 (Excel)"),
]


def count(moment: datetime, since: datetime, unit_s: float, digits: int) -> str:
    """What a program writes that counts in this unit."""
    passed = moment - since
    ns = (passed.days * 86400 + passed.seconds) * 10**9 + passed.microseconds * 1000
    if unit_s == 86400.0:
        return f"{ns / 86400e9:.{digits}f}"
    whole, rest = divmod(ns, round(unit_s * 1e9))
    return f"{whole}.{rest * 10**digits // round(unit_s * 1e9):0{digits}d}" if digits else str(whole)


def read(tmp_path, content: str) -> Reader:
    path = tmp_path / "t.csv"
    path.write_text(content)
    reader = Reader(path)
    reader.update()
    return reader


@pytest.mark.parametrize(("name", "since", "unit_s", "digits", "said"), EPOCHS)
def test_counts_of_an_epoch_are_the_moments_that_were_counted(tmp_path, name, since, unit_s, digits, said):
    rows = "".join(f"{count(moment, since, unit_s, digits)},{k}\n" for k, moment in enumerate(MOMENTS))
    reader = read(tmp_path, f"{name},n\n{rows}")
    found = reader.time_frame()["datetime"].to_list()
    grain = timedelta(milliseconds=1) if unit_s == 86400.0 else timedelta(0)
    assert all(abs(a - b) <= grain for a, b in zip(found, MOMENTS, strict=True)), found
    assert reader.remarks() == [f"column {name!r} is taken for {said}"]


@pytest.mark.parametrize(("name", "since", "unit_s", "digits", "said"), EPOCHS)
def test_counts_are_the_same_times_with_decimal_commas(tmp_path, name, since, unit_s, digits, said):
    rows = "".join(f"{count(moment, since, unit_s, digits)};{k}.5\n" for k, moment in enumerate(MOMENTS))
    reader = read(tmp_path, f"{name};n\n{rows}".replace(".", ","))
    assert reader.frame["n"].to_list() == [k + 0.5 for k in range(8)]
    found = reader.time_frame()["datetime"].to_list()
    assert all(abs(a - b) <= timedelta(milliseconds=1) for a, b in zip(found, MOMENTS, strict=True)), found


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("timestamp", ["420000000", "420000100"]),  # a counter: 1983, were it Unix time
        ("timestamp", ["12", "13"]),
        ("timestamp", ["0.5", "1.5"]),
        ("time", ["1683631205.5e3", "17"]),  # half of them: not the column's meaning
        ("Time (ns)", ["1683631205", "1683631206"]),  # a moment of 1970, in nanoseconds as it says
        ("time (min)", ["45055.4722", "45055.4723"]),  # no program counts minutes since an epoch
        ("Cup (nA)", ["1683631205", "1683631206"]),  # in range, and no time by its name
        ("lifetime", ["1683631205", "1683631206"]),
        ("ToF (ns)", ["1683631205000000000", "1683631206000000000"]),
        ("Zeit", ["45055.5", "45056.5"]),  # days without a time of day may be seconds
        ("Zeit", ["45055.5000", "45155.5000", "45255.5000"]),  # a hundred days from row to row
    ],
)
def test_numbers_are_no_times_unless_name_and_range_say_so(tmp_path, name, cells):
    reader = read(tmp_path, f"{name},n\n" + "".join(f"{cell},1\n" for cell in cells))
    assert reader.time_frame() is None
    assert reader.rows == len(cells)
    assert reader.remarks() == []


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_a_counter_is_a_time_in_the_years_that_instruments_live_in_and_nowhere_else(first, steps):
    counts = [first]
    for step in steps:
        counts.append(counts[-1] + step)
    rule = times_of([Column("stamp", Kind.INTEGER)], [[str(n) for n in counts]], Notation()).rule
    if rule is not None:
        assert rule.before_ns == 0 or rule.before_ns == 2_082_844_800 * 10**9
        years = [(UNIX + timedelta(microseconds=(n * rule.unit_ns - rule.before_ns) // 1000)).year for n in counts]
        assert sum(2000 <= year < 2040 for year in years) > 0.8 * len(years)
    else:
        assert not all(946_684_800 <= n < 2_208_988_800 for n in counts)


ORDERS = {"dmy": "%d{0}%m{0}%Y", "mdy": "%m{0}%d{0}%Y", "ymd": "%y{0}%m{0}%d"}


@given(st.sampled_from(sorted(ORDERS)), st.sampled_from("/-"), st.integers(0, 400), st.integers(0, 23))
def test_a_number_above_twelve_decides_the_order_of_all_dates(order, sign, day, hour):
    begin = datetime(2023, 1, 1) + timedelta(days=day, hours=hour)
    moments = [begin + timedelta(days=k) for k in range(40)]
    cells = [moment.strftime(ORDERS[order].format(sign) + " %H:%M:%S") for moment in moments]
    found = order_of([cells])
    assert found.remark == ""
    assert found.dates == order


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["05/09/2023", "05/10/2023"], "mdy"),  # what changes is the day
        (["05/09/2023", "06/09/2023"], "dmy"),
        (["05/09/2023 11:20 PM"], "mdy"),  # nobody else writes so
        (["05.09.2023"], "dmy"),
        (["5-13-23"], "mdy"),
        (["13.5.23"], "dmy"),
        (["23-05-13", "23-05-14"], "ymd"),
        (["13-5-23", "14-5-23"], "dmy"),
    ],
)
def test_evidence_of_other_kinds_decides_too(cells, order):
    assert order_of([cells])[:2] == (order, "")


def test_what_nothing_decides_is_told(tmp_path):
    reader = read(tmp_path, "When,n\n05/09/2023 11:20:05,1\n05/09/2023 11:20:06,2\n")
    assert reader.time_frame()["datetime"][0] == datetime(2023, 9, 5, 11, 20, 5)
    (remark,) = reader.remarks()
    assert "'05/09/2023'" in remark
    assert "time_format=" in remark


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("23-05-13 11:20:05", "year, month, day"),
        ("13/05/23 11:20:05", "day, month, year"),
        ("05/09/23 11:20:05", "day, month, year"),
    ],
)
def test_two_digits_each_on_one_day_are_told(tmp_path, written, order):
    reader = read(tmp_path, f"When,n\n{written},1\n{written[:-1]}6,2\n")
    (remark,) = reader.remarks()
    assert f"'{written[:8]}' is taken for {order}" in remark


def test_evidence_that_comes_late_turns_the_dates_before(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("When,n\n05/09/2023 11:20:05,1\n")
    reader = Reader(path)
    reader.update()
    assert reader.time_frame()["datetime"][0] == datetime(2023, 9, 5, 11, 20, 5)
    with path.open("a") as file:
        file.write("05/13/2023 11:20:05,2\n")
    reader.update()
    assert [moment.day for moment in reader.time_frame()["datetime"]] == [9, 13]
    assert (reader.generation, reader.remarks()) == (1, [])


@pytest.mark.parametrize(
    ("written", "zone"),
    [("2023-05-09T11:20:05+09:00", "+09:00"), ("2023-05-09T11:20:05Z", "Z"), ("2023-05-09 11:20:05", "")],
)
def test_a_zone_leaves_the_clock_on_the_wall(tmp_path, written, zone):
    reader = read(tmp_path, f"t,n\n{written},1\n")
    assert reader.time_frame()["datetime"].to_list() == [START]
    assert times_of([Column("t", Kind.DATETIME)], [[written]], Notation()).zone == zone


@pytest.mark.parametrize(
    ("cells", "last"),
    [
        (["20240314T100000Z", "20240314T100001Z"], datetime(2024, 3, 14, 10, 0, 1)),
        (["20240314_100000", "20240314_100001.5"], datetime(2024, 3, 14, 10, 0, 1, 500000)),
        (["10:00:00.123 AM 3/14/2024", "01:00:01.123 PM 3/14/2024"], datetime(2024, 3, 14, 13, 0, 1, 123000)),
        (["10:00:00 14.03.2024", "10:00:01 14.03.2024"], datetime(2024, 3, 14, 10, 0, 1)),
        (["10:00, 2024-03-14", "10:01, 2024-03-14"], datetime(2024, 3, 14, 10, 1)),
    ],
)
def test_the_time_of_day_may_stand_first_and_signs_be_missing(tmp_path, cells, last):
    reader = read(tmp_path, "Time;n\n" + "".join(f"{cell};1\n" for cell in cells))
    assert reader.time_frame()["datetime"][-1] == last


def test_text_beside_times_is_named(tmp_path):
    reader = read(tmp_path, "Time,p\n2024-03-14 10:00:00,1\n2024-03-14 10:00:01,2\nrun,3\nstop,4\n")
    (remark,) = reader.remarks()
    assert remark.startswith("column 'Time' holds 'run' beside '2024-03-14 10:00:00'; where too many are no times")
