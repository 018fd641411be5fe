"""The minimum of the negative log-likelihood of one burst, in t0 and all other parameters.

A rate that is continuous at t0 is fitted in three steps: a grid of t0 over the whole burst (on a thinned sample of the
pulses when there are many); Newton's steps in all parameters together; and a test of the pulses near t0, because the
likelihood as a function of t0 has its maxima at pulses. For a rate that may jump at t0, the derivative with respect to
t0 gives no direction: a grid of t0 is refined around its best points, and the best switch from the rise to the decay is
then found exactly.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.switch import best_switch, edges_near
from ..minimize import Minimum, covariance_from
from .problem import CLOSE, NEAR, BurstProblem, Nodes, replace_t0

__all__ = ["WORTH", "BestBurst", "best_burst", "best_near", "jump_promises"]

Floats = NDArray[np.float64]

WORTH = 8.0
"""A t0 whose log-likelihood is less than this below the best is followed up."""
COARSE, FEW_STEPS, WITH_T0 = 9, 4, 0.2
"""The first grid: number of times t0, Newton's steps at each of them, and the distance from the minimum, in errors, at
which the steps in all parameters end (the derivative with respect to t0 changes at every pulse)."""
THINNED = (1000, 150)
"""Fewest pulses of the thinned sample: in all, and of the burst."""
NODES, NODE_STEP = 9, 0.8
"""Number of times t0 of the profile, and their distance in errors of t0: from -3.2 to 3.2."""
ENDS, FEWEST_NODES = 3.0, 3
"""The profile is wide enough when the log-likelihood at its ends is this much below the best, and resolved when at
least this many nodes are less than that below the best."""
WIDENINGS, WIDER = 6, 1.6
"""Most trials of the profile, and the factor by which each is wider than the one before."""
UNKNOWN_T0 = 0.05
"""Error of a t0 without information, as a fraction of its allowed range."""
GRID = 20
"""Number of times t0 of a grid that is refined to those within `WORTH` of the best."""
FINEST_S = 1e-6
"""Distance of the times t0 at which the refinement ends."""
BEGINNINGS = 6
"""Number of its best points from which the best t0 is looked for: there is a local maximum at every other pulse."""
EDGES, PROMISING = 96, 3
"""Number of pulses around t0 whose likelihood is estimated, and of the best of them, at which it is maximised."""
ROUGH, EXHAUSTIVE = 0.25, 3_000_000
"""When the nodes are farther apart than this, in tau_rise, the profile of t0 is not a parabola, and every pulse in its
range is tried; but only while pulses in its range times all pulses is below the second number (a few ms)."""
COINCIDENCE = 2.0
"""Gain in log-likelihood that a rise of a few pulses has by chance."""
LONGER_RISE = 1.0
"""A rise is not such a coincidence when its time is more than exp(1) times the shortest one."""
MOST_MOVES = 20
"""Most moves of t0 before the search ends."""
JUST_AFTER_S = 1e-9
"""A switch just after a pulse is put at this time after it."""
GAIN = 1e-9
"""A smaller gain in log-likelihood counts as none."""


class BestBurst(NamedTuple):
    """The best parameters, and the profile of t0 around them."""

    minimum: Minimum
    nodes: Nodes


def best_burst(problem: BurstProblem, start: Floats) -> BestBurst:
    """The best parameters, with t0 anywhere in its allowed range."""
    return _best_continuous(problem, start) if problem.continuous else _best_with_jump(problem, start)


def best_near(problem: BurstProblem, x: Floats, reach_s: float) -> Minimum:
    """Best parameters, including t0, near `x`; for a continuous rate, t0 moves at most `reach_s` in one step."""
    return _best_edge_near(problem, x, reach_s) if problem.continuous else _best_switch_near(problem, x)


def jump_promises(problem: BurstProblem, best: BestBurst) -> float:
    """Estimate of twice the gain in log-likelihood by a jump at t0: from one step of all parameters, and one of t0."""
    nodes = best.nodes
    promises = []
    for i in np.argsort(nodes.nll)[:2]:
        _, gain = _best_switch(problem, nodes.freed[i])
        promises.append(float(2.0 * (best.minimum.nll - nodes.nll[i]) + nodes.promise[i] + 2.0 * gain))
    return max(promises)


# --- A rate that is continuous at t0.


def _best_continuous(problem: BurstProblem, start: Floats) -> BestBurst:
    with_t0 = np.column_stack([problem.directions, np.eye(6)[5]])
    found = _best_on_coarse_grid(problem, start, with_t0)
    nodes = _nodes_around(problem, found, with_t0)
    resolved = np.count_nonzero(nodes.nll < nodes.nll.min() + ENDS) >= FEWEST_NODES
    if problem.shows_no_rise(found.x) or not resolved:  # one of several minima, perhaps not the best
        nodes = _close_in(problem, start)
    return BestBurst(_without_what_is_flat(problem, _best_edge(problem, nodes)), nodes)


def _best_on_coarse_grid(problem: BurstProblem, start: Floats, with_t0: Floats) -> Minimum:
    """A minimum in all parameters, found from a grid of t0 on a thinned sample, then on all pulses."""
    pulses = math.exp(start[1]) + math.exp(start[3])
    thinning = max(1, min(problem.times_s.size // THINNED[0], int(pulses / THINNED[1])))
    thin, shift = problem.thinned(thinning)
    coarse = thin.profile(np.linspace(problem.low[5], problem.high[5], COARSE), start - shift, NEAR, FEW_STEPS)
    begin = coarse.x[np.argsort(coarse.nll)[:2]]
    if np.partition(coarse.nll, 1)[1] > coarse.nll.min() + WORTH:
        begin = begin[:1]
    found = min((thin.newton(x, with_t0, WITH_T0)[0] for x in begin), key=lambda minimum: minimum.nll)
    if thinning > 1:
        found, _ = problem.newton(found.x + shift, with_t0, WITH_T0)
    return found


def _nodes_around(problem: BurstProblem, found: Minimum, with_t0: Floats) -> Nodes:
    """The profile likelihood of t0 around the minimum, wide enough for its errors."""
    variance = covariance_from(with_t0.T @ found.information @ with_t0)[-1, -1]
    error_s = math.sqrt(variance) if variance > 0.0 else UNKNOWN_T0 * (problem.high[5] - problem.low[5])
    centre, reach = (NODES - 1) // 2, (NODES - 1) / 2 * NODE_STEP
    for _ in range(WIDENINGS):
        t0_s = found.x[5] + reach * error_s * np.linspace(-1.0, 1.0, NODES)
        inside = (t0_s >= 0.0) & (t0_s <= problem.length_s)
        nodes = problem.profile(t0_s[inside], found.x)
        ends = nodes.nll[[0, -1]] - nodes.nll.min()
        best = int(nodes.nll.argmin())
        if ends.min() > ENDS or not inside.all():
            break
        error_s *= WIDER
        if nodes.nll[best] < nodes.nll[centre] - 1.0:
            found = replace(found, x=nodes.x[best])
    return nodes


def _best_edge(problem: BurstProblem, nodes: Nodes) -> Minimum:
    """The best t0 among the pulses: among all in the range of the nodes where these are far apart, or the near ones."""
    begin = nodes.x[int(nodes.nll.argmin())]
    first, last = np.searchsorted(problem.times_s, nodes.t0_s[[0, -1]])
    rough = nodes.step_s > ROUGH * math.exp(begin[2])
    if rough and (last - first) * problem.times_s.size < EXHAUSTIVE:
        edges = problem.profile(problem.times_s[first:last], begin)
        best = int(edges.nll.argmin())
        # A few pulses that are close by chance look like a very short rise: a longer one that is as good is preferred.
        longer = edges.x[:, 2] > problem.low[2] + LONGER_RISE
        if longer.any() and edges.nll[longer].min() < edges.nll[best] + COINCIDENCE:
            best = int(np.where(longer, edges.nll, np.inf).argmin())
        return problem.at(edges.x[best])
    return best_near(problem, begin, 1.5 * nodes.step_s)


def _best_edge_near(problem: BurstProblem, x: Floats, reach_s: float) -> Minimum:
    """The best t0 among the pulses around it; repeated while the best one is near the edge of those tried."""
    found: Minimum | None = None
    for _ in range(MOST_MOVES):
        looked_s, nll = _edges_near(problem, x, reach_s)
        if not looked_s.size:
            return found or problem.at(x)
        promising = looked_s[np.argsort(nll)[:PROMISING]]
        nodes = problem.profile(np.sort(promising), replace_t0(x, promising[0]))
        again = problem.at(nodes.x[int(nodes.nll.argmin())])
        if found is not None and not again.nll < found.nll:
            return found
        found = again
        # Well inside the range that was tried: no better pulse is just outside.
        within = 0.7 * looked_s.min() + 0.3 * x[5] < again.x[5] < 0.3 * x[5] + 0.7 * looked_s.max()
        if within or looked_s.size < PROMISING:
            return found
        x = found.x
    assert found is not None
    return found


def _edges_near(problem: BurstProblem, x: Floats, reach_s: float) -> tuple[Floats, Floats]:
    """Pulses around t0, and the nll that is expected there; empty when the information matrix cannot be inverted."""
    gradient, information = np.empty(6), np.empty((6, 6))
    _, bend = problem.likelihood(x, gradient, information)
    follow = problem.directions.T @ information[:, 5]
    gain = float(follow @ covariance_from(problem.directions.T @ information @ problem.directions) @ follow)
    at_s, nll = np.empty(EDGES), np.empty(EDGES)
    count = 0
    if math.isfinite(gain):
        count = edges_near(problem.times_s, problem.dead_s, reach_s, x, gradient[5], bend, gain, at_s, nll)
    return at_s[:count], nll[:count]


# --- A rate that may jump at t0.


def _best_with_jump(problem: BurstProblem, start: Floats) -> BestBurst:
    nodes = _close_in(problem, start)
    begin = np.argsort(nodes.nll)[:BEGINNINGS]
    best = min((best_near(problem, nodes.x[i], nodes.step_s) for i in begin), key=lambda minimum: minimum.nll)
    return BestBurst(_without_what_is_flat(problem, best), nodes)


def _best_switch_near(problem: BurstProblem, x: Floats) -> Minimum:
    """The exact best t0 and Newton's steps in the other parameters, in turn, starting at `x`."""
    found = problem.at(x)
    for _ in range(MOST_MOVES):
        moved_s, gain = _best_switch(problem, found.x)
        if gain <= GAIN:
            break
        again = problem.at(problem.handed_over(found.x, moved_s))
        if not again.nll < found.nll:
            break
        found = again
    return found


def _best_switch(problem: BurstProblem, x: Floats) -> tuple[float, float]:
    """The best t0 for fixed exponentials before and after it, and the gain in log-likelihood."""
    return best_switch(problem.times_s, problem.low[5], problem.high[5], problem.dead_s, x, JUST_AFTER_S)


# --- Both.


def _close_in(problem: BurstProblem, start: Floats) -> Nodes:
    """The profile of t0 on a grid over the whole burst, refined to the range within `WORTH` of the best."""
    low, high = problem.low[5], problem.high[5]
    while True:
        nodes = problem.profile(np.linspace(low, high, GRID), start, CLOSE)
        start = nodes.x[int(nodes.nll.argmin())]
        worth = np.flatnonzero(nodes.nll < nodes.nll.min() + WORTH)
        closer = max(low, nodes.t0_s[worth[0]] - nodes.step_s), min(high, nodes.t0_s[worth[-1]] + nodes.step_s)
        if closer[1] - closer[0] > 0.5 * (high - low) or nodes.step_s < FINEST_S:
            return nodes
        low, high = float(closer[0]), float(closer[1])


def _without_what_is_flat(problem: BurstProblem, best: Minimum) -> Minimum:
    """The same minimum; where the data show no rise, it has converged when the other parameters have."""
    if best.converged or not problem.shows_no_rise(best.x):
        return best
    return replace(best, converged=problem.without_rise.at(best.x).converged)
