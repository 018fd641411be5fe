"""Headers in the middle of files that nobody described, as loggers write them that are started again."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from utokyo import InputError, Recorder, SSDRecorder


def moments(first: int, count: int) -> list[str]:
    return [f"2023-05-09 11:20:{second:02d}" for second in range(first, first + count)]


def grown(path: Path, content: str, pieces: int) -> Recorder:
    """The recorder of a file that came in pieces, and was looked at between them."""
    path.write_bytes(b"")
    recorder, data = Recorder(path), content.encode()
    for at in range(0, len(data), pieces):
        with path.open("ab") as file:
            file.write(data[at : at + pieces])
        with contextlib.suppress(InputError):
            recorder.get_table()
    return recorder


@pytest.fixture(params=[1 << 20, 7])
def reads(request, tmp_path):
    return lambda content: grown(tmp_path / "log.csv", content, request.param)


def test_columns_that_share_only_the_time_are_others(reads):
    first = [f"{t},{i},{i}.5" for i, t in enumerate(moments(0, 4))]
    then = [f"{t},{i + 50},{i}.25" for i, t in enumerate(moments(10, 4))]
    recorder = reads("\n".join(["Time,A,B", *first, "Time,C,D", *then, ""]))
    table = recorder.get_table()
    assert table["A"].to_list() == [0, 1, 2, 3, None, None, None, None]
    assert table["C"].to_list() == [None] * 4 + [50, 51, 52, 53]
    assert recorder.bad_rows == 0
    assert any("another header" in remark for remark in recorder.remarks())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_before_a_header_with_more_columns_and_more_rows_stay(reads, delimiter):
    first = [f"{t},{i},{i}.5" for i, t in enumerate(moments(0, 3))]
    then = [f"{t},{i}.5,{i + 50},1,2,3" for i, t in enumerate(moments(10, 30))]
    content = "\n".join(["Time,A,B", *first, "Time,B,A,C,D,E", *then, ""])
    recorder = reads(content.replace(",", delimiter))
    table = recorder.get_table()
    assert table.height == 33
    assert table["A"][:5].to_list() == [0, 1, 2, 50, 51]
    assert table["B"][:4].to_list() == [0.5, 1.5, 2.5, 0.5]
    assert table["E"][:4].to_list() == [None, None, None, 3]


def test_a_comment_that_names_the_columns_names_them_again(reads):
    first = [f"{t}\t{i}\t{i}.5" for i, t in enumerate(moments(0, 3))]
    then = [f"{t}\t{i}.25\t{i + 50}" for i, t in enumerate(moments(10, 3))]
    recorder = reads("\n".join(["# Time\tA\tB", *first, "# valve opened", "# Time\tB\tA", *then, ""]))
    table = recorder.get_table()
    assert table["A"].to_list() == [0, 1, 2, 50, 51, 52]
    assert table["B"].to_list() == [0.5, 1.5, 2.5, 0.25, 1.25, 2.25]
    assert recorder.bad_rows == 0


def test_a_row_of_words_that_names_no_column_is_no_header(reads):
    rows = [f"{t},{i},{i}.5" for i, t in enumerate(moments(0, 4))]
    recorder = reads("\n".join(["Time,A,B", *rows, "Mean,none,none", *rows, ""]))
    assert recorder.rows == 8
    assert recorder.bad_rows == 1


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_a_delimiter_is_found_below_a_long_header(reads, delimiter):
    above = ["Model,6517B", "Serial,1234", "Range,2.0E-9", "Date,2023/05/09", ""]
    rows = [f"{t},{i}.5E-9,A" for i, t in enumerate(moments(0, 12))]
    recorder = reads("\n".join([*above, "Time,Reading,Unit", *rows, ""]).replace(",", delimiter))
    assert recorder.get_table()["Reading"].to_list() == [float(f"{i}.5E-9") for i in range(12)]


def test_a_second_run_of_an_ssd_whose_header_lacks_its_first_lines(tmp_path):
    def run(clock: str, *above: str) -> list[str]:
        keys = ["BlockSize,15262  ", "TraceName,Time,PulseHeight", "//StartDate,2023/05/09", f"//StartTime,{clock}"]
        return [*above, *keys, "//TimeResolution,1.0E-06", *(f"{i},{i}000000,700" for i in range(6))]

    path = tmp_path / "ssd.csv"
    path.write_text("\n".join([*run("11:20:05", "Model,WE7562"), *run("13:20:05"), ""]))
    recorder = SSDRecorder(path)
    assert recorder.get_table()["datetime"].dt.hour().to_list() == [11] * 6 + [13] * 6
    assert recorder.bad_rows == 0
