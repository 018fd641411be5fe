"""A logger that is started again with other channels: its rows go by their own header, and none is lost."""

from __future__ import annotations

import pytest

from utokyo import Recorder

FIRST = "Time,A,B\n" + "".join(f"2024-03-11 09:30:0{i},{i},{i}.5\n" for i in range(3))


@pytest.mark.parametrize("names", ["X,Y", "X,Y,Z", "X", "X,Y,Z,V,W"])
@pytest.mark.parametrize("step", [1000, 7])
def test_columns_of_other_names_are_other_columns(tmp_path, names, step):
    others = names.split(",")
    cells = ",".join(f"10{k}" for k in range(len(others)))
    content = FIRST + f"Time,{names}\n" + "".join(f"2024-03-11 09:31:0{i},{cells}\n" for i in range(3))
    path = tmp_path / "log.csv"
    path.touch()
    recorder = Recorder(path)
    for at in range(0, len(content), step):
        with path.open("a") as file:
            file.write(content[at : at + step])
        recorder.get_table()
    table = recorder.get_table()
    assert table["A"].to_list() == [0, 1, 2, None, None, None]
    for k, name in enumerate(others):
        assert table[name].to_list() == [None] * 3 + [100 + k] * 3
    assert table["datetime"].null_count() == 0
    assert recorder.bad_rows == 0
    assert ["line 5: another header" in remark for remark in recorder.remarks()] == [True]
