"""Models of the light in a window around a spot, and the most probable one of them, with the price of the choice.

They are compared by Akaike's criterion, with the noise of blocks of pixels in place of that of pixels (QAIC: J.-D.
Lebreton et al., Ecol. Monogr. 62 (1992) 67). What the choice costs is the variance of the numbers over the models,
weighted by how probable they are (S. T. Buckland et al., Biometrics 53 (1997) 603).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.ring import PATTERNS, ring_dispersion
from .found import Found
from .goodness import residuals_of
from .likelihood import SpotLikelihood
from .local import LocalProblem, window_of
from .problem import SpotProblem

__all__ = ["Chosen", "Ring", "chosen_model", "ring_of"]

Floats = NDArray[np.float64]

WITHIN, BEYOND, BLOCK = 3.0, 8.0, 0.5
"""Where the ring around a spot begins and ends, and sides of its blocks, in widths."""
FAR_WITHIN, FAR_BEYOND = 5.0, 10.0
"""The same of a ring that no light of a spot of another shape reaches, as long as it has no wings."""
SURE = 4.0
"""Standard deviations from which on the light in the ring has a structure."""
CLEARER = 8.0
"""Logarithm of the likelihood ratio by which a turned spot is better than an upright one, when it is taken."""
ROUNDS = 3
"""How often the window follows the spot."""
REACHES = 6.0, 4.0
"""Half the sides of windows, in widths of the spot: the second where light has a structure in the first."""


class Ring(NamedTuple):
    """The residuals in a ring around a spot.

    Attributes
    ----------
    patterns : float
        Chi-square of the six patterns of a polynomial.
    ratio, sure : float
        Chi-square of blocks over their number, and by how many standard deviations it is more than 1.
    """

    patterns: float = 0.0
    ratio: float = 1.0
    sure: float = 0.0


class _Model(NamedTuple):
    local: LocalProblem
    found: Found
    name: str


class Chosen(NamedTuple):
    """The most probable model.

    Attributes
    ----------
    local : LocalProblem
    found : Found
    name : str
        Of the background.
    price : array of float64, shape (k, k)
        What the choice adds to the covariance of A, x0, y0, sigma_x, sigma_y[, theta].
    dispersion : float
        Variance of blocks around the spot in units of that of their pixels; 1 where it is not surely more.
    noise : float
        Counts per electron.
    single : tuple of LocalProblem and Found
        The upright spot on the plainest background.
    """

    local: LocalProblem
    found: Found
    name: str
    price: Floats
    dispersion: float
    noise: float
    single: tuple[LocalProblem, Found]


def _pixel_noise(problem: SpotProblem, mean: Floats) -> float:
    """Counts per electron: as given, or as neighbouring pixels tell, which smooth light does not change."""
    if problem.gain is not None:
        return problem.gain
    residuals = residuals_of(problem, mean)
    return residuals.differences / residuals.pairs if residuals.pairs else math.nan


def ring_of(problem: SpotLikelihood, found: Found, mean: Floats, noise: float, *, far: bool = False) -> Ring:
    """The residuals around a spot.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    noise : float
        Counts per electron.
    far : bool
        Whether the ring begins where no light of a spot of another shape is.
    """
    ends = (FAR_WITHIN, FAR_BEYOND) if far else (WITHIN, BEYOND)
    _, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    if found.rotated:
        sigma_x = sigma_y = max(sigma_x, sigma_y)
    patterns, chi_square, blocks, means = ring_dispersion(
        problem.counts, problem.used, mean, x0, y0, sigma_x, sigma_y, BLOCK, *ends
    )
    if not (blocks > PATTERNS and noise > 0.0):
        return Ring()
    ratio = chi_square / blocks / noise
    return Ring(patterns / noise, ratio, (ratio - 1.0) / math.sqrt((2.0 + noise * blocks / means) / blocks))


def chosen_model(
    problem: SpotProblem, start: Floats, backgrounds: Sequence[str], shapes: Sequence[bool], *, placed: bool
) -> Chosen | None:
    """The most probable model in a window around a spot; None where none of them can be fitted.

    Parameters
    ----------
    problem : SpotProblem
    start : array of float64, shape (5,) or (6,)
        A, x0, y0, sigma_x, sigma_y[, theta].
    backgrounds : sequence of str
        Names of backgrounds.
    shapes : sequence of bool
        False for upright, True for turned.
    placed : bool
        Whether place and widths are as given.
    """
    best = None
    for reach in REACHES:
        models = [
            model
            for turned in shapes
            for model in _models(problem, start, backgrounds, reach, turned=turned, placed=placed)
            if model.found.converged and np.all(np.isfinite(model.found.covariance))
        ]
        if not models:
            continue
        best = _best_of(models)
        if best.dispersion <= 1.0:
            break
    return best


def _models(
    problem: SpotProblem, start: Floats, backgrounds: Sequence[str], reach: float, *, turned: bool, placed: bool
) -> Iterator[_Model]:
    begin = start if (start.size > 5) == turned else np.append(start[:5], 0.0)[: 5 + turned]
    window = window_of(problem, begin, backgrounds[0], reach)
    offset = np.array([window.x_low - problem.x_low, window.y_low - problem.y_low])
    for name in backgrounds:
        local, here = window.named(name), begin.copy()
        here[1:3] -= offset
        found = local.fit(here, rotated=turned, placed=placed)
        for _ in range(ROUNDS):
            x0, y0 = found.parameters[1:3].tolist()
            if (round(x0), round(y0)) == local.origin or not found.converged:
                break
            local = replace(local, origin=(round(x0), round(y0)))
            found = local.fit(found.parameters[: 5 + turned], rotated=turned, placed=placed)
        yield _Model(local, found, name)


def _best_of(models: list[_Model]) -> Chosen:
    """The most probable model, with the price of the choice, by the noise of the one that describes the light best."""
    largest = min(models, key=lambda model: model.found.nll)
    mean = largest.local.mean(largest.found)
    noise = _pixel_noise(largest.local, mean)
    ring = ring_of(largest.local, largest.found, mean, noise)
    dispersion = ring.ratio if ring.sure > SURE else 1.0
    costs = np.array([m.found.nll / (noise * dispersion) + float(m.found.free.sum()) for m in models])
    turned = np.array([m.found.rotated for m in models])
    if turned.any() and not turned.all():
        better = costs[~turned].min() - costs[turned].min() > CLEARER
        costs[turned != better] = np.inf
    weights = np.exp(costs.min() - costs)
    weights /= weights.sum()
    best = models[int(np.argmax(weights))]
    k = 5 + best.found.rotated
    price = np.zeros((k, k))
    for model, weight in zip(models, weights.tolist(), strict=True):
        if model is not best and weight > 0.0:
            step = model.found.parameters[:k] - best.found.parameters[:k]
            wider = noise * (model.found.covariance[:k, :k] - best.found.covariance[:k, :k])
            price += weight * (np.outer(step, step) + (wider if wider[0, 0] > 0.0 else 0.0))
    return Chosen(best.local, best.found, best.name, price, dispersion, noise, (models[0].local, models[0].found))
