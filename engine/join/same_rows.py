"""How far two looks at a table agree, at the cost of what may differ.

Frames of polars are never written again, so that two of them are the same where they lie in the same memory: a recorder
that read nothing new, a fixed table, and one that only grew answer at once. Everything else is compared value by value,
text always: a table that was read or sorted anew, and one of which a cell in the middle is another.
"""

from __future__ import annotations

import polars as pl

__all__ = ["PLAIN", "same_first_rows"]

PLAIN = frozenset(
    {pl.Boolean, pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64}
    | {pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}
)
"""Types of which polars and arrow share the memory."""


def same_first_rows(before: pl.DataFrame, now: pl.DataFrame) -> int:
    """How many first rows are the same in both tables: none, if their columns or types are others."""
    if before.schema != now.schema:
        return 0
    rows = min(before.height, now.height)
    pairs = zip(before.head(rows).get_columns(), now.head(rows).get_columns(), strict=True)
    differs = [pl.Series(a.ne_missing(b)) for a, b in pairs if not _share_memory(a, b)]
    firsts = [int(d.arg_max() or 0) for d in differs if d.any()]
    return min(firsts, default=rows)


def _share_memory(a: pl.Series, b: pl.Series) -> bool:
    """Whether both columns, of one type and length, are one piece of memory."""
    if a.dtype.base_type() not in PLAIN | {pl.Date, pl.Datetime, pl.Duration, pl.Time} or a.n_chunks() != b.n_chunks():
        return False
    return all(_places(x) == _places(y) for x, y in zip(a.get_chunks(), b.get_chunks(), strict=True))


def _places(chunk: pl.Series) -> tuple[int, ...]:
    """Where the values and the mask of nulls stand."""
    array = chunk.to_arrow()
    return len(array), array.offset, *(buffer.address if buffer else 0 for buffer in array.buffers())
