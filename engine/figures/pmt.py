"""The figure of `PMTAnalysis`: current against time with the coil on and off, and how the readings are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..fits.result import rounded

__all__ = ["pmt_figure"]

MOST_TIME_BINS, MOST_CURRENT_BINS = 120, 60
LOG_SCALE_FROM = 20  # counts: below, a linear colour scale reads better
COLOURS = {"on": "#d55e00", "off": "#0072b2"}
PREFIXES = ((1e-15, "fA"), (1e-12, "pA"), (1e-9, "nA"), (1e-6, "uA"), (1e-3, "mA"), (1.0, "A"))


def pmt_figure(
    timestamps_ns: NDArray[np.int64],
    current_A: NDArray[np.float64],
    coil_on: NDArray[np.bool_],
    result: Mapping[str, Any] | None,
    title: str,
) -> Figure:
    """Draw the PMT's current.

    Parameters
    ----------
    timestamps_ns : int64, shape (n,)
    current_A : float64, shape (n,)
    coil_on : bool, shape (n,)
    result : mapping, optional
        The result row of `PMTAnalysis`.
    title : str

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(11.0, 6.5), layout="constrained")
    figure.suptitle(f"PMT current, {title}")
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1))
    if current_A.size == 0:
        figure.add_subplot(grid[:, :]).set_title("no readings yet")
        return figure
    scale, unit = _unit(current_A)
    current = current_A / scale
    low, high = np.quantile(current, (0.001, 0.999))
    margin = 0.1 * (high - low) or abs(high) or 1.0
    bins = int(np.clip(np.sqrt(current.size), 10, MOST_CURRENT_BINS))
    edges = np.linspace(low - margin, high + margin, bins + 1)
    days = timestamps_ns / 86_400e9
    time_bins = int(np.clip(current.size / 8, 10, MOST_TIME_BINS))
    time_edges = np.linspace(days.min(), max(days.max(), days.min() + 1e-5), time_bins + 1)
    beside = figure.add_subplot(grid[:, 1])
    first = None
    for place, (state, chosen) in enumerate((("on", coil_on), ("off", ~coil_on))):
        axes = figure.add_subplot(grid[place, 0], sharex=first, sharey=first)
        first = first or axes
        counts = np.histogram2d(days[chosen], current[chosen], (time_edges, edges))[0]
        shown = np.ma.masked_equal(counts.T, 0)
        most = max(2.0, counts.max())
        norm = LogNorm(1, most) if most >= LOG_SCALE_FROM else Normalize(0, most)
        mesh = axes.pcolormesh(time_edges, edges, shown, norm=norm, cmap="viridis")
        figure.colorbar(mesh, ax=axes, label="readings", pad=0.01)
        axes.set_ylabel(f"current, coil {state} ({unit})")
        label = f"coil {state}: no readings"
        if result is not None and (mean := result[f"current_{state}_A"]) is not None:
            axes.axhline(mean / scale, color=COLOURS[state], linewidth=1.2)
            beside.axhline(mean / scale, color=COLOURS[state], linewidth=1.2)
            label = f"coil {state}: {_with_error(result, f'current_{state}', scale)} {unit}"
        heights = np.histogram(current[chosen], edges)[0]
        beside.stairs(heights, edges, orientation="horizontal", color=COLOURS[state], label=label)
    assert first is not None
    first.tick_params(labelbottom=False)
    locator = mdates.AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time")
    beside.set_ylim(edges[0], edges[-1])
    beside.set_xlabel("readings per bin")
    beside.set_ylabel(f"current ({unit})")
    if result is not None and result["difference_A"] is not None:
        beside.set_title(f"on - off = {_with_error(result, 'difference', scale)} {unit}", fontsize="medium")
    beside.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), fontsize="small")
    return figure


def _unit(current_A: NDArray[np.float64]) -> tuple[float, str]:
    size = float(np.quantile(np.abs(current_A), 0.9))
    return next(((s, name) for s, name in reversed(PREFIXES) if size >= s), PREFIXES[0])


def _with_error(result: Mapping[str, Any], name: str, scale: float) -> str:
    error = result[f"{name}_error_A"]
    return " +- ".join(rounded(result[f"{name}_A"] / scale, np.nan if error is None else error / scale))
