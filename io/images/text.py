"""Images as text: a matrix of numbers, with what programs of cameras put around it.

Andor Solis and others write a column with the numbers of the image rows before the pixels, a line with those of the
image columns above them, and lines about the acquisition before or behind the matrix. None of this is light. Which
character stands between pixels, and whether the comma is the decimal sign, is one decision a file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.lines import count_newlines
from ...kernels.text.matrix import OK, first_line_width, parse_matrix
from ...kernels.text.words import BACK, FRONT
from ..errors import InputError, shortened
from ..header import UTF8_MARK
from ..text.line_ends import are_returns

__all__ = ["Matrix", "is_matrix", "matrix_of"]

FEWEST_INDEXED = 5
"""Rows from which on a first column that counts them is no light, and columns from which on a first line is none."""
FEWEST_COLUMNS = 10
"""Columns without which a text of integers is not taken for an image unasked: tables have fewer, mostly."""
FEWEST_DECIMAL_COLUMNS = 16
"""The same for a text with decimals, of which more are tables."""
MOST_HEADING_LINES = 100
"""Lines about the acquisition before the matrix, at the most, in a text that is taken for an image unasked."""

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(rb"[+-]?\d*,\d+([eE][+-]?\d+)?|[+-]?\d+([eE][+-]?\d+)?")
COMMA_WITHIN = re.compile(rb"\d,\d")
OTHER_DELIMITER = re.compile(rb"[; \t]")
NUMBERS_ALONE = re.compile(rb'[-+.,; \t"]*[0-9][-+0-9.,;eE \t"]*')
COMMENT = (b"#", b"%", b"//", b"!")

Image = NDArray[np.int64] | NDArray[np.float64]


class Matrix(NamedTuple):
    """The pixels, and what was left out around them."""

    image: Image
    index_column: bool = False
    column_numbers: bool = False
    other_lines: int = 0


class _Dialect(NamedTuple):
    """How the cells of a line are told apart."""

    delimiter: bytes | None
    """None: runs of blanks."""
    decimal: bytes

    def cells(self, line: bytes) -> list[bytes]:
        """The cells of a line, without blanks and quotes around them; a delimiter at the end closes the last one."""
        line = line.rstrip(b" \t,;")
        return [cell.strip(b' \t"') for cell in line.split(self.delimiter)] if line else []

    def row(self, line: bytes) -> list[float] | None:
        """The numbers in a line that holds nothing else; None for any other line."""
        if NUMBERS_ALONE.fullmatch(line) is None:
            return None
        line = line.rstrip(b" \t,;").replace(b'"', b"")
        try:
            return list(map(float, (line.replace(b",", b".") if self.decimal == b"," else line).split(self.delimiter)))
        except ValueError:
            return None

    def number(self, cell: bytes) -> float | None:
        """The number in a cell; None where it holds something else."""
        plain = cell.replace(b",", b".") if self.decimal == b"," and DECIMAL_COMMA.fullmatch(cell) else cell
        if NUMBER.fullmatch(plain) is None:
            return None
        return float(plain)


def matrix_of(path: Path, content: bytes) -> Matrix:
    r"""Read the pixels of a text.

    Parameters
    ----------
    path : path
        For messages.
    content : bytes
        Of the file.

    Returns
    -------
    Matrix
        Its image is int64, or float64 where a value is no integer; shape (rows, columns).

    Raises
    ------
    InputError
        With file and line, where it is ragged, holds several images, or something else than numbers.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.images.text import matrix_of
    >>> solis = b"1;25,5;26;\n2;24;31;\n3;25;29;\n4;24;27;\n5;23;25;\n\nExposure Time (s):;0,1\n"
    >>> matrix_of(Path("spot.asc"), solis).image.tolist()
    [[25.5, 26.0], [24.0, 31.0], [25.0, 29.0], [24.0, 27.0], [23.0, 25.0]]
    """
    content = content.removeprefix(UTF8_MARK)  # Excel puts it before "CSV UTF-8"
    if are_returns(content, 0, len(content)):
        content = content.replace(b"\r", b"\n")
    image = _plain(content)
    return _without_numbers(path, _read_lines(path, content) if image is None else Matrix(image))


def _plain(content: bytes) -> NDArray[np.int64] | None:
    """Integers between delimiters alone, as most images are, in one pass of a kernel; None for anything else."""
    first = content.lstrip(b"\r\n").partition(b"\n")[0]
    if COMMA_WITHIN.search(first) and OTHER_DELIMITER.search(first.strip()):
        return None  # the comma may be the decimal sign
    stop = FRONT + len(content)
    data = np.empty(stop + BACK, np.uint8)
    data[FRONT:stop] = np.frombuffer(content, np.uint8)
    columns = first_line_width(data[FRONT:stop])
    lines = count_newlines(data, FRONT, stop) + (not content.endswith(b"\n"))
    # A long first line above many short ones is no image, and takes no memory as if it were: a value is a byte or more.
    image = np.empty((min(lines, len(content) // max(1, columns) + 1), columns), np.int64)
    code, rows, _, _ = parse_matrix(data, FRONT, stop, image)
    if code != OK:
        return None
    return image if rows == len(image) else image[:rows].copy()


def _read_lines(path: Path, content: bytes) -> Matrix:
    """Read an image that holds more than integers, or has other lines around it."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    dialect = _dialect_of(lines)
    rows: list[NDArray[np.float64]] = []
    other, ended, column_numbers = 0, False, False
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith(COMMENT):
            other += bool(line.strip())
            continue
        where = f"{path}, line {number}"
        row = dialect.row(line)
        if row is not None and not ended:
            if len(rows) == 1 and len(row) != len(rows[0]) and _counts(rows[0], len(row)):
                rows.clear()  # the numbers of the columns, without a corner
                column_numbers = True
            if rows and len(row) != len(rows[0]):
                raise InputError(f"{where}: expected {len(rows[0])} values as in the first line, found {len(row)}")
            rows.append(np.array(row))
            continue
        cells = dialect.cells(line)
        values = [dialect.number(cell) for cell in cells]
        if not rows and _counts([value for value in values[1:] if value is not None], len(values)):
            column_numbers = True  # with a word in the corner, or nothing
        else:
            _check_other(where, cells, values, len(rows[0]) if rows else _width_below(lines, number, dialect))
            other, ended = other + 1, bool(rows)
    if not rows:
        raise InputError(f"{path}: no image, which holds numbers only ({_first_words(lines)})")
    image = np.array(rows)
    integers = image.astype(np.int64) if np.all(np.abs(image) < 2.0**53) else image
    return Matrix(integers if np.array_equal(integers, image) else image, False, column_numbers, other)


def _dialect_of(lines: list[bytes]) -> _Dialect:
    """Of the first lines that hold nothing but numbers and what may stand between them."""
    sample = [line for line in lines if NUMBERS_ALONE.fullmatch(line)]
    text = b"\n".join(sample[:MOST_HEADING_LINES])
    for delimiter in (b";", b"\t"):
        if delimiter in text:
            return _Dialect(delimiter, b"," if COMMA_WITHIN.search(text) else b".")
    if b"," in text:
        cells = text.split()
        is_decimal = len(cells) > len(sample) and all(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
        return _Dialect(None, b",") if is_decimal else _Dialect(b",", b".")
    return _Dialect(None, b".")


def _check_other(where: str, cells: list[bytes], values: list[float | None], width: int) -> None:
    """Refuse a line beside the matrix that is a row with something else in it, or names columns.

    Raises
    ------
    InputError
    """
    numbers = sum(value is not None for value in values)
    if len(cells) != width and not (numbers > 2 and 2 * numbers >= len(cells)):
        return
    odd = next((cell for cell, value in zip(cells, values, strict=True) if value is None), b"")
    shown = shortened(odd.decode("latin-1"), 20)
    if odd.lower().lstrip(b"+-") in {b"nan", b"inf", b"infinity"}:
        raise InputError(f"{where}: no image, which holds finite numbers only, and {shown!r} is none")
    if numbers == len(cells):
        raise InputError(f"{where}: no image, which holds numbers only, without other lines in its middle")
    if not numbers and width > 1:
        raise InputError(f"{where}: no image, which holds numbers only: these are names of columns, as {shown!r}")
    raise InputError(f"{where}: no image, which holds numbers only, and {shown!r} is none")


def _width_below(lines: list[bytes], number: int, dialect: _Dialect) -> int:
    """Cells of the first line below that holds numbers alone."""
    for line in lines[number:]:
        row = dialect.row(line)
        if row is not None:
            return len(row)
    return 0


def _first_words(lines: list[bytes]) -> str:
    first = next((line for line in lines if line.strip()), b"")
    return f"it begins with {shortened(first.decode('latin-1').strip(), 40)!r}"


def _counts(values: Any, most: int | None = None) -> bool:
    """Whether values are 0, 1, 2, ... or 1, 2, 3, ..., and no fewer than an image has (nor than `most` allows)."""
    found = np.asarray(values, dtype=np.float64)
    if found.size < FEWEST_INDEXED or (most is not None and found.size != most - 1):
        return False
    return found[0] in (0.0, 1.0) and bool(np.all(np.diff(found) == 1.0))


def _without_numbers(path: Path, matrix: Matrix) -> Matrix:
    """The pixels alone: without the numbers of columns and rows.

    Raises
    ------
    InputError
        When the numbers of the rows begin again and again: several images stand in one file.
    """
    image, column_numbers = matrix.image, matrix.column_numbers
    if image.shape[0] > 1 and not column_numbers and _counts(image[0]):
        image, column_numbers = image[1:], True
    index = image[:, 0]
    if image.shape[1] > 1 and _counts(index):
        return matrix._replace(image=image[:, 1:].copy(), index_column=True, column_numbers=column_numbers)
    begins = np.flatnonzero(index == index[0])
    if image.shape[1] > 1 and begins.size > 1 and all(_counts(part) for part in np.split(index, begins[1:])):
        raise InputError(
            f"{path}: {begins.size} images one below the other, as the numbers of their rows say; write each into a "
            "file of its own"
        )
    return matrix._replace(image=image, column_numbers=column_numbers)


def is_matrix(head: bytes) -> bool:
    r"""Whether a file that begins so is an image, and no table: rows of many numbers, without names above them.

    Examples
    --------
    >>> from utokyo.io.images.text import is_matrix
    >>> is_matrix(b"25 26 24 31 25 29 24 27 23 25 24\n" * 4), is_matrix(b"0.1,25,26\n0.2,24,31\n")
    (True, False)
    """
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    cut = lines.pop()  # a line that goes on behind the head
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith(COMMENT)]
    dialect = _dialect_of(lines)
    rows: list[list[float]] = []
    others: list[int] = []
    for line in lines:
        row = dialect.row(line)
        if row is not None:
            if rows and len(row) != len(rows[0]) and not (len(rows) == 1 and _counts(rows[0], len(row))):
                return False
            rows = [row] if rows and len(row) != len(rows[0]) else [*rows, row]
            continue
        if rows:
            break
        values = [dialect.number(cell) for cell in dialect.cells(line)]
        if not _counts([value for value in values[1:] if value is not None], len(values)):
            others.append(len(values))
        if len(others) > MOST_HEADING_LINES:
            return False
    if not rows or len(rows[0]) in others:
        return False
    goes_on = len(rows) > 1 or sum(dialect.number(c) is not None for c in dialect.cells(cut)) >= FEWEST_COLUMNS - 1
    return goes_on and _is_of_pixels(np.array(rows), b"." in lines[-1] or dialect.decimal == b",")


def _is_of_pixels(rows: NDArray[np.float64], has_decimals: bool) -> bool:
    """Whether rows are those of an image, not of a table whose first column is a time or another axis."""
    if len(rows) > 1 and _counts(rows[0]):
        rows = rows[1:]
    if rows.shape[1] < (FEWEST_DECIMAL_COLUMNS if has_decimals else FEWEST_COLUMNS):
        return False
    first, steps = rows[:, 0], np.diff(rows[:, 0])
    if first[0] in {0.0, 1.0} and np.all(steps == 1.0):
        return True
    rises = steps.size > 1 and bool(np.all(steps > 0.0))
    return not (rises and (steps.size >= 8 or np.ptp(steps) < 1e-6 * steps[0] or first[0] > rows[:, 1:].max()))
