"""Sums of an image and of its model over blocks around a spot: what the looks at its shape and surroundings use."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .found import Found
from .likelihood import SpotLikelihood
from .rotated import elements_of

__all__ = ["Blocks", "block_sums", "blocks_around", "edges_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of pixels, those that have pixels which are used; a block is an element of each array.

    Parameters
    ----------
    x, y : array of float64, shape (n,)
        Middle of each block, pixels of the fitted part.
    distance : array of float64, shape (n,)
        Of the middle from that of the spot, in widths of the spot.
    pixels : array of float64, shape (n,)
        Used pixels.
    residual, mean, light : array of float64, shape (n,)
        Sums over these pixels: counts minus mean counts, shifted mean counts, and the light of the reference.
    """

    x: Floats
    y: Floats
    distance: Floats
    pixels: Floats
    residual: Floats
    mean: Floats
    light: Floats

    def within(self, low: float, high: float) -> NDArray[np.bool_]:
        """Which of them are at these distances, in widths of the spot."""
        return (self.distance >= low) & (self.distance < high)

    def of(self, which: NDArray[np.bool_]) -> Blocks:
        """Some of them."""
        return Blocks(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def blocks_around(problem: SpotLikelihood, found: Found, mean: Floats, part: float, reach: float) -> Blocks:
    """Blocks of a part of the widths of the spot, as far as `reach` widths from its middle.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
        The spot.
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    part, reach : float
        Side of a block, and half the side of what they cover, in widths of the spot along x and y.
    """
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    theta = float(found.parameters[5]) if found.rotated else 0.0
    matrix = elements_of(sigma_x, sigma_y, theta)
    x_edges = edges_of(x0, math.sqrt(matrix.s_xx), part, reach, mean.shape[1])
    y_edges = edges_of(y0, math.sqrt(matrix.s_yy), part, reach, mean.shape[0])
    region = np.s_[y_edges[0] : y_edges[-1], x_edges[0] : x_edges[-1]]

    def sums(pixels: Floats) -> Floats:
        return block_sums(pixels, y_edges - y_edges[0], x_edges - x_edges[0]).ravel()

    used, counts, model = problem.used[region], problem.counts[region], mean[region] * problem.used[region]
    light = problem.reference.light[region] * used if problem.with_reference else None
    y, x = (a.ravel() for a in np.meshgrid(*(0.5 * (e[:-1] + e[1:] - 1) for e in (y_edges, x_edges)), indexing="ij"))
    determinant = matrix.s_xx * matrix.s_yy - matrix.s_xy**2
    u, v = x - x0, y - y0
    square = (matrix.s_yy * u**2 - 2.0 * matrix.s_xy * u * v + matrix.s_xx * v**2) / determinant
    pixels, of_mean = sums(used), sums(model)
    blocks = Blocks(
        x, y, np.sqrt(square), pixels, sums(counts) - of_mean, of_mean,
        np.zeros(x.size) if light is None else sums(light),
    )  # fmt: skip
    return blocks.of((pixels > 0.0) & (of_mean > 0.0))


def block_sums(pixels: Floats, y_edges: NDArray[np.int64], x_edges: NDArray[np.int64]) -> Floats:
    """Sums of an array over blocks between edges along both axes, the first of which are 0."""
    down = np.add.reduceat(pixels, y_edges[:-1], axis=0)
    return np.asarray(np.add.reduceat(down, x_edges[:-1], axis=1), dtype=np.float64)


def edges_of(centre: float, width: float, part: float, reach: float, size: int) -> NDArray[np.int64]:
    """Where blocks begin along an axis, and where the last one ends: all of one side, but those at a border.

    Parameters
    ----------
    centre, width : float
        Of the spot along this axis, pixels.
    part, reach : float
        Side of a block, and how far blocks reach to either side, in widths.
    size : int
        Pixels along the axis.
    """
    side = max(1, round(part * width))
    number = min(math.ceil(reach * width / side), size)
    first = round(min(max(centre, -0.5), size - 0.5) + 0.5 - 0.5 * side)
    edges = first + side * np.arange(-number, number + 2)
    return np.unique(np.clip(edges, 0, size))
