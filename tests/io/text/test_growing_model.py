"""A random program of what writers, file systems and shares do to a file, against a simple model of it.

In the manner of the model test of Vector's file source: after every look the table of the reader and the rows of the
model agree. Rows are numbered and never repeat, so that no row can be taken for another.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError, MissingFileError
from utokyo.io.header import KeyValueLines
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.text import growing, stretch
from utokyo.io.times import Elapsed

LAYOUT = Layout(
    "model",
    (Column("n", Kind.INTEGER), Column("x", Kind.FLOAT), Column("s", Kind.TEXT)),
    encoding="cp932",
    header=KeyValueLines(names_line=True, required=("Start",)),
    time=Elapsed("n", start_keys=("Start",), unit_s=1.0),
)


class GrowingFileMachine(RuleBasedStateMachine):
    """The writer, the file system and the reader, each a rule at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "f.csv"
        self.state = self.folder / "f.checkpoint"
        self.number = 0
        self.size = 0  # what the header says
        self.content = b""  # of the file, without padding
        self.exists = False
        self.padding = 0
        self.pending = b""  # what the writer has begun to write
        self.reader = self.open()
        self.base = 0  # rows of this file before those in the reader's frame
        self.saved: bytes | None = None  # what the file held up to the checkpoint
        self.saved_rows = 0
        self.known = b""  # what the reader has seen of this file
        self.stale = 0
        self.changed = False  # other bytes than those that were read may stand in the file
        self.generation = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def open(self) -> Reader:
        return Reader(self.path, LAYOUT, checkpoint=self.state, access="read")

    # What the model says.

    def header(self) -> bytes:
        return f"Size,{self.size:<8}\r\nStart,2022/03/14 10:00:00\r\nn,x,s\r\n".encode()

    def row(self) -> bytes:
        self.number += 1
        return f"{self.number},{self.number / 8},測定{self.number}\r\n".encode("cp932")

    def numbers(self, content: bytes) -> list[int]:
        lines = content.split(b"\n")[:-1]
        return [int(line.split(b",")[0]) for line in lines if line[:1].isdigit()]

    # What happens to the file.

    @initialize(whole=st.booleans())
    def create(self, whole: bool) -> None:
        self.begin_file(rows=2 if whole else 0)

    def begin_file(self, rows: int) -> None:
        self.pending = b""
        self.content = b""
        self.padding = 0
        self.path.write_bytes(b"")
        self.exists = True
        self.changed = True
        self.append(self.header() + b"".join(self.row() for _ in range(rows)))

    def append(self, data: bytes) -> None:
        with self.path.open("r+b") as handle:
            handle.seek(len(self.content))
            handle.write(data)
        self.content += data
        self.padding = max(0, self.padding - len(data))

    @precondition(lambda self: self.exists)
    @rule(count=st.integers(1, 30))
    def write(self, count: int) -> None:
        self.append(self.pending + b"".join(self.row() for _ in range(count)))
        self.pending = b""

    @precondition(lambda self: self.exists)
    @rule(part=st.floats(0, 1))
    def write_partially(self, part: float) -> None:
        data = self.pending or self.row()
        cut = int(part * len(data))
        self.pending = data[cut:]
        self.append(data[:cut])

    @precondition(lambda self: self.exists and not self.pending)
    @rule()
    def write_between_return_and_newline(self) -> None:
        self.append(self.row()[:-1])
        self.pending = b"\n"

    @precondition(lambda self: self.exists and not self.padding)
    @rule(count=st.integers(1, 5000))
    def pad_with_nuls(self, count: int) -> None:
        with self.path.open("ab") as handle:
            handle.write(b"\0" * count)
        self.padding = count

    @precondition(lambda self: self.exists and self.content.startswith(b"Size,"))
    @rule(size=st.integers(0, 99_999_999))
    def rewrite_header(self, size: int) -> None:
        if len(self.content) < len(self.header()):
            return  # it is still being written
        self.size = size
        start = self.header()
        with self.path.open("r+b") as handle:
            handle.write(start)
        self.content = start + self.content[len(start) :]

    @precondition(lambda self: self.exists)
    @rule(rows=st.integers(0, 40))
    def rotate(self, rows: int) -> None:
        self.path.replace(self.folder / "f.csv.1")
        self.begin_file(rows)

    @precondition(lambda self: self.exists)
    @rule(rows=st.integers(0, 40))
    def copy_and_truncate(self, rows: int) -> None:
        shutil.copy(self.path, self.folder / "f.csv.1")
        self.begin_file(rows)

    @precondition(lambda self: self.exists)
    @rule(part=st.floats(0, 1))
    def truncate(self, part: float) -> None:
        cut = int(part * len(self.content))
        line_end = self.content.find(b"\n", max(0, cut - 1)) + 1
        # The writer goes on with the line that was cut.
        self.pending = self.content[cut:line_end] if line_end else self.content[cut:] + self.pending
        if cut < len(self.header()):
            self.pending = self.header()[cut:]
        self.content = self.content[:cut]
        self.changed = True
        os.truncate(self.path, cut)
        self.padding = 0

    @precondition(lambda self: self.exists and len(self.content) > len(self.header()))
    @rule(longer=st.sampled_from([-1, 0, 1]))
    def replace(self, longer: int) -> None:
        content = self.header()
        while len(content) < len(self.content):
            content += self.row()
        if longer > 0:
            content += self.row() * 1
        elif longer < 0:
            content = self.header() + self.row()
        other = self.folder / "other.csv"
        other.write_bytes(content)
        other.replace(self.path)
        self.changed = True
        self.content, self.pending, self.padding = content, b"", 0

    @precondition(lambda self: self.exists)
    @rule()
    def delete(self) -> None:
        self.path.unlink()
        self.exists = False

    @precondition(lambda self: not self.exists)
    @rule(rows=st.integers(0, 3))
    def create_again(self, rows: int) -> None:
        self.begin_file(rows)

    @rule(lag=st.integers(1, 400))
    def share_tells_an_old_size(self, lag: int) -> None:
        self.stale = lag

    # What the reader does.

    @rule()
    def read(self) -> None:
        lag, self.stale = self.stale, 0
        fstat = os.fstat

        def lagging(descriptor: int) -> Any:
            real = fstat(descriptor)
            return SimpleNamespace(st_size=max(0, real.st_size - lag), st_mtime=real.st_mtime)

        before = self.reader.frame["n"].to_list() if self.reader.frame.width else []
        growing.os = SimpleNamespace(**{**vars(os), "fstat": lagging}) if lag else os  # type: ignore[attr-defined]
        try:
            self.reader.update()
        except MissingFileError:
            assert not self.exists
            return
        finally:
            growing.os = os  # type: ignore[attr-defined]
        assert self.exists
        self.check(before, lag)

    def check(self, before: list[int], lag: int) -> None:
        found = self.reader.frame["n"].to_list()
        numbers = self.numbers(self.content)
        if numbers[: self.base] != self.numbers(self.known)[: self.base]:
            self.base = 0  # another file: from its start
        expected = numbers[self.base :]
        # A file that was cut before the position of the checkpoint.
        if self.base and found and found == numbers[: len(found) if lag else None]:
            self.base, expected = 0, numbers
        if lag:  # what an old size hides comes later; nothing is lost
            assert found == expected[: len(found)]
            assert len(found) >= len(before) or before != expected[: len(before)]
        else:
            assert found == expected
            assert self.reader.frame["s"].to_list() == [f"測定{n}" for n in expected]
            assert self.reader.frame["x"].to_list() == [n / 8 for n in expected]
            if self.reader.metadata:
                assert self.reader.metadata["Size"] == self.size
        assert self.reader.bad_rows == 0
        # While no row was seen, the header is all there is to tell the file by.
        assert self.changed or not (before or self.base) or self.reader.generation == self.generation
        self.known, self.changed, self.generation = self.content, False, self.reader.generation

    @rule()
    def write_checkpoint(self) -> None:
        try:
            self.reader.checkpoint()
        except InputError:  # no header yet
            return
        self.saved = self.known
        self.saved_rows = self.base + self.reader.frame.height

    @precondition(lambda self: self.exists)
    @rule()
    def kill_and_restart(self) -> None:
        self.stale = 0
        self.reader = self.open()
        self.base, self.known, self.changed = 0, b"", True
        if self.saved is not None:
            self.base, self.known = self.saved_rows, self.saved
        self.reader.update()
        self.check([], 0)

    @invariant()
    def nothing_is_open(self) -> None:
        descriptors = Path("/proc/self/fd")
        if descriptors.is_dir():
            held = [
                d for d in descriptors.iterdir() if d.is_symlink() and str(d.readlink()).startswith(str(self.folder))
            ]
            assert not held


class MappedFileMachine(GrowingFileMachine):
    """The same with a reader that maps all but the ends of a file, in small parts."""

    def __init__(self) -> None:
        self.small = [
            mock.patch.multiple(growing, BLOCK_BYTES=100, PARTS_FROM_BYTES=150),
            mock.patch.multiple(stretch, PART_BYTES=120, EXTRA_BYTES=20),
        ]
        for patch in self.small:
            patch.start()
        super().__init__()

    def teardown(self) -> None:
        for patch in self.small:
            patch.stop()
        super().teardown()

    def open(self) -> Reader:
        return Reader(self.path, LAYOUT, checkpoint=self.state, access="map")

    @invariant()
    def nothing_is_mapped(self) -> None:
        maps = Path("/proc/self/maps")
        assert not maps.exists() or str(self.folder) not in maps.read_text()


def model(programs: int) -> settings:
    """So many programs; explaining a failure would take longer than finding it."""
    phases = [phase for phase in Phase if phase is not Phase.explain]
    return settings(max_examples=programs, stateful_step_count=40, deadline=None, phases=phases)


TestGrowingFile = GrowingFileMachine.TestCase
TestGrowingFile.settings = model(50)
TestMappedFile = MappedFileMachine.TestCase
TestMappedFile.settings = model(50)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [GrowingFileMachine, MappedFileMachine])
def test_many_more_programs(machine):
    run_state_machine_as_test(machine, settings=model(500))
