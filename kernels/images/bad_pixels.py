"""Hot and dead pixels: pixels whose counts are improbable next to those of their neighbours.

A pixel with n counts is compared with the median m of its neighbours by the logarithm of the likelihood ratio,
n log(n / m) - (n - m), which bounds both tails of the Poisson distribution (H. Chernoff, Ann. Math. Statist. 23 (1952)
493). The centre of a narrow bright spot is brighter than its neighbours, too; but a spot makes at least two of them
brighter, which a hot pixel, or a pair of hot pixels, does not.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inner_loop, kernel

__all__ = ["DEAD", "HOT", "PIECE", "mark_bad_pixels", "second_differences"]

Floats = NDArray[np.float64]

HOT, DEAD = 1, 2
PIECE = 16
"""Pixels of a row over which the light is taken to be linear."""
SHARE = 1.0 / 3.0
"""In a spot of sigma 0.8 pixels or more, the second brightest neighbour has at least this fraction of the excess."""
CLOSE = 3.0
"""Pixels within this many standard deviations of half of their neighbours are good: a bad one differs from the median
by at least 3.1, when `limit` is 16 or more (one false alarm in 10^7)."""
MEDIAN_ERRORS = 2.0
"""The median is moved towards the pixel by this many of its standard errors before the comparison."""
ERROR_OF_MEDIAN = 0.46
"""Standard error of the median of eight values, in units of their standard deviation."""


@kernel
def mark_bad_pixels(counts: Floats, noise: float, limit: float, out: NDArray[np.uint8]) -> int:
    """Mark hot and dead pixels.

    Parameters
    ----------
    counts : float64, shape (ny, nx)
        At least two rows and two columns.
    noise : float
        Variance of a pixel over its mean, counts.
    limit : float
        A pixel is marked when the logarithm of its likelihood ratio is above this.
    out : uint8, shape (ny, nx)
        Written: 0, `HOT` or `DEAD`.

    Returns
    -------
    int
        Number of marked pixels.
    """
    rows, columns = counts.shape
    around = np.empty(8)
    suspect = np.zeros((columns + 7) // 8 * 8, np.uint8)
    eight = suspect.view(np.uint64)
    marked = 0
    for i in range(rows):
        for j in range(np.uint64(columns)):
            out[i, j] = 0
        _mark_suspects(counts, i, noise, suspect)
        for k in range(np.uint64(eight.size)):
            if eight[k] != 0:
                for j in range(8 * np.int64(k), min(8 * np.int64(k) + 8, columns)):
                    if suspect[np.uint64(j)]:
                        out[i, j] = _code_of(counts, i, j, noise, limit, around)
                        marked += out[i, j] > 0
    return marked


@inner_loop
def _code_of(counts: Floats, i: int, j: int, noise: float, limit: float, around: Floats) -> int:
    """Compare one pixel with the median of its neighbours: 0, `HOT` or `DEAD`."""
    rows, columns = counts.shape
    value = counts[i, j]
    # A pixel that is close to half of its neighbours, or between them, is close to their median, and good.
    near = CLOSE * math.sqrt(noise * (max(value, 0.0) + noise))
    n = lower = higher = 0
    for a in range(max(i - 1, 0), min(i + 2, rows)):
        for b in range(max(j - 1, 0), min(j + 2, columns)):
            neighbour = counts[a, b]
            lower += neighbour < value - near
            higher += neighbour > value + near
            n += 1
    n -= 1
    if 2 * max(lower, higher) < n:
        return 0
    n = 0
    for a in range(max(i - 1, 0), min(i + 2, rows)):
        for b in range(max(j - 1, 0), min(j + 2, columns)):
            if a != i or b != j:
                place = n  # insertion sort
                while place > 0 and around[place - 1] > counts[a, b]:
                    around[place] = around[place - 1]
                    place -= 1
                around[place] = counts[a, b]
                n += 1
    median = 0.5 * (around[(n - 1) // 2] + around[n // 2])
    shift = MEDIAN_ERRORS * ERROR_OF_MEDIAN * math.sqrt(noise * max(median, noise))
    if value > median + shift:
        level = median + shift
        excess = value - level
        ratio = (value * math.log(value / level) - excess) / noise
        if ratio > limit and around[n - 2] - median < SHARE * (value - median):
            return HOT
    elif value < median - shift:
        level = median - shift
        ratio = level - value
        if value > 0.0:
            ratio += value * math.log(value / level)
        if ratio / noise > limit and around[1] > value + SHARE * (median - value):
            return DEAD
    return 0


@inner_loop
def _mark_suspects(counts: Floats, i: int, noise: float, suspect: NDArray[np.uint8]) -> None:
    """Mark the pixels of row i that need to be compared with all eight neighbours.

    Most pixels do not: they are inside the range of their four nearest neighbours without its extremes, or close to it.
    """
    one = np.uint64(1)
    above, below = max(i - 1, 0), min(i + 1, counts.shape[0] - 1)
    suspect[0] = suspect[counts.shape[1] - 1] = 1
    for j in range(one, np.uint64(counts.shape[1] - 1)):
        value = counts[i, j]
        left, right, up, down = counts[i, j - one], counts[i, j + one], counts[above, j], counts[below, j]
        high_a, low_a = (left, right) if left > right else (right, left)
        high_b, low_b = (up, down) if up > down else (down, up)
        lower_high = high_b if high_a > high_b else high_a
        larger_low = low_a if low_a > low_b else low_b
        large = lower_high if lower_high > larger_low else larger_low
        small = larger_low if lower_high > larger_low else lower_high
        beyond = value - large if value - large > small - value else small - value
        near_squared = CLOSE * CLOSE * noise * ((value if value > 0.0 else 0.0) + noise)
        suspect[j] = 1 if (beyond > 0.0) & (beyond * beyond > near_squared) else 0


@kernel
def second_differences(counts: Floats, used: Floats, sums: Floats) -> int:
    """Compute second differences of neighbouring pixels, which a linear slope of the light does not change.

    Parameters
    ----------
    counts, used : float64, shape (ny, nx)
    sums : float64, shape (m, 2)
        Written: for each piece of `PIECE` used pixels of a row, the mean of (a - 2 b + c)^2 / 6 over three successive
        pixels, which is an estimate of their variance, and the mean of the pixels; m is at least (ny * nx) // `PIECE`.

    Returns
    -------
    int
        Number of pieces.
    """
    rows, columns = counts.shape
    one, two = np.uint64(1), np.uint64(2)
    found = 0
    for i in range(rows):
        for first in range(0, columns - PIECE + 1, PIECE):
            squares = means = pixels = 0.0
            for j in range(np.uint64(first), np.uint64(first + PIECE - 2)):
                difference = counts[i, j] - 2.0 * counts[i, j + one] + counts[i, j + two]
                squares += difference * difference / 6.0
            for j in range(np.uint64(first), np.uint64(first + PIECE)):
                means += counts[i, j]
                pixels += used[i, j]
            if pixels == PIECE:
                sums[found, 0], sums[found, 1] = squares / (PIECE - 2), means / PIECE
                found += 1
    return found
