"""Which line of words names the columns, and which says their units."""

from __future__ import annotations

import pytest

from utokyo.io.cells import Notation
from utokyo.io.guess.lines import body_of

ROWS = [f"2024-03-11 09:30:{i:02d},{412 + i}.5,{i}e-8" for i in range(6)]


@pytest.mark.parametrize(
    ("line", "units"),
    [
        (",degC,Pa", ("", "degC", "Pa")),
        ("[],[degC],[Pa]", ("", "degC", "Pa")),
        ("yyyy-mm-dd hh:mm:ss,degrees C,Torr", ("yyyy-mm-dd hh:mm:ss", "degrees C", "Torr")),
        ("UTC,arb. u.,a. u.", ("UTC", "arb. u.", "a. u.")),
        (",furlongs,fathoms", ("", "furlongs", "fathoms")),  # nobody knows these, but the line above names all columns
    ],
)
def test_a_line_of_units_names_no_columns(line, units):
    body = body_of(["Time,Oven,P", line, *ROWS], ",", Notation())
    assert body is not None
    assert (body.first, body.names, body.units, len(body.rows)) == (2, ("Time", "Oven", "P"), units, 6)


@pytest.mark.parametrize("title", ["Vacuum logger", "run 12,by hand", ",Oven and pressure,"])
def test_names_below_a_title_are_no_units(title):
    body = body_of([title, "Time,Oven,P", *ROWS], ",", Notation())
    assert body is not None
    assert (body.first, body.names, body.units) == (2, ("Time", "Oven", "P"), ())
