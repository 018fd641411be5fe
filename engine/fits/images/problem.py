"""One image as a problem to minimise: what it has without a spot, the search for one, and how surely it is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.fit import fit_spot
from ....kernels.images.search import best_square, clean_excess, median_background
from ..minimize import covariance_from
from .alarms import log_false_alarms
from .found import NAMES, Found, NoSpotModel
from .likelihood import (
    FINE,
    FINE_STEPS,
    LEAST_COUNTS,
    NOTHING,
    ROUGH,
    ROUGH_STEPS,
    SpotLikelihood,
    fixed_bits,
)
from .reference import HELD

__all__ = ["SpotProblem"]

Floats = NDArray[np.float64]

LEVELS = 8
SIGMA_OF_SQUARE = 1.07
"""Width of the Gaussian that a square of 3 x 3 sees best: its half side is 1.4 sigma."""
SIGMAS = tuple(SIGMA_OF_SQUARE * 2.0**k for k in range(LEVELS))
INSIDE = 0.70
"""Part of that Gaussian in the square."""
BACKGROUND_HALVINGS = 2
"""Halvings of the image, on which the background is fitted first."""
FINER = 1
"""Halvings of the third of the square, of which the first fit has its pixels."""
WORTH_FITTING = math.log(0.05)
"""Logarithm of the probability without atoms, above which the fit is not finished."""
OBVIOUS = 2.0
"""Times the noise, above which a square alone says that there is something."""
SLIGHT = 1e-6
"""Of an error: no spot, but one of which the likelihood has derivatives."""
EMPTY = 0.05
"""Part of the mean counts, below which a pixel has none."""


class _Square(NamedTuple):
    """Of `best_square`: the square of the most significant excess, and the limits of all sizes."""

    ratio: float
    size: int
    x: float
    y: float
    counts: float
    limits: Floats


@dataclass(frozen=True, eq=False)
class SpotProblem(SpotLikelihood):
    """One image: what it has without a spot, where a spot may be, and how surely there is one."""

    def values(self, found: Found) -> dict[str, float]:
        """By name, in pixels of the whole image and counts without the shift."""
        shown = found.parameters.copy()
        shown[1] += self.x_low
        shown[2] += self.y_low
        shown[5 + found.rotated] -= self.shift
        return dict(zip(self.names(found.rotated), shown.tolist(), strict=True))

    @cached_property
    def without_spot(self) -> NoSpotModel:
        """Best C, or C and s, without a spot."""
        if not self.with_reference:
            level = self.total / self.pixels
            return NoSpotModel(np.array([level]), self.total - self.total * math.log(level), np.ones(1, np.bool_))
        free = np.arange(7) >= NAMES.index("C")
        flat = np.array([0.0, 0.0, 0.0, 1.0, 1.0, LEAST_COUNTS / self.pixels + self.shift, self.whole_part])
        if not self._tells_part():
            free[-1], flat[-1] = False, self._held_part
        elif self.whole_part > 0.0:
            flat[5:] = 0.5 * self.total / self.pixels, 0.5 * self.whole_part
        else:
            flat[5] = self.total / self.pixels
        flat = self._fitted_on_squares(flat, BACKGROUND_HALVINGS, fixed_bits(free))
        nll, information = self._descended(flat, free, rotated=False)[:2]
        found = self._with_doubt(Found(flat, nll, information, True, 0, nll, False, NOTHING, (), free))
        return NoSpotModel(flat[-2:], nll, free[-2:], float(found.covariance[-1, -1] - found.curved[-1, -1]))

    @cached_property
    def _held_part(self) -> float:
        """s, where the image does not tell it: the ratio of the backgrounds."""
        light = median_background(self.reference.light * self.used, self.used)
        part = (self.background_level - self.shift) / max(light, LEAST_COUNTS / self.pixels)
        return min(max(part, 0.0), self.whole_part)

    def _with_part_held(self, found: Found) -> tuple[Floats, NDArray[np.bool_]]:
        """Where to begin a fit again whose s was told by noise, and what it fits."""
        whole, free = found.parameters.copy(), found.free.copy()
        whole[-2:], free[-1] = (LEAST_COUNTS / self.pixels + self.shift, self._held_part), False
        return whole, free

    def _tells_part(self, spot: Floats | None = None) -> bool:
        """Whether the light has structure to tell s from, other than that of a spot."""
        guessed = self.gain is None
        return self.reference.tells_part(self.whole_part, self.used, self.shift, self.gain_guess, guessed, spot)

    def _is_part_unknown(self, found: Found) -> bool:
        """Whether a spot of the light's own shape leaves no structure to tell s from."""
        if not (self.reference.frames and found.free[-1]):
            return False
        alone = found.parameters.copy()
        alone[0], alone[-2:] = 1.0, 0.0
        return not self._tells_part(self._spot(alone, found.rotated))

    def minimum(self, rotated: bool) -> Found:
        """Search, then fit: on squares of pixels first, then on the pixels."""
        background = self.without_spot
        if self.with_reference:
            level = np.maximum(background.values[0] + background.values[1] * self.reference.light, 1e-12)
        else:
            level = np.array([[max(self.background_level, LEAST_COUNTS / self.pixels)]])
        noise = self.noise / self.reference.left(float(background.values[-1]), level, self.used, self.shift)
        square = self._brightest_square(level, noise)
        sigma = SIGMA_OF_SQUARE * 2.0**square.size
        least = math.sqrt(float(level.mean()) * noise) * sigma
        start = np.array([max(square.counts / INSIDE, least), square.x, square.y, sigma, sigma, float(level[0, 0])])
        if self.with_reference:
            start = np.append(start[:5], background.values)
        free = np.array([True] * 5 + background.free.tolist())
        fixed = fixed_bits(free)
        start = self._fitted_on_squares(start, square.size - FINER, fixed)
        n = start.size
        score, information = np.empty(n), np.empty((n, n))
        lowest = LEAST_COUNTS / self.pixels
        data = self.counts, self.used, self.reference.light, self.totals
        # Where there is nothing, the likelihood is rough and its maximum without meaning: near it is good enough.
        worth_fitting = self.log_p(square.ratio, OBVIOUS * self.noise) < WORTH_FITTING
        steps, converged = 0, True
        if not worth_fitting and self.with_reference:
            nll, _, information = self.likelihood(self._fitted_nearby(start, free))
            worth_fitting = self.log_p(background.nll - nll, self.noise) < WORTH_FITTING
        elif not worth_fitting:
            nll, _, steps = fit_spot(*data, start, lowest, ROUGH, ROUGH_STEPS, fixed, score, information)
            worth_fitting = self.log_p(background.nll - nll, self.noise) < WORTH_FITTING
        if worth_fitting:
            nll, distance, more = fit_spot(*data, start, lowest, FINE, FINE_STEPS, fixed, score, information)
            steps += more
            converged = bool(distance < FINE)
            if not converged:
                for _ in range(2):  # far from the start its sizes are wrong: go on with those of where it stopped
                    nll, information, converged = self._by_scipy(start, free, self.likelihood)
                    if converged:
                        break
        if not self.with_reference and 0.0 < start[5] < 1.0 / self.pixels:
            # A background below one count in the image is not known better than that count.
            information = self.likelihood(np.array([*start[:5], 1.0 / self.pixels]))[2]
        if rotated:
            start, nll, information, converged = self._rotated.minimum(start, free)
            free = np.append(np.ones(6, np.bool_), background.free)
        found = Found(start, nll, information, converged, steps, background.nll, rotated, square.limits, SIGMAS, free)
        found = self._with_doubt(found)
        if worth_fitting and self._is_part_unknown(found):
            start, free = self._with_part_held(found)
            nll, information, converged, _ = self._descended(start, free, rotated)
            found = replace(
                found, parameters=start, nll=nll, information=information, converged=converged, free=free, doubt=0.0
            )
            found = self._with_doubt(found)
        return found

    def _brightest_square(self, level: Floats, noise: float) -> _Square:
        excess, ratios, limits = np.empty(self.counts.shape), np.empty(LEVELS), np.empty(LEVELS)
        clean_excess(self.counts, self.used, level, noise, excess)
        return _Square(*best_square(excess, level, ratios, limits, noise), limits)

    def holds(self, x0: float, y0: float) -> bool:
        """Whether a place of the whole image lies in the part that is fitted."""
        rows, columns = self.counts.shape
        return bool(-0.5 < x0 - self.x_low < columns - 0.5 and -0.5 < y0 - self.y_low < rows - 0.5)

    def brightness(self, spot: Sequence[float]) -> Found:
        """Fit A and the background of a spot of this place and these widths: x0, y0, sigma_x, sigma_y[, theta].

        A may be negative, so that it is right in the mean also where there are no atoms.
        """
        background = self.without_spot
        rotated = len(spot) > NAMES.index("C") - NAMES.index("x0")
        noise = math.sqrt(4.0 * math.pi * spot[2] * spot[3] * max(self.total / self.pixels, LEAST_COUNTS / self.pixels))
        start = np.array([noise, spot[0] - self.x_low, spot[1] - self.y_low, *spot[2:], *background.values])
        free = np.array([True, *[False] * len(spot), *background.free])
        found = self._brightness_from(start, free, rotated, noise)
        if self._is_part_unknown(found):
            start, free = self._with_part_held(found)
            start[0] = noise
            found = self._brightness_from(start, free, rotated, noise)
        return found

    def _brightness_from(self, start: Floats, free: NDArray[np.bool_], rotated: bool, noise: float) -> Found:
        dark = np.array([SLIGHT * noise, *start[1:]])
        nll, information, converged, steps = self._descended(start, free, rotated)
        if start[0] < 0.0:
            # A negative A is noise of the background, whose errors it has, not those of fewer counts.
            information = (self._rotated if rotated else self.likelihood)(dark)[2]
        found = Found(start, nll, information, converged, steps, self.without_spot.nll, rotated, NOTHING, (), free)
        if not converged and start[0] < 0.0:
            mean = self.mean(found)
            # Where there is hardly an electron, it is best where a pixel has none, which is no minimum.
            found = replace(found, converged=bool(0.0 < mean.min() < EMPTY * mean.mean()))
        return self._with_doubt(found)

    def _with_doubt(self, found: Found) -> Found:
        if not self.reference.frames:
            return found
        if not found.free[-1]:
            light = float(np.sum(self.used * self.reference.light))
            error = max(HELD * self.whole_part, math.sqrt(max(self.total, 1.0) * self.gain_guess) / max(light, 1.0))
            return replace(found, held_variance=error**2 / self.gain_guess)
        part, mean = float(found.parameters[-1]), self.mean(found)
        return replace(found, doubt=self.reference.doubt(part, mean, self.used, self.shift, self.gain_guess))

    def evidence(self, found: Found) -> float:
        """Logarithm of the likelihood ratio for the spot, in counts, with the light that there is without it.

        With s free, a spot could stand for the light of the reference, and spare the image its noise.
        """
        if not self.reference.frames:
            return self.without_spot.nll - found.nll
        whole, free, nll, information = found.parameters.copy(), found.free.copy(), found.nll, found.information
        if free[-1]:
            whole[-2:], free[-1] = self.without_spot.values, False  # means are positive with those
            nll, information, _, _ = self._descended(whole, free, found.rotated)
        covariance = covariance_from(information[np.ix_(free, free)])
        moved = float(covariance[0] @ information[free, -1])  # A by s
        variance = max(self.without_spot.doubt, found.held_variance)
        return (self.without_spot.nll - nll) / (1.0 + moved**2 * variance / float(covariance[0, 0]))

    def log_p(self, ratio_counts: float, gain: float) -> float:
        """Logarithm of the probability that an image without atoms has a spot of such a likelihood ratio somewhere."""
        if not ratio_counts > 0.0 or not math.isfinite(ratio_counts):
            return 0.0
        return log_false_alarms(ratio_counts / gain, self.counts.shape, self.background_level / gain)
