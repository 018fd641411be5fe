"""The decimal sign and the sign between thousands, weighed over all cells of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo import Kind
from utokyo.io.cells import Notation, cell_value
from utokyo.io.guess.signs import signs_of
from utokyo.io.reader import Reader

NOTATIONS = [(".", ""), (",", ""), (".", ","), (",", "."), (".", "'")]


def written(value: float, digits: int, decimal: str, thousands: str) -> str:
    """A number as a program with these signs writes it."""
    text = f"{value:,.{digits}f}" if thousands else f"{value:.{digits}f}"
    return text.replace(",", "T").replace(".", decimal).replace("T", thousands)


@given(
    st.sampled_from(NOTATIONS),
    st.lists(st.tuples(st.integers(-9_999_999, 9_999_999), st.integers(0, 4)), min_size=1, max_size=30),
    st.integers(1, 3),
)
def test_signs_with_evidence_give_the_numbers_that_were_written(signs, numbers, columns):
    decimal, thousands = signs
    cells = [written(n / 10**digits, digits, decimal, thousands) for n, digits in numbers]
    cells += [f"0{decimal}5", f"12{decimal}25"]  # these can be nothing else
    if thousands:
        cells += [written(1_234_567.5, 1, decimal, thousands)]
    found = signs_of([cells[k::columns] for k in range(columns)])
    assert found.decimal == decimal
    assert found.undecided == ()
    notation = Notation(found.decimal, found.thousands)
    values = [cell_value(cell, Kind.FLOAT, notation) for cell in cells[: len(numbers)]]
    assert values == [float(f"{n / 10**digits:.{digits}f}") for n, digits in numbers]


@given(st.lists(st.integers(1, 999), min_size=1, max_size=20), st.lists(st.integers(0, 999), min_size=1, max_size=20))
def test_groups_beside_decimals_of_another_column_are_thousands(heads, parts):
    groups = [f"{head}.{part:03d}" for head, part in zip(heads, parts, strict=False)]
    assert signs_of([groups, ["19,47", "20,4"]])[:2] == (",", ".")
    commas = [cell.replace(".", ",") for cell in groups]
    assert signs_of([commas, ["19.47", "20.4"]])[:2] == (".", ",")


def table(tmp_path, text: str) -> Reader:
    path = tmp_path / "t.csv"
    path.write_text(text)
    reader = Reader(path)
    reader.update()
    return reader


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("n;I\n3.155;18,47\n812;20,4\n", [(3155, 18.47), (812, 20.4)]),
        ('n,I\n"2,003.4",1.5\n"812.5",2.5\n', [(2003.4, 1.5), (812.5, 2.5)]),
        ("n;I\n2'003.4;1.5\n812.5;2.5\n", [(2003.4, 1.5), (812.5, 2.5)]),
        ("n;I\n1.003.400;1,5\n7;2,5\n", [(1003400, 1.5), (7, 2.5)]),
        ("n;I\n2.155;1.5\n1.003;2.25\n", [(2.155, 1.5), (1.003, 2.25)]),  # the point is the decimal sign there
    ],
)
def test_one_decision_holds_for_a_file(tmp_path, content, values):
    reader = table(tmp_path, content)
    assert reader.frame.rows() == values
    assert reader.bad_rows == 0


def test_what_nothing_decides_is_text_and_one_sentence(tmp_path):
    reader = table(tmp_path, "n;I\n2,155;5\n1,003;6\n")
    assert reader.frame.rows() == [("2,155", 5), ("1,003", 6)]
    (remark,) = reader.remarks()
    assert "'2,155'" in remark
    assert "decimal=" in remark


def test_a_decimal_that_comes_late_decides_for_the_rows_before(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("n;I\n2,155;5\n")
    reader = Reader(path)
    reader.update()
    assert reader.frame["n"].to_list() == ["2,155"]
    with path.open("a") as file:
        file.write("1,5;6\n")
    reader.update()
    assert reader.frame["n"].to_list() == [2.155, 1.5]
    assert reader.generation == 1  # who derived something from the text learns of it
    assert reader.remarks() == []
