"""The bank of filters equals its sums by definition, and its significance the probabilities that it stands for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from utokyo.kernels.bursts.background import clipped_background, wide_gaps
from utokyo.kernels.bursts.filters import FILTERS, flag_blocks, scan_blocks
from utokyo.kernels.bursts.separation import STRETCH, _highest_of, _keep_highest, separate_bursts
from utokyo.kernels.bursts.significance import significance, threshold

BLOCK_NS = 1000
SLOWEST_NS = 640.0
TAUS_NS = SLOWEST_NS / 2.0 ** np.arange(FILTERS)

event_times = st.lists(st.integers(0, 5 * BLOCK_NS - 1), min_size=1, max_size=60).map(
    lambda t: np.array(sorted(t), dtype=np.int64)
)


def scanned(times, blocks, ahead, step_ns=1):
    edges = np.searchsorted(times, BLOCK_NS * np.arange(blocks + ahead + 1))
    carry, carry_ns, highest = np.empty((blocks, FILTERS)), np.empty(blocks, np.int64), np.empty((blocks, FILTERS))
    times.flags.writeable = False
    scan_blocks(times, edges, blocks, 1.0 / SLOWEST_NS, step_ns, carry, carry_ns, highest)
    return edges, carry, carry_ns, highest


@settings(deadline=None)  # the first call compiles
@given(times=event_times, ahead=st.integers(0, 2))
def test_sums_are_those_of_the_definition(times, ahead):
    blocks = 5 - ahead
    edges, carry, carry_ns, highest = scanned(times, blocks, ahead)
    # One event after another: of equal times, the first one sees all the others.
    sums = np.array([np.exp(-(times[i:] - times[i])[:, None] / TAUS_NS).sum(axis=0) for i in range(times.size)])
    for block in range(blocks):
        inside = sums[edges[block] : edges[block + 1]]
        expected = inside.max(axis=0) if inside.size else np.zeros(FILTERS)
        np.testing.assert_allclose(highest[block], expected, rtol=1e-9)
        behind = times[edges[block + 1] : edges[-1]]
        expected = np.exp(-(behind - carry_ns[block])[:, None] / TAUS_NS).sum(axis=0) if behind.size else 0.0
        np.testing.assert_allclose(carry[block], expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(times=event_times, step_ns=st.integers(1, 30))
def test_events_that_enter_together_change_sums_by_no_more_than_the_step_does(times, step_ns):
    *_, highest = scanned(times, 5, 0)
    *_, together = scanned(times, 5, 0, step_ns)
    most = np.exp(0.5 * step_ns / TAUS_NS)
    assert np.all(together <= highest * most + 1e-9)
    assert np.all(together >= highest / most - 1e-9)


def log_generating_function(theta, counts, part):
    ein, _ = integrate.quad(lambda v: math.expm1(v) / v if v else 1.0, 0.0, theta)
    return -(counts + 1.0) * math.log1p(-part * ein)


@pytest.mark.parametrize("counts", [0.0, 3.0, 200.0, 25_000.0])
@pytest.mark.parametrize("part", [0.0008, 0.05])
@pytest.mark.parametrize("theta", [0.05, 0.7, 2.0])
def test_significance_is_the_legendre_transform_of_the_generating_function(counts, part, theta):
    step = 1e-5
    excess = (
        log_generating_function(theta + step, counts, part) - log_generating_function(theta - step, counts, part)
    ) / (2.0 * step)
    exponent = theta * excess - log_generating_function(theta, counts, part)
    assert significance(excess, counts, part) == pytest.approx(math.sqrt(2.0 * exponent), rel=1e-5)


@given(
    level=st.floats(3.0, 60.0),
    counts=st.floats(0.0, 1e6).map(math.floor),
    part=st.floats(5e-4, 0.1),
)
@settings(deadline=None)
def test_threshold_is_the_inverse_of_significance(level, counts, part):
    excess = threshold(level, counts, part)
    assert significance(excess, counts, part) == pytest.approx(level, rel=1e-6)
    mean = (counts + 1.0) * part
    # The line below which `flag_blocks` looks no closer.
    assert excess > mean + level * math.sqrt(0.5 * mean) + 0.02 * level**2


def test_significance_bounds_the_probability():
    random = np.random.default_rng(3)
    rate, tau, live = 50.0, 1.0, 250.0
    counts = rate * live
    sums = np.array([np.exp(-random.uniform(0.0, 15.0, n)).sum() for n in random.poisson(15.0 * rate, 40_000)])
    z = np.array([significance(s, counts, tau / live) for s in sums])
    for level in (1.0, 2.0, 3.0):
        assert np.mean(z > level) < math.exp(-(level**2) / 2.0)
        assert np.mean(z > level) == pytest.approx(special.ndtr(-level), rel=0.15, abs=4 * math.sqrt(1e-3 / 4e4))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.integers(1, 5))
@settings(deadline=None)
def test_background_leaves_out_what_stands_out(counts, reach):
    counts = np.array(counts)
    live = np.full(counts.size, 10)
    live[-1] = 3
    sums, lives = np.empty(counts.size), np.empty(counts.size)
    clipped_background(counts, live, reach, sums, lives)
    for i in range(counts.size):
        around = slice(max(0, i - reach), i + reach + 1)
        quiet = np.sort(counts[around])[counts[around].size // 4]
        kept = counts[around] <= quiet + 4.0 * math.sqrt(quiet + 1.0) + 2.0
        assert sums[i] == counts[around][kept].sum()
        assert lives[i] == live[around][kept].sum()
        assert lives[i] > 0


@given(event_times, st.integers(1, 8))
@settings(deadline=None)
def test_gaps_are_wide_beside_the_events_before_them(times, neighbours):
    found = np.empty(3, np.int64)
    count = wide_gaps(times, neighbours, 0.5, found)
    expected, cut_ns = [], [0]  # what was cut before each event from the gaps that were found
    for i in range(1, times.size):
        first, gap = max(0, i - 1 - neighbours), int(times[i] - times[i - 1])
        longest = 0.5 * (times[i - 1] - times[first] - (cut_ns[i - 1] - cut_ns[first]))
        cut_ns.append(cut_ns[-1])
        if gap > longest:
            expected.append(i)
            cut_ns[-1] += int(gap - longest) if longest > 0.0 else 0
    assert count == len(expected)
    assert found[: min(count, 3)].tolist() == expected[:3]


@settings(deadline=None)
@given(times=event_times, seed=st.integers(0, 100))
def test_bursts_do_not_overlap_and_begin_where_a_filter_exceeds(times, seed):
    random = np.random.default_rng(seed)
    _, carry, carry_ns, highest = scanned(times, 5, 0)
    counts, live = random.integers(0, 5, 5).astype(float), np.full(5, 20.0 * BLOCK_NS)
    levels = np.full(5, 3.0)
    flags = np.empty(5, np.bool_)
    flag_blocks(highest, counts, live, levels, SLOWEST_NS, flags)
    parts = TAUS_NS / live[0]
    z = np.array([[significance(highest[b, k] - 1.0, counts[b], parts[k]) for k in range(FILTERS)] for b in range(5)])
    assert flags.tolist() == (z > 3.0).any(axis=1).tolist()

    picked, scores = np.empty((times.size + 5, 3), np.int64), np.empty(times.size + 5)
    region = (0, times.size, 0, BLOCK_NS, SLOWEST_NS, 1, carry[-1], carry_ns[-1], counts, live)
    found = separate_bursts(times, *region, np.where(flags, levels, np.inf), picked, scores)
    assert (found > 0) == flags.any()
    order = np.argsort(picked[:found, 1])
    assert np.all(picked[:found, 0] <= picked[:found, 1])
    assert np.all(picked[:found, 1] < picked[:found, 2])
    assert np.all(picked[order[1:], 0] >= picked[order[:-1], 2])
    assert np.all(scores[:found] > 3.0 - 1e-6)


@pytest.mark.parametrize("events", [1, STRETCH - 1, STRETCH, 3 * STRETCH, 5 * STRETCH + 7])
def test_the_highest_of_a_segment_is_the_first_that_numpy_finds(events):
    random = np.random.default_rng(events)
    excess = random.integers(-1, 40, events).astype(np.float32)
    excess[random.random(events) < 0.5] = -1.0
    highest = np.empty(events // STRETCH + 1, np.int64)
    _keep_highest(excess, 0, events, highest)
    for _ in range(50):
        # A part is marked anew, as it is before every burst, and then a segment is asked for.
        again, onset = np.sort(random.integers(0, events + 1, 2))
        excess[again:onset] = random.integers(-1, 30, onset - again)
        _keep_highest(excess, again, onset, highest)
        begin, end = np.sort(random.integers(0, events + 1, 2))
        part = excess[begin:end]
        expected = begin + int(np.argmax(part)) if part.size and part.max() > -1.0 else -1
        assert _highest_of(excess, begin, end, highest) == expected
