"""Signs between thousands in Swiss and French files, and what only looks like them."""

from __future__ import annotations

import pytest

from utokyo import Recorder
from utokyo.io.guess.signs import signs_of


@pytest.mark.parametrize("sign", ["'", "\u2019", " ", "\u00a0", "\u202f"])
def test_signs_that_are_never_decimal_are_between_thousands(tmp_path, sign):
    path = tmp_path / "log.csv"
    rates = ["998,2", f"1{sign}003,4", f"12{sign}040,1", "3,2"]
    counts = ["12", f"1{sign}003", f"12{sign}345{sign}678", "5"]
    rows = (f"2023-05-09 11:20:0{i};{rate};{count}" for i, (rate, count) in enumerate(zip(rates, counts, strict=True)))
    path.write_text("\n".join(["Heure;Taux;n", *rows, ""]), encoding="utf-8")
    table = Recorder(path).get_table()
    assert table["Taux"].to_list() == [998.2, 1003.4, 12040.1, 3.2]
    assert table["n"].to_list() == [12, 1003, 12345678, 5]


@pytest.mark.parametrize("cells", [["5 123", "6 124"], ["1 2", "3 4"], ["12 34", "998"], ["1'00", "2'15"]])
def test_two_numbers_in_a_cell_are_not_one(cells):
    assert signs_of([cells]).thousands == ""
