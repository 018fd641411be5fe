"""Camera images: matrices of counts in text files, in pictures, in old Excel files, and in formats of other packages.

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

from .errors import InputError
from .images.formats import image_of_format, is_of_format, other_endings
from .images.picture import PICTURE_ENDINGS, is_picture, picture_of
from .images.text import Image, is_matrix, matrix_of
from .opened import opened, unreadable
from .paths import user_path
from .spreadsheet import check_spreadsheet
from .text.utf16 import text_of

__all__ = ["image_endings", "is_image", "read_image"]

TEXT_ENDINGS = (".csv", ".xlsx", ".asc")

HEAD_BYTES = 1 << 12
"""In which a PGM says what it is, behind its comments."""
LARGEST_BYTES = 1 << 28
"""Of a file: an image of 4096 x 4096 pixels as text has a third of it."""


def read_image(path: str | Path) -> Image:
    r"""Read an image.

    Parameters
    ----------
    path : path
        Text: values between commas, tabs, semicolons or blanks, one image row a line, no names. A picture: PNG, TIFF,
        BMP or PGM, in grey. ``.xlsx`` (with the extra ``excel``). Or what a package reads that has an entry point of
        the group ``utokyo.images``.

    Returns
    -------
    int64 (or float64 where a value is no integer), shape (rows, columns)

    Raises
    ------
    MissingFileError, InputError
        With file and line, when it is missing, empty, ragged, too large, not whole, or something else than one matrix
        of counts.

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
    ending = path.suffix.lower()
    if is_of_format(path):
        with opened(path) as handle:
            _check_size(path, os.fstat(handle.fileno()).st_size)
        found = image_of_format(path)
        if found is not None:
            return found
    content = _content(path)
    if not content.strip(b"\r\n\t ,\0"):
        raise InputError(f"{path}: the image is empty")
    if is_picture(content[:HEAD_BYTES]):
        return picture_of(path, content)
    if ending in PICTURE_ENDINGS:
        raise InputError(f"{path}: this is no picture of PNG, TIFF, BMP or PGM, or its beginning is not written yet")
    return _from_excel(path, content) if ending == ".xlsx" else matrix_of(path, text_of(content)).image


def image_endings() -> tuple[str, ...]:
    """The endings of files that are images in a folder of images, in small letters.

    Examples
    --------
    >>> from utokyo.io.image import image_endings
    >>> {".csv", ".tif", ".png"} <= set(image_endings())
    True
    """
    return tuple(dict.fromkeys([*TEXT_ENDINGS, *PICTURE_ENDINGS, *other_endings()]))


def is_image(head: bytes) -> bool:
    r"""Whether a file that begins so is surely an image.

    Examples
    --------
    >>> from utokyo.io.image import is_image
    >>> is_image(b"time,T (K)\n"), is_image(b"25;26;24;31;25;29;24;27;23;25;24;\n" * 2)
    (False, True)
    """
    return is_picture(head) or is_matrix(head)


def _content(path: Path) -> bytes:
    with opened(path) as handle:
        _check_size(path, os.fstat(handle.fileno()).st_size)
        try:
            return handle.readall()
        except OSError as error:
            raise unreadable(path, error) from error


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST_BYTES:
        raise InputError(f"{path}: {size >> 20} MB, more than the {LARGEST_BYTES >> 20} MB of the largest image")


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
