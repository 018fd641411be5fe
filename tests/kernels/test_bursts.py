"""The window scan equals counting every window by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo.kernels.bursts import best_windows, separate_windows

WIDTHS = np.array([3, 10, 40], dtype=np.int64)
BLOCK = 50
BLOCKS = 4


def likelihood_ratio(n, width, m, live):
    part = width / (width + live)
    of_m = m * np.log(m / ((1 - part) * (n + m))) if m > 0 else 0.0
    return n * np.log(n / (part * (n + m))) + of_m


def scanned(times, thresholds, m, live):
    scale, count, score = (
        np.empty(times.size, np.int8),
        np.empty(times.size, np.int32),
        np.empty(times.size, np.float32),
    )
    times.flags.writeable = False
    best_windows(times, 0, BLOCK, WIDTHS, thresholds, m, live, scale, count, score)
    return scale, count, score


@st.composite
def problems(draw):
    times = np.array(sorted(draw(st.lists(st.integers(0, 260), max_size=50))), dtype=np.int64)
    thresholds = np.array(draw(st.lists(st.integers(1, 8), min_size=12, max_size=12)), dtype=np.int64).reshape(
        BLOCKS, 3
    )
    m = np.array(draw(st.lists(st.integers(0, 30), min_size=BLOCKS, max_size=BLOCKS)), dtype=np.float64)
    return times, thresholds, m, np.full(BLOCKS, 200.0)


@settings(deadline=None)  # the first call compiles
@given(problems())
def test_every_event_gets_its_best_window(problem):
    times, thresholds, m, live = problem

    scale, count, score = scanned(*problem)

    for i, t in enumerate(times):
        block = min(t // BLOCK, BLOCKS - 1)
        counts = [int(np.sum((times[i:] >= t) & (times[i:] < t + width))) for width in WIDTHS]
        ratios = {
            k: likelihood_ratio(counts[k], WIDTHS[k], m[block], live[block])
            for k in range(3)
            if counts[k] >= thresholds[block, k]
        }
        if not ratios:
            assert scale[i] == -1
        else:
            assert count[i] == counts[scale[i]]
            np.testing.assert_allclose(score[i], max(ratios.values()), rtol=1e-5, atol=1e-5)


@settings(deadline=None)  # the first call compiles
@given(problems())
def test_picked_windows_exceed_and_never_overlap(problem):
    times, thresholds, m, live = problem
    scale, count, score = scanned(*problem)
    best_score = score.max(initial=-1.0)
    most = int(np.count_nonzero(scale >= 0))
    picked, limits = np.empty(most, np.int64), np.empty(most, np.int64)
    segments = np.empty((most + 2, 2), np.int64)

    found = separate_windows(
        times, 0, BLOCK, WIDTHS, thresholds, m, live, scale, count, score, picked, limits, segments
    )

    assert (found > 0) == (most > 0)
    taken = np.zeros(times.size, dtype=int)
    for at, limit in zip(picked[:found], limits[:found], strict=True):
        inside = np.sum(times[at:limit] < times[at] + WIDTHS[scale[at]])
        assert inside == count[at]
        assert inside >= thresholds[min(times[at] // BLOCK, BLOCKS - 1), scale[at]]
        taken[at : at + count[at]] += 1
    assert taken.max(initial=0) <= 1
    if found:
        assert score[picked[0]] == best_score


def test_a_strong_burst_does_not_hide_a_weak_one_within_the_longest_window():
    times = np.concatenate([np.arange(100, 103), np.arange(130, 138)]).astype(np.int64)
    thresholds = np.tile(np.array([3, 5, 5], dtype=np.int64), (BLOCKS, 1))
    m, live = np.full(BLOCKS, 1.0), np.full(BLOCKS, 200.0)
    scale, count, score = scanned(times, thresholds, m, live)
    picked, limits, segments = np.empty(11, np.int64), np.empty(11, np.int64), np.empty((13, 2), np.int64)

    found = separate_windows(
        times, 0, BLOCK, WIDTHS, thresholds, m, live, scale, count, score, picked, limits, segments
    )

    assert sorted(times[picked[:found]]) == [100, 130]
