"""A spot on a background that slopes or bends, fitted in a window around it.

Light that is not even over an image is nearly a plane, or a polynomial of second order, around a spot. In a window of
some widths it is fitted together with the spot (`kernels.images.spots`): C is then the background at the pixel of the
window's `origin`, that of the centre of the spot, C_x and C_y its slopes, and C_xx, C_xy, C_yy the factors of x^2, x y
and y^2, x and y in pixels from there. Errors of A and of the others know that these are fitted, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.spots import fit_spots, spots_likelihood
from ..minimize import Evaluation, minimize_likelihood
from .alarms import log_false_alarms
from .found import NAMES, Found, NoSpotModel
from .pixels import NO_LIGHT, fixed_bits
from .problem import SpotProblem
from .rotated import RotatedLikelihood, axes_of, elements_of, rotated_unit_spot

__all__ = ["SLOPES", "TERMS", "LocalProblem", "polynomial", "window_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TERMS = {"flat": 1, "plane": 3, "quadratic": 6}
"""How many terms a background has, by its name."""
SLOPES = ("C_x", "C_y", "C_xx", "C_xy", "C_yy")
"""Names of the terms beyond C."""
ENOUGH, MOST_STEPS = 5e-4, 30
"""Distance from the minimum, in errors, at which scoring ends, and most of its steps."""
REACH = 6.0
"""Half the sides of a window, in widths of the spot."""
LEAST_REACH = 10
"""The same in pixels, at least."""


@dataclass(frozen=True, eq=False, repr=False)
class LocalProblem(SpotProblem):
    """The window of an image around a spot, whose background is a polynomial.

    Parameters
    ----------
    terms : int
        Of the polynomial: 1, 3 or 6.
    places : (ny, nx)
        Rows and columns of the part of the image in which the spot was searched.
    origin : (x, y)
        Pixel of the window from which the polynomial counts.
    """

    terms: int = 1
    places: tuple[int, ...] = (0, 0)
    origin: tuple[int, int] = (0, 0)

    def names(self, rotated: bool) -> tuple[str, ...]:
        """Names of the parameters, in the order of the arrays."""
        names = (*NAMES[:5], *(("theta",) if rotated else ()), "C", *SLOPES[: self.terms - 1])
        return (*names, "s") if self.with_reference else names

    @property
    def background_names(self) -> tuple[str, ...]:
        """Those of the background."""
        return self.names(rotated=False)[5:]

    def log_p(self, ratio_counts: float, gain: float) -> float:
        """Logarithm of the probability that an image without atoms has a spot of this likelihood ratio anywhere."""
        if not ratio_counts > 0.0 or not math.isfinite(ratio_counts):
            return 0.0
        return log_false_alarms(ratio_counts / gain, self.places, self.background_level / gain)

    @cached_property
    def without_spot(self) -> NoSpotModel:
        """The best model without a spot: the polynomial, and s."""
        start = np.zeros(self.terms + self.with_reference)
        start[0] = self.total / self.pixels
        nll, _, _ = self._scored(start, np.ones(start.size, np.bool_))
        return NoSpotModel(start, nll, np.ones(start.size, np.bool_))

    def mean(self, found: Found) -> Floats:
        """Shifted mean counts of the model with the parameters of `found`, shape (ny, nx)."""
        mean = self.spot_mean(found.parameters, found.rotated)
        return mean + float(found.parameters[-1]) * self.reference.light if self.with_reference else mean

    def spot_mean(self, parameters: Floats, rotated: bool) -> Floats:
        """Mean counts of a spot and the polynomial, without the light of a reference, shape (ny, nx)."""
        spot = 5 + rotated
        angle = float(parameters[5]) if rotated else 0.0
        x0, y0, sigma_x, sigma_y = parameters[1:5].tolist()
        unit = rotated_unit_spot(x0, y0, sigma_x, sigma_y, angle, self.counts.shape)
        return np.asarray(parameters[0] * unit + self._polynomial(parameters[spot : spot + self.terms]))

    def _polynomial(self, factors: Floats) -> Floats:
        rows, columns = self.counts.shape
        x, y = (np.arange(n, dtype=np.float64) - at for n, at in zip((columns, rows), self.origin, strict=True))
        return polynomial(factors, x, y[:, None])

    def background_slopes(self, x: Floats, y: Floats) -> Floats:
        """Derivatives of the background by its terms at some places, without that by s, shape (n, terms)."""
        across, down = x - self.origin[0], y - self.origin[1]
        terms = [np.ones_like(across), across, down, across * across, across * down, down * down]
        return np.stack(terms[: self.terms], axis=1)

    def fit(self, start: Floats, *, rotated: bool, placed: bool = False) -> Found:
        """The best spot from a start: A, x0, y0, sigma_x, sigma_y[, theta] in pixels of the window.

        Parameters
        ----------
        start : array of float64, shape (5,) or (6,)
        rotated : bool
            Whether theta is among the parameters.
        placed : bool
            Whether place and widths are as given, and A alone is fitted.
        """
        elements = elements_of(float(start[3]), float(start[4]), float(start[5]) if start.size > 5 else 0.0)
        parameters = np.concatenate([start[:3], elements, self.without_spot.values])
        parameters[6] = max(self._level_beside(start), 0.01 * self.total / self.pixels)
        parameters[7 : 6 + self.terms] = 0.0
        free = np.ones(parameters.size, np.bool_)
        free[4] = rotated
        if placed:
            free[1:6] = False
        nll, information, converged = self._scored(parameters, free)
        natural = np.empty(5 + rotated)
        natural[:3] = parameters[:3]
        if rotated or placed:
            natural[3:] = start[3:] if placed else axes_of(*parameters[3:6].tolist())
        else:
            natural[3:] = np.sqrt(parameters[[3, 5]])
        by = self._derivatives(natural, parameters.size)
        whole = np.concatenate([natural, parameters[6:]])
        fitted = np.concatenate([free[:5], free[4:5] if rotated else free[:0], free[6:]])
        fitted[3:5] = not placed
        return Found(
            whole, nll, by.T @ information @ by, converged, 0, self.without_spot.nll, rotated, np.empty(0), (), fitted
        )

    def _level_beside(self, start: Floats) -> float:
        """A guess of the background: the counts without those of the spot, per pixel."""
        rows, columns = self.counts.shape
        inside = 1.0
        for centre, width, size in ((start[1], start[3], columns), (start[2], start[4], rows)):
            ends = ((end - 0.5 - centre) / (width * math.sqrt(2.0)) for end in (0.0, float(size)))
            low, high = (math.erf(end) for end in ends)
            inside *= 0.5 * (high - low)
        return (self.total - float(start[0]) * inside) / self.pixels

    @staticmethod
    def _derivatives(natural: Floats, n: int) -> Floats:
        """Derivatives of the parameters with elements (rows) by those with widths (columns)."""
        rotated = natural.size > 5
        theta = float(natural[5]) if rotated else 0.0
        by = RotatedLikelihood.derivatives(float(natural[3]), float(natural[4]), theta, n)
        return by if rotated else np.delete(by, 5, axis=1)

    def _scored(self, parameters: Floats, free: Flags) -> tuple[float, Floats, bool]:
        """Minimise from `parameters`, where the result is written: nll, information, and whether it converged."""
        n = parameters.size
        score, information = np.empty(n), np.empty((n, n))
        pixels = self.kernel_pixels
        nll, distance, _ = fit_spots(
            *pixels, self.terms, np.array([*self.origin, 1.0], dtype=np.float64), parameters, ENOUGH, MOST_STEPS,
            fixed_bits(free), score, information,
        )  # fmt: skip
        return nll, information, bool(distance < ENOUGH)

    def fit_more(self, parameters: Floats, free: Flags) -> tuple[float, bool]:
        """Fit several spots, by the parameters of the kernel, which are written: nll, and whether it converged."""
        nll, _, converged = self._scored(parameters, free)
        return nll, converged

    def information_of(self, parameters: Floats) -> tuple[float, Floats]:
        """Negative log-likelihood and information of any number of spots, by the parameters of the kernel."""
        n = parameters.size
        score, information = np.empty(n), np.empty((n, n))
        origin = np.array([*self.origin, 1.0], dtype=np.float64)
        nll = spots_likelihood(*self.kernel_pixels, self.terms, origin, parameters, NO_LIGHT, score, information)
        return nll, information

    def mean_of(self, parameters: Floats) -> Floats:
        """Shifted mean counts of any number of spots, by the parameters of the kernel, shape (ny, nx)."""
        n, mean = parameters.size, np.zeros(self.counts.shape)
        origin = np.array([*self.origin, 1.0], dtype=np.float64)
        score, information = np.empty(n), np.empty((n, n))
        spots_likelihood(*self.kernel_pixels, self.terms, origin, parameters, mean, score, information)
        return mean

    def profile(self, found: Found, fixed: int, value: float) -> float:
        """Negative log-likelihood minimised over all parameters but one, in pixels of the image and counts."""
        offsets = {1: self.x_low, 2: self.y_low, 5 + found.rotated: -self.shift}
        value -= offsets.get(fixed, 0.0)
        covariance = found.covariance
        there = found.parameters + covariance[:, fixed] / covariance[fixed, fixed] * (value - found.parameters[fixed])
        there[~found.free] = found.parameters[~found.free]
        there[fixed] = value
        return self._profile_from(there, found, fixed)

    def _profile_from(self, natural: Floats, found: Found, fixed: int) -> float:
        spot, turned = 5 + found.rotated, found.rotated and not found.is_placed
        if not min(natural[3:5]) > 0.0:
            return math.inf
        elements = elements_of(float(natural[3]), float(natural[4]), float(natural[5]) if found.rotated else 0.0)
        parameters = np.concatenate([natural[:3], elements, natural[spot:]])
        if turned and 3 <= fixed < spot:
            return self._profile_of_axis(natural, fixed)
        place = fixed if fixed < 3 else {3: 3, 4: 5}[fixed] if fixed < spot else 6 + fixed - spot
        free = np.ones(parameters.size, np.bool_)
        free[:3], free[3:6] = found.free[:3], (found.free[3], turned, found.free[3])
        free[place] = False
        return self._scored(parameters, free)[0]

    def _profile_of_axis(self, natural: Floats, fixed: int) -> float:
        """With a width or the angle of a turned spot fixed, which are no parameters of the kernel."""
        free = np.arange(natural.size) != fixed
        whole = natural.copy()

        def of_free(part: Floats) -> Evaluation:
            whole[free] = part
            nll, score, information = self._of_natural(whole)
            return Evaluation(nll, score[free], information[np.ix_(free, free)])

        information = self._of_natural(natural).information
        size = 1.0 / np.sqrt(np.maximum(np.diagonal(information), 1e-12))
        return minimize_likelihood(of_free, natural[free], size[free]).nll

    def _of_natural(self, natural: Floats) -> Evaluation:
        """The likelihood of a turned spot by its widths and its angle."""
        n = natural.size
        score, information = np.zeros(n), np.zeros((n, n))
        if not min(natural[3:5]) > 0.0:
            return Evaluation(math.inf, score, information)
        elements = natural.copy()
        elements[3:6] = elements_of(*natural[3:6].tolist())
        origin = np.array([*self.origin, 1.0], dtype=np.float64)
        nll = spots_likelihood(*self.kernel_pixels, self.terms, origin, elements, NO_LIGHT, score, information)
        sigma_x, sigma_y, theta = natural[3:6].tolist()
        by = RotatedLikelihood.derivatives(sigma_x, sigma_y, theta, n)
        return Evaluation(nll, by.T @ score, by.T @ information @ by)

    def named(self, background: str) -> Self:
        """The same window with another background."""
        return replace(self, terms=TERMS[background])


def polynomial(factors: Floats, x: Floats, y: Floats) -> Floats:
    """1, x, y, x^2, x y, y^2 times factors, as many as there are."""
    terms = (1.0, x, y, x * x, x * y, y * y)
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))
    for factor, term in zip(factors.tolist(), terms, strict=False):
        total = total + factor * term
    return total


def window_of(problem: SpotProblem, spot: Floats, background: str, reach: float = REACH) -> LocalProblem:
    """The window of an image around a spot.

    Parameters
    ----------
    problem : SpotProblem
    spot : array of float64, shape (5,) or more
        A, x0, y0, sigma_x, sigma_y[, theta], pixels of what is fitted.
    background : "flat", "plane" or "quadratic"
    reach : float
        Half the sides of the window, in widths of the spot.
    """
    _, x0, y0, sigma_x, sigma_y = spot[:5].tolist()
    matrix = elements_of(sigma_x, sigma_y, float(spot[5]) if spot.size > 5 else 0.0)
    rows, columns = problem.counts.shape
    ends = []
    for centre, variance, size in ((x0, matrix.s_xx, columns), (y0, matrix.s_yy, rows)):
        half = max(reach * math.sqrt(variance), float(LEAST_REACH))
        low, high = math.floor(centre - half), math.ceil(centre + half) + 1
        ends.append((min(max(low, 0), size - LEAST_REACH), max(min(high, size), LEAST_REACH)))
    (x_low, x_high), (y_low, y_high) = (
        (max(low, 0), min(high, size)) for (low, high), size in zip(ends, (columns, rows), strict=True)
    )
    part = np.s_[y_low:y_high, x_low:x_high]
    counts, used = (np.ascontiguousarray(a[part]) for a in (problem.counts, problem.used))
    reference = problem.reference
    if problem.with_reference:
        reference = replace(reference, light=np.ascontiguousarray(reference.light[part]))
    same: dict[str, Any] = {field.name: getattr(problem, field.name) for field in fields(SpotProblem)}
    same |= {"counts": counts, "used": used, "reference": reference}
    same["is_rounded"] = False  # what that does is known of the whole image
    same |= {"pixels": float(used.sum()), "total": float(counts.sum())}
    same |= {"x_low": problem.x_low + x_low, "y_low": problem.y_low + y_low}
    origin = round(x0) - x_low, round(y0) - y_low
    return LocalProblem(**same, terms=TERMS[background], places=problem.counts.shape, origin=origin)
