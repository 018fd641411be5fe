"""Light that varies slowly over an image, however it does: medians of blocks, and lines between them.

A spot fills less than half of a block, so that the median of its pixels hardly knows of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .likelihood import SpotLikelihood

__all__ = ["BLOCKS", "smooth_level"]

Floats = NDArray[np.float64]

BLOCKS = 7, 3
"""Blocks along the shorter side of an image, and of one of which a spot takes a large part."""
LEAST_BLOCK = 6
"""Their side, pixels, at least."""


def smooth_level(problem: SpotLikelihood, blocks: int) -> Floats:
    """The slowly varying light of an image, shifted counts per pixel, shape (ny, nx).

    Parameters
    ----------
    problem : SpotLikelihood
    blocks : int
        Along the shorter side.
    """
    rows, columns = problem.counts.shape
    side = max(LEAST_BLOCK, min(rows, columns) // blocks)
    down, across = max(1, rows // side), max(1, columns // side)
    y_ends, x_ends = (np.linspace(0, n, k + 1).round().astype(int) for n, k in ((rows, down), (columns, across)))
    medians = np.full((down, across), np.nan)
    for a in range(down):
        for b in range(across):
            part = np.s_[y_ends[a] : y_ends[a + 1], x_ends[b] : x_ends[b + 1]]
            seen = problem.counts[part][problem.used[part] > 0.0]
            if seen.size:
                # The mean of the middle half: a median of few counts is a whole number.
                low, high = np.quantile(seen, [0.25, 0.75])
                medians[a, b] = float(np.mean(seen[(seen >= low) & (seen <= high)]))
    least = max(problem.least_background, 1e-6)
    medians = np.maximum(np.where(np.isfinite(medians), medians, np.nanmedian(medians)), least)
    y, x = (0.5 * (ends[:-1] + ends[1:] - 1) for ends in (y_ends, x_ends))
    level = _along(_along(medians, x, columns).T, y, rows).T
    return np.ascontiguousarray(np.maximum(level, least))


def _along(values: Floats, places: Floats, size: int) -> Floats:
    """Lines between the values of each row, and beyond the first and the last of them, at all pixels of an axis."""
    if places.size < 2:
        return np.repeat(values, size, axis=1)
    at = np.arange(size)
    left = np.clip(np.searchsorted(places, at) - 1, 0, places.size - 2)
    part = (at - places[left]) / (places[left + 1] - places[left])
    return np.asarray(values[:, left] * (1.0 - part) + values[:, left + 1] * part)
