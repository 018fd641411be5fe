"""UTF-16 text as the text of one byte or more a letter that the reader knows, at positions of that text.

Excel and .NET programs write it ("Unicode text"); its mark, the first two bytes, says so. Positions, sizes and
fingerprints elsewhere count bytes of the text, never of the file. Where a letter of the text stands in the file is
found from the nearest place below it that is known.
"""

from __future__ import annotations

import codecs
import os
from bisect import bisect_right
from io import FileIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pread import read_at, read_into

__all__ = ["PLAIN", "Bytes16", "PlainBytes", "bytes_of", "text_of"]

Bytes = NDArray[np.uint8]

UNIT_BYTES = 2
LONGEST_LETTER_BYTES = 3
"""Of one unit of UTF-16 in UTF-8; a letter of two units has four."""
STEP_BYTES = 1 << 16
"""Read at once, and the distance of places that are remembered."""


class PlainBytes:
    """The bytes of a file as they are."""

    in_parts = True
    """Whether parts of it can be read by themselves."""
    said = ""
    """What is said of the encoding of the file beside that of its text."""

    def size(self, handle: FileIO) -> int:
        """Bytes of the file."""
        return os.fstat(handle.fileno()).st_size

    def read_into(self, handle: FileIO, position: int, view: Bytes) -> int:
        """Fill `view` from `position` on; how many bytes there were."""
        return read_into(handle, position, view)

    def read_at(self, handle: FileIO, position: int, count: int) -> bytes:
        """Up to `count` bytes from `position` on."""
        return read_at(handle, position, count)


PLAIN = PlainBytes()


class _Place(NamedTuple):
    """Where a letter begins."""

    text: int
    """In bytes of the text."""
    file: int
    """In bytes of the file."""


class Bytes16:
    """The bytes of the text of a file in UTF-16.

    Parameters
    ----------
    order : str
        ``"le"`` or ``"be"``.
    encoding : str
        That of the text, as Python calls it. Letters that it has not become question marks.
    """

    in_parts = False

    def __init__(self, order: str, encoding: str) -> None:
        self.said = f"utf-16-{order}"
        self._encoding = encoding
        self._decode = codecs.utf_16_le_decode if order == "le" else codecs.utf_16_be_decode
        self._places = [_Place(0, UNIT_BYTES)]  # behind the mark

    def size(self, handle: FileIO) -> int:
        """Bytes of the text; while some of the file was not decoded, the most that there can be."""
        last = self._places[-1]
        units = max(0, os.fstat(handle.fileno()).st_size - last.file) // UNIT_BYTES
        return last.text + LONGEST_LETTER_BYTES * units

    def read_into(self, handle: FileIO, position: int, view: Bytes) -> int:
        """Fill `view` from `position` on; how many bytes there were."""
        place = self._places[bisect_right(self._places, position, key=_text) - 1]
        done = 0
        while done < view.size:
            wanted = position + view.size - place.text
            raw = read_at(handle, place.file, min(UNIT_BYTES * (wanted + 1), STEP_BYTES))
            letters, used = self._decode(raw, "replace", False)  # half a letter waits
            if not used:
                break
            text = letters.encode(self._encoding, "replace")
            skipped = max(0, position + done - place.text)
            new = text[skipped : skipped + view.size - done]
            view[done : done + len(new)] = np.frombuffer(new, np.uint8)
            done += len(new)
            place = _Place(place.text + len(text), place.file + used)
            self._remember(place)
        return done

    def read_at(self, handle: FileIO, position: int, count: int) -> bytes:
        """Up to `count` bytes from `position` on."""
        view = np.empty(count, np.uint8)
        return view[: self.read_into(handle, position, view)].tobytes()

    def _remember(self, place: _Place) -> None:
        places = self._places
        if place.text <= places[-1].text:
            return
        if len(places) > 1 and place.file - places[-2].file < STEP_BYTES:
            places[-1] = place
        else:
            places.append(place)


def _has_mark(start: bytes, mark: bytes) -> bool:
    """Whether a file begins with a mark, or may, as far as it is written."""
    return bool(start) and mark.startswith(start[:UNIT_BYTES]) and start[2:4] != b"\0\0"  # UTF-32


def _text(place: _Place) -> int:
    return place.text


def bytes_of(handle: FileIO, encoding: str) -> PlainBytes | Bytes16:
    r"""How the text of an open file is read: what its first two bytes say.

    Parameters
    ----------
    handle : FileIO
        The file, opened for reading.
    encoding : str
        That of the text, where the file says one of its own.

    Examples
    --------
    >>> from io import FileIO
    >>> from pathlib import Path
    >>> from utokyo.io.text.utf16 import bytes_of
    >>> _ = Path("log.txt").write_text("T (K)\n", encoding="utf-16")
    >>> with FileIO("log.txt") as handle:
    ...     text = bytes_of(handle, "utf-8")
    ...     text.read_at(handle, 0, 6)
    b'T (K)\n'
    """
    start = read_at(handle, 0, 4)
    if _has_mark(start, codecs.BOM_UTF16_LE):
        return Bytes16("le", encoding)
    return Bytes16("be", encoding) if _has_mark(start, codecs.BOM_UTF16_BE) else PLAIN


def text_of(content: bytes, encoding: str = "utf-8") -> bytes:
    r"""The text of a whole file, or of its beginning, in an encoding of one byte or more a letter.

    Examples
    --------
    >>> from utokyo.io.text.utf16 import text_of
    >>> text_of("1;2\n".encode("utf-16")), text_of(b"1;2\n")
    (b'1;2\n', b'1;2\n')
    """
    for mark, decode in (
        (codecs.BOM_UTF16_LE, codecs.utf_16_le_decode),
        (codecs.BOM_UTF16_BE, codecs.utf_16_be_decode),
    ):
        if _has_mark(content, mark):
            return decode(content[2:], "replace", False)[0].encode(encoding, "replace")
    return content
