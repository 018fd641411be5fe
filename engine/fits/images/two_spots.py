"""Whether two spots describe one place much better than one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.residuals import near_dispersion
from ....kernels.images.spots import OF_SPOT
from .blocks import blocks_around
from .found import Found
from .likelihood import SpotLikelihood
from .local import LocalProblem
from .rotated import axes_of, elements_of

__all__ = ["Pair", "excess_of", "pair_of"]

Floats = NDArray[np.float64]

BETTER = 10.0
"""Logarithm of the likelihood ratio by which two spots are better than one, at least."""
LEFT = 0.2
"""Most of the departure from one spot that may be left with two: more, and neither model is the light's."""
APART = 1.8
"""Least distance of two spots, in widths of the wider one: closer ones are one of another shape."""
FAINTEST, LARGEST = 0.05, 3.0
"""Least light of the fainter one, in units of the other, and largest ratio of their widths."""
BLOCK, NEAR, WINGS = 0.5, 4.0, 6.0
"""Sides of blocks, and how far residuals are looked at, in widths of the one spot."""


class Pair(NamedTuple):
    """Two spots.

    Attributes
    ----------
    parameters : array of float64
        Those of the kernel: twice A, x0, y0, S_xx, S_xy, S_yy, and the background.
    other : tuple of float
        Column and row of the fainter one, pixels of the window, and its light over that of the other.
    """

    parameters: Floats
    other: tuple[float, float, float]


def pair_of(local: LocalProblem, found: Found, noise: float, best: float, better: float = BETTER) -> Pair | None:
    """The two spots that describe a place much better than one; None where they do not.

    Parameters
    ----------
    local : LocalProblem
    found : Found
        The one spot.
    noise : float
        Counts per electron.
    best : float
        Negative log-likelihood of the best model with one spot, counts.
    better : float
        Logarithm of the likelihood ratio by which two are better than that, at least.
    """
    mean = local.mean(found)
    excess = excess_of(local, found, mean, noise)
    two_best = None
    for start in _starts(local, found, mean):
        parameters = start.copy()
        free = np.ones(parameters.size, np.bool_)
        free[[4, OF_SPOT + 4]] = False
        nll, converged = local.fit_more(parameters, free)
        if converged and (two_best is None or nll < two_best[0]):
            two_best = nll, parameters
    if two_best is None or not (best - two_best[0]) / noise > better or not excess > 0.0:
        return None
    _, parameters = two_best
    one, two = (parameters[OF_SPOT * k : OF_SPOT * k + OF_SPOT] for k in (0, 1))
    if two[0] > one[0]:
        one, two = two, one
    x, y, widths = two[1] - one[1], two[2] - one[2], np.sqrt([one[[3, 5]], two[[3, 5]]])
    ratio = math.sqrt(float(np.prod(widths[0]) / np.prod(widths[1])))
    apart = math.hypot(*(np.array([x, y]) / widths.max(axis=0)).tolist())
    if apart < APART or not two[0] > FAINTEST * one[0] or not 1.0 / LARGEST < ratio < LARGEST:
        return None
    if excess_of(local, found, local.mean_of(parameters), noise) > LEFT * excess:
        return None
    return Pair(parameters, (float(two[1]), float(two[2]), float(two[0] / one[0])))


def excess_of(problem: SpotLikelihood, found: Found, mean: Floats, noise: float) -> float:
    """Chi-square of the residuals of blocks around a spot, less what noise makes of it.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
        The spot.
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    noise : float
        Counts per electron.
    """
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    matrix = elements_of(sigma_x, sigma_y, float(found.parameters[5]) if found.rotated else 0.0)
    chi_square, number, *_ = near_dispersion(
        problem.counts, problem.used, np.maximum(mean, 1e-12), x0, y0,
        math.sqrt(matrix.s_xx), math.sqrt(matrix.s_yy), BLOCK, NEAR, WINGS,
    )  # fmt: skip
    return float(chi_square / noise - number)


def _starts(local: LocalProblem, found: Found, mean: Floats) -> list[Floats]:
    """Two spots along the longer axis of the light, and one where the residuals are largest beside the other."""
    spot = found.parameters
    blocks = blocks_around(local, found, mean, BLOCK, NEAR)
    slopes = local.background_slopes(blocks.x, blocks.y)
    background = (slopes @ spot[5 + found.rotated :][: local.terms]) * blocks.pixels
    if local.with_reference:
        background = background + float(spot[-1]) * blocks.light
    light = blocks.residual + blocks.mean - background
    near = blocks.within(0.0, NEAR)
    light, x, y = light[near], blocks.x[near], blocks.y[near]
    total = float(light.sum())
    if not total > 0.0:
        return []
    x0, y0 = float(light @ x) / total, float(light @ y) / total
    xx, xy, yy = (float(light @ square) / total for square in ((x - x0) ** 2, (x - x0) * (y - y0), (y - y0) ** 2))
    tail = spot[5 + found.rotated :]
    starts = []
    if xx > 0.0 and yy > 0.0 and xx * yy > xy * xy:
        axes = axes_of(xx, xy, yy)
        long, angle = axes.sigma_x, axes.theta
        short = axes.sigma_y
        if long < short:
            long, short, angle = short, long, angle + 0.5 * math.pi
        for part in (0.8, 1.0):
            shift = part * long * np.array([math.cos(angle), math.sin(angle)])
            pair = [
                np.array([0.5 * total, x0 + sign * shift[0], y0 + sign * shift[1], short**2, 0.0, short**2])
                for sign in (1.0, -1.0)
            ]
            starts.append(np.concatenate([*pair, tail]))
    residual = blocks.residual[near] / blocks.pixels[near]
    at = int(np.argmax(residual))
    widths = spot[3:5] ** 2
    one = np.array([0.8 * spot[0], spot[1], spot[2], widths[0], 0.0, widths[1]])
    two = np.array([0.2 * spot[0], x[at], y[at], 0.5 * widths[0], 0.0, 0.5 * widths[1]])
    starts.append(np.concatenate([one, two, tail]))
    return starts
