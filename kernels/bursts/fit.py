"""The minimum of the negative log-likelihood of a burst, and its profile in t0, by damped Newton steps (`newton`).

The parameters change along given directions only: those of a continuous rate, with or without t0. Promise: results
depend on the arguments only, and each minimum comes with an estimate of its distance from the true one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import few_steps, inner_loop, kernel
from ..inverse import invert_information
from ..newton import newton_step
from .decay import penalized_likelihood

__all__ = ["burst_minimum", "burst_profile", "total_covariance"]

Floats = NDArray[np.float64]

MOST_REFUSED = 4
"""After this many steps in a row without descent, t0 is taken to be at an event where the derivative jumps."""


@inner_loop
def _project(directions: Floats, gradient: Floats, information: Floats, along: Floats, bends: Floats) -> None:
    """Write gradient and information along the directions."""
    few_steps()
    n, k = directions.shape
    for i in range(k):
        total = 0.0
        for p in range(n):
            total += directions[p, i] * gradient[p]
        along[i] = total
        for j in range(i + 1):
            total = 0.0
            for p in range(n):
                if directions[p, i] != 0.0:
                    for q in range(n):
                        total += directions[p, i] * information[p, q] * directions[q, j]
            bends[i, j] = total
            bends[j, i] = total


@kernel
def burst_minimum(
    times_s: Floats,
    length_s: float,
    dead_s: float,
    x: Floats,
    directions: Floats,
    low: Floats,
    high: Floats,
    wall: float,
    close: float,
    most_steps: int,
    gradient: Floats,
    information: Floats,
) -> tuple[float, float, float]:
    """Minimise the negative log-likelihood by damped Newton steps.

    Parameters
    ----------
    times_s, length_s, dead_s
        As in `burst_likelihood`.
    x : array of float64, shape (6,)
        Start of the fit; written: the best parameters.
    directions : array of float64, shape (6, k)
        The parameters change along these columns only.
    low, high : arrays of float64, shape (6,)
        Limits. Outside those of the logarithms, the likelihood has a penalty; t0 is kept inside its limits.
    wall : float
        Width of the parabolas of the penalty.
    close : float
        The fit ends at this distance from the minimum, in standard errors.
    most_steps : int
        The fit ends after this number of steps.
    gradient, information : arrays of float64, shapes (6,) and (6, 6)
        Written: derivatives at the best parameters, with those of the penalty.

    Returns
    -------
    nll, bend : float
        As in `penalized_likelihood`.
    distance : float
        Distance from the minimum, in standard errors; inf where it is not known.
    """
    few_steps()
    n, k = directions.shape
    step, factor, tried = np.empty(k), np.empty((k, k)), np.empty(n)
    gradient_there, information_there = np.empty(n), np.empty((n, n))
    along, bends = np.empty(k), np.empty((k, k))
    low5, high5 = low[:5], high[:5]
    nll, bend = penalized_likelihood(times_s, length_s, dead_s, x, low5, high5, wall, gradient, information)
    damping, distance, refused = 0.0, math.inf, 0
    moves_t0 = False
    for i in range(k):
        moves_t0 = moves_t0 or directions[5, i] != 0.0
    _project(directions, gradient, information, along, bends)
    for _ in range(most_steps):
        fall = newton_step(along, bends, damping, factor, step)
        if fall < 0.0:
            damping = max(10.0 * damping, 1e-3)
            if damping > 1e8:
                break
            continue
        if damping == 0.0:
            distance = math.sqrt(fall)
            if distance < close:
                break
        # For changes above 1 in a logarithm, or above tau in t0, the parabola of the step is no approximation any more.
        longest = 0.0
        for p in range(n):
            tried[p] = 0.0
            for i in range(k):
                tried[p] += directions[p, i] * step[i]
            unit = 1.0 if p < 5 else math.exp(min(x[2], x[4]))
            longest = max(longest, abs(tried[p]) / unit)
        scale = min(1.0, 1.0 / longest) if longest > 0.0 else 1.0
        for p in range(n):
            tried[p] = x[p] + scale * tried[p]
        tried[5] = min(max(tried[5], low[5]), high[5])
        there, bend_there = penalized_likelihood(
            times_s, length_s, dead_s, tried, low5, high5, wall, gradient_there, information_there
        )
        # Near the minimum the likelihood changes by less than its last digits.
        if there < nll or (distance < 1e-3 and there < nll + 1e-9 * abs(nll)):
            nll, bend = there, bend_there
            for p in range(n):
                x[p], gradient[p] = tried[p], gradient_there[p]
                for q in range(n):
                    information[p, q] = information_there[p, q]
            _project(directions, gradient, information, along, bends)
            damping = 0.1 * damping if damping > 1e-4 else 0.0
            refused = 0
        else:
            damping = max(10.0 * damping, 1e-2)
            refused += 1
            if damping > 1e8 or (refused >= MOST_REFUSED and moves_t0):
                break
    return nll, bend, distance


@kernel
def burst_profile(
    times_s: Floats,
    length_s: float,
    dead_s: float,
    begin: int,
    directions: Floats,
    low: Floats,
    high: Floats,
    wall: float,
    close: float,
    most_steps: int,
    x: Floats,
    nll: Floats,
    gradient: Floats,
    information: Floats,
    free_x: Floats,
    free_gain: Floats,
) -> None:
    """Minimise at each of many fixed t0, starting from the result at the neighbouring t0.

    Parameters
    ----------
    times_s, length_s, dead_s, directions, low, high, wall, close, most_steps
        As in `burst_minimum`; the directions do not change t0.
    begin : int
        Index of the first t0.
    x : array of float64, shape (nodes, 6)
        In the last column, the times t0, increasing; in the row `begin`, the start. Written: the best parameters, after
        a last Newton step, at whose end the likelihood was not evaluated.
    nll : array of float64, shape (nodes,)
        Written: the negative log-likelihood that is predicted for this last step.
    gradient, information : arrays of float64, shapes (nodes, 6) and (nodes, 6, 6)
        Written: derivatives before this last step.
    free_x : array of float64, shape (nodes, 6)
        Written: the parameters after one Newton step in which all logarithms are free.
    free_gain : array of float64, shape (nodes,)
        Written: twice the gain in log-likelihood that is predicted for this step; inf where it is not known.
    """
    few_steps()
    nodes = x.shape[0]
    free_bends, free_factor, free_step = np.empty((5, 5)), np.empty((5, 5)), np.empty(5)
    k = directions.shape[1]
    along, bends, factor, step = np.empty(k), np.empty((k, k)), np.empty((k, k)), np.empty(k)
    start, pull = np.empty(5), np.empty(6)
    for p in range(5):
        start[p] = x[begin, p]
    for way in (1, -1):
        i = begin if way > 0 else begin - 1
        while 0 <= i < nodes:
            if i != begin:
                before = i - way
                moved = x[i, 5] - x[before, 5]
                # The other parameters follow t0 by the information matrix; without a rise, begin at `start` again.
                lost = x[before, 2] < low[2] + wall
                for p in range(6):
                    pull[p] = information[before, p, 5] * moved
                _project(directions, pull, information[before], along, bends)
                follows = newton_step(along, bends, 0.0, factor, step) >= 0.0 and not lost
                for p in range(5):
                    x[i, p] = start[p] if lost else x[before, p]
                    if follows:
                        for j in range(k):
                            x[i, p] += directions[p, j] * min(max(step[j], -1.0), 1.0)
            # fmt: off
            nll[i] = burst_minimum(times_s, length_s, dead_s, x[i], directions, low, high, wall, close, most_steps,
                                   gradient[i], information[i])[0]
            # fmt: on
            _project(directions, gradient[i], information[i], along, bends)
            fall = newton_step(along, bends, 0.0, factor, step)
            if 0.0 <= fall < 1.0:
                nll[i] -= 0.5 * fall
                for p in range(5):
                    for j in range(k):
                        x[i, p] += directions[p, j] * step[j]
            for p in range(5):
                for q in range(5):
                    free_bends[p, q] = information[i, p, q]
            gain = newton_step(gradient[i, :5], free_bends, 0.0, free_factor, free_step)
            free_gain[i] = gain if gain >= 0.0 else math.inf
            for p in range(6):
                free_x[i, p] = x[i, p]
                if p < 5 and gain >= 0.0:
                    free_x[i, p] += min(max(free_step[p], -1.0), 1.0)
            i += way


@kernel
def total_covariance(
    x: Floats,
    nll: Floats,
    information: Floats,
    directions: Floats,
    flat_directions: Floats,
    flat: NDArray[np.bool_],
    best: Floats,
    covariance: Floats,
) -> bool:
    """Covariance by averages over the profile of t0: covariance at t0, plus covariance of the estimates at t0.

    Parameters
    ----------
    x, nll, information : arrays of float64, shapes (nodes, 6), (nodes,) and (nodes, 6, 6)
        As written by `burst_profile`.
    directions : array of float64, shape (6, k)
        Directions in which the logarithms may change.
    flat_directions : array of float64, shape (6, l)
        The same without the rise, for nodes that show none.
    flat : array of bool, shape (nodes,)
        True where a node shows no rise.
    best : array of float64, shape (6,)
        The estimate.
    covariance : array of float64, shape (6, 6)
        Written: covariance of the parameters (not of their logarithms).

    Returns
    -------
    bool
        False when no node has a covariance; then nothing is written.
    """
    few_steps()
    lowest, total = math.inf, 0.0
    for node in range(nll.size):
        lowest = min(lowest, nll[node])
    summed, away = np.zeros((6, 6)), np.empty(6)
    for node in range(nll.size):
        free = flat_directions if flat[node] else directions
        k = free.shape[1]
        along, bends, inverse = np.empty(k), np.empty((k, k)), np.empty((k, k))
        _project(free, x[node], information[node], along, bends)
        if not invert_information(bends, inverse):
            continue
        weight = math.exp(lowest - nll[node])
        total += weight
        for p in range(5):
            away[p] = math.exp(x[node, p]) - math.exp(best[p])
        away[5] = x[node, 5] - best[5]
        for p in range(6):
            for q in range(6):
                summed[p, q] += weight * away[p] * away[q]
                if p < 5 and q < 5:
                    within = 0.0
                    for i in range(k):
                        for j in range(k):
                            within += free[p, i] * inverse[i, j] * free[q, j]
                    summed[p, q] += weight * within * math.exp(x[node, p] + x[node, q])
    if total > 0.0:
        for p in range(6):
            for q in range(6):
                covariance[p, q] = summed[p, q] / total
    return total > 0.0
