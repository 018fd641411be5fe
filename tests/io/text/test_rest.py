"""Which files are mapped: those at rest, and no other; whatever happens to them meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from io import FileIO
from pathlib import Path

import pytest

from utokyo.io.column import Column, Kind
from utokyo.io.header import NoHeader
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.text import growing, rest, stretch
from utokyo.io.text.rest import Rest

LAYOUT = Layout("pairs", (Column("n", Kind.INTEGER), Column("m", Kind.INTEGER)), header=NoHeader())
HOUR_S = 3600


@pytest.fixture
def looks(monkeypatch):
    """Whether each part was mapped."""
    found = []

    class Noted(stretch._Mapped):
        def __init__(self, *args):
            super().__init__(*args)
            found.append("map")

    class Read(stretch._Read):
        def __init__(self, *args):
            super().__init__(*args)
            found.append("read")

    monkeypatch.setattr(stretch, "_Mapped", Noted)
    monkeypatch.setattr(stretch, "_Read", Read)
    monkeypatch.setattr(growing, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(growing, "PARTS_FROM_BYTES", 2000)
    monkeypatch.setattr(growing, "LOOK_AGAIN_BYTES", 40_000)
    monkeypatch.setattr(stretch, "PART_BYTES", 2000)
    monkeypatch.setattr(rest, "LOOKS_APART_S", 0.0)
    return found


def write(path: Path, rows: int, age_s: float = HOUR_S) -> None:
    path.write_text("".join(f"{n},{n * n}\n" for n in range(rows)))
    os.utime(path, (time.time() - age_s,) * 2)


def test_a_file_that_was_left_is_mapped_but_for_its_ends(tmp_path, looks):
    path = tmp_path / "f.csv"
    write(path, 10_000)
    reader = Reader(path, LAYOUT)
    assert reader.update() == 10_000
    assert reader.frame["m"].to_list() == [n * n for n in range(10_000)]
    assert looks.count("map") > 30
    assert looks.count("read") < 6


@pytest.mark.parametrize("access", ["auto", "read"])
def test_a_file_that_was_written_to_of_late_is_read(tmp_path, looks, access):
    path = tmp_path / "f.csv"
    write(path, 10_000, age_s=10 if access == "auto" else HOUR_S)
    assert Reader(path, LAYOUT, access=access).update() == 10_000
    assert set(looks) == {"read"}


def test_two_looks_have_to_agree_and_to_be_apart(tmp_path, monkeypatch):
    path = tmp_path / "f.csv"
    write(path, 100)
    times_s = iter([0.0, 0.001, 0.02, 0.04, 0.06, 0.08])
    monkeypatch.setattr(rest.time, "monotonic", lambda: next(times_s))
    looked = Rest("auto")
    with FileIO(path) as handle:
        assert [looked.look(handle) for _ in range(3)] == [False, False, True]
        write(path, 101)
        assert [looked.look(handle) for _ in range(2)] == [False, True]
        os.utime(path)
        assert not looked.look(handle)


def test_what_cannot_be_mapped_is_read(tmp_path, looks, monkeypatch):
    def refuse(*args, **options):
        raise OSError("no such device")

    monkeypatch.setattr(stretch.mmap, "mmap", refuse)
    path = tmp_path / "f.csv"
    write(path, 3000)
    assert Reader(path, LAYOUT, access="map").update() == 3000
    assert set(looks) == {"read"}


def test_a_mapped_file_may_grow_meanwhile(tmp_path, looks, monkeypatch):
    path = tmp_path / "f.csv"
    write(path, 3000)
    advance = stretch.Stretch.advance

    def grow(self, *args):
        advance(self, *args)
        with path.open("a") as file:
            file.write("1,1\n")

    monkeypatch.setattr(stretch.Stretch, "advance", grow)
    reader = Reader(path, LAYOUT, access="map")
    rows = reader.update()
    assert rows >= 3000
    monkeypatch.setattr(stretch.Stretch, "advance", advance)
    reader.update()
    assert reader.frame["m"].to_list()[:3000] == [n * n for n in range(3000)]
    assert reader.frame.height == path.read_text().count("\n")


CUT = """
import os, sys
from pathlib import Path
from utokyo import Reader
from utokyo.io.text import stretch
path = Path(sys.argv[1])
piece = stretch.Stretch._piece
def cut(self, begin, buffer):
    made = piece(self, begin, buffer)
    if begin > 2_000_000:
        os.truncate(path, 1000)
    return made
stretch.Stretch._piece = cut
print(Reader(path, access=sys.argv[2]).update())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to truncate what is mapped")
@pytest.mark.parametrize("access", ["read", "map"])
def test_a_truncation_meanwhile_ends_the_process_at_the_most(tmp_path, access):
    """And never gives wrong rows; so only files at rest are mapped."""
    path = tmp_path / "f.csv"
    path.write_text("n,m\n" + "".join(f"{n},{n}\n" for n in range(900_000)))
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(path), access], capture_output=True, text=True, check=False, timeout=120
    )
    if access == "read":
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 900_000
    else:
        assert done.returncode != 0 or int(done.stdout) < 900_000
