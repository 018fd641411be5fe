"""The figure of `PMTAnalysis`: current against time with the coil on and off, and how the readings are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray

from ...kernels.units import DAY_NS, SECOND_NS
from ..fits.error_names import error_column
from ..fits.rounding import with_error
from .axes import SeveralAxes, checked_axes, colour_bar, figure_of, say_nothing
from .dates import set_dates
from .labels import as_name
from .prefixes import current_unit

__all__ = ["DrawnPMT", "DrawnState", "draw_pmt", "pmt_figure"]

Floats = NDArray[np.float64]

FEWEST_BINS = 10
MOST_TIME_BINS, MOST_CURRENT_BINS = 120, 60
READINGS_PER_TIME_BIN = 8
LEAST_SPAN_DAYS = 1e-5
OUTSIDE = 0.001
"""Part of the readings that may lie below the histogram, and above: a spike must not squeeze the rest."""
MARGIN = 0.1
"""Room below and above, in parts of the span."""
LOG_SCALE_FROM = 20  # counts: below, a linear colour scale reads better
COLOURS = {"on": "#d55e00", "off": "#0072b2"}
STYLES = {"on": "-", "off": "--"}


class DrawnState(NamedTuple):
    """What `draw_pmt` drew of the readings with the coil on, or off; without a mean there are no lines of it."""

    readings: QuadMesh
    """Readings per bin of time and current."""
    bar: Colorbar
    mean: Line2D | None
    histogram: StepPatch
    mean_beside: Line2D | None
    """The mean, in the histogram."""
    band: Patch | None
    """Its error there."""


class DrawnPMT(NamedTuple):
    """What `draw_pmt` drew; None is what there was nothing to draw of."""

    on: DrawnState | None = None
    off: DrawnState | None = None
    legend: Legend | None = None


class _Bins(NamedTuple):
    """Bins of time and current, the current in a unit that reads well."""

    days: Floats
    current: Floats
    day_edges: Floats
    edges: Floats
    scale: float
    """Of the unit, in A."""
    unit: str
    time_s: float
    """Width of the bins of time."""
    width: float
    """Of those of the current, in the unit."""


def pmt_figure(
    timestamps_ns: NDArray[np.int64],
    current_A: NDArray[np.float64],
    coil_on: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    title: str,
    *,
    axes: SeveralAxes | None = None,
) -> Figure:
    """Draw the PMT's current.

    Parameters
    ----------
    timestamps_ns : int64, shape (n,)
        Wall clock, ns since 1970.
    current_A : float64, shape (n,)
    coil_on : bool, shape (n,)
    result : mapping, optional
        The result row of `PMTAnalysis`.
    title : str
        Name of the source.
    axes : three Axes, optional
        Into which it is drawn, as by `draw_pmt`; without, into a new figure.

    Returns
    -------
    Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there are not three axes.

    Examples
    --------
    >>> import numpy as np
    >>> times_ns = 1_663_503_939_000_000_000 + np.arange(400) * 250_000_000
    >>> current_A = np.random.default_rng(1).normal(3e-13, 1e-13, times_ns.size)
    >>> figure = pmt_figure(times_ns, current_A, np.arange(400) % 80 < 40, None, "all_data.csv")
    >>> figure.axes[0].get_ylabel()
    'current (fA)'
    """
    heading = f"PMT current, {title}"
    if axes is not None:
        draw_pmt(axes, timestamps_ns, current_A, coil_on, result, title=heading)
        return figure_of(axes)
    figure = Figure(figsize=(9.4, 5.8), layout="constrained")
    as_name(figure.suptitle(heading, fontsize="medium"))
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1))
    if current_A.size == 0:
        empty = figure.add_subplot(grid[:, :])
        say_nothing(empty, "no readings yet")
        empty.set_xticks([])
        return figure
    beside = figure.add_subplot(grid[:, 1])
    on = figure.add_subplot(grid[0, 0])
    off = figure.add_subplot(grid[1, 0], sharex=on, sharey=on)
    draw_pmt((on, off, beside), timestamps_ns, current_A, coil_on, result, make_room=True)
    on.tick_params(labelbottom=False)
    return figure


def draw_pmt(
    axes: SeveralAxes,
    timestamps_ns: NDArray[np.int64],
    current_A: NDArray[np.float64],
    coil_on: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    *,
    title: str = "",
    make_room: bool = False,
) -> DrawnPMT:
    """Draw the PMT's current against time with the coil on and off, and both distributions.

    Parameters
    ----------
    axes : three Axes
        For the current with the coil on, for that with the coil off (both should share x and y), and for the
        histograms.
    timestamps_ns, current_A, coil_on, result
        As for `pmt_figure`.
    title : str
        Above the first axes.
    make_room : bool
        Whether the axes become narrower for the bars of colours; without, these are insets at their right.

    Returns
    -------
    DrawnPMT

    Raises
    ------
    InputError
        If there are not three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> times_ns = 1_663_503_939_000_000_000 + np.arange(400) * 250_000_000
    >>> current_A = np.random.default_rng(1).normal(3e-13, 1e-13, times_ns.size)
    >>> axes = Figure(layout="constrained").subplots(1, 3)
    >>> drawn = draw_pmt(axes, times_ns, current_A, np.arange(400) % 80 < 40, None)
    >>> int(drawn.on.readings.get_array().sum())  # the largest and the smallest currents may lie outside
    200
    """
    on, off, beside = checked_axes(axes, ("coil on", "coil off", "histograms"), "the current of a PMT")
    if title:
        as_name(on.set_title(title, loc="left", fontsize="medium"))
    if current_A.size == 0:
        for one in (on, off, beside):
            say_nothing(one, "no readings yet")
        return DrawnPMT()
    bins = _bins_of(timestamps_ns, current_A, coil_on)
    of_on = _draw_state(on, beside, "on", bins, coil_on, result, make_room)
    of_off = _draw_state(off, beside, "off", bins, ~coil_on, result, make_room)
    set_dates((on, off))
    off.set_xlabel("time (wall clock)")
    beside.set_ylim(bins.edges[0], bins.edges[-1])
    beside.set_xlabel(f"readings per {bins.width:.3g} {bins.unit}")
    beside.set_ylabel(f"current ({bins.unit})")
    if result is not None and (difference := _measured(result, "difference_A", bins)):
        beside.set_title(f"on - off =\n{difference}", fontsize="medium")
    legend = beside.legend(loc="upper center", bbox_to_anchor=(0.5, -0.11), fontsize="small")
    return DrawnPMT(of_on, of_off, legend)


def _draw_state(
    axes: Axes,
    beside: Axes,
    state: str,
    bins: _Bins,
    chosen: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    make_room: bool,
) -> DrawnState | None:
    """The readings of one state of the coil; None, said in the axes, where there are none."""
    axes.set_ylabel(f"coil {state}: current ({bins.unit})")
    if not chosen.any():
        axes.text(0.5, 0.5, f"the coil was never {state}", transform=axes.transAxes, ha="center", va="center")
        return None
    counts = np.histogram2d(bins.days[chosen], bins.current[chosen], (bins.day_edges, bins.edges))[0]
    most = max(2.0, counts.max())
    is_log = most >= LOG_SCALE_FROM
    norm = LogNorm(1, most) if is_log else Normalize(0, most)
    shown = np.ma.masked_equal(counts.T, 0)
    mesh = axes.pcolormesh(bins.day_edges, bins.edges, shown, norm=norm, cmap="viridis")
    ticks = LogLocator(10, (1, 2, 5)) if is_log else MaxNLocator(5, integer=True)
    label = f"readings per {bins.time_s:.3g} s\nand {bins.width:.3g} {bins.unit}"
    bar = colour_bar(mesh, axes, label, make_room=make_room, format="{x:g}", ticks=ticks)
    bar.minorticks_off()
    name = f"current_{state}_A"
    measured = None if result is None else _measured(result, name, bins)
    mean = mean_beside = band = None
    if result is not None and measured:
        level = result[name] / bins.scale
        mean, mean_beside = (one.axhline(level, color=COLOURS[state], linewidth=1.2) for one in (axes, beside))
        error = result[error_column(name, result.keys()) or name]
        if error is not None:
            low, high = level - error / bins.scale, level + error / bins.scale
            band = beside.axhspan(low, high, color=COLOURS[state], alpha=0.3, linewidth=0.0)
    histogram = beside.stairs(
        np.histogram(bins.current[chosen], bins.edges)[0], bins.edges, linestyle=STYLES[state],
        orientation="horizontal", color=COLOURS[state], label=f"coil {state}: {measured or 'no mean'}",
    )  # fmt: skip
    return DrawnState(mesh, bar, mean, histogram, mean_beside, band)


def _bins_of(timestamps_ns: NDArray[np.int64], current_A: Floats, coil_on: NDArray[np.bool_]) -> _Bins:
    scale, unit = current_unit(current_A)
    current = current_A / scale
    low, high = np.quantile(current, (OUTSIDE, 1.0 - OUTSIDE))
    margin = MARGIN * (high - low) or abs(high) or 1.0
    width = _width(current, coil_on, high - low + 2.0 * margin)
    first = np.floor((low - margin) / width)
    edges = width * (first + np.arange(np.ceil((high + margin) / width) - first + 1))
    days = timestamps_ns / DAY_NS
    span_s = max(days.max() - days.min(), LEAST_SPAN_DAYS) * DAY_NS / SECOND_NS
    time_s = round_up(span_s / np.clip(current.size / READINGS_PER_TIME_BIN, FEWEST_BINS, MOST_TIME_BINS))
    day_edges = days.min() + np.arange(np.ceil(span_s / time_s) + 1) * (time_s * SECOND_NS / DAY_NS)
    return _Bins(days, current, day_edges, edges, scale, unit, time_s, width)


def _width(current: Floats, coil_on: NDArray[np.bool_], span: float) -> float:
    """Bins of the current: twice the spread of a state by the cube root of its readings (Freedman and Diaconis)."""
    states = [current[chosen] for chosen in (coil_on, ~coil_on) if chosen.sum() > 1]
    widths = [2.0 * float(np.subtract(*np.quantile(s, (0.75, 0.25)))) / np.cbrt(s.size) for s in states]
    width = min((w for w in widths if w > 0.0), default=span / FEWEST_BINS)
    return round_up(float(np.clip(width, span / MOST_CURRENT_BINS, span / FEWEST_BINS)))


def round_up(width: float) -> float:
    """The smallest number 1, 2 or 5 times a power of ten that is not smaller.

    Examples
    --------
    >>> round_up(0.3), round_up(20.0), round_up(51.0)
    (0.5, 20.0, 100.0)
    """
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(m for m in (1, 2, 5, 10) if m * power >= 0.9999 * width) * power)


def _measured(result: Mapping[str, Any], name: str, bins: _Bins) -> str:
    """A current of the result row with its error; empty where there is none."""
    if result[name] is None:
        return ""
    column = error_column(name, result.keys())
    error = None if column is None else result[column]
    return with_error(result[name] / bins.scale, np.nan if error is None else error / bins.scale, bins.unit)
