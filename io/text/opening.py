"""`Opening`: the layout and header of one file, read at its start, and again when the header is rewritten in place."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..column import Column, Kind
from ..errors import FormatError, InputError
from ..header import Header, HeaderMismatch
from ..layout import Layout
from .buffer import ColumnBuffer
from .sniff import check_encoding, nul_bytes, sniff_layout

__all__ = ["Opening"]

SAMPLE_BYTES = 1 << 16
"""From which a header is read, and a layout guessed: the header of every known format is shorter."""
HEADER_LIMIT_BYTES = 4 << 20
"""Of the longest header, for a file whose header is longer than the sample."""


class Opening:
    """What stands before the rows of a file.

    Parameters
    ----------
    path : path
        For messages.
    layout : Layout, optional
        Without, it is guessed from the file.

    Attributes
    ----------
    layout : Layout or None
        None while it is not known.
    header : Header or None
        None while it is not complete.
    columns : tuple of Column
        In the order of the file.
    sample_bytes : int
        How much of the start all this was read from.
    """

    def __init__(self, path: Path, layout: Layout | None) -> None:
        self.layout = layout
        self.header: Header | None = None
        self.columns: tuple[Column, ...] = layout.columns if layout else ()
        self.sample_bytes = 0
        self._path = path
        self._lines: list[bytes] = []  # of the header, and the first row, which ends it

    def read(self, data: NDArray[np.uint8]) -> Header | None:
        """Read the header from the first whole lines of the file; None while it is not complete.

        Raises
        ------
        InputError
            When the file is of another format, or no text.
        """
        header = None
        lines: list[bytes] = []
        for limit in (SAMPLE_BYTES, HEADER_LIMIT_BYTES):
            lines = _whole_lines(data[:limit].tobytes())
            self.sample_bytes = min(data.size, limit)
            check_encoding(self._path, lines)
            intact = list(itertools.takewhile(lambda line: b"\0" not in line, lines))
            if self.layout is None:
                try:
                    self.layout = sniff_layout(self._path, lines)
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
        columns = _columns(self.layout, header)
        try:
            _try_times(self.layout, columns, header)
        except ValueError as error:
            raise InputError(f"{self._path}: {error}") from None
        self.header, self.columns, self._lines = header, columns, lines[: header.lines + 1]
        return header

    def follow(self, now: bytes) -> bool:
        """Take over what the header says now, where it was rewritten in place; whether its metadata changed.

        The SSD module completes its header at the end of a run. Bytes that are no header of that length were read in
        the middle of that, and are passed over.
        """
        if self.header is None or self.layout is None:
            return False
        *old_lines, first_row = self._lines
        if not now or now == b"".join(old_lines):
            return False
        lines = [*_whole_lines(now), first_row]
        try:
            header = self.layout.header.read(lines, self.layout)
            if header is None or header.size != len(now):
                return False
            _try_times(self.layout, self.columns, header)
        except (HeaderMismatch, ValueError):
            return False
        old, self.header, self._lines = self.header, header, lines
        return old.metadata != header.metadata

    def _header(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        try:
            return layout.header.read(lines, layout)
        except HeaderMismatch as wrong:
            raise self._mismatch(wrong.line, wrong.expected, wrong.found) from None

    def _mismatch(self, line: int, expected: str, found: str) -> FormatError:
        name = self.layout.name if self.layout else "table"
        return FormatError(f"{self._path}, line {line}: this is no {name} file: expected {expected}, found {found}")


def _try_times(layout: Layout, columns: tuple[Column, ...], header: Header) -> None:
    """Raise `ValueError` with a sentence where the header does not say when the rows were written."""
    if layout.time is not None:
        layout.time.timestamps_ns(ColumnBuffer(columns).column, header.metadata)


def _whole_lines(data: bytes) -> list[bytes]:
    """The whole lines in `data`, with their ends."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _columns(layout: Layout, header: Header) -> tuple[Column, ...]:
    """The columns in the order of the file."""
    if header.names is None:
        return layout.columns
    known = {column.header_name: column for column in layout.columns}
    others = layout.others or Column("", Kind.TEXT, nullable=True)
    return tuple(known.get(name) or replace(others, name=name) for name in header.names)
