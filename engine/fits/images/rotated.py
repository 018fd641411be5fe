"""The fit of a spot whose axes are rotated against those of the image.

It starts from the fit without rotation. The parameters of the minimisation are the elements of the covariance matrix of
the spot, in which the likelihood is regular also for a round spot. They are converted to widths and an angle. Fisher's
scoring in a kernel finds the minimum; scipy where that fails, or where the noise of a reference is part of the model.
The angle of a round spot is not defined: its error is then larger than any angle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.gaussian import FRAMES
from ....kernels.images.rotated import rotated_likelihood
from ....kernels.images.spots import fit_spots, spots_likelihood, unit_spot
from ..minimize import Evaluation, minimize_likelihood
from .clipped import Clipped
from .pixels import NO_LIGHT, Pixels, fixed_bits

__all__ = ["Axes", "Elements", "RotatedLikelihood", "RotatedMinimum", "axes_of", "elements_of", "rotated_unit_spot"]

Floats = NDArray[np.float64]

WIDTHS = slice(3, 6)
"""Places of sigma_x, sigma_y, theta among the parameters, and of the three elements that replace them."""
UNIT = np.array([0.0, 0.0, 1.0])
"""Place and unit of length of a background of one term, which is the same everywhere."""
ROUND = 1e-9
"""Relative difference of the squared widths below which a spot has no direction."""
ENOUGH, MOST_STEPS = 5e-4, 100
"""Distance from the minimum, in errors, at which scoring ends, and most of its steps."""
ROUNDS = 2
"""Most runs of scipy; each takes the errors where the last one stopped as scale of the parameters."""


class Elements(NamedTuple):
    """Elements of the covariance matrix of a spot, pixels^2."""

    s_xx: float
    s_xy: float
    s_yy: float


class Axes(NamedTuple):
    """Widths of a spot, pixels, and the angle from the x axis to the axis of sigma_x, radians."""

    sigma_x: float
    sigma_y: float
    theta: float


class RotatedMinimum(NamedTuple):
    """Best A, x0, y0, sigma_x, sigma_y, theta, C[, s], with nll, information, and whether the fit converged."""

    parameters: Floats
    nll: float
    information: Floats
    converged: bool


def elements_of(sigma_x: float, sigma_y: float, theta: float) -> Elements:
    """The covariance matrix of a spot with these widths along axes that are rotated by theta."""
    c, s = math.cos(theta), math.sin(theta)
    across = (sigma_x**2 - sigma_y**2) * c * s
    return Elements(sigma_x**2 * c**2 + sigma_y**2 * s**2, across, sigma_x**2 * s**2 + sigma_y**2 * c**2)


def axes_of(s_xx: float, s_xy: float, s_yy: float) -> Axes:
    """Widths and angle of a spot with this covariance matrix; sigma_x belongs to the axis that is closer to x."""
    theta = 0.5 * math.atan2(2.0 * s_xy, s_xx - s_yy)
    middle, half = 0.5 * (s_xx + s_yy), math.hypot(0.5 * (s_xx - s_yy), s_xy)
    long, short = math.sqrt(middle + half), math.sqrt(max(middle - half, 1e-12))
    if half < ROUND * middle:
        theta, long = 0.0, long * (1.0 + ROUND)
    if abs(theta) > 0.25 * math.pi:
        return Axes(short, long, theta - math.copysign(0.5 * math.pi, theta))
    return Axes(long, short, theta)


def rotated_unit_spot(
    x0: float, y0: float, sigma_x: float, sigma_y: float, theta: float, shape: tuple[int, ...]
) -> Floats:
    """Integral over each pixel of a rotated Gaussian of unit volume, shape (ny, nx)."""
    spot = np.empty(shape)
    unit_spot(x0, y0, *elements_of(sigma_x, sigma_y, theta), spot)
    return spot


class RotatedLikelihood:
    """Likelihood of an image as a function of A, x0, y0, sigma_x, sigma_y, theta, C[, s]."""

    def __init__(self, pixels: Pixels, clipped: Clipped | None = None) -> None:
        self._pixels, self._clipped = pixels, clipped

    def __call__(self, parameters: Floats) -> Evaluation:
        """Negative log-likelihood in counts, with gradient and information."""
        n = parameters.size
        if min(parameters[3], parameters[4]) <= 0.0:
            return Evaluation(math.inf, np.zeros(n), np.zeros((n, n)))
        sigma_x, sigma_y, theta = parameters[WIDTHS]
        elements = parameters.copy()
        elements[WIDTHS] = elements_of(sigma_x, sigma_y, theta)
        nll, score, information = self._of_elements(elements)
        by = self.derivatives(sigma_x, sigma_y, theta, n)
        return Evaluation(nll, by.T @ score, by.T @ information @ by)

    def minimum(self, upright: Floats, free: NDArray[np.bool_]) -> RotatedMinimum:
        """Minimise over the free parameters.

        Parameters
        ----------
        upright : array of float64
            A, x0, y0, sigma_x, sigma_y, C[, s] of the fit without rotation.
        free : array of bool
            True for those that are fitted: all, or all but s.
        """
        start = np.concatenate([upright[:3], [upright[3] ** 2, 0.0, upright[4] ** 2], upright[5:]])
        free = np.insert(free, 5, values=True)
        converged = self._scored(start, free)
        whole = start.copy()

        def of_free(part: Floats) -> Evaluation:
            whole[free] = part
            nll, score, information = self._of_elements(whole)
            return Evaluation(nll, score[free], information[np.ix_(free, free)])

        for _ in range(0 if converged else ROUNDS):
            size = 1.0 / np.sqrt(np.maximum(np.diagonal(self._of_elements(start).information), 1e-12))
            best = minimize_likelihood(of_free, start[free], size[free])
            start[free] = best.x
            converged = best.converged
            if converged:
                break
        natural = start.copy()
        natural[WIDTHS] = axes_of(*start[WIDTHS].tolist())
        nll, _, information = self(natural)
        return RotatedMinimum(natural, nll, information, converged)

    def _scored(self, start: Floats, free: NDArray[np.bool_]) -> bool:
        """Whether scoring found the minimum, which is then written to `start`."""
        if self._with_noise or self._clipped is not None:  # which the kernel has not
            return False
        n, tried = start.size, start.copy()
        score, information = np.empty(n), np.empty((n, n))
        _, distance, _ = fit_spots(
            *self._pixels, 1, UNIT, tried, ENOUGH, MOST_STEPS, fixed_bits(free), score, information
        )
        if distance < ENOUGH:
            start[:] = tried
        return bool(distance < ENOUGH)

    @property
    def _with_noise(self) -> bool:
        """Whether the noise of a reference is part of the likelihood."""
        return bool(self._pixels.light.size and self._pixels.totals[FRAMES] > 0.0)

    def _of_elements(self, parameters: Floats) -> Evaluation:
        """The likelihood as a function of the elements of the covariance matrix instead of widths and angle."""
        n = parameters.size
        score, information = np.zeros(n), np.zeros((n, n))
        if self._with_noise:
            nll = rotated_likelihood(*self._pixels, parameters, score, information)
        else:
            nll = spots_likelihood(*self._pixels, 1, UNIT, parameters, NO_LIGHT, score, information)
        if self._clipped is not None and math.isfinite(nll):
            nll += self._clipped.turned(parameters, score, information)
        return Evaluation(nll, score, information)

    @staticmethod
    def derivatives(sigma_x: float, sigma_y: float, theta: float, n: int) -> Floats:
        """Derivatives of the parameters with elements (rows) with respect to those with widths and angle (columns)."""
        c, s = math.cos(theta), math.sin(theta)
        by = np.eye(n)
        by[WIDTHS, 3] = 2.0 * sigma_x * np.array([c**2, c * s, s**2])
        by[WIDTHS, 4] = 2.0 * sigma_y * np.array([s**2, -c * s, c**2])
        by[WIDTHS, 5] = (sigma_x**2 - sigma_y**2) * np.array([-2.0 * c * s, c**2 - s**2, 2.0 * c * s])
        return by
