"""The likelihood of a spot in one image, and its minimisation: Fisher's scoring, then scipy.

All negative log-likelihoods here are those of counts; divided by the gain, they are those of electrons. Counts are
shifted by read_noise^2 / gain, for the read noise, and positions are pixels of the part of the image that is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.fit import fit_spot
from ....kernels.images.gaussian import BUFFER, spot_likelihood, spot_mean
from ....kernels.images.reference import add_light
from ....kernels.images.search import bin_pixels
from ....kernels.images.stack import LEAST_COUNTS
from ..minimize import Evaluation, minimize_likelihood
from .clipped import Clipped
from .found import NAMES, Found
from .pixels import NO_LIGHT, Pixels, Totals, fixed_bits
from .reference import LARGEST_S, Reference
from .rotated import RotatedLikelihood, rotated_unit_spot

__all__ = ["FEWEST_PIXELS", "Descent", "SpotLikelihood"]

Floats = NDArray[np.float64]

FEWEST_PIXELS = 5
"""Fewest pixels along a side of an image that is fitted."""
ROUGH, FINE = 0.03, 5e-4
"""Distances from the minimum, in standard errors, at which a first and a second fit end."""
ROUGH_STEPS, FINE_STEPS = 30, 200
"""Largest number of steps of the first and of the second fit."""
NEARBY_SIGMAS, NEARBY_PIXELS = 5.0, 8
"""How far around a start the pixels matter to a rough fit: widths, and pixels more."""
LARGEST_GROWTH = 4.0
"""A width that was fitted on squares of pixels is rejected when it is larger than this many sides of the image."""


class Descent(NamedTuple):
    """The end of a minimisation, whose parameters were written in place: nll, information, convergence and steps."""

    nll: float
    information: Floats
    converged: bool
    steps: int


class _Newton(NamedTuple):
    """The end of Fisher's scoring, whose parameters were written in place; `distance` is infinite when it failed."""

    nll: float
    distance: float
    steps: int
    information: Floats


@dataclass(frozen=True, eq=False)
class SpotLikelihood:
    """The counts of one image, shifted for the read noise, with what the fit knows about them.

    Parameters
    ----------
    counts : array of float64, shape (ny, nx)
        Shifted counts; zero where a pixel is not used.
    used : array of float64, shape (ny, nx)
        1 where a pixel is used, 0 elsewhere.
    reference : Reference
    pixels, total : float
        Number of used pixels, and the sum of their shifted counts.
    shift : float
        read_noise^2 / gain, and the offset, counts.
    gain : float or None
        Counts per electron; None when it was not given.
    gain_guess : float
        The gain, or a guess of it when it was not given.
    read_noise : float
        Standard deviation of a pixel without light, counts.
    x_low, y_low : int
        First column and row of the fitted part, in the image.
    noise : float
        Variance of neighbouring pixels over their mean, counts: a guess of the gain.
    background_level : float
        Guess of the background, in shifted counts per pixel.
    lit : bool
        Whether any pixel has counts.
    clipped : Clipped, optional
        Pixels at the largest number that the camera can write.
    is_censored : bool
        Whether these are left out of `counts`, and are in the likelihood as that many counts or more.
    offset : float
        Part of the shift that takes the place of an offset of the counts which is no light: positive where the
        background is below zero.
    is_rounded : bool
        Whether the counts are whole numbers that are not those of electrons.
    """

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
    clipped: Clipped | None = None
    is_censored: bool = False
    offset: float = 0.0
    is_rounded: bool = False

    @cached_property
    def with_reference(self) -> bool:
        """Whether the light of a reference, s R, is part of the model."""
        return self.reference.is_there

    @property
    def noise_shift(self) -> float:
        """The part of the shift that stands for read noise: read_noise^2 / gain."""
        return self.shift - self.offset

    @property
    def least_background(self) -> float:
        """A background of fewer counts per pixel than this is taken to be zero."""
        return LEAST_COUNTS / self.pixels

    def holds_here(self, x0: float, y0: float) -> bool:
        """Whether a position, in pixels of the fitted part, is inside of it."""
        rows, columns = self.counts.shape
        return bool(-0.5 < x0 < columns - 0.5 and -0.5 < y0 < rows - 0.5)

    def names(self, rotated: bool) -> tuple[str, ...]:
        """Names of the parameters, in the order of the arrays."""
        names = NAMES[:5] + (("theta",) if rotated else ()) + NAMES[5:]
        return (*names, "s") if self.with_reference else names

    def with_gain_guess(self, gain: float) -> Self:
        """The same image, with the shift of another guess of the gain."""
        shift = self.read_noise**2 / gain + self.offset
        more = shift - self.shift
        counts = np.where(self.used > 0.0, self.counts + more, 0.0)
        if self.reference.frames:
            np.maximum(counts, 0.0, out=counts)
        return replace(
            self,
            counts=counts,
            reference=self.reference.above(-shift),
            shift=shift,
            gain_guess=gain,
            total=self.total + self.pixels * more,
            background_level=self.background_level + shift - self.shift,
        )

    @cached_property
    def full_s(self) -> float:
        """The value of s at which all light is that of the reference, and C is zero."""
        light = float(np.sum(self.used * self.reference.light)) if self.with_reference else 0.0
        return max(self.total - self.shift * self.pixels, 0.0) / light if light > 0.0 else 0.0

    @cached_property
    def kernel_pixels(self) -> Pixels:
        """All pixels, in the form that kernels take."""
        totals = self._totals(self.total, self.pixels, self.shift)
        return Pixels(self.counts, self.used, self.reference.light, totals)

    def likelihood(self, parameters: Floats) -> Evaluation:
        """Negative log-likelihood of a spot that is not rotated, with gradient and information."""
        n = parameters.size
        rows, columns = self.counts.shape
        score, information = np.zeros(n), np.zeros((n, n))
        x, y, work = np.empty((3, columns)), np.empty((3, rows)), np.empty((3, columns + BUFFER))
        nll = spot_likelihood(*self.kernel_pixels, parameters, x, y, work, score, information)
        if self.clipped is not None and self.is_censored and math.isfinite(nll):
            nll += self.clipped.upright(parameters, x, y, score, information)
        return Evaluation(nll, score, information)

    @cached_property
    def rotated_likelihood(self) -> RotatedLikelihood:
        """The likelihood of a rotated spot."""
        return RotatedLikelihood(self.kernel_pixels, self.clipped if self.is_censored else None)

    def mean(self, found: Found) -> Floats:
        """Shifted mean counts of the model with the parameters of `found`, shape (ny, nx)."""
        out, s = self.spot_mean(found.parameters, found.rotated), float(found.parameters[-1])
        if self.reference.frames > 0:
            add_light(self.counts, self.reference.light, s, float(self.reference.frames), self.shift, out)
        elif self.with_reference:
            out += s * self.reference.light
        return out

    def spot_mean(self, parameters: Floats, rotated: bool) -> Floats:
        """Mean counts of a spot and the background C, without the light of a reference, shape (ny, nx)."""
        rows, columns = self.counts.shape
        if rotated:
            amplitude, x0, y0, sigma_x, sigma_y, theta, level = parameters[:7].tolist()
            unit = rotated_unit_spot(x0, y0, sigma_x, sigma_y, theta, (rows, columns))
            return np.asarray(amplitude * unit + level, dtype=np.float64)
        out = np.empty((rows, columns))
        spot_mean(parameters[:6], NO_LIGHT, np.empty((3, columns)), np.empty((3, rows)), out)
        return out

    def background_slopes(self, x: Floats, y: Floats) -> Floats:
        """Derivatives of the background by its terms at some places, without that by s, shape (n, terms)."""
        del y
        return np.ones((x.size, 1))

    def profile(self, found: Found, fixed: int, value: float) -> float:
        """Profile: negative log-likelihood minimised over all parameters but `fixed`, which has the value `value`.

        The value is in pixels of the whole image, and in counts without the shift.
        """
        offsets = {1: self.x_low, 2: self.y_low, 5 + found.rotated: -self.shift}
        whole, value = found.parameters, value - offsets.get(fixed, 0.0)
        # Start from the other parameters as the covariance predicts them at this value.
        covariance = found.covariance
        there = whole + covariance[:, fixed] / covariance[fixed, fixed] * (value - whole[fixed])
        there[~found.free] = whole[~found.free]
        is_spot = (there[0] > 0.0 or found.is_placed) and min(there[3:5]) > 0.5 * min(whole[3:5])
        free = found.free.copy()
        free[fixed] = False
        nll = math.inf
        for begin in (there, whole.copy()) if is_spot and np.all(np.isfinite(there)) else (whole.copy(),):
            begin[fixed] = value
            nll, _, converged, _ = self.descend(begin, free, rotated=found.rotated)
            if converged:
                break
        return nll

    def descend(self, whole: Floats, free: NDArray[np.bool_], *, rotated: bool) -> Descent:
        """Minimise over the free parameters, starting at `whole`, where the result is written."""
        steps = 0
        if not (rotated or self.is_censored):
            start = whole.copy()
            nll, distance, steps, information = self.newton(whole, free, FINE, FINE_STEPS)
            if distance < ROUGH:
                return Descent(nll, information, True, steps)
            whole[:] = start
        return self.by_scipy(whole, free, rotated=rotated)._replace(steps=steps)

    def newton(self, whole: Floats, free: NDArray[np.bool_], enough: float, most_steps: int) -> _Newton:
        """Fisher's scoring, for a spot that is not rotated, from `whole`, where the result is written."""
        return _newton(self.kernel_pixels, whole, self.least_background, enough, most_steps, fixed_bits(free))

    def by_scipy(self, whole: Floats, free: NDArray[np.bool_], *, rotated: bool) -> Descent:
        """Minimise by scipy over the free parameters, starting at `whole`, where the result is written."""
        likelihood: Callable[[Floats], Evaluation] = self.rotated_likelihood if rotated else self.likelihood
        nll, _, information = likelihood(whole)
        if not math.isfinite(nll):
            return Descent(nll, information, False, 0)

        def of_free(part: Floats) -> Evaluation:
            tried = whole.copy()
            tried[free] = part
            nll, score, information = likelihood(tried)
            if self.reference.frames and free[-1] and not 0.0 <= tried[-1] <= LARGEST_S * self.full_s:
                nll = math.inf
            return Evaluation(nll, score[free], information[np.ix_(free, free)])

        size = 1.0 / np.sqrt(np.maximum(np.diagonal(information), 1e-12))
        best = minimize_likelihood(of_free, whole[free], size[free])
        whole[free] = best.x
        return Descent(best.nll, likelihood(whole).information, best.converged, 0)

    def fit_on_squares(self, start: Floats, halvings: int, free: NDArray[np.bool_]) -> Floats:
        """Parameters of a rough, fast fit on squares of side 2^halvings pixels; the start itself where that fails."""
        side = 2**halvings if halvings > 0 else 1
        shape = self.counts.shape[0] // side, self.counts.shape[1] // side
        if side == 1 or min(shape) < FEWEST_PIXELS:
            return start
        squares = self._squares(side, shape)
        scale, offset = np.ones(start.size), np.zeros(start.size)
        scale[1:5], scale[5] = 1.0 / side, side**2
        offset[1:3] = 0.5 / side - 0.5
        rough = start * scale
        rough += offset
        lowest = LEAST_COUNTS / squares.counts.size
        if not _newton(squares, rough, lowest, ROUGH, ROUGH_STEPS, fixed_bits(free)).distance < 1.0:
            return start
        found = (rough - offset) / scale
        if self.with_reference and not math.isfinite(self.likelihood(found).nll):
            return start  # the mean may be positive in each square of pixels, but negative in one of its pixels
        return found if np.all(found[3:5] < LARGEST_GROWTH * max(self.counts.shape)) else start

    def fit_nearby(self, whole: Floats, free: NDArray[np.bool_]) -> None:
        """Fit roughly, on the pixels around a start, with a fixed background; the result is written to `whole`.

        With a reference, a step on the whole image takes time for all its pixels; without one, only for the pixels of
        the spot.
        """
        middle = whole[1:3].round().astype(int).tolist()
        reach = math.ceil(NEARBY_SIGMAS * float(whole[3:5].max())) + NEARBY_PIXELS
        y_size, x_size = self.counts.shape
        (x_low, x_high), (y_low, y_high) = (
            (max(at - reach, 0), min(at + reach + 1, size)) for at, size in zip(middle, (x_size, y_size), strict=True)
        )
        part = np.s_[y_low:y_high, x_low:x_high]
        counts, used, light = (np.ascontiguousarray(a[part]) for a in (self.counts, self.used, self.reference.light))
        totals = self._totals(float(counts.sum()), float(used.sum()), self.shift)
        offset = np.zeros(whole.size)
        offset[1:3] = x_low, y_low
        near = whole - offset
        spot_alone = fixed_bits(free & (np.arange(whole.size) < NAMES.index("C")))
        pixels = Pixels(counts, used, light, totals)
        _newton(pixels, near, self.least_background, ROUGH, ROUGH_STEPS, spot_alone)
        whole[:] = near + offset

    def _squares(self, side: int, shape: tuple[int, int]) -> Pixels:
        """Sums of counts and light over squares of `side` x `side` pixels."""
        counts, covered, light = np.empty(shape), np.empty(shape), NO_LIGHT
        totals = self._totals(*bin_pixels(self.counts, self.used, side, counts, covered), self.shift * side**2)
        if self.with_reference:
            light = np.empty(shape)
            bin_pixels(self.reference.light, self.used, side, light, np.empty(shape))
        return Pixels(counts, covered, light, totals)

    def _totals(self, counts: float, pixels: float, shift: float) -> Floats:
        frames = float(self.reference.frames)
        return Totals(counts, pixels, frames, shift, self.gain_guess, LARGEST_S * self.full_s).array()


def _newton(
    pixels: Pixels, parameters: Floats, lowest_background: float, enough: float, most_steps: int, fixed: int
) -> _Newton:
    n = parameters.size
    score, information = np.empty(n), np.empty((n, n))
    found = fit_spot(*pixels, parameters, lowest_background, enough, most_steps, fixed, score, information)
    return _Newton(*found, information)
