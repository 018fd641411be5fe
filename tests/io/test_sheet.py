"""Tables in Excel files: what a sheet becomes, and which one is meant."""

from __future__ import annotations

import os
import pickle
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from commands import here
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from utokyo import ImageRecorder, InputError, MissingFileError, Recorder, SpreadsheetRecorder, join, open_recorder
from utokyo.engine.command.config import read_join_config
from utokyo.io.sheet import read_sheet
from utokyo.io.times import cells

xlsxwriter = pytest.importorskip("xlsxwriter")

AT = datetime(2022, 9, 18, 12, 0, 5, 250_000)


def written(path, rows, *, top=0, left=0, **sheets):
    """A file with one sheet of rows, or with several by name."""
    with xlsxwriter.Workbook(path) as workbook:
        formats = {
            datetime: workbook.add_format({"num_format": "yyyy/mm/dd hh:mm:ss.000"}),
            date: workbook.add_format({"num_format": "yyyy-mm-dd"}),
            time: workbook.add_format({"num_format": "hh:mm:ss"}),
        }
        for name, content in (sheets or {"scan": rows}).items():
            sheet = workbook.add_worksheet(name)
            for i, row in enumerate(content):
                for k, value in enumerate(row):
                    if value is None:
                        continue
                    if type(value) in formats:
                        sheet.write_datetime(top + i, left + k, value, formats[type(value)])
                    else:
                        sheet.write(top + i, left + k, value)
    return path


LOG = [
    ["when", "detuning", "P", "memo"],
    [None, "MHz", "mW", None],
    [AT, -10, 40.5, "first"],
    [None, None, None, None],
    [AT + timedelta(seconds=60), -5, "OL", None],
    [AT + timedelta(seconds=120), 0, 1.05457e-34, "last"],
]


def test_a_log_of_parameters_is_a_table_with_times(tmp_path, caplog):
    recorder = Recorder(written(tmp_path / "scan.xlsx", LOG, top=2, left=1), sheet="scan")
    table = recorder.get_table()
    assert isinstance(recorder, SpreadsheetRecorder)
    assert table.columns == [
        *("when", "detuning", "P", "memo", "detuning (unit)", "P (unit)", "timestamp_ns", "timestamp", "datetime")
    ]
    assert table["detuning"].to_list() == [-10, -5, 0]
    assert table["P"].to_list() == [40.5, None, 1.05457e-34]
    assert table["memo"].to_list() == ["first", None, "last"]
    assert table["timestamp"][0] == cells.datetime_ns("2022-09-18 12:00:05.25")
    assert recorder.get_metadata().row(0) == ("MHz", "mW")
    recorder.get_table()
    assert [r.message for r in caplog.records] == ["scan.xlsx: left empty in 'P': 'OL' (1 cell)"]


def test_days_and_times_of_day_are_put_together(tmp_path):
    rows = [["day", "clock", "n"], [date(2022, 9, 18), time(12, 0, 5), 1], [date(2022, 9, 19), time(0, 0), 2]]
    table = Recorder(written(tmp_path / "a.xlsx", rows)).get_table()
    assert table["timestamp"].to_list() == [cells.datetime_ns("2022-09-18 12:00:05"), cells.datetime_ns("2022-09-19")]
    assert table["day"].dtype == pl.Date
    assert table["clock"].dtype == pl.Time


def test_a_time_of_day_alone_is_no_time(tmp_path):
    table = Recorder(written(tmp_path / "a.xlsx", [["clock", "n"], [time(12, 0, 5), 1]])).get_table()
    assert "timestamp" not in table.columns


def test_rows_without_a_time_come_last(tmp_path):
    rows = [["when", "n"], [None, 1], [AT, 2]]
    recorder = Recorder(written(tmp_path / "a.xlsx", rows))
    assert recorder.get_table()["n"].to_list() == [2, 1]
    assert recorder.get_table()["timestamp"].to_list()[1] is None
    result = here("analyze", "a.xlsx", folder=tmp_path)
    assert result.returncode == 0
    assert "2022-09-18 12:00:05" in result.stdout


def test_titles_nameless_columns_and_repeated_names(tmp_path):
    rows = [["Shift of 18 September"], ["n", "P", "P", None], [1, 2, 3, None], [4, 5, 6, "by hand"]]
    table = Recorder(written(tmp_path / "a.xlsx", rows)).get_table()
    assert table.columns == ["n", "P1", "P2", "column_4"]
    assert table["column_4"].to_list() == [None, "by hand"]


def test_words_decide_where_they_are_most(tmp_path):
    rows = [["x", "memo"], [1, "a"], [2, 7], ["Sample", "b"], [4, "c"]]
    data = Recorder(written(tmp_path / "a.xlsx", rows)).get_data()
    assert data["x"].to_list() == [1, 2, None, 4]
    assert data["memo"].to_list() == ["a", "7", "b", "c"]


def test_which_sheet_is_asked_where_several_could_be_meant(tmp_path):
    other = [["x", "y"], [1, 2]]
    path = written(tmp_path / "a.xlsx", None, MOT=LOG, 光=other, empty=[])
    with pytest.raises(
        InputError, match=r"a\.xlsx: which sheet\? it has 'MOT' and '光'; name one: sheet='MOT', or --sheet"
    ):
        open_recorder(path).get_table()
    with pytest.raises(InputError, match=r"there is no sheet 'mot'; it has 'MOT', '光' and 'empty'"):
        Recorder(path, sheet="mot").get_table()
    assert open_recorder(path, sheet="光").get_table()["x"].to_list() == [1]
    result = here("analyze", path, folder=tmp_path)
    assert result.returncode == 2
    assert "which sheet?" in " ".join(result.stderr.split())
    result = here("analyze", "--sheet", "MOT", path, folder=tmp_path)
    assert result.returncode == 0
    assert "detuning" in result.stdout


def test_one_filled_sheet_among_empty_ones_is_the_one(tmp_path):
    path = written(tmp_path / "a.xlsx", None, empty=[], MOT=LOG)
    assert open_recorder(path).get_table().height == 3


def test_images_stay_images_and_tables_are_none(tmp_path):
    image = written(tmp_path / "ccd.xlsx", np.arange(60).reshape(6, 10).tolist())
    assert type(open_recorder(image)) is ImageRecorder
    assert type(open_recorder(written(tmp_path / "scan.xlsx", LOG))) is SpreadsheetRecorder
    gap = written(tmp_path / "gap.xlsx", [[1, 2, 3], [4, None, 6]])
    assert type(open_recorder(gap)) is SpreadsheetRecorder
    dates = written(tmp_path / "dates.xlsx", [[AT, 2], [AT, 6]])
    assert open_recorder(dates).get_table()["column_2"].to_list() == [2, 6]


def test_a_file_that_excel_saved_again_is_another_generation(tmp_path, caplog):
    path = written(tmp_path / "scan.xlsx", LOG)
    recorder = Recorder(path)
    assert recorder.get_table().height == 3
    version = recorder.version
    assert recorder.update() == 0
    assert recorder.is_up_to_date()
    written(path, [*LOG, [AT + timedelta(seconds=180), 5, 41.0, None]])
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))
    assert not recorder.is_up_to_date()
    assert recorder.get_table().height == 4
    assert (recorder.generation, recorder.rows) == (1, 4)
    assert recorder.version != version
    assert len(caplog.records) == 1  # of the same word in a file that was saved again
    path.unlink()
    with pytest.raises(MissingFileError):
        recorder.get_table()


def test_a_file_that_is_written_in_pieces_is_read_when_it_is_whole(tmp_path):
    content = written(tmp_path / "whole.xlsx", LOG).read_bytes()
    path, recorder = tmp_path / "scan.xlsx", None
    for end in (1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:end])
        recorder = recorder or open_recorder(path)
        with pytest.raises(InputError, match="no Excel file that can be read"):
            recorder.get_table()
    path.write_bytes(content)
    assert recorder.get_table().height == 3
    assert recorder.generation == 0


def test_a_sheet_is_joined_named_in_toml_and_sent_to_other_processes(tmp_path):
    path = written(tmp_path / "scan.xlsx", LOG)
    joined = join({"scan": Recorder(path)}, every="60s")
    assert joined["scan.detuning"].to_list()[:2] == [-10.0, -5.0]
    for kind, sheet in (("spreadsheet", 'sheet = "scan"\n'), ("table", "")):
        (tmp_path / "j.toml").write_text(f'[recorders.s]\nkind = "{kind}"\nfilepath = "scan.xlsx"\n{sheet}')
        recorder = read_join_config(tmp_path / "j.toml").recorders["s"]
        assert recorder.get_table().height == 3
    recorder = Recorder(path, clock_offset="-3min")
    again = pickle.loads(pickle.dumps(recorder))
    assert_frame_equal(again.get_table(), recorder.get_table())
    assert recorder.get_table()["timestamp"][0] == cells.datetime_ns("2022-09-18 11:57:05.25")


def test_what_is_no_spreadsheet_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "bad.xlsx").write_bytes(b"no excel")
    for recorder in (Recorder(tmp_path / "bad.xlsx"), open_recorder(tmp_path / "bad.xlsx")):
        with pytest.raises(InputError, match="no Excel file that can be read"):
            recorder.get_table()
    with pytest.raises(TypeError, match="no option 'sheet'"):
        Recorder(tmp_path / "a.csv", sheet="x")


def test_a_sheet_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("utokyo.io.sheet.MOST_CELLS", 8)
    with pytest.raises(InputError, match="has 6 rows of 4 cells, more than the 8 of a table; save it as CSV"):
        Recorder(written(tmp_path / "a.xlsx", LOG)).get_table()


def test_a_sheet_of_a_shift(real_files):
    recorder = Recorder(real_files / "shift_table.xlsx", sheet="シート1")
    table = recorder.get_table()
    assert table.columns[0] == "番号"
    assert table["番号"].dtype == pl.Int64
    assert "timestamp" not in table.columns
    with pytest.raises(InputError, match="which sheet"):
        open_recorder(real_files / "shift_table.xlsx").get_table()


CELLS = st.one_of(st.none(), st.floats(-1e12, 1e12, allow_nan=False), st.integers(-(2**52), 2**52))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8), top=st.integers(0, 3))
def test_numbers_keep_all_their_digits(tmp_path, rows, top):
    data = read_sheet(written(tmp_path / "a.xlsx", [["a", "b", "c"], *rows], top=top, left=top)).data
    kept = [row for row in rows if any(value is not None for value in row)]
    assert data.height == len(kept)
    for i, name in enumerate(data.columns):
        assert [None if v is None else float(v) for v in data[name].to_list()] == [
            None if row[i] is None else pytest.approx(float(row[i]), rel=1e-15) for row in kept
        ]
