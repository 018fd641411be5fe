"""The search for a spot in an image, over all places and widths, for the start of a fit.

The image minus its background is summed over squares of side 2, 4, 8, ... pixels. At each size, every group of 3 x 3
such squares is tried: this is a matched filter for one width, at distances of about this width. The groups are ranked
by the likelihood ratio n log(n / b) - (n - b) of n counts on a background of b (W. Cash, Astrophys. J. 228 (1979) 939),
which is right for few counts, too. Single pixels far above all of their neighbours (hot pixels, cosmic rays) are
reduced to their largest neighbour first. The fit itself begins on sums over squares of a fraction of the width, which
have the same likelihood as pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inner_loop, kernel
from ..places import median_of

__all__ = [
    "best_square",
    "bin_pixels",
    "clean_excess",
    "copy_counts",
    "median_background",
    "pixel_noise",
]

Floats = NDArray[np.float64]

MOST_LEVELS = 8
"""Number of sizes of the squares: the largest has a side of 3 * 2^7 pixels."""
ENOUGH_ROWS = 80
"""Number of rows from which the noise is guessed."""
LARGEST_BLOCK = 8
"""Largest side, pixels, of the blocks whose median is the guess of the background."""
BLOCKS_ALONG = 10
"""Fewest blocks along the shorter side of a small image."""
LEAST_COVERED = 0.8
"""A square of pixels is used when at least this fraction of it is not masked."""
ISOLATED = 5.0
"""A pixel this many standard deviations above its largest neighbour cannot belong to a spot."""


@kernel
def copy_counts(image: Floats, used: Floats, shift: float, out: Floats) -> tuple[float, float, float, float, float]:
    """Copy the used pixels, with sums that show whether they can be fitted.

    Parameters
    ----------
    image, used : float64, shape (ny, nx)
        Counts, and 0 for pixels to leave out, else 1.
    shift : float
        Added to every used pixel.
    out : float64, shape (ny, nx)
        Written: the shifted counts; zero where not used.

    Returns
    -------
    pixels, total, squares, negative, infinite : floats
        Number of used pixels; sum of their shifted counts; sum of the squares; number of negative ones; and number of
        infinite or missing ones.
    """
    rows, columns = image.shape
    pixels = total = squares = negative = infinite = 0.0
    for i in range(rows):
        for j in range(np.uint64(columns)):
            good = used[i, j] > 0.0
            counts = image[i, j] + shift if good else 0.0
            out[i, j] = counts
            pixels += 1.0 if good else 0.0
            total += counts
            squares += counts * counts
            negative += 1.0 if counts < 0.0 else 0.0
            infinite += 0.0 if abs(counts) < np.inf else 1.0
    return pixels, total, squares, negative, infinite


@kernel
def pixel_noise(counts: Floats, used: Floats) -> float:
    """Guess the noise of an image from the differences of neighbouring pixels.

    Parameters
    ----------
    counts, used : float64, shape (ny, nx)
        As in `copy_counts`.

    Returns
    -------
    float
        Variance of a pixel over its mean, counts: the median over rows, which does not depend on a few hot pixels.
    """
    rows, columns = counts.shape
    ratios = np.empty(rows)
    found = np.int64(0)
    for i in range(0, rows, max(1, rows // ENOUGH_ROWS)):
        squares = sums = 0.0
        for j in range(np.uint64(columns - 1)):
            both = used[i, j] * used[i, j + np.uint64(1)]
            difference = counts[i, j] - counts[i, j + np.uint64(1)]
            squares += both * difference * difference
            sums += both * (counts[i, j] + counts[i, j + np.uint64(1)])
        if sums > 0.0:
            ratios[found] = squares / sums
            found += 1
    return max(median_of(ratios, found) if found else 1.0, 1e-9)


@kernel
def median_background(counts: Floats, used: Floats) -> float:
    """Guess the background of an image.

    Parameters
    ----------
    counts, used : float64, shape (ny, nx)
        As in `copy_counts`.

    Returns
    -------
    float
        Counts per pixel: the median over blocks, which hardly depends on a spot that covers less than half the image.
    """
    rows, columns = counts.shape
    block = max(1, min(LARGEST_BLOCK, min(rows, columns) // BLOCKS_ALONG))
    blocks_down, blocks_across = rows // block, columns // block
    width = np.uint64(blocks_across * block)
    totals, areas = np.empty(width), np.empty(width)
    means = np.empty(blocks_down * blocks_across)
    found = np.int64(0)
    for a in range(blocks_down):
        totals[:] = 0.0
        areas[:] = 0.0
        for i in range(a * block, (a + 1) * block):
            for j in range(width):
                totals[j] += counts[i, j]
                areas[j] += used[i, j]
        for b in range(blocks_across):
            total = area = 0.0
            for j in range(b * block, (b + 1) * block):
                total += totals[j]
                area += areas[j]
            if area > 0.5 * block * block:
                means[found] = total / area
                found += 1
    return median_of(means, found) if found else 0.0


@kernel
def clean_excess(counts: Floats, used: Floats, background: Floats, noise: float, out: Floats) -> None:
    """Counts minus background, with single pixels far above all of their neighbours reduced to the largest of these.

    Parameters
    ----------
    counts, used : float64, shape (ny, nx)
    background : float64, shape (ny, nx) or (1, 1)
        Counts per pixel.
    noise : float
        Variance of a pixel in units of its mean.
    out : float64, shape (ny, nx)
        Written: the excess, counts; zero where not used.
    """
    rows, columns = counts.shape
    flat = background.size == 1
    one = np.uint64(1)
    largest = np.empty(columns)
    for i in range(rows):
        above, below = max(i - 1, 0), min(i + 1, rows - 1)
        if above == i:
            above = below
        if below == i:
            below = above
        largest[0] = max(counts[i, 1], counts[above, 0], counts[below, 0])
        largest[-1] = max(counts[i, -2], counts[above, -1], counts[below, -1])
        for j in range(one, np.uint64(columns - 1)):
            across = counts[i, j - one] if counts[i, j - one] > counts[i, j + one] else counts[i, j + one]
            along = counts[above, j] if counts[above, j] > counts[below, j] else counts[below, j]
            largest[j] = across if across > along else along
        for j in range(np.uint64(columns)):
            level = background[0, 0] if flat else background[i, j]
            base = largest[j] if largest[j] > level else level
            beyond = counts[i, j] - base
            isolated = (beyond > 0.0) & (beyond * beyond >= ISOLATED * ISOLATED * noise * (base + noise))
            value = base if isolated else counts[i, j]
            out[i, j] = used[i, j] * (value - level)


@kernel
def bin_pixels(image: Floats, used: Floats, side: int, out: Floats, covered: Floats) -> tuple[float, float]:
    """Sum an image over squares of pixels; sums are scaled up for masked pixels.

    Parameters
    ----------
    image, used : float64, shape (ny, nx)
    side : int
        Side of the squares, pixels.
    out, covered : float64, shape (ny // side, nx // side)
        Written: the sums, and 1 where a square is used, else 0.

    Returns
    -------
    counts, squares : floats
        Sums of `out` and of `covered`.
    """
    rows, columns = out.shape
    width = np.uint64(columns * side)
    totals, areas = np.empty(width), np.empty(width)
    counts = squares = 0.0
    for a in range(rows):
        totals[:] = 0.0
        areas[:] = 0.0
        for i in range(a * side, (a + 1) * side):
            for j in range(width):
                totals[j] += used[i, j] * image[i, j]
                areas[j] += used[i, j]
        for b in range(columns):
            total = area = 0.0
            for j in range(b * side, (b + 1) * side):
                total += totals[j]
                area += areas[j]
            part = area / (side * side)
            covered[a, b] = 1.0 if part >= LEAST_COVERED else 0.0
            out[a, b] = total / part if part >= LEAST_COVERED else 0.0
            counts += out[a, b]
            squares += covered[a, b]
    return counts, squares


@inner_loop
def _halve(fine: Floats, out: Floats) -> None:
    """Sums over squares of 2 x 2; at the edges, over the parts of squares that are inside."""
    rows, columns = fine.shape
    one = np.uint64(1)
    whole = np.uint64(columns // 2)
    for a in range(out.shape[0]):
        top = fine[2 * a]
        bottom = fine[min(2 * a + 1, rows - 1)]
        factor = 1.0 if 2 * a + 1 < rows else 0.0
        for b in range(whole):
            k = b + b
            out[a, b] = top[k] + top[k + one] + factor * (bottom[k] + bottom[k + one])
        if columns % 2:
            out[a, -1] = top[-1] + factor * bottom[-1]


@inner_loop
def _three_rows(fine: Floats, i: int, out: Floats) -> None:
    """Write the sum of row i and its neighbours to ``out[1:-1]``."""
    one = np.uint64(1)
    for j in range(np.uint64(fine.shape[1])):
        out[j + one] = fine[i, j]
    if i > 0:
        for j in range(np.uint64(fine.shape[1])):
            out[j + one] += fine[i - 1, j]
    if i < fine.shape[0] - 1:
        for j in range(np.uint64(fine.shape[1])):
            out[j + one] += fine[i + 1, j]


@kernel
def best_square(
    excess: Floats, background: Floats, level_ratio: Floats, level_limit: Floats, noise: float
) -> tuple[float, int, float, float, float]:
    """Find the square with the most significant excess of counts, of sides 3, 6, 12, ... pixels.

    Parameters
    ----------
    excess : float64, shape (ny, nx)
        The result of `clean_excess`.
    background : float64, shape (ny, nx) or (1, 1)
        Counts per pixel.
    level_ratio, level_limit : float64, shape (MOST_LEVELS,)
        Written for each size: the best logarithm of the likelihood ratio, and the largest excess plus 1.645 standard
        deviations (an upper limit at 95 %), counts; nan for sizes that do not fit into the image.
    noise : float
        Variance of a pixel in units of its mean.

    Returns
    -------
    ratio, level, x, y, excess
        Logarithm of the likelihood ratio of the best square, its size (3 * 2^level pixels a side), the middle of it
        (pixels), and its excess (counts).
    """
    flat = background.size == 1
    base = background[0, 0]
    rows, columns = excess.shape
    fine, fine_background = excess, background
    best, best_level, best_x, best_y, best_excess = -1.0, 0, 0.0, 0.0, 0.0
    level_ratio[:] = np.nan
    level_limit[:] = np.nan
    side = 1
    for level in range(MOST_LEVELS):
        if level:
            below = fine
            fine = np.empty(((below.shape[0] + 1) // 2, (below.shape[1] + 1) // 2))
            _halve(below, fine)
            if not flat:
                below_background = fine_background
                fine_background = np.empty(fine.shape)
                _halve(below_background, fine_background)
        down, across = fine.shape
        if down < 3 or across < 3:
            break
        sums, levels, widths = np.empty(across), np.empty(across), np.empty(across)
        columns_of, levels_of = np.zeros(across + 2), np.zeros(across + 2)
        for j in range(across):
            widths[j] = base * (min((j + 2) * side, columns) - max((j - 1) * side, 0))
        best_here, limit_here, best_limit = 0.0, 0.0, 0.0
        spread = 1.645 * math.sqrt(noise)
        for i in range(down):
            margin = spread * math.sqrt(base * (9 * side * side)) if flat else 0.0
            _three_rows(fine, i, columns_of)
            if flat:
                height = float(min((i + 2) * side, rows) - max((i - 1) * side, 0))
                for j in range(across):
                    levels[j] = height * widths[j]
            else:
                _three_rows(fine_background, i, levels_of)
                for j in range(np.uint64(across)):
                    levels[j] = levels_of[j] + levels_of[j + np.uint64(1)] + levels_of[j + np.uint64(2)]
            if not flat:
                for j in range(np.uint64(across)):
                    margin += levels[j]  # the sum over the row, which is at least that of each square
                margin = spread * math.sqrt(margin)
            worth = 0.0
            for j in range(np.uint64(across)):
                total = columns_of[j] + columns_of[j + np.uint64(1)] + columns_of[j + np.uint64(2)]
                sums[j] = total
                positive = total if total > 0.0 else 0.0
                # n log(n / b) - (n - b) is never larger than (n - b)^2 / 2b
                worth += 1.0 if positive * positive > 2.0 * best_here * levels[j] else 0.0
                worth += 1.0 if total + margin > best_limit else 0.0
            if worth == 0.0:
                continue
            for j in range(across):
                b = levels[j]
                if not b > 0.0:
                    continue
                limit_here = sums[j] + spread * math.sqrt(b)
                best_limit = max(best_limit, limit_here)
                if sums[j] > 0.0 and sums[j] * sums[j] > 2.0 * best_here * b:
                    ratio = (sums[j] + b) * math.log1p(sums[j] / b) - sums[j]
                    if ratio > best_here:
                        best_here = ratio
                        if ratio > best:
                            best, best_level, best_excess = ratio, level, sums[j]
                            best_x, best_y = (j + 0.5) * side - 0.5, (i + 0.5) * side - 0.5
        level_ratio[level] = best_here
        level_limit[level] = best_limit
        side *= 2
    return best, best_level, best_x, best_y, best_excess
