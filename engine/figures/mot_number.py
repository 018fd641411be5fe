"""Figure of the number of trapped atoms (MOT number) against time."""

from __future__ import annotations

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
from .axes import SeveralAxes, checked_axes, figure_of, set_dates
from .labels import as_name, with_error

__all__ = ["DrawnMOTNumber", "draw_mot_number", "mot_number_figure"]

CURVE_POINTS = 400
MEASURED, FAINT, NOTHING, CURVE = "#1f4e9c", "#9aa5b1", "#c8102e", "#c8102e"


class DrawnMOTNumber(NamedTuple):
    """The artists that `draw_mot_number` drew; None for those without data."""

    measured: ErrorbarContainer | None
    faint: ErrorbarContainer | None
    """Images with atoms whose fit is not valid: the spot is too faint, or cut off by the edge."""
    nothing: Line2D | None
    """Images without atoms."""
    curve: Line2D | None
    """The fitted curve of the lifetime."""
    legend: Legend | None


def mot_number_figure(
    results: pl.DataFrame, title: str, lifetime: Fit | None = None, *, axes: Axes | SeveralAxes | None = None
) -> Figure:
    """Draw the numbers of atoms in a series of images.

    Parameters
    ----------
    results : polars.DataFrame
        The results of `ImageAnalysis`, with ``timestamp_ns``, ``mot_number``, ``mot_number_unc`` and
        ``fit_successful``.
    title : str
    lifetime : Fit, optional
        The result of `fit_lifetime`; its curve is drawn.
    axes : Axes, optional
        Axes to draw into, as for `draw_mot_number`; by default, a new figure is made.

    Returns
    -------
    Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When more than one axes is given.

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
        axes = Figure(figsize=(9.0, 4.5), layout="constrained").subplots()
    draw_mot_number(axes, results, title, lifetime)
    return figure_of(axes)


def draw_mot_number(
    axes: Axes | SeveralAxes, results: pl.DataFrame, title: str = "", lifetime: Fit | None = None
) -> DrawnMOTNumber:
    """Draw the numbers of atoms in a series of images into axes.

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
        When more than one axes is given.

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
    nothing = curve = None
    if (without := results.filter(pl.col("mot_number").is_null())).height:
        at = _datetimes(without["timestamp_ns"].to_numpy())
        (nothing,) = axes.plot(at, np.zeros(at.size), "|", color=NOTHING, markersize=8.0, label="no atoms seen")
    if lifetime is not None and seen.height:
        curve = _draw_lifetime(axes, seen["timestamp_ns"].to_numpy(), lifetime)
    set_dates((axes,))
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel("atoms in the trap")
    as_name(axes.set_title(title))
    legend = axes.legend(frameon=False) if any((measured, faint, nothing, curve)) else None
    return DrawnMOTNumber(measured, faint, nothing, curve, legend)


def _draw_numbers(axes: Axes, numbers: pl.DataFrame, colour: str, label: str) -> ErrorbarContainer | None:
    if not numbers.height:
        return None
    at = _datetimes(numbers["timestamp_ns"].to_numpy())
    values, errors = numbers["mot_number"].to_numpy(), numbers["mot_number_unc"].to_numpy()
    return axes.errorbar(at, values, errors, fmt="o", color=colour, markersize=3.5, linewidth=1.0, label=label)


def _draw_lifetime(axes: Axes, timestamps_ns: NDArray[np.int64], lifetime: Fit) -> Line2D:
    stamps = np.linspace(timestamps_ns.min(), timestamps_ns.max(), CURVE_POINTS).astype(np.int64)
    label = f"lifetime {with_error(lifetime.values['tau_s'], lifetime.errors['tau_s'], 's')}"
    label += "" if lifetime.valid else " (not valid)"
    (curve,) = axes.plot(_datetimes(stamps), lifetime_curve(lifetime.values, stamps), color=CURVE, label=label)
    return curve


def _datetimes(timestamps_ns: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return timestamps_ns.astype("datetime64[ns]")
