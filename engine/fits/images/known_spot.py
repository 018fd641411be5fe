"""A spot whose place and widths are known: of the user, or of a series of images, most of which show it.

The MOT stays where it is while its atoms are lost. Fitted at this one place, every image of a series has a number of
atoms with a true error, also the images in which they are too few to be found: without those a series ends too high,
and the lifetime of its MOT is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ....io.errors import InputError
from .found import NAMES
from .problem import SpotProblem
from .result import GaussianFit
from .rotated import covariance_elements, widths_and_angle

__all__ = ["PLACE_AND_WIDTHS", "check_place", "checked_spot", "is_other", "mean_spot"]

NARROWEST = 0.5
"""Pixels: a spot is no hot pixel."""
SURE = 3.0
"""Errors that a spot is not off by."""
OTHER = 2.0
"""Times the width that a spot is not."""
UPRIGHT = NAMES[1:5]
PLACE_AND_WIDTHS = len(UPRIGHT)


def checked_spot(spot: Mapping[str, float], rotated: bool) -> tuple[float, ...]:
    """``x0, y0, sigma_x, sigma_y`` and, when it is given, ``theta``.

    Raises
    ------
    InputError
        When one is missing, unknown or no such number.
    """
    names = (*UPRIGHT, "theta") if "theta" in spot or rotated else UPRIGHT
    if set(spot) != set(names):
        raise InputError(f"spot should hold {', '.join(names)}, not {', '.join(map(str, spot)) or 'nothing'}")
    try:
        numbers = tuple(float(spot[name]) for name in names)
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise InputError(f"spot should hold numbers of pixels, not {dict(spot)!r}")
    return numbers


def check_place(place: Sequence[float], problem: SpotProblem) -> None:
    """Refuse a spot that is not in the image, or narrower than a pixel or wider than all of it.

    Raises
    ------
    InputError
    """
    if not problem.holds(place[0], place[1]):
        raise InputError(f"spot: its centre ({place[0]:g}, {place[1]:g}) lies outside of what is fitted of the image")
    widest = min(problem.counts.shape)
    if not all(NARROWEST <= width <= widest for width in place[2:4]):
        raise InputError(
            f"spot: its widths should be {NARROWEST:g} to {widest} pixels, not {place[2]:g} and {place[3]:g}"
        )


def is_other(fit: GaussianFit, place: Sequence[float]) -> bool:
    """Whether a spot that was found is not the given one: farther off than its width, or surely of other widths."""
    x0, y0, sigma_x, sigma_y = (fit.values[name] for name in UPRIGHT)
    far = any(
        abs(found - given) > max(width, SURE * fit.errors[name])
        for name, found, given, width in zip(UPRIGHT, (x0, y0), place[:2], place[2:4], strict=False)
    )
    ratio = math.sqrt(sigma_x * sigma_y / (place[2] * place[3]))
    return far or (fit.valid and not 1.0 / OTHER < ratio < OTHER)


def mean_spot(results: pl.DataFrame) -> dict[str, float]:
    """Place and widths of the spot in a series of images, for the `spot` of `fit_gaussian` and `ImageAnalysis`.

    Parameters
    ----------
    results : polars.DataFrame
        Of `ImageAnalysis`; of its rows those whose fit was successful.

    Returns
    -------
    dict
        ``x0, y0, sigma_x, sigma_y`` (pixels), and ``theta`` (radians) when it was fitted: means, weighted with the
        inverse variances.

    Raises
    ------
    InputError
        When the table is none of images, or none of them has such a fit.
    """
    needed = [column for name in UPRIGHT for column in (name, f"{name}_unc")]
    if missing := [column for column in (*needed, "fit_successful") if column not in results.columns]:
        raise InputError(f"mean_spot takes the results of an ImageAnalysis; this table has no column {missing[0]!r}")
    good = results.filter(pl.col("fit_successful"), *(pl.col(f"{name}_unc") > 0.0 for name in UPRIGHT))
    if good.is_empty():
        raise InputError("mean_spot: no image shows atoms well enough to tell where they are and how wide")
    weights = {name: good[f"{name}_unc"].to_numpy() ** -2.0 for name in UPRIGHT}
    if "theta" not in good.columns or good["theta"].count() < good.height:
        return {name: float(np.average(good[name].to_numpy(), weights=weights[name])) for name in UPRIGHT}
    # Turned by 45 degrees, the axes change places from image to image: their widths have no mean, but the matrix has.
    elements = [covariance_elements(*row) for row in good.select("sigma_x", "sigma_y", "theta").rows()]
    matrix = np.average(elements, axis=0, weights=weights["sigma_x"] + weights["sigma_y"])
    place = {name: float(np.average(good[name].to_numpy(), weights=weights[name])) for name in UPRIGHT[:2]}
    return place | dict(zip((*UPRIGHT[2:], "theta"), widths_and_angle(*matrix.tolist()), strict=True))
