"""The search for the best burst among the pulses of a window, in t0 and all other parameters.

A rate that is continuous at t0 is fitted in three steps: a grid of t0 over the whole burst, on a thinned sample of the
pulses when there are many; Newton's steps in all parameters together; then the events around, since the likelihood has
its maxima in t0 at events. A rate that may jump has no slope in t0: a grid closes in, and the best switch from the rise
to the decay is found exactly.
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
"""Log-likelihood below the best, up to which a t0 is worth looking at."""
COARSE, FEW_STEPS, WITH_T0 = 9, 4, 0.2
"""The first grid: its times t0, Newton's steps at each of them, and the distance from the minimum, in errors, at which
the steps in all parameters end, t0 among them, by which the slope changes at every event."""
THINNED = (1000, 150)
"""Pulses that the thinned sample has at least: in all, and of the burst."""
NODES, NODE_STEP = 9, 0.8
"""Times t0 of the profile, and their distance in errors: from -3.2 to 3.2."""
ENDS, FEWEST_NODES = 3.0, 3
"""Fall of the log-likelihood, from the best node to the ends, at which the profile is wide enough, and how many nodes
must lie above it."""
WIDENINGS, WIDER = 6, 1.6
"""How often the profile is tried, each time so much wider than before."""
UNKNOWN_T0 = 0.05
"""Error of a t0 that has no information, in units of where it may lie."""
GRID = 20
"""Times t0 that are tried at once where a profile closes in on those within `WORTH` of the best."""
FINEST_S = 1e-6
"""Distance of the times at which it stops to close in."""
BEGINNINGS = 6
"""Of that grid, from which the best t0 is looked for: the likelihood has a maximum of its own at every other event."""
EDGES, PROMISING = 96, 3
"""Events around t0 that are looked at together, and of how many of them the likelihood is then maximised."""
ROUGH, EXHAUSTIVE = 0.25, 3_000_000
"""Distance of the nodes, in tau_rise, from which the profile of t0 is far from a parabola and each event around is
tried; and up to how many events, times all events, that is done: it takes a few ms."""
COINCIDENCE = 2.0
"""What a rise of a few pulses gains in log-likelihood by chance."""
LONGER_RISE = 1.0
"""Logarithm of the ratio to the shortest rise, from which on a rise is no such coincidence."""
MOST_MOVES = 20
"""How often t0 may move on before the search stops anyway."""
JUST_AFTER_S = 1e-9
"""Where a switch lies that comes right after an event."""
GAIN = 1e-9
"""In log-likelihood: less is none."""


class BestBurst(NamedTuple):
    """The best parameters, and the profile of t0 around them."""

    minimum: Minimum
    nodes: Nodes


def best_burst(problem: BurstProblem, start: Floats) -> BestBurst:
    """The best parameters of all."""
    return _best_continuous(problem, start) if problem.continuous else _best_with_jump(problem, start)


def best_near(problem: BurstProblem, x: Floats, reach_s: float) -> Minimum:
    """Best parameters, t0 included, around some; of a continuous rate no farther than `reach_s` at a time."""
    return _best_edge_near(problem, x, reach_s) if problem.continuous else _best_switch_near(problem, x)


def jump_promises(problem: BurstProblem, best: BestBurst) -> float:
    """Twice the gain in log-likelihood that a jump at t0 promises: a step of the free parameters, and a switch."""
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
    if problem.shows_no_rise(found.x) or not resolved:  # a minimum among several, maybe not the best
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
    """The profile of t0 as far as it is worth looking at."""
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
    """The best of the events: of all in the range of the nodes where these are far apart, or of the near ones."""
    begin = nodes.x[int(nodes.nll.argmin())]
    first, last = np.searchsorted(problem.times_s, nodes.t0_s[[0, -1]])
    rough = nodes.step_s > ROUGH * math.exp(begin[2])
    if rough and (last - first) * problem.times_s.size < EXHAUSTIVE:
        edges = problem.profile(problem.times_s[first:last], begin)
        best = int(edges.nll.argmin())
        # A rise as short as a few pulses that came close by chance is not believed beside one that is as good.
        longer = edges.x[:, 2] > problem.low[2] + LONGER_RISE
        if longer.any() and edges.nll[longer].min() < edges.nll[best] + COINCIDENCE:
            best = int(np.where(longer, edges.nll, np.inf).argmin())
        return problem.at(edges.x[best])
    return best_near(problem, begin, 1.5 * nodes.step_s)


def _best_edge_near(problem: BurstProblem, x: Floats, reach_s: float) -> Minimum:
    """The best of the events around t0; goes on while it gets away from where it began."""
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
        # Well within what was looked at: no other event is near.
        within = 0.7 * looked_s.min() + 0.3 * x[5] < again.x[5] < 0.3 * x[5] + 0.7 * looked_s.max()
        if within or looked_s.size < PROMISING:
            return found
        x = found.x
    assert found is not None
    return found


def _edges_near(problem: BurstProblem, x: Floats, reach_s: float) -> tuple[Floats, Floats]:
    """Events around t0, and the likelihood that is expected there; none where the information gives no direction."""
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
    """The exact best switch and Newton's steps in turn, from some parameters on."""
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
    """The best t0 where both exponentials stay as they are, and what it gains in log-likelihood."""
    return best_switch(problem.times_s, problem.low[5], problem.high[5], problem.dead_s, x, JUST_AFTER_S)


# --- Both.


def _close_in(problem: BurstProblem, start: Floats) -> Nodes:
    """The profile of t0 on a grid over the whole burst, which closed in on what is worth looking at."""
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
    """The same; a rise that the data do not show is not asked to converge."""
    if best.converged or not problem.shows_no_rise(best.x):
        return best
    return replace(best, converged=problem.without_rise.at(best.x).converged)
