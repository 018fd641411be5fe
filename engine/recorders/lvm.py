"""LabVIEW measurement files (``.lvm``): what LabVIEW writes unless it is told otherwise."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import polars as pl

from ...io.errors import InputError
from ...io.labview import LVMReader
from .base import Recorder
from .frames import as_asked, as_polars, times_of
from .parser import Parser
from .quantity import SourceKind

__all__ = ["LVMParser", "LVMRecorder"]

X_VALUE = "X_Value"


class LVMRecorder(Recorder):
    r"""A LabVIEW measurement file.

    Columns: `X_Value` (counted by `Delta_X` where the file saves none), the channels of all segments, `Comment`. The
    time of a row is the start of its segment plus x. What the header says is metadata, with the units of the channels:
    ``Cup (unit)``.

    Examples
    --------
    >>> from pathlib import Path
    >>> lines = ["LabVIEW Measurement", "Separator\tTab", "Decimal_Separator\t,", "X_Columns\tNo"]
    >>> lines += ["Date\t2023/05/09", "Time\t11:20:05,25", "***End_of_Header***", "", "Channels\t1", "Delta_X\t0,5"]
    >>> lines += ["***End_of_Header***", "X_Value\tCup\tComment", "\t2,41", "\t2,43\tvalve open", ""]
    >>> _ = Path("run.lvm").write_text("\n".join(lines))
    >>> table = LVMRecorder("run.lvm").get_table()
    >>> table["Cup"].to_list(), table["datetime"].dt.time().to_list()[-1].isoformat()
    ([2.41, 2.43], '11:20:05.750000')
    """

    signature = rb"LabVIEW Measurement|(?=LabV)[LabVIEW Measurmnt]{4,18}\Z"
    """The title, or its beginning where a file holds no more yet."""
    join_as = SourceKind("lvm", others=True, omit=(X_VALUE,), appends=True)

    _reader: LVMReader

    @property
    def version(self) -> Hashable:
        """A mark of the data: it is equal at two moments if nothing was read between them."""
        return super().version, self._reader.columns

    @property
    def only_grows(self) -> bool:
        """Whether the rows of one generation stay as they are, and new ones come at the end of the table."""
        return super().only_grows and not self._reader.has_own_axes

    def get_channels(self) -> Any:
        """Every value at the time at which it was measured, where channels were sampled at different times, too.

        Returns
        -------
        polars.DataFrame
            `channel`, `value`, `timestamp_ns` (Int64, ns since 1970), `timestamp`, `datetime`; sorted by time. Without
            the times for a file that has none.
        """
        with self._lock:
            values, names = self._values(), self._channels()
            times = [name for name in ("timestamp_ns", "timestamp", "datetime") if name in values.columns]
            long = values.unpivot(names, index=times, variable_name="channel", value_name="value")
            long = long.filter(pl.col("value").is_not_null()).select("channel", "value", *times)
            return as_asked(long.sort("timestamp", maintain_order=True) if times else long, self.frame)

    def table_to_join(self) -> pl.DataFrame:
        """The rows without x, each value at its own time."""
        return self._values()

    def _read(self, max_rows: int | None = None) -> int:
        columns = self._reader.columns
        added = super()._read(max_rows)
        if self._reader.columns != columns:  # of a new segment, which may have no row yet
            self._table = None
        return added

    def _channels(self) -> list[str]:
        return [c.name for c in self._reader.columns if c.kind.dtype == pl.Float64 and not _is_x(c.name)]

    def _values(self) -> pl.DataFrame:
        """The table without x; of channels with times of their own, rows of their own."""
        table = as_polars(self.get_table())
        table = table.drop(name for name in table.columns if _is_x(name))
        apart = self._reader.channels_apart()
        if not apart:
            return table
        names = [frame.columns[1] for frame in apart]
        frames = [table.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)]
        frames += [times_of(frame["timestamp"]).with_columns(frame[frame.columns[1]]) for frame in apart]
        return pl.concat(frames, how="diagonal").sort("timestamp", maintain_order=True)

    def _new_reader(self) -> LVMReader:
        return LVMReader(
            self.filepath,
            clock_offset_ns=self.clock_offset_ns,
            longest_line_bytes=self.settings.longest_line_bytes,
            access=self.settings.access,
        )


class LVMParser(Parser, LVMRecorder):
    r"""`LVMRecorder` in chunks of rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> lines = ["LabVIEW Measurement", "Separator\tTab", "***End_of_Header***", "", "X_Value\tCup", "0\t1", "1\t2", ""]
    >>> _ = Path("run.lvm").write_text("\n".join(lines))
    >>> [chunk["Cup"].to_list() for chunk in LVMParser("run.lvm", lines_per_update=1)]
    [[1.0], [2.0]]
    """

    _reader: LVMReader

    def get_channels(self) -> Any:
        """Refuse: a chunk of rows is not all of a channel.

        Raises
        ------
        InputError
        """
        raise InputError("LVMParser hands out rows; LVMRecorder has get_channels()")

    def _new_reader(self) -> LVMReader:
        return LVMReader(
            self.filepath,
            clock_offset_ns=self.clock_offset_ns,
            checkpoint=self._checkpoint_path,
            longest_line_bytes=self.settings.longest_line_bytes,
            access=self.settings.access,
        )


def _is_x(name: str) -> bool:
    return name == X_VALUE or name.startswith(f"{X_VALUE} (")
