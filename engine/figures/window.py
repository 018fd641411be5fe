"""The figure of a window: all sources below each other on one time axis, around one event.

The content of each panel is declared in a table (`PANELS`). A panel whose source has no data in the window says so; a
panel whose source was not joined is left out. Lines have gaps at times without data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
from .panels import COIL_COLUMNS, PANELS, Panel, column_labels, panel_label, panels_of

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

COLOURS = ("#1f6fb4", "#c8321e", "#3b3b3b", "#2e8b57", "#b07a00", "#7b4fa3")
COIL_SHADE, EVENT, BURST, SILENT = "#dfe9f5", "#b07a00", "#c8321e", "#777777"
MOST_ERROR_BARS = 400
"""Most error bars of a column; more would hide its points."""

WIDTH_INCH, PANEL_INCH, TOP_INCH, BOTTOM_INCH = 10.0, 1.35, 0.45, 0.6
TITLE_INCH = 0.08
"""Space above the title."""
LEFT, RIGHT, BETWEEN = 0.1, 0.98, 0.22
"""Left and right edges of the panels, in units of the width of the figure; space between them, in units of their
height."""
LABELS_AT = -0.075
"""Position in x of the labels of all panels, in units of their width."""
LOG_SCALE_FROM = 10.0
"""Ratio of largest and smallest value above which the scale is logarithmic."""
LONGEST_LINE = 3.0
"""A line has a gap where two readings are farther apart than this many median distances."""


class DrawnColumn(NamedTuple):
    """The artists that `draw_window` drew for one column."""

    line: Line2D | None = None
    points: Line2D | None = None
    errors: LineCollection | None = None


class DrawnPanel(NamedTuple):
    """The artists that `draw_window` drew in one panel; None for those without data."""

    columns: dict[str, DrawnColumn]
    """Artists by column; columns without data are missing."""
    event: Line2D
    coil: PolyCollection | None
    """Shaded background where the coil was on."""
    bursts: Line2D | None
    legend: Legend | None


class DrawnWindow(NamedTuple):
    """The artists that `draw_window` drew."""

    panels: dict[Panel, DrawnPanel]
    title: Text


class _Times(NamedTuple):
    """Times of the rows of a window, s after the event."""

    edges: Floats
    """Begin of every row, and end of the last one."""
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
    """Draw the data of all sources around an event.

    Parameters
    ----------
    table : polars.DataFrame
        Rows of a join with `every`.
    event_ns : int
        Time of the event, ns since 1970: the zero of the time axis.
    bursts : polars.DataFrame
        Bursts to be marked, with the column `timestamp_ns`; may be empty.
    units : mapping of str to str
        Units by column, for panels with individual columns of a source (gauges); other panels have fixed units. Columns
        may be missing.
    title : str
    axes : Axes, optional
        Axes to draw into, as for `draw_window`: one for each panel of `panels_of(table)`, and at least one. By default,
        a new figure is made.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When the number of axes is not that of the panels.

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
    # Margins are fixed: fitting them to the labels would take a hundred times as long as everything else.
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
    """Draw the data of all sources around an event into axes.

    Parameters
    ----------
    axes : Axes
        One for each panel of `panels_of(table)`, from top to bottom; one, when there is no panel. They should share x.
        The first one has the title and the time of the event.
    table, event_ns, bursts, units, title
        As for `window_figure`.

    Returns
    -------
    DrawnWindow

    Raises
    ------
    InputError
        When the number of axes is not that of the panels.

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
    """Draw the panels and their common time axis."""
    panels = panels_of(table)
    if not panels:
        say_nothing(axes[0], "no source saw anything here", colour=SILENT)
    times = _times_of(table, event_ns)
    coil = _coil_spans(table, times)
    drawn = {}
    for one, (panel, columns) in zip(axes, panels.items(), strict=False):
        shown, legend = _draw_panel(one, panel, columns, table, times, units)
        marks = _mark_bursts(one, bursts, event_ns) if panel.bursts else None
        event = one.axvline(0.0, color=EVENT, linewidth=1.0, linestyle="--")
        drawn[panel] = DrawnPanel(shown, event, _shade(one, coil), marks, legend)
        one.set_ylabel(panel_label(panel, columns, units), fontsize="small")
        as_name(one.yaxis.label)
        one.tick_params(labelsize="small")
    axes[-1].set_xlabel(f"seconds since {_moment(event_ns)[11:]}")
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
    for place, (name, label) in enumerate(zip(columns, column_labels(panel, columns, units), strict=True)):
        values = table[name].cast(pl.Float64).to_numpy()
        if np.isfinite(values).any():
            colour = COLOURS[place % len(COLOURS)]
            drawn[name] = _draw_column(axes, panel, name, values, table, times, colour, label)
    if not drawn:
        say_nothing(axes, "nothing known in this window", colour=SILENT)
        return drawn, None
    if panel.logarithmic:
        _choose_scale(axes, [table[name].drop_nulls().to_numpy() for name in columns])
    if panel.limits is not None:
        axes.set_ylim(panel.limits)
    if panel.ticks:
        axes.set_yticks([value for value, _ in panel.ticks], [label for _, label in panel.ticks])
    legend = None
    if len(columns) > 1:
        legend = axes.legend(loc="upper right", fontsize="x-small", ncols=len(columns), framealpha=0.8)
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
    colour: str,
    label: str,
) -> DrawnColumn:
    known = np.isfinite(values)
    line: Line2D | None = None
    if panel.style == "line":
        (line,) = axes.plot(*_with_gaps(times.middles[known], values[known]), color=colour, label=label, linewidth=1.1)
        return DrawnColumn(line)
    if panel.style == "points":
        rows = np.flatnonzero(known)
        errors = _errors(name, table, rows)
        return DrawnColumn(None, *_draw_points(axes, times.middles[rows], values[rows], errors, colour, label))
    is_held = panel.style == "held"
    width, alpha = (0.8, 0.4) if is_held else (1.1, 1.0)
    # A line with steps: a patch with steps would take five times as long.
    (line,) = axes.plot(
        times.edges, np.append(values, values[-1]), drawstyle="steps-post", color=colour, linewidth=width, alpha=alpha,
        label=label, solid_joinstyle="miter",
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
    """Draw points, with error bars where errors are known."""
    (points,) = axes.plot(at, values, ".", color=colour, label=label, markersize=4.0)
    if errors is None or (barred := np.isfinite(errors)).sum() > MOST_ERROR_BARS:
        return points, None
    low, high = values[barred] - errors[barred], values[barred] + errors[barred]
    return points, axes.vlines(at[barred], low, high, color=colour, linewidth=0.7)


def _with_gaps(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Readings with a NaN in every gap, so that a line has a gap there."""
    if at.size < 3:
        return at, values
    steps = np.diff(at)
    gaps = np.flatnonzero(steps > LONGEST_LINE * np.median(steps)) + 1
    return np.insert(at, gaps, np.nan), np.insert(values, gaps, np.nan)


def _choose_scale(axes: Axes, series: list[Floats]) -> None:
    values = np.concatenate(series)
    if values.min() > 0.0 and values.max() > LOG_SCALE_FROM * values.min():
        axes.set_yscale("log")


def _mark_bursts(axes: Axes, bursts: pl.DataFrame, event_ns: int) -> Line2D | None:
    if not bursts.width:
        return None
    at = (bursts["timestamp_ns"].to_numpy() - event_ns) / SECOND_NS
    number = f"{at.size} burst{'' if at.size == 1 else 's'}"
    axes.set_title(number, loc="right", fontsize="small", color=BURST if at.size else SILENT)
    if not at.size:
        return None
    above, level = axes.get_xaxis_transform(), np.full(at.size, 1.0)
    (marks,) = axes.plot(at, level, "v", color=BURST, markersize=6, transform=above, clip_on=False)
    return marks


def _coil_spans(table: pl.DataFrame, times: _Times) -> list[tuple[float, float]] | None:
    """Begin and length, s, of the times in which the coil was on; None when its state is not known."""
    coil = (n for n in table.columns if n.endswith(COIL_COLUMNS) and table.schema[n] == pl.Boolean)
    name = next(coil, None)
    if name is None or not times.middles.size:
        return None
    is_on = table[name].fill_null(value=False).to_numpy()
    switches = np.flatnonzero(np.diff(np.concatenate(([0], is_on.astype(np.int8), [0]))))
    begins, ends = times.edges[switches[::2]], times.edges[switches[1::2]]
    return list(zip(begins.tolist(), (ends - begins).tolist(), strict=True))


def _shade(axes: Axes, spans: list[tuple[float, float]] | None) -> PolyCollection | None:
    """Shade the background where the coil was on."""
    if spans is None:
        return None
    ground = axes.get_xaxis_transform()
    return axes.broken_barh(spans, (0.0, 1.0), facecolor=COIL_SHADE, linewidth=0, zorder=-5, transform=ground)
