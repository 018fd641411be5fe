"""The difference that a switch makes: readings with the coil on against those with it off, whatever drifts between.

Each block of readings between two switches is compared with its neighbours of the other state, so that what drifts
slowly cancels. There are two ways, by the number of blocks:

- Many blocks: each second block is compared with the halves of its neighbours that adjoin it, interpolated to its
  middle. No reading is used twice, so that the scatter of these differences is the error, whatever the noise is.
- Few blocks: their scatter is hardly known, and the readings within them have to tell the noise. It is taken to be
  white noise and a part that is correlated over some time (Ornstein and Uhlenbeck; an AR(1) series for readings in
  equal steps) on a polynomial drift. The difference follows by generalised least squares; how long the correlation is
  and how large both parts are is averaged over, each with its restricted likelihood (D. Harville, J. Am. Stat. Assoc.
  72, 320, 1977), since a few blocks do not tell them well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from .flags import Reason, reason_for
from .mean import mean_with_error, student_factor

__all__ = ["SwitchedDifference", "switched_difference"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LONGEST_STEP = 20.0
"""A pause that is longer than this many steps between readings ends a block: nobody knows what drifted meanwhile."""
FEWEST_READINGS = 8
"""Readings of each state from which on there is a difference."""
MANY_PAIRS = 20
"""Differences between neighbours from which on their scatter is the error."""
FEWEST_PAIRS = 4
"""Differences between neighbours from which on their scatter is compared with the noise within blocks."""
SMALLEST_P = 1e-3
"""A less probable scatter of them is a difference that changes."""
CELLS = 160
"""Parts into which the readings of few blocks are cut together; their means are fitted."""
LEAST_DEGREE, MOST_DEGREE = 4, 8
"""Of the polynomial of the drift; between them it is half of the number of blocks."""
TIMES = 12
"""Correlation times that are averaged over, from half of a step to the length of the series."""
WHITE_PARTS = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Variances of the white noise that are averaged over, in units of that of the correlated part."""
LEAST_STEP = 1e-6
"""Part of a step that the difference and the drift must leave: otherwise it is one of them."""
LEAST_ERROR = 1e-12
"""In units of the largest reading: a smaller error is rounding."""
STEPS = 60
"""Bisections that find the error; each halves its interval."""


@dataclass(frozen=True)
class SwitchedDifference:
    """On minus off.

    Attributes
    ----------
    value, error : float
        In the unit of the readings; the error covers in 68 % of cases. NaN where there is none.
    switches : int
        Changes between the states that were seen, without those in a pause.
    reasons : tuple of Reason
        Why the difference must not be used; empty where it may.
    """

    value: float
    error: float
    switches: int
    reasons: tuple[Reason, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the difference may be used."""
        return not self.reasons


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Readings between two switches; `follows` tells whether a block adjoins the one before."""

    t: Floats
    values: Floats
    begins: Integers
    ends: Integers
    on: NDArray[np.bool_]
    follows: NDArray[np.bool_]

    @property
    def switches(self) -> int:
        """Blocks that adjoin one of the other state."""
        return int(np.sum(self.follows[1:] & (self.on[1:] != self.on[:-1])))


def switched_difference(
    timestamps_ns: NDArray[np.int64], values: NDArray[np.float64], on: NDArray[np.bool_]
) -> SwitchedDifference:
    """Estimate by how much readings are larger while something is on.

    Parameters
    ----------
    timestamps_ns : array of int64, shape (n,)
        Times of the readings, ns, sorted.
    values : array of float64, shape (n,)
        Readings; those that are not finite are left out.
    on : array of bool, shape (n,)
        State at each reading.

    Returns
    -------
    SwitchedDifference

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> at = np.arange(600)
    >>> on = at // 50 % 2 == 1
    >>> found = switched_difference(at * 400_000_000, 0.05 * at + 3.0 * on + random.normal(size=600), on)
    >>> found.valid, found.switches, abs(found.value - 3.0) < 3 * found.error < 0.5
    (True, 11, True)
    """
    known = np.isfinite(values)
    blocks = _blocks_of(timestamps_ns[known], values[known], on[known])
    rows_on = int(np.sum(on[known]))
    for count, state in ((rows_on, "on"), (int(known.sum()) - rows_on, "off")):
        if count == 0:
            return SwitchedDifference(math.nan, math.nan, blocks.switches, (reason_for("one_state", state=state),))
        if count < FEWEST_READINGS:
            few = reason_for("few_readings", count=count, state=state, needed=FEWEST_READINGS)
            return SwitchedDifference(math.nan, math.nan, blocks.switches, (few,))
    if blocks.switches == 0:
        return SwitchedDifference(math.nan, math.nan, 0, (reason_for("no_switch"),))
    pairs = _pairs(blocks)
    if pairs.size >= MANY_PAIRS:
        value, error = _mean_of(pairs.differences(blocks.values), pairs.weights())
        reasons: tuple[Reason, ...] = ()
    else:
        value, error, reasons = _by_noise(blocks, pairs)
    if not error > LEAST_ERROR * float(np.abs(blocks.values).max()):
        return SwitchedDifference(value, math.nan, blocks.switches, (reason_for("no_noise"),))
    return SwitchedDifference(value, error, blocks.switches, reasons)


def _blocks_of(times_ns: NDArray[np.int64], values: Floats, on: NDArray[np.bool_]) -> _Blocks:
    if values.size == 0:
        nothing = np.empty(0, np.int64)
        return _Blocks(np.empty(0), values, nothing, nothing, on, on)
    steps_ns = np.diff(times_ns)
    step_ns = max(float(np.median(steps_ns)) if steps_ns.size else 1.0, 1.0)
    pause = steps_ns > LONGEST_STEP * step_ns
    begins = np.append(0, np.flatnonzero((on[1:] != on[:-1]) | pause) + 1)
    follows = np.append(False, ~pause[begins[1:] - 1])
    return _Blocks(
        (times_ns - times_ns[0]) / step_ns, values, begins, np.append(begins[1:], values.size), on[begins], follows
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Blocks with the halves of both neighbours that adjoin them, no reading twice; n of them."""

    parts: Integers
    """First reading and end of the half before, the block, and the half after; shape (n, 3, 2)."""
    factors: Floats
    """Of the means of the three parts, so that a linear drift cancels; shape (n, 3)."""

    @property
    def size(self) -> int:
        """Number of them."""
        return len(self.parts)

    def differences(self, values: Floats) -> Floats:
        """On minus off of each."""
        return np.asarray(np.sum(self.factors * _means(values, self.parts), axis=1))

    def weights(self) -> Floats:
        """Inverse variances for white noise."""
        counts = self.parts[:, :, 1] - self.parts[:, :, 0]
        return np.asarray(1.0 / np.sum(self.factors**2 / counts, axis=1))

    def of_cells(self, cuts: Integers) -> Floats:
        """Factors of the means of cells that are cut at these readings, shape (n, cells)."""
        begin, end = self.parts[:, :, :1], self.parts[:, :, 1:]
        held = np.clip(np.minimum(end, cuts[1:]) - np.maximum(begin, cuts[:-1]), 0, None)
        return np.asarray(np.sum(self.factors[:, :, None] * held / (end - begin), axis=1))


def _pairs(blocks: _Blocks) -> _Pairs:
    found = []
    k, last = 1, blocks.begins.size - 1
    switched = blocks.follows[1:] & (blocks.on[1:] != blocks.on[:-1])
    while k < last:
        if switched[k - 1] and switched[k]:
            found.append(k)
            k += 1
        k += 1
    at = np.array(found, dtype=np.int64)
    begins, ends = blocks.begins, blocks.ends
    before = np.stack([(begins[at - 1] + ends[at - 1]) // 2, ends[at - 1]], axis=1)
    after = np.stack([begins[at + 1], (begins[at + 1] + ends[at + 1] + 1) // 2], axis=1)
    parts = np.stack([before, np.stack([begins[at], ends[at]], axis=1), after], axis=1).reshape(-1, 3, 2)
    times = _means(blocks.t, parts)
    share = (times[:, 1] - times[:, 0]) / (times[:, 2] - times[:, 0])
    sign = np.where(blocks.on[at], 1.0, -1.0)
    return _Pairs(parts, sign[:, None] * np.stack([share - 1.0, np.ones(at.size), -share], axis=1))


def _means(values: Floats, parts: Integers) -> Floats:
    middle = values.mean()
    totals = np.append(0.0, np.cumsum(values - middle))
    return np.asarray((totals[parts[..., 1]] - totals[parts[..., 0]]) / (parts[..., 1] - parts[..., 0]) + middle)


def _mean_of(differences: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean, and its error from the scatter."""
    value = float(np.average(differences, weights=weights))
    return value, mean_with_error(weights * (differences - value) / weights.mean()).error


def _cells(blocks: _Blocks) -> tuple[Integers, Floats]:
    """Where blocks are cut into parts, the end included, and the states of these."""
    lengths = blocks.ends - blocks.begins
    parts = np.clip(np.round(CELLS * lengths / lengths.sum()), 1, lengths).astype(np.int64)
    cuts = np.concatenate(
        [begin + np.arange(k) * n // k for begin, n, k in zip(blocks.begins, lengths, parts, strict=True)]
    )
    return np.append(cuts, blocks.values.size), np.repeat(blocks.on, parts).astype(np.float64)


def _by_noise(blocks: _Blocks, pairs: _Pairs) -> tuple[float, float, tuple[Reason, ...]]:
    """The difference, its error, and what contradicts the noise and the drift that both are from."""
    cuts, on = _cells(blocks)
    counts = np.diff(cuts).astype(np.float64)
    values, times = (np.add.reduceat(of, cuts[:-1]) / counts for of in (blocks.values, blocks.t))
    size = float(values.std())
    degree = int(np.clip(blocks.begins.size // 2, LEAST_DEGREE, MOST_DEGREE))
    design = np.column_stack([on, np.polynomial.legendre.legvander(2.0 * times / times[-1] - 1.0, degree)])
    freedom = values.size - design.shape[1]
    if size == 0.0 or freedom < 1:
        return 0.0, 0.0, ()
    data = np.column_stack([values / size, design])
    covariances = _covariances(times, counts, max(float(times[-1]), 2.0))
    found = [_at_noise(data, covariance) for covariance in covariances]
    log_likelihood, value, error, deviation = np.array(found).T
    weight = np.exp(log_likelihood - log_likelihood.max())
    weight /= weight.sum()
    middle = float(weight @ value)
    half = _half_width(value - middle, error, weight, freedom)
    best = int(np.argmax(log_likelihood))
    covariance = covariances[best] * deviation[best] ** 2
    factors = pairs.of_cells(cuts)
    differences = factors @ values / size
    checks = [
        (_p_of_scatter(differences, factors @ covariance @ factors.T), "difference_changes"),
        (_p_of_steps(data, covariance), "current_jumps"),
    ]
    # A difference that changes makes jumps, too: the first that is found is said.
    found_wrong = [code for p_value, code in checks if p_value < SMALLEST_P][:1]
    return middle * size, half * size, tuple(reason_for(code) for code in found_wrong)


def _p_of_scatter(differences: Floats, covariance: Floats) -> float:
    """Probability of a scatter as large, were the difference the same everywhere."""
    if differences.size < FEWEST_PAIRS:
        return 1.0
    ones = np.ones(differences.size)
    of_ones, of_differences = np.linalg.solve(covariance, np.column_stack([ones, differences])).T
    rest = differences - (ones @ of_differences) / (ones @ of_ones)
    return float(special.chdtrc(differences.size - 1, rest @ np.linalg.solve(covariance, rest)))


def _p_of_steps(data: Floats, covariance: Floats) -> float:
    """Probability of a step as large somewhere, were there nothing but the difference, the drift and the noise."""
    cells = data.shape[0]
    steps = np.tri(cells)[:, 1:]  # column k is 1 from cell k + 1 on
    root = linalg.cholesky(covariance + 1e-12 * np.eye(cells), lower=True, check_finite=False)
    white = linalg.solve_triangular(root, np.column_stack([data, steps]), lower=True, check_finite=False)
    q = np.linalg.qr(white[:, 1 : data.shape[1]])[0]
    rest = white - q @ (q.T @ white)
    residual, steps = rest[:, 0], rest[:, data.shape[1] :]
    norms = np.sum(steps * steps, axis=0)
    seen = norms > LEAST_STEP * np.sum(white[:, data.shape[1] :] ** 2, axis=0)
    gains = (residual @ steps[:, seen]) ** 2 / norms[seen]
    return float(min(1.0, cells * float(special.chdtrc(1, gains.max(initial=0.0)))))


def _covariances(times: Floats, counts: Floats, longest: float) -> list[Floats]:
    """Of the cells, for all kinds of noise; cells are means of readings in steps of one."""
    apart = np.abs(times[:, None] - times[None, :])
    found: list[Floats] = []
    for tau in np.geomspace(0.5, longest, TIMES):
        # The mean of exp(-|t - t'| / tau) over the readings of two cells, and of one with itself.
        half = 0.5 / tau
        log_factor = _log_sinh(half * counts) - _log_sinh(np.array([half])) - np.log(counts)
        smooth = np.exp(np.minimum(log_factor[:, None] + log_factor[None, :] - apart / tau, 0.0))
        ratio = math.exp(-1.0 / tau)
        within = 1.0 + 2.0 * ratio / (1.0 - ratio) * (1.0 - (1.0 - ratio**counts) / (counts * (1.0 - ratio)))
        np.fill_diagonal(smooth, within / counts)
        found.extend(smooth + np.diag(white / counts) for white in WHITE_PARTS)
    return found


def _log_sinh(x: Floats) -> Floats:
    return np.asarray(x + np.log1p(-np.exp(-2.0 * x)) - math.log(2.0))


def _at_noise(data: Floats, covariance: Floats) -> tuple[float, float, float, float]:
    """Restricted log-likelihood, difference, its error, and the deviation of noise of one kind and unknown size."""
    root = linalg.cholesky(covariance + 1e-12 * np.eye(len(covariance)), lower=True, check_finite=False)
    white = linalg.solve_triangular(root, data, lower=True, check_finite=False)
    q, r = np.linalg.qr(white[:, 1:])
    coordinates = q.T @ white[:, 0]
    freedom = data.shape[0] - data.shape[1] + 1
    total = float(white[:, 0] @ white[:, 0])
    chi2 = max(total - float(coordinates @ coordinates), LEAST_ERROR**2 * total)  # readings without noise leave nothing
    inverse = linalg.solve_triangular(r, np.eye(r.shape[0]))
    deviation = math.sqrt(chi2 / freedom)
    error = deviation * float(np.linalg.norm(inverse[0]))
    log_volume = float(np.sum(np.log(np.diagonal(root))) + np.sum(np.log(np.abs(np.diagonal(r)))))
    return -log_volume - 0.5 * freedom * math.log(chi2), float(inverse[0] @ coordinates), error, deviation


def _half_width(values: Floats, errors: Floats, weight: Floats, freedom: int) -> float:
    """Half the width of the interval around 0 that holds 68 % of a mixture of distributions."""
    scaled = errors * float(student_factor(freedom + 1))
    low, high = 0.0, float(np.max(np.abs(values) + 10.0 * scaled))
    inside = 1.0 - 2.0 * float(special.ndtr(-1.0))
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        held = special.ndtr((middle - values) / scaled) - special.ndtr((-middle - values) / scaled)
        low, high = (middle, high) if float(weight @ held) < inside else (low, middle)
    return 0.5 * (low + high)
