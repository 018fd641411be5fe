"""A header in the middle of a file of a known format: rows go by it, with its columns and its start."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo import (
    CoilRecorder,
    GaugeRecorder,
    HeaterRecorder,
    InputError,
    IonRecorder,
    LaserRecorder,
    PMTRecorder,
    Recorder,
    SSDParser,
    SSDRecorder,
)
from utokyo.io.reader import Reader

COUNTER = 1 << 32


def ssd_header(start: str, unit_s: str = "1.000000e-006") -> str:
    return (
        f"Model,WE7562\nBlockSize,3\nTraceName,Time,PulseHeight\n//StartDate,2022/03/14\n//StartTime,{start}\n"
        f"//TimeResolution,{unit_s}\n"
    )


def pulses(ticks: list[int]) -> str:
    return "".join(f"0,{tick},2463\n" for tick in ticks)


HEADERS: list[tuple[type[Recorder], str, str, str]] = [
    (
        PMTRecorder,
        "No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n",
        "{n},2022/03/14 12:00:{n:02d},1.5,2,1\n",
        "p",
    ),
    (CoilRecorder, "Time\tCoilOperation\n", "2022/03/14 12:00:{n:02d}\tON\n", "c"),
    (GaugeRecorder, "Timestamp,Rb disp.,NC,NC,\n", "2022/03/14 12:00:{n:02d},1e-6,1,2,\n", "g"),
    (IonRecorder, "Timestamp,FC,Center,Surrounding,\n", "2022/03/14 12:00:{n:02d},1.5,2,3,\n", "i"),
    (
        HeaterRecorder,
        "PROTEM Logging Tool File Format Version.,1\nMode,2\n",
        "2022/03/14,12:00:{n:02d},x,10,{n}\n",
        "h",
    ),
    (SSDRecorder, ssd_header("12:00:00"), "0,{n}000000,2463\n", "s"),
    (
        LaserRecorder,
        "WLMLTAID02\nStartTime\t14.03.2022, 12:00:00.000\n\n[Measurement data]\n26\t0\n"
        "Time  [ms]\tSignal 1  Wavelength, vac.  [nm]\n",
        "{n}000\t780.{n}\n",
        "l",
    ),
]


@pytest.mark.parametrize(("recorder", "header", "row", "name"), HEADERS, ids=[kind.__name__ for kind, *_ in HEADERS])
@pytest.mark.parametrize("step", [0, 1, 7])
def test_the_same_header_again_is_no_bad_row(tmp_path, recorder, header, row, name, step, caplog):
    path = tmp_path / f"{name}.csv"
    rows = [row.format(n=n) for n in range(1, 9)]
    content = header + "".join(rows[:4]) + header + "".join(rows[4:])
    reader = recorder(path)
    with caplog.at_level(logging.INFO, "utokyo"):
        for stop in range(0, len(content), step) if step else ():
            path.write_text(content[:stop])
            reader.update()
        path.write_text(content)
        table = reader.get_table()
    assert (reader.rows, reader.bad_rows) == (8, 0)
    (remark,) = reader.remarks()
    line = header.count("\n") + 5
    assert remark == f"{name}.csv, line {line}: another header; the rows behind it go by it"
    assert caplog.text.count("another header") == 1
    whole = tmp_path / "whole.csv"
    whole.write_text(header + "".join(rows))
    assert table.equals(recorder(whole).get_table())


def test_gauges_do_not_swap_their_pressures(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text(
        "Timestamp,Rb disp.,IG,CC,\n2022/03/14 12:00:00,1,2,3,\n"
        "Timestamp,Rb disp.,CC,IG,\n2022/03/14 12:00:01,1,30,20,\n"
        "Timestamp,CC,\n2022/03/14 12:00:02,300,\n"
        "Timestamp,Rb disp.,IG,CC,New,\n2022/03/14 12:00:03,1,2000,3000,4,\n"
    )
    recorder = GaugeRecorder(path)
    data = recorder.get_data()
    assert data["IG"].to_list() == [2.0, 20.0, None, 2000.0]
    assert data["CC"].to_list() == [3.0, 30.0, 300.0, 3000.0]
    assert data["New"].to_list() == [None, None, None, 4.0]
    assert data["Rb disp."].to_list() == [1.0, 1.0, None, 1.0]
    assert recorder.bad_rows == 0
    assert [remark.partition(": ")[2].partition(";")[0] for remark in recorder.remarks()] == [
        "another header (in another order)",
        "another header (without 'IG', 'Rb disp.')",
        "another header (new columns 'IG', 'New', 'Rb disp.')",
    ]


def test_a_column_that_another_format_brings_later_holds_what_its_cells_say(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text(
        "Time\tCoilOperation\n2022/03/14 12:00:00\tON\nTime\tCoilOperation\tBy\tn\tx\n"
        "2022/03/14 12:00:01\tOFF\tshift 2\t1\t7\n2022/03/14 12:00:02\tON\tshift 3\t2\t7.5\n"
    )
    recorder = CoilRecorder(path)
    data = recorder.get_data()
    assert data["By"].to_list() == [None, "shift 2", "shift 3"]
    assert data["n"].to_list() == [None, 1, 2]
    assert data["x"].to_list() == [None, 7.0, 7.5]
    assert (recorder.rows, recorder.bad_rows) == (3, 0)


def test_words_for_no_value_lose_no_row_of_a_known_format_and_are_told_once(tmp_path, caplog):
    path = tmp_path / "g.csv"
    path.write_text(
        "Timestamp,Rb disp.,IG,\n"
        + "".join(f"2022/03/14 12:00:{s:02d},{'Sensor off' if s % 2 else s},{s},\n" for s in range(20))
        + "2022/03/14 12:00:30,1,OL,\n2022/03/14 12:00:31,1,0x1f,\n"
    )
    recorder = GaugeRecorder(path)
    with caplog.at_level(logging.INFO, "utokyo"):
        data = recorder.get_data()
        recorder.get_data()
    assert data["IG"].to_list() == [*map(float, range(20)), None]
    assert data["Rb disp."].null_count() == 10
    assert recorder.bad_rows == 1
    assert sorted(recorder.remarks()) == [
        "column 'IG': a cell holds 'OL', which is no value; it stays empty",
        "column 'Rb disp.': 10 cells hold 'Sensor off', which is no value; they stay empty",
    ]
    assert caplog.text.count("'Sensor off'") == 1


# --- Second runs and counters of the SSD.


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_a_second_run_of_the_ssd_counts_from_its_own_start(tmp_path, chunk):
    path = tmp_path / "s.csv"
    path.write_text(
        ssd_header("10:00:00") + pulses([0, 1_500_000, 2_000_000])
        + ssd_header("11:00:00", "1.000000e-003") + pulses([0, 1_500, 2_500])
    )  # fmt: skip
    begin, again = datetime(2022, 3, 14, 10), datetime(2022, 3, 14, 11)
    moments = [begin + timedelta(seconds=s) for s in (0, 1.5, 2)] + [
        again + timedelta(seconds=s) for s in (0, 1.5, 2.5)
    ]
    recorder = SSDRecorder(path)
    table = recorder.get_table()
    assert table["datetime"].to_list() == moments
    assert recorder.is_sorted
    assert [remark.partition("(")[2].partition(")")[0] for remark in recorder.remarks()] == ["with another start"]
    chunks = list(SSDParser(path, lines_per_update=chunk))
    assert [moment for part in chunks for moment in part["datetime"]] == moments


def test_a_second_run_without_a_start_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(ssd_header("10:00:00") + pulses([0, 1]) + ssd_header("noon") + pulses([0, 1]))
    for _ in range(2):
        with pytest.raises(InputError, match=r"s\.csv, the header from line 9 on: .* should be a date and a time") as e:
            SSDRecorder(path).get_table()
        assert "\n" not in str(e.value)


def times_of(path: Path) -> tuple[list[int], list[str], bool]:
    recorder = SSDRecorder(path)
    table = recorder.get_table()
    start = int(datetime(2022, 3, 14, 10).timestamp() - datetime(1970, 1, 1).timestamp()) * 10**9
    return [(n - start) // 1000 for n in table["timestamp"].to_list()], recorder.remarks(), recorder.is_sorted


@given(st.lists(st.integers(0, COUNTER // 20), min_size=1, max_size=60), st.integers(0, COUNTER - 1))
def test_a_counter_of_32_bits_is_unfolded(tmp_path_factory, steps, first):
    path = tmp_path_factory.getbasetemp() / "wraps.csv"
    ticks = [first]
    for step in steps:
        ticks.append(ticks[-1] + step)
    path.write_text(ssd_header("10:00:00") + pulses([tick % COUNTER for tick in ticks]))
    found, remarks, is_sorted = times_of(path)
    assert found == ticks
    assert is_sorted
    wraps = ticks[-1] // COUNTER
    assert len(remarks) == bool(wraps)
    if wraps:
        place = next(i for i, tick in enumerate(ticks) if tick >= COUNTER)
        more = f" (and {wraps - 1} more)" if wraps > 1 else ""
        assert remarks == [f"after row {place} the counter begins anew at 2^32{more}; the times go on"]


@pytest.mark.parametrize(
    "ticks",
    [
        [4_000_000_000, 500_000_000, 600_000_000],  # back by 3.5e9: no wrap
        [4_294_000_000, 2_000_000_000],
        [3_000_000, 1_000_000, 2_000_000],
        [65_535, 0, 10_000_000],
        [2_147_483_647, 0, 1],
    ],
)
def test_what_is_no_wrap_is_not_unfolded(tmp_path, ticks):
    path = tmp_path / "s.csv"
    path.write_text(ssd_header("10:00:00") + pulses(ticks))
    recorder = SSDRecorder(path)
    assert recorder.get_data()["Time_x"].to_list() == ticks
    found, remarks, is_sorted = times_of(path)
    assert found == sorted(ticks)
    assert not is_sorted
    assert not any("2^32" in remark for remark in remarks)


def test_a_wrap_before_a_clock_that_goes_back_leaves_both_told(tmp_path, caplog):
    path = tmp_path / "s.csv"
    ticks = list(range(4_290_000_000, COUNTER, 1_000_000)) + list(range(0, 60_000_000, 1_000_000))
    path.write_text(ssd_header("10:00:00") + pulses(ticks))
    recorder = SSDRecorder(path)
    with caplog.at_level(logging.INFO, "utokyo"):
        recorder.update()
        with path.open("a") as file:
            file.write(pulses([30_000_000, 61_000_000]))
        recorder.update()
        recorder.update()
    assert caplog.text.count("begins anew at 2^32") == 1
    assert caplog.text.count("the clock goes back by 29 s") == 1
    assert len(recorder.remarks()) == 2


@pytest.mark.parametrize("cut", range(2, 12))
def test_a_restart_between_headers_and_wraps_changes_nothing(tmp_path, cut):
    content = (
        ssd_header("10:00:00") + pulses([0, 4_294_900_000, 100, 200]) + ssd_header("13:00:00") + pulses([5, 6, 4, 7])
    )
    path, mark = tmp_path / "s.csv", tmp_path / "mark"
    lines = content.splitlines(keepends=True)
    path.write_text("".join(lines[: 6 + cut]))
    reader = Reader(path, SSDRecorder.layout, checkpoint=mark)
    reader.update()
    before = reader.rows
    reader.checkpoint()
    path.write_text(content)
    reader.update()
    restarted = Reader(path, SSDRecorder.layout, checkpoint=mark)
    restarted.update()
    whole = Reader(path, SSDRecorder.layout)
    whole.update()
    assert restarted.rows == whole.rows == 8
    assert restarted.frame.height == 8 - before
    assert restarted.time_frame().equals(whole.time_frame().tail(8 - before))
    assert restarted.remarks() == reader.remarks() == whole.remarks()


def test_a_second_measurement_of_the_wavemeter_may_have_other_frames_and_another_start(tmp_path):
    def measurement(start: str, frames: list[str], rows: list[str]) -> str:
        index = "26\t" + "\t".join(map(str, range(len(frames)))) + "\n"
        head = f"WLMLTAID02\nStartTime\t15.03.2022, {start}\n\n[Measurement data]\n{index}"
        return head + "Time  [ms]\t" + "\t".join(frames) + "\n" + "".join(rows)

    one, two = "Signal 1  Wavelength, vac.  [nm]", "Signal 2  Wavelength, vac.  [nm]"
    path = tmp_path / "log.lta"
    path.write_text(
        measurement("08:00:00.000", [one], ["0\t780.1\n", "1000\t780.2\n"])
        + measurement("09:00:00.000", [two, one], ["0\t718.5\n", "500\t\t780.3\n"])
    )
    reader = Reader(path, LaserRecorder.layout)
    reader.update()
    one, two = (" ".join(name.split()) for name in (one, two))  # as names are in tables
    assert reader.frame[one].to_list() == [780.1, 780.2, None, 780.3]
    assert reader.frame[two].to_list() == [None, None, 718.5, None]
    assert reader.time_frame()["datetime"].cast(str).to_list()[2:] == [
        "2022-03-15 09:00:00.000000000",
        "2022-03-15 09:00:00.500000000",
    ]
    assert reader.bad_rows == 0
