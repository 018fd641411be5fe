"""Whether the light around a spot is as even as the model has it: patterns of the residuals in a ring around it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..newton import newton_step

__all__ = ["PATTERNS", "ring_dispersion"]

Floats = NDArray[np.float64]

PATTERNS = 6
"""Patterns of the residuals: 1, x, y, x^2, x y, y^2."""


@kernel
def ring_dispersion(
    counts: Floats,
    used: Floats,
    mean: Floats,
    x0: float,
    y0: float,
    sigma_x: float,
    sigma_y: float,
    part: float,
    within: float,
    beyond: float,
) -> tuple[float, float, float, float]:
    """Chi-square of smooth patterns, and of blocks, of the residuals in a ring around a spot.

    Parameters
    ----------
    counts, used, mean : float64, shape (ny, nx)
        Counts; 1 where a pixel is used, else 0; and mean counts of the model, all positive.
    x0, y0, sigma_x, sigma_y : float
        The spot, in pixels.
    part : float
        Sides of the blocks, in sigmas of the spot; at least one pixel.
    within, beyond : float
        The ring's inner and outer size, in sigmas of the spot.

    Returns
    -------
    patterns, chi_square, blocks, means : floats
        Chi-square of `PATTERNS` smooth patterns together, and of the blocks; how many blocks, and the sum of their
        means. Without noise of its own, a residual has the variance of its mean.
    """
    rows, columns = counts.shape
    down, across = max(1, round(part * sigma_y)), max(1, round(part * sigma_x))
    chi_square = blocks = means = 0.0
    shape, sums, covariance = np.empty(PATTERNS), np.zeros(PATTERNS), np.zeros((PATTERNS, PATTERNS))
    i = int(max(0.0, min(math.floor(y0 - beyond * sigma_y), float(rows))))
    i_end = int(max(0.0, min(math.ceil(y0 + beyond * sigma_y) + 1.0, float(rows))))
    j_begin = int(max(0.0, min(math.floor(x0 - beyond * sigma_x), float(columns))))
    j_end = int(max(0.0, min(math.ceil(x0 + beyond * sigma_x) + 1.0, float(columns))))
    while i < i_end:
        v = (i + 0.5 * (down - 1) - y0) / sigma_y
        j = j_begin
        while j < j_end:
            u = (j + 0.5 * (across - 1) - x0) / sigma_x
            q = u * u + v * v
            if within * within < q <= beyond * beyond:
                residual = variance = 0.0
                for a in range(i, min(i + down, rows)):
                    for b in range(j, min(j + across, columns)):
                        residual += used[a, b] * (counts[a, b] - mean[a, b])
                        variance += used[a, b] * mean[a, b]
                if variance > 0.0:
                    chi_square += residual * residual / variance
                    blocks += 1.0
                    means += variance
                    shape[0], shape[1], shape[2], shape[3], shape[4], shape[5] = 1.0, u, v, u * u, u * v, v * v
                    for k in range(PATTERNS):
                        sums[k] += shape[k] * residual
                        for n in range(k + 1):
                            covariance[k, n] += shape[k] * shape[n] * variance
            j += across
        i += down
    for k in range(PATTERNS):
        if not covariance[k, k] > 0.0:
            covariance[k, k] = 1.0
        for n in range(k):
            covariance[n, k] = covariance[k, n]
    patterns = newton_step(sums, covariance, 1e-9, np.empty((PATTERNS, PATTERNS)), np.empty(PATTERNS))
    return max(patterns, 0.0), chi_square, blocks, means
