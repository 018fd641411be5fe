"""New rows in the place of old ones, with what people wrote beside these.

A person adds columns and rows in a spreadsheet. Rows that no new row replaces stay as they are; what stands in columns
of others beside a row that is replaced goes on to the new row of the same event, also where its time moved a little.
Where the event is gone, its entries stay in a row that says nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from .times import ID, TIME, span_of

__all__ = ["Merged", "guess_times", "merged"]

MOVED_NS = 2_000_000_000
"""An event whose time moves by less is the same event: the apex of a burst, once its fit knows more."""


class Merged(NamedTuple):
    """A table with new rows in it.

    Parameters
    ----------
    table : polars.DataFrame
        Sorted by time, rows without a time last.
    replaced : polars.Series
        Which of the old rows were replaced.
    lonely : int
        Of them, those with entries in columns of others whose event is gone.
    """

    table: pl.DataFrame
    replaced: pl.Series
    lonely: int


def merged(old: pl.DataFrame, keys: pl.DataFrame, new: pl.DataFrame, values: pl.DataFrame, where: pl.Expr) -> Merged:
    """Put new rows in the place of those old ones for which `where` holds.

    Parameters
    ----------
    old, new : polars.DataFrame
        As the file has them: cells of text, or values.
    keys, values : polars.DataFrame
        What they mean: of the old ones, the columns that `where` asks, and the time; of the new ones, all.
    where : polars expression

    Examples
    --------
    >>> old = pl.DataFrame({"source": ["a", "b"], "timestamp_ns": [5, 3], "note": ["good", "bad"]})
    >>> new = pl.DataFrame({"source": ["a"], "timestamp_ns": [7]})
    >>> merged(old, old, new, new, pl.col("source") == "a").table.rows()
    [('b', 3, 'bad'), ('a', 7, 'good')]
    """
    if not old.height:
        return Merged(_sorted(_together([old, new]), values), pl.Series([], dtype=pl.Boolean), 0)
    replaced = keys.select(where.fill_null(value=False).alias("replaced")).to_series()
    replaced = replaced if replaced.len() == old.height else pl.repeat(replaced.item(), old.height, eager=True)
    others = [name for name in old.columns if name not in new.columns]
    noted = replaced & _any_known(old, others)
    pairs = _same_events(keys, values, noted, where)
    lonely = noted & ~pl.Series(range(old.height)).is_in(list(pairs.values()))
    if pairs:
        places = [pairs.get(row) for row in range(new.height)]
        new = new.with_columns(
            pl.Series(name, [None if i is None else column[i] for i in places], old.schema[name])
            for name in others
            for column in [old[name]]
        )
    kept = [*others, ID, *_asked(where), TIME, "timestamp"]
    alone = old.filter(lonely).with_columns(pl.lit(None, old.schema[n]).alias(n) for n in old.columns if n not in kept)
    table = _together([old.filter(~replaced), alone, new])
    times = _together([k.select(TIME) for k in (keys.filter(~replaced), keys.filter(lonely), values) if TIME in k])
    return Merged(_sorted(table, times), replaced, int(lonely.sum()))


def guess_times(
    cells: pl.DataFrame, keys: pl.DataFrame, values: pl.DataFrame, where: pl.Expr, decimal: str
) -> tuple[pl.DataFrame, int]:
    """Find out which of the new rows those are that have no id, and whose time was rounded.

    Such a row is one whose time rounds to what is there, and of these the one that agrees in most other numbers.

    Returns
    -------
    (polars.DataFrame, int)
        The keys with these times, and how many rows have no time that can be known.
    """
    texts = [name for name in _asked(where) if name != TIME and name in values.columns]
    has_id = cells[ID].is_not_null() if ID in cells.columns else pl.repeat(False, cells.height, eager=True)
    times = keys[TIME].to_list()
    new = values.to_dicts()
    taken: set[int] = set()
    unknown = 0
    for row, (cell, known) in enumerate(zip(cells[TIME], has_id, strict=True)):
        span = None if known or cell is None else span_of(cell, decimal)
        if span is None or span[0] == span[1]:
            continue
        rest = [keys[name][row] for name in texts]
        candidates = [
            i
            for i, each in enumerate(new)
            if i not in taken and [each[n] for n in texts] == rest and each[TIME] is not None
            if span[0] <= each[TIME] <= span[1]
        ]
        if candidates:
            there = cells.row(row, named=True)
            best = max(candidates, key=lambda i: _agreement(there, new[i], decimal))
            taken.add(best)
            times[row] = new[best][TIME]
        elif times[row] is None:
            unknown += 1
    return keys.with_columns(pl.Series(TIME, times, pl.Int64)), unknown


def _agreement(cells: dict[str, str | None], values: dict[str, Any], decimal: str) -> int:
    """How many numbers of a row are those of the cells, as a spreadsheet rounds them."""
    spans = (
        (span_of(cell, decimal), values[name])
        for name, cell in cells.items()
        if cell is not None and isinstance(values.get(name), int | float)
    )
    return sum(span is not None and span[0] <= value <= span[1] for span, value in spans)


def _same_events(keys: pl.DataFrame, values: pl.DataFrame, noted: pl.Series, where: pl.Expr) -> dict[int, int]:
    """For new rows, the old ones with entries that are of the same event."""
    rows = noted.arg_true().to_list()
    if not rows or not values.height:
        return {}
    names = [name for name in dict.fromkeys([*_asked(where), TIME]) if name in values.columns and name in keys.columns]
    rest = [name for name in names if name != TIME]
    new = values.select(names).to_dicts()
    old = {row: keys.select(names).row(row, named=True) for row in rows}
    pairs: dict[int, int] = {}
    for row, key in old.items():
        exact = next((i for i, each in enumerate(new) if i not in pairs and each == key), None)
        if exact is not None:
            pairs[exact] = row
    for row, key in old.items():
        if row in pairs.values():
            continue
        alike = [i for i, each in enumerate(new) if i not in pairs and all(each[n] == key[n] for n in rest)]
        distances = {i: _distance_ns(new[i].get(TIME), key.get(TIME)) for i in alike}
        near = [i for i, distance in distances.items() if distance <= MOVED_NS]
        if near:
            pairs[min(near, key=distances.__getitem__)] = row
        elif len(rest) > 1 and len(alike) == 1:  # a file has its name, whatever is said of its time
            pairs[alike[0]] = row
    return pairs


def _distance_ns(one: int | None, other: int | None) -> float:
    return float("inf") if one is None or other is None else abs(one - other)


def _asked(where: pl.Expr) -> list[str]:
    return list(dict.fromkeys(where.meta.root_names()))


def _any_known(table: pl.DataFrame, names: list[str]) -> pl.Series:
    if not names:
        return pl.repeat(False, table.height, eager=True)
    return table.select(pl.any_horizontal(pl.col(names).is_not_null())).to_series()


def _together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    there = [frame for frame in frames if frame.width]
    return pl.concat(there, how="diagonal_relaxed") if there else pl.DataFrame()


def _sorted(table: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
    if TIME not in times.columns or times.height != table.height:
        return table
    return table[times[TIME].arg_sort(nulls_last=True)] if table.height else table
