"""The step of a rate that fits a window best: a constant rate inside of it, and another one before and after."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compile import inlined, kernel

__all__ = ["best_step"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROUNDS = 2


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
    times_s: Floats, length_s: float, edges: Integers, reach: int, shortest_s: float
) -> tuple[float, int, int]:
    """The likeliest step, from one event to another.

    Parameters
    ----------
    times_s : array of float64, shape (n,)
        Sorted event times, s after the begin of the window.
    length_s : float
        Length of the window, s.
    edges : array of int64, shape (m,)
        Increasing indices of events among which begin and end are looked for at first.
    reach : int
        Events before and after the best of them that are then tried.
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
    best = -math.inf
    first: Any = np.int64(0)
    last: Any = np.int64(times_s.size - 1)
    for i in range(edges.size):
        for j in range(i + 1, edges.size):
            value = _likelihood(times_s, length_s, edges[i], edges[j], shortest_s)
            if value > best:
                best, first, last = value, edges[i], edges[j]
    for _ in range(ROUNDS):
        middle = first
        for i in range(max(0, middle - reach), min(middle + reach, last)):
            value = _likelihood(times_s, length_s, i, last, shortest_s)
            if value > best:
                best, first = value, np.int64(i)
        middle = last
        for j in range(max(first + 1, middle - reach), min(middle + reach, times_s.size)):
            value = _likelihood(times_s, length_s, first, j, shortest_s)
            if value > best:
                best, last = value, np.int64(j)
    return best, first, last
