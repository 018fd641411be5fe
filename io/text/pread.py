"""Bytes of an open file at a position, whatever else reads from the same handle: several threads may."""

from __future__ import annotations

import os
from io import FileIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_at", "read_into"]

Bytes = NDArray[np.uint8]


def read_into(handle: FileIO, position: int, view: Bytes) -> int:
    """Fill `view` from `position` on; how many bytes there were, fewer at the end of the file."""
    done = 0
    while done < view.size:
        got = _pread(handle, position + done, view[done:].data)
        if not got:
            break
        done += got
    return done


def read_at(handle: FileIO, position: int, count: int) -> bytes:
    """Up to `count` bytes from `position` on; fewer at the end of the file."""
    view = np.empty(count, np.uint8)
    return view[: read_into(handle, position, view)].tobytes()


if hasattr(os, "preadv"):

    def _pread(handle: FileIO, position: int, view: memoryview) -> int:
        return os.preadv(handle.fileno(), [view], position)

else:  # Windows, macOS: one thread after another
    import threading

    _seeking = threading.Lock()

    def _pread(handle: FileIO, position: int, view: memoryview) -> int:
        with _seeking:
            handle.seek(position)
            return handle.readinto(view) or 0
