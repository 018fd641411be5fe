"""The panels of the figure of a window, and the columns of a join that each of them shows.

Columns are found by the ends of their names, so that sources may have any name. The columns of sources with individual
columns (gauges) are found by the beginning of the name of the source, and have the units that the join knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

__all__ = ["COIL_COLUMNS", "PANELS", "Panel", "column_labels", "panel_label", "panels_of"]

Style = Literal["step", "points", "line", "held"]

COIL_COLUMNS = (".on", ".coil_on")
"""Ends of the names of columns with the state of the coil."""


@dataclass(frozen=True)
class Panel:
    """One panel of the figure.

    Parameters
    ----------
    label : str
        Label of the y axis.
    columns : tuple of str
        Ends of the names of the columns that it shows; if empty, it shows all columns except errors.
    style : "step", "points", "line" or "held"
        A step holds its value until the next row; points have error bars; a line connects neighbouring readings; "held"
        has a point where the value is new, and a faint step while it is the last value.
    height : float
        Relative height.
    bursts : bool
        Whether bursts are marked.
    logarithmic : bool
        Whether the scale is logarithmic when the values differ by a factor of ten or more.
    sources : tuple of str
        Beginnings of the names of its sources; if empty, all sources.
    limits : (float, float), optional
        Limits of the y axis; by default, those of the values.
    ticks : tuple of (float, str)
        Values with their names, for states; if empty, ticks are numbers.

    Examples
    --------
    >>> Panel("shutter", (".open",), height=0.5, limits=(-0.15, 1.15), ticks=((0.0, "shut"), (1.0, "open"))).style
    'step'
    """

    label: str
    columns: tuple[str, ...]
    style: Style = "step"
    height: float = 1.0
    bursts: bool = False
    logarithmic: bool = False
    sources: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()


PANELS = (
    Panel("heater (%)", (".target_percent", ".measured_percent"), height=0.9),
    Panel("SSD (1/s)", (".rate_Hz",), height=1.6, bursts=True),
    Panel("coil on", COIL_COLUMNS, height=0.5, limits=(-0.15, 1.15), ticks=((0.0, "off"), (1.0, "on"))),
    Panel("PMT (A)", (".current_A",), "points", height=1.3),
    Panel("MOT number", (".mot_number",), "held", height=1.1),
    Panel("gauge", (), "line", height=1.1, logarithmic=True, sources=("gauge",)),
    Panel("ion FC (nA)", (".FC",), "line", height=0.9, sources=("ion",)),
)


def panels_of(table: pl.DataFrame) -> dict[Panel, list[str]]:
    """The panels of the figure of a window, from top to bottom, with their columns.

    Parameters
    ----------
    table : polars.DataFrame
        Rows of a join with `every`.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"timestamp": [0], "coil.on": [True], "slot1.rate_Hz": [48.0], "slot2.rate_Hz": [51.0]})
    >>> {panel.label: columns for panel, columns in panels_of(table).items()}
    {'SSD (1/s)': ['slot1.rate_Hz', 'slot2.rate_Hz'], 'coil on': ['coil.on']}
    """
    found = {panel: [name for name in table.columns if _is_shown_by(panel, name)] for panel in PANELS}
    return {panel: columns for panel, columns in found.items() if columns}


def panel_label(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> str:
    """The label of the y axis of a panel, with the unit of its columns where the label does not contain one.

    Examples
    --------
    >>> panel_label(PANELS[5], ["gauge.Neut."], {"gauge.Neut.": "Pa"})
    'gauge (Pa)'
    """
    unit = _common_unit(panel, columns, units)
    return f"{panel.label} ({unit})" if unit else panel.label


def column_labels(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> list[str]:
    """The label of each column in the legend of a panel, with units where these differ.

    Examples
    --------
    >>> column_labels(PANELS[5], ["gauge.Neut.", "gauge.valve"], {"gauge.Neut.": "Pa", "gauge.valve": "V"})
    ['Neut. (Pa)', 'valve (V)']
    """
    differ = not panel.columns and not _common_unit(panel, columns, units)
    labels = []
    for name in columns:
        label = name.partition(".")[2] if panel.sources or len(columns) == 1 else name
        unit = units.get(name, "") if differ else ""
        labels.append(f"{label} ({unit})" if unit and not label.endswith(f"({unit})") else label)
    return labels


def _is_shown_by(panel: Panel, name: str) -> bool:
    source, _, rest = name.partition(".")
    if not rest or (panel.sources and not source.startswith(panel.sources)):
        return False
    return f".{rest}" in panel.columns if panel.columns else not rest.endswith("_error")


def _common_unit(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> str:
    """The common unit of the columns of a panel; empty when the label has one, or there is none, or several."""
    known = set() if panel.columns else {units.get(name, "") for name in columns}
    return known.pop() if len(known) == 1 else ""
