"""The step of a rate that fits a window best: a constant rate inside of it, and another one before and after."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compile import inlined, kernel

__all__ = ["best_step"]

Floats = NDArray[np.float64]
ROUNDS, COARSE, SHORTEST_REACH = 2, 8, 8
"""How often begin and end are moved in turn, the events that the first of these rounds passes over, as a part of its
reach, and the least reach."""


@inlined
def _likelihood(times_s: Floats, length_s: float, first: int, last: int, shortest_s: float) -> float:
    n = times_s.size
    begin_s = 0.0 if first == 0 else times_s[first]
    end_s = length_s if last == n - 1 else times_s[last]
    inside_s, inside = end_s - begin_s, last - first + 1
    outside_s, outside = length_s - inside_s, n - inside
    if inside_s <= shortest_s or outside_s <= shortest_s:
        return -math.inf
    value = inside * math.log(inside / inside_s) - n
    if outside > 0:
        value += outside * math.log(outside / outside_s)
    return value


@kernel
def best_step(
    times_s: Floats, length_s: float, low: int, high: int, edges: int, shortest_s: float
) -> tuple[float, int, int]:
    """The likeliest step, from one event to another.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s after the begin of the window.
    length_s : float
        Length of the window, s.
    low, high : int
        Indices of the events between which a step is looked for first.
    edges : int
        Number of events among which its begin and its end are; they are moved when the best are found.
    shortest_s : float
        The step, and what is outside of it, are longer than this, s.

    Returns
    -------
    likelihood : float
        The log-likelihood; minus infinity when no step is long enough.
    first, last : int
        Indices of the first and the last event of the step. One that begins with the first event of all begins with
        the window; one that ends with the last ends with it.
    """
    n = times_s.size
    at = np.empty(edges + 2, np.int64)
    at[0], at[edges + 1] = 0, n - 1
    for i in range(edges):
        at[i + 1] = low + (high - low) * i // (edges - 1)
    best = -math.inf
    first: Any = np.int64(0)
    last: Any = np.int64(n - 1)
    for i in range(at.size):
        for j in range(i + 1, at.size):
            value = _likelihood(times_s, length_s, at[i], at[j], shortest_s)
            if value > best:
                best, first, last = value, at[i], at[j]
    reach = max((high - low) // edges, SHORTEST_REACH)
    step: Any = max(reach // COARSE, np.int64(1))
    for _ in range(ROUNDS):
        middle = first
        for i in range(max(0, middle - reach), min(middle + reach, last), step):
            value = _likelihood(times_s, length_s, i, last, shortest_s)
            if value > best:
                best, first = value, np.int64(i)
        middle = last
        for j in range(max(first + 1, middle - reach), min(middle + reach, n), step):
            value = _likelihood(times_s, length_s, first, j, shortest_s)
            if value > best:
                best, last = value, np.int64(j)
        reach, step = 2 * step, np.int64(1)
    return best, first, last
