"""Result tables of earlier analyses as sources of data: CSV or Parquet, of this program or the earlier one.

They are rewritten, not appended to, so they are read whole whenever they are asked for.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...io.results.cells import meant
from ...io.results.times import ID, TIME, moments_of
from ...io.store import read_results
from .base import Recorder
from .frames import as_asked, with_time
from .options import TableSettings
from .parser import FrameParser
from .quantity import Quantity, SourceKind

__all__ = [
    "ATOMS",
    "BURSTS",
    "ImageResultsParser",
    "ImageResultsRecorder",
    "ParameterParser",
    "ParameterRecorder",
    "SSDResultsParser",
    "SSDResultsRecorder",
]


ATOMS = SourceKind(
    "image",
    (
        Quantity("mot_number", "mot_number", "last", "atoms"),
        Quantity("mot_number_unc", "mot_number_unc", "last", "atoms"),
        Quantity("A", "A", "last", "counts"),
        Quantity("A_unc", "A_unc", "last", "counts"),
        Quantity("detected", "detected", "last"),
        Quantity("fit_successful", "fit_successful", "last"),
    ),
    tolerance_s=15.0,
)
BURSTS = SourceKind(
    "bursts",
    (
        Quantity("", "count", "count"),
        Quantity("pulses_peak", "pulses_peak", "last"),
        Quantity("half_life_time", "half_life_time", "last", "ns"),
    ),
    tolerance_s=0.0,
)


@dataclass(frozen=True)
class ParameterSettings(TableSettings):
    """Options of a result table, which is written whole again and again, and so read whole by default."""

    always_update: bool = True


class ParameterRecorder(Recorder):
    r"""A table of results or of parameters; `timestamp_ns`, `timestamp` or a date column gives the times.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("scan.csv").write_text("timestamp_ns,power_mW\n1663503939000000000,1.5\n")
    >>> ParameterRecorder("scan.csv").get_table()["datetime"].item().isoformat()
    '2022-09-18T12:25:39'
    """

    settings_class = ParameterSettings

    _whole: pl.DataFrame | None = None
    """The rows of a Parquet file, as they were last read."""
    _seen: tuple[int, int] | None = None
    _times_read = 0

    def update(self) -> int:
        """Read what is new; rows added."""
        if not self._is_parquet:
            return super().update()
        with self._lock:
            before = self.rows
            data = read_results(self.filepath)
            found = self.filepath.stat()
            seen = found.st_size, found.st_mtime_ns
            if self._whole is None or not data.equals(self._whole):
                self._times_read += 1
                self._whole, self._table = data, None
            self._seen = seen
            return max(0, data.height - before)

    def finish(self) -> int:
        """Read what is new; of a CSV file, the last line too although its end is missing."""
        return self.update() if self._is_parquet else super().finish()

    def get_data(self) -> Any:
        """All rows as they stand in the file."""
        if not self._is_parquet:
            with self._lock:
                self.update()
                return as_asked(meant(self._reader.frame), self.frame)
        self.update()
        return as_asked(self._rows, self.frame)

    def get_metadata(self) -> Any:
        """Result tables have none."""
        return as_asked(pl.DataFrame(), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether all that the file holds was read."""
        if not self._is_parquet:
            return super().is_up_to_date()
        try:
            found = self.filepath.stat()
        except FileNotFoundError:
            return False
        return (found.st_size, found.st_mtime_ns) == self._seen

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self._rows.height if self._is_parquet else super().rows

    @property
    def version(self) -> Hashable:
        """A mark of the data: it is equal at two moments if they did not change between them."""
        return self._times_read if self._is_parquet else super().version

    @property
    def generation(self) -> int:
        """How often the rows turned out to be others than before."""
        return max(0, self._times_read - 1) if self._is_parquet else super().generation

    @property
    def is_sorted(self) -> bool:
        """Whether the rows stand in the file in the order of their times."""
        if not self._is_parquet:
            return super().is_sorted
        stamp = self._time_column
        return stamp is None or self._rows[stamp].is_sorted()

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped; a Parquet file has none."""
        return 0 if self._is_parquet else super().bad_rows

    @property
    def bad_row_messages(self) -> tuple[str, ...]:
        """One sentence for each of the first of them."""
        return () if self._is_parquet else super().bad_row_messages

    @property
    def has_unfinished_line(self) -> bool:
        """Whether a line without its end was left out; a Parquet file has no lines."""
        return not self._is_parquet and super().has_unfinished_line

    @property
    def bytes_read(self) -> int:
        """Bytes read so far; of a Parquet file, those of its last look."""
        if not self._is_parquet:
            return super().bytes_read
        return 0 if self._seen is None else self._seen[0]

    @property
    def _is_parquet(self) -> bool:
        return self.filepath.suffix.lower() == ".parquet"

    @property
    def _rows(self) -> pl.DataFrame:
        return pl.DataFrame() if self._whole is None else self._whole

    @property
    def _time_column(self) -> str | None:
        return next((name for name in ("timestamp_ns", "timestamp") if name in self._rows.columns), None)

    def _start(self) -> None:
        if not self._is_parquet:
            super()._start()

    def _make_table(self) -> pl.DataFrame:
        if not self._is_parquet:
            return _with_times_of_ids(meant(super()._make_table()), self.clock_offset_ns)
        stamp = self._time_column
        return self._rows if stamp is None else with_time(self._rows, self._rows[stamp])


def _with_times_of_ids(table: pl.DataFrame, clock_offset_ns: int) -> pl.DataFrame:
    """A table of results with right times, where a spreadsheet rounded them; a row that has none is left out."""
    if not {ID, TIME} <= set(table.columns) or table[ID].dtype != pl.String:
        return table
    told = moments_of(table[ID]) + clock_offset_ns
    if table[TIME].dtype == pl.Int64:
        told = told.zip_with(told.is_not_null(), table[TIME])
    if told.null_count() == told.len() or told.equals(table[TIME]):
        return table
    rows = table.drop("timestamp", "datetime", strict=False).filter(told.is_not_null())
    return with_time(rows, told.drop_nulls())


class SSDResultsRecorder(ParameterRecorder):
    r"""Bursts: `timestamp_ns`, `pulses_peak`, `pulses_background`, `half_life_time` (ns), `background` (1/ns), ...

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bursts.csv").write_text("timestamp_ns,half_life_time\n1663503939000000000,7.1e8\n")
    >>> SSDResultsRecorder("bursts.csv").get_table()["half_life_time"].to_list()
    [710000000.0]
    """

    signature = rb"(?=[^\r\n]*timestamp_ns)(?=[^\r\n]*half_life_time)"
    join_as = BURSTS


class ImageResultsRecorder(ParameterRecorder):
    r"""Images: `timestamp_ns`, `A`, `x0`, `y0`, `sigma_x`, `sigma_y`, ... in pixels and counts.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("images.csv").write_text("timestamp_ns,A,sigma_x\n1663503939000000000,2.5e4,6.1\n")
    >>> ImageResultsRecorder("images.csv").get_table()["sigma_x"].to_list()
    [6.1]
    """

    signature = rb"(?=[^\r\n]*timestamp_ns)(?=[^\r\n]*sigma_x)"
    join_as = ATOMS


class ParameterParser(FrameParser, ParameterRecorder):
    r"""`ParameterRecorder` in chunks.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("images.csv").write_text("timestamp_ns,A,sigma_x\n1663503939000000000,2.5e4,6.1\n")
    >>> [rows.height for rows in ParameterParser("images.csv")]
    [1]
    """


class SSDResultsParser(FrameParser, SSDResultsRecorder):
    r"""`SSDResultsRecorder` in chunks.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("bursts.csv").write_text("timestamp_ns,half_life_time\n1663503939000000000,7.1e8\n")
    >>> [rows.height for rows in SSDResultsParser("bursts.csv")]
    [1]
    """


class ImageResultsParser(FrameParser, ImageResultsRecorder):
    r"""`ImageResultsRecorder` in chunks.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("images.csv").write_text("timestamp_ns,A,sigma_x\n1663503939000000000,2.5e4,6.1\n")
    >>> [rows.height for rows in ImageResultsParser("images.csv")]
    [1]
    """
