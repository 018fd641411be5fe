"""Cells of text and the values that they mean, there and back.

Text that begins like a formula gets an apostrophe, so that no spreadsheet runs what stands in the name of a file; it is
taken off when the cell is read. Numbers are never text, and stay as they are.
"""

from __future__ import annotations

import polars as pl

from .dialect import Dialect

__all__ = ["as_cells", "escaped", "meant", "typed", "unescaped", "value_of"]

FORMULA = "=+\\-@\t\r\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with; some spreadsheets take the wide letters for the same."""
LARGE = 1e15
"""From here on a spreadsheet does not know all digits of a whole number."""


def escaped(text: pl.Expr) -> pl.Expr:
    """Text as a cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> frame = pl.DataFrame({"name": ["=1+1", "-a.csv", "'-a", "a"]})
    >>> frame.select(escaped(pl.col("name")))["name"].to_list()
    ["'=1+1", "'-a.csv", "''-a", 'a']
    """
    harmless = ~text.str.contains(f"^'*[{FORMULA}]")
    return pl.when(harmless).then(text).otherwise(pl.concat_str(pl.lit("'"), text))


def unescaped(text: pl.Expr) -> pl.Expr:
    """The text that a cell was made of.

    Examples
    --------
    >>> frame = pl.DataFrame({"name": ["'=1+1", "''-a", "'a"]})
    >>> frame.select(unescaped(pl.col("name")))["name"].to_list()
    ['=1+1', "'-a", "'a"]
    """
    return pl.when(text.str.contains(f"^'+[{FORMULA}]")).then(text.str.slice(1)).otherwise(text)


def as_cells(rows: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """Rows as cells of text, as a table of some dialect holds them; an empty text is no text.

    Examples
    --------
    >>> as_cells(pl.DataFrame({"name": ["=x"], "rate": [2.5]}), Dialect(delimiter=";", decimal=",")).rows()
    [("'=x", '2,5')]
    """
    if not rows.width:
        return rows
    texts = [pl.col(name) for name, dtype in rows.schema.items() if dtype == pl.String]
    made = rows.with_columns(pl.when(text != "").then(escaped(text)).alias(text.meta.output_name()) for text in texts)
    # Numbers and times are written as polars writes them: every double as it was.
    cells = pl.read_csv(made.write_csv().encode(), infer_schema=False, new_columns=rows.columns)
    if dialect.decimal != ".":
        decimals = [name for name, dtype in rows.schema.items() if dtype.is_float()]
        cells = cells.with_columns(pl.col(decimals).str.replace(".", dialect.decimal, literal=True))
    return cells


def typed(cells: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
    """A table of cells with the types that its columns show: truth, whole numbers, decimals, else text.

    Whole numbers that a spreadsheet rounded are unknown: a time must not be hours off without a word.

    Examples
    --------
    >>> cells = pl.DataFrame({"n": ["1", None], "x": ["1,5", "2"], "valid": ["TRUE", "false"]})
    >>> typed(cells, Dialect(decimal=",")).rows()
    [(1, 1.5, True), (None, 2.0, False)]
    """
    return pl.DataFrame([_typed(column, dialect.decimal) for column in cells])


def meant(table: pl.DataFrame) -> pl.DataFrame:
    """A table with its columns of text as what they mean: truth, or text without the apostrophe before a formula.

    Examples
    --------
    >>> meant(pl.DataFrame({"valid": ["TRUE", "false"], "name": ["'=1", "a"], "n": [1, 2]})).rows()
    [(True, '=1', 1), (False, 'a', 2)]
    """
    texts = [column for column in table if column.dtype == pl.String]
    return table.with_columns(_values(column, pl.Boolean() if _is_truth(column) else pl.String()) for column in texts)


def value_of(column: str, dtype: pl.DataType, decimal: str) -> pl.Expr:
    """A column of cells as values of a type; null where a cell is none.

    Examples
    --------
    >>> cells = pl.DataFrame({"t": ["12", "1.66E+18"]})
    >>> cells.select(value_of("t", pl.Int64(), "."))["t"].to_list()
    [12, None]
    """
    cell = pl.col(column)
    if dtype == pl.String:
        return unescaped(cell)
    if dtype == pl.Boolean:
        return cell.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
    if dtype.is_float() and decimal != ".":
        cell = cell.str.replace(decimal, ".", literal=True)
    return cell.cast(dtype, strict=False)


def _typed(column: pl.Series, decimal: str) -> pl.Series:
    if column.null_count() == column.len():
        return column
    if _is_truth(column):
        return _values(column, pl.Boolean())
    decimals, whole = (_values(column, dtype, decimal) for dtype in (pl.Float64(), pl.Int64()))
    if decimals.null_count() > column.null_count():
        return _values(column, pl.String())
    # Beside whole numbers as large, one with an exponent was whole, too.
    rounded = whole.is_null() & column.is_not_null() & (decimals.abs() >= LARGE) & decimals.is_finite()
    if whole.null_count() == column.null_count() + int(rounded.sum()) and _counts_time(column.name):
        return whole
    return whole if whole.null_count() == column.null_count() else decimals


def _values(column: pl.Series, dtype: pl.DataType, decimal: str = ".") -> pl.Series:
    return column.to_frame().select(value_of(column.name, dtype, decimal).alias(column.name)).to_series()


def _is_truth(column: pl.Series) -> bool:
    known = column.drop_nulls()
    return known.len() > 0 and bool(known.str.to_lowercase().is_in(["true", "false"]).all())


def _counts_time(name: str) -> bool:
    return name == "timestamp" or name.endswith("_ns")
