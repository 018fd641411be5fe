"""What the user says of a table counts, whatever it looks like; and what is kept of a zone."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from utokyo import InputError, Recorder

AMBIGUOUS = "Time,N\n05/06/2024 10:00:00,1\n05/06/2024 10:00:01,2\n"


def table_of(path, content, **options):
    path.write_text(content, encoding="utf-8")
    return Recorder(path, **options).get_table()


@pytest.mark.parametrize(
    ("time_format", "month"), [("%m/%d/%Y %H:%M:%S", 5), ("%d/%m/%Y %H:%M:%S", 6), ("%m/%d/%y %I:%M %p", 5)]
)
def test_a_format_decides_the_order_of_dates(tmp_path, caplog, time_format, month):
    table = table_of(tmp_path / "log.csv", AMBIGUOUS, time_format=time_format)
    assert table["datetime"][0] == datetime(2024, month, 11 - month, 10)
    assert "nothing in the file decides" not in caplog.text


def test_without_a_format_the_order_is_told(tmp_path, caplog):
    assert table_of(tmp_path / "log.csv", AMBIGUOUS)["datetime"][0] == datetime(2024, 6, 5, 10)
    assert "nothing in the file decides" in caplog.text


def test_digits_alone_are_times_where_the_user_says_so(tmp_path):
    content = "N,When\n" + "".join(f"{i},2024031110000{i}\n" for i in range(5))
    table = table_of(tmp_path / "log.csv", content, time="When", time_format="%Y%m%d%H%M%S")
    assert table["datetime"].to_list() == [datetime(2024, 3, 11, 10, 0, i) for i in range(5)]
    assert "datetime" not in table_of(tmp_path / "log.csv", content).columns
    days = "D,N\n20240311,1\n20240312,2\n"
    assert table_of(tmp_path / "d.csv", days, time="D", time_format="%Y%m%d")["D"].to_list() == [
        date(2024, 3, 11),
        date(2024, 3, 12),
    ]


def test_an_order_that_is_not_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="year, day, month is an order that is not read"):
        Recorder(tmp_path / "log.csv", time_format="%Y/%d/%m %H:%M:%S")


def test_a_zone_is_kept_beside_the_clock_as_it_is_written(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Time,T\n2024-03-11T09:30:00+09:00,1.5\n")
    recorder = Recorder(path)
    assert recorder.get_table()["datetime"].to_list() == [datetime(2024, 3, 11, 9, 30)]
    assert recorder.get_metadata().to_dict(as_series=False) == {"Time (zone)": ["+09:00"]}
    assert "times: column 'Time', the clock of zone +09:00" in recorder.describe()
    with path.open("a") as file:
        file.write("2024-03-11T09:30:01+10:00,2.5\n")
    assert recorder.get_table()["Time (zone)"].to_list() == ["+09:00"] * 2
    assert [remark for remark in recorder.remarks() if "the zone '+09:00' and '+10:00'" in remark]
