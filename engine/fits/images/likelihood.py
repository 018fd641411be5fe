"""The likelihood of a spot in one image, and ways down from a start: Fisher scoring, and scipy behind it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.fit import fit_spot
from ....kernels.images.gaussian import BUFFER, spot_likelihood, spot_mean
from ....kernels.images.reference import add_light
from ....kernels.images.search import bin_pixels
from ..minimize import minimize_likelihood
from .found import NAMES, Found
from .reference import MOST, Reference
from .rotated import RotatedLikelihood, turned_spot

__all__ = [
    "FEWEST_PIXELS",
    "FINE",
    "FINE_STEPS",
    "LEAST_COUNTS",
    "NOTHING",
    "ROUGH",
    "ROUGH_STEPS",
    "SpotLikelihood",
    "fixed_bits",
]

Floats = NDArray[np.float64]

FEWEST_PIXELS = 5  # along a side
ROUGH, FINE = 0.03, 5e-4
"""Distances from the minimum, in errors, that end the first and the second fit."""
ROUGH_STEPS, FINE_STEPS = 30, 200
NEARBY_SIGMAS, NEARBY_PIXELS = 5.0, 8
"""How far around a start the pixels matter to a rough fit."""
LEAST_COUNTS = 1e-3
"""In the whole image: a background below them is called zero."""
NOTHING = np.zeros((0, 0))
Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]


@dataclass(frozen=True, eq=False)
class SpotLikelihood:
    """The counts of one image, shifted by what the read noise is worth, and what is known of them."""

    counts: Floats
    used: Floats
    reference: Reference
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

    @property
    def with_reference(self) -> bool:
        """Whether s R is a part of the model."""
        return self.reference.is_there

    def names(self, rotated: bool) -> tuple[str, ...]:
        """Of the fitted parameters."""
        names = NAMES[:5] + (("theta",) if rotated else ()) + NAMES[5:]
        return (*names, "s") if self.with_reference else names

    def with_gain_guess(self, gain: float) -> Self:
        """The same counts, shifted for another gain."""
        shift = self.read_noise**2 / gain
        counts = np.where(self.used > 0.0, self.counts + (shift - self.shift), 0.0)
        if self.reference.frames:
            np.maximum(counts, 0.0, out=counts)
        total = self.total + self.pixels * (shift - self.shift)
        level = self.background_level + shift - self.shift
        reference = self.reference.above(-shift)
        return replace(
            self, counts=counts, reference=reference, shift=shift, gain_guess=gain, total=total, background_level=level
        )

    @cached_property
    def totals(self) -> Floats:
        """What the kernels are told of counts, pixels and the noise of the reference, shape (6,)."""
        return self._totals(self.total, self.pixels, self.shift)

    def _totals(self, counts: float, pixels: float, shift: float) -> Floats:
        frames = float(self.reference.frames)
        return np.array([counts, pixels, frames, shift, self.gain_guess, MOST * self.whole_part])

    @cached_property
    def whole_part(self) -> float:
        """What s is when all light is that of the reference, and none the background's."""
        light = float(np.sum(self.used * self.reference.light)) if self.with_reference else 0.0
        return max(self.total - self.shift * self.pixels, 0.0) / light if light > 0.0 else 0.0

    def likelihood(self, parameters: Floats) -> tuple[float, Floats, Floats]:
        """Negative log-likelihood in counts, with gradient and information."""
        n = parameters.size
        rows, columns = self.counts.shape
        score, information = np.zeros(n), np.zeros((n, n))
        x, y, work = np.empty((3, columns)), np.empty((3, rows)), np.empty((3, columns + BUFFER))
        nll = spot_likelihood(
            self.counts, self.used, self.reference.light, self.totals, parameters, x, y, work, score, information
        )
        return nll, score, information

    def mean(self, found: Found) -> Floats:
        """Mean counts, shifted as the counts are."""
        out, noisy = self._spot(found.parameters, found.rotated), self.reference.frames > 0
        if noisy:
            frames, part = float(self.reference.frames), float(found.parameters[-1])
            add_light(self.counts, self.reference.light, part, frames, self.shift, out)
        elif self.with_reference:
            out += found.parameters[-1] * self.reference.light
        return out

    def _spot(self, parameters: Floats, rotated: bool) -> Floats:
        """Mean counts of a spot and its background."""
        rows, columns = self.counts.shape
        if rotated:
            amplitude, x0, y0, sigma_x, sigma_y, theta, level = parameters[:7].tolist()
            turned = turned_spot(x0, y0, sigma_x, sigma_y, theta, (rows, columns))
            return np.asarray(amplitude * turned + level, dtype=np.float64)
        out = np.empty((rows, columns))
        spot_mean(parameters[:6], NOTHING, np.empty((3, columns)), np.empty((3, rows)), out)
        return out

    def _fitted_on_squares(self, start: Floats, halvings: int, fixed: int) -> Floats:
        side = 2**halvings if halvings > 0 else 1
        shape = self.counts.shape[0] // side, self.counts.shape[1] // side
        if side == 1 or min(shape) < FEWEST_PIXELS:
            return start
        image, covered, light = np.empty(shape), np.empty(shape), NOTHING
        totals = self._totals(*bin_pixels(self.counts, self.used, side, image, covered), self.shift * side**2)
        if self.with_reference:
            light = np.empty(shape)
            bin_pixels(self.reference.light, self.used, side, light, np.empty(shape))
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
            fixed,
            np.empty(n),
            np.empty((n, n)),
        )[1]
        if not distance < 1.0:
            return start
        found = (rough - offset) / scale
        if self.with_reference and not math.isfinite(self.likelihood(found)[0]):
            return start  # a mean may be positive in squares of pixels, but not in each of them
        return found if np.all(found[3:5] < 4.0 * max(self.counts.shape)) else start

    def _fitted_nearby(self, whole: Floats, free: NDArray[np.bool_]) -> Floats:
        """A rough fit on the pixels around the start, with the background as it is; writes and gives the parameters.

        Without a reference a spot costs as much as its pixels, with one as much as the image, at each of many steps.
        """
        rows, columns = self.counts.shape
        middle, reach = (
            whole[1:3].round().astype(int),
            math.ceil(NEARBY_SIGMAS * float(whole[3:5].max())) + NEARBY_PIXELS,
        )
        (x_low, x_high), (y_low, y_high) = (
            (max(at - reach, 0), min(at + reach + 1, size))
            for at, size in zip(middle.tolist(), (columns, rows), strict=True)
        )
        part = np.s_[y_low:y_high, x_low:x_high]
        counts, used, light = (np.ascontiguousarray(a[part]) for a in (self.counts, self.used, self.reference.light))
        offset = np.zeros(whole.size)
        offset[1:3] = x_low, y_low
        near, n = whole - offset, whole.size
        spot_alone = fixed_bits(free & (np.arange(n) < NAMES.index("C")))
        fit_spot(
            counts, used, light, self._totals(float(counts.sum()), float(used.sum()), self.shift), near,
            LEAST_COUNTS / self.pixels, ROUGH, ROUGH_STEPS, spot_alone, np.empty(n), np.empty((n, n)),
        )  # fmt: skip
        whole[:] = near + offset
        return whole

    @cached_property
    def _rotated(self) -> RotatedLikelihood:
        return RotatedLikelihood(self.counts, self.used, self.reference.light, self.totals)

    def _by_scipy(self, whole: Floats, free: NDArray[np.bool_], likelihood: Likelihood) -> tuple[float, Floats, bool]:
        """Minimise over the free parameters, from there on; writes them, gives nll, information and success."""
        nll, _, information = likelihood(whole)
        if not math.isfinite(nll):
            return nll, information, False

        def restricted(part: Floats) -> tuple[float, Floats, Floats]:
            tried = whole.copy()
            tried[free] = part
            nll, score, information = likelihood(tried)
            if self.reference.frames and free[-1] and not 0.0 <= tried[-1] <= MOST * self.whole_part:
                nll = math.inf
            return nll, score[free], information[np.ix_(free, free)]

        size = 1.0 / np.sqrt(np.maximum(np.diagonal(information), 1e-12))
        best = minimize_likelihood(restricted, whole[free], size[free])
        whole[free] = best.x
        return best.nll, likelihood(whole)[2], best.converged

    def profile(self, found: Found, fixed: int, value: float) -> float:
        """Likelihood in counts, minimised over all parameters but one."""
        offsets = {1: self.x_low, 2: self.y_low, 5 + found.rotated: -self.shift}
        whole, value = found.parameters, value - offsets.get(fixed, 0.0)
        # the others as the covariance has them there
        covariance = found.covariance
        there = whole + covariance[:, fixed] / covariance[fixed, fixed] * (value - whole[fixed])
        there[~found.free] = whole[~found.free]
        is_spot = (there[0] > 0.0 or found.is_placed) and min(there[3:5]) > 0.5 * min(whole[3:5])
        free = found.free.copy()
        free[fixed] = False
        nll = math.inf
        for begin in (there, whole.copy()) if is_spot and np.all(np.isfinite(there)) else (whole.copy(),):
            begin[fixed] = value
            nll, _, converged, _ = self._descended(begin, free, found.rotated)
            if converged:
                break
        return nll

    def _descended(self, whole: Floats, free: NDArray[np.bool_], rotated: bool) -> tuple[float, Floats, bool, int]:
        """Minimise over the free parameters, from there on; writes them, gives nll, information, success and steps."""
        steps = 0
        if not rotated:
            n, start, information = whole.size, whole.copy(), np.empty((whole.size, whole.size))
            nll, distance, steps = fit_spot(
                self.counts, self.used, self.reference.light, self.totals, whole, LEAST_COUNTS / self.pixels, FINE,
                FINE_STEPS, fixed_bits(free), np.empty(n), information,
            )  # fmt: skip
            if distance < ROUGH:
                return nll, information, True, steps
            whole[:] = start
        return *self._by_scipy(whole, free, self._rotated if rotated else self.likelihood), steps


def fixed_bits(free: NDArray[np.bool_]) -> int:
    """As `fit_spot` takes the parameters that stay as they are."""
    return sum(1 << k for k, is_free in enumerate(free.tolist()) if not is_free)
