"""How far a file was read, written down so that a later process goes on there.

A checkpoint is a small JSON file, there whole or not at all. With results that are keyed by source and event (`store`),
every row counts exactly once, whenever the process is killed: what was derived after the last checkpoint is derived
again, and replaces itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import InputError
from ..whole import write_whole
from .growing import FINGERPRINT_BYTES, Fingerprint, GrowingFile
from .line_ends import whole_lines
from .opening import SAMPLE_BYTES
from .row_times import ClockStep, RowTimes
from .table import TextTable
from .told import note_as_said

__all__ = ["Checkpoint"]

FORMAT = "utokyo checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a reader between two rows.

    Parameters
    ----------
    position : int
        Where the next row to parse begins, in bytes.
    start : int
        Where the rows begin, after the header.
    sample_bytes : int
        How much of the start the format was read from.
    head_bytes, head_hash, tail_end, tail_bytes, tail_hash : int and str
        The fingerprint of the file: hashes of its first rows, and of what stands before `tail_end`.
    lines, rows, bad_rows : int
        Before `position`.
    skipped_rows : int
        Rows after `position` that were shown already.
    previous_ns : int or None
        Time of the row before, without the clock's offset.
    is_sorted : bool
        Whether the times never decreased.
    kinds : tuple of int
        Of the columns: a guess may have been widened since.
    generation : int
        How often the file had turned out to be another one.
    headers : tuple of three int
        Where headers stand in the middle of the file, how long they are, and the lines before them.
    texts : tuple of str
        Columns that were found to hold text.
    layout_hash : str
        Of a layout that was guessed.
    odd_cells : tuple of pairs of str and int
        Cells that were none of their column's kind.
    unfolded_ns : int
        Added to times since a counter of 32 bits began anew.
    words : tuple of str, str and int
        Cells that were taken for no value: column, word, and how many.
    notes : tuple of str
        What was said of headers in the middle of the file.
    steps : tuple of int, int, int and bool
        Where the clock went back, as `ClockStep` has it.
    """

    position: int
    start: int
    sample_bytes: int
    head_bytes: int
    head_hash: str
    tail_end: int
    tail_bytes: int
    tail_hash: str
    lines: int
    bad_rows: int
    previous_ns: int | None
    is_sorted: bool
    kinds: tuple[int, ...]
    generation: int
    rows: int = 0
    skipped_rows: int = 0
    headers: tuple[tuple[int, int, int], ...] = ()
    texts: tuple[str, ...] = ()
    layout_hash: str = ""
    odd_cells: tuple[tuple[str, int], ...] = ()
    unfolded_ns: int = 0
    words: tuple[tuple[str, str, int], ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[tuple[int, int, int, bool], ...] = ()

    @classmethod
    def of(cls, file: GrowingFile, table: TextTable, position: int) -> Self:
        """The state after the last row that was parsed, where the next one stands at a position in the file."""
        head, tail = file.fingerprint
        tail = tail[max(0, file.start - file.position + len(tail)) :]  # the header may yet change
        return cls(
            position=max(position, file.start),
            start=file.start,
            sample_bytes=table.opening.sample_bytes,
            head_bytes=len(head),
            head_hash=_hash_of(head),
            tail_end=file.position,
            tail_bytes=len(tail),
            tail_hash=_hash_of(tail),
            lines=table.lines,
            bad_rows=table.bad_rows.count,
            previous_ns=table.times.previous_ns,
            is_sorted=table.times.are_sorted,
            kinds=tuple(int(column.kind) for column in table.buffer.columns) if table.buffer else (),
            generation=table.generation,
            headers=tuple(table.headers),
            texts=table.opening.texts,
            layout_hash=_hash_of_guess(table),
            odd_cells=tuple(sorted(table.odd_cells.items())),
            unfolded_ns=table.times.unfolded_ns,
            words=tuple((column, word, count) for (column, word), count in table.words.items()),
            notes=tuple(table.notes),
            steps=tuple(table.times.steps),
        )

    def moved_to(self, earlier: Self, *, rows: int, skipped_rows: int) -> Self:
        """An earlier state of the same table, with what is known of the file now."""
        return replace(
            earlier,
            head_bytes=self.head_bytes,
            head_hash=self.head_hash,
            tail_end=self.tail_end,
            tail_bytes=self.tail_bytes,
            tail_hash=self.tail_hash,
            kinds=self.kinds[: len(earlier.kinds)],
            texts=self.texts,
            rows=rows,
            skipped_rows=skipped_rows,
        )

    def resume(self, file: GrowingFile, table: TextTable) -> bool:
        """Bring a new table and its file to this state; False when this is not the file of the checkpoint any more.

        Raises
        ------
        MissingFileError, InputError
            When there is no such file, it cannot be read, or its header is of another format.
        """
        sample = file.sample(self.sample_bytes)
        head = file.bytes_at(self.start, self.head_bytes)
        tail = file.bytes_at(self.tail_end - self.tail_bytes, self.tail_bytes)
        if not sample or _hash_of(head) != self.head_hash or _hash_of(tail) != self.tail_hash:
            return False
        header = table.open(np.frombuffer(sample, np.uint8))
        if header is None or header.size != self.start or _hash_of_guess(table) != self.layout_hash:
            return False
        for position, size, lines in self.headers:
            there = whole_lines(file.as_lines(file.bytes_at(position, size + SAMPLE_BYTES)))  # a row ends a header
            again = table.opening.next_header(there, lines) if there else None
            if again is None or again.size != size:
                return False
            table.lines = lines
            table.begin_segment(again, position)
        if len(table.columns) != len(self.kinds):
            return False
        before = min(self.position, FINGERPRINT_BYTES)
        file.resume(self.position, self.start, Fingerprint(head, file.bytes_at(self.position - before, before)))
        table.continue_after(
            lines=self.lines,
            bad_rows=self.bad_rows,
            times=RowTimes(
                table.clock_offset_ns,
                self.previous_ns,
                self.is_sorted,
                self.unfolded_ns,
                rows_before=self.rows,
                steps=(ClockStep(*step) for step in self.steps),
            ),
            kinds=self.kinds,
        )
        table.notes[:] = self.notes
        table.odd_cells.update(dict(self.odd_cells))
        table.words.update({(column, word): count for column, word, count in self.words})
        note_as_said(table)
        return True

    def write(self, path: Path) -> None:
        """Write it, replacing the one before.

        Raises
        ------
        OutputError
            When the disk is full or the folder cannot be written to.
        """
        write_whole(path, json.dumps({FORMAT: asdict(self)}, indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> Checkpoint | None:
        """Read one; None where there is no such file.

        Raises
        ------
        InputError
            When the file is something else, or cannot be read.
        """
        try:
            content: Any = json.loads(path.read_bytes())
            found = content[FORMAT]
            lists = {key: tuple(found.get(key, ())) for key in ("kinds", "texts", "notes")}
            pairs = {key: tuple(map(tuple, found.get(key, ()))) for key in ("headers", "odd_cells", "words", "steps")}
            return cls(**{**found, **lists, **pairs})
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: this is no checkpoint; delete it to read the data from its start") from None


def _hash_of_guess(table: TextTable) -> str:
    """A mark of a layout that was guessed; empty for others."""
    layout = table.layout
    return _hash_of(repr(layout).encode()) if layout is not None and layout.guessed else ""


def _hash_of(content: bytes) -> str:
    """SHA-256 of some bytes, as text."""
    return hashlib.sha256(content).hexdigest()
