"""A logger that is started again with other channels: its rows go by their own header, and none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from utokyo import Recorder

FIRST = "Time,A,B\n" + "".join(f"2024-03-11 09:30:0{i},{i},{i}.5\n" for i in range(3))


def grown(path: Path, content: str, step: int) -> Recorder:
    """The recorder of a file that was looked at whenever it had grown by some bytes."""
    path.touch()
    recorder = Recorder(path)
    for at in range(0, len(content), step):
        with path.open("a") as file:
            file.write(content[at : at + step])
        recorder.get_table()
    return recorder


@pytest.mark.parametrize("names", ["X,Y", "X,Y,Z", "X", "X,Y,Z,V,W"])
@pytest.mark.parametrize("step", [1000, 7])
def test_columns_of_other_names_are_other_columns(tmp_path, names, step):
    others = names.split(",")
    cells = ",".join(f"10{k}" for k in range(len(others)))
    content = FIRST + f"Time,{names}\n" + "".join(f"2024-03-11 09:31:0{i},{cells}\n" for i in range(3))
    recorder = grown(tmp_path / "log.csv", content, step)
    table = recorder.get_table()
    assert table["A"].to_list() == [0, 1, 2, None, None, None]
    for k, name in enumerate(others):
        assert table[name].to_list() == [None] * 3 + [100 + k] * 3
    assert table["datetime"].null_count() == 0
    assert recorder.bad_rows == 0
    assert ["line 5: another header" in remark for remark in recorder.remarks()] == [True]


@pytest.mark.parametrize("step", [1000, 7])
@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ("Time,A,B\n{t}1,1,2\n{t}2,3,4\n", "Zeit,X,Y\n{t}3,5,6\n{t}4,7,8\n", "XY"),
        ("A,B\n1,2\n3,4\n", "X,Y\n5,6\n7,8\n", "XY"),
        ("A,B,n\n1,2,0\n3,4,0\n", "X,Y,m\n5,6,1\n7,8,1\n", "XY"),
    ],
)
def test_no_name_need_be_the_same(tmp_path, first, second, names, step):
    content = (first + second).format(t="2024-03-11 09:30:0")
    recorder = grown(tmp_path / "log.csv", content, step)
    table = recorder.get_table()
    assert table.select("A", "B").rows() == [(1, 2), (3, 4), (None, None), (None, None)]
    assert table.select(*names).rows() == [(None, None), (None, None), (5, 6), (7, 8)]
    assert recorder.bad_rows == 0
    assert ("Zeit" in content) == ("datetime" in table.columns)
    assert "datetime" not in table.columns or table["datetime"].is_sorted()
    assert len(recorder.remarks()) == 1


@pytest.mark.parametrize("line", ["Error,off", "Sensor off,Overrange", "x,x", "Mean,Max", "valve opened"])
def test_words_that_are_no_names_begin_no_other_columns(tmp_path, line):
    path = tmp_path / "log.csv"
    path.write_text("A,B\n" + "1,2\n" * 6 + f"{line}\n" + "5,6\n" * 3)
    table = Recorder(path).get_table()
    assert table.columns == ["A", "B"]
    assert table["A"].drop_nulls().to_list() == [1] * 6 + [5] * 3


def test_states_of_a_column_that_comes_later_are_text(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(FIRST + "Time,A,B,Valve\n2024-03-11 09:31:00,1,2,open\n2024-03-11 09:31:01,1,2,OFF\n")
    assert Recorder(path).get_table()["Valve"].to_list() == [None, None, None, "open", "OFF"]
