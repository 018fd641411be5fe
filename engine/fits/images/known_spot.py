"""A spot whose place and widths are known, given by the user or measured in the bright images of a series.

A MOT stays at its place while it loses atoms. With a fit at this one place, every image of a series has a number of
atoms with a correct error, also images in which there are too few atoms to be found. Without such images, the numbers
at the end of a series are biased upwards, and the lifetime is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ....io.errors import InputError
from ...options.sentences import shown
from .found import NAMES
from .result import GaussianFit
from .rotated import axes_of, elements_of

__all__ = ["Spot", "is_other", "mean_spot", "spot_of"]

SURE = 3.0
"""A spot is another one when its centre differs from the given one by more than this many errors, and its width."""
OTHER = 2.0
"""A spot is another one when its width is this many times larger or smaller than the given one."""
UPRIGHT = NAMES[1:5]
"""Names of place and widths, without the angle."""


@dataclass(frozen=True)
class Spot:
    """Place and widths of a spot.

    Parameters
    ----------
    x0, y0 : float
        Centre, pixels; x runs along a row.
    sigma_x, sigma_y : float
        Widths, pixels.
    theta : float, optional
        Angle from the x axis to the axis of sigma_x, radians; None for a spot whose axes are those of the image.

    Raises
    ------
    InputError
        When one of them is not a finite number.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image
    >>> from utokyo import Spot
    >>> spot = Spot(x0=30.0, y0=20.0, sigma_x=3.0, sigma_y=4.0)
    >>> mean = gaussian_image({"A": 200.0, "C": 10.0, **spot.as_dict()}, (50, 60))
    >>> fit = fit_gaussian(np.random.default_rng(1).poisson(mean), gain=1.0, spot=spot)
    >>> fit.names, abs(fit.values["A"] - 200.0) < 3.0 * fit.errors["A"]
    (('A', 'C'), True)
    """

    x0: float
    y0: float
    sigma_x: float
    sigma_y: float
    theta: float | None = None

    def __post_init__(self) -> None:
        given = self.as_dict()
        for name, number in zip(given, _numbers_of(given), strict=True):
            object.__setattr__(self, name, number)

    def as_dict(self) -> dict[str, float]:
        """Numbers by name; without `theta` when it is None."""
        upright = {name: getattr(self, name) for name in UPRIGHT}
        return upright if self.theta is None else {**upright, "theta": self.theta}

    @property
    def numbers(self) -> tuple[float, ...]:
        """The tuple x0, y0, sigma_x, sigma_y, followed by theta when it is not None."""
        return tuple(self.as_dict().values())


def spot_of(given: Spot | Mapping[str, float], *, rotated: bool = False) -> Spot:
    """The argument `spot` of a fit, as a `Spot`.

    Parameters
    ----------
    given : Spot or mapping of str to float
        ``x0, y0, sigma_x, sigma_y`` and perhaps ``theta``.
    rotated : bool
        Whether ``theta`` is required.

    Raises
    ------
    InputError
        When a name is missing or unknown, or a value is not a finite number.
    """
    named = given.as_dict() if isinstance(given, Spot) else given
    names = (*UPRIGHT, "theta") if "theta" in named or rotated else UPRIGHT
    if set(named) != set(names):
        raise InputError(f"spot should hold {', '.join(names)}, not {', '.join(map(str, named)) or 'nothing'}")
    if isinstance(given, Spot):
        return given
    return Spot(**dict(zip(named, _numbers_of(named), strict=True)))


def _numbers_of(named: Mapping[str, Any]) -> tuple[float, ...]:
    try:
        numbers = tuple(math.nan if isinstance(number, str) else float(number) for number in named.values())
    except (TypeError, ValueError):
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"spot should hold numbers of pixels, not {shown(dict(named))}")
    return numbers


def is_other(fit: GaussianFit, spot: Spot) -> bool:
    """Whether a fitted spot is not the given one: its centre is too far away, or its width is too different."""
    far = any(
        abs(fit.values[name] - given) > max(width, SURE * fit.errors[name])
        for name, given, width in (("x0", spot.x0, spot.sigma_x), ("y0", spot.y0, spot.sigma_y))
    )
    widths = fit.values["sigma_x"] * fit.values["sigma_y"]
    ratio = math.sqrt(widths / (spot.sigma_x * spot.sigma_y))
    return far or (fit.valid and not 1.0 / OTHER < ratio < OTHER)


def mean_spot(results: pl.DataFrame) -> dict[str, float]:
    """Place and widths of the spot in a series of images, for the `spot` of `fit_gaussian` and `ImageAnalysis`.

    Parameters
    ----------
    results : polars.DataFrame
        The results of `ImageAnalysis`; rows whose fit was successful are used.

    Returns
    -------
    dict
        ``x0, y0, sigma_x, sigma_y`` (pixels), and ``theta`` (radians) when it was fitted: means, weighted with the
        inverse variances.

    Raises
    ------
    InputError
        When the table is not one of `ImageAnalysis`, or no fit in it was successful.

    Examples
    --------
    >>> import polars as pl
    >>> from utokyo import mean_spot
    >>> rows = {"x0": [30.0, 31.0], "y0": [20.0, 20.0], "sigma_x": [3.0, 3.0], "sigma_y": [4.0, 4.0]}
    >>> errors = {f"{name}_unc": [0.1, 0.2] for name in rows}
    >>> mean_spot(pl.DataFrame(rows | errors | {"fit_successful": [True, True]}))
    {'x0': 30.2, 'y0': 20.0, 'sigma_x': 3.0, 'sigma_y': 4.0}
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
    # Near 45 degrees, sigma_x and sigma_y are exchanged from image to image. The covariance matrix of the spot is not:
    # its elements are averaged instead of the widths.
    elements = [elements_of(*row) for row in good.select("sigma_x", "sigma_y", "theta").rows()]
    matrix = np.average(elements, axis=0, weights=weights["sigma_x"] + weights["sigma_y"])
    place = {name: float(np.average(good[name].to_numpy(), weights=weights[name])) for name in UPRIGHT[:2]}
    return place | axes_of(*matrix.tolist())._asdict()
