"""The layout of a table that nobody described: words for no value, clocks, and what the user says of it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from utokyo import InputError, Kind
from utokyo.io.guess.asked import Asked
from utokyo.io.reader import Reader
from utokyo.io.text import opening

START = datetime(2023, 5, 9, 11, 20, 5)
WORDS = ["N/A", "#N/A", "-", "--", "****", "OL", "null", "Overrange", "Sensor off", "Error"]


def read(tmp_path, content: str | bytes, asked: Asked | None = None) -> Reader:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reader = Reader(path, asked=asked or Asked())
    reader.update()
    return reader


def rows(cells: list[str], step_s: float = 1.0) -> str:
    return "".join(
        f"{START + timedelta(seconds=step_s * k):%Y-%m-%d %H:%M:%S},{cell}\n" for k, cell in enumerate(cells)
    )


@pytest.mark.parametrize("word", WORDS)
def test_a_word_for_no_value_empties_its_cell_and_is_told_once_with_its_count(tmp_path, word, caplog):
    cells = [f"{k}.5,{k}" for k in range(20)]
    for k in (3, 7, 8):
        cells[k] = f"{word},{k}"
    with caplog.at_level(logging.INFO, "utokyo"):
        reader = read(tmp_path, "t,p,n\n" + rows(cells))
    assert reader.bad_rows == 0
    assert reader.frame["p"].to_list() == [None if k in (3, 7, 8) else k + 0.5 for k in range(20)]
    assert reader.frame["n"].to_list() == list(range(20))
    assert reader.remarks() == [f"column 'p': 3 cells hold {word!r}, which is no value; they stay empty"]
    assert caplog.text.count(repr(word)) == 1


def test_the_count_of_a_word_grows_and_its_sentence_is_not_said_again(tmp_path, caplog):
    path = tmp_path / "t.csv"
    path.write_text("t,p\n" + rows([f"{k}.5" for k in range(20)] + ["OL"]))
    reader = Reader(path)
    with caplog.at_level(logging.INFO, "utokyo"):
        reader.update()
        for _ in range(3):
            with path.open("a") as file:
                file.write("2023-05-09 12:00:00,OL\n")
            reader.update()
    assert reader.remarks() == ["column 'p': 4 cells hold 'OL', which is no value; they stay empty"]
    assert caplog.text.count("'OL'") == 1


def test_each_word_of_each_column_has_its_sentence(tmp_path):
    cells = ["1.5,2.5"] * 20 + ["OL,N/A", "OL,OL", "-,3.5"]
    reader = read(tmp_path, "t,p,q\n" + rows(cells))
    assert sorted(reader.remarks()) == [
        "column 'p': 2 cells hold 'OL', which is no value; they stay empty",
        "column 'p': a cell holds '-', which is no value; it stays empty",
        "column 'q': a cell holds 'N/A', which is no value; it stays empty",
        "column 'q': a cell holds 'OL', which is no value; it stays empty",
    ]


def test_a_column_of_words_alone_has_no_kind_until_a_value_comes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("t,p\n" + rows(["OL", "OL", ""]))
    reader = Reader(path)
    reader.update()
    assert reader.columns[1].kind is Kind.NONE
    with path.open("a") as file:
        file.write("2023-05-09 12:00:00,2.5\n")
    reader.update()
    assert reader.frame["p"].to_list() == [None, None, None, 2.5]
    assert reader.remarks() == ["column 'p': 2 cells hold 'OL', which is no value; they stay empty"]


def test_a_word_for_the_time_is_a_bad_row_for_it_has_no_moment(tmp_path):
    content = "t,p\n" + rows([f"{k}" for k in range(20)]) + "N/A,20\n"
    reader = read(tmp_path, content)
    assert (reader.rows, reader.bad_rows) == (20, 1)


def test_a_value_that_fits_no_kind_is_a_bad_row_that_is_told(tmp_path):
    content = "t,p\n" + rows([f"{k}.5" for k in range(30)]) + "2023-05-09 12:00:00,0x1f\n"
    reader = read(tmp_path, content)
    assert reader.bad_row_messages == ["t.csv, line 32: p should be a number, found '0x1f'; the row was skipped"]


# --- Clocks.


def clock(steps: list[timedelta]) -> tuple[list[datetime], str]:
    moments = [START]
    for step in steps:
        moments.append(moments[-1] + step)
    return moments, "t,n\n" + "".join(f"{moment.isoformat(' ')},{k}\n" for k, moment in enumerate(moments))


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (timedelta(hours=-1) + SECOND, "59 min 59 s"),  # daylight saving
        (timedelta(milliseconds=-700), "0.7 s"),  # NTP
        (timedelta(days=-1, hours=-1), "1 d 1 h"),
    ],
)
def test_a_clock_that_goes_back_is_told_once_with_place_and_size(tmp_path, step, said):
    moments, content = clock([SECOND] * 40 + [step] + [SECOND] * 40)
    reader = read(tmp_path, content)
    (remark,) = reader.remarks()
    assert remark.startswith(f"after row 41 the clock goes back by {said}, from {moments[40]} to ")
    assert not reader.is_sorted
    assert list(reader.time_frame()["datetime"]) == moments  # and nothing is moved


def test_neighbours_that_swapped_and_a_clock_that_goes_forward_are_no_steps(tmp_path):
    _, content = clock([SECOND] * 20 + [timedelta(milliseconds=-300), timedelta(hours=1)] + [SECOND] * 20)
    assert read(tmp_path, content).remarks() == []


def test_two_steps_are_one_sentence(tmp_path):
    _, content = clock(([SECOND] * 60 + [timedelta(hours=-1)]) * 2)
    (remark,) = read(tmp_path, content).remarks()
    assert "after row 61 " in remark
    assert "(and 1 more)" in remark


def test_a_step_has_the_same_place_in_a_file_that_grew_and_after_a_restart(tmp_path):
    _, content = clock([SECOND] * 40 + [timedelta(hours=-1)] + [SECOND] * 40)
    lines = content.splitlines(keepends=True)
    path, mark = tmp_path / "t.csv", tmp_path / "mark"
    for cut in (3, 30, 41, 42, 43, 60):
        mark.unlink(missing_ok=True)
        path.write_text("".join(lines[:cut]))
        reader = Reader(path, checkpoint=mark)
        reader.update()
        reader.checkpoint()
        path.write_text(content)
        restarted = Reader(path, checkpoint=mark)
        restarted.update()
        reader.update()
        whole = Reader(path)
        whole.update()
        assert reader.remarks() == restarted.remarks() == whole.remarks()
        assert len(whole.remarks()) == 1


# --- What the user says.


def test_a_delimiter_that_is_said_is_taken(tmp_path):
    content = "a b;c\n1 2;3\n4 5;6\n"
    assert read(tmp_path, content, Asked(delimiter=" \t")).frame.columns == ["a", "b;c"]
    assert read(tmp_path, content, Asked(delimiter=";")).frame.columns == ["a b", "c"]


def test_a_decimal_sign_that_is_said_decides_what_nothing_else_does(tmp_path):
    content = "n;I\n2,155;5\n1,003;6\n"
    assert read(tmp_path, content, Asked(decimal=",")).frame["n"].to_list() == [2.155, 1.003]
    assert read(tmp_path, content, Asked(decimal=".")).frame["n"].to_list() == [2155, 1003]


@pytest.mark.parametrize(("line", "names"), [(1, ["x", "y", "a", "b"]), (3, ["a", "b"]), (0, ["column_1", "column_2"])])
def test_a_header_line_that_is_said_names_the_columns(tmp_path, line, names):
    content = "x,y\n1,2\na,b\n3,4\n" + "5,6\n" * 8
    reader = read(tmp_path, content, Asked(header_line=line))
    assert reader.frame.columns == names
    assert reader.frame.row(-1)[-2:] == (5, 6)


def test_whether_a_line_says_units_can_be_said(tmp_path):
    content = "name,where\nwalnut,hall\nelm,yard\n"
    with_units = read(tmp_path, content, Asked(header_line=1, units_row=True))
    assert [column.unit for column in with_units.columns] == ["walnut", "hall"]
    assert with_units.rows == 1
    assert read(tmp_path, content, Asked(header_line=1, units_row=False)).rows == 2


@pytest.mark.parametrize(
    ("written", "time_format"),
    [
        ("09 11 20 05 129 23", "%d %H %M %S %j %y"),
        ("20230509T112005", "%Y%m%dT%H%M%S"),
        ("5/9/2023 11h20m05", "%m/%d/%Y %Hh%Mm%S"),
    ],
)
def test_a_format_of_times_that_is_said_is_read(tmp_path, written, time_format):
    reader = read(tmp_path, f"when;n\n{written};1\n", Asked(time="when", time_format=time_format))
    assert reader.time_frame()["datetime"].to_list() in ([START], [START.replace(month=1)])


def test_a_column_that_is_said_is_the_time_though_its_name_is_not(tmp_path):
    content = "a,b\n1683631205,3766476005\n1683631206,3766476006\n"
    assert read(tmp_path, content).time_frame() is None
    for column in "ab":  # since 1970 and since 1904
        reader = read(tmp_path, content, Asked(time=column))
        assert reader.time_frame()["datetime"].to_list() == [START, START + SECOND]
    named = "time,n\n1683631205,1\n"
    assert read(tmp_path, named).time_frame() is not None
    assert read(tmp_path, named, Asked(time="none")).time_frame() is None


def test_a_column_for_times_that_is_not_there_or_holds_none_is_refused_in_a_sentence(tmp_path):
    content = "a,b\nx,1\ny,2\n"
    with pytest.raises(InputError, match=r"there is no column 'when' for time=; there are 'a', 'b'"):
        read(tmp_path, content, Asked(time="when"))
    with pytest.raises(InputError, match=r"column 'a': 'x' is no time that is known; say how .* time_format="):
        read(tmp_path, content, Asked(time="a"))
    with pytest.raises(InputError, match=r"column 'a': 'x' does not follow time_format='%Y'"):
        read(tmp_path, content, Asked(time="a", time_format="%Y"))


def test_what_the_user_says_holds_for_rows_behind_the_sample_too(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "SAMPLE_BYTES", 64)
    content = "n;I\n" + "2,155;5\n" * 50
    reader = read(tmp_path, content, Asked(decimal=","))
    assert reader.frame["n"].to_list() == [2.155] * 50


def test_an_error_of_excel_in_the_first_cell_is_no_comment(tmp_path):
    reader = read(tmp_path, "p,q\n1,2\n#N/A,3\n#DIV/0!,4\n5,6\n6,7\n")
    assert reader.frame["p"].to_list() == [1, None, None, 5, 6]
    assert reader.frame["q"].to_list() == [2, 3, 4, 6, 7]


def test_a_cell_of_several_lines_in_the_first_row_names_no_columns(tmp_path):
    reader = read(tmp_path, 't,b\n1,"x\ny"\n2,z\n3,u\n')
    assert reader.frame.columns == ["t", "b"]
    assert reader.frame["t"].to_list()[-2:] == [2, 3]
    assert reader.bad_rows + reader.rows == 4


def test_whole_numbers_beyond_64_bits_are_told(tmp_path):
    reader = read(tmp_path, "n,x\n18446744073709551616,1\n18446744073709551617,2\n")
    (remark,) = reader.remarks()
    assert remark == "column 'n': '18446744073709551616' is beyond 64 bits; 16 digits are kept"


def test_names_units_and_comments_stand_above_each_other(tmp_path):
    reader = read(tmp_path, "Time\tCup\ns\tnA\n\tbeam on\n1\t2.5\n2\t3.5\n")
    assert reader.frame.columns == ["Time", "Cup"]
    assert [column.unit for column in reader.columns] == ["s", "nA"]
    assert reader.frame["Cup"].to_list() == [2.5, 3.5]


def test_the_time_of_day_may_be_named_as_the_time(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Date,T,p\n2023-05-09,11:00:05,1\n2023-05-09,11:00:06,2\n")
    reader = Reader(path, asked=Asked(time="T"))
    reader.update()
    assert reader.time_frame()["datetime"].to_list()[0] == datetime(2023, 5, 9, 11, 0, 5)
