"""The overview of a file of pulses, drawn into two axes: pulse heights over time, and the pulse rate with its bursts.

Pulses are counted in bins before anything is drawn (`PulseCounts`), so that 2e7 pulses take a second, and files are
small.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.markers import CARETDOWN
from matplotlib.patches import StepPatch
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike, NDArray

from ...kernels.units import DAY_NS, SECOND_NS
from ..fits.bursts.background import background_curve
from ..fits.bursts.search import sorted_times_ns
from .axes import SeveralAxes, checked_axes, colour_bar, say_nothing, set_x_limits
from .dates import set_dates
from .labels import as_name
from .pulse_counts import Counts, PulseCounts

__all__ = ["DrawnOverview", "draw_overview"]

Integers = NDArray[np.int64]

ROOM_FOR_LEGEND = 1.3
"""Upper limit of the axis of the rate, in units of the highest rate."""
RATE, BACKGROUND, BURST = "#3b3b3b", "#1f6fb4", "#c8321e"


class DrawnOverview(NamedTuple):
    """The artists that `draw_overview` drew; None for those without data."""

    heights: AxesImage | None = None
    """Pulses per bin of time and pulse height."""
    bar: Colorbar | None = None
    rate: StepPatch | None = None
    background: Line2D | None = None
    bursts: Line2D | None = None
    burst_errors: LineCollection | None = None
    """Of the times t0 of those whose fit is valid."""
    legend: Legend | None = None


def draw_overview(
    axes: SeveralAxes,
    timestamps_ns: ArrayLike | pl.Series,
    pulse_heights: ArrayLike | pl.Series,
    bursts: pl.DataFrame | None = None,
    *,
    title: str = "",
    make_room: bool = False,
) -> DrawnOverview:
    """Draw pulse heights and pulse rate over time, with the bursts marked.

    Parameters
    ----------
    axes : two Axes
        The upper axes, for pulse heights, and the lower ones, for the rate. They should share x.
    timestamps_ns, pulse_heights, bursts, title
        As for `overview_figure`.
    make_room : bool
        Whether the axes are made narrower for the colour bar; otherwise it is an inset at their right.

    Returns
    -------
    DrawnOverview

    Raises
    ------
    InputError
        When there are not two axes, or the times are not sorted integers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(layout="constrained")
    >>> below = figure.subplots(3, 1)[1:]  # above them is room for something else
    >>> drawn = draw_overview(below, [1_000_000_000, 2_500_000_000], [700, 2470])
    >>> int(drawn.heights.get_array().sum())
    2
    """
    above, below = checked_axes(axes, ("pulse heights", "pulse rate"), "an overview")
    times_ns = sorted_times_ns(timestamps_ns)
    counts = PulseCounts.of(times_ns, np.asarray(pulse_heights))
    number = 0 if bursts is None else bursts.height
    pulses = f"{counts.pulses:,} pulse{'' if counts.pulses == 1 else 's'}"
    as_name(above.set_title(title, loc="left", fontsize="medium"))
    above.set_title(f"{pulses}, {number} burst{'' if number == 1 else 's'}", loc="right", fontsize="medium")
    above.set_ylabel("pulse height (channel)")
    below.set_ylabel("pulse rate (1/s)")
    below.set_xlabel("time (wall clock)")
    if not counts.pulses:
        for one in (above, below):
            say_nothing(one, "no pulses")
            one.set_xticks([])
        return DrawnOverview()
    heights, bar = _draw_heights(above, counts.heights(), make_room)
    known = [] if bursts is None else list(bursts.select("onset_ns", "end_ns").iter_rows())
    drawn = _draw_rate(below, counts.rate(), background_curve(times_ns, known), bursts)
    set_dates((above, below))
    last_ns = max(counts.last_ns + 1, counts.first_ns + SECOND_NS)
    set_x_limits((below, above), counts.first_ns / DAY_NS, last_ns / DAY_NS)
    return drawn._replace(heights=heights, bar=bar)


def _draw_heights(axes: Axes, found: Counts | None, make_room: bool) -> tuple[AxesImage, Colorbar] | tuple[None, None]:
    if found is None:
        say_nothing(axes, "no pulse heights")
        return None, None
    counts, edges_ns, channels, low = found
    image = axes.imshow(
        np.ma.masked_equal(counts.T, 0),
        norm=LogNorm(vmin=1.0, vmax=max(2.0, float(counts.max()))),
        extent=(edges_ns[0] / DAY_NS, edges_ns[-1] / DAY_NS, low, low + channels * counts.shape[1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
    )
    label = f"pulses per {(edges_ns[1] - edges_ns[0]) / SECOND_NS:.3g} s and {channels:g} ch"
    bar = colour_bar(image, axes, label, make_room=make_room, format="{x:g}", ticks=LogLocator(10, (1, 2, 5)))
    bar.minorticks_off()
    return image, bar


def _draw_rate(
    axes: Axes, found: Counts, background_Hz: tuple[Integers, NDArray[np.float64]], bursts: pl.DataFrame | None
) -> DrawnOverview:
    edges, (at, level) = found.edges_ns, background_Hz
    rate = found.counts / np.diff(edges) * SECOND_NS
    bin_s = np.median(np.diff(edges)) / SECOND_NS
    stairs = axes.stairs(rate, edges / DAY_NS, color=RATE, linewidth=0.7, label=f"rate in {bin_s:.2g} s")
    background = marks = errors = None
    if at.size:
        (background,) = axes.plot(at / DAY_NS, level, color=BACKGROUND, linewidth=1.3, label="background")
    if bursts is not None and bursts.height:
        when = bursts["timestamp_ns"].to_numpy()
        label = "bursts, at t0" if "timestamp_error_ns" in bursts.columns else "bursts"
        peaks = _peaks(rate, edges, when)
        marks = _draw_marks(axes, when, peaks, label)
        if "timestamp_error_ns" in bursts.columns:
            error = bursts["timestamp_error_ns"].fill_null(0.0).to_numpy()
            errors = axes.hlines(peaks, (when - error) / DAY_NS, (when + error) / DAY_NS, color=BURST, linewidth=1.0)
    axes.set_ylim(0.0, ROOM_FOR_LEGEND * max(float(rate.max()), 1e-9))
    legend = axes.legend(loc="upper right", fontsize="small", ncols=3)
    return DrawnOverview(rate=stairs, background=background, bursts=marks, burst_errors=errors, legend=legend)


def _peaks(rate: NDArray[np.float64], edges: Integers, when: Integers) -> NDArray[np.float64]:
    """The rate at the peaks of bursts: the highest of the bins of their times and of the bins beside them."""
    at = np.clip(np.searchsorted(edges, when, side="right") - 1, 0, rate.size - 1)
    beside = np.clip(at[:, None] + np.arange(-1, 2), 0, rate.size - 1)
    return np.asarray(rate[beside].max(axis=1))


def _draw_marks(axes: Axes, when: Integers, height: NDArray[np.float64], label: str) -> Line2D:
    """A mark whose tip stands on each peak."""
    (marks,) = axes.plot(
        when / DAY_NS, height, color=BURST, marker=CARETDOWN, linestyle="none", markersize=7.0, label=label,
        clip_on=False,
    )  # fmt: skip
    return marks
