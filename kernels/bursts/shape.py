"""What a fitted burst leaves over: a slope of its background, a second, slower decay, and further bursts.

All are score tests (C. R. Rao, Proc. Camb. Phil. Soc. 44 (1948) 50) on pulses in bins of time: the pulses beyond the
fitted rate, weighted by the shape that is looked for, after what a change of the fitted parameters could make of it is
taken off. Nothing is fitted for them: the best fit without them is enough. Promise: one search of each edge of the bins
among the events.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import few_steps, inner_loop, kernel
from ..inverse import invert_information
from ..places import first_not_before

__all__ = ["shape_scores"]

Floats = NDArray[np.float64]

RISE, RISE_STEP = 10, 0.5
"""Bins before t0, and their length in rise times."""
DECAY, DECAY_STEP = 27, 0.3
"""Bins after t0, and their length in decay times."""
EARLIER, EARLIER_STEP = 6, 0.8
"""Bins before those of the rise, and their length in decay times."""
REST = 8
"""Bins before the first and after the last of these."""
PART = 0.1
"""Part of the burst that a further decay has for which the test is best."""
PARAMETERS, RATE = 7, 7
"""Parameters, the slope being the last, and the place of the rate after them."""


@inner_loop
def _edges(length_s: float, x: Floats, edges_s: Floats) -> int:
    """Write the edges of the bins, increasing, t0 among them; their number."""
    t0, decay = x[5], math.exp(x[4])
    rising = max(t0 - RISE * RISE_STEP * math.exp(x[2]), 0.0)
    low, high = max(rising - EARLIER * EARLIER_STEP * decay, 0.0), min(t0 + DECAY * DECAY_STEP * decay, length_s)
    count = 0
    for i in range(REST):
        edges_s[count] = low * i / REST
        count += 1
    for i in range(EARLIER):
        edges_s[count] = low + (rising - low) * i / EARLIER
        count += 1
    for i in range(RISE):
        edges_s[count] = rising + (t0 - rising) * i / RISE
        count += 1
    for i in range(DECAY):
        edges_s[count] = t0 + (high - t0) * i / DECAY
        count += 1
    for i in range(REST + 1):
        edges_s[count] = high + (length_s - high) * i / REST
        count += 1
    return count


@inner_loop
def _integrals(t: float, x: Floats, slower: float, later: Floats, out: Floats) -> None:
    """Up to a time: of the rate by its parameters and the slope, of itself, of the slow decay, and of further ones."""
    after, background = t - x[5], math.exp(x[0]) * (t - x[5])
    for i in range(PARAMETERS):
        out[i] = 0.0
    out[0] = background
    per_tau, decay = math.exp(-x[4]), math.exp(x[3])
    if after < 0.0:
        y = after * math.exp(-x[2])
        part = math.exp(x[1] + y)
        out[1], out[2], out[5] = part, -part * y, -part * math.exp(-x[2])
        out[RATE] = background + part
    else:
        rise = math.exp(x[1])
        y = after * per_tau
        part = decay * math.exp(-y)
        out[1], out[3], out[4], out[5] = rise, decay - part, -part * y, -part * per_tau
        out[RATE] = background + rise + decay - part
    out[6] = 0.5 * after * after
    out[8] = decay * -math.expm1(-max(after, 0.0) * per_tau / slower)
    for i in range(later.size):
        out[9 + i] = decay * -math.expm1(-max(after * per_tau - later[i], 0.0))


@kernel
def shape_scores(
    times_s: Floats,
    length_s: float,
    dead_s: float,
    x: Floats,
    directions: Floats,
    slower: float,
    later: Floats,
    z: Floats,
    amplitudes: Floats,
    errors: Floats,
    changes: Floats,
) -> bool:
    """Look for a slope of the background, for a slower decay beside the fitted one, and for further decays.

    Parameters
    ----------
    times_s, length_s, dead_s
        As in `decay.burst_likelihood`.
    x : array of float64, shape (6,)
        Its best parameters.
    directions : array of float64, shape (7, k)
        Directions in which they were fitted; the last parameter is the slope of the background.
    slower : float
        How many times as long the slower decay takes.
    later : array of float64, shape (m,)
        How many decay times after t0, or before it where they are negative, further decays begin.
    z : array of float64, shape (2 + m,)
        Written: of the slope, the slower decay, and the further ones, the estimate in units of its error, which is
        normal where there is none.
    amplitudes, errors : array of float64, shape (2 + m,)
        Written: the estimates, in 1/s^2, and as parts of the pulses of the decay; and their errors.
    changes : array of float64, shape (2 + m, 7)
        Written: by how much the best parameters change with a unit of each, to first order.

    Returns
    -------
    bool
        Whether the parameters can be told apart; else nothing is written.
    """
    few_steps()
    k = directions.shape[1]
    shapes = z.size
    edges_s = np.empty(2 * REST + EARLIER + RISE + DECAY + 1)
    count = _edges(length_s, x, edges_s)
    sums = RATE + shapes
    before, here, along = np.empty(sums), np.empty(sums), np.empty(k)
    information, inverse, scores = np.zeros((k, k)), np.empty((k, k)), np.zeros(k)
    of_shape, twice, gain = np.zeros(shapes), np.zeros(shapes), np.zeros(shapes)
    with_shape, shape_along = np.zeros((shapes, k)), np.zeros((shapes, k))
    _integrals(edges_s[0], x, slower, later, before)
    first, last = np.int64(0), np.int64(times_s.size)
    for i in range(1, count):
        _integrals(edges_s[i], x, slower, later, here)
        upto = first_not_before(times_s, edges_s[i], first, last) if i + 1 < count else last
        width_s, events = edges_s[i] - edges_s[i - 1], float(upto - first)
        first = upto
        if width_s <= 0.0:
            for p in range(sums):
                before[p] = here[p]
            continue
        live = 1.0 - min(dead_s * events / width_s, 0.9)
        for p in range(sums):
            before[p], here[p] = here[p], (here[p] - before[p]) * live
        expected = max(here[RATE], 1e-9)
        left = events - expected
        for a in range(k):
            total = 0.0
            for p in range(PARAMETERS):
                total += directions[p, a] * here[p]
            along[a] = total
            scores[a] += total * left / expected
            for b in range(a + 1):
                information[a, b] += total * along[b] / expected
        for s in range(shapes):
            # A few pulses where nearly none are expected must not decide: a further decay is added in part.
            shape = here[RATE + s] if s > 0 else here[6]
            weight = shape / (expected + (PART * shape if s > 0 else 0.0))
            of_shape[s] += weight * left
            twice[s] += weight * weight * expected
            gain[s] += weight * shape
            for a in range(k):
                with_shape[s, a] += weight * along[a]
                shape_along[s, a] += shape * along[a] / expected
        for p in range(sums):
            here[p] = before[p]
    for a in range(k):
        for b in range(a):
            information[b, a] = information[a, b]
    if not invert_information(information, inverse):
        return False
    for s in range(shapes):
        value, variance, response = of_shape[s], twice[s], gain[s]
        for p in range(PARAMETERS):
            changes[s, p] = 0.0
        for a in range(k):
            for b in range(k):
                value -= with_shape[s, a] * inverse[a, b] * scores[b]
                variance -= with_shape[s, a] * inverse[a, b] * with_shape[s, b]
                response -= with_shape[s, a] * inverse[a, b] * shape_along[s, b]
                for p in range(PARAMETERS):
                    changes[s, p] -= directions[p, a] * inverse[a, b] * shape_along[s, b]
        variance, response = max(variance, 1e-300), max(response, 1e-300)
        z[s] = value / math.sqrt(variance)
        amplitudes[s], errors[s] = value / response, math.sqrt(variance) / response
    return True
