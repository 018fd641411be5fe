"""The figure of a window: all sources below each other on one time axis, around one event.

What stands in each panel is a table: which columns, and how they are drawn. Columns are told by their end, so that
sources may have any name. A panel whose source is joined but silent in the window says so; one whose source is not
joined is left out. Gaps are drawn as gaps: a line is never drawn through a time of which nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS

__all__ = ["PANELS", "Panel", "window_figure"]

COLOURS = ("#1f6fb4", "#c8321e", "#3b3b3b", "#2e8b57", "#b07a00", "#7b4fa3")
COIL_SHADE, EVENT, BURST, SILENT = "#dfe9f5", "#b07a00", "#c8321e", "#777777"
MOST_ERROR_BARS = 400

WIDTH_INCH, PANEL_INCH, TOP_INCH, BOTTOM_INCH = 10.0, 1.35, 0.45, 0.6
LEFT, RIGHT, BETWEEN = 0.1, 0.98, 0.22
LOG_SCALE_FROM = 10.0  # largest over smallest: below, a linear scale reads better
LONGEST_LINE = 3.0  # usual distances of readings: nothing is drawn through a longer time

Style = Literal["step", "points", "line", "held"]


@dataclass(frozen=True)
class Panel:
    """One panel of the figure.

    Parameters
    ----------
    label : str
        Of its axis.
    columns : tuple of str
        Ends of the columns that it shows.
    style : "step", "points", "line" or "held"
        Steps hold until the next row; points have error bars; lines join neighbouring readings; what is held has a
        point where it is new, and a faint step while it is the last value.
    height : float
        Relative to the others.
    bursts : bool
        Whether bursts are marked.
    logarithmic : bool
    sources : tuple of str
        Beginnings of the names of the sources; any, when empty.
    """

    label: str
    columns: tuple[str, ...]
    style: Style = "step"
    height: float = 1.0
    bursts: bool = False
    logarithmic: bool = False
    sources: tuple[str, ...] = ()


PANELS = (
    Panel("heater (%)", (".target_percent", ".measured_percent"), height=0.9),
    Panel("SSD (1/s)", (".rate_Hz",), height=1.6, bursts=True),
    Panel("coil on", (".on", ".coil_on"), height=0.5),
    Panel("PMT (A)", (".current_A",), "points", height=1.3),
    Panel("MOT number", (".mot_number",), "held", height=1.1),
    Panel("gauge", (), "line", height=1.1, logarithmic=True, sources=("gauge",)),
    Panel("ion FC (nA)", (".FC",), "line", height=0.9, sources=("ion",)),
)


def window_figure(
    table: pl.DataFrame, event_ns: int, bursts: pl.DataFrame, units: Mapping[str, str], title: str = ""
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
        Unused columns may be missing.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    del units  # the panels name their units
    shown = [(panel, columns) for panel in PANELS if (columns := _columns_of(panel, table))]
    heights = [panel.height for panel, _ in shown] or [1.0]
    height_inch = TOP_INCH + BOTTOM_INCH + PANEL_INCH * sum(heights)
    # Margins are fixed: to fit them to the labels would take as long as all the rest, a hundred times over.
    figure = Figure(figsize=(WIDTH_INCH, height_inch))
    all_axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    top, bottom = 1.0 - TOP_INCH / height_inch, BOTTOM_INCH / height_inch
    figure.subplots_adjust(left=LEFT, right=RIGHT, top=top, bottom=bottom, hspace=BETWEEN)
    moment = pl.Series([event_ns]).cast(pl.Datetime("ns")).dt.strftime("%Y-%m-%d %H:%M:%S")[0]
    figure.suptitle(
        f"{title}, {moment}".lstrip(", "), fontsize="medium", x=LEFT, y=1.0 - 0.08 / height_inch, ha="left", va="top"
    )
    seconds = (table["timestamp"].to_numpy() - event_ns) / SECOND_NS
    step_s = float(np.min(np.diff(seconds))) if seconds.size > 1 else 1.0
    if not shown or not seconds.size:
        _say(all_axes[0], "no source saw anything here")
    for axes, (panel, columns) in zip(all_axes, shown, strict=False):
        _draw(axes, panel, columns, table, seconds, step_s)
        if panel.bursts:
            _mark_bursts(axes, bursts, event_ns)
        axes.axvline(0.0, color=EVENT, linewidth=1.0, linestyle="--")
        _shade_coil(axes, table, seconds, step_s)
        axes.set_ylabel(panel.label, fontsize="small")
        axes.yaxis.set_label_coords(-0.075, 0.5)
        axes.tick_params(labelsize="small")
    all_axes[-1].set_xlabel(f"seconds since {moment[11:]}")
    if seconds.size:
        all_axes[-1].set_xlim(seconds[0], seconds[-1] + step_s)
    return figure


def _columns_of(panel: Panel, table: pl.DataFrame) -> list[str]:
    columns = []
    for name in table.columns:
        source, _, rest = name.partition(".")
        if panel.sources and not source.startswith(panel.sources):
            continue
        ends = any(f".{rest}" == end for end in panel.columns) if panel.columns else not rest.endswith("_error")
        if rest and ends:
            columns.append(name)
    return columns


def _draw(
    axes: Axes, panel: Panel, columns: list[str], table: pl.DataFrame, seconds: NDArray[np.float64], step_s: float
) -> None:
    known_anywhere = False
    for place, name in enumerate(columns):
        values = table[name].cast(pl.Float64).to_numpy()
        known = np.isfinite(values)
        if not known.any():
            continue
        known_anywhere = True
        colour = COLOURS[place % len(COLOURS)]
        label = name.partition(".")[2] if panel.sources or len(columns) == 1 else name
        at = seconds[known] + step_s / 2
        if panel.style in {"step", "held"}:
            edges = np.append(seconds, seconds[-1] + step_s)
            faint = panel.style == "held"
            width, alpha = (0.8, 0.4) if faint else (1.1, 1.0)
            # A line in steps: the same as a patch in steps costs five times as much.
            steps = np.append(values, values[-1])
            axes.plot(
                edges, steps, drawstyle="steps-post", color=colour, linewidth=width, alpha=alpha, label=label,
                solid_joinstyle="miter",
            )  # fmt: skip
            if faint:
                new = np.flatnonzero(known & np.append(True, values[1:] != values[:-1]))
                _points(axes, seconds[new] + step_s / 2, values[new], _errors(name, table, new), colour, None)
        elif panel.style == "line":
            axes.plot(*_with_gaps(at, values[known]), color=colour, label=label, linewidth=1.1)
        else:
            _points(axes, at, values[known], _errors(name, table, np.flatnonzero(known)), colour, label)
    if not known_anywhere:
        _say(axes, "nothing known in this window")
        return
    if panel.logarithmic:
        _choose_scale(axes, [table[name].drop_nulls().to_numpy() for name in columns])
    if panel.label == "coil on":
        axes.set_ylim(-0.15, 1.15)
        axes.set_yticks([0, 1], ["off", "on"])
    if len(columns) > 1:
        axes.legend(loc="upper right", fontsize="x-small", ncols=len(columns), framealpha=0.8)


def _points(
    axes: Axes,
    at: NDArray[np.float64],
    values: NDArray[np.float64],
    error: NDArray[np.float64] | None,
    colour: str,
    label: str | None,
) -> None:
    """Points, with bars where an error is known."""
    axes.plot(at, values, ".", color=colour, label=label, markersize=4.0)
    if error is not None and (barred := np.isfinite(error)).sum() <= MOST_ERROR_BARS:
        low, high = values[barred] - error[barred], values[barred] + error[barred]
        axes.vlines(at[barred], low, high, color=colour, linewidth=0.7)


def _with_gaps(at: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Readings with a NaN in every gap, where a line breaks off."""
    if at.size < 3:
        return at, values
    steps = np.diff(at)
    gaps = np.flatnonzero(steps > LONGEST_LINE * np.median(steps)) + 1
    return np.insert(at, gaps, np.nan), np.insert(values, gaps, np.nan)


def _choose_scale(axes: Axes, series: list[NDArray[np.float64]]) -> None:
    values = np.concatenate(series)
    if values.min() > 0.0 and values.max() > LOG_SCALE_FROM * values.min():
        axes.set_yscale("log")


def _errors(name: str, table: pl.DataFrame, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """The errors of a column under any of the names that errors have."""
    stem, _, unit = name.rpartition("_")
    for error in (f"{name}_error", f"{stem}_error_{unit}", f"{name}_unc"):
        if error in table.columns:
            errors: NDArray[np.float64] = table[error].cast(pl.Float64).to_numpy()[rows]
            return errors
    return None


def _mark_bursts(axes: Axes, bursts: pl.DataFrame, event_ns: int) -> None:
    if not bursts.width:
        return
    at = (bursts["timestamp_ns"].to_numpy() - event_ns) / SECOND_NS
    number = f"{at.size} burst{'' if at.size == 1 else 's'}"
    axes.set_title(number, loc="right", fontsize="small", color=BURST if at.size else SILENT)
    if at.size:
        level = np.full(at.size, 1.0)
        axes.plot(at, level, "v", color=BURST, markersize=6, transform=axes.get_xaxis_transform(), clip_on=False)


def _shade_coil(axes: Axes, table: pl.DataFrame, seconds: NDArray[np.float64], step_s: float) -> None:
    """A faint ground where the coil was on, in every panel."""
    name = next((n for n in table.columns if n.endswith((".on", ".coil_on")) and table[n].dtype == pl.Boolean), None)
    if name is None or not seconds.size:
        return
    is_on = table[name].fill_null(value=False).to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_on.astype(np.int8), [0]))))
    times = np.append(seconds, seconds[-1] + step_s)
    spans = np.column_stack((times[edges[::2]], times[edges[1::2]] - times[edges[::2]]))
    ground = axes.get_xaxis_transform()
    axes.broken_barh(spans.tolist(), (0.0, 1.0), facecolor=COIL_SHADE, linewidth=0, zorder=-5, transform=ground)


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=SILENT)
    axes.set_yticks([])
