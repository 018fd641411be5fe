"""Dates and times that the kernels read are those of Python's rule, to the nanosecond, in each order of dates."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kernels.text.test_columns import parsed
from utokyo.io.cells import Notation, cell_value
from utokyo.io.text.parser import ORDERS
from utokyo.kernels.text.cells import DATE, DATETIME, INTEGER, TIME

KINDS = (DATETIME, DATE, TIME)
SIGNS = st.sampled_from(["/", ".", "-", "/", ".", "-", " ", ", ", ". ", ":"])
DAYS = st.one_of(st.integers(0, 33).map(str), st.integers(0, 33).map("{:02}".format))
MONTHS = st.one_of(
    DAYS, st.sampled_from(["Jan", "feb", "MAR", "Mrz", "August", "Okt", "Dezember", "Foo", "septembers"])
)
YEARS = st.one_of(
    st.integers(1960, 2270).map(str), st.integers(0, 99).map("{:02}".format), st.sampled_from(["123", "20233"])
)
FIELDS = st.one_of(st.integers(0, 61).map("{:02}".format), st.integers(0, 120).map(str))
FRACTIONS = st.one_of(st.just(""), st.tuples(st.sampled_from(".,"), st.text("0123456789", max_size=12)).map("".join))
HALVES = st.sampled_from(["", "", "", " AM", " PM", "pm", " a.m.", " P.M", "  Am", " M", " AMx"])
ZONES = st.sampled_from(
    [
        "",
        "",
        "",
        "Z",
        "+09:00",
        "-0500",
        "+09",
        " UTC",
        " JST",
        "GMT",
        " CET",
        "+9:00",
        "+:00",
        "-123456",
        "z",
        " +09:00",
    ]
)


@st.composite
def moments(draw) -> str:
    """A cell that is a date, a time or both, or nearly so."""
    dates = st.permutations([draw(DAYS), draw(MONTHS), draw(YEARS)])
    date = "".join(part + draw(SIGNS) for part in draw(dates))[:-1] if draw(st.booleans()) else ""
    if not date and draw(st.booleans()):
        date = f"{draw(st.integers(1970, 2261))}{draw(SIGNS)}{draw(DAYS)}{draw(SIGNS)}{draw(DAYS)}"
    clock = ":".join(draw(st.lists(FIELDS, max_size=3))) + draw(FRACTIONS) + draw(HALVES) + draw(ZONES)
    between = draw(st.sampled_from([" ", " ", "T", ", ", "  ", "", " T,", "x"]))
    cell = draw(st.sampled_from([date, clock, date + between + clock, date + between + clock]))
    at = draw(st.integers(0, 3 * len(cell) + 1))  # a letter that is another one, now and then
    return cell[:at] + draw(st.sampled_from("0 9:.-TZaP+")) + cell[at + 1 :] if at < len(cell) else cell


def assert_as_python(cells: list[str]) -> None:
    """What the kernels read, Python reads as the same."""
    text = "".join(f"{cell};0\n" for cell in cells).encode()
    for dates, order in ORDERS.items():
        for kind in KINDS:
            values, _, left = parsed(text, [kind, INTEGER], order=order, delimiter=";")
            skipped = {row for row, _, _ in left}
            for row, cell in enumerate(cells):
                if row not in skipped:
                    assert values[0, row] == cell_value(cell, kind, Notation(dates=dates)), (cell, dates, kind)


@given(st.lists(moments(), min_size=1, max_size=30))
@example(["18.11.2026 11:06:40.789", "1.2.2026 1:02 PM", "12/31/69 23:59:59", "31-12-70", "29.02.2023", "1 Mai 2023"])
def test_what_the_kernels_read_python_reads_as_the_same(cells: list[str]):
    assert_as_python(cells)


@pytest.mark.parametrize(
    ("cell", "dates"),
    [
        ("18.11.2026 11:06:40.789", ""),
        ("18.11.2026, 11:06", ""),
        ("18.11.2026 11:06:40,789", ""),
        ("2026/1/8 9:05:03 pm", ""),
        ("2026-11-18T11:06:40.123456789012+09:00", ""),
        ("2026-11-18 11:06:40Z", ""),
        ("18 Nov 2026 11:06:40 JST", ""),
        ("1-Dez-26", ""),
        ("18-11-26 11:06:40", "dmy"),
        ("11/18/2026 12:06:40 AM", "mdy"),
        ("26.11.18 23:59:59.5", "ymd"),
        ('"18.11.2026 11:06:40"', ""),
        ("  18.11.2026 11:06:40 ", ""),
    ],
)
def test_moments_that_people_write_are_not_left_to_python(cell: str, dates: str):
    values, _, left = parsed(f"{cell};0\n".encode(), [DATETIME, INTEGER], order=ORDERS[dates], delimiter=";")

    assert not left
    assert values[0, 0] == cell_value(cell, DATETIME, Notation(dates=dates))
