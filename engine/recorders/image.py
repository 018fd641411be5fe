"""One image of the CCD or CMOS camera: a matrix of counts, and the time that its neighbours know."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...io.image import read_image
from .base import Recorder, as_asked
from .file import FrameParser
from .image_times import ImageTimes

__all__ = ["ImageParser", "ImageRecorder"]


class ImageRecorder(Recorder):
    """An image file, ``.csv`` or ``.xlsx``: one row of the table an image row, columns ``0, 1, ...`` its pixels.

    The table has `timestamp` and `datetime` of the image in every row (see `ImageTimes`).
    """

    signature = rb"(\d+[,\t]){9,}\d*[,\t]?\r?\n(\d+[,\t]){9,}"

    _image: NDArray[np.float64] | NDArray[np.int64] | None = None
    _seen: tuple[int, int] | None = None

    def update(self) -> int:
        """Read the image if it was written since; its rows when it was."""
        with self._lock:
            seen = self._stat()
            if seen == self._seen and seen is not None and not self.always_update:
                return 0
            self._image = read_image(self.filepath)
            self._seen, self._table = seen, None
            return int(self._image.shape[0])

    def finish(self) -> int:
        """Read what is new: as `update`."""
        return self.update()

    def get_image(self) -> NDArray[np.float64] | NDArray[np.int64]:
        """The counts, shape (rows, columns)."""
        with self._lock:
            self.update()
            assert self._image is not None
            return self._image

    def get_data(self) -> Any:
        """The counts as a frame."""
        return as_asked(self._frame(), self.frame)

    def get_metadata(self) -> Any:
        """An image has none."""
        return as_asked(pl.DataFrame(), self.frame)

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

    def _frame(self) -> pl.DataFrame:
        image = self.get_image()
        return pl.DataFrame({str(i): image[:, i] for i in range(image.shape[1])})

    def _joined(self) -> pl.DataFrame:
        stamp = ImageTimes().timestamp_ns(self.filepath)[0] + self.clock_offset_ns
        moment = pl.lit(stamp, pl.Int64)
        return self._frame().with_columns(moment.alias("timestamp"), moment.cast(pl.Datetime("ns")).alias("datetime"))

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.filepath.stat()
        except FileNotFoundError:
            return None
        return found.st_size, found.st_mtime_ns


class ImageParser(FrameParser, ImageRecorder):
    """`ImageRecorder` in chunks of image rows."""

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """Rows of an image may be alike: they are told by their place."""
        return pl.Series(range(table.height))
