"""What structured light does to a fit, from the same template fitted elsewhere in the image.

Speckle and stray light are no noise of pixels: neighbours share them, and no likelihood of pixels knows how much. But
they are everywhere in an image. To first order a fit is a linear function of the pixels around the spot; the same
function of the pixels around other places, where there is no spot, says how far such light moves A, the place and the
widths. Speckle grows with the light: what a place says is scaled by the light here over that there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .found import Found
from .local import LocalProblem
from .problem import SpotProblem
from .rotated import elements_of

__all__ = ["Elsewhere", "look_elsewhere"]

Floats = NDArray[np.float64]

REACH = 4.0
"""Half the sides of the template, in widths of the spot."""
STEP = 2.0
"""Distance of the places, in widths."""
AWAY = 7.0
"""Distance of the places from the spot, in widths, at least."""
FEWEST_PLACES, MOST_PLACES = 12, 400
"""Fewest places that tell an error, and about the most that are looked at."""
LEAST_COVERED = 0.9
"""A place is used when at least this part of its pixels is."""
MOST_SCALED = 3.0
"""Most by which a place is scaled up or down."""
OUTLIER = 12.0
"""A place whose A is so many times the median of all is left out: another spot."""
DIFFERENCE = 1e-4
"""Relative step of the derivatives."""


class Elsewhere(NamedTuple):
    """What other places say of a spot.

    Attributes
    ----------
    covariance : array of float64, shape (k, k)
        What light that has a structure adds to that of A, x0, y0, sigma_x, sigma_y[, theta].
    places : int
        How many places told it; 0 where there are too few, and nothing is known.
    largest : float
        The largest A of these places, counts.
    sure : float
        Standard deviations by which their scatter is more than that of pixels.
    """

    covariance: Floats
    places: int = 0
    largest: float = math.nan
    sure: float = 0.0


def look_elsewhere(local: LocalProblem, found: Found, whole: SpotProblem, gain: float) -> Elsewhere:
    """What the template of a spot says where there is none.

    Parameters
    ----------
    local : LocalProblem
        The window in which the spot was fitted.
    found : Found
        The spot.
    whole : SpotProblem
        The image in which other places are looked at.
    gain : float
        Counts per electron: what pixels of their own make of the scatter is taken off.
    """
    k = 5 + found.rotated
    x, y = _template(local, found)
    weights = local.used[y, x] / local.mean(found)[y, x]
    slopes = np.concatenate(
        [_spot_slopes(local, found, x, y), local.background_slopes(x.astype(np.float64), y.astype(np.float64))], axis=1
    )
    free = np.concatenate([found.free[:k], np.ones(local.terms, np.bool_)])
    slopes = slopes[:, free]
    scale = np.sqrt(np.sum(slopes**2 * weights[:, None], axis=0))
    if not np.all(scale > 0.0):
        return Elsewhere(np.zeros((k, k)))
    slopes = slopes / scale
    of_pixels = np.zeros((k, x.size))
    response = np.linalg.pinv((slopes * weights[:, None]).T @ slopes) @ (slopes * weights[:, None]).T
    of_pixels[found.free[:k]] = (response / scale[:, None])[: int(found.free[:k].sum())]
    here = float(found.parameters[k]) - local.shift
    moved, levels = _elsewhere(local, found, whole, x, y, of_pixels)
    if len(moved) < FEWEST_PLACES or not here > 0.0:
        return Elsewhere(np.zeros((k, k)))
    factors = np.clip(here / np.maximum(levels, 1e-12), 1.0 / MOST_SCALED, MOST_SCALED)
    moved = moved * factors[:, None]
    # Other spots, which some images have, are not what light does everywhere.
    typical = np.median(np.abs(moved[:, 0]))
    moved = moved[np.abs(moved[:, 0]) <= OUTLIER * max(float(typical), 1e-300)]
    of_noise = (of_pixels * (gain * (here + local.shift))) @ of_pixels.T
    root = np.sqrt(np.diagonal(of_noise) + 1e-300)
    values, axes = np.linalg.eigh((moved.T @ moved / len(moved) - of_noise) / np.outer(root, root))
    covariance = (axes * np.maximum(values, 0.0)) @ axes.T * np.outer(root, root)
    sure = (float(np.mean(moved[:, 0] ** 2) / of_noise[0, 0]) - 1.0) / math.sqrt(2.0 / len(moved))
    return Elsewhere(covariance, len(moved), float(np.abs(moved[:, 0]).max()), sure)


def _template(local: LocalProblem, found: Found) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the window's pixels that the template uses."""
    _, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    matrix = elements_of(sigma_x, sigma_y, float(found.parameters[5]) if found.rotated else 0.0)
    rows, columns = local.counts.shape
    ends = []
    for centre, variance, size in ((x0, matrix.s_xx, columns), (y0, matrix.s_yy, rows)):
        half = REACH * math.sqrt(variance)
        ends.append(np.arange(max(0, math.floor(centre - half)), min(size, math.ceil(centre + half) + 1)))
    x, y = np.meshgrid(*ends)
    return x.ravel(), y.ravel()


def _spot_slopes(local: LocalProblem, found: Found, x: NDArray[np.int64], y: NDArray[np.int64]) -> Floats:
    """Derivatives of the mean counts of the spot by its parameters, shape (n, k)."""
    k = 5 + found.rotated
    columns = []
    for a in range(k):
        size = float(found.parameters[a]) if a in (0, 3, 4) else 1.0 if a == 5 else float(found.parameters[a + 2])
        ends = []
        for sign in (1.0, -1.0):
            there = found.parameters.copy()
            there[k:] = 0.0
            there[a] += sign * DIFFERENCE * size
            ends.append(local.spot_mean(there, found.rotated)[y, x])
        columns.append((ends[0] - ends[1]) / (2.0 * DIFFERENCE * size))
    return np.stack(columns, axis=1)


def _elsewhere(
    local: LocalProblem, found: Found, whole: SpotProblem, x: NDArray[np.int64], y: NDArray[np.int64], of_pixels: Floats
) -> tuple[Floats, Floats]:
    """What the template says at other places, shape (n, k), and the light there, counts per pixel, shape (n,)."""
    x0, y0 = found.parameters[1] + local.x_low - whole.x_low, found.parameters[2] + local.y_low - whole.y_low
    sizes = [0.5 * np.ptp(x) / REACH, 0.5 * np.ptp(y) / REACH]
    width, height = int(np.ptp(x)) + 1, int(np.ptp(y)) + 1
    u, v = x - x.min(), y - y.min()
    rows, columns = whole.counts.shape
    steps = [max(1, round(STEP * size)) for size in sizes]
    many = max(1.0, columns * rows / steps[0] / steps[1] / MOST_PLACES)
    steps = [max(1, round(step * math.sqrt(many))) for step in steps]
    moved, levels = [], []
    counts = whole.counts - whole.shift * whole.used
    if whole.with_reference:
        counts = counts - float(found.parameters[-1]) * whole.reference.light * whole.used
    for top in range(0, rows - height + 1, steps[1]):
        for left in range(0, columns - width + 1, steps[0]):
            away = math.hypot((left + 0.5 * (width - 1) - x0) / sizes[0], (top + 0.5 * (height - 1) - y0) / sizes[1])
            if away < AWAY:
                continue
            part = np.s_[top : top + height, left : left + width]
            covered = float(np.mean(whole.used[part]))
            if covered < LEAST_COVERED:
                continue
            level = float(counts[part].sum()) / (covered * width * height)
            filled = counts[part] + (1.0 - whole.used[part]) * level - level
            moved.append(of_pixels @ filled[v, u])
            levels.append(level)
    return np.array(moved).reshape(-1, of_pixels.shape[0]), np.array(levels)
