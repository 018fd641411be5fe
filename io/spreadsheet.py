"""How large a spreadsheet is, found out before anything makes a table of it.

A file of a kilobyte may unpack to gigabytes, or hold two cells in opposite corners of a sheet of 17e9. The reader of
spreadsheets would take the memory for all of that, and end the program. Here the sheets are unpacked a piece at a time,
and counted.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import IO
from xml.parsers import expat

from .errors import InputError

__all__ = ["check_spreadsheet"]

MOST_UNPACKED_BYTES = 1 << 29
MOST_CELLS = 1 << 24
"""A camera image of 4096 x 4096 pixels."""
PIECE_BYTES = 1 << 18

SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def check_spreadsheet(path: Path, content: bytes) -> None:
    """Refuse a spreadsheet that is too large, or none.

    Parameters
    ----------
    path : path
        For the message.
    content : bytes
        Of the file.

    Raises
    ------
    InputError
        When it is no ``.xlsx``, or larger than an image can be.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.spreadsheet import check_spreadsheet
    >>> check_spreadsheet(Path("cmos.xlsx"), b"1,2")
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: cmos.xlsx: this is no Excel file that can be read (it is no .xlsx)
    """
    unpacked = sheets = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                entry.file_size = MOST_UNPACKED_BYTES + 1  # what it says of itself may be wrong
                counter = _Cells() if SHEET.fullmatch(entry.filename) else None
                sheets += counter is not None
                with archive.open(entry) as packed:
                    unpacked += _measured(path, packed, counter, MOST_UNPACKED_BYTES - unpacked)
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        reason = "it is no .xlsx" if "not a zip" in str(error) else str(error)
        raise InputError(f"{path}: this is no Excel file that can be read ({reason})") from None
    except Exception as error:  # what zipfile, zlib and expat raise of a file that is damaged on purpose
        raise InputError(f"{path}: this is no Excel file that can be read ({error})") from error
    if not sheets:
        raise InputError(f"{path}: this is no Excel file that can be read (it has no sheet)")


def _measured(path: Path, packed: IO[bytes], counter: _Cells | None, room: int) -> int:
    """Unpacked bytes of an entry."""
    size = 0
    while piece := packed.read(PIECE_BYTES):
        size += len(piece)
        if size > room:
            most = MOST_UNPACKED_BYTES >> 20
            raise InputError(f"{path}: this spreadsheet unpacks to more than {most} MB, which no image does")
        if counter is not None:
            counter.feed(piece)
            if counter.cells > MOST_CELLS:
                raise InputError(
                    f"{path}: this spreadsheet has {counter.rows} rows of {counter.columns} cells, more than the "
                    f"{MOST_CELLS} of the largest image"
                )
    return size


class _Cells:
    """The rectangle around all cells of a sheet, which is what a table of it needs memory for."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.EntityDeclHandler = self._refuse
        self._row = self._column = 0
        self._first: tuple[int, int] | None = None
        self._last = (0, 0)

    @property
    def rows(self) -> int:
        return 0 if self._first is None else self._last[0] - self._first[0] + 1

    @property
    def columns(self) -> int:
        return 0 if self._first is None else self._last[1] - self._first[1] + 1

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def feed(self, piece: bytes) -> None:
        self._parser.Parse(piece, False)

    def _refuse(self, *declared: object) -> None:
        raise ValueError("it declares entities of XML")

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif tag == "c":
            found = PLACE.fullmatch(attributes.get("r", ""))
            if found:
                self._row, self._column = int(found[2]), _number(found[1])
            else:
                self._column += 1
            row, column = self._row, self._column
            top, left = self._first or (row, column)
            self._first = (min(top, row), min(left, column))
            self._last = (max(self._last[0], row), max(self._last[1], column))


def _number(letters: str) -> int:
    """Of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
