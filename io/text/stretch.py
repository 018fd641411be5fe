"""`Stretch`: the lines of a stretch of a long file, in parts for several threads.

A part is read into a buffer of its thread, or mapped: then its bytes are parsed where the system keeps them. A map is
of one part, and goes when that was parsed. Which of the two is right for a file, `at_rest` says.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Callable
from io import FileIO

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT
from .pread import read_into

__all__ = ["PART_BYTES", "Stretch"]

Bytes = NDArray[np.uint8]

PART_BYTES = 1 << 20
"""Largest part of a long file for one thread: it stays in the cache of its core."""
EXTRA_BYTES = 1 << 14
"""Read at once beyond a part, to the end of its last line."""
MOST_EXTRAS = 8
"""How often that may be; a longer line is no work for several threads."""
NEWLINE = 10
POPULATE_READ = 22
"""Linux's advice to make all pages of a map ready at once, which Python has no name for."""


class Stretch:
    """Parts of a file: the lines that begin within a stretch of it.

    Parameters
    ----------
    handle : FileIO
        The file, opened for reading.
    start, stop : int
        The stretch, in bytes.
    size : int
        Of a part, in bytes.
    advance : callable
        Is told of each part that was committed: ``(data, start, stop)``. In order.
    mapped : bool
        Whether parts are mapped, where they can be; else they are read.
    """

    def __init__(
        self,
        handle: FileIO,
        start: int,
        stop: int,
        size: int,
        advance: Callable[[Bytes, int, int], None],
        *,
        mapped: bool = False,
    ) -> None:
        self._handle, self._start, self._stop, self._size, self._advance = handle, start, stop, size, advance
        self._mapped = mapped

    def room(self) -> int:
        """Bytes that the buffer of a thread needs."""
        return FRONT + PART_BYTES + MOST_EXTRAS * EXTRA_BYTES + BACK

    def read(self, part: int, buffer: bytearray) -> tuple[Bytes, int, int] | None:
        """Read or map a part: its whole lines are ``data[start:stop]``; None where the parts end early."""
        begin = min(self._start + part * self._size, self._stop)
        end = min(begin + self._size, self._stop)
        # With the byte before: where that is a line end, a line begins here.
        begin -= part > 0
        piece = self._piece(begin, buffer)
        filled, there = end - begin, self._stop - begin
        if not piece.holds(filled):
            return None  # truncated meanwhile
        data, first = piece.data, piece.first
        start = first + _end_of_line(data, first, filled) if part else first
        stop = filled if data[first + filled - 1] == NEWLINE else 0
        while not stop and filled < there:  # the last line goes on
            more = min(filled + EXTRA_BYTES, there)
            if not piece.holds(more):
                return None  # a very long line, or truncated
            ended = _end_of_line(data, first + filled, more - filled)
            stop, filled = filled + ended if ended else 0, more
        if not stop:  # the file ends within a line
            before = np.flatnonzero(data[first : first + filled] == NEWLINE)
            stop = int(before[-1]) + 1 if before.size else 0
        stop += first
        if (part and start == first) or stop <= start:
            return data, first, first  # all within one line
        return (data, start, stop) if data[start:stop].min() else None  # there are NUL bytes

    def advance(self, part: int, data: Bytes, start: int, stop: int) -> None:
        """Go on after a part, which was committed."""
        del part
        self._advance(data, start, stop)

    def _piece(self, begin: int, buffer: bytearray) -> _Read | _Mapped:
        there = os.fstat(self._handle.fileno()).st_size if self._mapped else 0
        if FRONT <= begin <= there - self._size - BACK:  # kernels look at bytes before and behind the lines
            with contextlib.suppress(OSError, ValueError):  # a drive that maps nothing; truncated meanwhile
                return _Mapped(self._handle, begin, min(begin + self.room(), there))
        return _Read(self._handle, begin, buffer)


class _Read:
    """Bytes of a file from a position on, read into the buffer of a thread as they are asked for."""

    def __init__(self, handle: FileIO, begin: int, buffer: bytearray) -> None:
        self.data: Bytes = np.frombuffer(buffer, np.uint8)
        self.first = FRONT
        self._handle, self._begin, self._there = handle, begin, 0

    def holds(self, count: int) -> bool:
        """Whether so many bytes are in the file, and then in `data` from `first` on."""
        if self.first + count + BACK > self.data.size:
            return False
        view = self.data[self.first + self._there : self.first + count]
        self._there += (got := read_into(self._handle, self._begin + self._there, view))
        return got == view.size


class _Mapped:
    """The same, mapped. It could be written to, so that kernels are the same, and would not change the file."""

    def __init__(self, handle: FileIO, begin: int, stop: int) -> None:
        offset = (begin - FRONT) // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        pages = mmap.mmap(handle.fileno(), stop - offset, access=mmap.ACCESS_COPY, offset=offset)
        if hasattr(pages, "madvise"):
            with contextlib.suppress(OSError):  # systems before Linux 5.14
                pages.madvise(POPULATE_READ)
        self.data: Bytes = np.frombuffer(pages, np.uint8)
        self.first = begin - offset

    def holds(self, count: int) -> bool:
        """Whether so many bytes are in the file."""
        return self.first + count + BACK <= self.data.size


def _end_of_line(data: Bytes, start: int, count: int) -> int:
    """How many bytes from `start` on belong to the first line; 0 where it does not end within `count`."""
    stop = start + count
    for place in range(start, stop, EXTRA_BYTES):
        found = data[place : min(place + EXTRA_BYTES, stop)].tobytes().find(b"\n")
        if found >= 0:
            return place - start + found + 1
    return 0
