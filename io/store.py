"""Result tables on disk: every row once, whatever is killed when.

A result is identified by what it is of (its source, its event), not by when it was written: writing it again replaces
it, so that a program that was killed and started again derives the same rows anew and harms nothing. The table is
written whole into a temporary file beside it, flushed to the disk, and renamed over the old one: a reader sees the old
table or the new one, never half of one. CSV or Parquet, by the ending of the path.
"""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from weakref import WeakValueDictionary

import polars as pl
from polars.testing import assert_frame_equal

from .errors import InputError, MissingFileError, OutputError
from .paths import user_path

__all__ = ["ResultTable", "check_folder", "read_results", "write_whole"]

ENDINGS = (".csv", ".parquet")
RETRIES, RETRY_AFTER_S = 20, 0.05
"""On Windows a file cannot be replaced while a viewer or a virus scanner looks at it: it is tried for a second."""


class _Lock:
    """A lock that a weak dictionary can hold."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


# Analyses of one process may share a table; the dictionary forgets the locks of tables that nobody holds.
_locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
_locks_lock = threading.Lock()


class ResultTable:
    """A table of results in a file.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.parquet``; made with its folders when the first row comes.

    Raises
    ------
    InputError
        When the ending is another one, or no file can be written there.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl
    >>> from utokyo.io.store import ResultTable
    >>> folder = tempfile.TemporaryDirectory()
    >>> table = ResultTable(f"{folder.name}/bursts.csv")
    >>> rows = pl.DataFrame({"event": [1, 2], "rate_Hz": [10.5, 3.25]})
    >>> table.replace(rows, pl.col("event").is_in([1, 2]))
    2
    >>> table.replace(rows, pl.col("event").is_in([1, 2]))  # once more, after a restart
    0
    >>> table.read()["rate_Hz"].to_list()
    [10.5, 3.25]
    >>> folder.cleanup()
    """

    def __init__(self, path: str | Path) -> None:
        self.path = user_path(path)
        if self.path.suffix.lower() not in ENDINGS:
            raise InputError(f"{path}: a result table ends in {' or '.join(ENDINGS)}")
        if os.path.isdir(self.path):
            raise InputError(f"{path}: this is a folder; a result table needs a path where no folder is")
        check_folder(self.path.parent)
        key = os.path.normcase(self.path.absolute())
        with _locks_lock:
            self._lock = _locks.setdefault(key, _Lock())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def read(self) -> pl.DataFrame:
        """All rows; an empty frame when there is no table yet."""
        return read_results(self.path) if self.path.exists() else pl.DataFrame()

    def check(self, columns: Iterable[str]) -> None:
        """Refuse a file that is there already and no table with these columns: rows cannot be added to it.

        Raises
        ------
        InputError
        """
        table = self.read()
        if table.width:
            self._expect(table, columns)

    def replace(self, rows: pl.DataFrame, where: pl.Expr) -> int:
        """Put `rows` in the place of those for which `where` holds, and sort by `timestamp_ns` if there is one.

        Parameters
        ----------
        rows : polars.DataFrame
        where : polars expression
            Which of the rows on disk these ones replace: those of the same source and events.

        Returns
        -------
        int
            How many more rows the table has now. Nothing is written when nothing changed.

        Raises
        ------
        OutputError
            When the table cannot be written (a full disk, a file open elsewhere); what was on disk stays.
        InputError
            When the file on disk is no table with these columns.
        """
        with self._lock.lock:
            old = self.read()
            if old.width == 0:
                kept = rows.clear()
            else:
                self._expect(old, where.meta.root_names())
                kept = _cast_like(self.path, old, rows).filter(~where)
            new = pl.concat([kept, rows], how="diagonal_relaxed") if kept.width else rows
            if "timestamp_ns" in new.columns:
                new = new.sort("timestamp_ns", maintain_order=True)
            if not _is_equal(old, new):
                write_whole(self.path, _encoded(new, self.path))
            return new.height - old.height

    def _expect(self, table: pl.DataFrame, columns: Iterable[str]) -> None:
        if missing := [name for name in columns if name not in table.columns]:
            raise InputError(f"{self.path}: a table without the column {missing[0]!r}; choose another file")


def check_folder(folder: Path) -> None:
    """Refuse a folder that is none and cannot be made; nothing is made.

    Raises
    ------
    InputError
        When a file is in the way, or nothing may be written there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.store import check_folder
    >>> _ = Path("plots").write_text("")
    >>> check_folder(Path("plots"))
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: plots: this is a file, no folder; choose another path
    """
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
    if there is None:
        return
    if not os.path.isdir(there):
        what = "this is a file, no folder" if there == folder else f"this folder cannot be made: {there} is a file"
        raise InputError(f"{folder}: {what}; choose another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to write in {there}; choose another path")


def read_results(path: str | Path) -> pl.DataFrame:
    r"""Read a result table.

    Raises
    ------
    MissingFileError, InputError
        When it is missing, or no table.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.store import read_results
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "bursts.csv")
    ...     _ = path.write_text("event,rate_Hz\n1,10.5\n")
    ...     read_results(path).rows()
    [(1, 10.5)]
    """
    path = user_path(path)
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path.read_bytes())
        return pl.read_csv(path.read_bytes(), infer_schema_length=None)
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except pl.exceptions.NoDataError:
        return pl.DataFrame()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table of results ({reason}); move it away or mend it") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises
    ------
    OutputError
        When the disk is full, the folder cannot be made, or another program holds the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.store import write_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "plots", "figure.png")
    ...     write_whole(path, b"content")
    ...     [file.name for file in path.parent.iterdir()]
    ['figure.png']
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            _rename(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
            reason = "no space left on the drive; free some"
        elif isinstance(error, PermissionError):
            reason = "no permission, or the file is open in another program; close it"
        else:
            reason = f"{error.strerror or error}; check the path and the drive"
        raise OutputError(
            f"{path}: cannot be written: {reason}, then run again; what was there before is kept"
        ) from error


def _rename(temporary: Path, path: Path) -> None:
    for _ in range(RETRIES):
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(RETRY_AFTER_S)
        else:
            return
    temporary.replace(path)


def _cast_like(path: Path, old: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a CSV file with the types of the new rows: a column without a value does not show its own."""
    types = {name: dtype for name, dtype in rows.schema.items() if name in old.columns and old.schema[name] != dtype}
    try:
        return old.with_columns(pl.col(name).cast(dtype) for name, dtype in types.items())
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: its columns are not those of this analysis ({reason}); choose another file"
        ) from error


def _is_equal(old: pl.DataFrame, new: pl.DataFrame) -> bool:
    try:
        assert_frame_equal(old, new, check_dtypes=False, check_exact=True)
    except AssertionError:
        return False
    return True


def _encoded(table: pl.DataFrame, path: Path) -> bytes:
    target = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        table.write_parquet(target)
    else:
        table.write_csv(target)
    return target.getvalue()
