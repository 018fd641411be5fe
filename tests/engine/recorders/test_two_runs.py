"""A file that holds several runs: each row has what its own header says."""

from __future__ import annotations

from datetime import datetime

import pytest

from utokyo import SSDRecorder

RUN = """Model,WE7562
BlockSize,2
TraceName,Time,PulseHeight
//StartDate,2022/03/14
//StartTime,{start}
//TimeResolution,1.000000e-006
//LLD,{lld}
0,1000000,{height}
1,2000000,{height}
"""


@pytest.fixture
def two_runs(tmp_path):
    path = tmp_path / "ssd.csv"
    path.write_text(RUN.format(start="10:00:00", lld=500, height=2463))
    return path


def _add(path, **values):
    with path.open("a") as file:
        file.write(RUN.format(**values))


@pytest.mark.parametrize("looks", [False, True])
def test_each_row_has_the_metadata_of_its_own_run(two_runs, looks):
    recorder = SSDRecorder(two_runs)
    if looks:
        assert recorder.get_table()["//LLD"].to_list() == [500, 500]
    _add(two_runs, start="11:30:00", lld=650, height=2500)
    table = recorder.get_table()
    assert table["//LLD"].to_list() == [500, 500, 650, 650]
    assert table["//StartTime"].to_list() == ["10:00:00"] * 2 + ["11:30:00"] * 2
    assert table["datetime"].to_list() == [
        datetime(2022, 3, 14, 10, 0, 1), datetime(2022, 3, 14, 10, 0, 2),
        datetime(2022, 3, 14, 11, 30, 1), datetime(2022, 3, 14, 11, 30, 2),
    ]  # fmt: skip
    assert recorder.get_metadata()["//LLD"].to_list() == [650]


def test_a_key_of_one_run_alone_is_empty_in_the_other(two_runs):
    _add(two_runs, start="11:30:00", lld=650, height=2500)
    text = two_runs.read_text()
    two_runs.write_text(text.replace("//LLD,650\n", "//LLD,650\n//ULD,4031\n"))
    assert SSDRecorder(two_runs).get_table()["//ULD"].to_list() == [None, None, 4031, 4031]
