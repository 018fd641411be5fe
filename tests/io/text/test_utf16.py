"""UTF-16 text with its mark is read as the same text in UTF-8, however it grew."""

from __future__ import annotations

import codecs
import contextlib
from io import FileIO

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from utokyo import InputError, Recorder, SSDRecorder, open_recorder
from utokyo.io.image import read_image
from utokyo.io.reader import Reader
from utokyo.io.text import utf16
from utokyo.io.text.utf16 import bytes_of

from .test_provisional import last_state, tables

SSD_FILE = """Model,WE7562
BlockSize,3
TraceName,Time,PulseHeight
//StartDate,2022/03/14
//StartTime,10:07:54
//TimeResolution,1.000000e-006
//Note,α線 測定
0,553786,2463
1,865236,2855
2,2486115,2516
"""
ORDERS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def as_utf16(text: str, order: str = "utf-16-le") -> bytes:
    return ORDERS[order] + text.encode(order)


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=tables(), data=st.data())
def test_it_is_the_same_table_however_it_grew(order, content, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grew")
    text = content.decode().replace("Oven", "炉 (℃) 😀").replace("abc", "µ😀")
    wide, path, mark = as_utf16(text, order), folder / "log.csv", folder / "mark"
    path.write_bytes(wide[:1])
    reader, at = Reader(path, checkpoint=mark), 1
    for cut, restarts in sorted(data.draw(st.lists(st.tuples(st.integers(1, len(wide)), st.booleans()), max_size=12))):
        with path.open("ab") as file:
            file.write(wide[at:cut])
        at = cut
        with contextlib.suppress(InputError):
            reader.update()
            if restarts:
                reader.checkpoint()
                reader = Reader(path, checkpoint=mark)
    path.write_bytes(wide)
    found = last_state(reader)
    height = reader.frame.height if len(found) > 1 else 0
    path.write_bytes(text.encode())
    assert found == last_state(Reader(path), height)


@given(
    LETTERS, st.sampled_from(list(ORDERS)), st.lists(st.tuples(st.integers(0, 250), st.integers(0, 250)), max_size=9)
)
def test_any_stretch_of_it_is_that_of_the_text(tmp_path_factory, text, order, stretches):
    assume(text[:1] != "\0")  # which is the mark of UTF-32
    path = tmp_path_factory.mktemp("stretch") / "t"
    path.write_bytes(as_utf16(text, order))
    with FileIO(path) as handle:
        found = bytes_of(handle, "utf-8")
        for start, count in stretches:
            assert found.read_at(handle, start, count) == text.encode()[start : start + count]
        assert found.size(handle) >= len(text.encode())
        found.read_at(handle, 0, 1000)
        assert found.size(handle) == len(text.encode())


def test_a_long_file_is_read_from_near_by(tmp_path, monkeypatch):
    text = "".join(f"{n},{n * 0.25}\n" for n in range(60_000))
    path = tmp_path / "long.csv"
    path.write_bytes(as_utf16("n,x\n" + text))
    reader, seen = Reader(path), []
    assert reader.update() == 60_000
    assert reader.frame["x"].sum() == sum(n * 0.25 for n in range(60_000))
    read_at = utf16.read_at
    monkeypatch.setattr(utf16, "read_at", lambda handle, at, count: seen.append(count) or read_at(handle, at, count))
    with path.open("ab") as file:
        file.write("60000,1.5\n".encode("utf-16-le"))
    assert reader.update() == 1
    assert sum(seen) < 5 * utf16.STEP_BYTES


def test_recorders_of_known_formats_take_it(tmp_path):
    path = tmp_path / "ssd.csv"
    path.write_text(SSD_FILE, "cp932")
    plain = open_recorder(path)
    table = plain.get_table()
    wide = tmp_path / "wide.csv"
    wide.write_bytes(as_utf16(path.read_bytes().decode("cp932")))
    recorder = open_recorder(wide)
    assert isinstance(recorder, SSDRecorder)
    assert recorder.get_table().equals(table)
    assert recorder.get_metadata().equals(plain.get_metadata())
    assert "utf-16-le" in recorder.describe()


def test_an_image_may_be_so_too(tmp_path):
    path = tmp_path / "cmos_000001.csv"
    path.write_bytes(as_utf16("25;26;24\n31;25;29\n"))
    assert np.array_equal(read_image(path), [[25, 26, 24], [31, 25, 29]])


def test_a_file_that_becomes_another_is_read_anew(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n")
    recorder = Recorder(path)
    assert recorder.get_table().height == 2
    path.write_bytes(as_utf16("a,b\n5,6\n"))
    assert recorder.get_table()["a"].to_list() == [5]
    path.write_bytes(as_utf16("a,b\n7,8\n9,9\n", "utf-16-be"))
    assert recorder.get_table()["a"].to_list() == [7, 9]


def test_utf_32_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes("a,b\n1,2\n".encode("utf-32"))
    with pytest.raises(InputError, match="NUL bytes"):
        Recorder(path).get_table()
