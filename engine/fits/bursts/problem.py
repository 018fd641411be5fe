"""The pulses of one window and the search for the best burst among them: what `fit_burst` is made of.

The parameters are x = (ln b, ln N_r, ln tau_r, ln N_d, ln tau_d, t0), of `kernels.bursts.decay`. A rate that is
continuous at t0 is fitted in three steps: a grid of t0 over the whole burst, on a thinned sample of the pulses when
there are many; Newton steps in all parameters together; then the events around, since the likelihood has its maxima in
t0 at events. A rate that may jump has no slope in t0: a grid closes in, and the best switch is found exactly. Scipy
goes on where the steps of the kernel do not arrive at a minimum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ....kernels.bursts.decay import penalized_likelihood
from ....kernels.bursts.fit import burst_minimum, burst_profile
from ....kernels.bursts.switch import best_switch, edges_near
from ..minimize import Minimum, covariance_from, minimize_likelihood

__all__ = ["WORTH", "BurstProblem", "Nodes"]

Floats = NDArray[np.float64]

FREE = np.eye(6)[:, :5]
"""Directions, in the logarithms, in which a burst may differ: any."""
CONTINUOUS = np.array(
    [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float64
)
"""Background, height at t0 (both numbers together), tau_rise and tau_decay (each with its number)."""
TOLERANCE = 1e-4
"""Distance from the minimum, in errors, of a fit that converged."""
CLOSE, NEAR, WITH_T0 = 1e-5, 0.05, 0.2
"""Distances at which Newton's steps end: at a minimum, where one more expected step is as good, and with t0, whose
slope changes at every event."""
WALL = 0.05
"""Softness of the limits of the logarithms: beyond them a parabola of this width fences the likelihood."""
MOST_STEPS, FEW_STEPS = 30, 4
"""Newton's steps at most: to a minimum, and where the next stage goes on."""
COARSE = 9
"""Times t0 from which the search begins."""
GRID = 20
"""Times t0 that are tried at once; the grid then closes in on those within `WORTH` of the best."""
WORTH = 8.0
BEGINNINGS = 6
"""Of the grid, from which the best t0 is looked for: the likelihood has a maximum of its own at every other event."""
NODES, NODE_STEP = 9, 0.8
"""Times t0 of the profile, and their distance in errors: from -3.2 to 3.2."""
COINCIDENCE = 2.0
"""What a rise of a few pulses gains in log-likelihood by chance."""
PROMISING = 3
"""Of them, whose likelihood is then maximised."""
ENDS, FEWEST_NODES = 3.0, 3
"""Fall of the log-likelihood, from the best node to the ends, at which the profile is wide enough, and how many nodes
must lie above it."""
EDGES = 96
"""Events around t0 that are looked at together."""
ROUGH, EXHAUSTIVE = 0.25, 3_000_000
"""Distance of the nodes, in tau_rise, from which the profile of t0 is far from a parabola and each event around is
tried, and how many of these times how many events at most: a few ms."""
THINNED = (1000, 150)
"""Pulses in a thinned sample, at least: all, and those of the burst."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """The profile likelihood of t0 on an even grid: what is best there, one row each, and what a jump would be."""

    x: Floats
    nll: Floats
    information: Floats
    freed: Floats
    promise: Floats

    @property
    def t0_s(self) -> Floats:
        """The times."""
        return self.x[:, 5]

    @property
    def step_s(self) -> float:
        """How far they are apart."""
        return float(self.x[1, 5] - self.x[0, 5])


@dataclass(frozen=True, eq=False)
class BurstProblem:
    """The pulses of one window and what its parameters may be.

    Parameters
    ----------
    origin_ns : int
        Where the window begins.
    times_s : array of float64, shape (n,)
        Pulse times since then.
    length_s, dead_s : float
        Length of the window, dead time behind each pulse.
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
        # A rise that lasts for fewer than two pulses cannot be told from a chance coincidence: its likelihood diverges.
        shortest_s = min(max(0.005, 0.5 * duration_s / pulses), 0.1)
        tau_s = max(duration_s / 3.0, 2.0 * shortest_s)
        n = times_s.size
        t0_low_s, t0_high_s = max(onset_s - 0.25 * duration_s, 0.0), min(end_s, length_s)
        low = np.array([*np.log([0.2 / length_s, 0.3, shortest_s, 1.0, shortest_s]), t0_low_s])
        high = np.array([*np.log([2.0 * n / length_s, 2.0 * n, length_s, 9.0 * n, length_s]), t0_high_s])
        start = np.log([background, 0.15 * pulses, max(0.2 * tau_s, 2.0 * shortest_s), 0.85 * pulses, tau_s, 1.0])
        start[:5] = np.clip(start[:5], low[:5] + WALL, high[:5] - WALL)
        start[1] = start[3] - start[4] + start[2]
        start[5] = min(max(onset_s, t0_low_s), t0_high_s)
        return cls(low_ns, times_s, length_s, dead_s, low, high, CONTINUOUS, True), start

    @property
    def with_jump(self) -> BurstProblem:
        """The problem of a rate that may jump at t0."""
        return replace(self, directions=FREE, continuous=False)

    @property
    def without_rise(self) -> BurstProblem:
        """The problem without what nothing tells when no rise is seen: its time, and its number where that is free."""
        return replace(self, directions=np.delete(self.directions, [2] if self.continuous else [1, 2], axis=1))

    def shows_no_rise(self, x: Floats) -> NDArray[np.bool_]:
        """Whether the data show no rise: its number is as good as zero, or its time is not determined."""
        return self.at_limit(x, 1) | self.at_limit(x, 2)

    def at_limit(self, x: Floats, parameter: int) -> NDArray[np.bool_]:
        """Whether a parameter stands at its limit; for parameters of shape (6,) or (n, 6)."""
        value = x[..., parameter]
        return np.asarray((value < self.low[parameter] + WALL / 5) | (value > self.high[parameter] - WALL / 5))

    def fixed(self, parameter: int, x: Floats, value: float) -> tuple[BurstProblem, Floats]:
        """The problem in which one logarithm stays at a value, and allowed parameters near others."""
        row = self.directions[parameter]
        there = x + self.directions @ row * ((value - x[parameter]) / (row @ row))
        return replace(self, directions=self.directions @ linalg.null_space(row[None, :])), there

    def handed_over(self, x: Floats, t0_s: float) -> Floats:
        """The same exponentials, as numbers of pulses on either side of another t0; allowed ones only."""
        moved = np.zeros(6)
        for number, tau, sign in ((1, 2, 1.0), (3, 4, -1.0)):
            moved[number] = np.clip(sign * (t0_s - x[5]) * math.exp(-x[tau]), -1.0, 1.0)
        there = x + self.directions @ (np.linalg.pinv(self.directions) @ moved)
        there[5] = t0_s
        return there

    def at(self, x: Floats) -> Minimum:
        """Best logarithms at the t0 of some that are allowed."""
        found, distance = self._descended(x, self.directions, CLOSE)
        return found if distance < TOLERANCE else self.certified(found.x)

    def certified(self, x: Floats) -> Minimum:
        """The same by scipy, which also finds its way where the likelihood bends down."""
        directions, full = self.directions, x.copy()
        gradient, information = np.empty(6), np.empty((6, 6))
        low, high = self.low[:5], self.high[:5]

        def objective(u: Floats) -> tuple[float, Floats, Floats]:
            full[:] = x + directions @ u
            nll, _ = penalized_likelihood(
                self.times_s, self.length_s, self.dead_s, full, low, high, WALL, gradient, information
            )
            return nll, directions.T @ gradient, directions.T @ information @ directions

        start = np.zeros(directions.shape[1])
        step = 1.0 / np.sqrt(objective(start)[2].diagonal().clip(4.0))
        best = minimize_likelihood(objective, start, step, tolerance=TOLERANCE)
        objective(best.x)
        return replace(best, x=full, gradient=gradient, information=information)

    def best(self, start: Floats) -> tuple[Minimum, Nodes]:
        """The best parameters of all, and the profile of t0 around them."""
        return self._best_continuous(start) if self.continuous else self._best_with_jump(start)

    def near(self, x: Floats, reach_s: float) -> Minimum:
        """Best parameters, t0 included, around some; of a continuous rate no farther than `reach_s` at a time."""
        if self.continuous:
            return self._near_edges(x, reach_s)
        found = self.at(x)
        for _ in range(20):  # the exact best switch and Newton steps in turn
            moved, gain = best_switch(self.times_s, self.low[5], self.high[5], self.dead_s, found.x, 1e-9)
            if gain <= 1e-9:
                break
            again = self.at(self.handed_over(found.x, moved))
            if not again.nll < found.nll:
                break
            found = again
        return found

    def jump_promises(self, best: Minimum, nodes: Nodes) -> float:
        """Twice the gain in log-likelihood that a jump at t0 promises: a step of the free parameters, and a switch."""
        promises = []
        for i in np.argsort(nodes.nll)[:2]:
            _, gain = best_switch(self.times_s, self.low[5], self.high[5], self.dead_s, nodes.freed[i], 1e-9)
            promises.append(float(2.0 * (best.nll - nodes.nll[i]) + nodes.promise[i] + 2.0 * gain))
        return max(promises)

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

    def _descended(
        self, x: Floats, directions: Floats, close: float, most_steps: int = MOST_STEPS
    ) -> tuple[Minimum, float]:
        """Newton's answer from a beginning, and its distance from the minimum in errors."""
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

    def _best_continuous(self, start: Floats) -> tuple[Minimum, Nodes]:
        pulses = math.exp(start[1]) + math.exp(start[3])
        thinning = max(1, min(self.times_s.size // THINNED[0], int(pulses / THINNED[1])))
        thin, shift = self._thinned(thinning)
        coarse = thin.profile(np.linspace(self.low[5], self.high[5], COARSE), start - shift, NEAR, FEW_STEPS)
        with_t0 = np.column_stack([self.directions, np.eye(6)[5]])
        begin = coarse.x[np.argsort(coarse.nll)[:2]]
        if np.partition(coarse.nll, 1)[1] > coarse.nll.min() + WORTH:
            begin = begin[:1]
        found = min((thin._descended(x, with_t0, WITH_T0)[0] for x in begin), key=lambda minimum: minimum.nll)
        if thinning > 1:
            found, _ = self._descended(found.x + shift, with_t0, WITH_T0)
        nodes = self._nodes_around(found, with_t0)
        resolved = np.count_nonzero(nodes.nll < nodes.nll.min() + ENDS) >= FEWEST_NODES
        if self.shows_no_rise(found.x) or not resolved:  # a minimum among several, maybe not the best
            nodes = self._closed_in(start)
        best = self._best_edge(nodes)
        return self._judged(best), nodes

    def _judged(self, best: Minimum) -> Minimum:
        """The same; what is flat without a rise is not asked to converge."""
        if best.converged or not self.shows_no_rise(best.x):
            return best
        return replace(best, converged=self.without_rise.at(best.x).converged)

    def _thinned(self, thinning: int) -> tuple[BurstProblem, Floats]:
        """The problem of every so manieth pulse, and what the logarithms of its numbers lack."""
        shift = math.log(thinning) * np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
        if thinning == 1:
            return self, shift
        thin = replace(self, times_s=self.times_s[::thinning].copy(), low=self.low - shift, high=self.high - shift)
        return replace(thin, dead_s=thinning * self.dead_s), shift

    def _nodes_around(self, found: Minimum, with_t0: Floats) -> Nodes:
        """The profile of t0 as far as it is worth looking at."""
        variance = covariance_from(with_t0.T @ found.information @ with_t0)[-1, -1]
        error_s = math.sqrt(variance) if variance > 0.0 else 0.05 * (self.high[5] - self.low[5])
        centre, reach = (NODES - 1) // 2, (NODES - 1) / 2 * NODE_STEP
        for _ in range(6):
            t0_s = found.x[5] + reach * error_s * np.linspace(-1.0, 1.0, NODES)
            inside = (t0_s >= 0.0) & (t0_s <= self.length_s)
            nodes = self.profile(t0_s[inside], found.x)
            ends = nodes.nll[[0, -1]] - nodes.nll.min()
            best = int(nodes.nll.argmin())
            if ends.min() > ENDS or not inside.all():
                break
            error_s *= 1.6
            if nodes.nll[best] < nodes.nll[centre] - 1.0:
                found = replace(found, x=nodes.x[best])
        return nodes

    def _best_edge(self, nodes: Nodes) -> Minimum:
        """The best of the events: of all in the range of the nodes where these are far apart, or of the near ones."""
        begin = nodes.x[int(nodes.nll.argmin())]
        first, last = np.searchsorted(self.times_s, nodes.t0_s[[0, -1]])
        rough = nodes.step_s > ROUGH * math.exp(begin[2])
        if rough and (last - first) * self.times_s.size < EXHAUSTIVE:
            edges = self.profile(self.times_s[first:last], begin)
            best = int(edges.nll.argmin())
            # A rise as short as a few pulses that came close by chance is not believed beside one that is as good.
            longer = edges.x[:, 2] > self.low[2] + 1.0
            if longer.any() and edges.nll[longer].min() < edges.nll[best] + COINCIDENCE:
                best = int(np.where(longer, edges.nll, np.inf).argmin())
            return self.at(edges.x[best])
        return self.near(begin, 1.5 * nodes.step_s)

    def _near_edges(self, x: Floats, reach_s: float) -> Minimum:
        """The best of the events around t0, for a continuous rate; goes on while it gets away from where it began."""
        found: Minimum | None = None
        gradient, information = np.empty(6), np.empty((6, 6))
        at_s, nll = np.empty(EDGES), np.empty(EDGES)
        for _ in range(20):
            _, bend = penalized_likelihood(
                self.times_s,
                self.length_s,
                self.dead_s,
                x,
                self.low[:5],
                self.high[:5],
                WALL,
                gradient,
                information,
            )
            follow = self.directions.T @ information[:, 5]
            gain = float(follow @ covariance_from(self.directions.T @ information @ self.directions) @ follow)
            count = 0
            if math.isfinite(gain):
                count = edges_near(self.times_s, self.dead_s, reach_s, x, gradient[5], bend, gain, at_s, nll)
            if not count:
                return found or self.at(x)
            promising = at_s[np.argsort(nll[:count])[:PROMISING]]
            nodes = self.profile(np.sort(promising), replace_t0(x, promising[0]))
            again = self.at(nodes.x[int(nodes.nll.argmin())])
            if found is not None and not again.nll < found.nll:
                return found
            found, looked_s = again, at_s[:count]
            if 0.7 * looked_s.min() + 0.3 * x[5] < again.x[5] < 0.3 * x[5] + 0.7 * looked_s.max() or count < 3:
                return found
            x = found.x
        assert found is not None
        return found

    def _closed_in(self, start: Floats) -> Nodes:
        """The profile of t0 on a grid over the whole burst, which closed in on what is worth looking at."""
        low, high = self.low[5], self.high[5]
        while True:
            nodes = self.profile(np.linspace(low, high, GRID), start, CLOSE)
            start = nodes.x[int(nodes.nll.argmin())]
            worth = np.flatnonzero(nodes.nll < nodes.nll.min() + WORTH)
            closer = max(low, nodes.t0_s[worth[0]] - nodes.step_s), min(high, nodes.t0_s[worth[-1]] + nodes.step_s)
            if closer[1] - closer[0] > 0.5 * (high - low) or nodes.step_s < 1e-6:
                return nodes
            low, high = float(closer[0]), float(closer[1])

    def _best_with_jump(self, start: Floats) -> tuple[Minimum, Nodes]:
        nodes = self._closed_in(start)
        begin = np.argsort(nodes.nll)[:BEGINNINGS]
        best = min((self.near(nodes.x[i], nodes.step_s) for i in begin), key=lambda minimum: minimum.nll)
        return self._judged(best), nodes


def replace_t0(x: Floats, t0_s: float) -> Floats:
    """The same parameters with another t0."""
    there = x.copy()
    there[5] = t0_s
    return there
