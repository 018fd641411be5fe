"""Delimiters, comments, units and names in files as instruments write them."""

from __future__ import annotations

import pytest

from utokyo import Recorder
from utokyo.io.guess.comments import is_comment
from utokyo.io.guess.delimiters import delimiter_of
from utokyo.io.guess.units import are_units


def moment(second: int) -> str:
    return f"2023-05-09 11:20:{second:02d}"


@pytest.fixture
def table(tmp_path):
    def read(content: str):
        path = tmp_path / "log.txt"
        path.write_text(content, encoding="utf-8")
        recorder = Recorder(path)
        found = recorder.get_table()
        assert recorder.bad_rows == 0, recorder.bad_row_messages
        return found

    return read


def test_decimal_commas_between_blanks_are_no_delimiters(table):
    found = table("".join(f"{i},5   {i + 1},25\n" for i in range(6)))
    assert found["column_1"].to_list() == [i + 0.5 for i in range(6)]
    assert found["column_2"].to_list() == [i + 1.25 for i in range(6)]


def test_decimal_commas_below_one_name_are_one_column(table):
    found = table("Spannung\n" + "".join(f"{i},5\n" for i in range(6)))
    assert found["Spannung"].to_list() == [i + 0.5 for i in range(6)]


@pytest.mark.parametrize(
    "lines",
    [
        ["Time,A", *(f"{moment(i)},{i}" for i in range(6))],
        ["0, 1", "1, 2", "2, 3"],
        ["x,y", "1,2", "3,4"],
        ["1,2", "3,4"],
    ],
)
def test_other_commas_delimit(lines):
    assert delimiter_of(lines) == ","


def test_semicolons_begin_comments_where_they_do_not_delimit(table):
    rows = [f"{moment(i)},{i},{i}.5" for i in range(8)]
    rows[3:3] = ["; valve opened, by hand"]
    found = table("\n".join(["; logger 3", "Time,A,B", *rows, ""]))
    assert found["A"].to_list() == list(range(8))
    assert not is_comment(";mbar;K")
    assert is_comment("; by hand", ",")


def test_an_empty_first_cell_is_no_comment(table):
    found = table("Zeit;p;T\n;mbar;K\n" + "".join(f"{moment(i)};{i}e-7;29{i}\n" for i in range(5)))
    assert found["T"].to_list() == [290, 291, 292, 293, 294]


def test_a_line_for_excel_names_the_delimiter_alone(table):
    found = table("sep=;\nTime;A\n" + "".join(f"{moment(i)};{i},5\n" for i in range(3)))
    assert found["A"].to_list() == [0.5, 1.5, 2.5]


@pytest.mark.parametrize(
    "units", ["YYYY-MM-DD hh:mm:ss,Pa,degC", "(date),[mbar*l/s],(K)", "-,V/Hz,mbar l/s", ",Vpp,%RH"]
)
def test_units_are_no_names(table, units):
    assert are_units(units.split(","))
    found = table(f"Time,p,T\n{units}\n" + "".join(f"{moment(i)},{i}e-7,29{i}\n" for i in range(5)))
    assert found["T"].to_list() == [290, 291, 292, 293, 294]


@pytest.mark.parametrize("names", [["Scan", "Time", "Alarm 101"], ["Sensor", "Pump"], ["Time", "Date"]])
def test_names_are_no_units(names):
    assert not are_units(names)


def test_keys_that_were_padded_are_above_the_names(table):
    above = "Name:,Data 1,,\nAcquisition Date:,5/13/2023 11:20:05 AM,,\n\nScan,Time,101 (C),Alarm 101\n"
    found = table(above + "".join(f"{i + 1},05/13/2023 11:20:{i:02d},{i}.5,0\n" for i in range(8)))
    assert found["101 (C)"].to_list() == [i + 0.5 for i in range(8)]
    assert found["Scan"].to_list() == list(range(1, 9))


def test_dates_whose_order_is_not_known_yet_are_no_names(table):
    found = table("".join(f"09-05-2023 11:20:05;{cell}\n" for cell in ["", "", "", "", "", "0,000", "0,250", "3"]))
    assert found.columns[:2] == ["column_1", "column_2"]
    assert found["column_2"].to_list() == [None, None, None, None, None, 0.0, 0.25, 3.0]


def test_columns_that_numbers_name(table):
    found = table("Time\t780.24\t718.21\n" + "".join(f"{i}.5\t{i}\t{i}.25\n" for i in range(6)))
    assert found.columns == ["Time", "780.24", "718.21"]
    assert found.height == 6


def test_a_first_row_with_a_word_for_no_value_names_nothing(table):
    found = table("Error,1.5,2.5\n" + "".join(f"{i}.5,{i},{i}.25\n" for i in range(6)))
    assert found.height == 7
    assert found["column_1"][0] is None


def test_lines_of_a_journal_are_rows(table):
    assert table("".join(f"[{moment(i)}] p = {i}.5e-7 mbar\n" for i in range(6))).height == 6


def test_lines_that_are_two_integers_or_a_decimal_are_told(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("0,5\n1,5\n2,5\n")
    recorder = Recorder(path)
    assert recorder.get_table().width == 2
    assert [remark for remark in recorder.remarks() if "'0,5' is taken for two columns" in remark]
    assert Recorder(path, delimiter=";", decimal=",").get_table()["column_1"].to_list() == [0.5, 1.5, 2.5]
