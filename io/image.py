"""Camera images: matrices of counts in text files or in old Excel files.

Most images are integers in a text file, which a kernel reads in one pass; numbers with a decimal point are read by
Python's rules. A matrix whose rows differ in length is refused with the line where it breaks: half an image must not
be fitted as a whole one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..kernels.text.lines import count_newlines
from ..kernels.text.matrix import OK, RAGGED, first_line_width, parse_matrix
from ..kernels.text.words import BACK, FRONT
from .errors import InputError
from .header import UTF8_MARK
from .opened import opened, unreadable
from .paths import user_path
from .spreadsheet import check_spreadsheet

__all__ = ["read_image"]

LARGEST_BYTES = 1 << 28
"""Of a file: an image of 4096 x 4096 pixels as text has a third of it."""

Image = NDArray[np.int64] | NDArray[np.float64]


def read_image(path: str | Path) -> Image:
    r"""Read an image.

    Parameters
    ----------
    path : path
        ``.xlsx`` (with the extra ``excel``) or text: values between commas, tabs, semicolons or blanks, one image row a
        line, no header.

    Returns
    -------
    int64 (or float64 where a value is no integer), shape (rows, columns)

    Raises
    ------
    MissingFileError, InputError
        With file and line, when it is missing, empty, ragged, or holds something else than numbers.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.image import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "cmos_000001.csv")
    ...     _ = path.write_text("3,1,4\n1,5,9\n")
    ...     read_image(path)
    array([[3, 1, 4],
           [1, 5, 9]])
    """
    path = user_path(path)
    content = _content(path)
    if not content.strip(b"\r\n\t ,\0"):
        raise InputError(f"{path}: the image is empty")
    return _from_excel(path, content) if path.suffix.lower() == ".xlsx" else _from_text(path, content)


def _content(path: Path) -> bytes:
    with opened(path) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size > LARGEST_BYTES:
            raise InputError(f"{path}: {size >> 20} MB, more than the {LARGEST_BYTES >> 20} MB of the largest image")
        try:
            return handle.readall()
        except OSError as error:
            raise unreadable(path, error) from error


def _from_text(path: Path, content: bytes) -> Image:
    content = content.removeprefix(UTF8_MARK)  # Excel puts it before "CSV UTF-8"
    stop = FRONT + len(content)
    data = np.empty(stop + BACK, np.uint8)
    data[FRONT:stop] = np.frombuffer(content, np.uint8)
    columns = first_line_width(data[FRONT:stop])
    lines = count_newlines(data, FRONT, stop) + (not content.endswith(b"\n"))
    # A long first line above many short ones is no image, and takes no memory as if it were: a value is a byte or more.
    image = np.empty((min(lines, len(content) // max(1, columns) + 1), columns), np.int64)
    code, rows, line, values = parse_matrix(data, FRONT, stop, image)
    if code == RAGGED:
        raise InputError(f"{path}, line {line}: expected {columns} values as in the first line, found {values}")
    if code != OK:
        return _from_decimals(path, content, columns)
    return image if rows == len(image) else image[:rows].copy()


def _from_decimals(path: Path, content: bytes, columns: int) -> NDArray[np.float64]:
    """Read an image that holds more than integers, cell by cell."""
    rows = []
    for number, line in enumerate(content.decode("latin-1").splitlines(), start=1):
        cells = line.replace(",", " ").replace(";", " ").split()
        if not cells:
            continue
        if len(cells) != columns:
            raise InputError(
                f"{path}, line {number}: expected {columns} values as in the first line, found {len(cells)}"
            )
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            raise InputError(f"{path}, line {number}: no image, which holds numbers only ({error})") from None
        if not np.all(np.isfinite(rows[-1])):
            raise InputError(f"{path}, line {number}: no image, which holds finite numbers only")
    return np.array(rows, dtype=np.float64)


def _from_excel(path: Path, content: bytes) -> Image:
    check_spreadsheet(path, content)
    try:
        table: pl.DataFrame = pl.read_excel(content, engine="calamine", has_header=False, infer_schema_length=None)
    except ImportError:
        raise InputError(f"{path}: Excel images need an extra: pip install 'data-engineer-utokyo[excel]'") from None
    except Exception as error:  # the Excel reader raises what it likes about a file that is none
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: this is no Excel file that can be read ({reason})") from error
    values: Any = table.to_numpy()
    if not all(dtype.is_numeric() for dtype in table.dtypes) or not np.all(np.isfinite(values.astype(np.float64))):
        raise InputError(f"{path}: an image holds numbers only, in every cell")
    integers = np.asarray(values, dtype=np.int64)
    return integers if np.array_equal(integers, values) else np.asarray(values, dtype=np.float64)
