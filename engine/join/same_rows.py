"""Compare two versions of a table, to find the first row in which they differ.

Memory of a polars frame is never changed, so that two columns in the same memory are equal. This needs no comparison of
values for a recorder without new rows, a fixed table, or a table to which rows were appended. All other columns are
compared value by value: those of a table that was read or sorted again, and always text.
"""

from __future__ import annotations

import polars as pl

__all__ = ["PLAIN", "same_first_rows"]

PLAIN = frozenset(
    {pl.Boolean, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64}
    | {pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}
)
"""Types whose memory polars shares with arrow, without a copy."""


def same_first_rows(before: pl.DataFrame, now: pl.DataFrame) -> int:
    """Number of first rows that are equal in both tables; 0 when their columns or types differ."""
    if before.schema != now.schema:
        return 0
    rows = min(before.height, now.height)
    pairs = zip(before.head(rows).get_columns(), now.head(rows).get_columns(), strict=True)
    differs = [pl.Series(a.ne_missing(b)) for a, b in pairs if not _share_memory(a, b)]
    firsts = [int(d.arg_max() or 0) for d in differs if d.any()]
    return min(firsts, default=rows)


def _share_memory(a: pl.Series, b: pl.Series) -> bool:
    """Whether two columns of the same type and length have the same memory."""
    if a.dtype.base_type() not in PLAIN | {pl.Date, pl.Datetime, pl.Duration, pl.Time} or a.n_chunks() != b.n_chunks():
        return False
    return all(_places(x) == _places(y) for x, y in zip(a.get_chunks(), b.get_chunks(), strict=True))


def _places(chunk: pl.Series) -> tuple[int, ...]:
    """Length, offset, and addresses in memory of the values and the mask of nulls."""
    array = chunk.to_arrow()
    return len(array), array.offset, *(buffer.address if buffer else 0 for buffer in array.buffers())
