"""The standard streams of a command: closed, full, or of a terminal that knows ASCII alone.

Where results cannot be printed, a sentence says so. Where messages cannot (the terminal was closed), the work goes on:
there is nobody left to tell.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO, cast

__all__ = ["OutputGoneError", "guard_streams"]


class OutputGoneError(Exception):
    """The standard output takes no more; no error of one file, after which the next is tried."""


def guard_streams() -> None:
    """Make the standard streams safe to print on: characters that they do not know are escaped."""
    sys.stdout = cast("TextIO", _Guarded(sys.stdout, is_output=True))
    sys.stderr = cast("TextIO", _Guarded(sys.stderr, is_output=False))


class _Guarded:
    """A stream whose errors are one sentence (output), or nothing at all (messages)."""

    def __init__(self, stream: TextIO | None, *, is_output: bool) -> None:
        self._stream: TextIO = stream or _Closed()
        self._is_output = is_output
        if isinstance(self._stream, io.TextIOWrapper):
            self._stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._fail(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        with contextlib.suppress(OSError, ValueError):  # what waits in it would be tried again when Python ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        if self._is_output:
            reason = "it was closed" if isinstance(error, BrokenPipeError) else error.strerror or str(error)
            raise OutputGoneError(f"the standard output takes no more ({reason}); what was left to print is lost")


class _Closed(io.StringIO):
    """Stands for a stream that was closed before the command began."""

    def write(self, text: str) -> int:
        raise OSError(0, "it is closed")
