"""`Stretch`: the lines of a stretch of a long file, in parts for several threads."""

from __future__ import annotations

from collections.abc import Callable
from io import FileIO

import numpy as np

from ...kernels.text.words import BACK, FRONT
from .pread import read_into

__all__ = ["PART_BYTES", "Stretch"]

PART_BYTES = 1 << 20
"""Largest part of a long file for one thread: it stays in the cache of its core."""
EXTRA_BYTES = 1 << 14
"""Read at once beyond a part, to the end of its last line."""
MOST_EXTRAS = 8
"""How often that may be; a longer line is no work for several threads."""


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
        Is told of each part that was committed: ``(buffer, start, stop)``. In order.
    """

    def __init__(
        self, handle: FileIO, start: int, stop: int, size: int, advance: Callable[[bytearray, int, int], None]
    ) -> None:
        self._handle, self._start, self._stop, self._size, self._advance = handle, start, stop, size, advance

    def room(self) -> int:
        """Bytes that the buffer of a thread needs."""
        return FRONT + PART_BYTES + MOST_EXTRAS * EXTRA_BYTES + BACK

    def read(self, part: int, buffer: bytearray) -> tuple[int, int] | None:
        """Read a part: where its whole lines stand in the buffer; None where the parts end early."""
        begin = min(self._start + part * self._size, self._stop)
        end = min(begin + self._size, self._stop)
        # With the byte before: where that is a line end, a line begins here.
        begin -= part > 0
        filled = FRONT + self._read(begin, end, buffer, FRONT)
        if filled < FRONT + end - begin:
            return None  # truncated meanwhile
        start = buffer.find(b"\n", FRONT, filled) + 1 if part else FRONT
        stop = buffer.find(b"\n", filled - 1, filled) + 1
        while not stop and end < self._stop:  # the last line goes on
            more = min(end + EXTRA_BYTES, self._stop)
            if filled + EXTRA_BYTES + BACK > len(buffer):
                return None  # a very long line
            got = self._read(end, more, buffer, filled)
            if got < more - end:
                return None
            stop = buffer.find(b"\n", filled, filled + got) + 1
            filled, end = filled + got, more
        stop = stop or buffer.rfind(b"\n", FRONT, filled) + 1
        if (part and not start) or stop <= start:
            return FRONT, FRONT  # all within one line
        return None if buffer.find(b"\0", start, stop) >= 0 else (start, stop)

    def advance(self, part: int, buffer: bytearray, start: int, stop: int) -> None:
        """Go on after a part, which was committed."""
        del part
        self._advance(buffer, start, stop)

    def _read(self, begin: int, end: int, buffer: bytearray, at: int) -> int:
        return read_into(self._handle, begin, np.frombuffer(buffer, np.uint8, end - begin, at))
