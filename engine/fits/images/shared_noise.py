"""Noise that neighbouring pixels share, as in images that were resized, debayered or compressed.

Interpolation makes the pixels of an image less noisy, and their noise alike: a sum over a spot is then noisier than its
pixels say, by the sum of all correlations with one pixel. These are measured away from the spot, after light that
varies slowly is taken off. They end after a few pixels; what goes on farther is structure of the light, no noise.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .found import Found
from .goodness import Residuals
from .problem import SpotProblem

__all__ = ["SharedNoise", "shared_noise"]

Floats = NDArray[np.float64]

LEAST_MISFIT, SURE = 0.15, 6.0
"""Correlation of neighbours, in units of the variance of their differences and in standard deviations, from which on it
is looked at."""
AWAY = 4.0
"""Widths from the spot beyond which there is none of its light."""
FARTHEST = 4
"""Pixels over which interpolation reaches."""
SMOOTH = 25
"""Side of the squares whose mean is taken off."""
STRUCTURE = 0.15
"""Correlation beyond `FARTHEST`, in units of that of neighbours, from which on it is light that has structure."""
FEWEST = 2000
"""Pixels away from the spot, at least."""
LARGEST = 512
"""Rows and columns around the spot that are looked at, at most, to either side."""


class SharedNoise(NamedTuple):
    """How much more noise a sum of pixels has than they have alone.

    Attributes
    ----------
    factor : float
        Variance of a sum over many pixels, over the sum of their variances; 1 for noise of their own.
    misfit : float
        Covariance of neighbours over the variance of their differences, of the noise alone.
    """

    factor: float = 1.0
    misfit: float = 0.0

    def remarks(self) -> tuple[str, ...]:
        """What is to be said of it."""
        if self.factor == 1.0:
            return ()
        times = math.sqrt(self.factor)
        return (
            f"neighbouring pixels share their noise (a resized image?): errors are {times:.2g} times those of pixels "
            "with noise of their own",
        )


def shared_noise(problem: SpotProblem, found: Found, mean: Floats, residuals: Residuals) -> SharedNoise:
    """Look for shared noise beside a spot.

    Parameters
    ----------
    problem : SpotProblem
    found : Found
        The spot.
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    residuals : Residuals
    """
    if problem.with_reference:  # which may hold a part of the noise: a smoothed image does
        return SharedNoise()
    if not residuals.misfit > max(LEAST_MISFIT, SURE / math.sqrt(residuals.pairs or 1.0)):
        return SharedNoise()
    _, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    rows, columns = mean.shape
    if not all(map(math.isfinite, (x0, y0, sigma_x, sigma_y))):
        return SharedNoise()
    part = np.s_[_around(y0, rows), _around(x0, columns)]
    y, x = np.ogrid[part]
    away = ((x - x0) / sigma_x) ** 2 + ((y - y0) / sigma_y) ** 2 > AWAY**2
    weight = away * problem.used[part] * (mean[part] > 0.0)
    if float(weight.sum()) < FEWEST:
        return SharedNoise()
    scaled = weight * (problem.counts[part] - mean[part]) / np.sqrt(np.maximum(mean[part], 1e-12))
    # What a mean over a square takes off is a part of the noise, too: little, as the squares are large.
    smooth = ndimage.uniform_filter(scaled, SMOOTH) / np.maximum(ndimage.uniform_filter(weight, SMOOTH), 1e-3)
    scaled = scaled - weight * smooth
    variance = float(np.sum(scaled**2)) / float(weight.sum())
    if not variance > 0.0:
        return SharedNoise()

    def correlation(down: int, across: int) -> float:
        """That of pixels so far apart; both directions across, which mirror one another's."""
        ahead, behind = np.s_[down:, across:], np.s_[: rows_here - down, : columns_here - across]
        left, right = np.s_[down:, : columns_here - across], np.s_[: rows_here - down, across:]
        shared = np.sum(scaled[ahead] * scaled[behind]) + np.sum(scaled[left] * scaled[right])
        pairs = np.sum(weight[ahead] * weight[behind]) + np.sum(weight[left] * weight[right])
        return float(shared / max(pairs, 1.0)) / variance

    rows_here, columns_here = scaled.shape
    if min(rows_here, columns_here) <= 2 * FARTHEST:
        return SharedNoise()
    near = 0.5 * (correlation(0, 1) + correlation(1, 0))
    far = 0.5 * (correlation(0, FARTHEST + 1) + correlation(FARTHEST + 1, 0))
    if not near > LEAST_MISFIT / (1.0 + LEAST_MISFIT) or far > STRUCTURE * near:
        return SharedNoise()
    factor = 1.0
    for down in range(FARTHEST + 1):
        for across in range(FARTHEST + 1):
            if down or across:
                factor += (2.0 if down == 0 or across == 0 else 4.0) * correlation(down, across)
    return SharedNoise(max(factor, 1.0), near / max(1.0 - near, 1e-3))


def _around(centre: float, size: int) -> slice:
    """At most so many pixels around a centre, in the image."""
    middle = min(max(round(centre), 0), size - 1)
    return slice(max(0, middle - LARGEST), min(size, middle + LARGEST))
