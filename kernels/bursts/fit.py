"""The minimum of a burst's likelihood, and its profile in t0, by damped Newton steps (`newton`).

The parameters move along given directions only: those of a continuous rate, with t0 or without it. Promise: what is
found does not depend on anything but the arguments, and with a minimum comes how far it may be off.
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
"""Steps that do not descend, one after the other, at which an edge of the likelihood is taken for its minimum."""


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
    """Find the best parameters, by damped Newton steps.

    Parameters
    ----------
    times_s, length_s, dead_s
        As in `burst_likelihood`.
    x : array of float64, shape (6,)
        Where to begin; written: the best.
    directions : array of float64, shape (6, k)
        They move along these columns only.
    low, high : arrays of float64, shape (6,)
        Limits; beyond those of the logarithms the likelihood has a penalty, t0 never leaves its own.
    wall : float
        Width of the parabolas of the penalty.
    close : float
        Distance to the minimum, in errors, that is close enough.
    most_steps : int
        Steps after which to stop anyway.
    gradient, information : arrays of float64, shapes (6,) and (6, 6)
        Written: derivatives there, those of the penalty included.

    Returns
    -------
    (nll, bend, distance) : floats
        As of `penalized_likelihood`, and how far the minimum is, in errors (inf where that is not known).
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
        # Beyond a change of one in a logarithm, or of a tau in t0, the parabola of the step is not true any more.
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
    """Find the best parameters at each of many t0, every one from that of its neighbour.

    Parameters
    ----------
    times_s, length_s, dead_s, directions, low, high, wall, close, most_steps
        As in `burst_minimum`; the directions leave t0 alone.
    begin : int
        The node to begin at.
    x : array of float64, shape (nodes, 6)
        The last column holds the times t0, increasing, and the row `begin` a beginning; written: the best, after one
        more Newton step from the last place that was looked at.
    nll : array of float64, shape (nodes,)
        Written: the negative log-likelihood, as that step expects it.
    gradient, information : arrays of float64, shapes (nodes, 6) and (nodes, 6, 6)
        Written, as of the last place that was looked at.
    free_x, free_gain : arrays of float64, shapes (nodes, 6) and (nodes,)
        Written: where one Newton step leads when all logarithms are free, and twice the gain in log-likelihood that it
        expects; inf where that is not known.
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
                # The others follow t0 as their information says; the neighbour is no beginning where it lost the rise.
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
    """Average over the profile of t0: covariance at t0, and covariance of the estimates at t0.

    Parameters
    ----------
    x, nll, information : arrays of float64, shapes (nodes, 6), (nodes,) and (nodes, 6, 6)
        From `burst_profile`.
    directions, flat_directions : arrays of float64, shapes (6, k) and (6, l)
        In which the logarithms are free; the second where `flat` says that the rise is not.
    flat : array of bool, shape (nodes,)
    best : array of float64, shape (6,)
        The estimate.
    covariance : array of float64, shape (6, 6)
        Written: of the parameters themselves, not of their logarithms.

    Returns
    -------
    bool
        False, and nothing is written, where no node has a covariance.
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
