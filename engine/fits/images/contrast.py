"""Whether something stands out of an image whatever its shape is: beside how the light varies elsewhere in it.

The likelihood ratio asks how much better a Gaussian describes an image than even light does, in units of the noise. The
cleaner a picture is, the less any Gaussian describes a real spot, or any constant the light around it. Here the light
of a block of the size of the spot, less that of the blocks around it, is compared with the same difference everywhere
else in the image: light that varies slowly has none, and what noise, speckle and stray light have is everywhere. Where
a spot is so large that there is no room for such places, its light is compared with that of all blocks beyond it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .blocks import block_sums, blocks_around, edges_of
from .found import Found
from .likelihood import SpotLikelihood

__all__ = ["LEAST_OTHER", "Contrast", "contrast_of"]

Floats = NDArray[np.float64]

BLOCK = 2.0
"""Side of a block, in widths of the spot."""
RING = 2
"""Blocks around a block, to either side, of which the outer ones tell the light without it."""
FEWEST_IN_RING = 6
"""Of these 16 blocks, fewest that lie in the image."""
FEWEST_ELSEWHERE = 12
"""Fewest places elsewhere that tell how the light varies."""
BEYOND = 2
"""Blocks from that of a large spot beyond which its light has ended."""
LEAST_COVERED = 0.8
"""A block is used when at least this part of it is not masked, and in the image."""
FAR_ABOVE = 8.0
"""Root mean squares of the differences elsewhere that an obvious spot stands above its surroundings."""
LEAST_OTHER = 0.2
"""Part of the brighter one that another spot has at least, when it is told."""
LARGEST_PART, LEFT_BLOCK = 0.2, 0.5
"""Widths of a spot that is obvious in a picture that it fills, at most, as a part of its sides; and sides of the blocks
in which its residuals are looked at, in widths."""
OVER_LARGEST = 2.5
"""The same in units of the largest difference elsewhere."""


class Contrast(NamedTuple):
    """How far a spot stands above its surroundings.

    Attributes
    ----------
    over_scatter : float
        Its difference in root mean squares of those elsewhere; 0 where it is not obvious.
    other : tuple of float, optional
        Column and row of another place, in pixels of the fitted part, that stands out as well, and by which part.
    """

    over_scatter: float = 0.0
    other: tuple[float, float, float] | None = None


def contrast_of(problem: SpotLikelihood, found: Found) -> Contrast:
    """How far a spot stands above its surroundings, in units of how much other places do.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
        The spot whose place and widths are looked at.
    """
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    rows, columns = problem.counts.shape
    x_edges = edges_of(x0, sigma_x, BLOCK, columns / sigma_x, columns)
    y_edges = edges_of(y0, sigma_y, BLOCK, rows / sigma_y, rows)
    counts = problem.counts
    if problem.with_reference:
        counts = counts - float(found.parameters[-1]) * problem.reference.light * problem.used
    pixels = block_sums(problem.used, y_edges, x_edges)
    level = block_sums(counts, y_edges, x_edges) / np.maximum(pixels, 1.0)
    good = pixels >= LEAST_COVERED * pixels.max()
    at = tuple(
        int(np.clip(np.searchsorted(edges, centre + 0.5, side="right") - 1, 0, len(edges) - 2))
        for edges, centre in ((y_edges, y0), (x_edges, x0))
    )
    if not good[at]:
        return _in_small_picture(problem, found)
    in_ring = _ring(good.astype(np.float64))
    above = level - _ring(np.where(good, level, 0.0)) / np.maximum(in_ring, 1.0)
    told, room = good & (in_ring >= FEWEST_IN_RING), RING + 1
    if not told[at] or np.sum(told & (_steps_from(at, level.shape) > room)) < FEWEST_ELSEWHERE:
        told, room = good, BEYOND
    elsewhere = told & (_steps_from(at, level.shape) > room)
    if np.sum(elsewhere) < FEWEST_ELSEWHERE:
        return _in_small_picture(problem, found)
    if told is good:
        above = level - float(np.median(level[elsewhere]))
    # One other place may have a spot, too.
    second = divmod(int(np.argmax(np.where(elsewhere, above, -np.inf))), above.shape[1])
    rest = above[elsewhere & (_steps_from(second, level.shape) > room)]
    if rest.size < FEWEST_ELSEWHERE:
        rest = above[elsewhere]
    here, there = float(above[at]), float(above[second])
    spread, largest = math.sqrt(float(np.mean(rest**2))), float(np.max(np.abs(rest)))
    if not (here > FAR_ABOVE * spread and here > OVER_LARGEST * largest):
        return Contrast()
    other = None
    if there > FAR_ABOVE * spread and there > OVER_LARGEST * largest and there > LEAST_OTHER * here:
        row, column = second
        x, y = (0.5 * float(e[k] + e[k + 1] - 1) for e, k in ((x_edges, column), (y_edges, row)))
        other = (x, y, there / here)
    return Contrast(here / max(spread, 1e-12 * here), other)


def _in_small_picture(problem: SpotLikelihood, found: Found) -> Contrast:
    """The same where a spot fills the picture: beside what is left when its Gaussian is taken off."""
    amplitude, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    rows, columns = problem.counts.shape
    if max(sigma_x / columns, sigma_y / rows) > LARGEST_PART or not problem.holds_here(x0, y0):
        return Contrast()
    blocks = blocks_around(problem, found, problem.mean(found), LEFT_BLOCK, columns / sigma_x + rows / sigma_y)
    peak, left = amplitude / (2.0 * math.pi * sigma_x * sigma_y), blocks.residual / blocks.pixels
    spread = math.sqrt(float(np.average(left**2, weights=blocks.pixels)))
    obvious = peak > FAR_ABOVE * spread and peak > OVER_LARGEST * float(np.max(np.abs(left)))
    return Contrast(peak / max(spread, 1e-12 * peak)) if obvious else Contrast()


def _steps_from(at: tuple[int, ...], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How many blocks each block is from one, along the axis along which it is farther."""
    down, across = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(np.maximum(abs(down - at[0]), abs(across - at[1])))


def _ring(blocks: Floats) -> Floats:
    """The sum over the 16 outer ones of the 5 x 5 blocks around each block; outside of the image are zeros."""

    def square(half: int) -> Floats:
        size = 2 * half + 1
        padded = np.pad(blocks, half + 1).cumsum(axis=0).cumsum(axis=1)
        rows, columns = blocks.shape
        low, high = np.s_[:rows], np.s_[size : size + rows]
        left, right = np.s_[:columns], np.s_[size : size + columns]
        return np.asarray(padded[high, right] - padded[low, right] - padded[high, left] + padded[low, left])

    return square(RING) - square(RING - 1)
