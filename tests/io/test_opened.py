"""What is no file is told, and never waited for; a line without an end does not fill the memory."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import polars as pl
import pytest

from utokyo import FileRecorder, InputError, MissingFileError, Reader, Recorder, open_recorder
from utokyo.io.image import read_image

READERS = {
    "recorder": lambda path: Recorder(path).get_table(),
    "detection": open_recorder,
    "image": read_image,
}
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has none of these in folders")
LOG = "time,p\n2022-03-14 10:00:00,1.5\n2022-03-14 10:00:01,1.25\n"


@posix_only
@pytest.mark.timeout(60)
@pytest.mark.parametrize("reader", READERS)
def test_pipes_and_devices_are_no_files(reader, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", tmp_path / "link.csv", Path("/dev/zero"), Path("/dev/tty")):
        if path.exists():
            with pytest.raises(InputError, match="a pipe or a device, not a file"):
                READERS[reader](path)


@posix_only
@pytest.mark.parametrize("reader", READERS)
def test_links_to_themselves_and_overlong_names_are_one_sentence(reader, tmp_path):
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for path in (tmp_path / "loop.csv", tmp_path / ("x" * 300 + ".csv"), tmp_path / "nul\0.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            READERS[reader](path)


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_file_and_a_folder(reader, tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        READERS[reader](tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="this is a folder"):
        READERS[reader](tmp_path)


@posix_only
def test_a_folder_lists_its_files_and_passes_over_the_rest(tmp_path):
    (tmp_path / "cmos_1.csv").write_text("1,2\n")
    (tmp_path / "cmos_2.csv").symlink_to("nothing")
    (tmp_path / "cmos_3.csv").symlink_to("cmos_3.csv")
    os.mkfifo(tmp_path / "cmos_4.csv")
    with socket.socket(socket.AF_UNIX) as served:
        os.chdir(tmp_path)
        served.bind("cmos_5.csv")
    assert FileRecorder(tmp_path, r"cmos_.*").get_table()["filename"].to_list() == ["cmos_1.csv"]


def test_a_line_without_an_end_is_refused_and_may_be_allowed(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG + "1" * 2_000_000)
    reader = Reader(path, longest_line_bytes=1_000_000)
    for _ in range(2):
        with pytest.raises(InputError, match="no line end within 1000000 bytes"):
            reader.update()
    assert reader.bytes_read < 100
    with path.open("a") as file:
        file.write("\n2022-03-14 10:00:02,1.75\n")
    allowed = Recorder(path, longest_line_bytes=3_000_000)
    assert allowed.get_table()["p"].to_list() == [1.5, 1.25, 1.75]
    assert allowed.bad_rows == 1
    with pytest.raises(InputError, match="longest_line_bytes"):
        Recorder(path, longest_line_bytes=0)


def test_a_refused_line_that_ends_later_is_read(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG + "1" * 20_000)
    reader = Reader(path, longest_line_bytes=10_000)
    with pytest.raises(InputError, match="no line end"):
        reader.update()
    path.write_text(LOG + "2022-03-14 10:00:02,1.75\n")
    assert reader.update() == 3
    assert reader.frame["p"].to_list() == [1.5, 1.25, 1.75]


def test_names_in_capitals_are_images(tmp_path):
    from utokyo import ImageAnalysis  # noqa: PLC0415

    rows = "\n".join(",".join(str(100 + (7 * x + 3 * y) % 11) for x in range(40)) for y in range(40))
    for name in ("CMOS_000001.CSV", "cmos_000002.csv", "TimeLog.CSV"):
        (tmp_path / name).write_text(rows)
    found = ImageAnalysis(tmp_path).run()
    assert isinstance(found, pl.DataFrame)
    assert found.height == 2
