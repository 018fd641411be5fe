"""`GrowingFile`: hands over the whole lines that were appended since the last look.

The file is opened, read and closed within one call: nothing is held between cycles, because on Windows an open map
keeps the writer from truncating or replacing its file. Every byte is read once; a last line without its end waits in
memory. Bulk data at rest is mapped, live tails are read into a buffer that is used again.

Whether it is still the same file is told by its bytes, not by times or inodes: the last bytes before the read position
must be there unchanged, and the size must not have gone down. Else the file counts as another one (`generation` goes
up) and is handed over from its start.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..kernels.text import last_newline, without_trailing_nuls
from .errors import InputError, MissingFileError

__all__ = ["GrowingFile"]

Bytes = NDArray[np.uint8]
Consume = Callable[[Bytes], tuple[int, bool]]

BLOCK_BYTES = 4 << 20
MAP_FROM_BYTES = 64 << 20
AT_REST_S = 5.0  # a writer that was silent for so long is not about to truncate
FINGERPRINT_BYTES = 256


class GrowingFile:
    """A file to which another program appends.

    Parameters
    ----------
    path : path
        It need not exist yet.

    Attributes
    ----------
    generation : int
        How often the file turned out to be another one.
    position : int
        Bytes of this file read so far.
    changeable_bytes : int
        How many bytes at the start may be rewritten in place, a header, without this being another file.
    bytes_read : int
        Bytes handed over or held, over all generations; the few read again to know the file are not counted.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.generation = 0
        self.position = 0
        self.bytes_read = 0
        self.changeable_bytes = 0
        self._buffer: Bytes = np.empty(0, np.uint8)
        self._held = 0  # bytes at the start of the buffer that were read and not yet taken
        self._fingerprint = b""

    def feed(self, consume: Consume) -> None:
        """Hand the new whole lines to `consume`, in blocks, until it has enough or there are no more.

        Parameters
        ----------
        consume : callable
            Gets whole lines (uint8, read-only, valid within the call only) and answers how many bytes it took, and
            whether it wants more. What it did not take is offered again, in front of what follows.

        Raises
        ------
        MissingFileError, InputError
            When there is no such file, or it cannot be read.
        """
        with self._opened() as handle:
            size = self._known_size(handle)
            while True:
                end = last_newline(self._buffer[: self._held]) + 1
                more = True
                if end:
                    lines = self._buffer[:end]
                    lines.flags.writeable = False
                    taken, more = consume(lines)
                    self._drop(taken)
                if not more or self.position >= size:
                    return
                if size - self.position >= MAP_FROM_BYTES and self._at_rest(handle):
                    if not self._feed_mapped(handle, size, consume):
                        return
                elif not self._fill(handle, min(BLOCK_BYTES, size - self.position)):
                    return

    def unfinished(self) -> bytes:
        """The bytes that were read and wait for the end of their line."""
        return self._buffer[: self._held].tobytes()

    def forget_unfinished(self) -> None:
        """Let go of the bytes that wait for the end of their line."""
        self._held = 0

    def has_news(self) -> bool:
        """Whether the file has bytes that were not read yet, or is another one by now."""
        with self._opened() as handle:
            return self._size(handle) != self.position or not self._is_the_same(handle)

    def start_bytes(self, count: int) -> bytes:
        """The first bytes of the file, as they are now: a header may be rewritten in place."""
        with self._opened() as handle:
            return handle.read(count)

    def modified_ns(self) -> int:
        """When the file was last written, by the clock of its file system."""
        return os.stat(self.path).st_mtime_ns

    @contextlib.contextmanager
    def _opened(self) -> Iterator[FileIO]:
        with contextlib.ExitStack() as stack:
            try:
                handle = stack.enter_context(self.path.open("rb", buffering=0))
            except FileNotFoundError:
                raise MissingFileError(f"{self.path}: no such file") from None
            except (IsADirectoryError, PermissionError, OSError) as error:
                raise _unreadable(self.path, error) from error
            yield handle

    def _size(self, handle: FileIO) -> int:
        return os.fstat(handle.fileno()).st_size

    def _at_rest(self, handle: FileIO) -> bool:
        return time.time() - os.fstat(handle.fileno()).st_mtime > AT_REST_S

    def _known_size(self, handle: FileIO) -> int:
        """Size of the file, after forgetting what was read if it is another file by now."""
        size = self._size(handle)
        if size < self.position or not self._is_the_same(handle):
            self.generation += 1
            self.position = self._held = self.changeable_bytes = 0
            self._fingerprint = b""
        handle.seek(self.position)
        return size

    def _is_the_same(self, handle: FileIO) -> bool:
        start = self.position - len(self._fingerprint)
        # While nothing was read behind the header, the header is all there is to tell the file by.
        skipped = max(0, self.changeable_bytes - start) if self.position > self.changeable_bytes else 0
        handle.seek(start + skipped)
        return handle.read(len(self._fingerprint) - skipped) == self._fingerprint[skipped:]

    def _fill(self, handle: FileIO, wanted: int) -> int:
        """Read up to `wanted` bytes behind those held; NULs at the end are not written yet and stay unread."""
        if self._held + wanted > self._buffer.size:
            grown = np.empty(max(self._held + wanted, 2 * self._buffer.size), np.uint8)
            grown[: self._held] = self._buffer[: self._held]
            self._buffer = grown
        got = handle.readinto(self._buffer[self._held : self._held + wanted].data)
        written = without_trailing_nuls(self._buffer[self._held : self._held + got])
        if written < got:
            handle.seek(written - got, os.SEEK_CUR)
        self._advance(self._buffer[self._held : self._held + written])
        self._held += written
        return written

    def _feed_mapped(self, handle: FileIO, size: int, consume: Consume) -> bool:
        """Hand over all whole lines from a map, and hold what is behind them; whether more is wanted."""
        start = self.position - self._held
        aligned = start // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        mapped = mmap.mmap(handle.fileno(), size - aligned, access=mmap.ACCESS_READ, offset=aligned)
        try:
            data = np.frombuffer(mapped, np.uint8)[start - aligned :]
            written = without_trailing_nuls(data)
            taken, more = consume(data[: last_newline(data[:written]) + 1])
            rest = data[taken:written].copy()
            self._advance(data[self._held : written])
            del data
        finally:
            # After an exception its traceback still holds views: the map then closes when they are gone.
            with contextlib.suppress(BufferError):
                mapped.close()
        if rest.size > self._buffer.size:
            self._buffer = rest
        else:
            self._buffer[: rest.size] = rest
        self._held = rest.size
        handle.seek(self.position)
        return more and written > 0

    def _advance(self, new: Bytes) -> None:
        self.position += new.size
        self.bytes_read += new.size
        self._fingerprint = (self._fingerprint + new[-FINGERPRINT_BYTES:].tobytes())[-FINGERPRINT_BYTES:]

    def _drop(self, taken: int) -> None:
        rest = self._held - taken
        if taken:
            self._buffer[:rest] = self._buffer[taken : self._held]
        self._held = rest


def _unreadable(path: Path, error: OSError) -> InputError:
    # Windows says that access is denied where Linux says that it is a folder.
    if error.errno == errno.EISDIR or path.is_dir():
        return InputError(f"{path}: this is a folder, not a file; FileRecorder reads the files of a folder")
    return InputError(f"{path}: cannot be read ({error.strerror or error}); check the permissions and the drive")
