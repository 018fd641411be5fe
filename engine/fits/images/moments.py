"""Numbers of a spot that hold for any shape: the light in an aperture, its centroid, and its second moments.

A rectangle of four standard deviations to either side is taken around the centroid, and the light of its surroundings,
a plane, is taken off. Centroid and widths tell a new rectangle, a few times (as ISO 11146-1 has it, with a rectangle
of six: more noise, and more of other light). D4-sigma, the width of a beam by that standard, is four times the width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .blocks import blocks_around
from .found import Found
from .likelihood import SpotLikelihood

__all__ = ["Moments", "moments_of"]

Floats = NDArray[np.float64]

REACH = 4.0
"""Half the sides of the aperture, in standard deviations of the light in it."""
AROUND = 4.0, 6.0
"""From where to where, in widths, blocks beside the aperture tell the light without a spot."""
BLOCK = 0.5
"""Side of these blocks, in widths."""
ROUNDS = 4
"""How often the aperture follows the light in it."""
FEWEST_AROUND = 12
"""Fewest blocks that tell a plane; fewer tell nothing, and the background of the fit is taken."""


@dataclass(frozen=True)
class Moments:
    """The light of a spot of any shape, in an aperture.

    Parameters
    ----------
    total, total_error : float
        Counts above the surroundings, and their standard error.
    x, x_error, y, y_error : float
        Centroid, pixels; x runs along a row.
    d4_sigma_x, d4_sigma_x_error, d4_sigma_y, d4_sigma_y_error : float
        Four standard deviations of the light along a row, and along a column, pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image
    >>> truth = {"A": 20_000.0, "x0": 40.0, "y0": 30.0, "sigma_x": 3.0, "sigma_y": 4.0, "C": 20.0}
    >>> fit = fit_gaussian(np.random.default_rng(1).poisson(gaussian_image(truth, (80, 90))))
    >>> abs(fit.moments.total - 20_000.0) < 4.0 * fit.moments.total_error
    True
    >>> abs(fit.moments.d4_sigma_y - 16.0) < 4.0 * fit.moments.d4_sigma_y_error
    True
    """

    total: float = math.nan
    total_error: float = math.nan
    x: float = math.nan
    x_error: float = math.nan
    y: float = math.nan
    y_error: float = math.nan
    d4_sigma_x: float = math.nan
    d4_sigma_x_error: float = math.nan
    d4_sigma_y: float = math.nan
    d4_sigma_y_error: float = math.nan

    def as_dict(self) -> dict[str, float]:
        """Numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def moments_of(problem: SpotLikelihood, found: Found, gain: float) -> Moments:
    """Light, centroid and second moments around a fitted spot.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
        The spot at which the aperture begins.
    gain : float
        Counts per electron.
    """
    mean = problem.mean(found)
    blocks = blocks_around(problem, found, mean, BLOCK, AROUND[1])
    around = blocks.of(blocks.within(*AROUND))
    plane, plane_covariance = np.zeros(3), np.zeros((3, 3))
    x0, y0 = found.parameters[1:3].tolist()
    if around.x.size >= FEWEST_AROUND:
        axes = np.stack([np.ones(around.x.size), around.x - x0, around.y - y0], axis=1)
        weight = np.sqrt(around.pixels)
        inverse = np.linalg.pinv((axes * weight[:, None]).T @ (axes * weight[:, None]))
        plane = inverse @ axes.T @ around.residual
        left = around.residual / weight - weight * (axes @ plane)
        plane_covariance = inverse * float(left @ left) / (left.size - 3)
    spot = found.parameters.copy()
    dark = spot.copy()
    dark[0] = 0.0
    above = problem.counts - (mean - problem.spot_mean(spot, found.rotated)) * problem.used
    above -= problem.spot_mean(dark, found.rotated) * problem.used
    sizes = [math.hypot(*spot[3:5])] * 2 if found.rotated else spot[3:5].tolist()
    moments = Moments()
    for _ in range(ROUNDS):
        moments = _in_aperture(problem, above, mean, (x0, y0), sizes, plane, plane_covariance, gain, spot[1:3].tolist())
        if not (moments.d4_sigma_x > 0.0 and moments.d4_sigma_y > 0.0):
            return Moments(moments.total, moments.total_error)
        spot[1:3], sizes = (moments.x, moments.y), [0.25 * moments.d4_sigma_x, 0.25 * moments.d4_sigma_y]
    shifted = {"x": moments.x + problem.x_low, "y": moments.y + problem.y_low}
    return Moments(**(moments.as_dict() | shifted))


def _in_aperture(
    problem: SpotLikelihood,
    above: Floats,
    mean: Floats,
    origin: tuple[float, float],
    sizes: list[float],
    plane: Floats,
    plane_covariance: Floats,
    gain: float,
    centre: list[float],
) -> Moments:
    """Moments in one rectangle around `centre`; the plane is one around `origin`."""
    (x0, x1), (y0, y1) = (
        (max(0, round(c - REACH * s)), min(n, round(c + REACH * s) + 1))
        for c, s, n in zip(centre, sizes, reversed(above.shape), strict=True)
    )
    if x1 - x0 < 2 or y1 - y0 < 2:
        return Moments()
    part = np.s_[y0:y1, x0:x1]
    x, y, used = np.arange(x0, x1, dtype=float), np.arange(y0, y1, dtype=float), problem.used[part]
    surroundings = plane[0] + plane[1] * (x - origin[0]) + plane[2] * (y - origin[1])[:, None]
    light = above[part] - surroundings * used
    noise = gain * mean[part] * used
    total = float(light.sum())
    columns = np.array([used.sum(), used.sum(axis=0) @ (x - origin[0]), used.sum(axis=1) @ (y - origin[1])])
    error = math.sqrt(max(float(noise.sum()) + float(columns @ plane_covariance @ columns), 0.0))
    numbers = {"total": total, "total_error": error}
    if not total > 0.0:
        return Moments(**numbers)
    for name, at, axis in (("x", x, 0), ("y", y, 1)):
        share, noise_share, area = light.sum(axis=axis), noise.sum(axis=axis), used.sum(axis=axis)
        middle = float(share @ at) / total
        square = float(share @ (at - middle) ** 2) / total
        level_error = math.sqrt(max(float(plane_covariance[0, 0]), 0.0))
        by_level = float(area @ (at - middle)) / total, float(area @ ((at - middle) ** 2 - square)) / total
        variance = float(noise_share @ (at - middle) ** 2) / total**2 + (by_level[0] * level_error) ** 2
        of_square = float(noise_share @ ((at - middle) ** 2 - square) ** 2) / total**2
        of_square += (by_level[1] * level_error) ** 2
        numbers |= {name: middle, f"{name}_error": math.sqrt(variance)}
        if square > 0.0:
            width = math.sqrt(square)
            numbers |= {f"d4_sigma_{name}": 4.0 * width, f"d4_sigma_{name}_error": 2.0 * math.sqrt(of_square) / width}
    return Moments(**numbers)
