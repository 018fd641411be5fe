"""`GrowingFile`: hands over the whole lines that were appended since the last look.

The file is opened, read and closed within one call. What is new in a live file is read into a buffer; of a file at
rest (`rest`), the parts of a long stretch are mapped, one by one, which takes as long (see benchmarks/). Every byte is
read once; a last line without its end waits in memory.

Whether it is still the same file is determined by its bytes alone, not by times, inodes or its size, which a network
share may report late: the last bytes before the read position and the first ones after the header must be there
unchanged. Otherwise it counts as another file (`generation` goes up) and is handed over from its start.

NUL bytes at the end are space that the writer did not fill yet, and stay unread. NUL bytes followed by text may be a
page that a share did not get yet: they are read again at the next look, and only then handed over as they are (at once
where there is no row before them: this is no text, most likely).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT
from ..errors import InputError, UtokyoError
from ..opened import opened, unreadable
from ..paths import user_path
from ..progress import Task, progress
from . import stretch
from .line_ends import are_returns, make_newlines
from .parts import THREADS, Sink, run_parts
from .rest import LOOK_AGAIN_BYTES, Access, Rest
from .utf16 import PLAIN, Bytes16, PlainBytes, bytes_of

__all__ = ["FINGERPRINT_BYTES", "Consumer", "Fingerprint", "GrowingFile", "PartsPlan"]

Bytes = NDArray[np.uint8]

BLOCK_BYTES = 1 << 18
"""Read at once; what is new at the end of a live file is rarely more."""
PARTS_FROM_BYTES = 4 << 20
"""What is new from which a file is read in parts; less is not worth another thread."""
FINGERPRINT_BYTES = 1024
"""Of the first rows and of the last bytes read, by which a file is known again."""
LONGEST_LINE_BYTES = 256 << 20
"""A longer one without an end is no line of a table; lines of known formats have hundreds of bytes."""
AT_REST_S = 5.0
"""Since the last modification: then NUL bytes followed by text are no page that a share did not get yet."""


class Fingerprint(NamedTuple):
    """The bytes by which a file is known again."""

    head: bytes
    """The first ones of the rows."""
    tail: bytes
    """The last ones before the position."""


class _NulsSeen(NamedTuple):
    """NUL bytes that were left unread."""

    position: int
    """In the file; -1 where there are none."""
    look: int
    """The number of the call of `feed`."""


class PartsPlan(NamedTuple):
    """How a long file is to be read in parts by several threads."""

    sink: Sink
    size: int
    """Bytes to read so."""


class Consumer(Protocol):
    """Who takes the lines."""

    def take(self, data: Bytes, start: int, stop: int) -> int:
        """Take whole lines; where in `data` it stopped. What it did not take is offered again with what follows."""
        ...

    def wants_more(self) -> bool:
        """Whether it has not enough yet."""
        ...

    def has_rows(self) -> bool:
        """Whether it has a row, so that NUL bytes are damage to a text and no sign of another kind of file."""
        ...

    def parts(self, bytes_ahead: int) -> PartsPlan | None:
        """How to read up to so many bytes of a long file in several threads; None to go on in one."""
        ...


class GrowingFile:
    """A file to which another program appends.

    Parameters
    ----------
    path : path
        It need not exist yet.
    longest_line_bytes : int
        A longer line without its end is refused.
    encoding : str
        Of the lines, where the file is UTF-16.
    access : {"auto", "map", "read"}
        Whether parts of a long file are mapped: where it is at rest, always, never.

    Attributes
    ----------
    generation : int
        How often the file turned out to be another one.
    bytes_read : int
        Bytes handed over or held, over all generations; the few read again to know the file are not counted.
    header_bytes : bytes
        What stands before `start` now: a header may be rewritten in place, and the file still be the same.
    start : int
        Where the rows begin; the consumer sets it by `begin_rows` when it knows.
    """

    start: int
    header_bytes: bytes
    _head: bytes
    _tail: bytes
    _in_returns: bool | None  # whether its lines end in carriage returns alone

    def __init__(
        self,
        path: str | Path,
        longest_line_bytes: int = LONGEST_LINE_BYTES,
        encoding: str = "utf-8",
        access: Access = "auto",
    ) -> None:
        self.path = user_path(path)
        self.longest_line_bytes = longest_line_bytes
        self.generation = 0
        self.bytes_read = 0
        self._bytes = bytearray(FRONT + BACK)
        self._buffer: Bytes = np.frombuffer(self._bytes, np.uint8)
        self._looks = 0
        self._encoding = encoding
        self._rest = Rest(access)
        self._text: PlainBytes | Bytes16 = PLAIN
        self._nuls_seen = _NulsSeen(-1, 0)
        self._task: tuple[Task | None, int] = None, 1
        self._forget()

    @property
    def position(self) -> int:
        """Bytes of this file that were taken: all whole lines, for a consumer that takes lines."""
        return self._read - self._held

    @property
    def said_encoding(self) -> str:
        """What the file says of its encoding; empty where it says nothing."""
        return self._text.said

    @property
    def fingerprint(self) -> Fingerprint:
        """By what this file is known again, as far as lines were taken."""
        taken = len(self._tail) - self._held
        return Fingerprint(self._head[: max(0, self.position - self.start)], self._tail[: max(0, taken)])

    def feed(self, consumer: Consumer) -> None:
        """Hand the new whole lines to the consumer until it has enough or there are no more.

        Parameters
        ----------
        consumer : Consumer
            Gets ``(data, start, stop)``: whole lines (uint8) with `FRONT` bytes before and `BACK` bytes after them,
            valid within the call only.

        Raises
        ------
        MissingFileError, InputError
            When there is no such file, or it cannot be read.
        """
        with self._opened() as handle:
            self._looks += 1
            if not self._is_the_same(handle):
                self.generation += 1
                self._nuls_seen = _NulsSeen(-1, 0)
                self._forget()
                self._text = bytes_of(handle, self._encoding)
            self.header_bytes = self.as_lines(self._text.read_at(handle, 0, self.start))
            size = self._text.size(handle)
            with (
                progress(f"reading {self.path.name}")
                if size - self._read >= PARTS_FROM_BYTES
                else contextlib.nullcontext() as task
            ):
                self._task = task, max(size, 1)
                self._hand_over(handle, size, consumer)
            self._task = None, 1
            if len(self._head) < FINGERPRINT_BYTES and self._read > self.start + len(self._head):
                self._head = self._text.read_at(handle, self.start, min(FINGERPRINT_BYTES, self._read - self.start))
        if len(self._bytes) > 2 * (self._held + BLOCK_BYTES):
            self._resize(self._held + BLOCK_BYTES)

    def begin_rows(self, start: int) -> None:
        """Say where the header ends: what stands before `start` may change."""
        if start != self.start:
            self._head = b""  # of what was taken for rows while the header was being written
        self.start = start

    def resume(self, position: int, start: int, fingerprint: Fingerprint) -> None:
        """Go on at `position` as if all before had been read; the rows begin at `start`."""
        self._forget()
        self._read, self.start, (self._head, self._tail) = position, start, fingerprint
        self.sample(BLOCK_BYTES)

    def unfinished(self) -> bytes:
        """The bytes that were read and wait for the end of their line."""
        return bytes(self._bytes[FRONT : FRONT + self._held])

    def forget_unfinished(self) -> None:
        """Let go of the bytes that wait for the end of their line."""
        self._held = 0

    def has_news(self) -> bool:
        """Whether the file has bytes that were not read yet, or is another one by now."""
        with self._opened() as handle:
            return self._text.size(handle) > self._read or not self._is_the_same(handle)

    def bytes_at(self, position: int, count: int) -> bytes:
        """Bytes of the file as they are now; fewer at its end."""
        with self._opened() as handle:
            return self._text.read_at(handle, position, count)

    def sample(self, count: int) -> bytes:
        """The first bytes of the file as they are now, `as_lines`."""
        self._in_returns = are_returns(content := self.bytes_at(0, count), 0, len(content))
        return self.as_lines(content)

    def as_lines(self, content: bytes) -> bytes:
        """Bytes of the file with line ends as they are handed over."""
        return content.replace(b"\r", b"\n") if self._in_returns else content

    def _hand_over(self, handle: FileIO, size: int, consumer: Consumer) -> None:
        """Hand whole lines to the consumer, by blocks or by parts, until it has enough or there are no more."""
        searched = 0  # bytes of those held, in which there is no line end
        in_parts = True
        while True:
            end = self._bytes.rfind(b"\n", FRONT + searched, FRONT + self._held) + 1
            if end:
                self._drop(consumer.take(self._buffer, FRONT, end) - FRONT)
            searched = self._held
            if searched > self.longest_line_bytes:
                self._refuse_line()
            if not consumer.wants_more():
                return
            # A very long line is no work for several threads.
            if (
                in_parts
                and self._has_parts
                and self._held < stretch.PART_BYTES
                and size - self._read >= PARTS_FROM_BYTES
            ):
                plan = consumer.parts(size - self.position)
                if plan is not None:
                    in_parts = self._feed_parts(handle, size, plan)
                    searched = 0
                    continue
            # A size that went down, or lags, is no news; the bytes were looked at.
            wanted = min(max(BLOCK_BYTES, self._held // 2), size - self._read)
            if wanted <= 0 or not self._fill(handle, wanted, consumer):
                return

    @property
    def _has_parts(self) -> bool:
        """Whether the bytes of the file are those that are handed over, so that threads can take them as they are."""
        return self._text.in_parts and not self._in_returns

    def _refuse_line(self) -> None:
        """Let go of a line that has no end; the next look begins with it again."""
        self._unread()
        self._resize(BLOCK_BYTES)
        raise InputError(
            f"{self.path}: after byte {self._read} there is no line end within {self.longest_line_bytes} bytes, so "
            "this is no text table; where it is one, give a larger longest_line_bytes"
        )

    def _unread(self) -> None:
        """Go back to the end of the last line: what is held is read again."""
        self._tail = self._tail[: max(0, len(self._tail) - self._held)]
        self._read -= self._held
        self.bytes_read -= self._held
        self._held = 0

    def _forget(self) -> None:
        self.start = 0
        self.header_bytes = b""
        self._read = self._held = 0
        self._head = self._tail = b""
        self._in_returns = None

    @contextlib.contextmanager
    def _opened(self) -> Iterator[FileIO]:
        with opened(self.path) as handle:
            try:
                if not self._read:
                    self._text = bytes_of(handle, self._encoding)
                yield handle
            except UtokyoError:
                raise
            except OSError as error:  # a drive that went away in the middle
                raise unreadable(self.path, error) from error

    def _is_the_same(self, handle: FileIO) -> bool:
        tail_from = self._read - len(self._tail)
        # While nothing was read after the header, the header is all there is to know the file by.
        skipped = max(0, self.start - tail_from) if self._read > self.start else 0
        tail = self._text.read_at(handle, tail_from + skipped, len(self._tail) - skipped)
        return tail == self._tail[skipped:] and self._head == self._text.read_at(handle, self.start, len(self._head))

    def _fill(self, handle: FileIO, wanted: int, consumer: Consumer) -> int:
        """Read up to `wanted` bytes after those held; how many were taken."""
        end = FRONT + self._held
        if end + wanted + BACK > len(self._bytes):
            self._resize(max(self._held + wanted, BLOCK_BYTES >> 2))
        got = self._text.read_into(handle, self._read, self._buffer[end : end + wanted])
        if self._bytes.find(b"\0", end, end + got) >= 0:
            got = self._without_nuls(handle, end, got, at_once=not consumer.has_rows())
        self._advance(self._bytes[max(end, end + got - FINGERPRINT_BYTES) : end + got], got)
        self._held += got
        if self._in_returns is None:  # no line was taken yet
            self._in_returns = are_returns(self._bytes, FRONT, end + got)
        if self._in_returns:
            make_newlines(self._buffer[FRONT : FRONT + self._held])
        return got

    def _advance(self, new: bytes | bytearray, count: int) -> None:
        self._tail = (self._tail + new)[-FINGERPRINT_BYTES:]
        self._read += count
        task, size = self._task
        if task is not None:
            task.update(self._read / size)
        self.bytes_read += count

    def _take_part(self, data: Bytes, start: int, stop: int) -> None:
        self._advance(data[max(start, stop - FINGERPRINT_BYTES) : stop].tobytes(), stop - start)

    def _feed_parts(self, handle: FileIO, size: int, plan: PartsPlan) -> bool:
        """Hand over a long file in parts; whether any of it was taken."""
        self._unread()  # parts begin with whole lines
        before, ahead = self._read, min(plan.size, size - self._read)
        mapped = self._rest.look(handle)
        if self._rest.access == "auto" and not mapped:
            ahead = min(ahead, LOOK_AGAIN_BYTES)
        count = -(-ahead // (stretch.PART_BYTES * THREADS)) * THREADS  # none of them waits for another at the end
        parts = stretch.Stretch(handle, before, before + ahead, -(-ahead // count), self._take_part, mapped=mapped)
        run_parts(count, parts, plan.sink)
        return self._read > before

    def _without_nuls(self, handle: FileIO, start: int, got: int, *, at_once: bool) -> int:
        """How many of the bytes that were read may be handed over now."""
        first = self._bytes.find(b"\0", start, start + got) - start
        if first and at_once:  # there may be rows before them
            return first
        filled = len(self._bytes[start : start + got].rstrip(b"\0"))
        seen_before = self._nuls_seen.position >= self._read + first and self._nuls_seen.look < self._looks
        if first < filled and (seen_before or at_once or time.time() - os.fstat(handle.fileno()).st_mtime > AT_REST_S):
            return filled
        if not seen_before:
            self._nuls_seen = _NulsSeen(self._read + first, self._looks)
        return first

    def _resize(self, room: int) -> None:
        """Move what is held to a buffer with room for so many bytes."""
        more = FRONT + room + BACK - len(self._bytes)
        if more > 0 and self._held >= BLOCK_BYTES:  # a long line: there is no memory for it twice
            self._buffer = np.empty(0, np.uint8)
            with contextlib.suppress(BufferError):  # somebody looks at it still
                self._bytes.extend(bytes(more))
                self._buffer = np.frombuffer(self._bytes, np.uint8)
                return
        fresh = bytearray(FRONT + room + BACK)
        fresh[FRONT : FRONT + self._held] = self._bytes[FRONT : FRONT + self._held]
        self._bytes, self._buffer = fresh, np.frombuffer(fresh, np.uint8)

    def _drop(self, taken: int) -> None:
        rest = self._held - taken
        if taken and rest:
            self._bytes[FRONT : FRONT + rest] = self._bytes[FRONT + taken : FRONT + self._held]
        self._held = rest
