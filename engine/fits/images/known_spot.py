"""A spot whose place and widths are known: of the user, or of a series of images, most of which show it.

The MOT stays where it is while its atoms are lost. Fitted at this one place, every image of a series has a number of
atoms with a true error, also the images in which they are too few to be found: without those a series ends too high,
and the lifetime of its MOT is wrong.
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
"""Errors by which the place of another spot differs from the given one at least."""
OTHER = 2.0
"""Ratio of the widths from which a spot is another one."""
UPRIGHT = NAMES[1:5]
"""What every spot has: its place and its widths."""


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
        When one of them is no finite number.

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
        """By name, without an angle that is None."""
        upright = {name: getattr(self, name) for name in UPRIGHT}
        return upright if self.theta is None else {**upright, "theta": self.theta}

    @property
    def numbers(self) -> tuple[float, ...]:
        """x0, y0, sigma_x, sigma_y[, theta]."""
        return tuple(self.as_dict().values())


def spot_of(given: Spot | Mapping[str, float], *, rotated: bool = False) -> Spot:
    """The spot that a user gave.

    Parameters
    ----------
    given : Spot or mapping
        ``x0, y0, sigma_x, sigma_y`` and perhaps ``theta``.
    rotated : bool
        Whether it needs ``theta``.

    Raises
    ------
    InputError
        When one is missing, unknown or no finite number.
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
    """Whether a spot that was found is not the given one: farther off than its width, or surely of other widths."""
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
    # Turned by 45 degrees, the axes change places from image to image: their widths have no mean, but the matrix has.
    elements = [elements_of(*row) for row in good.select("sigma_x", "sigma_y", "theta").rows()]
    matrix = np.average(elements, axis=0, weights=weights["sigma_x"] + weights["sigma_y"])
    place = {name: float(np.average(good[name].to_numpy(), weights=weights[name])) for name in UPRIGHT[:2]}
    return place | axes_of(*matrix.tolist())._asdict()
