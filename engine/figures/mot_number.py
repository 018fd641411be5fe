"""Figure of the MOT number against time."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from ..fits.lifetime import lifetime_curve
from ..fits.result import Fit, rounded

__all__ = ["mot_number_figure"]

CURVE_POINTS = 400


def mot_number_figure(results: pl.DataFrame, title: str, lifetime: Fit | None = None) -> Figure:
    """Draw how many atoms the images of a series show.

    Parameters
    ----------
    results : polars.DataFrame
        Of `ImageAnalysis`: ``timestamp_ns``, ``mot_number``, ``mot_number_unc`` and ``fit_successful``.
    title : str
    lifetime : Fit, optional
        Of `fit_lifetime`, whose curve is drawn.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(9.0, 4.5), layout="constrained")
    axes = figure.subplots()
    seen = results.filter(pl.col("mot_number").is_not_null() & pl.col("timestamp_ns").is_not_null())
    for successful, colour, label in ((True, "#1f4e9c", "measured"), (False, "#9aa5b1", "seen, too faint or cut off")):
        part = seen.filter(pl.col("fit_successful") == successful)
        if part.height:
            axes.errorbar(
                part["timestamp_ns"].to_numpy().astype("datetime64[ns]"), part["mot_number"].to_numpy(),
                part["mot_number_unc"].to_numpy(), fmt="o", color=colour, markersize=3.5, linewidth=1.0, label=label,
            )  # fmt: skip
    nothing = results.filter(pl.col("mot_number").is_null() & pl.col("timestamp_ns").is_not_null())
    if nothing.height:
        times = nothing["timestamp_ns"].to_numpy().astype("datetime64[ns]")
        axes.plot(times, np.zeros(times.size), "|", color="#c8102e", markersize=8.0, label="no atoms seen")
    if lifetime is not None and seen.height:
        stamps = np.linspace(seen["timestamp_ns"].min(), seen["timestamp_ns"].max(), CURVE_POINTS).astype(np.int64)  # type: ignore[arg-type]
        value, error = rounded(lifetime.values["tau_s"], lifetime.errors["tau_s"])
        label = f"lifetime {value} +- {error} s" + ("" if lifetime.valid else " (not valid)")
        axes.plot(
            stamps.astype("datetime64[ns]"), lifetime_curve(lifetime.values, stamps), color="#c8102e", label=label
        )
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel("atoms in the trap")
    axes.set_title(title)
    axes.legend(frameon=False)
    return figure
