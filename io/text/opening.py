"""`Opening`: the layout and header of one file, read at its start, and again when the header is rewritten in place."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..column import Column, Kind
from ..errors import FormatError, InputError
from ..guess.asked import NOTHING_ASKED, Asked
from ..guess.comments import cells_of_comment, is_comment
from ..guess.kinds import kind_of
from ..guess.lines import are_names_again, are_other_names
from ..guess.units import are_units
from ..header import CountedLines, Header, HeaderMismatch, NamesLine, distinct, fields
from ..layout import Layout
from .buffer import ColumnBuffer
from .line_ends import whole_lines

__all__ = ["NextHeader", "Opening", "nul_bytes"]

SAMPLE_BYTES = 1 << 16
"""From which a header is read, and a layout guessed: the header of every known format is shorter."""
HEADER_LIMIT_BYTES = 4 << 20
"""Of the longest header, for a file whose header is longer than the sample."""


class NextHeader(NamedTuple):
    """A header in the middle of a file, after which rows go by it."""

    size: int
    """In bytes."""
    lines: int
    names: tuple[str, ...]
    """Columns, in the order of the rows that follow."""
    metadata: Mapping[str, str | int | float]


class Opening:
    """What stands before the rows of a file.

    Parameters
    ----------
    path : path
        For messages.
    layout : Layout, optional
        Without, it is guessed from the file.
    asked : Asked, optional
        What the user says of a layout that is to be guessed.
    known : mapping of str to Kind, optional
        What later rows have shown of columns.

    Attributes
    ----------
    layout : Layout or None
        None while it is not known.
    header : Header or None
        None while it is not complete.
    columns : tuple of Column
        In the order of the file.
    remarks : tuple of str
        What of a guess may be otherwise, a sentence each.
    sample_bytes : int
        How much of the start all this was read from.
    sample : bytes
        The start of the file, as long as a guess may be another one when more of it is there.
    sample_lines : int
        Lines from which a layout was guessed.
    """

    def __init__(
        self, path: Path, layout: Layout | None, asked: Asked = NOTHING_ASKED, known: Mapping[str, Kind] | None = None
    ) -> None:
        self.layout = layout
        self.header: Header | None = None
        self.columns: tuple[Column, ...] = layout.columns if layout else ()
        self.remarks: tuple[str, ...] = ()
        self.sample_bytes = self.sample_lines = 0
        self.sample = b""
        self._plain: Layout | None = None  # as guessed from these lines alone
        self._guessing, self._limit = layout is None, SAMPLE_BYTES
        self._asked, self._known = asked, known if known is not None else {}
        self._path = path
        self._head: list[bytes] = []  # the lines of the header,
        self._first_row: list[bytes] = []  # and the one that ends it

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that later rows have shown to be text."""
        return tuple(self._known)

    @property
    def is_provisional(self) -> bool:
        """Whether more of the file may show that the layout is another one."""
        return self._guessing and self.sample_bytes < self._limit

    def read(self, data: NDArray[np.uint8]) -> Header | None:
        """Read the header from the first whole lines of the file; None while it is not complete.

        Raises
        ------
        InputError
            When the file is of another format, or no text.
        """
        header = None
        lines: list[bytes] = []
        limit = SAMPLE_BYTES // 2
        while limit < HEADER_LIMIT_BYTES:
            # A header that is longer than the sample asks for a larger one.
            limit = min(2 * limit, HEADER_LIMIT_BYTES)
            lines = whole_lines(data[:limit].tobytes())
            self._limit, self.sample_bytes = limit, min(data.size, limit)
            intact = list(itertools.takewhile(lambda line: b"\0" not in line, lines))
            if self._guessing:
                try:
                    self._guess(lines)
                except InputError:
                    if len(intact) < len(lines):  # no text at all, most likely
                        raise nul_bytes(self._path, len(intact) + 1) from None
                    raise
            if self.layout is not None and intact:
                header = self._header(intact, self.layout)
            if header is None and len(intact) < len(lines):
                raise nul_bytes(self._path, len(intact) + 1)
            if header is not None or data.size <= limit:
                break
        if header is None or self.layout is None:
            if data.size > HEADER_LIMIT_BYTES:
                raise self._mismatch(1, "a header", f"no row in the first {HEADER_LIMIT_BYTES >> 20} MB")
            return None
        columns = tuple(
            replace(column, kind=self._known.get(column.name, Kind.NONE)) if column.kind is Kind.NONE else column
            for column in _columns(self.layout, header)
        )
        try:
            _try_times(self.layout, columns, header)
        except ValueError as error:
            raise InputError(f"{self._path}: {error}") from None
        self.header, self.columns = header, columns
        self._head, self._first_row = lines[: header.lines], lines[header.lines : header.lines + 1]
        self.sample_lines = len(lines)
        self.sample = data.tobytes() if self.is_provisional else b""
        return header

    def still_holds(self, more: NDArray[np.uint8], position: int) -> bool:
        """Whether the guess is the same with more of the file, from a position on; `sample` then ends with it."""
        self.sample = self.sample[:position]  # lines that were offered before may be offered again
        lines = whole_lines(self.sample + more[: self._limit - len(self.sample)].tobytes())
        before = self.layout, self._plain
        self._guess(lines)
        self.sample_bytes = min(len(self.sample) + more.size, self._limit)
        self.sample = self.sample + more.tobytes()
        self.sample_lines = len(lines)
        if (self.layout, self._plain) != before:
            return False
        if not self.is_provisional:
            self.sample = b""
        return True

    def is_header(self, line: bytes) -> bool:
        """Whether a line in the middle of the file begins a header as that at its start."""
        layout = self.layout
        if self.header is None or layout is None or not self._head:
            return False
        if layout.comments and is_comment(line.decode(layout.encoding, errors="replace"), layout.delimiter):
            return self._names_in(line) is not None
        if line in self._head and line.strip():
            return True
        return self._names_in(line) is not None or self._begins_block(line)

    def next_header(self, lines: Sequence[bytes], number: int) -> NextHeader | None:
        """The header that begins in the middle of a file, in line `number` from 0; None while it is not complete.

        Its size is 0 where the lines are no header after all.

        Raises
        ------
        InputError
            When it does not say when the rows behind it were written.
        """
        layout = self.layout
        assert layout is not None
        assert self.header is not None
        heads = set(self._head)
        if self._begins_block(lines[0]):
            try:
                block = layout.header.read(lines, layout)
            except HeaderMismatch:
                return NextHeader(0, 0, (), {})
            if block is None:
                return None
            columns = _columns(layout, block)
            try:
                _try_times(layout, columns, block)
            except ValueError as error:
                raise InputError(f"{self._path}, the header from line {number + 1} on: {error}") from None
            names = tuple(column.name for column in columns)
            return NextHeader(block.size, block.lines, names, block.metadata)
        size = 0
        for place, line in enumerate(lines):
            called = self._names_in(line)
            size += len(line)
            if called is not None:
                more = 0
                if self._guessing and any(column.unit for column in self.columns):
                    if place + 1 == len(lines):
                        return None
                    more = are_units(fields(lines[place + 1], layout))
                return NextHeader(
                    size + (len(lines[place + 1]) if more else 0), place + 1 + more, called, self.header.metadata
                )
            if line not in heads:
                return NextHeader(0, 0, (), {})
        return None

    def follow(self, now: bytes) -> bool:
        """Take over what the header says now, where it was rewritten in place; whether its metadata changed.

        The SSD module completes its header at the end of a run. Bytes that are no header of that length were read in
        the middle of that, and are passed over.
        """
        if self.header is None or self.layout is None:
            return False
        if not now or now == b"".join(self._head):
            return False
        lines = whole_lines(now)
        try:
            header = self.layout.header.read([*lines, *self._first_row], self.layout)
            if header is None or header.size != len(now):
                return False
            _try_times(self.layout, self.columns, header)
        except (HeaderMismatch, ValueError):
            return False
        old, self.header, self._head = self.header, header, lines
        return old.metadata != header.metadata

    def _guess(self, lines: Sequence[bytes]) -> None:
        from ..guess.layout import guess_layout  # noqa: PLC0415 (described formats do without)

        guess = guess_layout(self._path, lines, self._asked, self._known)
        plain = guess_layout(self._path, lines, self._asked) if self._known else guess
        self.layout, self.remarks = (None, ()) if guess is None else guess  # which may raise before
        self._plain = plain.layout if plain else None

    def _names_in(self, line: bytes) -> tuple[str, ...] | None:
        """The columns that a line names; None for a line that names too few of those of this file."""
        layout = self.layout
        assert layout is not None
        names_line = layout.header.names_line if isinstance(layout.header, CountedLines) else None
        if b"\0" not in line and (isinstance(layout.header, NamesLine) or names_line is not None):
            row = self._cells_of(line, layout)
            called = {column.header_name: column.name for column in self.columns}
            found = distinct(row)[: len(row) - (bool(row) and not row[-1])]
            taken, times = set(called.values()), _time_columns(layout)
            names = tuple(called.get(name) or (f"{name} (file)" if name in taken else name) for name in found)
            is_in_place = any(
                name == column.name and column.kind < Kind.TEXT
                for name, column in zip(names, self.columns, strict=False)
            )
            if not (are_names_again(found, called) or is_in_place or (times and times <= set(names))):
                if not are_other_names(row[: len(found)], [column.kind for column in self.columns]):
                    return None
                # The times stand where they stood.
                names = tuple(c.name if c.name in times else n for n, c in zip(names, self.columns, strict=True))
            if any(kind_of(name) not in {None, Kind.TEXT} for name in found if name not in called):
                return None
            needed = {c.name for c in self.columns if not c.nullable and c.kind not in {Kind.TEXT, Kind.NONE}}
            return names if times <= set(names) and (times or needed & set(names) or not needed) else None
        return None

    def _cells_of(self, line: bytes, layout: Layout) -> list[str]:
        """The cells of a line that may name columns: of a comment only where one names them above the rows."""
        header = layout.header
        text = line.decode(layout.encoding, errors="replace")
        if not layout.comments or not isinstance(header, CountedLines) or header.names_line is None:
            return fields(line, layout)
        above = self._head[header.names_line].decode(layout.encoding, errors="replace").removeprefix("\ufeff")
        if is_comment(text, layout.delimiter) != is_comment(above, layout.delimiter):
            return []
        return (
            cells_of_comment(text.rstrip("\r\n"), layout.delimiter)
            if is_comment(text, layout.delimiter)
            else fields(line, layout)
        )

    def _begins_block(self, line: bytes) -> bool:
        """Whether a line begins a header of keys, as this file has one."""
        layout = self.layout
        assert layout is not None
        if self._guessing or isinstance(layout.header, NamesLine):
            return False
        key = fields(line, layout)[0]
        keys = self.header.metadata if self.header else ()
        return key != "" and (key == fields(self._head[0], layout)[0] or key in keys)

    def _header(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        try:
            return layout.header.read(lines, layout)
        except HeaderMismatch as wrong:
            raise self._mismatch(wrong.line, wrong.expected, wrong.found) from None

    def _mismatch(self, line: int, expected: str, found: str) -> FormatError:
        name = self.layout.name if self.layout else "table"
        return FormatError(f"{self._path}, line {line}: this is no {name} file: expected {expected}, found {found}")


def nul_bytes(path: Path, line: int) -> InputError:
    """What is said of a file that has NUL bytes (the first of them in `line`, from 1) before any row."""
    return InputError(f"{path}, line {line}: NUL bytes, so this is no text table (a binary or UTF-16 file)")


def _try_times(layout: Layout, columns: tuple[Column, ...], header: Header) -> None:
    """Raise `ValueError` with a sentence where the header does not say when the rows were written."""
    if layout.time is not None:
        layout.time.timestamps_ns(ColumnBuffer(columns).column, header.metadata)


def _time_columns(layout: Layout) -> set[str]:
    """The columns that the times of rows are computed from."""
    time = layout.time
    return {name for key in ("column", "date", "time") if isinstance(name := getattr(time, key, None), str)}


def _columns(layout: Layout, header: Header) -> tuple[Column, ...]:
    """The columns in the order of the file."""
    if header.names is None:
        return layout.columns
    known = {column.header_name: column for column in layout.columns}
    others = layout.others or Column("", Kind.TEXT, nullable=True)
    return tuple(known.get(name) or replace(others, name=name) for name in header.names)
