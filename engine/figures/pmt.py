"""The figure of `PMTAnalysis`: current against time with the coil on and off, and histograms of both."""

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
from matplotlib.patches import StepPatch
from numpy.typing import NDArray

from ...kernels.units import DAY_NS
from ..fits.error_names import error_column
from .axes import SeveralAxes, checked_axes, colour_bar, figure_of, say_nothing, set_dates
from .labels import as_name, with_error

__all__ = ["DrawnPMT", "DrawnState", "draw_pmt", "pmt_figure"]

Floats = NDArray[np.float64]

FEWEST_BINS = 10
MOST_TIME_BINS, MOST_CURRENT_BINS = 120, 60
READINGS_PER_TIME_BIN = 8
LEAST_SPAN_DAYS = 1e-5
OUTSIDE = 0.001
"""Fraction of the readings that may be below, and above, the range of the histogram, which excludes spikes."""
MARGIN = 0.1
"""Margin below and above the readings, as a fraction of their range."""
LOG_SCALE_FROM = 20  # counts; for fewer, the colour scale is linear
COLOURS = {"on": "#d55e00", "off": "#0072b2"}
PREFIXES = ((1e-15, "fA"), (1e-12, "pA"), (1e-9, "nA"), (1e-6, "uA"), (1e-3, "mA"), (1.0, "A"))


class DrawnState(NamedTuple):
    """The artists that `draw_pmt` drew for one state of the coil; lines of the mean are None without a mean."""

    readings: QuadMesh
    """Readings per bin of time and current."""
    bar: Colorbar
    mean: Line2D | None
    histogram: StepPatch
    mean_beside: Line2D | None
    """The mean, in the axes of the histogram."""


class DrawnPMT(NamedTuple):
    """The artists that `draw_pmt` drew; None for those without data."""

    on: DrawnState | None = None
    off: DrawnState | None = None
    legend: Legend | None = None


class _Bins(NamedTuple):
    """Bins of time and current; the current is in a unit in which most numbers are between 1 and 1000."""

    days: Floats
    current: Floats
    day_edges: Floats
    edges: Floats
    scale: float
    """Size of the unit, A."""
    unit: str


def pmt_figure(
    timestamps_ns: NDArray[np.int64],
    current_A: NDArray[np.float64],
    coil_on: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    title: str,
    *,
    axes: SeveralAxes | None = None,
) -> Figure:
    """Draw the current of a PMT against time, with the coil on and off, and histograms of both.

    Parameters
    ----------
    timestamps_ns : int64, shape (n,)
        Times, ns since 1970, wall clock.
    current_A : float64, shape (n,)
        Currents, A.
    coil_on : bool, shape (n,)
        Whether the coil was on.
    result : mapping, optional
        A row of the results of `PMTAnalysis`, whose means are drawn.
    title : str
        Name of the source.
    axes : three Axes, optional
        Axes to draw into, as for `draw_pmt`; by default, a new figure is made.

    Returns
    -------
    Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When there are not three axes.

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
    figure = Figure(figsize=(11.0, 6.5), layout="constrained")
    as_name(figure.suptitle(heading))
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1))
    if current_A.size == 0:
        figure.add_subplot(grid[:, :]).set_title("no readings yet")
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
    """Draw the current of a PMT against time, with the coil on and off, and histograms of both, into three axes.

    Parameters
    ----------
    axes : three Axes
        For the current with the coil on, for the current with the coil off (these two should share x and y), and for
        the histograms.
    timestamps_ns, current_A, coil_on, result
        As for `pmt_figure`.
    title : str
        Title of the first axes.
    make_room : bool
        Whether the axes are made narrower for the colour bars; otherwise these are insets at their right.

    Returns
    -------
    DrawnPMT

    Raises
    ------
    InputError
        When there are not three axes.

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
    bins = _bins_of(timestamps_ns, current_A)
    of_on = _draw_state(on, beside, "on", bins, coil_on, result, make_room)
    of_off = _draw_state(off, beside, "off", bins, ~coil_on, result, make_room)
    set_dates((on, off))
    off.set_xlabel("time")
    beside.set_ylim(bins.edges[0], bins.edges[-1])
    beside.set_xlabel("readings per bin")
    beside.set_ylabel(f"current ({bins.unit})")
    if result is not None and (difference := _measured(result, "difference_A", bins)):
        beside.set_title(f"on - off = {difference}", fontsize="medium")
    legend = beside.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), fontsize="small")
    return DrawnPMT(of_on, of_off, legend)


def _draw_state(
    axes: Axes,
    beside: Axes,
    state: str,
    bins: _Bins,
    chosen: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    make_room: bool,
) -> DrawnState:
    """Draw the readings with the coil in one state."""
    counts = np.histogram2d(bins.days[chosen], bins.current[chosen], (bins.day_edges, bins.edges))[0]
    most = max(2.0, counts.max())
    norm = LogNorm(1, most) if most >= LOG_SCALE_FROM else Normalize(0, most)
    shown = np.ma.masked_equal(counts.T, 0)
    mesh = axes.pcolormesh(bins.day_edges, bins.edges, shown, norm=norm, cmap="viridis")
    bar = colour_bar(mesh, axes, "readings", make_room=make_room)
    axes.set_ylabel(f"current, coil {state} ({bins.unit})")
    name = f"current_{state}_A"
    measured = None if result is None else _measured(result, name, bins)
    mean = mean_beside = None
    if result is not None and measured:
        level = result[name] / bins.scale
        mean, mean_beside = (one.axhline(level, color=COLOURS[state], linewidth=1.2) for one in (axes, beside))
    histogram = beside.stairs(
        np.histogram(bins.current[chosen], bins.edges)[0], bins.edges,
        orientation="horizontal", color=COLOURS[state], label=f"coil {state}: {measured or 'no readings'}",
    )  # fmt: skip
    return DrawnState(mesh, bar, mean, histogram, mean_beside)


def _bins_of(timestamps_ns: NDArray[np.int64], current_A: Floats) -> _Bins:
    scale, unit = _unit(current_A)
    current = current_A / scale
    low, high = np.quantile(current, (OUTSIDE, 1.0 - OUTSIDE))
    margin = MARGIN * (high - low) or abs(high) or 1.0
    bins = int(np.clip(np.sqrt(current.size), FEWEST_BINS, MOST_CURRENT_BINS))
    edges = np.linspace(low - margin, high + margin, bins + 1)
    days = timestamps_ns / DAY_NS
    time_bins = int(np.clip(current.size / READINGS_PER_TIME_BIN, FEWEST_BINS, MOST_TIME_BINS))
    day_edges = np.linspace(days.min(), max(days.max(), days.min() + LEAST_SPAN_DAYS), time_bins + 1)
    return _Bins(days, current, day_edges, edges, scale, unit)


def _unit(current_A: Floats) -> tuple[float, str]:
    """Size in A, and name, of the unit in which most currents are numbers of one to three digits."""
    size = float(np.quantile(np.abs(current_A), 0.9))
    return next(((s, name) for s, name in reversed(PREFIXES) if size >= s), PREFIXES[0])


def _measured(result: Mapping[str, Any], name: str, bins: _Bins) -> str:
    """A current of the row of results with its error, as text; empty where there is none."""
    if result[name] is None:
        return ""
    column = error_column(name, result.keys())
    error = None if column is None else result[column]
    return with_error(result[name] / bins.scale, np.nan if error is None else error / bins.scale, bins.unit)
