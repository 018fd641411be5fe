"""The pulses of one window as a problem to minimise: limits, directions, and the best parameters at a given t0.

The parameters are x = (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0), of `kernels.bursts.decay`. A problem says in
which directions the logarithms may move: those of a rate that is continuous at t0, or all. At a given t0 the likelihood
is smooth, and Newton's steps find its minimum; where they do not arrive, scipy does. `best` looks for the best t0.
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

__all__ = ["CLOSE", "CONTINUOUS", "MOST_STEPS", "NEAR", "TOLERANCE", "WALL", "BurstProblem", "Nodes", "replace_t0"]

Floats = NDArray[np.float64]

FREE = np.ascontiguousarray(np.eye(6)[:, :5])
"""Directions, in the logarithms, in which a burst may differ: any."""
CONTINUOUS = np.array(
    [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float64
)
"""The same of a continuous rate: background, height at t0 (both numbers together), tau_rise and tau_decay (each with
its number)."""
TOLERANCE = 1e-4
"""Distance from the minimum, in errors, of a fit that converged."""
CLOSE, NEAR = 1e-5, 0.05
"""Distances from it at which Newton's steps end: at a minimum, and where one more step is as good as expected."""
MOST_STEPS = 30
"""Newton's steps to a minimum at most."""
WALL = 0.05
"""Width of the parabolas that fence the likelihood beyond the limits of the logarithms."""
LIMIT_WIDTH = WALL / 5
"""How near to its limit a logarithm counts as standing at it."""

SHORTEST_S = (0.005, 0.1)
"""Between these, s, lies the shortest rise or decay that is allowed: half of the mean distance of a burst's pulses."""
LEAST, MOST = (0.2, 0.3, 1.0), (2.0, 2.0, 9.0)
"""Pulses of background, rise and decay at least; and at most, in units of those in the window, which may end in the
decay."""
RISE_PART = 0.15
"""Of the pulses of a burst, where the fit begins."""


@dataclass(frozen=True, eq=False, repr=False)
class Nodes:
    """The profile likelihood of t0 on an even grid, one row a t0.

    Parameters
    ----------
    x : array of float64, shape (n, 6)
        The best parameters there.
    nll, information : arrays of float64, shapes (n,) and (n, 6, 6)
    freed, promise : arrays of float64, shapes (n, 6) and (n,)
        Where one step leads when the rate may jump at t0, and twice the gain in log-likelihood that it promises.
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
        """The times, since the window begins."""
        return self.x[:, 5]

    @property
    def step_s(self) -> float:
        """How far they are apart."""
        return float(self.x[1, 5] - self.x[0, 5])


@dataclass(frozen=True, eq=False, repr=False)
class BurstProblem:
    """The pulses of one window and what its parameters may be.

    Parameters
    ----------
    origin_ns : int
        Where the window begins.
    times_s : array of float64, shape (n,)
        Pulse times since then.
    length_s, dead_s : float
        Length of the window, dead time after each pulse.
    low, high : arrays of float64, shape (6,)
        Limits of the parameters.
    directions : array of float64, shape (6, k)
        In which the logarithms may move.
    continuous : bool
        Whether the rate does not jump at t0.
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
        """The problem of a continuous rate in one window, and where to begin."""
        times_s = np.asarray((inside_ns - low_ns) * 1e-9, dtype=np.float64)
        length_s = (high_ns - low_ns) * 1e-9
        onset_s = min(max((onset_ns - low_ns) * 1e-9, 0.0), 0.98 * length_s)
        end_s = min(max((end_ns - low_ns) * 1e-9, onset_s + 0.01 * length_s), length_s)
        duration_s = end_s - onset_s
        in_burst = float(np.diff(np.searchsorted(times_s, [onset_s, end_s]))[0])
        outside_s = length_s - duration_s
        background = max(times_s.size - in_burst, 1.0) / outside_s if outside_s > 0.0 else 0.1 * in_burst / duration_s
        pulses = max(in_burst - background * duration_s, 5.0)
        # A rise that lasts for fewer than two pulses is like a chance coincidence, for which its likelihood diverges.
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
        """The problem without what no rise leaves undetermined: its time, and its number where that is free."""
        return replace(self, directions=np.delete(self.directions, [2] if self.continuous else [1, 2], axis=1))

    def thinned(self, thinning: int) -> tuple[BurstProblem, Floats]:
        """The problem with every `thinning`-th pulse, and by how much its parameters are smaller than those of all."""
        shift = math.log(thinning) * np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
        if thinning == 1:
            return self, shift
        thin = replace(self, times_s=self.times_s[::thinning].copy(), low=self.low - shift, high=self.high - shift)
        return replace(thin, dead_s=thinning * self.dead_s), shift

    def fixed(self, parameter: int, x: Floats, value: float) -> tuple[BurstProblem, Floats]:
        """The problem in which one logarithm stays at a value, and allowed parameters near others."""
        row = self.directions[parameter]
        there = x + self.directions @ row * ((value - x[parameter]) / (row @ row))
        return replace(self, directions=self.directions @ linalg.null_space(row[None, :])), there

    # --- Parameters.

    def shows_no_rise(self, x: Floats) -> NDArray[np.bool_]:
        """Whether the data show no rise: its number is as good as zero, or its time is not determined."""
        return self.at_limit(x, 1) | self.at_limit(x, 2)

    def at_limit(self, x: Floats, parameter: int) -> NDArray[np.bool_]:
        """Whether a parameter stands at its limit; for parameters of shape (6,) or (n, 6)."""
        value = x[..., parameter]
        return np.asarray((value < self.low[parameter] + LIMIT_WIDTH) | (value > self.high[parameter] - LIMIT_WIDTH))

    def handed_over(self, x: Floats, t0_s: float) -> Floats:
        """The same exponentials, as numbers of pulses on either side of another t0; allowed ones only."""
        moved = np.zeros(6)
        for number, tau, sign in ((1, 2, 1.0), (3, 4, -1.0)):
            moved[number] = np.clip(sign * (t0_s - x[5]) * math.exp(-x[tau]), -1.0, 1.0)
        there = x + self.directions @ (np.linalg.pinv(self.directions) @ moved)
        there[5] = t0_s
        return there

    # --- Minima.

    def at(self, x: Floats) -> Minimum:
        """The best logarithms at the t0 of some parameters that are allowed."""
        found, distance = self.newton(x, self.directions, CLOSE)
        return found if distance < TOLERANCE else self.by_scipy(found.x)

    def newton(
        self, x: Floats, directions: Floats, close: float, most_steps: int = MOST_STEPS
    ) -> tuple[Minimum, float]:
        """Where Newton's steps lead from a beginning, and how far from the minimum that is, in errors."""
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
        """The best logarithms by scipy, which also finds its way where the likelihood bends down."""
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
        """Likelihood and its second derivative by t0, as of `penalized_likelihood`; writes gradient and information."""
        low, high = self.low[:5], self.high[:5]
        return penalized_likelihood(self.times_s, self.length_s, self.dead_s, x, low, high, WALL, gradient, information)

    def profile(self, t0_s: Floats, start: Floats, close: float = NEAR, most_steps: int = MOST_STEPS) -> Nodes:
        """Best logarithms at many t0, in order of time; the search begins at the one nearest to a start."""
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
