"""Result tables on disk: every row once, whatever is killed when, and whoever else writes or edits the table.

A result is identified by what it is of (its source, its event), not by when it was written: writing it again replaces
it, so that a program that was killed and started again derives the same rows anew and harms nothing. The table is
read, merged and written whole (`io/whole.py`) under a lock that other programs heed (`io/results/lock.py`). People open
it in spreadsheets: what these do to it is found out and made good (`io/results`). CSV or Parquet, by the ending.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from .errors import InputError, MissingFileError
from .paths import user_path
from .results.cells import as_cells, typed, value_of
from .results.dialect import Dialect, plain_name, read_cells, written_cells
from .results.lock import exclusive
from .results.merge import Merged, guess_times, merged
from .results.times import ID, TIME, Restored, restored, time_ids
from .whole import check_folder, remove_remains, write_whole

__all__ = ["ResultTable", "read_results"]

log = logging.getLogger("utokyo")

ENDINGS = (".csv", ".parquet")


class ResultTable:
    """A table of results in a file, which other programs and people write, too.

    Parameters
    ----------
    path : path
        ``.csv`` or ``.parquet``; made with its folders when the first row comes.

    Raises
    ------
    InputError
        When the ending is another one.

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
        self._said: str | None = None
        self._state: tuple[int, int, int] | None = None

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
        _check_columns(self.path, self.read(), columns)

    def has_changed(self) -> bool:
        """Whether the file is another one than at the last `replace`: written by another program, edited, deleted."""
        return self._state != _state_of(self.path)

    def replace(self, rows: pl.DataFrame, where: pl.Expr) -> int:
        """Put `rows` in the place of those for which `where` holds, and sort by `timestamp_ns` if there is one.

        Rows with a `timestamp_ns` get an `id`, the same time as text, by which they are known again after a spreadsheet
        rounded it. Other rows and columns stay as they are.

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
            When the table cannot be written (a full disk, a file open elsewhere, a program that does not let go of it);
            what was on disk stays.
        InputError
            When the file on disk is no table with these columns.
        """
        return self._merge(rows, where, only_missing=False)

    def restore(self, rows: pl.DataFrame, where: pl.Expr) -> int:
        """As `replace`, if some of these rows were deleted; where another program wrote as many, its rows stay.

        Raises
        ------
        OutputError, InputError
            As `replace`.
        """
        return self._merge(rows, where, only_missing=True)

    def _merge(self, rows: pl.DataFrame, where: pl.Expr, *, only_missing: bool) -> int:
        if rows.schema.get(TIME) == pl.Int64 and ID not in rows.columns:
            names = [name for column in rows.columns for name in ((column, ID) if column == TIME else (column,))]
            rows = rows.with_columns(time_ids(pl.col(TIME)).alias(ID)).select(names)
        with exclusive(self.path):
            if self._said is None:
                remove_remains(self.path)
            content = _content(self.path) if self.path.exists() else b""
            made = _in_parquet if self.path.suffix.lower() == ".parquet" else _in_csv
            new = made(self.path, content, rows, where)
            is_written = new.content != content and not (only_missing and new.answer.replaced.sum() >= rows.height)
            if is_written:
                write_whole(self.path, new.content)
            self._state = _state_of(self.path)
        if new.said and new.said != self._said:
            log.warning("%s was changed by another program: %s", self.path, new.said)
        self._said = new.said
        return new.answer.table.height - new.rows if is_written else 0


class _New(NamedTuple):
    """What becomes of a table."""

    rows: int
    """That it has now."""
    content: bytes
    answer: Merged
    said: str


def read_results(path: str | Path) -> pl.DataFrame:
    r"""Read a result table, also one that a spreadsheet wrote.

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
    ...     _ = path.write_text("event,rate_Hz,valid\n1,10.5,true\n")
    ...     read_results(path).rows()
    [(1, 10.5, True)]
    """
    path = user_path(path)
    content = _content(path)
    if path.suffix.lower() == ".parquet":
        return _parquet(path, content)
    dialect, cells = read_cells(content)
    table = typed(restored(cells).cells, dialect)
    taken: set[str] = set()
    names = {}
    for number, name in enumerate(table.columns, start=1):
        plain = plain_name(name) or f"column_{number}"
        names[name] = plain if plain not in taken else f"{plain} ({number})"
        taken.add(names[name])
    return table.rename(names)


def _in_csv(path: Path, content: bytes, rows: pl.DataFrame, where: pl.Expr) -> _New:
    dialect, cells = read_cells(content) if content else (Dialect(), pl.DataFrame())
    found = restored(cells)
    cells = found.cells
    new = as_cells(rows, dialect)
    _check_columns(path, cells, where.meta.root_names())
    asked = [name for name in dict.fromkeys([*where.meta.root_names(), TIME]) if name in cells.columns]
    keys = cells.select(value_of(n, rows.schema.get(n, pl.String()), dialect.decimal).alias(n) for n in asked)
    unknown = 0
    if cells.height and TIME in rows.columns and TIME in asked:
        keys, unknown = guess_times(cells, keys, rows, where, dialect.decimal)
    answer = merged(cells, keys, new, rows, where)
    said = _said(dialect, found, unknown, answer)
    return _New(cells.height, written_cells(answer.table, dialect), answer, said)


def _in_parquet(path: Path, content: bytes, rows: pl.DataFrame, where: pl.Expr) -> _New:
    old = _parquet(path, content) if content else pl.DataFrame()
    _check_columns(path, old, where.meta.root_names())
    types = {name: dtype for name, dtype in rows.schema.items() if name in old.columns and old.schema[name] != dtype}
    try:
        old = old.with_columns(pl.col(name).cast(dtype) for name, dtype in types.items())
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: its columns are not those of this analysis ({reason}); choose another file"
        ) from error
    answer = merged(old, old, rows, rows, where)
    target = io.BytesIO()
    answer.table.write_parquet(target)
    return _New(old.height, target.getvalue(), answer, _said(Dialect(), None, 0, answer))


def _check_columns(path: Path, old: pl.DataFrame, columns: Iterable[str]) -> None:
    missing = [name for name in columns if name not in old.columns]
    if old.width and missing:
        raise InputError(f"{path}: a table without the column {missing[0]!r}; choose another file")


def _said(dialect: Dialect, found: Restored | None, unknown: int, answer: Merged) -> str:
    """What a person changed, as the end of a sentence; empty for nothing."""
    said = [dialect.said()]
    if found is not None and found.by_id:
        said.append(f"the times of {_rows(found.by_id)} were rounded, and are right again by their ids")
    lost = [] if found is None else [column.name for column in found.emptied if (column & ~answer.replaced).any()]
    if lost:
        said.append(f"other times ({', '.join(lost)}) were, too, and are unknown until their source is analysed again")
    if unknown:
        said.append(f"the times of {_rows(unknown)} without an id were rounded, and cannot be known")
    if answer.lonely:
        said.append(f"the events of {_rows(answer.lonely)} with entries are gone: the entries stay, the numbers do not")
    return "; ".join(filter(None, said))


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except PermissionError:
        raise InputError(
            f"{path}: may not be read, or is open in another program (Excel?); close it there: the next cycle or run "
            "tries again"
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from error


def _parquet(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(content)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0]
    return InputError(f"{path}: cannot be read as a table of results ({reason}); move it away or mend it")
