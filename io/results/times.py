"""The `id` of a row: its time as text that every spreadsheet leaves alone, and times that one rounded.

A spreadsheet knows 15 digits of a number and shows fewer: of `timestamp_ns` it saves ``1.66350E+18``, hours wrong. The
column `id` says the same as text, ``t2022-09-18T12:25:39.123456789``, whose letter in front keeps it from being taken
for a date. By it the times are restored; other counts of ns in such a row are unknown from then on.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import polars as pl

from .cells import LARGE

__all__ = ["ID", "TIME", "Restored", "moments_of", "restored", "span_of", "time_ids"]

ID, TIME = "id", "timestamp_ns"
TIMES = (TIME, "timestamp")
SHAPE = r"^t(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9})$"
FORMAT = "%Y-%m-%dT%H:%M:%S%.9f"
KNOWN_DIGITS = 15
"""Of a whole number in a spreadsheet."""


class Restored(NamedTuple):
    """A table of cells whose times are right again.

    Parameters
    ----------
    cells : polars.DataFrame
    by_id : int
        Rows whose time was restored.
    emptied : polars.DataFrame
        For columns of other times, in which rows they were rounded, and are unknown now; Boolean.
    """

    cells: pl.DataFrame
    by_id: int
    emptied: pl.DataFrame


def time_ids(times_ns: pl.Expr) -> pl.Expr:
    """The ids of some times (Int64, ns since 1970); null where there is none.

    Examples
    --------
    >>> pl.DataFrame({"t": [1663503939123456789]}).select(time_ids(pl.col("t"))).item()
    't2022-09-18T12:25:39.123456789'
    """
    return pl.concat_str(pl.lit("t"), times_ns.cast(pl.Datetime("ns")).dt.strftime(FORMAT))


def moments_of(ids: pl.Series) -> pl.Series:
    """The times (Int64, ns since 1970) that ids say; null for other text.

    Examples
    --------
    >>> moments_of(pl.Series(["t1970-01-01T00:00:01.000000005", "a"])).to_list()
    [1000000005, None]
    """
    return ids.str.extract(SHAPE).str.to_datetime(FORMAT, time_unit="ns", strict=False).cast(pl.Int64)


def restored(cells: pl.DataFrame) -> Restored:
    """Put the times of the ids in the place of those that differ.

    Examples
    --------
    >>> cells = pl.DataFrame({"id": ["t2022-09-18T12:25:39.123456789"], "timestamp_ns": ["1.6635E+18"]})
    >>> restored(cells).cells["timestamp_ns"].item()
    '1663503939123456789'
    """
    if ID not in cells.columns:
        return Restored(cells, 0, pl.DataFrame())
    cells = cells if TIME in cells.columns else cells.with_columns(pl.lit(None, pl.String).alias(TIME))
    told = moments_of(cells[ID]).cast(pl.String)
    wrong = (told.is_not_null() & cells[TIME].ne_missing(told)).alias("wrong")
    if not wrong.any():
        return Restored(cells, 0, pl.DataFrame())
    right = cells.with_columns(pl.coalesce(told, name).alias(name) for name in TIMES if name in cells.columns)
    others = [name for name in cells.columns if name.endswith("_ns") and name != TIME]
    number = pl.col(others).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    rounded = (number.abs() >= LARGE) & pl.lit(wrong)
    lost = right.select(rounded.fill_null(value=False)) if others else pl.DataFrame()
    lost = lost.select(name for name in others if lost[name].any())
    right = right.with_columns(pl.when(~lost[name]).then(pl.col(name)).alias(name) for name in lost.columns)
    return Restored(right, int(wrong.sum()), lost)


def span_of(cell: str, decimal: str = ".") -> tuple[float, float] | None:
    """Between which numbers lie those that a spreadsheet writes like this; None for no number.

    Examples
    --------
    >>> span_of("1.6635E+18")
    (1.66345e+18, 1.66355e+18)
    >>> span_of("12")
    (12.0, 12.0)
    """
    try:
        number = Decimal(cell.replace(decimal, "."))
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return None
    if exponent == 0 and len(digits) <= KNOWN_DIGITS and cell.lstrip("+-").isdigit():
        return float(number), float(number)
    half = Decimal(5).scaleb(max(exponent, len(digits) + exponent - KNOWN_DIGITS) - 1)
    return float(number - half), float(number + half)
