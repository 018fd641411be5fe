"""The figure of a window: all sources below each other on one time axis, around one event.

What stands in each panel is a table (`PANELS`). A panel whose source is joined but silent in the window says so; one
whose source is not joined is left out. Gaps are drawn as gaps: a line is never drawn through a time of which nothing is
known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS
from ..fits.error_names import error_column
from .axes import SeveralAxes, checked_axes, figure_of, say_nothing, set_x_limits
from .labels import as_name
from .panels import COIL_COLUMNS, PANELS, Panel, column_labels, panel_label, panel_scale, panels_of

__all__ = [
    "PANELS",
    "DrawnColumn",
    "DrawnPanel",
    "DrawnWindow",
    "Panel",
    "draw_window",
    "panels_of",
    "window_figure",
]

Floats = NDArray[np.float64]

COLOURS = ("#0072b2", "#d55e00", "#000000", "#009e73", "#cc79a7", "#e69f00")
"""Of Okabe and Ito: told apart by the colour-blind, too."""
LineStyle: TypeAlias = Literal["-", "-.", ":"] | tuple[float, Sequence[float]]
STYLES: tuple[LineStyle, ...] = ("-", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
"""Of lines: told apart in print without colours; dashed alone is the event."""
COIL_SHADE, EVENT, BURST, SILENT = "#dfe9f5", "#b07a00", "#c8321e", "#777777"
MOST_ERROR_BARS = 400
"""Of a column: more than these would hide its points."""

WIDTH_INCH, PANEL_INCH, TOP_INCH, BOTTOM_INCH = 8.6, 1.2, 0.45, 0.6
TITLE_INCH = 0.08
"""Above the title."""
LEFT, RIGHT, BETWEEN = 0.1, 0.85, 0.22
"""Of the panels, in parts of the figure, and of their height."""
LABELS_AT = -0.075
"""Where the labels of the panels stand, in parts of their width: below each other."""
LOG_SCALE_FROM = 10.0
"""Largest over smallest value: below, a linear scale reads better."""
LONGEST_LINE = 3.0
"""Usual distances of readings: nothing is drawn through a longer time."""


class DrawnColumn(NamedTuple):
    """What `draw_window` drew of one column."""

    line: Line2D | None = None
    points: Line2D | None = None
    errors: LineCollection | None = None


class DrawnPanel(NamedTuple):
    """What `draw_window` drew in one panel; None is what there was nothing to draw of."""

    columns: dict[str, DrawnColumn]
    """By the name of the column; those of which nothing is known are missing."""
    event: Line2D
    coil: PolyCollection | None
    """The ground where the coil was on."""
    bursts: Line2D | None
    burst_errors: LineCollection | None
    """Of the times t0 of those whose fit is valid."""
    legend: Legend | None


class DrawnWindow(NamedTuple):
    """What `draw_window` drew."""

    panels: dict[Panel, DrawnPanel]
    title: Text


class _Times(NamedTuple):
    """Times of the rows of a window, in seconds since the event."""

    edges: Floats
    """Beginning of every row, and end of the last one."""
    middles: Floats


def window_figure(
    table: pl.DataFrame,
    event_ns: int,
    bursts: pl.DataFrame,
    units: Mapping[str, str],
    title: str = "",
    *,
    axes: Axes | SeveralAxes | None = None,
) -> Figure:
    """Draw what all sources saw around an event.

    Parameters
    ----------
    table : polars.DataFrame
        A part of a join with `every`.
    event_ns : int
        Zero of the time axis.
    bursts : polars.DataFrame
        To be marked: `timestamp_ns`, `significance`.
    units : mapping of column to unit
        As the join gives them, for the panels whose columns are whatever a source has (gauges); the other panels name
        the units of theirs. Columns may be missing.
    title : str
    axes : Axes, optional
        As many as `panels_of(table)` has panels, at least one, into which they are drawn as by `draw_window`; without,
        into a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there are more or fewer axes than panels.

    Examples
    --------
    >>> import polars as pl
    >>> seconds = pl.int_range(60, eager=True)
    >>> table = pl.DataFrame({"timestamp": seconds * 10**9, "coil.on": seconds > 20, "gauge.Neut.": seconds + 5})
    >>> figure = window_figure(table, 30_000_000_000, pl.DataFrame(), {"gauge.Neut.": "Pa"}, "number 1")
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['coil on', 'gauge (Pa)']
    """
    if axes is not None:
        draw_window(axes, table, event_ns, bursts, units, title)
        return figure_of(axes)
    heights = [panel.height for panel in panels_of(table)] or [1.0]
    height_inch = TOP_INCH + BOTTOM_INCH + PANEL_INCH * sum(heights)
    # Margins are fixed: to fit them to the labels would take as long as all the rest, a hundred times over.
    figure = Figure(figsize=(WIDTH_INCH, height_inch))
    panels = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0])
    top, bottom = 1.0 - TOP_INCH / height_inch, BOTTOM_INCH / height_inch
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=top, bottom=bottom, hspace=BETWEEN)
    heading = _heading(event_ns, title)
    as_name(figure.suptitle(heading, fontsize="medium", x=LEFT, y=1.0 - TITLE_INCH / height_inch, ha="left", va="top"))
    _draw_panels(panels, table, event_ns, bursts, units)
    for one in panels:
        one.yaxis.set_label_coords(LABELS_AT, 0.5)
    return figure


def draw_window(
    axes: Axes | SeveralAxes,
    table: pl.DataFrame,
    event_ns: int,
    bursts: pl.DataFrame,
    units: Mapping[str, str],
    title: str = "",
) -> DrawnWindow:
    """Draw what all sources saw around an event into axes.

    Parameters
    ----------
    axes : Axes
        As many as `panels_of(table)` has panels, from above; one, when it has none. They should share x. The first has
        the title and the time.
    table, event_ns, bursts, units, title
        As for `window_figure`.

    Returns
    -------
    DrawnWindow

    Raises
    ------
    InputError
        If there are more or fewer axes than panels.

    Examples
    --------
    >>> import polars as pl
    >>> from matplotlib.figure import Figure
    >>> seconds = pl.int_range(60, eager=True)
    >>> table = pl.DataFrame({"timestamp": seconds * 10**9, "coil.on": seconds > 20, "ssd.rate_Hz": seconds})
    >>> panels = panels_of(table)
    >>> axes = Figure().subplots(len(panels), sharex=True, height_ratios=[panel.height for panel in panels])
    >>> drawn = draw_window(axes, table, 30_000_000_000, pl.DataFrame(), {})
    >>> drawn.panels[PANELS[1]].columns["ssd.rate_Hz"].line.get_label()
    'rate_Hz'
    """
    labels = [panel.label for panel in panels_of(table)] or ["nothing"]
    panels = checked_axes(axes, labels, "this window")
    drawn = _draw_panels(panels, table, event_ns, bursts, units)
    return DrawnWindow(drawn, as_name(panels[0].set_title(_heading(event_ns, title), loc="left", fontsize="medium")))


def _heading(event_ns: int, title: str) -> str:
    return f"{title}, {_moment(event_ns)}".lstrip(", ")


def _moment(event_ns: int) -> str:
    moment: str = pl.Series([event_ns]).cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S")[0]
    return moment


def _draw_panels(
    axes: Sequence[Axes], table: pl.DataFrame, event_ns: int, bursts: pl.DataFrame, units: Mapping[str, str]
) -> dict[Panel, DrawnPanel]:
    """The panels and the time axis that they share."""
    panels = panels_of(table)
    if not panels:
        say_nothing(axes[0], "no source saw anything here", colour=SILENT)
    times = _times_of(table, event_ns)
    coil = _coil_spans(table, times)
    drawn = {}
    for one, (panel, columns) in zip(axes, panels.items(), strict=False):
        shown, legend = _draw_panel(one, panel, columns, table, times, units)
        marks, errors = _mark_bursts(one, bursts, event_ns) if panel.bursts else (None, None)
        event = one.axvline(0.0, color=EVENT, linewidth=1.0, linestyle="--")
        drawn[panel] = DrawnPanel(shown, event, _shade(one, coil), marks, errors, legend)
        unit = panel_scale(panel, table, columns)[1]
        label = panel_label(panel, columns, units)
        one.set_ylabel(f"{label} ({unit})" if unit else label, fontsize="small")
        as_name(one.yaxis.label)
        one.tick_params(labelsize="small")
    shaded = "; shaded: coil on" if coil else ""
    axes[-1].set_xlabel(f"time (s) since {_moment(event_ns)[11:]} (dashed){shaded}")
    if times.middles.size:
        set_x_limits(axes[::-1], times.edges[0], times.edges[-1])
    return drawn


def _times_of(table: pl.DataFrame, event_ns: int) -> _Times:
    seconds = (table["timestamp"].to_numpy() - event_ns) / SECOND_NS
    step_s = float(np.min(np.diff(seconds))) if seconds.size > 1 else 1.0
    return _Times(np.append(seconds, seconds[-1:] + step_s), seconds + step_s / 2)


def _draw_panel(
    axes: Axes, panel: Panel, columns: list[str], table: pl.DataFrame, times: _Times, units: Mapping[str, str]
) -> tuple[dict[str, DrawnColumn], Legend | None]:
    drawn = {}
    scale = panel_scale(panel, table, columns)[0]
    if scale != 1.0:
        errors = [error for name in columns if (error := error_column(name, table.columns)) is not None]
        table = table.with_columns(pl.col(*columns, *errors).cast(pl.Float64) / scale)
    for place, (name, label) in enumerate(zip(columns, column_labels(panel, columns, units), strict=True)):
        values = table[name].cast(pl.Float64).to_numpy()
        if np.isfinite(values).any():
            style = COLOURS[place % len(COLOURS)], STYLES[place % len(STYLES)]
            drawn[name] = _draw_column(axes, panel, name, values, table, times, style, label)
    if not drawn:
        say_nothing(axes, "nothing known in this window", colour=SILENT)
        return drawn, None
    if panel.logarithmic:
        _choose_scale(axes, [table[name].drop_nulls().to_numpy() for name in columns])
    if panel.style == "held":
        low, high = axes.get_ylim()
        axes.set_ylim(min(0.0, low), max(high + 0.05 * (high - min(0.0, low)), 0.0))
    if panel.limits is not None:
        axes.set_ylim(panel.limits)
    if panel.ticks:
        axes.set_yticks([value for value, _ in panel.ticks], [label for _, label in panel.ticks])
    legend = None
    if len(columns) > 1:
        legend = axes.legend(
            loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", frameon=False, borderaxespad=0.3,
            handlelength=1.2, handletextpad=0.5,
        )  # fmt: skip
        for text in legend.get_texts():
            as_name(text)
    return drawn, legend


def _draw_column(
    axes: Axes,
    panel: Panel,
    name: str,
    values: Floats,
    table: pl.DataFrame,
    times: _Times,
    style: tuple[str, LineStyle],
    label: str,
) -> DrawnColumn:
    colour, dashes = style
    known = np.isfinite(values)
    line: Line2D | None = None
    if panel.style == "line":
        (line,) = axes.plot(*_with_gaps(times.middles[known], values[known]), color=colour, label=label, linewidth=1.1)
        line.set_linestyle(dashes)
        return DrawnColumn(line)
    if panel.style == "points":
        rows = np.flatnonzero(known)
        errors = _errors(name, table, rows)
        return DrawnColumn(None, *_draw_points(axes, times.middles[rows], values[rows], errors, colour, label))
    is_held = panel.style == "held"
    width, alpha = (0.8, 0.4) if is_held else (1.1, 1.0)
    # A line in steps: the same as a patch in steps costs five times as much.
    (line,) = axes.plot(
        times.edges, np.append(values, values[-1]), drawstyle="steps-post", linestyle=dashes, color=colour,
        linewidth=width, alpha=alpha, label=label, solid_joinstyle="miter",
    )  # fmt: skip
    if not is_held:
        return DrawnColumn(line)
    new = np.flatnonzero(known & np.append(True, values[1:] != values[:-1]))
    errors = _errors(name, table, new)
    return DrawnColumn(line, *_draw_points(axes, times.middles[new], values[new], errors, colour, None))


def _errors(name: str, table: pl.DataFrame, rows: NDArray[np.intp]) -> Floats | None:
    column = error_column(name, table.columns)
    if column is None:
        return None
    errors: Floats = table[column].cast(pl.Float64).to_numpy()[rows]
    return errors


def _draw_points(
    axes: Axes, at: Floats, values: Floats, errors: Floats | None, colour: str, label: str | None
) -> tuple[Line2D, LineCollection | None]:
    """Points, with bars where an error is known."""
    (points,) = axes.plot(at, values, ".", color=colour, label=label, markersize=4.0)
    if errors is None or (barred := np.isfinite(errors)).sum() > MOST_ERROR_BARS:
        return points, None
    low, high = values[barred] - errors[barred], values[barred] + errors[barred]
    return points, axes.vlines(at[barred], low, high, color=colour, linewidth=0.7)


def _with_gaps(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Readings with a NaN in every gap, where a line breaks off."""
    if at.size < 3:
        return at, values
    steps = np.diff(at)
    gaps = np.flatnonzero(steps > LONGEST_LINE * np.median(steps)) + 1
    return np.insert(at, gaps, np.nan), np.insert(values, gaps, np.nan)


def _choose_scale(axes: Axes, series: list[Floats]) -> None:
    values = np.concatenate(series)
    if values.min() > 0.0 and values.max() > LOG_SCALE_FROM * values.min():
        axes.set_yscale("log")


def _mark_bursts(
    axes: Axes, bursts: pl.DataFrame, event_ns: int
) -> tuple[Line2D, LineCollection | None] | tuple[None, None]:
    """Marks at the times of bursts, with their errors where these are known."""
    if not bursts.width:
        return None, None
    at = (bursts["timestamp_ns"].to_numpy() - event_ns) / SECOND_NS
    number = f"{at.size} burst{'' if at.size == 1 else 's'}"
    axes.set_title(number, loc="right", fontsize="small", color=BURST if at.size else SILENT)
    if not at.size:
        return None, None
    above, level = axes.get_xaxis_transform(), np.full(at.size, 1.0)
    (marks,) = axes.plot(at, level, "v", color=BURST, markersize=6, transform=above, clip_on=False)
    if "timestamp_error_ns" not in bursts.columns:
        return marks, None
    error_s = bursts["timestamp_error_ns"].to_numpy() / SECOND_NS
    known = np.isfinite(error_s)
    low, high = at[known] - error_s[known], at[known] + error_s[known]
    errors = axes.hlines(level[known], low, high, color=BURST, transform=above, clip_on=False)
    return marks, errors


def _coil_spans(table: pl.DataFrame, times: _Times) -> list[tuple[float, float]] | None:
    """Begin and length of the times in which the coil was on, in seconds; None where nothing says so."""
    coil = (n for n in table.columns if n.endswith(COIL_COLUMNS) and table.schema[n] == pl.Boolean)
    name = next(coil, None)
    if name is None or not times.middles.size:
        return None
    is_on = table[name].fill_null(value=False).to_numpy()
    switches = np.flatnonzero(np.diff(np.concatenate(([0], is_on.astype(np.int8), [0]))))
    begins, ends = times.edges[switches[::2]], times.edges[switches[1::2]]
    return list(zip(begins.tolist(), (ends - begins).tolist(), strict=True))


def _shade(axes: Axes, spans: list[tuple[float, float]] | None) -> PolyCollection | None:
    """A faint ground where the coil was on."""
    if spans is None:
        return None
    ground = axes.get_xaxis_transform()
    return axes.broken_barh(spans, (0.0, 1.0), facecolor=COIL_SHADE, linewidth=0, zorder=-5, transform=ground)
