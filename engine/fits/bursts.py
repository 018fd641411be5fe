"""Fit of one burst: background, exponential rise, exponential decay, by the extended unbinned likelihood.

The five positive parameters are fitted by Newton steps in their logarithms at fixed t0 (`kernels.decay`). The time t0 where
the rise becomes the decay is special: moving it alone equals scaling both exponentials, so that it carries no Fisher
information at all (the 6 x 6 matrix is singular, and so is the sum of outer products of the score), and the likelihood
jumps at every event. It is therefore profiled: a coarse grid, then the exact best switch in turn with Newton steps. Its
error, and what it adds to the errors of the others, comes from the profile itself: the likelihood over t0, normalised, is
a weight, and by the law of total covariance

    cov = <cov at t0> + cov of the estimates at t0,   <> over that weight.

The numbers in the rise and in the decay trade places when t0 moves (`n_rise`, `n_decay` share one large, opposite part
of their errors); the half-life and the number of all pulses hardly notice.

`find_bursts` is here as well, so that one import serves: search, then fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ...io.errors import InputError
from ...kernels.decay import best_switch, burst_integral, burst_likelihood
from .minimize import Minimum, covariance_from, minimize_likelihood
from .result import Fit
from .search import find_bursts, sorted_times_ns

__all__ = ["burst_rate_Hz", "find_bursts", "fit_burst"]

Floats = NDArray[np.float64]

NAMES = ("background_Hz", "n_rise", "tau_rise_s", "n_decay", "tau_decay_s", "t0_ns")
NS = 1e-9
WALL = 0.05
"""Softness of the limits of the logarithms: beyond them the likelihood is fenced by a parabola of this width."""
FEWEST_PULSES = 15.0
"""Pulses above background below which half-lives are not quoted: the error of ln(tau) exceeds a quarter."""
SMALLEST_P = 1e-4
"""Deviance this improbable: the model does not describe the window."""
GRID = 24
NODES = 21
EXPECTED_PER_BIN = 20.0


@dataclass(frozen=True, eq=False)
class _Problem:
    """The pulses of one window and what its parameters may be."""

    origin_ns: int
    times_s: Floats
    length_s: float
    t0_low_s: float
    t0_high_s: float
    low: Floats
    high: Floats

    def at(self, t0_s: float, logs: Floats, free: NDArray[np.intp]) -> Minimum:
        """Best logarithms at fixed t0; only those of `free` move."""
        full = logs.copy()
        gradient, information = np.empty(5), np.empty((5, 5))

        def objective(x: Floats) -> tuple[float, Floats, Floats]:
            full[free] = x
            nll = burst_likelihood(self.times_s, self.length_s, t0_s, full, gradient, information)
            over = np.where(full > self.high, full - self.high, np.where(full < self.low, full - self.low, 0.0)) / WALL
            slope = gradient + over / WALL
            curvature = information + np.diag(np.where(over != 0.0, 1.0 / WALL**2, 0.0))
            return nll + 0.5 * float(over @ over), slope[free], curvature[np.ix_(free, free)]

        start = full[free].copy()
        step = 1.0 / np.sqrt(objective(start)[2].diagonal().clip(4.0))
        best = minimize_likelihood(objective, start, step)
        full[free] = best.x
        return Minimum(full.copy(), best.nll, best.gradient, best.information, best.converged, best.message)

    def near(self, t0_s: float, logs: Floats, free: NDArray[np.intp]) -> tuple[float, Minimum]:
        """Best logarithms and t0 around a beginning: the exact best switch and Newton steps in turn."""
        found = self.at(t0_s, logs, free)
        for _ in range(20):
            moved, gain = best_switch(
                self.times_s, self.t0_low_s, self.t0_high_s, t0_s, found.x, max(NS, 1e-15 * self.length_s)
            )
            if gain <= 1e-9:
                break
            again = self.at(moved, _handed_over(found.x, moved - t0_s, free), free)
            if not again.nll < found.nll:
                break
            t0_s, found = moved, again
        return t0_s, found


def _handed_over(logs: Floats, shift_s: float, free: NDArray[np.intp]) -> Floats:
    """The same exponentials, as numbers of pulses on either side of a t0 that moved."""
    moved = logs.copy()
    for number, tau, sign in ((1, 2, 1.0), (3, 4, -1.0)):
        if number in free:
            moved[number] += float(np.clip(sign * shift_s * math.exp(-logs[tau]), -1.0, 1.0))
    return moved
EVERY = np.arange(5)
