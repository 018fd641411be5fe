"""One image as a problem to minimise: checked counts, the search for a start, Fisher scoring, and scipy behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...io.errors import InputError
from ...kernels.gaussian import BUFFER, spot_likelihood, spot_mean
from ...kernels.spot_fit import fit_spot
from ...kernels.spots import (
    background_level,
    best_square,
    bin_pixels,
    checked_counts,
    clean_excess,
    fit_background,
    pixel_noise,
)
from .minimize import covariance_from, minimize_likelihood
from .rotated import RotatedLikelihood, turned_spot
from .spot_alarms import log_false_alarms

__all__ = ["NAMES", "Found", "SpotProblem", "checked_problem", "every_pixel"]

Floats = NDArray[np.float64]

NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")
FEWEST_PIXELS = 5  # along a side
LEVELS = 8
SIGMA_OF_SQUARE = 1.07
"""Width of the Gaussian that a square of 3 x 3 sees best: its half side is 1.4 sigma."""
INSIDE = 0.70
"""Part of that Gaussian in the square."""
FINER = 1
"""Halvings of the third of the square, of which the first fit has its pixels."""
ROUGH, FINE = 0.03, 5e-4
"""Distances from the minimum, in errors, that end the first and the second fit."""
ROUGH_STEPS, FINE_STEPS = 30, 200
WORTH_FITTING = math.log(0.05)
"""Logarithm of the probability without atoms, above which the fit is not finished."""
OBVIOUS = 2.0
"""Times the noise, above which a square alone says that there is something."""
LEAST_COUNTS = 1e-3
"""In the whole image: a background below them is called zero."""
NOTHING = np.zeros((0, 0))


@dataclass(frozen=True, eq=False)
class Found:
    """Where the likelihood of an image is best, in the pixels of the part that is fitted."""

    parameters: Floats  # A, x0, y0, sigma_x, sigma_y[, theta], C[, s]
    nll: float
    information: Floats
    converged: bool
    steps: int
    background_nll: float
    rotated: bool
    square_limits: Floats  # largest excess of squares of each size, and 1.645 of its errors more
    square_sigmas: tuple[float, ...]

    def values(self, problem: SpotProblem) -> dict[str, float]:
        """By name, in pixels of the whole image and counts without the shift."""
        shown = self.parameters.copy()
        shown[1] += problem.x_low
        shown[2] += problem.y_low
        shown[5 + self.rotated] -= problem.shift
        return dict(zip(problem.names(self.rotated), shown.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class SpotProblem:
    """The counts of one image, shifted by what the read noise is worth, and what is known of them."""

    counts: Floats
    used: Floats
    reference: Floats  # of the shape of counts, or empty
    pixels: float
    total: float
    shift: float
    gain: float | None
    gain_guess: float
    read_noise: float
    x_low: int
    y_low: int
    noise: float
    background_level: float
    lit: bool
    frames: int  # images of which the reference is the mean; 0 for one that has no noise

    @property
    def with_reference(self) -> bool:
        """Whether s R is a part of the model."""
        return self.reference.size > 0

    def names(self, rotated: bool) -> tuple[str, ...]:
        """Of the fitted parameters."""
        names = NAMES[:5] + (("theta",) if rotated else ()) + NAMES[5:]
        return (*names, "s") if self.with_reference else names

    def with_gain_guess(self, gain: float) -> SpotProblem:
        """The same counts, shifted for another gain."""
        shift = self.read_noise**2 / gain
        counts = np.where(self.used > 0.0, self.counts + (shift - self.shift), 0.0)
        total = self.total + self.pixels * (shift - self.shift)
        level = self.background_level + shift - self.shift
        return replace(self, counts=counts, shift=shift, gain_guess=gain, total=total, background_level=level)

    @cached_property
    def totals(self) -> Floats:
        """Sums of counts and of used pixels, shape (2,)."""
        return np.array([self.total, self.pixels])

    @cached_property
    def background(self) -> tuple[Floats, float]:
        """Best C (1,) or C and s (2,) without a spot, and the negative log-likelihood."""
        if not self.with_reference:
            level = self.total / self.pixels
            return np.array([level]), self.total - self.total * math.log(level)
        light = float(np.sum(self.used * self.reference))
        part = 0.5 * self.total / light if light > 0.0 else 0.0
        answer = np.array([0.5 * self.total / self.pixels if light > 0.0 else self.total / self.pixels, part])
        fit_background(self.counts, self.used, self.reference, answer)
        flat = np.array([0.0, 0.0, 0.0, 1.0, 1.0, *answer])
        return answer, self.likelihood(flat)[0]

    def likelihood(self, parameters: Floats) -> tuple[float, Floats, Floats]:
        """Negative log-likelihood in counts, with gradient and information."""
        n = parameters.size
        rows, columns = self.counts.shape
        score, information = np.zeros(n), np.zeros((n, n))
        x, y, work = np.empty((3, columns)), np.empty((3, rows)), np.empty((3, columns + BUFFER))
        nll = spot_likelihood(
            self.counts, self.used, self.reference, self.totals, parameters, x, y, work, score, information
        )
        return nll, score, information

    def mean(self, found: Found) -> Floats:
        """Mean counts, shifted as the counts are."""
        rows, columns = self.counts.shape
        out = np.empty((rows, columns))
        if not found.rotated:
            spot_mean(found.parameters, self.reference, np.empty((3, columns)), np.empty((3, rows)), out)
            return out
        amplitude, x0, y0, sigma_x, sigma_y, theta, level = found.parameters[:7].tolist()
        out[:] = amplitude * turned_spot(x0, y0, sigma_x, sigma_y, theta, (rows, columns)) + level
        if self.with_reference:
            out += found.parameters[-1] * self.reference
        return out

    def minimum(self, rotated: bool) -> Found:
        """Search, then fit: on squares of pixels first, then on the pixels."""
        background, background_nll = self.background
        rows, columns = self.counts.shape
        if self.with_reference:
            level = np.maximum(background[0] + background[1] * self.reference, 1e-12)
        else:
            level = np.array([[max(self.background_level, LEAST_COUNTS / self.pixels)]])
        excess = np.empty((rows, columns))
        clean_excess(self.counts, self.used, level, self.noise, excess)
        ratios, limits = np.empty(LEVELS), np.empty(LEVELS)
        seen, size, x, y, counts = best_square(excess, level, ratios, limits, self.noise)
        sigma = SIGMA_OF_SQUARE * 2.0**size
        noise = math.sqrt(float(level.mean()) * self.noise) * sigma
        start = np.array([max(counts / INSIDE, noise), x, y, sigma, sigma, float(level[0, 0])])
        if self.with_reference:
            start = np.append(start[:5], background)
        start = self._fitted_on_squares(start, size - FINER)
        n = start.size
        score, information = np.empty(n), np.empty((n, n))
        lowest = LEAST_COUNTS / self.pixels
        data = self.counts, self.used, self.reference, self.totals
        # Where there is nothing, the likelihood is rough and its maximum without meaning: near it is good enough.
        worth_fitting = self.log_p(seen, OBVIOUS * self.noise) < WORTH_FITTING
        steps, converged = 0, True
        if not worth_fitting:
            nll, _, steps = fit_spot(*data, start, lowest, ROUGH, ROUGH_STEPS, -1, score, information)
            worth_fitting = self.log_p(background_nll - nll, self.noise) < WORTH_FITTING
        if worth_fitting:
            nll, distance, more = fit_spot(*data, start, lowest, FINE, FINE_STEPS, -1, score, information)
            steps += more
            converged = bool(distance < FINE)
            if not converged:
                start, nll, information, converged = self._by_scipy(start)
        if not self.with_reference and 0.0 < start[5] < 1.0 / self.pixels:
            # A background below one count in the image is not known better than that count.
            information = self.likelihood(np.array([*start[:5], 1.0 / self.pixels]))[2]
        if rotated:
            start, nll, information, converged = self._rotated.minimum(start)
        sigmas = tuple(SIGMA_OF_SQUARE * 2.0**k for k in range(LEVELS))
        return Found(start, nll, information, converged, steps, background_nll, rotated, limits, sigmas)

    def log_p(self, ratio_counts: float, gain: float) -> float:
        """Logarithm of the probability that an image without atoms has a spot of such a likelihood ratio somewhere."""
        if not ratio_counts > 0.0 or not math.isfinite(ratio_counts):
            return 0.0
        return log_false_alarms(ratio_counts / gain, self.counts.shape, self.background_level / gain)

    def _fitted_on_squares(self, start: Floats, halvings: int) -> Floats:
        side = 2**halvings if halvings > 0 else 1
        shape = self.counts.shape[0] // side, self.counts.shape[1] // side
        if side == 1 or min(shape) < FEWEST_PIXELS:
            return start
        image, covered, light = np.empty(shape), np.empty(shape), NOTHING
        totals = np.array(bin_pixels(self.counts, self.used, side, image, covered))
        if self.with_reference:
            light = np.empty(shape)
            bin_pixels(self.reference, self.used, side, light, np.empty(shape))
        scale = np.ones(start.size)
        scale[1:5] = 1.0 / side
        scale[5] = side**2
        rough = start * scale
        offset = np.zeros(start.size)
        offset[1:3] = 0.5 / side - 0.5
        rough += offset
        n = start.size
        distance = fit_spot(
            image,
            covered,
            light,
            totals,
            rough,
            LEAST_COUNTS / image.size,
            ROUGH,
            ROUGH_STEPS,
            -1,
            np.empty(n),
            np.empty((n, n)),
        )[1]
        if not distance < 1.0:
            return start
        found = (rough - offset) / scale
        return found if np.all(found[3:5] < 4.0 * max(self.counts.shape)) else start

    @cached_property
    def _rotated(self) -> RotatedLikelihood:
        return RotatedLikelihood(self.counts, self.used, self.reference, self.totals)

    def _by_scipy(self, start: Floats) -> tuple[Floats, float, Floats, bool]:
        for _ in range(2):  # far from the start the steps' sizes are wrong: go on with those of where it stopped
            size = 1.0 / np.sqrt(np.maximum(np.diagonal(self.likelihood(start)[2]), 1e-12))
            best = minimize_likelihood(self.likelihood, start, size)
            start = best.x
            if best.converged:
                break
        return best.x, best.nll, best.information, best.converged

    def profile(self, found: Found, fixed: int, value: float) -> float:
        """Likelihood in counts, minimised over all parameters but one."""
        offsets = {1: self.x_low, 2: self.y_low, 5 + found.rotated: -self.shift}
        whole = found.parameters.copy()
        # the others as the covariance has them there
        change = value - offsets.get(fixed, 0.0) - whole[fixed]
        covariance = covariance_from(found.information)
        there = whole + covariance[:, fixed] / covariance[fixed, fixed] * change
        if np.all(np.isfinite(there)) and there[0] > 0.0 and min(there[3:5]) > 0.5 * min(whole[3:5]):
            whole = there
        whole[fixed] = value - offsets.get(fixed, 0.0)
        n = whole.size
        if not found.rotated:
            nll, distance, _ = fit_spot(
                self.counts, self.used, self.reference, self.totals, whole, LEAST_COUNTS / self.pixels, FINE,
                FINE_STEPS, fixed, np.empty(n), np.empty((n, n)),
            )  # fmt: skip
            if distance < ROUGH:
                return nll
        likelihood = self._rotated if found.rotated else self.likelihood
        free = np.arange(n) != fixed

        def restricted(part: Floats) -> tuple[float, Floats, Floats]:
            whole[free] = part
            nll, score, information = likelihood(whole)
            return nll, score[free], information[np.ix_(free, free)]

        size = 1.0 / np.sqrt(np.maximum(np.diagonal(found.information), 1e-12))
        return minimize_likelihood(restricted, found.parameters[free], size[free]).nll


@lru_cache(maxsize=8)
def every_pixel(shape: tuple[int, ...]) -> Floats:
    """Ones, never written to: making them anew for each of thousands of images takes as long as a step of the fit."""
    return np.ones(shape)


def checked_problem(
    image: ArrayLike,
    reference: ArrayLike | None,
    mask: ArrayLike | None,
    gain: float | None,
    read_noise: float,
    roi: tuple[int, int, int, int] | None,
) -> SpotProblem:
    """Look at what the user gave.

    Raises
    ------
    InputError
    """
    counts = np.asarray(image)
    if counts.ndim != 2:
        raise InputError(f"an image has rows and columns, not the shape {counts.shape}")
    shape = counts.shape
    if gain is not None and not 0.0 < gain < math.inf:
        raise InputError(f"gain should be a positive number of counts per electron, not {gain!r}")
    if not 0.0 <= read_noise < math.inf:
        raise InputError(f"read_noise should be a number of counts, 0 or more, not {read_noise!r}")
    used = every_pixel(shape) if mask is None else (~np.asarray(mask, dtype=bool)).astype(np.float64)
    if used.shape != shape:
        raise InputError(f"the mask has the shape {used.shape}, the image {shape}")
    light, frames = (NOTHING, 0) if reference is None else _mean_light(reference, shape)
    x_low, x_high, y_low, y_high = roi or (0, shape[1], 0, shape[0])
    if not (0 <= x_low < x_high <= shape[1] and 0 <= y_low < y_high <= shape[0]):
        raise InputError(f"the region {roi} does not lie within {shape[1]} columns and {shape[0]} rows")
    part = np.s_[y_low:y_high, x_low:x_high]
    pixels_given = np.ascontiguousarray(counts[part], dtype=np.float64)
    used = np.ascontiguousarray(used[part])
    if light.size and used.any():
        light = np.ascontiguousarray(light[part])
        if not np.all(np.isfinite(light[used > 0.0])):
            raise InputError("a reference with infinite or missing counts cannot be fitted; mask those pixels")
        light = np.where(used > 0.0, light, light[used > 0.0].mean())  # positive means at masked pixels, too
    if min(pixels_given.shape) < FEWEST_PIXELS:
        raise InputError(f"an image of {pixels_given.shape[1]} x {pixels_given.shape[0]} pixels is too small to fit")
    # A copy is ours to keep; what is the user's may change after the fit.
    held = np.empty(pixels_given.shape) if np.may_share_memory(pixels_given, counts) else pixels_given
    pixels, total, squares, negative, infinite = checked_counts(pixels_given, used, 0.0, held)
    if pixels <= len(NAMES) + 1:
        raise InputError(f"an image of {pixels:.0f} pixels that are not masked is too small to fit")
    if infinite:
        raise InputError("an image with infinite or missing counts cannot be fitted; mask those pixels")
    if negative and not read_noise > 0.0:
        raise InputError(
            "an image with negative counts cannot be fitted by a Poisson likelihood; give the raw counts, "
            "or their read_noise"
        )
    lit = squares > 0.0
    noise, level = pixel_noise(held, used), background_level(held, used)
    guess = gain if gain is not None else 1.0
    shift = 0.0
    if read_noise > 0.0:
        if gain is None:
            typical = max(total / pixels, 1e-3 * read_noise)
            guess = max(noise - read_noise**2 / typical, 0.05 * noise)
        shift = read_noise**2 / guess
        total = checked_counts(held, used, shift, held)[1]
        noise = guess
        level += shift
    return SpotProblem(
        held, used, light, pixels, total, shift, gain, guess, read_noise, x_low, y_low, noise, level, lit, frames
    )


def _mean_light(reference: ArrayLike, shape: tuple[int, ...]) -> tuple[Floats, int]:
    light = np.asarray(reference, dtype=np.float64)
    frames = 0
    if light.ndim == 3:
        frames = len(light)
        light = light.mean(axis=0)
    if light.shape != shape:
        raise InputError(f"the reference has the shape {light.shape}, the image {shape}")
    return light, frames
