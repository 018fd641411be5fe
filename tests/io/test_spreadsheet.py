"""Spreadsheets and images are measured before they are opened: none takes the memory of the machine."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.io import image as images
from utokyo.io import spreadsheet
from utokyo.io.errors import InputError
from utokyo.io.image import read_image
from utokyo.io.spreadsheet import check_spreadsheet

SHEET = "xl/worksheets/sheet1.xml"
WORKSHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
)


def excel(tmp_path: Path) -> bytes:
    pytest.importorskip("xlsxwriter")
    pl.DataFrame(np.arange(12).reshape(3, 4)).write_excel(tmp_path / "image.xlsx", include_header=False)
    return (tmp_path / "image.xlsx").read_bytes()


def with_sheet(content: bytes, sheet: bytes) -> bytes:
    """The same spreadsheet with another first sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == SHEET else old.read(name))
    return target.getvalue()


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError) as told:
        read_image(path)
    return str(told.value)


def test_two_cells_in_opposite_corners(tmp_path):
    """1.4 kB, for which the reader wanted 400 GB."""
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    bomb = with_sheet(excel(tmp_path), (WORKSHEET % corners).encode())
    assert "1048576 rows of 16384 cells" in refused(tmp_path, bomb)


def test_cells_without_places_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_CELLS", 5)
    rows = "<row><c><v>1</v></c><c><v>1</v></c></row>" * 3
    assert "3 rows of 2 cells" in refused(tmp_path, with_sheet(excel(tmp_path), (WORKSHEET % rows).encode()))


@pytest.mark.parametrize("lies", [False, True])
def test_what_unpacks_to_gigabytes(tmp_path, lies, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_UNPACKED_BYTES", 1 << 22)
    bomb = with_sheet(excel(tmp_path), (WORKSHEET % (" " * (1 << 23))).encode())
    if lies:  # of its own size, in its directory and before its bytes
        size = len(WORKSHEET) - 2 + (1 << 23)
        bomb = bomb.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert len(bomb) < 100_000
    assert "unpacks to more than 4 MB" in refused(tmp_path, bomb)


@pytest.mark.parametrize("sheet", [b"<worksheet><row r='1'>", b"\xff\xfe", b"<a><b></a>", b"<row r='1e9'/>"])
def test_a_sheet_that_is_none_is_one_sentence(tmp_path, sheet):
    assert "no Excel file that can be read" in refused(tmp_path, with_sheet(excel(tmp_path), sheet))


def test_entities_are_refused(tmp_path):
    many = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10 if k else "a"}">' for k in range(9))
    bomb = f"<!DOCTYPE w [{many}]><worksheet>&a8;</worksheet>".encode()
    assert "no Excel file that can be read" in refused(tmp_path, with_sheet(excel(tmp_path), bomb))


@given(content=st.binary(max_size=300))
def test_bytes_that_are_no_spreadsheet(content):
    for mad in (content, b"PK\x03\x04" + content, content + b"PK\x05\x06" + bytes(18)):
        with pytest.raises(InputError, match="no Excel file"):
            check_spreadsheet(Path("x.xlsx"), mad)


def test_a_good_one_is_read(tmp_path):
    pytest.importorskip("fastexcel")
    content = excel(tmp_path)
    (tmp_path / "IMAGE.XLSX").write_bytes(content)
    np.testing.assert_array_equal(read_image(tmp_path / "IMAGE.XLSX"), np.arange(12).reshape(3, 4))


def test_a_text_that_is_larger_than_an_image(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "LARGEST_BYTES", 1 << 21)
    path = tmp_path / "cmos_1.csv"
    path.write_bytes(b"1,2\n" * (1 << 20))
    with pytest.raises(InputError, match="4 MB, more than the 2 MB of the largest image"):
        read_image(path)


@pytest.mark.skipif(sys.platform != "linux", reason="by the address space of Linux")
def test_a_long_line_above_short_ones_takes_no_memory(tmp_path):
    import resource  # noqa: PLC0415

    path = tmp_path / "cmos_1.csv"
    path.write_bytes(b"1," * (1 << 20) + b"1\n" + b"1\n" * (1 << 20))
    read_image_of_one(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), limits[1]))
    try:
        with pytest.raises(InputError, match="line 2: expected 1048577 values"):
            read_image(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def read_image_of_one(folder: Path) -> None:
    """So that all is compiled."""
    (folder / "one.csv").write_text("1,2\n3,4\n")
    read_image(folder / "one.csv")
