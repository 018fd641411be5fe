"""The residuals of a fit: deviance, chi-square, and the correlation of neighbouring pixels.

Noise is independent in neighbouring pixels, while a wrong model gives them similar residuals. The mean product of
neighbouring residuals, divided by the variance from their differences, separates the two for any gain, and is not
changed by a single hot pixel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..logs import weighted_log_sum
from ..newton import newton_step

__all__ = ["SMOOTH", "block_dispersion", "local_dispersion", "near_dispersion", "residual_sums", "saturated_likelihood"]

Floats = NDArray[np.float64]

TABLE_SIZE = 4096
"""n log n is taken from a table for whole numbers of counts below this, which most pixels have."""

SMOOTH = 10
"""Patterns that are looked for in the residuals of a spot."""

_n = np.arange(float(TABLE_SIZE))
N_LOG_N = _n * np.log(np.maximum(_n, 1.0))


@kernel
def saturated_likelihood(counts: Floats, work: Floats) -> float:
    """Sum of n - n log n: the negative log-likelihood of the saturated model, whose mean is the counts of each pixel.

    Parameters
    ----------
    counts : float64, shape (ny, nx)
        Negative counts are taken to be zero.
    work : float64, shape (3, nx)
        Working space.
    """
    rows, columns = counts.shape
    whole = np.empty(columns, np.int32)
    total = 0.0
    for i in range(rows):
        not_in_table = 0
        for j in range(np.uint64(columns)):
            n = counts[i, j] if counts[i, j] > 0.0 else 0.0
            whole[j] = np.int32(n)
            not_in_table += 1 if (float(whole[j]) != n) | (n >= TABLE_SIZE) else 0
            total += n
        if not_in_table == 0:
            for j in range(np.uint64(columns)):
                total -= N_LOG_N[np.uint64(whole[j])]
            continue
        for j in range(np.uint64(columns)):
            n = counts[i, j]
            work[0, j] = n if n > 0.0 else 1.0
            work[2, j] = n if n > 0.0 else 0.0
        total -= weighted_log_sum(work[2], work[0], work[1], columns)
    return total


@kernel
def residual_sums(
    counts: Floats,
    used: Floats,
    mean: Floats,
    gain: float,
    table: Floats,
    steps_per_root: float,
    found: Floats,
) -> None:
    """Sums over the residuals of an image, for its goodness of fit.

    Parameters
    ----------
    counts, used, mean : float64, shape (ny, nx)
        Counts; 1 where a pixel is used, else 0; and mean counts of the model, all positive.
    gain : float
        Counts per electron, for the expected deviance.
    table : float64, shape (2, n)
        Mean and variance of the deviance of one pixel; the index is `steps_per_root` times the square root of its mean
        in electrons. Empty when the deviance is not needed.
    steps_per_root : float
    found : float64, shape (9,)
        Written, with residuals in units of the square root of the mean: Pearson's chi-square; the sum of products of
        neighbouring residuals; the number of these pairs; half the sum of squared differences of these pairs (an
        estimate of their variance times their number); the expected mean and the variance of the deviance, in units of
        the gain; the number of pixels; and the sums of squared residuals and of squared counts, in counts^2.
    """
    rows, columns = counts.shape
    one = np.uint64(1)
    residuals, above = np.zeros(columns), np.zeros(columns)
    chi_square = shared = pairs = differences = expected = spread = pixels = left = squares = 0.0
    last = table.shape[1] - 2
    deviance_here = variance_here = 0.0
    previous = -1.0
    for i in range(rows):
        varies = 0
        for j in range(np.uint64(columns)):
            residuals[j] = used[i, j] * (counts[i, j] - mean[i, j])
            left += residuals[j] * residuals[j]
            squares += used[i, j] * counts[i, j] * counts[i, j]
            varies += 1 if mean[i, j] != mean[i, 0] else 0
            pixels += used[i, j]
        if varies:
            for j in range(np.uint64(columns)):
                residuals[j] /= math.sqrt(mean[i, j])
        else:  # a row outside the spot, as most are
            scale = 1.0 / math.sqrt(mean[i, 0])
            for j in range(np.uint64(columns)):
                residuals[j] *= scale
        for j in range(np.uint64(columns)):
            chi_square += residuals[j] * residuals[j]
        for j in range(np.uint64(columns - 1)):
            both = used[i, j] * used[i, j + one]
            pairs += both
            shared += residuals[j] * residuals[j + one]
            difference = residuals[j] - residuals[j + one]
            differences += 0.5 * both * difference * difference
        if i > 0:
            for j in range(np.uint64(columns)):
                both = used[i, j] * used[i - 1, j]
                pairs += both
                shared += residuals[j] * above[j]
                difference = residuals[j] - above[j]
                differences += 0.5 * both * difference * difference
        for j in range(columns if table.size else 0):
            if mean[i, j] != previous:  # outside the spot, neighbours have the same mean
                previous = mean[i, j]
                place = math.sqrt(previous / gain) * steps_per_root
                if place < last:
                    k = int(place)
                    part = place - k
                    deviance_here = (1.0 - part) * table[0, k] + part * table[0, k + 1]
                    variance_here = (1.0 - part) * table[1, k] + part * table[1, k + 1]
                else:
                    deviance_here, variance_here = 1.0 + gain / (6.0 * previous), 2.0 + 2.0 * gain / (3.0 * previous)
            expected += used[i, j] * deviance_here
            spread += used[i, j] * variance_here
        residuals, above = above, residuals
    found[0], found[1], found[2], found[3] = chi_square, shared, pairs, differences
    found[4], found[5], found[6] = expected, spread, pixels
    found[7], found[8] = left, squares


@kernel
def block_dispersion(counts: Floats, used: Floats, mean: Floats, side: int) -> tuple[float, float]:
    """Chi-square of sums of pixels over squares, and the number of squares.

    Parameters
    ----------
    counts, used, mean : float64, shape (ny, nx)
    side : int
        Side of the squares, pixels.
    """
    rows, columns = counts.shape[0] // side, counts.shape[1] // side
    width = np.uint64(columns * side)
    residuals, variances = np.empty(width), np.empty(width)
    chi_square = blocks = 0.0
    for a in range(rows):
        residuals[:] = 0.0
        variances[:] = 0.0
        for i in range(a * side, (a + 1) * side):
            for j in range(width):
                residuals[j] += used[i, j] * (counts[i, j] - mean[i, j])
                variances[j] += used[i, j] * mean[i, j]
        for b in range(columns):
            residual = variance = 0.0
            for j in range(b * side, (b + 1) * side):
                residual += residuals[j]
                variance += variances[j]
            if variance > 0.0:
                chi_square += residual * residual / variance
                blocks += 1.0
    return chi_square, blocks


@kernel
def local_dispersion(
    counts: Floats, used: Floats, mean: Floats, x0: float, y0: float, sigma_x: float, sigma_y: float, reach: float
) -> tuple[float, float]:
    """Chi-square of the pixels inside an ellipse around a spot, and their number.

    Parameters
    ----------
    counts, used, mean : float64, shape (ny, nx)
    x0, y0, sigma_x, sigma_y : float
        The spot, in pixels.
    reach : float
        Size of the ellipse, in sigmas of the spot.
    """
    rows, columns = counts.shape
    chi_square = pixels = 0.0
    for i in range(max(0, int(y0 - reach * sigma_y)), min(rows, int(y0 + reach * sigma_y) + 2)):
        v = (i - y0) / sigma_y
        for j in range(max(0, int(x0 - reach * sigma_x)), min(columns, int(x0 + reach * sigma_x) + 2)):
            u = (j - x0) / sigma_x
            if used[i, j] > 0.0 and u * u + v * v <= reach * reach:
                residual = counts[i, j] - mean[i, j]
                chi_square += residual * residual / mean[i, j]
                pixels += 1.0
    return chi_square, pixels


@kernel
def near_dispersion(
    counts: Floats,
    used: Floats,
    mean: Floats,
    x0: float,
    y0: float,
    sigma_x: float,
    sigma_y: float,
    part: float,
    reach: float,
    beyond: float,
) -> tuple[float, float, float, float, float]:
    """Whether the residuals of a spot have a pattern: from their sums over blocks inside an ellipse around it.

    Parameters
    ----------
    counts, used, mean : float64, shape (ny, nx)
    x0, y0, sigma_x, sigma_y : float
        The spot, in pixels.
    part : float
        Sides of the blocks, in sigmas of the spot; at least one pixel.
    reach : float
        Size of the ellipse in which the middle of a block lies, in sigmas of the spot.
    beyond : float
        Size of a larger one; the light between them is one of the patterns.

    Returns
    -------
    chi_square, blocks, means, smooth, largest : floats
        Chi-square of the blocks, their number, and the sum of their means; and the chi-square of `SMOOTH` patterns, a
        Gaussian times polynomials, and wings (the smooth test of J. Neyman, Skand. Aktuarietidskr. 20
        (1937) 149), which finds what is spread over many blocks;
        and the largest of theirs.
    """
    rows, columns = counts.shape
    down, across = max(1, round(part * sigma_y)), max(1, round(part * sigma_x))
    chi_square = blocks = means = 0.0
    pattern, sums, covariance = np.zeros(SMOOTH), np.zeros(SMOOTH), np.zeros((SMOOTH, SMOOTH))
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
            if q <= beyond * beyond:
                residual = variance = 0.0
                for a in range(i, min(i + down, rows)):
                    for b in range(j, min(j + across, columns)):
                        residual += used[a, b] * (counts[a, b] - mean[a, b])
                        variance += used[a, b] * mean[a, b]
                if q > reach * reach:
                    sums[SMOOTH - 1] += residual
                    covariance[SMOOTH - 1, SMOOTH - 1] += variance
                elif variance > 0.0:
                    chi_square += residual * residual / variance
                    blocks += 1.0
                    means += variance
                    # Orthogonal to the derivatives of a Gaussian: the fit has not taken anything of them off.
                    pattern[0], pattern[1] = 1.0 - q * (2.0 - 0.5 * q), 1.0 - q * (3.0 - q * (1.5 - q / 6.0))
                    pattern[2], pattern[3], pattern[4] = u * v, (u * u - v * v) * (3.0 - q), u * v * (3.0 - q)
                    pattern[5], pattern[6] = u * (2.0 * u * u - 3.0), v * (2.0 * v * v - 3.0)
                    pattern[7], pattern[8] = u * (2.0 * v * v - 1.0), v * (2.0 * u * u - 1.0)
                    gauss = math.exp(-0.5 * q)
                    for k in range(SMOOTH - 1):
                        sums[k] += gauss * pattern[k] * residual
                        for n in range(k + 1):
                            covariance[k, n] += gauss * gauss * pattern[k] * pattern[n] * variance
            j += across
        i += down
    largest = 0.0
    for k in range(SMOOTH):
        if covariance[k, k] > 0.0:
            largest = max(largest, sums[k] * sums[k] / covariance[k, k])
        else:  # outside of the image
            covariance[k, k] = 1.0
        for n in range(k):
            covariance[n, k] = covariance[k, n]
    smooth = newton_step(sums, covariance, 0.0, np.empty((SMOOTH, SMOOTH)), np.empty(SMOOTH))
    return chi_square, blocks, means, smooth, largest
