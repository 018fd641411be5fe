"""Lines that end in a carriage return alone, as some programs of old Macintosh computers and of instruments write them.

The first end of a line decides for the file: carriage returns that no line feed follows. Then all of them become line
feeds as soon as they are read, so that nobody else has to know. In other files a lone carriage return is a letter of
its cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT

__all__ = ["are_returns", "framed", "make_newlines", "whole_lines"]

RETURN, NEWLINE = b"\r\n"


def are_returns(text: bytes | bytearray, start: int, stop: int) -> bool | None:
    r"""Whether the lines of a file end in carriage returns alone; None while its first line has no end.

    Examples
    --------
    >>> from utokyo.io.text.line_ends import are_returns
    >>> [are_returns(text, 0, len(text)) for text in (b"a,b\r1", b"a,b\r\r\n1", b"a,b\n1\r2", b"a,b\r")]
    [True, False, False, None]
    """
    newline = text.find(b"\n", start, stop)
    first = text.find(b"\r", start, newline if newline >= 0 else stop)
    if first < 0:
        return False if newline >= 0 else None
    while first < stop and text[first] == RETURN:
        first += 1
    return text[first] != NEWLINE if first < stop else None


def make_newlines(text: NDArray[np.uint8]) -> None:
    """Turn all carriage returns into line feeds, in place."""
    text[text == RETURN] = NEWLINE


def framed(text: bytes) -> NDArray[np.uint8]:
    """Text with the room around it that the kernels need."""
    return np.frombuffer(bytes(FRONT) + text + bytes(BACK), np.uint8)


def whole_lines(text: bytes) -> list[bytes]:
    """The whole lines of some text, with their ends."""
    return [line + b"\n" for line in text.split(b"\n")[:-1]]
