"""The quantities of a source in a join, of the columns that it has and as the user wants them.

What each kind of source gives stands on its recorder or analysis (`recorders.quantity`); here a source is asked for it,
named, and its quantities are chosen by the columns that its table has and by `how`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast, get_args

import polars as pl

from ...io.errors import InputError
from ..options.sentences import OptionError, did_you_mean
from ..recorders.quantity import How, Quantity, SourceKind

__all__ = ["AGGREGATES", "kind_of", "name_of", "quantities_of"]

AGGREGATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "first": pl.Expr.first,
    "min": pl.Expr.min,
    "max": pl.Expr.max,
    "median": pl.Expr.median,
    "sum": pl.Expr.sum,
}
"""What `how` names, of the readings of an interval; the last value and the numbers of rows are found otherwise."""

BRACKETED_UNIT = re.compile(r"\(([^()\d]+)\)$")
TIMES = ("timestamp", "datetime", "timestamp_ns")


def kind_of(source: object, name: str = "a source") -> SourceKind:
    """How a recorder or an analysis becomes columns: as it says itself.

    Raises
    ------
    InputError
        When it is nothing that can be joined.
    """
    if hasattr(source, "source_kind"):
        kind: SourceKind = source.source_kind(name)
        return kind
    if hasattr(source, "get_table"):  # of another package, which knows nothing of joins
        return SourceKind(type(source).__name__.removesuffix("Recorder").lower(), others=True)
    raise InputError(f"{name} is {source!r}: join takes recorders, such as SSDRecorder('file.csv'), and analyses")


def name_of(kind: SourceKind, taken: Mapping[str, object]) -> str:
    """The name of a source in the join: its kind's, with a number when there are several."""
    number = 1
    while (name := kind.prefix if number == 1 else f"{kind.prefix}_{number}") in taken:
        number += 1
    return name


def quantities_of(
    kind: SourceKind, name: str, schema: pl.Schema, metadata: frozenset[str], how: Mapping[str, str]
) -> tuple[Quantity, ...]:
    """The quantities of a source, of the columns that it has and as the user wants them.

    Parameters
    ----------
    kind : SourceKind
    name : str
        The source's, before the dot of the keys of `how`.
    schema : polars.Schema
        Of its table; empty while there is none.
    metadata : frozenset of str
        Columns of the table that repeat the header.
    how : mapping of str
        For ``source``, ``source.quantity`` or ``source.column``: what is made of the readings.

    Raises
    ------
    InputError
        When `how` names a column that the source does not have, or nothing that can be done with it.
    """
    quantities = list(kind.quantities)
    if kind.others:
        known = {q.column for q in quantities} | metadata | {*kind.omit, *TIMES}
        for column, dtype in schema.items():
            if column not in known:
                numeric = dtype.is_numeric() or dtype == pl.Null
                bracketed = BRACKETED_UNIT.search(column)
                unit = kind.others_unit if column.startswith(kind.others_unit_of) else ""
                unit = bracketed[1] if bracketed else unit
                quantities.append(Quantity(column, column, "mean" if numeric else "last", unit))
    for key, wanted in how.items():
        source, _, column = key.partition(".")
        if source != name:
            continue
        chosen = _checked_how(key, wanted)
        named = [i for i, q in enumerate(quantities) if (q.name == column or not column) and q.column]
        if named:
            for i in named:
                quantities[i] = replace(quantities[i], how=chosen)
        elif column in schema:
            quantities.append(Quantity(column, column, chosen))
        elif schema and column not in {q.name for q in quantities}:
            names = dict.fromkeys([*schema, *(q.name for q in quantities)])
            there = f"it has {', '.join(names)}{did_you_mean(column, names)}"
            raise OptionError(f"how: {name} has no column {column!r}; {there}", "how")
        elif schema:
            raise OptionError(f"how: {key} is counted in rows and cannot be taken as {wanted!r}", "how")
    for quantity in quantities:
        found = schema.get(quantity.column)
        if quantity.how in {"mean", "median", "sum"} and found is not None and not _can_be_added(found):
            raise OptionError(f"how: {name}.{quantity.name} is {found}, of which there is no {quantity.how}", "how")
    return tuple(quantities)


def _can_be_added(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in {pl.Boolean, pl.Null}


def _checked_how(key: str, wanted: str) -> How:
    choices = [how for how in get_args(How) if how != "rate"]
    if wanted not in choices:
        raise OptionError(f"how: {key} should be one of {', '.join(choices)}, not {wanted!r}", "how")
    return cast(How, wanted)
