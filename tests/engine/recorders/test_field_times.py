"""A column that is called a time and is none, where tables are joined."""

from __future__ import annotations

import pytest

from utokyo import InputError, Recorder, join


@pytest.mark.parametrize("cells", [["1000", "5096", "9192"], ["a", "b", "c"], ["0.5", "1.5", "2.5"]])
def test_a_column_called_timestamp_that_is_no_time_is_not_joined_by(tmp_path, cells):
    path = tmp_path / "ticks.csv"
    path.write_text("timestamp,p\n" + "".join(f"{cell},1.5\n" for cell in cells))
    recorder = Recorder(path)
    assert "datetime" not in recorder.get_table().columns
    with pytest.raises(InputError, match="has no times"):
        join({"ticks": recorder}, every="1s")
