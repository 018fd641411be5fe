"""The fit of the pulses of one window as a minimisation problem, at given t0; `best` looks for the best t0.

The parameters are x = (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0), as in `kernels.bursts.decay`. A problem has the
limits of the parameters, and the directions in which the logarithms may change: those that keep the rate continuous at
t0, or all. At fixed t0 the likelihood is smooth; its minimum is found by Newton's steps, or by scipy where these fail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ....kernels.bursts.decay import penalized_likelihood
from ....kernels.bursts.fit import burst_minimum, burst_profile
from ..minimize import Evaluation, Minimum, minimize_likelihood

__all__ = [
    "CLOSE",
    "CONTINUOUS",
    "FREE",
    "MOST_STEPS",
    "NEAR",
    "TOLERANCE",
    "WALL",
    "BurstProblem",
    "Nodes",
    "replace_t0",
]

Floats = NDArray[np.float64]

FREE = np.ascontiguousarray(np.eye(6)[:, :5])
"""Directions in which the logarithms may change: all."""
CONTINUOUS = np.array(
    [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float64
)
"""Directions that keep the rate continuous at t0: background; height at t0 (both numbers of pulses together); tau_rise
and tau_decay (each together with its number of pulses)."""
TOLERANCE = 1e-4
"""A fit has converged when it is closer to the minimum than this many standard errors."""
CLOSE, NEAR = 1e-5, 0.05
"""Distances from the minimum at which Newton's steps end: for a final fit, and for an estimate of the nll there."""
MOST_STEPS = 30
"""Most steps of Newton."""
WALL = 0.05
"""Width of the parabola that is added to the likelihood where a logarithm is outside its limits."""
LIMIT_WIDTH = WALL / 5
"""A logarithm that is closer to its limit than this is taken to be at it."""

SHORTEST_S = (0.005, 0.1)
"""Range, s, of the shortest allowed rise or decay time, otherwise half the mean distance of a burst's pulses."""
LEAST, MOST = (0.2, 0.3, 1.0), (2.0, 2.0, 9.0)
"""Lower limits of the pulses of background, rise and decay; and upper limits in units of the pulses in the window,
which may end before the decay does."""
RISE_PART = 0.15
"""Fraction of the pulses of a burst in its rise, at the start of the fit."""


@dataclass(frozen=True, eq=False, repr=False)
class Nodes:
    """The profile likelihood of t0 on a grid of n times.

    Parameters
    ----------
    x : array of float64, shape (n, 6)
        The best parameters at each t0.
    nll : array of float64, shape (n,)
        Negative log-likelihood there.
    information : array of float64, shape (n, 6, 6)
    freed : array of float64, shape (n, 6)
        Parameters after one step in which the rate may jump at t0.
    promise : array of float64, shape (n,)
        Twice the gain in log-likelihood that is predicted for this step.
    """

    x: Floats
    nll: Floats
    information: Floats
    freed: Floats
    promise: Floats

    def __repr__(self) -> str:
        return f"Nodes({self.nll.size} times t0 from {self.t0_s[0]:.3f} to {self.t0_s[-1]:.3f} s)"

    @property
    def t0_s(self) -> Floats:
        """The times t0, s after the begin of the window."""
        return self.x[:, 5]

    @property
    def step_s(self) -> float:
        """Distance of the first two times, s."""
        return float(self.x[1, 5] - self.x[0, 5])


@dataclass(frozen=True, eq=False, repr=False)
class BurstProblem:
    """The pulses of one window, with the limits and the allowed directions of the parameters.

    Parameters
    ----------
    origin_ns : int
        Begin of the window.
    times_s : array of float64, shape (n,)
        Pulse times, s after the begin of the window.
    length_s, dead_s : float
        Length of the window, and dead time after each pulse, s.
    low, high : arrays of float64, shape (6,)
        Limits of the parameters.
    directions : array of float64, shape (6, k)
        Directions in which the logarithms may change.
    continuous : bool
        Whether the rate is continuous at t0.
    """

    origin_ns: int
    times_s: Floats
    length_s: float
    dead_s: float
    low: Floats
    high: Floats
    directions: Floats
    continuous: bool

    def __repr__(self) -> str:
        kind = "continuous" if self.continuous else "free to jump"
        return f"BurstProblem({self.times_s.size} pulses in {self.length_s:.1f} s, rate {kind} at t0)"

    @classmethod
    def of(
        cls, inside_ns: NDArray[np.int64], low_ns: int, high_ns: int, onset_ns: int, end_ns: int, dead_s: float
    ) -> tuple[BurstProblem, Floats]:
        """The problem of a continuous rate in one window, and a start for its fit."""
        times_s = np.asarray((inside_ns - low_ns) * 1e-9, dtype=np.float64)
        length_s = (high_ns - low_ns) * 1e-9
        onset_s = min(max((onset_ns - low_ns) * 1e-9, 0.0), 0.98 * length_s)
        end_s = min(max((end_ns - low_ns) * 1e-9, onset_s + 0.01 * length_s), length_s)
        duration_s = end_s - onset_s
        in_burst = float(np.diff(np.searchsorted(times_s, [onset_s, end_s]))[0])
        outside_s = length_s - duration_s
        background = max(times_s.size - in_burst, 1.0) / outside_s if outside_s > 0.0 else 0.1 * in_burst / duration_s
        pulses = max(in_burst - background * duration_s, 5.0)
        # A rise shorter than the distance of two pulses may be a chance coincidence: its likelihood would diverge.
        shortest_s = min(max(SHORTEST_S[0], 0.5 * duration_s / pulses), SHORTEST_S[1])
        tau_s = max(duration_s / 3.0, 2.0 * shortest_s)
        n = times_s.size
        t0_low_s, t0_high_s = max(onset_s - 0.25 * duration_s, 0.0), min(end_s, length_s)
        least = [LEAST[0] / length_s, LEAST[1], shortest_s, LEAST[2], shortest_s]
        most = [MOST[0] * n / length_s, MOST[1] * n, length_s, MOST[2] * n, length_s]
        low, high = np.array([*np.log(least), t0_low_s]), np.array([*np.log(most), t0_high_s])
        tau_rise_s = max(0.2 * tau_s, 2.0 * shortest_s)
        start = np.log([background, RISE_PART * pulses, tau_rise_s, (1.0 - RISE_PART) * pulses, tau_s, 1.0])
        start[:5] = np.clip(start[:5], low[:5] + WALL, high[:5] - WALL)
        start[1] = start[3] - start[4] + start[2]
        start[5] = min(max(onset_s, t0_low_s), t0_high_s)
        return cls(low_ns, times_s, length_s, dead_s, low, high, CONTINUOUS, True), start

    # --- Problems like it.

    @property
    def with_jump(self) -> BurstProblem:
        """The problem of a rate that may jump at t0."""
        return replace(self, directions=FREE, continuous=False)

    @property
    def without_rise(self) -> BurstProblem:
        """The problem with a fixed rise time (and number of pulses, where free), which no rise leaves undetermined."""
        return replace(self, directions=np.delete(self.directions, [2] if self.continuous else [1, 2], axis=1))

    def thinned(self, thinning: int) -> tuple[BurstProblem, Floats]:
        """The problem with every `thinning`-th pulse, and the difference of its parameters from those of all pulses."""
        shift = math.log(thinning) * np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
        if thinning == 1:
            return self, shift
        thin = replace(self, times_s=self.times_s[::thinning].copy(), low=self.low - shift, high=self.high - shift)
        return replace(thin, dead_s=thinning * self.dead_s), shift

    def fixed(self, parameter: int, x: Floats, value: float) -> tuple[BurstProblem, Floats]:
        """The problem with one logarithm fixed at `value`, and parameters near `x` that it allows."""
        row = self.directions[parameter]
        there = x + self.directions @ row * ((value - x[parameter]) / (row @ row))
        return replace(self, directions=self.directions @ linalg.null_space(row[None, :])), there

    # --- Parameters.

    def shows_no_rise(self, x: Floats) -> NDArray[np.bool_]:
        """Whether the data show no rise: its number of pulses is at its lower limit, or its time is not determined."""
        return self.at_limit(x, 1) | self.at_limit(x, 2)

    def at_limit(self, x: Floats, parameter: int) -> NDArray[np.bool_]:
        """Whether a parameter is at one of its limits; for parameters of shape (6,) or (n, 6)."""
        value = x[..., parameter]
        return np.asarray((value < self.low[parameter] + LIMIT_WIDTH) | (value > self.high[parameter] - LIMIT_WIDTH))

    def handed_over(self, x: Floats, t0_s: float) -> Floats:
        """Parameters with another t0 that leave both exponentials unchanged, as far as the directions allow."""
        moved = np.zeros(6)
        for number, tau, sign in ((1, 2, 1.0), (3, 4, -1.0)):
            moved[number] = np.clip(sign * (t0_s - x[5]) * math.exp(-x[tau]), -1.0, 1.0)
        there = x + self.directions @ (np.linalg.pinv(self.directions) @ moved)
        there[5] = t0_s
        return there

    # --- Minima.

    def at(self, x: Floats) -> Minimum:
        """The minimum over the logarithms, at the t0 of `x`, starting at `x`."""
        found, distance = self.newton(x, self.directions, CLOSE)
        return found if distance < TOLERANCE else self.by_scipy(found.x)

    def newton(
        self, x: Floats, directions: Floats, close: float, most_steps: int = MOST_STEPS
    ) -> tuple[Minimum, float]:
        """The end of Newton's steps from `x`, and its distance from the minimum in standard errors."""
        x, gradient, information = x.copy(), np.empty(6), np.empty((6, 6))
        nll, _, distance = burst_minimum(
            self.times_s,
            self.length_s,
            self.dead_s,
            x,
            directions,
            self.low,
            self.high,
            WALL,
            close,
            most_steps,
            gradient,
            information,
        )
        return Minimum(x, nll, gradient, information, distance < TOLERANCE, "Newton"), distance

    def by_scipy(self, x: Floats) -> Minimum:
        """The minimum over the logarithms by scipy, which also works where the likelihood is not convex."""
        directions, full = self.directions, x.copy()
        gradient, information = np.empty(6), np.empty((6, 6))

        def objective(u: Floats) -> Evaluation:
            full[:] = x + directions @ u
            nll, _ = self.likelihood(full, gradient, information)
            return Evaluation(nll, directions.T @ gradient, directions.T @ information @ directions)

        start = np.zeros(directions.shape[1])
        step = 1.0 / np.sqrt(objective(start).information.diagonal().clip(4.0))
        best = minimize_likelihood(objective, start, step, tolerance=TOLERANCE)
        objective(best.x)
        return replace(best, x=full, gradient=gradient, information=information)

    def likelihood(self, x: Floats, gradient: Floats, information: Floats) -> tuple[float, float]:
        """The nll and its second derivative by t0, from `penalized_likelihood`; writes gradient and information."""
        low, high = self.low[:5], self.high[:5]
        return penalized_likelihood(self.times_s, self.length_s, self.dead_s, x, low, high, WALL, gradient, information)

    def profile(self, t0_s: Floats, start: Floats, close: float = NEAR, most_steps: int = MOST_STEPS) -> Nodes:
        """The minimum over the logarithms at each of many sorted t0, beginning with that nearest to `start`."""
        x = np.tile(start, (t0_s.size, 1))
        x[:, 5] = t0_s
        nodes = Nodes(x, np.empty(t0_s.size), np.empty((*x.shape, 6)), np.empty(x.shape), np.empty(t0_s.size))
        burst_profile(
            self.times_s,
            self.length_s,
            self.dead_s,
            int(np.abs(t0_s - start[5]).argmin()),
            self.directions,
            self.low,
            self.high,
            WALL,
            close,
            most_steps,
            nodes.x,
            nodes.nll,
            np.empty(x.shape),
            nodes.information,
            nodes.freed,
            nodes.promise,
        )
        return nodes


def replace_t0(x: Floats, t0_s: float) -> Floats:
    """The same parameters with another t0."""
    there = x.copy()
    there[5] = t0_s
    return there
