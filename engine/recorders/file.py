"""A folder of files as a table: one row a file, new ones as they appear."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ...io.errors import InputError, MissingFileError
from .base import FrameKind, Recorder, as_asked, with_time
from .image_times import ImageTimes

__all__ = ["FileParser", "FileRecorder", "FrameParser"]

SCHEMA: dict[str, Any] = {
    "filename": pl.String,
    "filepath": pl.String,
    "size_bytes": pl.Int64,
    "time_source": pl.String,
    "timestamp": pl.Int64,
}


class FileRecorder(Recorder):
    """Files of a folder.

    Parameters
    ----------
    filepath : path
        The folder.
    match : str
        Regular expression that the whole name of a file matches; by default every file.
    always_update, clock_offset, frame
        As for `Recorder`.

    Notes
    -----
    Columns: `filename`, `filepath`, `size_bytes`, `time_source` (``all_data``, ``timelog`` or ``modified``: see
    `ImageTimes`), `timestamp`, `datetime`.
    """

    def __init__(
        self,
        filepath: str | Path,
        match: str = r".*",
        *,
        always_update: bool = False,
        clock_offset: timedelta = timedelta(0),
        frame: FrameKind = "polars",
    ) -> None:
        try:
            self.match = re.compile(match)
        except re.error as error:
            raise InputError(f"match={match!r} is no regular expression: {error}") from None
        super().__init__(filepath, always_update=always_update, clock_offset=clock_offset, frame=frame)
        self._times = ImageTimes()
        self._known: dict[str, tuple[int, str, int]] = {}

    def update(self) -> int:
        """Look for new files; how many there are."""
        with self._lock:
            if self.always_update:
                self._known, self._table = {}, None
            listed = self._listed()
            # A file that grew since is listed with its new size; its time was settled by its first look.
            news = [name for name, size in listed.items() if self._known.get(name, (-1,))[0] != size]
            gone = self._known.keys() - listed.keys()
            added = sum(name not in self._known for name in news)
            for name in gone:
                del self._known[name]
            for name in news:
                stamp, source = self._times.timestamp_ns(self.filepath / name)
                self._known[name] = (listed[name], source, stamp)
            if news or gone:
                self._table = None
            return added

    def finish(self) -> int:
        """A folder has no last line: as `update`."""
        return self.update()

    def get_data(self) -> Any:
        """One row a file, sorted by name."""
        with self._lock:
            self.update()
            return as_asked(self._listing().sort("filename"), self.frame)

    def get_metadata(self) -> Any:
        """A folder has none."""
        return as_asked(pl.DataFrame(), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether no file came, went or grew since the last look."""
        with self._lock:
            known = {name: size for name, (size, _, _) in self._known.items()}
            return self.filepath.is_dir() and self._listed() == known

    @property
    def version(self) -> Hashable:
        """Which files were seen, and how large they were."""
        return frozenset((name, size) for name, (size, _, _) in self._known.items())

    @property
    def rows(self) -> int:
        """Files seen so far."""
        return len(self._known)

    def _joined(self) -> pl.DataFrame:
        listing = self._listing().sort("filename")
        return with_time(listing.drop("timestamp"), listing["timestamp"])

    def _listing(self) -> pl.DataFrame:
        rows = [
            (name, str(self.filepath / name), size, source, stamp + self.clock_offset_ns)
            for name, (size, source, stamp) in self._known.items()
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def _listed(self) -> dict[str, int]:
        try:
            with os.scandir(self.filepath) as entries:
                return {e.name: e.stat().st_size for e in entries if self.match.fullmatch(e.name) and e.is_file()}
        except FileNotFoundError:
            raise MissingFileError(f"{self.filepath}: no such folder") from None
        except NotADirectoryError:
            raise InputError(f"{self.filepath}: this is a file; FileRecorder wants the folder it is in") from None
        except OSError as error:
            raise InputError(f"{self.filepath}: cannot be listed ({error.strerror or error})") from error


class FrameParser(Recorder):
    """Parser mode for recorders whose table is made whole: each `get_table` hands out the next rows of it.

    Parameters
    ----------
    filepath : path
    *args, **options
        As for the recorder.
    lines_per_update : int
        Rows of a chunk at the most.
    """

    def __init__(self, filepath: str | Path, *args: Any, lines_per_update: int = 100_000, **options: Any) -> None:
        if lines_per_update < 1:
            raise InputError(f"lines_per_update should be 1 or more, not {lines_per_update}")
        super().__init__(filepath, *args, **options)
        self.lines_per_update = lines_per_update
        self._handed_out: set[Any] = set()

    def get_table(self) -> Any:
        """The next rows of the table; empty when it has caught up."""
        return self._next(super().get_table())

    def get_data(self) -> Any:
        """The next rows of the data; empty when it has caught up."""
        return self._next(super().get_data())

    def __iter__(self) -> Any:
        while len(table := self.get_table()):
            yield table

    def _next(self, whole: Any) -> Any:
        table = whole if isinstance(whole, pl.DataFrame) else pl.from_pandas(whole)
        keys = self.row_keys(table).to_list()
        new = [i for i, key in enumerate(keys) if key not in self._handed_out][: self.lines_per_update]
        self._handed_out.update(keys[i] for i in new)
        return as_asked(table[new], self.frame)

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """What tells the rows of a table from each other when it is made again: their content."""
        return table.hash_rows()


class FileParser(FrameParser, FileRecorder):
    """`FileRecorder` in chunks of files."""

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """Files are told by their names."""
        return table["filename"]
