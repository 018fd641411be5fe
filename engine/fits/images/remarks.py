"""What a person sees in a picture whose spot is no Gaussian, in sentences: turned, uneven light, two lobes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .blocks import Blocks, blocks_around
from .found import Found
from .likelihood import SpotLikelihood
from .shape import Shape

__all__ = ["is_cut", "remarks_of"]

Floats = NDArray[np.float64]

ROUND = 1.08
"""Ratio of the widths from which on a direction is told."""
TURNED = 5.0
"""Degrees by which axes are turned, at least, when that is told."""
UNEVEN = 4.0
"""Standard deviations from which on a slope of the light around a spot is told."""
LEAST_SLOPE = 0.02
"""The same in units of the peak, over two widths."""
DIP = 0.15
"""Part of the lower of two maxima by which the light falls between them, at least, when they are two."""
BLOCK, REACH, AROUND = 0.5, 6.0, 3.5
"""Sides of the blocks, how far they reach, and where the surroundings begin, in widths of the spot."""


def remarks_of(problem: SpotLikelihood, found: Found, mean: Floats, significance: float, shape: Shape) -> Iterator[str]:
    """Sentences on a spot that is seen; none for one that departs from nothing.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    significance : float
        Of the spot, sigma.
    shape : Shape
    """
    if shape.is_told:
        yield (
            f"seen ({significance:.0f} sigma); the shape departs from a Gaussian by {_percent(shape.departure)} of its "
            "peak; errors include it"
        )
        yield from _of_shape(problem, found, mean)


def is_cut(problem: SpotLikelihood, found: Found) -> bool:
    """Whether the centre is within a width of the edge of what is fitted, or outside."""
    _, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    rows, columns = problem.counts.shape
    across, down = min(x0 + 0.5, columns - 0.5 - x0) / sigma_x, min(y0 + 0.5, rows - 0.5 - y0) / sigma_y
    return bool(min(across, down) < 1.0)


def _percent(part: float) -> str:
    return f"{100.0 * part:.1g} %" if part < 0.1 else f"{100.0 * part:.0f} %"


def _of_shape(problem: SpotLikelihood, found: Found, mean: Floats) -> Iterator[str]:
    sigma_x, sigma_y = found.parameters[3:5].tolist()
    if is_cut(problem, found):
        yield "cut by the edge of what is fitted: the middle is within a width of it"
    blocks = blocks_around(problem, found, mean, BLOCK, REACH)
    peak = float(found.parameters[0] / (2.0 * math.pi * sigma_x * sigma_y))
    if problem.clipped is not None:  # as high as can be seen
        peak = min(peak, problem.clipped.limit)
    slope = _slope(blocks, found, peak)
    if slope:
        yield (
            f"the background is not even: it changes by {slope:.3g} counts per pixel over the spot; give a roi around "
            "the spot, or a reference"
        )
    if slope or problem.with_reference:  # of which the light would have to be taken off
        return
    slopes = problem.background_slopes(blocks.x, blocks.y)
    level = slopes @ found.parameters[5 + found.rotated :][: slopes.shape[1]]
    light = blocks.residual + blocks.mean - level * blocks.pixels
    if (lobes := _lobes(blocks, light, peak)) is not None:
        yield f"two lobes, {lobes:.0f} pixels apart: a single Gaussian describes neither"
    elif not found.rotated and (degrees := _turn(blocks.of(blocks.within(0.0, 3.0)), light[blocks.within(0.0, 3.0)])):
        yield f"turned by {degrees:.0f} degrees: rotated=True fits the angle, too"


def _slope(blocks: Blocks, found: Found, peak: float) -> float:
    """By how much the light around a spot changes over two widths either way, counts per pixel; 0 where it is even."""
    around = blocks.of(blocks.within(AROUND, math.inf))
    if around.x.size < 3 * REACH:
        return 0.0
    _, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    x, y = (around.x - x0) / sigma_x, (around.y - y0) / sigma_y
    axes, weight = np.stack([np.ones_like(x), x, y], axis=1), np.sqrt(around.pixels)
    inverse = np.linalg.pinv((axes * weight[:, None]).T @ (axes * weight[:, None]))
    plane = inverse @ axes.T @ around.residual
    left = around.residual / weight - weight * (axes @ plane)
    errors = np.sqrt(np.diagonal(inverse) * float(left @ left) / (left.size - 3))
    slope, error = float(np.hypot(*plane[1:])), float(np.hypot(*errors[1:]))
    return 4.0 * slope if slope > UNEVEN * error and 2.0 * slope > LEAST_SLOPE * peak else 0.0


def _lobes(blocks: Blocks, light: Floats, peak: float) -> float | None:
    """Distance of two maxima of the light, pixels, where it falls between them; None where it has one."""
    height = light / blocks.pixels
    core = np.flatnonzero(blocks.within(0.0, 4.0))
    if core.size < 4:
        return None
    first = core[np.argmax(height[core])]
    line = np.linspace(0.0, 1.0, 17)
    best, apart = 0.0, None
    for second in core[np.argsort(height[core])[::-1][: core.size // 4]]:
        dx, dy = blocks.x[second] - blocks.x[first], blocks.y[second] - blocks.y[first]
        if height[second] < 0.3 * peak:
            break
        x, y = blocks.x - blocks.x[first], blocks.y - blocks.y[first]
        near = np.argmin((x - line[:, None] * dx) ** 2 + (y - line[:, None] * dy) ** 2, axis=1)
        dip = 1.0 - float(height[near].min() / height[second])
        if dip > max(best, DIP):
            best, apart = dip, math.hypot(dx, dy)
    return apart


def _turn(blocks: Blocks, light: Floats) -> float:
    """Angle of the long axis of the light against the nearest axis of the image, degrees; 0 where it has none."""
    total = float(light.sum())
    if not total > 0.0:
        return 0.0
    x, y = blocks.x - float(light @ blocks.x) / total, blocks.y - float(light @ blocks.y) / total
    xx, xy, yy = (float(light @ square) / total for square in (x * x, x * y, y * y))
    middle, half = 0.5 * (xx + yy), math.hypot(0.5 * (xx - yy), xy)
    if not middle > half or (middle + half) < ROUND**2 * (middle - half):
        return 0.0
    degrees = math.degrees(0.5 * math.atan2(2.0 * xy, xx - yy))
    return degrees if TURNED < abs(degrees) < 90.0 - TURNED else 0.0
