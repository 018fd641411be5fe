"""Figures of the silicon detector: an overview of a file, and one burst with its fit.

Both take arrays, the table of bursts and a `Fit`, and return a new `matplotlib.figure.Figure` that pyplot does not
know, so that they are safe in threads and in long runs. Promise: without pulses or bursts, and for a fit that is not
valid, there is a figure that says so. `draw_overview` and `draw_burst` draw into given axes, and return the artists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..fits.result import Fit
from .axes import SeveralAxes, figure_of
from .burst import DrawnBurst, draw_burst
from .overview import DrawnOverview, draw_overview

__all__ = ["DrawnBurst", "DrawnOverview", "burst_figure", "draw_burst", "draw_overview", "overview_figure"]


def overview_figure(
    timestamps_ns: ArrayLike | pl.Series,
    pulse_heights: ArrayLike | pl.Series,
    bursts: pl.DataFrame | None = None,
    *,
    title: str = "",
    axes: SeveralAxes | None = None,
) -> Figure:
    """Pulse heights and pulse rate over time, with the bursts marked.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns since 1970, wall clock.
    pulse_heights : array or polars Series of integers or floats, shape (n,)
        Pulse heights, channels.
    bursts : polars.DataFrame, optional
        The table of `find_bursts`, or the same with the times t0 of fits.
    title : str
        Name of the source.
    axes : two Axes, optional
        Axes to draw into, as for `draw_overview`; by default, a new figure is made.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When the times are not sorted integers, or there are not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bursts
    >>> random = np.random.default_rng(1)
    >>> times_s = np.sort(np.append(random.uniform(0.0, 60.0, 3000), 20.0 + random.exponential(1.0, 500)))
    >>> times_ns, heights = (times_s * 1e9).astype(np.int64), random.integers(2400, 2500, times_s.size)
    >>> figure = overview_figure(times_ns, heights, find_bursts(times_ns), title="ssd.csv")
    >>> figure.axes[0].get_title(loc="right")
    '3,500 pulses, 1 burst'
    """
    if axes is not None:
        draw_overview(axes, timestamps_ns, pulse_heights, bursts, title=title)
        return figure_of(axes)
    figure = Figure(figsize=(8.4, 5.6), layout="constrained")
    pair = figure.subplots(2, 1, sharex=True, height_ratios=(3.0, 2.0))
    draw_overview(pair, timestamps_ns, pulse_heights, bursts, title=title, make_room=True)
    return figure


def burst_figure(
    timestamps_ns: ArrayLike | pl.Series,
    burst: Mapping[str, Any],
    fit: Fit,
    *,
    title: str = "",
    dead_time_s: float = 0.0,
    axes: SeveralAxes | None = None,
) -> Figure:
    """One burst: pulses per bin, fitted curve, background, residuals and the numbers.

    Parameters
    ----------
    timestamps_ns : array or polars Series of integers, shape (n,)
        Sorted pulse times in ns since 1970, wall clock.
    burst : mapping
        The row of the table of `find_bursts` that was fitted.
    fit : Fit
        The result of `fit_burst`.
    title : str
        Name of the source.
    dead_time_s : float
        The same as for `fit_burst`, s: the curve is the fitted rate reduced by the dead time.
    axes : two Axes, optional
        Axes to draw into, as for `draw_burst`; by default, a new figure is made.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When the times are not sorted integers, or there are not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bursts, fit_burst
    >>> random = np.random.default_rng(1)
    >>> times_s = np.sort(np.append(random.uniform(0.0, 60.0, 3000), 20.0 + random.exponential(1.0, 500)))
    >>> times_ns = (times_s * 1e9).astype(np.int64)
    >>> burst = find_bursts(times_ns).row(0, named=True)
    >>> figure = burst_figure(times_ns, burst, fit_burst(times_ns, burst))
    >>> figure.axes[1].get_xlabel()
    'time since t0 (s)'

    In a figure of one's own, which has room for something else at the left:

    >>> from matplotlib.figure import Figure
    >>> page = Figure(figsize=(12.0, 4.0), layout="constrained")
    >>> left, right = page.subfigures(1, 2)
    >>> pair = right.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    >>> burst_figure(times_ns, burst, fit_burst(times_ns, burst), axes=pair) is page
    True
    """
    if axes is not None:
        draw_burst(axes, timestamps_ns, burst, fit, title=title, dead_time_s=dead_time_s)
        return figure_of(axes)
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    pair = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1.0))
    draw_burst(pair, timestamps_ns, burst, fit, title=title, dead_time_s=dead_time_s)
    return figure
