r"""`Recorder`: a file that grows, as a table that is up to date whenever it is asked for; `Parser`: the same in chunks.

A recorder of a new format is a subclass that says what differs, which is mostly its `layout`::

    class MagnetRecorder(Recorder):
        layout = Layout(
            "magnet log",
            (Column("Time", Kind.DATETIME), Column("Field (mT)", Kind.FLOAT)),
            delimiter="\\t",
            time=ColumnTime("Time"),
        )

Every call reads the new bytes alone. Recorders may be shared between threads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import polars as pl

from ...io.errors import FormatError, InputError
from ...io.layout import Layout
from ...io.reader import Reader

__all__ = ["Parser", "Recorder", "as_asked", "with_time"]

log = logging.getLogger("utokyo")

FrameKind = Literal["polars", "pandas"]


class Recorder:
    """A source of data: a file to which a LabVIEW PC appends.

    Parameters
    ----------
    filepath : path
        The file; it need not exist before data is asked for.
    always_update : bool
        Read the whole file anew at every call, for files that are changed elsewhere than at their end.
    clock_offset : timedelta
        Added to all times: what the clock of that PC lacks.
    frame : "polars" or "pandas"
        What the tables are; pandas needs the extra of that name.

    Raises
    ------
    InputError
        When asked for data: of a file that is missing, unreadable or of another format.
    """

    layout: ClassVar[Layout | None] = None
    """The format; None finds it out from the file."""

    signature: ClassVar[bytes | None] = None
    """Regular expression that the start of such a file matches, for `open_recorder`."""

    def __init__(
        self,
        filepath: str | Path,
        *,
        always_update: bool = False,
        clock_offset: timedelta = timedelta(0),
        frame: FrameKind = "polars",
    ) -> None:
        self.filepath = Path(filepath)
        self.always_update = always_update
        self.clock_offset = clock_offset
        self.frame = frame
        if frame not in {"polars", "pandas"}:
            raise InputError(f"frame should be 'polars' or 'pandas', not {frame!r}")
        if not isinstance(clock_offset, timedelta):
            raise InputError(f"clock_offset should be a timedelta, as timedelta(seconds=-180), not {clock_offset!r}")
        self._lock = threading.RLock()
        self._reader = self._new_reader()
        self._table: pl.DataFrame | None = None
        self._told_empty = False
        self._literals_of: tuple[Mapping[str, object], frozenset[str], pl.DataFrame] | None = None

    def update(self) -> int:
        """Read what is new; rows added."""
        with self._lock:
            if self.always_update:
                self._reader = self._new_reader()
                self._table = None
            return self._read()

    def finish(self) -> int:
        """Read what is new, and the last line too although its end is missing: for a run that is over."""
        with self._lock:
            added = self.update() + self._reader.finish()
            self._table = None if added else self._table
            return added

    def get_table(self) -> Any:
        """All rows joined with the metadata, with `timestamp` (ns) and `datetime`, sorted by time.

        Returns
        -------
        polars.DataFrame
            Columns of the file, then one for every key of the metadata, then `timestamp` (Int64, ns since 1970, wall
            clock) and `datetime` (Datetime, ns); without the last two for a table that holds no times.
        """
        with self._lock:
            self.update()
            if self._table is None:
                self._table = self._joined()
            return as_asked(self._table, self.frame)

    def get_data(self) -> Any:
        """All rows as they stand in the file, in its order."""
        with self._lock:
            self.update()
            return as_asked(self._reader.frame, self.frame)

    def get_metadata(self) -> Any:
        """What the header says: one row, a column a key; no column for a format without metadata."""
        with self._lock:
            self.update()
            return as_asked(pl.DataFrame({key: [value] for key, value in self._reader.metadata.items()}), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether all that the file holds was read."""
        with self._lock:
            return self._reader.is_up_to_date()

    @property
    def clock_offset_ns(self) -> int:
        """What is added to all times, in ns."""
        return self.clock_offset // timedelta(microseconds=1) * 1000

    @property
    def has_unfinished_line(self) -> bool:
        """Whether the file ends in a line without its end, which was left out."""
        return self._reader.has_unfinished_line

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return self._reader.rows

    @property
    def generation(self) -> int:
        """How often the file turned out to be another one, so that it was read anew."""
        return self._reader.generation

    @property
    def version(self) -> Hashable:
        """Of the data: differs whenever anything was read since."""
        return self._reader.rows, self._reader.generation, tuple(self._reader.metadata.items())

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped because they are not as their format says."""
        return self._reader.bad_rows

    @property
    def bad_row_messages(self) -> tuple[str, ...]:
        """One sentence for each of the first bad rows: file, line, what was expected and found."""
        return tuple(self._reader.bad_row_messages)

    @property
    def is_sorted(self) -> bool:
        """Whether the rows stand in the file in the order of their times, so far."""
        return bool(self._reader.is_sorted)

    @property
    def bytes_read(self) -> int:
        """Bytes read from the file so far; each of them once."""
        return self._reader.bytes_read

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.filepath)!r}, rows={self.rows}, bad_rows={self.bad_rows})"

    def make_layout(self) -> Layout | None:
        """The layout of this very file; a format whose layout depends on the file's name overrides it."""
        return self.layout

    def _new_reader(self) -> Reader:
        return Reader(self.filepath, self.make_layout(), clock_offset_ns=self.clock_offset_ns)

    def _read(self, max_rows: int | None = None) -> int:
        """Let the reader read; rows added."""
        generation, metadata = self._reader.generation, self._reader.metadata
        try:
            added = self._reader.update(max_rows)
        except FormatError as error:
            from .detect import hint  # noqa: PLC0415 (detect knows all recorders, and they are made of this module)

            raise FormatError(f"{error}{hint(self.filepath, type(self))}") from None
        if added or self._reader.generation != generation or self._reader.metadata is not metadata:
            self._table = None
        if not self._reader.columns and not self._told_empty:
            log.warning("%s has no header and no row yet", self.filepath)
            self._told_empty = True
        return added

    def _joined(self) -> pl.DataFrame:
        table = self._joined_in_file_order()
        return table if self._reader.is_sorted else table.sort("timestamp", maintain_order=True)

    def _joined_in_file_order(self) -> pl.DataFrame:
        data = self._reader.frame
        taken = frozenset(data.columns)
        times = self._reader.time_frame()
        frames = [data]
        if self._reader.metadata:
            frames.append(self._literals(taken, data.height))
        if times is not None:
            if not taken.isdisjoint(times.columns):
                frames[0], times = _told_apart(data, times)
            frames.append(times)
        # Put side by side, frames are not looked into: chunks come by the hundred.
        return pl.concat(frames, how="horizontal")

    def _literals(self, taken: frozenset[str], height: int) -> pl.DataFrame:
        """The metadata as scalar columns, which cost nothing however many rows there are; made for twice as many."""
        metadata, known = self._reader.metadata, self._literals_of
        if known is None or known[0] is not metadata or known[1] != taken or known[2].height < height:
            literals = {
                f"{key} (header)" if key in taken else key: pl.lit(value, pl.Int64 if isinstance(value, int) else None)
                for key, value in metadata.items()
            }
            rows = pl.select(pl.repeat(None, 2 * height, dtype=pl.Null).alias("rows"))
            known = self._literals_of = metadata, taken, rows.with_columns(**literals).select(*literals)
        return known[2].slice(0, height)


class Parser(Recorder):
    """A recorder for files larger than memory: every table is the next chunk.

    Mixed in before a recorder (``class SSDParser(Parser, SSDRecorder)``). Each `get_table` or `get_data` returns the
    next rows alone, sorted by time within the chunk, and an empty table when it has caught up; iterating yields tables
    until then. Memory holds one chunk.

    Parameters
    ----------
    filepath : path
    lines_per_update : int
        Rows of a chunk at the most.
    checkpoint : path, optional
        Where `checkpoint` writes down how far it came; if there is such a file, the first chunk is the one behind it.
    **options
        As for the recorder.
    """

    def __init__(
        self,
        filepath: str | Path,
        lines_per_update: int = 100_000,
        *,
        checkpoint: str | Path | None = None,
        **options: Any,
    ) -> None:
        if lines_per_update < 1:
            raise InputError(f"lines_per_update should be 1 or more, not {lines_per_update}")
        self._checkpoint_path = checkpoint
        super().__init__(filepath, **options)
        self.lines_per_update = lines_per_update

    def checkpoint(self) -> None:
        """Write down that all chunks so far were taken, after what was derived from them was stored.

        Raises
        ------
        InputError
            When no file for it was given, or no chunk was taken yet.
        OutputError
            When it cannot be written.
        """
        with self._lock:
            self._reader.checkpoint()

    def _new_reader(self) -> Reader:
        return Reader(
            self.filepath, self.make_layout(), clock_offset_ns=self.clock_offset_ns, checkpoint=self._checkpoint_path
        )

    def get_table(self) -> Any:
        """The next rows joined with the metadata; empty when it has caught up."""
        with self._lock:
            # Rows of the file may give no row of the table: then go on, for an empty table means the end.
            while True:
                added = self.update()
                table = self._joined()
                if len(table) or not added:
                    return as_asked(table, self.frame)

    def update(self) -> int:
        """Go on to the next chunk; its rows."""
        with self._lock:
            self._reader.forget_rows()
            self._table = None
            return self._read(self.lines_per_update)

    def __iter__(self) -> Iterator[Any]:
        while len(table := self.get_table()):
            yield table

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        """Nothing is open between calls; `with` is for those who like it."""


def _told_apart(data: pl.DataFrame, times: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Columns of the file and times without names in common; of a column that has name and meaning of a time, one."""
    both = [name for name in times.columns if name in data.columns]
    same = [name for name in both if data[name].equals(times[name])]
    data = data.with_columns(times[name] for name in same)
    return data.rename({name: f"{name} (file)" for name in both if name not in same}), times.drop(same)


def as_asked(table: pl.DataFrame, frame: FrameKind) -> Any:
    """The table as polars or pandas frame."""
    if frame == "polars":
        return table
    try:
        return table.to_pandas()
    except ImportError as error:
        raise InputError(
            f"pandas frames need the extra: pip install 'data-engineer-utokyo[pandas]' ({error})"
        ) from error


def with_time(data: pl.DataFrame, timestamps_ns: pl.Series) -> pl.DataFrame:
    """The data with `timestamp` and `datetime`, sorted by time."""
    stamps = timestamps_ns.cast(pl.Int64).alias("timestamp")
    table = data.with_columns(stamps, stamps.cast(pl.Datetime("ns")).alias("datetime"))
    return table.sort("timestamp", maintain_order=True)
