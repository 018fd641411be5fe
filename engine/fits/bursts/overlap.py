"""The common fit of overlapping bursts, which the search finds as one, and a single burst does not describe.

Where a further decay is significant above the fitted rate (`kernels.bursts.overlap.best_addition`, a matched filter on
the residuals), a burst is added, and all are fitted together, each with a rate that is continuous at its t0. It is
accepted when the gain in log-likelihood is larger than chance allows for the number of places that were tried. The
information is the sum over pulses of the squared scores of all parameters, including the times t0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ....kernels.bursts.overlap import best_addition, overlap_likelihood, overlap_nll
from ....kernels.newton import newton_step
from ..minimize import Evaluation, Minimum, covariance_from, minimize_likelihood
from .problem import CONTINUOUS, TOLERANCE, WALL, BurstProblem

__all__ = ["Together", "fit_together"]

Floats = NDArray[np.float64]

MOST_BURSTS = 3
"""Most bursts that are fitted together."""
SIGNIFICANT = 5.0
"""Local significance (z) above which a further decay is tried."""
GAIN = 30.0
"""Twice the gain in log-likelihood above which a further burst (four parameters, a thousand places) is accepted."""
TAUS_S = np.geomspace(0.2, 6.4, 6)
"""Decay times that are tried for it, s, each twice as long as the one before."""
RISE_PART, SHORTEST_RISES = 0.15, 2.0
"""First rise time of its fit: this fraction of the decay time, and at least this multiple of the shortest allowed."""
MOST_STEPS, FEW_STEPS, MOST_REFUSED, FLAT = 40, 40, 6, 1e-7
"""Most damped steps, the same, divided by the thinning, after those on a thinned sample, most steps in a row without
descent, and the gain in log-likelihood below which they end."""
DAMPING = 1e-2
"""Damping of the first step; it is divided by five after a step that descends, else multiplied by ten."""
ENOUGH, THREE = 1200, 4000
"""Pulses of a thinned sample, and pulses up to which a third burst is tried."""
AROUND, ROUNDS = 10, 2
"""Pulses before and after each t0 that are tried as t0, and the number of rounds; each ends with a fit of the rest."""


@dataclass(frozen=True, eq=False, repr=False)
class Together:
    """Several bursts in the window of a problem, fitted together.

    Parameters
    ----------
    problem : BurstProblem
        The pulses of the window.
    best : Minimum
        Its parameters are x = (ln b, then five of each of the k bursts), as in `kernels.bursts.overlap`.
    directions : array of float64, shape (1 + 5 k, 1 + 4 k)
        Directions in which they may change, with continuous rates; the times t0 are last.
    """

    problem: BurstProblem
    best: Minimum
    directions: Floats

    def __repr__(self) -> str:
        pulses, length_s = self.problem.times_s.size, self.problem.length_s
        return f"Together({len(self.bursts)} bursts, {pulses} pulses in {length_s:.1f} s)"

    @property
    def bursts(self) -> Floats:
        """Parameters of each burst as in `kernels.bursts.decay`, shape (k, 6); only the first has the background."""
        parameters = self.best.x[1:].reshape(-1, 5)
        background = np.full(len(parameters), -np.inf)
        background[0] = self.best.x[0]
        return np.column_stack([background, parameters])

    @property
    def covariance(self) -> Floats:
        """Covariance of the parameters x, in which rates, numbers and time constants are logarithms."""
        along = self.directions
        return np.asarray(along @ covariance_from(along.T @ self.best.information @ along) @ along.T)

    def profile(self, parameter: int, value: float) -> float:
        """Profile: negative log-likelihood with one parameter fixed, minimised over all others."""
        row = self.directions[parameter]
        there = self.best.x + self.directions @ row * ((value - self.best.x[parameter]) / (row @ row))
        free = self.directions @ linalg.null_space(row[None, :])
        return _descend(self.problem, there, free).nll


def fit_together(problem: BurstProblem, single: Minimum) -> Together | None:
    """Fit as many overlapping bursts as are significant in the window of a problem.

    Parameters
    ----------
    problem : BurstProblem
    single : Minimum
        The best single burst, continuous or with a jump.

    Returns
    -------
    Together or None
        None when one burst is enough.
    """
    found: Together | None = None
    x, nll = single.x, single.nll
    most = MOST_BURSTS if problem.times_s.size < THREE else 2
    while x.size // 5 < most:
        begin_s, tau_s, height_Hz, z = best_addition(problem.times_s, problem.length_s, _rates_Hz(problem, x), TAUS_S)
        if z < SIGNIFICANT:
            break
        tau_rise_s = max(RISE_PART * tau_s, SHORTEST_RISES * math.exp(problem.low[2]))
        added = [math.log(max(height_Hz * tau, 1.0)) for tau in (tau_rise_s, tau_s)]
        start = np.concatenate([x, [added[0], math.log(tau_rise_s), added[1], math.log(tau_s), begin_s]])
        better = _fit(problem, _in_order(start))
        if not 2.0 * (nll - better.best.nll) > GAIN:
            break
        found, x, nll = better, better.best.x, better.best.nll
    return found


def _fit(problem: BurstProblem, start: Floats) -> Together:
    """Fit all parameters together, on a thinned sample of the pulses first where there are many."""
    at_t0 = _directions(start)
    with_times = np.column_stack([at_t0, np.eye(start.size)[:, 5::5]])
    x, steps, rounds = _made_continuous(start), MOST_STEPS, ROUNDS
    thinning = problem.times_s.size // ENOUGH
    if thinning > 1:
        numbers = np.zeros(x.size)
        numbers[0] = numbers[1::5] = numbers[3::5] = math.log(thinning)
        x = _settled(problem.thinned(thinning)[0], x - numbers, at_t0, with_times, steps, rounds).x + numbers
        steps, rounds = max(FEW_STEPS // thinning, 3), 1
    best = _settled(problem, x, at_t0, with_times, steps, rounds)
    return Together(problem, _minimum_at_t0(problem, best.x, at_t0), with_times)


def _settled(problem: BurstProblem, x: Floats, at_t0: Floats, with_times: Floats, steps: int, rounds: int) -> Minimum:
    """The minimum in all parameters together; then, in turn, each t0 at the best of the pulses near it, and all."""
    best = _descend(problem, x, with_times, steps)
    for _ in range(rounds):
        moved = _best_edges(problem, best)
        if moved is None:
            break
        best = _descend(problem, moved, at_t0, steps)
    return best


def _directions(x: Floats) -> Floats:
    """Directions of a continuous rate for each burst, at fixed times t0."""
    one = CONTINUOUS[1:, 1:]
    count = x.size // 5
    return np.asarray(linalg.block_diag(np.ones((1, 1)), *[one] * count), dtype=np.float64)


def _made_continuous(x: Floats) -> Floats:
    """The same parameters, with the number of pulses of each rise changed to make the rate continuous at t0."""
    continuous = x.copy()
    continuous[1::5] = x[3::5] - x[4::5] + x[2::5]
    return continuous


def _in_order(x: Floats) -> Floats:
    """The same parameters, with the bursts in order of time."""
    bursts = x[1:].reshape(-1, 5)
    return np.append(x[0], bursts[np.argsort(bursts[:, 4])].ravel())


def _rates_Hz(problem: BurstProblem, x: Floats) -> Floats:
    """Rate of background and all bursts at the time of each pulse, pulses per s."""
    rate = np.full(problem.times_s.size, math.exp(x[0]))
    for n_rise, tau_rise, n_decay, tau_decay, t0_s in x[1:].reshape(-1, 5):
        after_s = problem.times_s - t0_s
        rate += np.where(
            after_s < 0.0,
            np.exp(n_rise - tau_rise + np.minimum(after_s, 0.0) * math.exp(-tau_rise)),
            np.exp(n_decay - tau_decay - np.maximum(after_s, 0.0) * math.exp(-tau_decay)),
        )
    return rate


def _likelihood(problem: BurstProblem, x: Floats) -> Evaluation:
    """Negative log-likelihood of all bursts, with a parabola added where a parameter is outside its limits."""
    gradient, information = np.empty(x.size), np.empty((x.size, x.size))
    nll = overlap_likelihood(problem.times_s, problem.length_s, problem.dead_s, x, gradient, information)
    count = x.size // 5
    low = np.append(problem.low[0], np.tile(np.append(problem.low[1:5], 0.0), count))
    high = np.append(problem.high[0], np.tile(np.append(problem.high[1:5], problem.length_s), count))
    over = np.maximum(x - high, 0.0) + np.minimum(x - low, 0.0)
    nll += 0.5 * float(np.sum((over / WALL) ** 2))
    gradient += over / WALL**2
    information[np.diag_indices(x.size)] += (over != 0.0) / WALL**2
    return Evaluation(nll, gradient, information)


def _descend(problem: BurstProblem, x: Floats, directions: Floats, most_steps: int = MOST_STEPS) -> Minimum:
    """Minimise along some directions, starting at `x`, by damped steps with the information of squared scores."""
    size = directions.shape[1]
    factor, step = np.empty((size, size)), np.empty(size)
    nll, gradient, information = _likelihood(problem, x)
    damping, refused = DAMPING, 0
    for _ in range(most_steps):
        reduced = directions.T @ information @ directions
        fall = newton_step(directions.T @ gradient, reduced, damping, factor, step)
        change = directions @ step
        tried = x + change * min(1.0, 1.0 / max(float(np.abs(change).max()), 1e-9))
        tried[5::5] = tried[5::5].clip(0.0, problem.length_s)
        there = _likelihood(problem, tried) if fall >= 0.0 else None
        if there is not None and there.nll < nll:
            fell, x = nll - there.nll, tried
            nll, gradient, information = there
            damping, refused = max(0.2 * damping, 1e-9), 0
            if fell < FLAT:
                break
        else:
            damping, refused = 10.0 * max(damping, 1e-6), refused + 1
            if refused > MOST_REFUSED:
                break
    return Minimum(x, nll, gradient, information, False, "damped steps")


def _best_edges(problem: BurstProblem, best: Minimum) -> Floats | None:
    """The same parameters, with each t0 in turn moved to the best pulse near it; None when none is better."""
    x = best.x.copy()
    start = nll = overlap_nll(problem.times_s, problem.length_s, problem.dead_s, x)
    for at in range(5, x.size, 5):
        i = int(np.searchsorted(problem.times_s, x[at]))
        for t0_s in problem.times_s[max(0, i - AROUND) : i + AROUND]:
            tried = x.copy()
            tried[at] = t0_s
            there = overlap_nll(problem.times_s, problem.length_s, problem.dead_s, tried)
            if there < nll - FLAT:
                x, nll = tried, there
    return x if nll < start - FLAT else None


def _minimum_at_t0(problem: BurstProblem, x: Floats, directions: Floats) -> Minimum:
    """Minimise over all parameters but the times t0, by scipy."""

    def objective(u: Floats) -> Evaluation:
        nll, gradient, information = _likelihood(problem, x + directions @ u)
        return Evaluation(nll, directions.T @ gradient, directions.T @ information @ directions)

    start = np.zeros(directions.shape[1])
    step = 1.0 / np.sqrt(objective(start).information.diagonal().clip(4.0))
    answer = minimize_likelihood(objective, start, step, tolerance=TOLERANCE)
    full = x + directions @ answer.x
    nll, gradient, information = _likelihood(problem, full)
    return Minimum(full, nll, gradient, information, answer.converged, answer.message)
