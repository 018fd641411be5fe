"""The fit of a spot whose axes are turned against those of the image.

It begins at the upright fit and is minimised by scipy in the covariance matrix of the spot, where a round one is
nothing special; answers are in widths and an angle, of which a round spot has none: its error is then as large as the
circle.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.rotated import rotated_likelihood, rotated_spot
from ..minimize import minimize_likelihood

__all__ = ["RotatedLikelihood", "covariance_elements", "turned_spot", "widths_and_angle"]

Floats = NDArray[np.float64]

WIDTHS = slice(3, 6)
ROUND = 1e-9
"""Relative difference of the squared widths below which a spot has no direction."""


def covariance_elements(sigma_x: float, sigma_y: float, theta: float) -> tuple[float, float, float]:
    """S_xx, S_xy, S_yy of a spot with these widths along axes turned by theta."""
    c, s = math.cos(theta), math.sin(theta)
    across = (sigma_x**2 - sigma_y**2) * c * s
    return sigma_x**2 * c**2 + sigma_y**2 * s**2, across, sigma_x**2 * s**2 + sigma_y**2 * c**2


def widths_and_angle(s_xx: float, s_xy: float, s_yy: float) -> tuple[float, float, float]:
    """sigma_x, sigma_y and theta of a spot; sigma_x is the width along the axis that is closer to x."""
    theta = 0.5 * math.atan2(2.0 * s_xy, s_xx - s_yy)
    middle, half = 0.5 * (s_xx + s_yy), math.hypot(0.5 * (s_xx - s_yy), s_xy)
    long, short = math.sqrt(middle + half), math.sqrt(max(middle - half, 1e-12))
    if half < ROUND * middle:
        theta, long = 0.0, long * (1.0 + ROUND)
    if abs(theta) > 0.25 * math.pi:
        return short, long, theta - math.copysign(0.5 * math.pi, theta)
    return long, short, theta


def turned_spot(x0: float, y0: float, sigma_x: float, sigma_y: float, theta: float, shape: tuple[int, ...]) -> Floats:
    """A turned Gaussian of unit volume, integrated over pixels."""
    spot = np.empty(shape)
    rotated_spot(x0, y0, *covariance_elements(sigma_x, sigma_y, theta), spot)
    return spot


class RotatedLikelihood:
    """Likelihood of the parameters A, x0, y0, sigma_x, sigma_y, theta, C[, s].

    Parameters
    ----------
    counts, used, reference, totals
        As for `rotated_likelihood`.
    """

    def __init__(self, counts: Floats, used: Floats, reference: Floats, totals: Floats) -> None:
        self._data = counts, used, reference, totals

    def _of_elements(self, parameters: Floats) -> tuple[float, Floats, Floats]:
        n = parameters.size
        score, information = np.zeros(n), np.zeros((n, n))
        return rotated_likelihood(*self._data, parameters, score, information), score, information

    def __call__(self, parameters: Floats) -> tuple[float, Floats, Floats]:
        """Negative log-likelihood with gradient and information."""
        n = parameters.size
        if min(parameters[3], parameters[4]) <= 0.0:
            return math.inf, np.zeros(n), np.zeros((n, n))
        sigma_x, sigma_y, theta = parameters[WIDTHS]
        elements = parameters.copy()
        elements[WIDTHS] = covariance_elements(sigma_x, sigma_y, theta)
        nll, score, information = self._of_elements(elements)
        c, s = math.cos(theta), math.sin(theta)
        by = np.eye(n)  # derivatives of the elements by widths and angle
        turning = (sigma_x**2 - sigma_y**2) * np.array([-2.0 * c * s, c**2 - s**2, 2.0 * c * s])
        by[WIDTHS, 3] = 2.0 * sigma_x * np.array([c**2, c * s, s**2])
        by[WIDTHS, 4] = 2.0 * sigma_y * np.array([s**2, -c * s, c**2])
        by[WIDTHS, 5] = turning
        return nll, by.T @ score, by.T @ information @ by

    def minimum(self, upright: Floats, free: NDArray[np.bool_]) -> tuple[Floats, float, Floats, bool]:
        """Best parameters, likelihood, information, and whether the minimum was found.

        Parameters
        ----------
        upright : array of float64
            A, x0, y0, sigma_x, sigma_y, C[, s] of the upright fit.
        free : array of bool
            Which of them are fitted: all, but perhaps s.
        """
        start = np.concatenate([upright[:3], [upright[3] ** 2, 0.0, upright[4] ** 2], upright[5:]])
        free = np.insert(free, 5, values=True)
        whole = start.copy()

        def restricted(part: Floats) -> tuple[float, Floats, Floats]:
            whole[free] = part
            nll, score, information = self._of_elements(whole)
            return nll, score[free], information[np.ix_(free, free)]

        for _ in range(2):
            size = 1.0 / np.sqrt(np.maximum(np.diagonal(self._of_elements(start)[2]), 1e-12))
            best = minimize_likelihood(restricted, start[free], size[free])
            start[free] = best.x
            if best.converged:
                break
        s_xx, s_xy, s_yy = start[WIDTHS].tolist()
        sigma_x, sigma_y, theta = widths_and_angle(s_xx, s_xy, s_yy)
        natural = start.copy()
        natural[WIDTHS] = sigma_x, sigma_y, theta
        nll, _, information = self(natural)
        return natural, nll, information, best.converged
