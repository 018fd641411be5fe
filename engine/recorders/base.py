r"""`Recorder`: a file that grows, as a table that is up to date whenever it is asked for.

A recorder of a new format is a subclass that says what differs, which is mostly its `layout`; how it is joined with
others stands beside it, and options of its own are a subclass of `RecorderSettings`::

    class MagnetRecorder(Recorder):
        layout = Layout(
            "magnet log",
            (Column("Time", Kind.DATETIME), Column("Field (mT)", Kind.FLOAT)),
            delimiter="\\t",
            time=ColumnTime("Time"),
        )
        signature = rb"Time\tField \(mT\)"
        join_as = SourceKind("magnet", (Quantity("Field (mT)", "field_mT", "mean", "mT"),), appends=True)

Every call reads the new bytes alone. Recorders may be shared between threads. A recorder travels to another process as
what opens it: there it reads the file from its start.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Hashable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from ...io.errors import FormatError, InputError
from ...io.forks import OwnLock
from ...io.guess.asked import NOTHING_ASKED, Asked
from ...io.layout import Layout
from ...io.paths import user_path
from ...io.reader import Reader
from ...io.sheet import is_spreadsheet
from .description import OTHERWISE, description, otherwise, understood
from .frames import FrameKind, as_asked, as_polars, with_distinct_names, without_names_of_times
from .known import RECORDERS, hint
from .options import RecorderSettings, TableSettings
from .quantity import SourceKind

__all__ = ["Recorder"]

log = logging.getLogger("utokyo")


class Recorder:
    r"""A source of data: a file to which a LabVIEW PC appends.

    Parameters
    ----------
    filepath : path
        The file; it need not exist before data is asked for.
    frame : "polars" or "pandas"
        What the tables are; pandas needs the extra of that name.
    settings : RecorderSettings, optional
        The options, instead of keywords.
    **options
        Those of `settings_class`: `always_update`, `clock_offset`; of a plain `Recorder` also `delimiter`, `decimal`,
        `header_line`, `units_row`, `time` and `time_format`, where what is found out is not what is meant.

    Raises
    ------
    InputError
        When an option is not what is asked for; and when asked for data of a file that is missing, unreadable or of
        another format.

    Examples
    --------
    >>> _ = Path("temperatures.csv").write_text("time,T (K)\n2022-09-18 12:00:00,293.1\n2022-09-18 12:00:01,293.2\n")
    >>> recorder = Recorder("temperatures.csv")
    >>> recorder.get_table().columns
    ['time', 'T (K)', 'timestamp_ns', 'timestamp', 'datetime']
    >>> recorder
    Recorder('temperatures.csv', rows=2, bad_rows=0)
    """

    layout: ClassVar[Layout | None] = None
    """The format; None finds it out from the file."""

    signature: ClassVar[bytes | str | None] = None
    """Regular expression that the start of such a file matches, in bytes, for `open_recorder`."""

    join_as: ClassVar[SourceKind | None] = None
    """How it is joined with other sources; None takes its columns by their types."""

    reads_folder: ClassVar[bool] = False
    """Whether its path is that of a folder."""

    settings_class: ClassVar[type[RecorderSettings]] = TableSettings
    """Its options; of a class that names its layout, by default those that every recorder has."""

    _opened_by: tuple[tuple[Any, ...], dict[str, Any]]
    _reader: Reader

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Note what opens it, for pickles; a plain recorder of an Excel file is one of a sheet."""
        path = options.get("filepath", args[0] if args else None)
        made = RECORDERS["spreadsheet"] if cls is Recorder and _is_excel(path) else cls
        self: Self = super().__new__(made)
        self._opened_by = args, options
        return self

    def __init_subclass__(cls, **options: Any) -> None:
        """Take the options that say what a file means from a class that knows it."""
        super().__init_subclass__(**options)
        if cls.layout is not None and cls.settings_class is TableSettings:
            cls.settings_class = RecorderSettings

    def __init__(
        self,
        filepath: str | Path,
        *,
        frame: FrameKind = "polars",
        settings: RecorderSettings | None = None,
        **options: Any,
    ) -> None:
        self.filepath = user_path(filepath)
        if frame not in {"polars", "pandas"}:
            raise InputError(f"frame should be 'polars' or 'pandas', not {frame!r}")
        self.frame = frame
        self.settings = self.settings_class.of(settings, options, type(self).__name__)
        self._lock = OwnLock()
        self._table: pl.DataFrame | None = None
        self._warned_empty = False
        self._literals_of: tuple[Mapping[str, object], frozenset[str], pl.DataFrame] | None = None
        self._start()

    def __reduce__(self) -> tuple[Any, ...]:
        args, options = self._opened_by
        # The path of the other process may start elsewhere.
        if args:
            args = (self.filepath.absolute(), *args[1:])
        else:
            options = {**options, "filepath": self.filepath.absolute()}
        return _opened, (type(self), args, options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.filepath)!r}, rows={self.rows}, bad_rows={self.bad_rows})"

    @property
    def always_update(self) -> bool:
        """Whether the whole file is read anew at every call."""
        return self.settings.always_update

    @property
    def clock_offset(self) -> timedelta:
        """What is added to all times."""
        return self.settings.clock_offset

    @property
    def clock_offset_ns(self) -> int:
        """What is added to all times, in ns."""
        return self.clock_offset // timedelta(microseconds=1) * 1000

    def update(self) -> int:
        """Read what is new; rows added."""
        with self._lock:
            if self.always_update:
                self._start()
                self._table = None
            return self._read()

    def finish(self) -> int:
        """Read what is new, and the last line too although its end is missing: for a run that is over."""
        with self._lock:
            added = self.update() + self._reader.finish()
            self._table = None if added else self._table
            return added

    def get_table(self) -> Any:
        """All rows joined with the metadata, with `timestamp_ns`, `timestamp` and `datetime`, sorted by time.

        Returns
        -------
        polars.DataFrame
            Columns of the file, then one for every key of the metadata, then `timestamp_ns` (Int64, ns since 1970, wall
            clock), the same as `timestamp`, and `datetime` (Datetime, ns); without these for a table that holds no
            times.
        """
        with self._lock:
            self.update()
            if self._table is None:
                self._table = self._make_table()
            return as_asked(self._table, self.frame)

    def get_data(self) -> Any:
        """All rows as they stand in the file, in its order."""
        with self._lock:
            self.update()
            return as_asked(self._reader.frame, self.frame)

    def get_metadata(self) -> Any:
        """What the newest header says: one row, a column a key; no column for a format without metadata."""
        with self._lock:
            self.update()
            return as_asked(pl.DataFrame({key: [value] for key, value in self._reader.metadata.items()}), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether all that the file holds was read."""
        with self._lock:
            return self._reader.is_up_to_date()

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
        """A mark of the data: it is equal at two moments if nothing was read between them."""
        return self._reader.rows, self._reader.generation, tuple(self._reader.metadata.items())

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped because they are not as their format says."""
        return self._reader.bad_rows

    @property
    def bad_row_messages(self) -> tuple[str, ...]:
        """One sentence for each of the first bad rows: file, line, what was expected and found."""
        return tuple(self._reader.bad_row_messages)

    def remarks(self) -> list[str]:
        """What of the file may be otherwise than was understood, a sentence each: a guess, words for no value."""
        return self._reader.remarks()

    def understood(self, otherwise_by: str = OTHERWISE) -> tuple[list[str], list[str]]:
        """What was understood of the file in short lines, and what of it was found out and may be otherwise.

        As after the last look; what is logged as a warning is not said again.
        """
        return list(understood(self._reader)), [*self._reader.guess_remarks(), *otherwise(self._reader, otherwise_by)]

    def describe(self) -> str:
        r"""What was understood of the file, for people, and how to say it otherwise.

        Examples
        --------
        >>> _ = Path("cup.csv").write_text("Time;Cup (nA)\n09.05.2023 11:20:05;2,41\n09.05.2023 11:20:06;OL\n")
        >>> print(Recorder("cup.csv").describe())
        cup.csv: a table, found out from the file
          delimiter ';', decimal sign ',', utf-8; names in line 1
          times: column 'Time', written as day, month, year
          Time: date and time
          Cup (nA): decimals
          column 'Cup (nA)': a cell holds 'OL', which is no value; it stays empty
          to say it otherwise: Recorder(path, delimiter=, decimal=, header_line=, units_row=, time=, time_format=)
        """
        with self._lock:
            self.update()
            return "\n".join(description(self.filepath.name, self._reader))

    @property
    def is_sorted(self) -> bool:
        """Whether the rows stand in the file in the order of their times, so far."""
        return bool(self._reader.is_sorted)

    @property
    def only_grows(self) -> bool:
        """Whether the rows of one generation stay as they are, and new ones come at the end of the table."""
        return self.source_kind().appends and not self.always_update and self.is_sorted

    @property
    def bytes_read(self) -> int:
        """Bytes read from the file so far; each of them once."""
        return self._reader.bytes_read

    @classmethod
    def recognises(cls, head: bytes) -> bool:
        """Whether a file that begins so is one of its own: by the signature, where text counts as its bytes."""
        signature = cls.signature.encode() if isinstance(cls.signature, str) else cls.signature
        return signature is not None and re.match(signature, head, re.MULTILINE) is not None

    def source_kind(self, name: str = "") -> SourceKind:
        """How it is joined: as its class says, else by the types of its columns, called after class or file."""
        del name
        if self.join_as is not None:
            return self.join_as
        own = type(self).__name__.removesuffix("Recorder").lower()
        path = self.filepath.stem.strip("-_. ")
        return SourceKind(own or path or "table", others=True, appends=self.make_layout() is not None)

    def table_to_join(self) -> pl.DataFrame:
        """The table that is joined: as a rule, that of `get_table`; a counter that is called `timestamp` is no time."""
        table = as_polars(self.get_table())
        has_times = {"timestamp_ns", "timestamp", "datetime"} <= set(table.columns)
        return table if has_times else without_names_of_times(table)

    def make_layout(self) -> Layout | None:
        """The layout of this very file; a format whose layout depends on the file's name overrides it."""
        return self.layout

    def _start(self) -> None:
        """Begin with the first row of the file."""
        self._reader = self._new_reader()

    def _new_reader(self) -> Reader:
        return Reader(
            self.filepath,
            self.make_layout(),
            clock_offset_ns=self.clock_offset_ns,
            longest_line_bytes=self.settings.longest_line_bytes,
            access=self.settings.access,
            asked=self._asked(),
        )

    def _asked(self) -> Asked:
        """What the user says of a table that is otherwise found out."""
        return self.settings.asked() if isinstance(self.settings, TableSettings) else NOTHING_ASKED

    def _read(self, max_rows: int | None = None) -> int:
        """Let the reader read; rows added."""
        generation, metadata = self._reader.generation, self._reader.metadata
        try:
            added = self._reader.update(max_rows)
        except FormatError as error:
            raise FormatError(f"{error}{hint(self.filepath, type(self))}") from None
        if added or self._reader.generation != generation or self._reader.metadata is not metadata:
            self._table = None
        if not self._reader.columns and not self._warned_empty:
            log.warning("%s has no header and no row yet", self.filepath)
            self._warned_empty = True
        if added and not self.always_update:
            for remark in self._reader.clock_news():
                log.warning("%s: %s", self.filepath.name, remark)
        return added

    def _make_table(self) -> pl.DataFrame:
        table = self._rows_with_metadata()
        return table if self._reader.is_sorted else table.sort("timestamp", maintain_order=True)

    def _rows_with_metadata(self) -> pl.DataFrame:
        data = self._reader.frame
        taken = frozenset(data.columns)
        times = self._reader.time_frame()
        frames = [data]
        if self._reader.metadata:
            frames.append(self._header_columns(taken, data.height))
        if times is not None:
            # Without an expression, whose run costs more than all else of a look at few new rows.
            times = times.clone().insert_column(0, times["timestamp"].alias("timestamp_ns"))
            if not taken.isdisjoint(times.columns):
                frames[0], times = with_distinct_names(data, times, self.clock_offset_ns)
            frames.append(times)
        # Put side by side, frames are not looked into: chunks come by the hundred.
        return pl.concat(frames, how="horizontal")

    def _header_columns(self, taken: frozenset[str], height: int) -> pl.DataFrame:
        """The metadata as scalar columns, which cost nothing however many rows there are; made for twice as many."""
        of_rows = self._reader.metadata_of_rows()
        if any(metadata != of_rows[0][1] for _, metadata in of_rows):  # a file of several runs
            return pl.concat([_literals(metadata, taken, rows) for rows, metadata in of_rows], how="diagonal_relaxed")
        metadata, known = self._reader.metadata, self._literals_of
        if known is None or known[0] is not metadata or known[1] != taken or known[2].height < height:
            known = self._literals_of = metadata, taken, _literals(metadata, taken, 2 * height)
        return known[2].slice(0, height)


def _is_excel(path: Any) -> bool:
    return isinstance(path, str | Path) and is_spreadsheet(Path(path))


def _literals(metadata: Mapping[str, Any], taken: frozenset[str], height: int) -> pl.DataFrame:
    """Metadata as scalar columns; those whose names the rows have are called otherwise."""
    literals = {
        f"{key} (header)" if key in taken else key: pl.lit(value, pl.Int64 if isinstance(value, int) else None)
        for key, value in metadata.items()
    }
    rows = pl.select(pl.repeat(None, height, dtype=pl.Null).alias("rows"))
    return rows.with_columns(**literals).select(*literals)


def _opened(cls: type[Recorder], args: tuple[Any, ...], options: dict[str, Any]) -> Recorder:
    return cls(*args, **options)
