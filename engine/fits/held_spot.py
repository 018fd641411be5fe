"""A spot whose place and widths are known: of the user, or of a series of images, most of which show it.

The MOT stays where it is while its atoms are lost. Fitted at this one place, every image of a series has a number of
atoms with a true error, also the images in which they are too few to be found: without those the lifetime of a MOT
comes out too long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from ...io.errors import InputError
from .found import NAMES

__all__ = ["PLACE_AND_WIDTHS", "checked_spot", "mean_spot"]

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
    numbers = tuple(float(spot[name]) for name in names)
    if not all(map(math.isfinite, numbers)) or min(numbers[2:4]) <= 0.0:
        raise InputError(f"spot should hold pixels, the widths above 0, not {dict(spot)!r}")
    return numbers


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
    names = (*UPRIGHT, "theta") if "theta" in good.columns and good["theta"].count() == good.height else UPRIGHT
    return {
        name: float(np.average(good[name].to_numpy(), weights=good[f"{name}_unc"].to_numpy() ** -2.0)) for name in names
    }
