"""How well a spot describes its image, from the residuals: goodness of fit, gain, and correlated noise.

The deviance of pixels with few electrons does not have a chi-square distribution, so its expected mean and variance are
summed over the pixels (`deviance`). Laser speckle is correlated between neighbouring pixels and differs from place to
place: the residuals give the factor by which it increases the noise of a spot.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ....kernels.images.residuals import block_dispersion, local_dispersion, residual_sums
from .deviance import STEPS_PER_ROOT, deviance_moments
from .found import Found
from .problem import SpotProblem

__all__ = ["Residuals", "error_of_gain", "excess_noise", "probability", "residuals_of"]

Floats = NDArray[np.float64]

NO_TABLE = np.empty((2, 0))
AROUND_SIGMAS, AROUND_PIXELS = 3.0, 10.0
"""The noise around a spot is measured up to this many widths from its centre, and at least this many pixels."""
FEWEST_BLOCKS = 6.0
"""At least this many squares of the size of the spot fit along a side, when their noise is measured."""
SURE = 4.0
"""A noise is taken to be larger than that of single pixels when it is this many standard deviations larger."""


class Residuals(NamedTuple):
    """The sums of `kernels.images.residuals.residual_sums`, in their order."""

    chi_square: float
    shared: float
    pairs: float
    differences: float
    mean_deviance: float
    variance_of_deviance: float
    pixels: float
    squares: float
    squares_of_counts: float

    @property
    def misfit(self) -> float:
        """Covariance of neighbouring residuals over their variance; 0 for independent pixels."""
        return self.shared / max(self.differences, 1e-300 * self.pairs) if self.pairs else 0.0

    def without(self, misfit: float) -> Residuals:
        """The same, without a misfit that is that of the noise."""
        return self._replace(shared=self.shared - misfit * self.differences) if misfit else self


def residuals_of(problem: SpotProblem, mean: Floats) -> Residuals:
    """Sums over the residuals, counts minus mean counts, of an image."""
    exact = problem.gain is not None and problem.read_noise == 0.0
    table = deviance_moments() if exact else NO_TABLE
    sums = np.empty(len(Residuals._fields))
    residual_sums(problem.counts, problem.used, mean, problem.gain_guess, table, STEPS_PER_ROOT, sums)
    return Residuals(*sums.tolist())


def error_of_gain(problem: SpotProblem, residuals: Residuals, gain: float, ndof: int) -> float:
    """Standard error of a gain estimated by chi-square, whose variance per pixel is 2 + 1 / electrons."""
    level = max(problem.total / residuals.pixels - problem.noise_shift, 1e-12)
    return gain * (level + problem.noise_shift) / level * math.sqrt((2.0 + gain / level) / ndof)


def probability(problem: SpotProblem, mean: Floats, residuals: Residuals, deviance: float, ndof: int) -> float:
    """Probability of residuals at least as large as these if the model is true; see `GaussianFit`."""
    gain, pairs = problem.gain, residuals.pairs
    if gain is None or problem.reference.frames:  # the deviance of a few counts and their reference is no chi-square
        return float(special.ndtr(-residuals.misfit * math.sqrt(pairs))) if pairs else math.nan
    if problem.read_noise > 0.0:
        # Shifted counts have the variance of Poisson counts, but not their deviance. Pearson's chi-square is used
        # instead, with the variance 2 + gain^3 light / variance^2 of each pixel.
        light = np.maximum(mean - problem.noise_shift, 0.0)
        per_pixel = 2.0 + float(np.mean(gain**3 * light / (gain * mean) ** 2))
        return float(special.ndtr((ndof - residuals.chi_square / gain) / math.sqrt(per_pixel * ndof)))
    # A scaled chi-square distribution with the mean and variance of the deviance of this image.
    size = ndof / residuals.pixels
    expected, variance = residuals.mean_deviance * size, residuals.variance_of_deviance * size
    return float(special.chdtrc(2.0 * expected**2 / variance, 2.0 * expected * deviance / variance))


def excess_noise(problem: SpotProblem, found: Found, mean: Floats, gain: float) -> float:
    """Factor by which the variance of a spot is larger than independent pixels would make it; 1 without correlation.

    It is the product of two dispersions in units of the gain: that of residuals summed over squares of the size of the
    spot, and that of single pixels around the spot. A dispersion that is not significantly above 1 counts as 1.
    """
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    widest = max(problem.counts.shape)
    side = round(min(max(2.0 * math.sqrt(sigma_x * sigma_y), 2.0), min(problem.counts.shape) / FEWEST_BLOCKS))
    reach = min(max(AROUND_SIGMAS * max(sigma_x, sigma_y), AROUND_PIXELS), widest)
    dispersions = (
        block_dispersion(problem.counts, problem.used, mean, side) if side > 1 else (0.0, 0.0),
        local_dispersion(problem.counts, problem.used, mean, x0, y0, reach, reach, 1.0),
    )
    excess = 1.0
    for chi_square, number in dispersions:
        if number > 0.0:
            ratio = chi_square / number / gain
            # The variance of chi-square per pixel is 2 + 1 / electrons.
            spread = math.sqrt((2.0 + gain / float(problem.background_level or gain)) / number)
            excess *= ratio if ratio > 1.0 + SURE * spread else 1.0
    return excess
