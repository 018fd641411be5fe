"""A folder of files as a table: one row a file, new ones as they appear."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ...io.errors import InputError, MissingFileError
from .frames import as_asked, with_time
from .image_times import ImageTimes
from .options import FileSettings
from .parser import FrameParser
from .quantity import Quantity, SourceKind
from .whole import WholeRecorder

__all__ = ["FileParser", "FileRecorder"]

SCHEMA: dict[str, Any] = {
    "filename": pl.String,
    "filepath": pl.String,
    "size_bytes": pl.Int64,
    "modified_ns": pl.Int64,
    "time_source": pl.String,
    "timestamp": pl.Int64,
}


class _State(NamedTuple):
    """What changes when a file is written to; copied by Windows, it has its whole size from the beginning."""

    size_bytes: int
    modified_ns: int


class _Seen(NamedTuple):
    """A file as it was last seen."""

    state: _State
    time_source: str
    timestamp_ns: int


class FileRecorder(WholeRecorder):
    r"""Files of a folder.

    Parameters
    ----------
    filepath : path
        The folder.
    match : str
        Regular expression that the whole name of a file matches; by default every file.
    **options
        As for `Recorder`.

    Notes
    -----
    Columns: `filename`, `filepath`, `size_bytes`, `modified_ns`, `time_source` (``all_data``, ``timelog`` or
    ``modified``: see `ImageTimes`), `timestamp`, `datetime`.

    Examples
    --------
    >>> for name in ("cmos_000001.csv", "cmos_000002.csv", "note.txt"):
    ...     _ = Path(name).write_text("1,2\n3,4\n")
    >>> FileRecorder(".", r"cmos_.*").get_table()["size_bytes"].to_list()
    [8, 8]
    """

    join_as = SourceKind(
        "files", (Quantity("", "count", "count"), Quantity("filename", "filename", "last")), tolerance_s=15.0
    )
    reads_folder = True
    settings_class = FileSettings
    settings: FileSettings

    def __init__(self, filepath: str | Path, match: str | None = None, **options: Any) -> None:
        super().__init__(filepath, **options if match is None else {"match": match, **options})
        self.match = re.compile(self.settings.match)
        self._times = ImageTimes()
        self._known: dict[str, _Seen] = {}

    def update(self) -> int:
        """Look for new files; how many there are."""
        with self._lock:
            if self.always_update:
                self._known, self._table = {}, None
            listed = self._listed()
            # A file that was written to since is listed as it is now, and its time is found anew.
            known = {name: seen.state for name, seen in self._known.items()}
            news = [name for name, state in listed.items() if known.get(name) != state]
            gone = self._known.keys() - listed.keys()
            added = sum(name not in self._known for name in news)
            for name in gone:
                del self._known[name]
            for name in news:
                stamp, source = self._times.timestamp_ns(self.filepath / name)
                self._known[name] = _Seen(listed[name], source, stamp)
            if news or gone:
                self._table = None
            return added

    def get_data(self) -> Any:
        """One row a file, sorted by name."""
        with self._lock:
            self.update()
            return as_asked(self._listing().sort("filename"), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether no file came, went or was written to since the last look."""
        with self._lock:
            known = {name: seen.state for name, seen in self._known.items()}
            return self.filepath.is_dir() and self._listed() == known

    @property
    def version(self) -> Hashable:
        """Which files were seen, how large they were, and when they were written."""
        return frozenset((name, seen.state) for name, seen in self._known.items())

    @property
    def rows(self) -> int:
        """Files that are there."""
        return len(self._known)

    def _make_table(self) -> pl.DataFrame:
        listing = self._listing().sort("filename")
        return with_time(listing.drop("timestamp"), listing["timestamp"])

    def _listing(self) -> pl.DataFrame:
        rows = [
            (
                name,
                str(self.filepath / name),
                *seen.state,
                seen.time_source,
                seen.timestamp_ns + self.clock_offset_ns,
            )
            for name, seen in self._known.items()
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def _listed(self) -> dict[str, _State]:
        try:
            with os.scandir(self.filepath) as entries:
                states = {e.name: _state(e) for e in entries if self.match.fullmatch(e.name)}
            return {name: state for name, state in states.items() if state is not None}
        except FileNotFoundError:
            raise MissingFileError(f"{self.filepath}: no such folder") from None
        except NotADirectoryError:
            raise InputError(f"{self.filepath}: this is a file; FileRecorder wants the folder it is in") from None
        except OSError as error:
            raise InputError(f"{self.filepath}: cannot be listed ({error.strerror or error})") from error


def _state(entry: os.DirEntry[str]) -> _State | None:
    """Of a file; None for what is none, for a link to nothing or to itself, and for what was just deleted."""
    try:
        if not entry.is_file():
            return None
        found = entry.stat()
    except OSError:
        return None
    return _State(found.st_size, found.st_mtime_ns)


class FileParser(FrameParser, FileRecorder):
    r"""`FileRecorder` in chunks of files.

    Examples
    --------
    >>> from pathlib import Path
    >>> for i in range(3):
    ...     _ = Path(f"cmos_{i:06d}.csv").write_text("1,2\n3,4\n")
    >>> [files["filename"].to_list() for files in FileParser(".", r"cmos.*", lines_per_update=2)]
    [['cmos_000000.csv', 'cmos_000001.csv'], ['cmos_000002.csv']]
    """

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """Files are distinguished by their names."""
        return table["filename"]
