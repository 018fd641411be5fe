"""The fit of one image as a minimisation problem: model without a spot, search for a spot, and significance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....io.errors import InputError
from ....kernels.images.search import MOST_LEVELS, best_square, clean_excess, median_background
from ..minimize import covariance_from
from .alarms import log_false_alarms
from .found import NAMES, Found, NoSpotModel
from .known_spot import Spot
from .likelihood import FINE, FINE_STEPS, ROUGH, ROUGH_STEPS, Descent, SpotLikelihood
from .reference import HELD_ERROR

__all__ = ["SpotProblem"]

Floats = NDArray[np.float64]

SIGMA_OF_SQUARE = 1.07
"""Width, pixels, of the Gaussian that a square of 3 x 3 sees best: its half side is 1.4 sigma."""
SIGMAS = tuple(SIGMA_OF_SQUARE * 2.0**k for k in range(MOST_LEVELS))
INSIDE = 0.70
"""Fraction of that Gaussian inside the square."""
BACKGROUND_HALVINGS = 2
"""The background is fitted first on the image halved this many times (squares of 4 x 4 pixels)."""
FINER = 1
"""The spot is fitted first on squares of pixels that are this many halvings smaller than the best square."""
PROMISING = math.log(0.05)
"""Logarithm of a probability: a spot that is more probable than this without atoms is fitted roughly only."""
OBVIOUS = 2.0
"""Factor of the noise: a square that is below `PROMISING` even with so much more noise needs no rough fit first."""
SCIPY_ROUNDS = 2
"""Most runs of scipy after scoring that did not converge; each takes the errors where the last one stopped as scale."""
BESIDE = 1e-3
"""Errors of C beside zero at which the slopes of the likelihood show an edge."""
SLIGHT = 1e-6
"""A, in errors, at which the errors of an absent spot are computed: nearly zero, where derivatives still exist."""
EMPTY = 0.05
"""A pixel with a mean below this fraction of the average mean is taken to be empty."""
NARROWEST = 0.5
"""Smallest width, in pixels, of a given spot: a narrower one is a hot pixel."""
NO_SQUARES = np.empty(0)


class _Square(NamedTuple):
    """The square with the most significant excess, as `best_square` finds it, and the upper limits of all sizes."""

    ratio: float
    size: int
    x: float
    y: float
    counts: float
    limits: Floats


@dataclass(frozen=True, eq=False, repr=False)
class SpotProblem(SpotLikelihood):
    """One image: the best model without a spot, the best spot, and its significance."""

    def __repr__(self) -> str:
        rows, columns = self.counts.shape
        return f"SpotProblem({rows} x {columns} pixels, {self.total - self.shift * self.pixels:.0f} counts)"

    def holds(self, x0: float, y0: float) -> bool:
        """Whether a position, in pixels of the whole image, is inside the fitted part."""
        return self.holds_here(x0 - self.x_low, y0 - self.y_low)

    def values(self, found: Found) -> dict[str, float]:
        """Parameters by name, in pixels of the whole image and counts without the shift."""
        shown = found.parameters.copy()
        shown[1] += self.x_low
        shown[2] += self.y_low
        shown[5 + found.rotated] -= self.shift
        return dict(zip(self.names(found.rotated), shown.tolist(), strict=True))

    # --- Without a spot.

    @cached_property
    def without_spot(self) -> NoSpotModel:
        """The best model without a spot: C, or C and s."""
        if not self.with_reference:
            level = self.total / self.pixels
            return NoSpotModel(np.array([level]), self.total - self.total * math.log(level), np.ones(1, np.bool_))
        free = np.arange(7) >= NAMES.index("C")
        flat = np.array([0.0, 0.0, 0.0, 1.0, 1.0, self.least_background + self.shift, self.full_s])
        if not self._determines_s():
            free[-1], flat[-1] = False, self._held_s
        elif self.full_s > 0.0:
            flat[5:] = 0.5 * self.total / self.pixels, 0.5 * self.full_s
        else:
            flat[5] = self.total / self.pixels
        flat = self.fit_on_squares(flat, BACKGROUND_HALVINGS, free)
        nll, information, _, _ = self.descend(flat, free, rotated=False)
        found = self._with_reference_noise(Found(flat, nll, information, True, 0, nll, False, NO_SQUARES, (), free))
        excess = float(found.covariance[-1, -1] - found.inverse_information[-1, -1])
        return NoSpotModel(flat[-2:], nll, free[-2:], excess)

    @cached_property
    def _held_s(self) -> float:
        """The value at which s is held, where the image does not determine it: the ratio of the backgrounds."""
        light = median_background(self.reference.light * self.used, self.used)
        s = (self.background_level - self.shift) / max(light, self.least_background)
        return min(max(s, 0.0), self.full_s)

    def _determines_s(self, spot: Floats | None = None) -> bool:
        """Whether the light of the reference has structure, other than that of a spot, which determines s."""
        is_gain_guessed = self.gain is None
        return self.reference.determines_s(
            self.full_s, self.used, self.shift, self.gain_guess, spot, is_gain_guessed=is_gain_guessed
        )

    def _leaves_s_unknown(self, found: Found) -> bool:
        """Whether s was fitted, but is not determined, because the spot has the shape of the light of the reference."""
        if not (self.reference.frames and found.free[-1]):
            return False
        alone = found.parameters.copy()
        alone[0], alone[-2:] = 1.0, 0.0
        return not self._determines_s(self.spot_mean(alone, found.rotated))

    def _start_with_s_held(self, found: Found) -> tuple[Floats, NDArray[np.bool_]]:
        """Start, and free parameters, of a new fit with s held, after a fit in which noise determined s."""
        whole, free = found.parameters.copy(), found.free.copy()
        whole[-2:], free[-1] = (self.least_background + self.shift, self._held_s), False
        return whole, free

    def _with_reference_noise(self, found: Found) -> Found:
        """The same fit, with the variance that the noise of the reference adds."""
        if not self.reference.frames:
            return found
        if not found.free[-1]:
            light = float(np.sum(self.used * self.reference.light))
            noise = math.sqrt(max(self.total, 1.0) * self.gain_guess) / max(light, 1.0)
            return replace(found, held_variance=max(HELD_ERROR * self.full_s, noise) ** 2 / self.gain_guess)
        s, mean = float(found.parameters[-1]), self.mean(found)
        excess = self.reference.excess_score(s, mean, self.used, self.shift, self.gain_guess)
        return replace(found, excess_score=excess)

    # --- A spot anywhere.

    def minimum(self, *, rotated: bool) -> Found:
        """Search for a spot, then fit it: first on squares of pixels, then on the pixels."""
        background = self.without_spot
        square, start = self._start()
        free = np.array([True] * 5 + background.free.tolist())
        start = self.fit_on_squares(start, square.size - FINER, free)
        promising, (nll, information, converged, steps) = self._fit_if_promising(square, start, free)
        if not self.with_reference and 0.0 < start[5] < 1.0 / self.pixels:
            # The error of a background below one count in the image is not smaller than that count.
            information = self.likelihood(np.array([*start[:5], 1.0 / self.pixels])).information
        if rotated:
            start, nll, information, converged = self.rotated_likelihood.minimum(start, free)
            free = np.append(np.ones(6, np.bool_), background.free)
        found = Found(start, nll, information, converged, steps, background.nll, rotated, square.limits, SIGMAS, free)
        found = self._with_reference_noise(found)
        if promising and self._leaves_s_unknown(found):
            start, free = self._start_with_s_held(found)
            nll, information, converged, _ = self.descend(start, free, rotated=rotated)
            found = replace(
                found,
                parameters=start,
                nll=nll,
                information=information,
                converged=converged,
                free=free,
                excess_score=0.0,
            )
            found = self._with_reference_noise(found)
        return found

    def _start(self) -> tuple[_Square, Floats]:
        """The square with the most significant excess, and a start for the fit of a spot in it."""
        background = self.without_spot
        if self.with_reference:
            level = np.maximum(background.values[0] + background.values[1] * self.reference.light, 1e-12)
        else:
            level = np.array([[max(self.background_level, self.least_background)]])
        left = self.reference.variance_left(float(background.values[-1]), level, self.used, self.shift)
        noise = self.noise / left
        square = self._brightest_square(level, noise)
        sigma = SIGMAS[square.size]
        least = math.sqrt(float(level.mean()) * noise) * sigma
        spot = [max(square.counts / INSIDE, least), square.x, square.y, sigma, sigma]
        return square, np.array([*spot, *(background.values if self.with_reference else (float(level[0, 0]),))])

    def start_above(self, level: Floats) -> Floats | None:
        """A start for a fit, A, x0, y0, sigma_x, sigma_y, in the square that stands out of some light; None without."""
        square = self._brightest_square(level, self.noise)
        if not self.log_p(square.ratio, self.noise) < PROMISING:
            return None
        sigma = SIGMAS[square.size]
        least = math.sqrt(float(level.mean()) * self.noise) * sigma
        return np.array([max(square.counts / INSIDE, least), square.x, square.y, sigma, sigma])

    def _brightest_square(self, level: Floats, noise: float) -> _Square:
        excess, ratios, limits = np.empty(self.counts.shape), np.empty(MOST_LEVELS), np.empty(MOST_LEVELS)
        clean_excess(self.counts, self.used, level, noise, excess)
        return _Square(*best_square(excess, level, ratios, limits, noise), limits)

    def _fit_if_promising(self, square: _Square, start: Floats, free: NDArray[np.bool_]) -> tuple[bool, Descent]:
        """Whether a spot may be more than noise, and its fit, which goes to the minimum only then; writes `start`.

        Without atoms the likelihood has many local maxima, and the best one has no meaning: a rough fit is enough.
        """
        steps = 0
        if not self.log_p(square.ratio, OBVIOUS * self.noise) < PROMISING:
            rough = self._rough_fit(start, free)
            if not self.log_p(self.without_spot.nll - rough.nll, self.noise) < PROMISING:
                return False, rough
            steps = rough.steps
        nll, distance, more, information = self.newton(start, free, FINE, FINE_STEPS)
        fine = Descent(nll, information, bool(distance < FINE), steps + more)
        if not fine.converged and self._is_background_at_zero(start, free):
            # The other parameters have their minimum beside it; the error of C is that of a C that is free.
            place, held = NAMES.index("C"), free.copy()
            start[place], held[place] = 0.0, False
            nll, distance, more, _ = self.newton(start, held, FINE, FINE_STEPS)
            fine = Descent(nll, self.likelihood(start).information, bool(distance < ROUGH), fine.steps + more)
        for _ in range(SCIPY_ROUNDS):
            if fine.converged:
                break
            fine = self.by_scipy(start, free, rotated=False)._replace(steps=fine.steps)
        return True, fine

    def _is_background_at_zero(self, parameters: Floats, free: NDArray[np.bool_]) -> bool:
        """Whether C is best at zero, where the likelihood has an edge.

        Where neither image nor references have light, C below zero asks for some in each of these pixels: the
        likelihood falls off on both sides, and no step of Newton's arrives.
        """
        place = NAMES.index("C")
        if not (self.reference.frames and free[place] and self.shift == 0.0):
            return False
        error = 1.0 / math.sqrt(max(float(self.likelihood(parameters).information[place, place]), 1e-200))
        slopes = []
        for side in (-BESIDE * error, BESIDE * error):
            beside = parameters.copy()
            beside[place] = side
            there = self.likelihood(beside)
            slopes.append(float(there.gradient[place]) if math.isfinite(there.nll) else -math.inf)
        return abs(float(parameters[place])) < error and slopes[0] < 0.0 < slopes[1]

    def _rough_fit(self, start: Floats, free: NDArray[np.bool_]) -> Descent:
        """A fit that ends near the minimum, on as few pixels as possible; the result is written to `start`."""
        if self.with_reference:
            self.fit_nearby(start, free)
            nll, _, information = self.likelihood(start)
            return Descent(nll, information, True, 0)
        nll, _, steps, information = self.newton(start, free, ROUGH, ROUGH_STEPS)
        return Descent(nll, information, True, steps)

    # --- A spot of known place and widths.

    def check_spot(self, spot: Spot) -> None:
        """Check that the given spot is inside the image, and that its widths are possible.

        Raises
        ------
        InputError
            When it is not.
        """
        if not self.holds(spot.x0, spot.y0):
            centre = f"({spot.x0:g}, {spot.y0:g})"
            raise InputError(f"spot: its centre {centre} lies outside of what is fitted of the image")
        widest = min(self.counts.shape)
        if not all(NARROWEST <= width <= widest for width in (spot.sigma_x, spot.sigma_y)):
            raise InputError(
                f"spot: its widths should be {NARROWEST:g} to {widest} pixels, "
                f"not {spot.sigma_x:g} and {spot.sigma_y:g}"
            )

    def brightness(self, spot: Spot) -> Found:
        """Fit A and the background at a given place and given widths.

        A may become negative, so that it is unbiased also without atoms.
        """
        rotated = spot.theta is not None
        level = max(self.total / self.pixels, self.least_background)
        noise = math.sqrt(4.0 * math.pi * spot.sigma_x * spot.sigma_y * level)
        x0, y0, *widths = spot.numbers
        start = np.array([noise, x0 - self.x_low, y0 - self.y_low, *widths, *self.without_spot.values])
        free = np.array([True, *[False] * len(spot.numbers), *self.without_spot.free])
        found = self._brightness_from(start, free, noise, rotated=rotated)
        if self._leaves_s_unknown(found):
            start, free = self._start_with_s_held(found)
            start[0] = noise
            found = self._brightness_from(start, free, noise, rotated=rotated)
        return found

    def _brightness_from(self, start: Floats, free: NDArray[np.bool_], noise: float, *, rotated: bool) -> Found:
        dark = np.array([SLIGHT * noise, *start[1:]])
        nll, information, converged, steps = self.descend(start, free, rotated=rotated)
        if start[0] < 0.0:
            # A negative A comes from noise of the background: its error is that at A = 0, not that of fewer counts.
            information = (self.rotated_likelihood if rotated else self.likelihood)(dark).information
        found = Found(start, nll, information, converged, steps, self.without_spot.nll, rotated, NO_SQUARES, (), free)
        if not converged and start[0] < 0.0:
            mean = self.mean(found)
            # With very few electrons, the best A makes the mean of a pixel zero: a limit, not a minimum.
            found = replace(found, converged=bool(0.0 < mean.min() < EMPTY * mean.mean()))
        return self._with_reference_noise(found)

    # --- How surely it is there.

    def evidence(self, found: Found) -> float:
        """Logarithm of the likelihood ratio with and without the spot, in counts, at the s of the model without it.

        With s free, a spot could replace part of the light of the reference, and so avoid its noise.
        """
        background = self.without_spot
        if not self.reference.frames:
            return background.nll - found.nll
        whole, free, nll, information = found.parameters.copy(), found.free.copy(), found.nll, found.information
        if free[-1]:
            whole[-2:], free[-1] = background.values, False  # with these values, all means are positive
            nll, information, _, _ = self.descend(whole, free, rotated=found.rotated)
        covariance = covariance_from(information[np.ix_(free, free)])
        amplitude_by_s = float(covariance[0] @ information[free, -1])
        variance = max(background.excess_variance, found.held_variance)
        return (background.nll - nll) / (1.0 + amplitude_by_s**2 * variance / float(covariance[0, 0]))

    def log_p(self, ratio_counts: float, gain: float) -> float:
        """Logarithm of the probability that an image without atoms has a spot of this likelihood ratio anywhere."""
        if not ratio_counts > 0.0 or not math.isfinite(ratio_counts):
            return 0.0
        return log_false_alarms(ratio_counts / gain, self.counts.shape, self.background_level / gain)
