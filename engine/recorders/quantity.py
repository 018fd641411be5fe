"""How a source is joined with others on one time axis: data that stand on each recorder and analysis.

A `Quantity` says which column of a recorder's table becomes which column of the join, and how its readings become one
value of a row: the last one (states), their mean and its error (currents, pressures), or how many there were and at
what rate (pulses). A `SourceKind` lists the quantities of a recorder's class and how old a last value may be. A source
that nobody described is taken by its types: numbers as mean and error, everything else as last value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

__all__ = ["How", "Quantity", "SeenEvents", "SourceKind"]

How = Literal["last", "mean", "count", "rate", "first", "min", "max", "median", "sum"]


@dataclass(frozen=True)
class Quantity:
    """One column of the join.

    Parameters
    ----------
    column : str
        Name of the column in the recorder's table; empty for the number of rows.
    name : str
        Its name in the join, after the source's name and a dot.
    how : {"last", "mean", "count", "rate", "first", "min", "max", "median", "sum"}
        What the readings of a row's interval become: the last reading until the row (``"last"``); their mean and its
        standard error; their number, or number a second; or their first, smallest, largest, median or sum.
    unit : str
        Unit of the values, for figures and the metadata of files.
    is_on : bool
        Whether the column is a state, of which ``ON`` or 1 become true.

    Examples
    --------
    >>> Quantity("CoilOperation", "on", "last", is_on=True)
    Quantity(column='CoilOperation', name='on', how='last', unit='', is_on=True)
    """

    column: str
    name: str
    how: How
    unit: str = ""
    is_on: bool = False

    def values(self, schema: pl.Schema) -> pl.Expr:
        """The readings: states as booleans, numbers without NaN."""
        values = pl.col(self.column)
        dtype = schema[self.column]
        if self.is_on and dtype == pl.String:
            return values == "ON"
        if self.is_on:
            return values == 1
        return values.fill_nan(None) if dtype.is_float() else values


@dataclass(frozen=True)
class SeenEvents:
    """Events that a source sees, by which its clock can be compared with another's.

    Parameters
    ----------
    sort : "switches", "rises", "rows" or "bursts"
        Changes of a state, steps up of a value, each row, or bursts of pulses.
    column : str
        Of the table: the state, or the value.
    on : text or number
        What the state is when it is on.
    whole_seconds : bool
        Whether the times are those of a log that names the second of an event; else an event lies between two readings.

    Examples
    --------
    >>> SeenEvents("switches", "CoilOperation", "ON", whole_seconds=True).sort
    'switches'
    """

    sort: Literal["switches", "rises", "rows", "bursts"]
    column: str = ""
    on: str | int = 1
    whole_seconds: bool = False


@dataclass(frozen=True)
class SourceKind:
    """A kind of source.

    Parameters
    ----------
    prefix : str
        Name of the source in the join, unless the user gives it another.
    quantities : tuple of Quantity
        The columns that it gives to the join.
    tolerance_s : float
        How much older than its row a last value may be, unless the user says otherwise.
    others : bool
        Whether columns that are not among the quantities are joined too, by their types.
    others_unit : str
        The unit of those columns.
    others_unit_of : str
        How the names of those begin that have this unit; the rest have none.
    omit : tuple of str
        Columns that are not joined with the others: the time once more, gauges that are not connected.
    appends : bool
        True for a log to which rows are only ever added: rows that were joined need no second look, as long as
        `is_sorted` of the recorder is true. False where earlier rows change, as in a table of results.
    has_bursts : bool
        Whether its rows are pulses, among which bursts are searched for.
    events : SeenEvents, optional
        What other sources see as well: the clocks of both are compared by it.

    Examples
    --------
    >>> from utokyo import CoilRecorder
    >>> CoilRecorder.join_as.prefix, CoilRecorder.join_as.tolerance_s
    ('coil', 43200.0)
    """

    prefix: str
    quantities: tuple[Quantity, ...] = ()
    tolerance_s: float = 10.0
    others: bool = False
    others_unit: str = ""
    others_unit_of: str = ""
    omit: tuple[str, ...] = ()
    appends: bool = False
    has_bursts: bool = False
    events: SeenEvents | None = None
