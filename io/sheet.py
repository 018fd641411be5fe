"""Tables in Excel files: what people write by hand beside a run, a sheet as columns with their times.

The first filled row names the columns; a row below it may give their units. A column is of the kind that most of its
cells are: numbers, moments, days, times of day or words; a word among numbers is no value, and is told. Cells are taken
as Excel keeps them, and not as they look there: numbers with all their digits, times as times.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..kernels.units import DAY_NS
from . import cells
from .column import Kind
from .errors import InputError
from .header import distinct
from .opened import opened, unreadable
from .paths import user_path
from .progress import progress
from .spreadsheet import check_spreadsheet

__all__ = ["SheetTable", "is_spreadsheet", "is_spreadsheet_image", "read_sheet"]

LARGEST_BYTES = 1 << 28
"""Of a file."""
MOST_CELLS = 1 << 21
"""Of a table: each is looked at by itself."""
NO_DAYS = ("1899-12-30", "1899-12-31")
"""The day that a time of day has in Excel."""
NO_VALUE = frozenset({"n/a", "#n/a", "na", "-", "--", "---", "ol", "null", "none", "nan", "overrange", "error", "なし"})
"""Words that say that there is no value, whatever the column holds."""


@dataclass(frozen=True)
class SheetTable:
    """A sheet as a table.

    Parameters
    ----------
    data : polars.DataFrame
        A row a filled row, types by column: Int64, Float64, Datetime (ns), Date, Time or String.
    times_ns : polars.Series, optional
        Int64, ns since 1970, of each row; null where a row has no time. None without a column of moments or days.
    units : mapping of str to str
        Of the columns, where a row gives them.
    words : mapping of str to mapping of str to int
        By column, the words that were found in the place of its values, and how often.
    """

    data: pl.DataFrame
    times_ns: pl.Series | None
    units: dict[str, str]
    words: dict[str, dict[str, int]]


class _Cell:
    """A filled cell: what it is, its value, and its text."""

    __slots__ = ("kind", "text", "value")

    def __init__(self, text: str, number: float | None) -> None:
        self.text = text.strip()
        self.kind, self.value = _value(self.text, number)


Grid = list[list[_Cell | None]]


def is_spreadsheet(path: Path) -> bool:
    """Whether a file is called as spreadsheets are, and no lock file of Excel.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.sheet import is_spreadsheet
    >>> is_spreadsheet(Path("Scan.XLSX")), is_spreadsheet(Path("~$scan.xlsx"))
    (True, False)
    """
    return path.suffix.lower() == ".xlsx" and not path.name.startswith("~$")


def is_spreadsheet_image(path: Path) -> bool:
    """Whether the first sheet is a matrix of numbers without gaps, as old camera images are.

    What cannot be read, because it is not written to its end, perhaps, is none.

    Examples
    --------
    >>> from pathlib import Path
    >>> import polars as pl
    >>> from utokyo.io.sheet import is_spreadsheet_image
    >>> _ = pl.DataFrame({"a": [1, 2], "b": [3, 4]}).write_excel("ccd.xlsx", include_header=False)
    >>> _ = pl.DataFrame({"detuning": [1, 2], "counts": [3, 4]}).write_excel("scan.xlsx")
    >>> is_spreadsheet_image(Path("ccd.xlsx")), is_spreadsheet_image(Path("scan.xlsx"))
    (True, False)
    """
    with progress(f"looking at {path.name}"):
        try:
            workbook = _workbook(path, _content(path))
        except InputError:
            return False
        numbers = _loaded(workbook, workbook.sheet_names[0], "float")
    return min(numbers.shape) > 1 and not any(numbers.null_count().row(0))


def read_sheet(path: str | Path, sheet: str | None = None) -> SheetTable:
    """Read the table of a sheet.

    Parameters
    ----------
    path : path
        An ``.xlsx`` file.
    sheet : str, optional
        Its name; without, the only one that holds anything.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file or sheet, when several could be meant, or when it is no Excel file.

    Examples
    --------
    >>> import polars as pl
    >>> from utokyo.io.sheet import read_sheet
    >>> _ = pl.DataFrame({"detuning (MHz)": [-10, -5], "memo": ["a", None]}).write_excel("scan.xlsx")
    >>> read_sheet("scan.xlsx").data.rows()
    [(-10, 'a'), (-5, None)]
    """
    path = user_path(path)
    with progress(f"reading {path.name}"):
        workbook = _workbook(path, _content(path))
        name, texts = _chosen(path, workbook, sheet)
        if texts.height * texts.width > MOST_CELLS:
            raise InputError(
                f"{path}: sheet {name!r} has {texts.height} rows of {texts.width} cells, more than the {MOST_CELLS} of "
                "a table; save it as CSV, which is read as it grows"
            )
        return _table(_grid(texts, _loaded(workbook, name, "float")))


def _content(path: Path) -> bytes:
    with opened(path) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size > LARGEST_BYTES:
            most = LARGEST_BYTES >> 20
            raise InputError(f"{path}: {size >> 20} MB, more than the {most} MB of the largest spreadsheet")
        try:
            return handle.readall()
        except OSError as error:
            raise unreadable(path, error) from error


def _workbook(path: Path, content: bytes) -> Any:
    check_spreadsheet(path, content)
    try:
        import fastexcel  # noqa: PLC0415 (an extra)

        return fastexcel.read_excel(content)
    except ImportError:
        raise InputError(f"{path}: Excel files need an extra: pip install 'data-engineer-utokyo[excel]'") from None
    except Exception as error:  # the Excel reader raises what it likes about a file that is none
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: this is no Excel file that can be read ({reason})") from error


def _loaded(workbook: Any, sheet: str, kind: str) -> pl.DataFrame:
    """The cells of a sheet as texts or as numbers, from the first filled row on; empty for what is no table."""
    try:
        frame: pl.DataFrame = workbook.load_sheet(sheet, header_row=None, dtypes=kind).to_polars()
    except Exception:  # noqa: BLE001 (a sheet of a chart, or one without a cell)
        return pl.DataFrame()
    return frame


def _chosen(path: Path, workbook: Any, sheet: str | None) -> tuple[str, pl.DataFrame]:
    """The sheet that is meant, and its cells as texts."""
    names: list[str] = workbook.sheet_names
    if sheet is not None:
        if sheet not in names:
            raise InputError(f"{path}: there is no sheet {sheet!r}; {_there(names)}")
        return sheet, _loaded(workbook, sheet, "string")
    filled = {name: texts for name in names if (texts := _loaded(workbook, name, "string")).height}
    if len(filled) > 1:
        example = next(iter(filled))
        raise InputError(f"{path}: which sheet? {_there(list(filled))}; name one: sheet={example!r}, or --sheet")
    name = next(iter(filled), names[0])
    return name, filled.get(name, pl.DataFrame())


def _there(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    return f"it has {' and '.join([', '.join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)}"


def _grid(texts: pl.DataFrame, numbers: pl.DataFrame) -> Grid:
    """The filled rows."""
    rows: Grid = []
    for said, values in zip(texts.rows(), numbers.rows() if numbers.height else [()] * texts.height, strict=True):
        row = [
            None if text is None or not text.strip() else _Cell(text, values[i] if i < len(values) else None)
            for i, text in enumerate(said)
        ]
        if any(row):
            rows.append(row)
    return rows


def _value(text: str, number: float | None) -> tuple[Kind, Any]:
    """What a cell is: a number, a moment or a day (ns since 1970), a time of day (ns) or words."""
    if number is not None and text not in {"true", "false"}:
        return Kind.FLOAT, number
    if text.startswith(NO_DAYS):
        clock = cells.time_of_day_ns(text[10:])
        return (Kind.TIME, clock) if clock is not None else (Kind.TEXT, text)
    moment = cells.datetime_ns(text)
    if moment is not None:
        return Kind.DATETIME if moment % DAY_NS else Kind.DATE, moment
    clock = cells.time_of_day_ns(text)
    return (Kind.TIME, clock) if clock is not None else (Kind.TEXT, text)


def _table(grid: Grid) -> SheetTable:
    if len(grid) > 1 and sum(cell is not None for cell in grid[0]) == 1 and _are_names(grid[1]):
        grid = grid[1:]  # a title above the names
    names: Sequence[str] = [""] * (len(grid[0]) if grid else 0)
    if grid and _are_names(grid[0]):
        names, grid = ["" if cell is None else " ".join(cell.text.split()) for cell in grid[0]], grid[1:]
    kinds = [_kind([row[i] for row in grid]) for i in range(len(names))]
    units: dict[str, str] = {}
    called = distinct(names)
    if grid and _are_units(grid[0], kinds):
        units = {called[i]: cell.text.strip("[]()") for i, cell in enumerate(grid[0]) if cell is not None}
        grid = grid[1:]
        kinds = [_kind([row[i] for row in grid]) for i in range(len(names))]
    words: dict[str, dict[str, int]] = {}
    columns = []
    for i, (name, kind) in enumerate(zip(called, kinds, strict=True)):
        column = [row[i] for row in grid]
        if not names[i] and not any(column):
            continue
        strange = Counter(c.text for c in column if c is not None and not _fits(c, kind))
        if strange:
            words[name] = dict(strange)
        columns.append(_series(name, kind, column))
    data = pl.DataFrame(columns)
    if columns:
        data = data.filter(~pl.all_horizontal(pl.all().is_null()))
    return SheetTable(data, _times(data), units, words)


def _are_names(row: Sequence[_Cell | None]) -> bool:
    """Whether most filled cells are words, and more than one."""
    filled = [cell for cell in row if cell is not None]
    words = sum(cell.kind is Kind.TEXT for cell in filled)
    return words > len(filled) / 2 and (words > 1 or len(row) == 1)


def _are_units(row: Sequence[_Cell | None], kinds: Sequence[Kind]) -> bool:
    """Whether all filled cells are words, one of them above numbers, and none of them says that there is no value."""
    filled = [(cell, kind) for cell, kind in zip(row, kinds, strict=True) if cell is not None]
    return any(kind in {Kind.FLOAT, Kind.INTEGER} for _, kind in filled) and all(
        cell.kind is Kind.TEXT and not _says_nothing(cell) for cell, _ in filled
    )


def _says_nothing(cell: _Cell) -> bool:
    return cell.text.lower() in NO_VALUE or not cell.text.strip("*-")


def _kind(column: Sequence[_Cell | None]) -> Kind:
    """Of a column: what most cells are that say something."""
    found = Counter(c.kind for c in column if c is not None and not (c.kind is Kind.TEXT and _says_nothing(c)))
    if not found:
        return Kind.TEXT
    moments = found[Kind.DATETIME] + found[Kind.DATE]
    if found[Kind.FLOAT] > 0 and found[Kind.FLOAT] >= max(found[Kind.TEXT], moments, found[Kind.TIME]):
        numbers = [c.value for c in column if c is not None and c.kind is Kind.FLOAT]
        whole = all(value == int(value) and abs(value) < 2**53 for value in numbers)
        return Kind.INTEGER if whole else Kind.FLOAT
    if moments > 0 and moments >= max(found[Kind.TEXT], found[Kind.TIME]):
        return Kind.DATETIME if found[Kind.DATETIME] else Kind.DATE
    return Kind.TIME if found[Kind.TIME] > found[Kind.TEXT] else Kind.TEXT


def _fits(cell: _Cell, kind: Kind) -> bool:
    """Whether a cell holds a value of a column's kind."""
    if kind is Kind.TEXT:
        return True
    if kind is Kind.INTEGER:
        return cell.kind is Kind.FLOAT
    return cell.kind is kind or (kind is Kind.DATETIME and cell.kind is Kind.DATE)


def _series(name: str, kind: Kind, column: Sequence[_Cell | None]) -> pl.Series:
    if kind is Kind.TEXT:
        return pl.Series(name, [None if c is None else c.text for c in column], pl.String)
    values = [None if c is None or not _fits(c, kind) else c.value for c in column]
    if kind is Kind.FLOAT:
        return pl.Series(name, values, pl.Float64)
    whole = pl.Series(name, [None if v is None else int(v) for v in values], pl.Int64)
    if kind is Kind.INTEGER:
        return whole
    return whole.cast(pl.Time) if kind is Kind.TIME else whole.cast(pl.Datetime("ns")).cast(kind.dtype)


def _times(data: pl.DataFrame) -> pl.Series | None:
    """The first column of moments, else of days, with the time of day beside it where there is one."""

    def first(dtype: pl.DataType) -> pl.Series | None:
        return next((column for column in data.get_columns() if column.dtype == dtype), None)

    moments, days, clocks = first(pl.Datetime("ns")), first(pl.Date()), first(pl.Time())
    if moments is not None:
        return moments.to_physical()
    if days is None:
        return None
    midnights = days.cast(pl.Datetime("ns")).to_physical()
    return midnights if clocks is None else midnights + clocks.to_physical()
