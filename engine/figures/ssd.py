"""Figures of the silicon detector: an overview of a file, and one burst with its fit.

Both take arrays, the table of bursts and a `Fit`, and return a `matplotlib.figure.Figure` that belongs to nobody
else: no pyplot, hence safe in threads and in long runs. Pulses are counted into bins before anything is drawn, so
that 2e7 of them cost a second and the files stay small. Promise: no pulses, no bursts, and a fit that is not valid
give a figure that says so.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike, NDArray

from ...kernels.histogram import fill_2d
from ...kernels.units import DAY_NS, SECOND_NS
from ..fits.bursts.background import background_curve
from ..fits.bursts.dead_time import measured_rate_Hz
from ..fits.bursts.search import sorted_times_ns
from ..fits.bursts.values import burst_rate_Hz, expected_pulses, numbered
from ..fits.result import Fit, rounded

__all__ = ["burst_figure", "overview_figure"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TIME_BINS = 600
RATE_BINS = 1500
SHORTEST_RATE_BIN_S = 0.25
HEIGHT_BINS = 256
DATA, MODEL, LEVEL, MARK, WARNING = "#3b3b3b", "#c8321e", "#1f6fb4", "#c8321e", "#a01818"


def overview_figure(
    timestamps_ns: ArrayLike | pl.Series,
    pulse_heights: ArrayLike | pl.Series,
    bursts: pl.DataFrame | None = None,
    *,
    title: str = "",
) -> Figure:
    """Pulse heights and pulse rate over time, with the bursts marked.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns since 1970, wall clock.
    pulse_heights : array or polars Series of integers or floats, shape (n,)
        Channels.
    bursts : polars.DataFrame, optional
        The table of `find_bursts`.
    title : str
        Name of the source.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the times are not sorted integers.
    """
    times_ns = sorted_times_ns(timestamps_ns)
    heights = np.asarray(pulse_heights)
    figure = Figure(figsize=(10.0, 6.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.0, 2.0))
    number = 0 if bursts is None else bursts.height
    above.set_title(title, loc="left", fontsize="medium")
    pulses = f"{times_ns.size:,} pulse{'' if times_ns.size == 1 else 's'}"
    above.set_title(f"{pulses}, {number} burst{'' if number == 1 else 's'}", loc="right", fontsize="medium")
    above.set_ylabel("pulse height (channel)")
    below.set_ylabel("pulse rate (1/s)")
    below.set_xlabel("time")
    if times_ns.size == 0:
        for axes in (above, below):
            _say(axes, "no pulses")
            axes.set_xticks([])
        return figure
    first, last = int(times_ns[0]), max(int(times_ns[-1]) + 1, int(times_ns[0]) + SECOND_NS)
    _draw_heights(figure, above, times_ns, heights, first, last)
    _draw_rate(below, times_ns, bursts, first, last)
    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    below.set_xlim(_days(first), _days(last))
    return figure


def _draw_heights(figure: Figure, axes: Axes, times_ns: Integers, heights: NDArray[Any], first: int, last: int) -> None:
    finite = heights[np.isfinite(heights)]
    if finite.size == 0:
        _say(axes, "no pulse heights")
        return
    low, high = math.floor(float(finite.min())), math.floor(float(finite.max())) + 1
    channels = max(1, math.ceil((high - low) / HEIGHT_BINS))  # whole channels a bin: no stripes
    rows = math.ceil((high - low) / channels)
    high = low + rows * channels
    columns = int(min(TIME_BINS, max(20, times_ns.size)))
    counts = np.zeros((columns, rows), dtype=np.int64)
    fill_2d(times_ns, heights, first, last, low, high, counts)
    extent = (_days(first), _days(last), low, high)
    image = axes.imshow(
        np.ma.masked_equal(counts.T, 0),
        norm=LogNorm(vmin=1.0, vmax=max(2.0, float(counts.max()))),
        extent=extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="viridis",
    )
    bin_s = (last - first) / columns / SECOND_NS
    label = f"pulses per {bin_s:.3g} s and {channels} ch"
    bar = figure.colorbar(image, ax=axes, label=label, pad=0.01, format="{x:g}", ticks=LogLocator(10, (1, 2, 5)))
    bar.minorticks_off()


def _draw_rate(axes: Axes, times_ns: Integers, bursts: pl.DataFrame | None, first: int, last: int) -> None:
    bins = int(min(RATE_BINS, max(10, (last - first) / SECOND_NS / SHORTEST_RATE_BIN_S)))
    edges = np.linspace(0, last - first, bins + 1).astype(np.int64) + first
    rate = np.diff(np.searchsorted(times_ns, edges)) / np.diff(edges) * SECOND_NS
    days = edges / DAY_NS
    axes.stairs(rate, days, color=DATA, linewidth=0.7)
    known = [] if bursts is None else list(bursts.select("onset_ns", "end_ns").iter_rows())
    at, level = background_curve(times_ns, known)
    if at.size:
        axes.plot(at / DAY_NS, level, color=LEVEL, linewidth=1.3, label="background")
    if bursts is not None and bursts.height:
        apex = bursts["timestamp_ns"].to_numpy()
        height = rate[np.clip(np.searchsorted(edges, apex, side="right") - 1, 0, bins - 1)]
        axes.plot(apex / DAY_NS, height, "v", color=MARK, markersize=5.0, label="bursts", clip_on=False)
    axes.set_ylim(0.0, 1.3 * max(float(rate.max()), 1e-9))  # room for the legend
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper right", fontsize="small", ncols=2)


def burst_figure(
    timestamps_ns: ArrayLike | pl.Series,
    burst: Mapping[str, Any],
    fit: Fit,
    *,
    title: str = "",
    dead_time_s: float = 0.0,
) -> Figure:
    """One burst: pulses per bin, fitted curve, background, residuals and the numbers.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns since 1970, wall clock.
    burst : mapping
        The row of the table of `find_bursts` that was fitted.
    fit : Fit
        The answer of `fit_burst`.
    title : str
        Name of the source.
    dead_time_s : float
        As given to `fit_burst`: the curve is the rate that is left of the fitted one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If the times are not sorted integers.
    """
    times_ns = sorted_times_ns(timestamps_ns)
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1.0))
    fitted = math.isfinite(fit.values["background_Hz"])
    t0_ns = int(fit.values["t0_ns"]) if fitted else int(burst["timestamp_ns"])
    clock = datetime.fromtimestamp(t0_ns // SECOND_NS, tz=UTC)
    above.set_title(title, loc="left", fontsize="medium")
    above.set_title(f"{clock:%Y-%m-%d %H:%M:%S}.{t0_ns % SECOND_NS // 1_000_000:03d}", loc="right", fontsize="medium")
    edges_ns = _edges_around(times_ns, burst, fit if fitted else None, t0_ns)
    counts = np.diff(np.searchsorted(times_ns, edges_ns))
    edges_s = (edges_ns - t0_ns) / SECOND_NS
    bin_s = float(edges_s[1] - edges_s[0])
    middle = 0.5 * (edges_s[1:] + edges_s[:-1])
    above.errorbar(middle, counts, np.sqrt(counts), fmt=".", color=DATA, markersize=4, linewidth=0.8, label="pulses")
    above.set_ylabel(f"pulses per {bin_s * 1e3:.0f} ms")
    below.set_xlabel("time since the maximum (s)" if fitted else "time since the apex (s)")
    below.set_ylabel(r"residual ($\sigma$)")
    top = 1.35 * float((counts + np.sqrt(counts)).max(initial=1.0))
    above.set_ylim(0.0, top)
    above.set_xlim(edges_s[0], edges_s[-1])
    if fitted:
        _draw_fit(above, below, fit, edges_ns, edges_s, counts, t0_ns, dead_time_s)
    else:
        _say(below, "no fit")
    above.text(
        0.985,
        0.97,
        _numbers(burst, fit, fitted),
        transform=above.transAxes,
        ha="right",
        va="top",
        fontsize="small",
        linespacing=1.4,
    )
    if not fit.valid:
        reason = textwrap.fill(f"not valid: {fit.reason}", 46)
        above.text(0.015, 0.80, reason, transform=above.transAxes, ha="left", va="top", fontsize="small", color=WARNING)
    above.legend(loc="upper left", fontsize="small", ncols=3)
    return figure


def _edges_around(times_ns: Integers, burst: Mapping[str, Any], fit: Fit | None, t0_ns: int) -> Integers:
    """Edges of even bins that show the burst with some background, within the data; about 60 to 120 of them."""
    onset, end = int(burst["onset_ns"]), int(burst["end_ns"])
    before, behind = max(t0_ns - onset, 0) / SECOND_NS, max(end - t0_ns, 0) / SECOND_NS
    if fit is not None:
        before = min(max(before, 4.0 * fit.values["tau_rise_s"]), 3.0 * before + 2.0)
        behind = min(max(behind, 5.0 * fit.values["tau_decay_s"]), 3.0 * behind + 5.0)
    before, behind = 1.3 * before + 1.0, 1.3 * behind + 1.0
    low, high = t0_ns - int(before * SECOND_NS), t0_ns + int(behind * SECOND_NS)
    low = max(low, int(burst.get("window_begin_ns", low)))
    high = max(min(high, int(burst.get("window_end_ns", high))), low + SECOND_NS // 10)
    pulses = int(np.diff(np.searchsorted(times_ns, [low, high]))[0])
    bins = int(np.clip(pulses / 8.0, 30, 120))
    width = (high - low) / bins / 1e6  # ms, rounded to a number that reads well
    power = 10.0 ** math.floor(math.log10(width))
    width_ns = int(min((m for m in (1, 2, 5, 10) if m * power >= 0.999 * width), default=10) * power * 1e6)
    steps_before = max(1, (t0_ns - low) // width_ns)
    steps_behind = max(1, (high - t0_ns) // width_ns)
    return np.asarray(t0_ns + width_ns * np.arange(-steps_before, steps_behind + 1), dtype=np.int64)


def _draw_fit(
    above: Axes,
    below: Axes,
    fit: Fit,
    edges_ns: Integers,
    edges_s: Floats,
    counts: NDArray[np.intp],
    t0_ns: int,
    dead_time_s: float,
) -> None:
    values = fit.values
    bin_s = float(edges_s[1] - edges_s[0])
    fine_ns = np.linspace(0, int(edges_ns[-1] - edges_ns[0]), 2000).astype(np.int64) + edges_ns[0]
    style = "-" if fit.valid else "--"
    rate_Hz = measured_rate_Hz(burst_rate_Hz(values, fine_ns), dead_time_s)
    above.plot((fine_ns - t0_ns) / SECOND_NS, rate_Hz * bin_s, style, color=MODEL, label="fit")
    level, error = values["background_Hz"] * bin_s, fit.errors["background_Hz"] * bin_s
    above.axhline(level, color=LEVEL, linewidth=1.0, label="background")
    if math.isfinite(error):
        above.axhspan(level - error, level + error, color=LEVEL, alpha=0.25, linewidth=0.0)
    expected = expected_pulses(values, edges_ns)
    expected *= 1.0 - counts * dead_time_s / bin_s
    residual = (counts - expected) / np.sqrt(expected)
    below.errorbar(0.5 * (edges_s[1:] + edges_s[:-1]), residual, 1.0, fmt=".", color=DATA, markersize=4, linewidth=0.7)
    below.axhline(0.0, color=MODEL, linewidth=1.0)
    reach = max(3.5, 1.0 + 1.1 * float(np.abs(residual).max()))
    below.set_ylim(-reach, reach)


def _numbers(row: Mapping[str, Any], fit: Fit, fitted: bool) -> str:
    lines = []
    if fitted:
        for label, name, unit in (
            ("half-life", "half_life_s", " s"),
            ("pulses", "n_total", ""),
            ("background", "background_Hz", " /s"),
        ):
            for burst in (1, 2, 3):
                one = numbered(name, burst)
                if one in fit.values:
                    value, error = rounded(fit.values[one], fit.errors[one])
                    lines.append(f"{label}{f' ({burst})' if burst > 1 else ''}: {value} ± {error}{unit}")
    elif "pulses_peak" in row:
        lines.append(f"pulses above background: {row['pulses_peak']:.0f}")
    if math.isfinite(fit.significance):
        lines.append(f"significance: {fit.significance:.1f} $\\sigma$")
    if math.isfinite(fit.p_value):
        lines.append(f"goodness of fit: p = {fit.p_value:.2g}")
    return "\n".join(lines)


def _days(time_ns: int) -> float:
    return time_ns / DAY_NS


def _say(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.4")
    axes.set_yticks([])
