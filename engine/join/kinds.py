"""What each kind of source gives to the common time axis: a table, not branches.

A `Quantity` says which column of a recorder's table becomes which column of the join, and how its readings become one
value of a row: the last one (states), their mean and its error (currents, pressures), or how many there were and at
what rate (pulses). A `SourceKind` lists the quantities of a recorder's class and how old a last value may be. A source
that nobody described is taken by its types: numbers as mean and error, everything else as last value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast, get_args

import polars as pl

from ...io.errors import InputError
from ..analyses.base import Analysis
from ..analyses.image import ImageAnalysis
from ..analyses.ssd import SSDAnalysis
from ..recorders.base import Parser, Recorder
from ..recorders.coil import CoilRecorder
from ..recorders.file import FileRecorder, FrameParser
from ..recorders.gauge import GaugeRecorder
from ..recorders.heater import HeaterRecorder
from ..recorders.heattime import HeatTimeRecorder
from ..recorders.image import ImageRecorder
from ..recorders.ion import IonRecorder
from ..recorders.laser import LaserRecorder
from ..recorders.pmt import COIL, CURRENT, PMTRecorder
from ..recorders.results import ImageResultsRecorder, SSDResultsRecorder
from ..recorders.ssd import SSDRecorder
from ..recorders.static import StaticRecorder

__all__ = ["AGGREGATES", "KINDS", "How", "Quantity", "SourceKind", "error_name", "kind_of", "name_of", "quantities_of"]

How = Literal["last", "mean", "count", "rate", "first", "min", "max", "median", "sum"]

AGGREGATES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "first": pl.Expr.first,
    "min": pl.Expr.min,
    "max": pl.Expr.max,
    "median": pl.Expr.median,
    "sum": pl.Expr.sum,
}
"""What `how` names, of the readings of an interval; the last value and the numbers of rows are found otherwise."""

ERROR_UNITS = re.compile(r"(_(?:A|Hz|nm|s|W))$")
BRACKETED_UNIT = re.compile(r"\(([^()\d]+)\)$")
TIMES = ("timestamp", "datetime", "timestamp_ns")


@dataclass(frozen=True)
class Quantity:
    """One column of the join.

    Parameters
    ----------
    column : str
        Of the recorder's table; empty for what is counted in rows.
    name : str
        In the join, behind the source's name.
    how : str
        What is made of the readings of a row's interval.
    unit : str
        For the metadata of files.
    is_on : bool
        The column is a state: ``ON`` or 1 become true.
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
class SourceKind:
    """A kind of source.

    Parameters
    ----------
    prefix : str
        Name of the source in the join, unless the user gives it another.
    quantities : tuple of Quantity
    tolerance_s : float
        How much older than its row a last value may be, unless the user says otherwise.
    others : bool
        Whether columns that are not among the quantities are taken too, by their types.
    others_unit : str
        Their unit.
    left_out : tuple of str
        Columns that say nothing here.
    appends : bool
        Whether the table only grows at its end while its recorder says that it is sorted.
    table : str
        The method that gives the table.
    has_bursts : bool
        Its rows are pulses, among which bursts are looked for.
    """

    prefix: str
    quantities: tuple[Quantity, ...] = ()
    tolerance_s: float = 10.0
    others: bool = False
    others_unit: str = ""
    left_out: tuple[str, ...] = ()
    appends: bool = False
    table: str = "get_table"
    has_bursts: bool = False


PULSES = (Quantity("", "pulses", "count"), Quantity("", "rate_Hz", "rate", "Hz"))
BURSTS = (
    Quantity("", "count", "count"),
    Quantity("pulses_peak", "pulses_peak", "last"),
    Quantity("half_life_time", "half_life_time", "last", "ns"),
)
ATOMS = (
    Quantity("mot_number", "mot_number", "last", "atoms"),
    Quantity("mot_number_unc", "mot_number_unc", "last", "atoms"),
    Quantity("A", "A", "last", "counts"),
    Quantity("A_unc", "A_unc", "last", "counts"),
    Quantity("detected", "detected", "last"),
    Quantity("fit_successful", "fit_successful", "last"),
)
PMT = (
    Quantity(CURRENT, "current_A", "mean", "A"),
    Quantity("ROI Sum", "roi_sum", "mean", "counts"),
    Quantity(COIL, "coil_on", "last", is_on=True),
)
HEATER = (
    Quantity("TargetPercentage", "target_percent", "last", "%"),
    Quantity("MeasuredPercentage", "measured_percent", "last", "%"),
)
HEATING = (
    Quantity("", "count", "count"),
    Quantity("VoltageDurationPower", "what", "last"),
    Quantity("Coil", "coil_on", "last", is_on=True),
)
ION = (
    Quantity("FC", "FC", "mean", "nA"),
    Quantity("Center", "Center", "last", "V"),
    Quantity("Surrounding", "Surrounding", "last", "V"),
)
FILES = (Quantity("", "count", "count"), Quantity("filename", "filename", "last"))

# A coil's log has a line a switch: a state holds until the next one, but not into the next day.
A_SHIFT_S = 12 * 3600.0

KINDS: tuple[tuple[type, SourceKind], ...] = (
    (SSDRecorder, SourceKind("ssd", PULSES, appends=True, has_bursts=True)),
    (PMTRecorder, SourceKind("pmt", PMT, tolerance_s=5.0, appends=True)),
    (CoilRecorder, SourceKind("coil", (Quantity("CoilOperation", "on", "last", is_on=True),), A_SHIFT_S, appends=True)),
    (HeaterRecorder, SourceKind("heater", HEATER, appends=True)),
    (HeatTimeRecorder, SourceKind("heating", HEATING, 60.0, appends=True)),
    (GaugeRecorder, SourceKind("gauge", others=True, left_out=("Timestamp", "NC1", "NC2", "NC3"), appends=True)),
    (IonRecorder, SourceKind("ion", ION, others=True, left_out=("Timestamp",), appends=True)),
    (LaserRecorder, SourceKind("laser", others=True, others_unit="nm", table="get_sweeps")),
    (ImageAnalysis, SourceKind("image", ATOMS, 15.0)),
    (ImageResultsRecorder, SourceKind("image", ATOMS, 15.0)),
    (SSDAnalysis, SourceKind("bursts", BURSTS, 0.0)),
    (SSDResultsRecorder, SourceKind("bursts", BURSTS, 0.0)),
    (FileRecorder, SourceKind("files", FILES, 15.0)),
    (StaticRecorder, SourceKind("static", others=True)),
)


def kind_of(source: object, name: str = "a source") -> SourceKind:
    """How a recorder or an analysis becomes columns.

    Raises
    ------
    InputError
        When it is nothing that can be joined.
    """
    if isinstance(source, Parser | FrameParser):
        raise InputError(f"{name} is a parser, which hands out every chunk once; join its recorder instead")
    if isinstance(source, ImageRecorder):
        raise InputError(f"{name} is a single image; join an ImageAnalysis of its folder, or the table that it wrote")
    for known, kind in KINDS:
        # A fixed table is what its name says: of pulses when it is called ssd.
        if isinstance(source, known) or (isinstance(source, StaticRecorder) and kind.prefix == name):
            return replace(kind, table="get_table", appends=False) if isinstance(source, StaticRecorder) else kind
    if isinstance(source, Analysis):
        return SourceKind(source.short_name, others=True)
    if isinstance(source, Recorder):
        own = type(source).__name__.removesuffix("Recorder").lower()
        path = Path(source.filepath).stem.strip("-_. ")
        plain = source.make_layout() is not None and not source.always_update
        return SourceKind(own or path or "table", others=True, appends=plain)
    if hasattr(source, "get_table"):
        return SourceKind(type(source).__name__.removesuffix("Recorder").lower(), others=True)
    raise InputError(f"{name} is {source!r}: join takes recorders, such as SSDRecorder('file.csv'), and analyses")


def name_of(kind: SourceKind, taken: Mapping[str, object]) -> str:
    """The name of a source in the join: its kind's, with a number when there are several."""
    number = 1
    while (name := kind.prefix if number == 1 else f"{kind.prefix}_{number}") in taken:
        number += 1
    return name


def error_name(name: str) -> str:
    """How the error of a mean or a rate is called: ``current_error_A``, ``Rb disp._error``."""
    told, found = ERROR_UNITS.subn(r"_error\1", name)
    return told if found else f"{name}_error"


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
        known = {q.column for q in quantities} | metadata | {*kind.left_out, *TIMES}
        for column, dtype in schema.items():
            if column not in known:
                numeric = dtype.is_numeric() or dtype == pl.Null
                bracketed = BRACKETED_UNIT.search(column)
                unit = bracketed[1] if bracketed else kind.others_unit
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
            raise InputError(f"how: {name} has no column {column!r}; it has {', '.join(schema)}")
        elif schema:
            raise InputError(f"how: {key} is counted in rows and cannot be taken as {wanted!r}")
    for quantity in quantities:
        found = schema.get(quantity.column)
        if quantity.how in {"mean", "median", "sum"} and found is not None and not _can_be_added(found):
            raise InputError(f"how: {name}.{quantity.name} is {found}, of which there is no {quantity.how}")
    return tuple(quantities)


def _can_be_added(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype in {pl.Boolean, pl.Null}


def _checked_how(key: str, wanted: str) -> How:
    choices = [how for how in get_args(How) if how != "rate"]
    if wanted not in choices:
        raise InputError(f"how: {key} should be one of {', '.join(choices)}, not {wanted!r}")
    return cast(How, wanted)
