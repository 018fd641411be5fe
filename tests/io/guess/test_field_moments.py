"""Times as loggers and people write them, and which of several columns is the time of rows."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo import Recorder
from utokyo.io.cells import datetime_ns
from utokyo.io.guess.moments import order_of

NOON = "2023-05-09 11:20:05"


def ns(moment: str) -> int:
    return int(np.datetime64(moment, "ns").astype(np.int64))


@pytest.fixture
def recorder(tmp_path):
    def read(content: str) -> Recorder:
        path = tmp_path / "log.csv"
        path.write_text(content, encoding="utf-8")
        found = Recorder(path)
        found.get_table()
        return found

    return read


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2023-05-09-11:20:05", NOON),
        ("2023-05-09_11:20:05.5", f"{NOON}.5"),
        ("09.05.2023 11.20.05", NOON),
        ("2023-05-09 11-20-05", NOON),
        ("2023/05/09 11:20:05:250", f"{NOON}.25"),
        ("May 9, 2023 11:20:05 PM", "2023-05-09 23:20:05"),
        ("09. Mai 2023 11:20:05", NOON),
        ("Tue May  9 11:20:05 2023", NOON),
        ("Tue, 09 May 2023 11:20:05 +0900", NOON),
        ("2023年05月09日 11時20分05秒", NOON),
        ("2023年5月9日 午後 1時20分", "2023-05-09 13:20:00"),
        ("2023/05/09 午前 00:20:05", "2023-05-09 00:20:05"),
        ("2023/05/09 午後 0:20:05", "2023-05-09 12:20:05"),
    ],
)
def test_ways_of_writing_a_moment(written, expected):
    assert datetime_ns(written) == ns(expected)


@pytest.mark.parametrize(
    "written", ["2023-05-09 11.20", "2023-05-09 1:2:3:4567", "Sensor 3 11:20:05", "2023-05-09 11-20.05", "月曜日"]
)
def test_what_is_no_moment(written):
    assert datetime_ns(written) is None


@pytest.mark.parametrize(
    ("cells", "order", "is_told"),
    [
        (["23-05-09", "23-05-10", "23-05-11"], "ymd", False),  # days change first
        (["23-05-09"], "ymd", True),  # or the 23rd in 2009
        (["23-05-29", "23-05-30"], "ymd", False),
        (["09-05-23", "10-05-23"], "dmy", False),
        (["09.05.23"], "dmy", False),
        (["05/31/23"], "mdy", False),
        (["05/09/2023"], "dmy", True),
        (["05/09/2023", "45/13/2023", "05/10/2023"], "mdy", False),  # one that is none
    ],
)
def test_the_order_of_dates(cells, order, is_told):
    found = order_of([cells])
    assert (found.dates, bool(found.remark)) == (order, is_told)


def test_a_start_beside_date_and_time_is_not_the_time(recorder):
    found = recorder("Start,Date,Time,p\n" + "".join(f"10:00:00,2023-05-09,11:20:0{i},{i}\n" for i in range(5)))
    assert found.get_table()["timestamp"][0] == ns("2023-05-09 11:20:00")


def test_the_column_that_changes_and_is_called_a_time_is_the_time_and_the_other_is_named(recorder):
    rows = "".join(f"2023-05-09 08:00:00,2023-05-09 11:20:0{i},{i}\n" for i in range(5))
    found = recorder("Run start,Time,p\n" + rows)
    assert found.get_table()["timestamp"][0] == ns("2023-05-09 11:20:00")
    assert any("'Run start'" in remark for remark in found.remarks())


@pytest.mark.parametrize("zone", ["Z", "+09:00", "+0900"])
def test_a_zone_is_metadata_and_told(recorder, zone):
    found = recorder("Time,p\n" + "".join(f"2023-05-09T11:20:0{i}{zone},{i}\n" for i in range(5)))
    assert found.get_table()["timestamp"][0] == ns("2023-05-09 11:20:00")
    assert found.get_metadata()["Time (zone)"].to_list() == [zone]
    assert any(repr(zone) in remark for remark in found.remarks())


def test_a_time_that_nobody_knows_is_told(recorder):
    found = recorder("Time,p\n" + "".join(f"day 12 h 3 s {i}17,{i}\n" for i in range(5)))
    assert "timestamp" not in found.get_table().columns
    assert any("time_format=" in remark for remark in found.remarks())
