"""What stands in the figure of a window: a table of panels, and which columns of a join each of them shows.

Columns are found by their ends, so that sources may have any name; where a source has columns of its own (gauges), by
the beginning of its name, and their units are those that the join gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from .prefixes import current_unit

__all__ = ["COIL_COLUMNS", "PANELS", "Panel", "column_labels", "panel_label", "panel_scale", "panels_of"]

Style = Literal["step", "points", "line", "held"]

UNIT_ENDING = re.compile(r"_(percent|Hz|A)$")
COIL_COLUMNS = (".on", ".coil_on")
"""Ends of the columns that say whether the coil is on."""


@dataclass(frozen=True)
class Panel:
    """One panel of the figure.

    Parameters
    ----------
    label : str
        Of its axis.
    columns : tuple of str
        Ends of the columns that it shows; all but errors, when empty.
    style : "step", "points", "line" or "held"
        Steps hold until the next row; points have error bars; lines join neighbouring readings; what is held has a
        point where it is new, and a faint step while it is the last value.
    height : float
        Relative to the others.
    bursts : bool
        Whether bursts are marked.
    logarithmic : bool
        Whether its scale is logarithmic where values differ by much.
    sources : tuple of str
        Beginnings of the names of the sources; any, when empty.
    unit_A : float, optional
        Of a panel of currents: the size of the unit of its columns; they are shown in the one that reads best.
    limits : (float, float), optional
        Of its axis; without, those of the values.
    ticks : tuple of (float, str)
        Values that have a name, for states; numbers, when empty.

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
    unit_A: float | None = None  # noqa: N815 -- A is the unit
    limits: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()


PANELS = (
    Panel("heater (%)", (".target_percent", ".measured_percent"), height=0.9),
    Panel("SSD (1/s)", (".rate_Hz",), height=1.6, bursts=True),
    Panel("coil on", COIL_COLUMNS, height=0.5, limits=(-0.15, 1.15), ticks=((0.0, "off"), (1.0, "on"))),
    Panel("PMT current", (".current_A",), "points", height=1.3, unit_A=1.0),
    Panel("MOT (atoms)", (".mot_number",), "held", height=1.1),
    Panel("gauge", (), "line", height=1.1, logarithmic=True, sources=("gauge",)),
    Panel("ion FC", (".FC",), "line", height=0.9, sources=("ion",), unit_A=1e-9),
)


def panels_of(table: pl.DataFrame) -> dict[Panel, list[str]]:
    """The panels that the figure of a window has, from above, each with its columns.

    Parameters
    ----------
    table : polars.DataFrame
        A part of a join with `every`.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"timestamp": [0], "coil.on": [True], "slot1.rate_Hz": [48.0], "slot2.rate_Hz": [51.0]})
    >>> {panel.label: columns for panel, columns in panels_of(table).items()}
    {'SSD (1/s)': ['slot1.rate_Hz', 'slot2.rate_Hz'], 'coil on': ['coil.on']}
    """
    found = {panel: [name for name in table.columns if _is_shown_by(panel, name)] for panel in PANELS}
    return {panel: columns for panel, columns in found.items() if columns}


def panel_scale(panel: Panel, table: pl.DataFrame, columns: Sequence[str]) -> tuple[float, str]:
    """What the values of a panel of currents are divided by, and the unit that they then have; 1 and no unit of others.

    Examples
    --------
    >>> panel_scale(PANELS[3], pl.DataFrame({"pmt.current_A": [2.1e-13, 3.5e-13]}), ["pmt.current_A"])
    (1e-15, 'fA')
    """
    if panel.unit_A is None:
        return 1.0, ""
    values = [table[name].cast(pl.Float64).drop_nulls().to_numpy() * panel.unit_A for name in columns]
    size_A, unit = current_unit(np.concatenate(values))
    return size_A / panel.unit_A, unit


def panel_label(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> str:
    r"""What stands along the axis of a panel, with the unit of its columns where the panel itself does not know it.

    Examples
    --------
    >>> panel_label(PANELS[5], ["gauge.Neut."], {"gauge.Neut.": "Pa"}), panel_label(PANELS[5], ["gauge.Neut."], {})
    ('gauge (Pa)', 'gauge\n(unit unknown)')
    """
    if panel.columns:
        return panel.label
    known = {units.get(name, "") for name in columns} - {""}
    unit = _common_unit(panel, columns, units) if known else "unit unknown"
    apart = " " if known else "\n"
    return f"{panel.label}{apart}({unit})" if unit else panel.label


def column_labels(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> list[str]:
    """What stands in the legend of a panel for each of its columns, with their units where these differ.

    Examples
    --------
    >>> column_labels(PANELS[5], ["gauge.Neut.", "gauge.valve"], {"gauge.Neut.": "Pa", "gauge.valve": "V"})
    ['Neut. (Pa)', 'valve (V)']
    >>> column_labels(PANELS[0], ["heater.target_percent", "heater.measured_percent"], {})
    ['target', 'measured']
    >>> column_labels(PANELS[1], ["slot1.rate_Hz", "slot2.rate_Hz"], {})
    ['slot1', 'slot2']
    """
    if panel.columns and len(columns) > 1:
        sources, rests = zip(*(name.split(".", 1) for name in columns), strict=True)
        if len(set(rests)) == 1:
            return list(sources)
        return [UNIT_ENDING.sub("", rest) for rest in rests] if len(set(sources)) == 1 else list(columns)
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
    """The unit of all columns of a panel whose label does not name it; empty when they have none, or several."""
    known = set() if panel.columns else {units.get(name, "") for name in columns}
    return known.pop() if len(known) == 1 else ""
