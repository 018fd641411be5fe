"""One image of the CCD or CMOS camera: a matrix of counts, and the time that its neighbours know."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.image import is_image, read_image
from .frames import as_asked, with_time
from .image_times import ImageTimes
from .parser import FrameParser
from .quantity import SourceKind
from .whole import WholeRecorder

__all__ = ["ImageParser", "ImageRecorder"]


class ImageRecorder(WholeRecorder):
    r"""An image file, text or picture: one row of the table an image row, columns ``0, 1, ...`` its pixels.

    The table has `timestamp` and `datetime` of the image in every row (see `ImageTimes`).

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("cmos_000001.csv").write_text("25,26\n24,31\n")
    >>> recorder = ImageRecorder("cmos_000001.csv")
    >>> recorder.get_image()
    array([[25, 26],
           [24, 31]])
    >>> recorder.rows
    2
    """

    signature = rb"(\d+[,\t]){9,}\d*[,\t]?\r?\n(\d+[,\t]){9,}"

    _image: NDArray[np.float64] | NDArray[np.int64] | None = None
    _seen: tuple[int, int] | None = None
    _generation = 0
    _bytes_read = 0

    def update(self) -> int:
        """Read the image if it was written since; its rows when it was."""
        with self._lock:
            seen = self._stat()
            if seen == self._seen and seen is not None and not self.always_update:
                return 0
            self._image = read_image(self.filepath)
            self._generation += self._seen is not None and self._seen != seen
            self._seen, self._table = seen, None
            self._bytes_read += 0 if seen is None else seen[0]
            return int(self._image.shape[0])

    @classmethod
    def recognises(cls, head: bytes) -> bool:
        """Whether a file that begins so is an image: by what it holds."""
        return is_image(head)

    def get_image(self) -> NDArray[np.float64] | NDArray[np.int64]:
        """The counts, shape (rows, columns)."""
        with self._lock:
            self.update()
            assert self._image is not None
            return self._image

    def get_data(self) -> Any:
        """The counts as a frame."""
        return as_asked(self._frame(), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether the file is as it was when it was read."""
        return self._seen is not None and self._stat() == self._seen

    @property
    def version(self) -> Hashable:
        """Size and time of the file when it was read."""
        return self._seen

    @property
    def rows(self) -> int:
        """Rows of the image."""
        return 0 if self._image is None else int(self._image.shape[0])

    @property
    def generation(self) -> int:  # type: ignore[override]
        """How often the image turned out to be written again."""
        return self._generation

    @property
    def bytes_read(self) -> int:  # type: ignore[override]
        """Bytes of the images read so far."""
        return self._bytes_read

    def source_kind(self, name: str = "") -> SourceKind:
        """Refuse: pixels are no readings in time.

        Raises
        ------
        InputError
        """
        called = name or f"{self!r}"
        raise InputError(f"{called} is a single image; join an ImageAnalysis of its folder, or the table that it wrote")

    def _frame(self) -> pl.DataFrame:
        image = self.get_image()
        return pl.DataFrame({str(i): image[:, i] for i in range(image.shape[1])})

    def _make_table(self) -> pl.DataFrame:
        stamp = ImageTimes().timestamp_ns(self.filepath)[0] + self.clock_offset_ns
        image = self._frame()
        return with_time(image, pl.repeat(stamp, image.height, dtype=pl.Int64, eager=True))

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.filepath.stat()
        except FileNotFoundError:
            return None
        return found.st_size, found.st_mtime_ns


class ImageParser(FrameParser, ImageRecorder):
    r"""`ImageRecorder` in chunks of image rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("cmos_000001.csv").write_text("25,26\n24,31\n27,25\n")
    >>> [rows.height for rows in ImageParser("cmos_000001.csv", lines_per_update=2)]
    [2, 1]
    """

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """Rows of an image may be alike: they are distinguished by their place."""
        return pl.Series(range(table.height))
