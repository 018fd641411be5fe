"""Figure of the MOT number against time."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ..fits.lifetime import lifetime_curve
from ..fits.result import Fit
from ..fits.rounding import with_error
from .axes import SeveralAxes, checked_axes, figure_of
from .dates import set_dates
from .labels import as_name

__all__ = ["DrawnMOTNumber", "draw_mot_number", "mot_number_figure"]

CURVE_POINTS = 400
ARROW = 0.3
"""Length of the arrow of a limit, in parts of it."""
REASON_WIDTH = 44  # letters in a line of why there is no lifetime
MEASURED, FAINT, NOTHING, CURVE = "#1f4e9c", "#8a949e", "#6b6b6b", "#c8321e"


class DrawnMOTNumber(NamedTuple):
    """What `draw_mot_number` drew; None is what there was nothing to draw of."""

    measured: ErrorbarContainer | None
    faint: ErrorbarContainer | None
    """Atoms that are seen, too faint or cut off to be measured."""
    limits: ErrorbarContainer | None
    """Upper limits of images without atoms, at 95 %."""
    nothing: Line2D | None
    """Images without atoms of which no limit is known."""
    curve: Line2D | None
    """Of the lifetime."""
    legend: Legend | None


def mot_number_figure(
    results: pl.DataFrame, title: str, lifetime: Fit | None = None, *, axes: Axes | SeveralAxes | None = None
) -> Figure:
    """Draw how many atoms the images of a series show.

    Parameters
    ----------
    results : polars.DataFrame
        Of `ImageAnalysis`: ``timestamp_ns``, ``mot_number``, ``mot_number_unc`` and ``fit_successful``; with
        ``mot_number_limit``, images without atoms have arrows.
    title : str
    lifetime : Fit, optional
        Of `fit_lifetime`, whose curve is drawn.
    axes : Axes, optional
        Into which it is drawn, as by `draw_mot_number`; without, into a new figure.

    Returns
    -------
    Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there is more than one axes.

    Examples
    --------
    >>> import polars as pl
    >>> from utokyo import fit_lifetime
    >>> time_s, number = pl.int_range(20, eager=True), pl.Series([1e5 * 0.8**k for k in range(20)])
    >>> results = pl.DataFrame({"timestamp_ns": time_s * 1_000_000_000, "mot_number": number})
    >>> results = results.with_columns(mot_number_unc=pl.lit(500.0), fit_successful=pl.lit(True))
    >>> lifetime = fit_lifetime(*results.select("timestamp_ns", "mot_number", "mot_number_unc"))
    >>> figure = mot_number_figure(results, "cmos", lifetime)
    >>> figure.axes[0].get_ylabel()
    'atoms in the trap'
    """
    if axes is None:
        axes = Figure(figsize=(8.0, 4.6), layout="constrained").subplots()
    draw_mot_number(axes, results, title, lifetime)
    return figure_of(axes)


def draw_mot_number(
    axes: Axes | SeveralAxes, results: pl.DataFrame, title: str = "", lifetime: Fit | None = None
) -> DrawnMOTNumber:
    """Draw how many atoms the images of a series show.

    Parameters
    ----------
    axes : Axes
    results, title, lifetime
        As for `mot_number_figure`.

    Returns
    -------
    DrawnMOTNumber

    Raises
    ------
    InputError
        If there is more than one axes.

    Examples
    --------
    >>> import polars as pl
    >>> from matplotlib.figure import Figure
    >>> results = pl.DataFrame({"timestamp_ns": [0, 10**9], "mot_number": [14e3, None], "mot_number_unc": [9e2, None]})
    >>> drawn = draw_mot_number(Figure().subplots(), results.with_columns(fit_successful=pl.lit(True)))
    >>> [text.get_text() for text in drawn.legend.get_texts()]
    ['no atoms seen', 'measured']
    """
    (axes,) = checked_axes(axes, ("atoms in the trap",), "the MOT number")
    results = results.filter(pl.col("timestamp_ns").is_not_null())
    seen = results.filter(pl.col("mot_number").is_not_null())
    measured = _draw_numbers(axes, seen.filter(pl.col("fit_successful")), MEASURED, "measured")
    faint = _draw_numbers(axes, seen.filter(~pl.col("fit_successful")), FAINT, "seen, too faint or cut off")
    without = results.filter(pl.col("mot_number").is_null())
    if "mot_number_limit" not in without.columns:
        without = without.with_columns(mot_number_limit=pl.lit(None, pl.Float64))
    limits = _draw_limits(axes, without.filter(pl.col("mot_number_limit").is_not_null()))
    nothing = curve = None
    if (unknown := without.filter(pl.col("mot_number_limit").is_null())).height:
        at = _datetimes(unknown["timestamp_ns"].to_numpy())
        (nothing,) = axes.plot(at, np.zeros(at.size), "|", color=NOTHING, markersize=8.0, label="no atoms seen")
    if lifetime is not None and seen.height:
        curve = _draw_lifetime(axes, seen["timestamp_ns"].to_numpy(), lifetime)
    set_dates((axes,))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel("atoms in the trap")
    axes.set_xlabel("time (wall clock)")
    as_name(axes.set_title(title, fontsize="medium"))
    legend = axes.legend(frameon=False, fontsize="small") if axes.get_legend_handles_labels()[0] else None
    return DrawnMOTNumber(measured, faint, limits, nothing, curve, legend)


def _draw_numbers(axes: Axes, numbers: pl.DataFrame, colour: str, label: str) -> ErrorbarContainer | None:
    if not numbers.height:
        return None
    at = _datetimes(numbers["timestamp_ns"].to_numpy())
    values, errors = numbers["mot_number"].to_numpy(), numbers["mot_number_unc"].to_numpy()
    return axes.errorbar(at, values, errors, fmt="o", color=colour, markersize=3.5, linewidth=1.0, label=label)


def _draw_limits(axes: Axes, without: pl.DataFrame) -> ErrorbarContainer | None:
    """Arrows that point down from what there may be at most."""
    if not without.height:
        return None
    at, limit = _datetimes(without["timestamp_ns"].to_numpy()), without["mot_number_limit"].to_numpy()
    length = ARROW * limit
    return axes.errorbar(
        at, limit, length, fmt="_", uplims=True, color=NOTHING, markersize=6.0, linewidth=0.9,
        label="no atoms seen: less than this (95 %)",
    )  # fmt: skip


def _draw_lifetime(axes: Axes, timestamps_ns: NDArray[np.int64], lifetime: Fit) -> Line2D:
    """The curve; of a fit that is not valid broken, with the reason in the place of its number."""
    stamps = np.linspace(timestamps_ns.min(), timestamps_ns.max(), CURVE_POINTS).astype(np.int64)
    label = f"lifetime {with_error(lifetime.values['tau_s'], lifetime.errors['tau_s'], 's')}"
    label = label if lifetime.valid else textwrap.fill(f"no lifetime: {lifetime.reason}", REASON_WIDTH)
    style = "-" if lifetime.valid else ":"
    (curve,) = axes.plot(_datetimes(stamps), lifetime_curve(lifetime.values, stamps), style, color=CURVE, label=label)
    return curve


def _datetimes(timestamps_ns: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return timestamps_ns.astype("datetime64[ns]")
