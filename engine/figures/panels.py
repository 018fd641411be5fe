"""What stands in the figure of a window: a table of panels, and which columns of a join each of them shows.

Columns are found by their ends, so that sources may have any name; where a source has columns of its own (gauges), by
the beginning of its name, and their units are those that the join gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

__all__ = ["COIL_COLUMNS", "PANELS", "Panel", "column_labels", "panel_label", "panels_of"]

Style = Literal["step", "points", "line", "held"]

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


def panel_label(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> str:
    """What stands along the axis of a panel, with the unit of its columns where the panel itself does not know it.

    Examples
    --------
    >>> panel_label(PANELS[5], ["gauge.Neut."], {"gauge.Neut.": "Pa"})
    'gauge (Pa)'
    """
    unit = _common_unit(panel, columns, units)
    return f"{panel.label} ({unit})" if unit else panel.label


def column_labels(panel: Panel, columns: Sequence[str], units: Mapping[str, str]) -> list[str]:
    """What stands in the legend of a panel for each of its columns, with their units where these differ.

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
    """The unit of all columns of a panel whose label does not name it; empty when they have none, or several."""
    known = set() if panel.columns else {units.get(name, "") for name in columns}
    return known.pop() if len(known) == 1 else ""
