"""Result tables of earlier analyses as sources of data: CSV or Parquet, of this program or the earlier one.

They are rewritten, not appended to, so they are read whole whenever they are asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ...io.store import read_results
from .base import Recorder, as_asked, with_time
from .file import FrameParser

__all__ = [
    "ImageResultsParser",
    "ImageResultsRecorder",
    "ParameterParser",
    "ParameterRecorder",
    "SSDResultsParser",
    "SSDResultsRecorder",
]


class ParameterRecorder(Recorder):
    """A table of results or of parameters; `timestamp_ns`, `timestamp` or a date column gives the times."""

    def __init__(self, filepath: str | Path, *args: Any, **options: Any) -> None:
        super().__init__(filepath, *args, **{"always_update": True, **options})

    def get_table(self) -> Any:
        """All rows with `timestamp` and `datetime`, sorted by time."""
        if self.filepath.suffix != ".parquet":
            return super().get_table()
        data = read_results(self.filepath)
        stamp = next((name for name in ("timestamp_ns", "timestamp") if name in data.columns), None)
        return as_asked(data if stamp is None else with_time(data, data[stamp]), self.frame)

    def get_data(self) -> Any:
        """All rows as they stand in the file."""
        if self.filepath.suffix != ".parquet":
            return super().get_data()
        return as_asked(read_results(self.filepath), self.frame)

    def get_metadata(self) -> Any:
        """Result tables have none."""
        return as_asked(pl.DataFrame(), self.frame)


class SSDResultsRecorder(ParameterRecorder):
    """Bursts: `timestamp_ns`, `pulses_peak`, `pulses_background`, `half_life_time` (ns), `background` (1/ns), ..."""

    signature = rb"(?=[^\r\n]*timestamp_ns)(?=[^\r\n]*half_life_time)"


class ImageResultsRecorder(ParameterRecorder):
    """Images: `timestamp_ns`, `A`, `x0`, `y0`, `sigma_x`, `sigma_y`, ... in pixels and counts."""

    signature = rb"(?=[^\r\n]*timestamp_ns)(?=[^\r\n]*sigma_x)"


class ParameterParser(FrameParser, ParameterRecorder):
    """`ParameterRecorder` in chunks."""


class SSDResultsParser(FrameParser, SSDResultsRecorder):
    """`SSDResultsRecorder` in chunks."""


class ImageResultsParser(FrameParser, ImageResultsRecorder):
    """`ImageResultsRecorder` in chunks."""
