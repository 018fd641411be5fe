"""What counts that were rounded to few steps do to a fit: floor to 8 bits makes contour lines out of a smooth light.

Where the noise is as large as a step, what rounding leaves out is noise of its own. Where it is smaller, the mean of
the rounded counts is off by a wave: B sin(2 pi mu), B = exp(-2 pi^2 d^2) / pi, for the mean mu and the noise d in steps
(B. Widrow & I. Kollar, Quantization Noise, Cambridge 2008, chapter 5; the first harmonic). Over the spot it has many
periods and means nothing; the background is off by one number everywhere. Which, nobody knows.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .found import Found
from .problem import SpotProblem

__all__ = ["rounding_covariance"]

Floats = NDArray[np.float64]

BESIDE = 0.02
"""Steps of light of the spot below which a pixel is one of the background."""
FEWEST = 5
"""Pixels of a value that tell its frequency."""
FEWEST_VALUES = 3
"""Values that tell the noise in steps; with fewer, it is taken to be zero."""
ENOUGH_NOISE = 0.55
"""Noise, in steps, from which on the wave is no more: B is below 1e-3."""


def rounding_covariance(problem: SpotProblem, found: Found, mean: Floats) -> Floats | None:
    """What is to be added to the covariance of the parameters; None where rounding is noise alone.

    Parameters
    ----------
    problem : SpotProblem
        An image of rounded counts.
    found : Found
        The spot.
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    """
    noise = _noise_of_background(problem, found, mean)
    if noise > ENOUGH_NOISE or not bool(np.all(np.isfinite(found.parameters))):
        return None
    height = math.exp(-2.0 * (math.pi * noise) ** 2) / math.pi
    added = np.zeros(found.information.shape)
    for wave in (np.sin, np.cos):
        counts = problem.used * (mean + height * wave(2.0 * math.pi * mean))
        off = replace(problem, counts=counts, total=float(counts.sum()))
        likelihood = off.rotated_likelihood if found.rotated else off.likelihood
        step = found.inverse_information @ likelihood(found.parameters).gradient
        added += np.outer(step, step)
    return added


def _noise_of_background(problem: SpotProblem, found: Found, mean: Floats) -> float:
    """Standard deviation of the counts beside the spot before they were rounded, by how often each value is there."""
    light = mean - float(found.parameters[5 + found.rotated])
    values, numbers = np.unique(problem.counts[(light < BESIDE) & (problem.used > 0.0)], return_counts=True)
    values, numbers = values[numbers >= FEWEST], numbers[numbers >= FEWEST]
    if values.size < FEWEST_VALUES:
        return 0.0
    below = np.cumsum(numbers)[:-1] / numbers.sum()
    slope = float(np.polyfit(values[:-1], special.ndtri(below), 1)[0])
    return 1.0 / slope if slope > 0.0 else 0.0
