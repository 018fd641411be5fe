"""Places among sorted times are those that numpy finds, and means those of their readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.kernels.merge import are_readings, count_before, last_readings, means_between, take

# Few different times, so that many are equal; and some far away, to be found by steps that double.
near = st.integers(-20, 20) | st.integers(-(2**61), 2**61)
times = st.lists(near, max_size=60).map(lambda v: np.sort(np.array(v, dtype=np.int64)))
in_any_order = st.lists(near, max_size=60).map(lambda v: np.array(v, dtype=np.int64))
shifts = st.integers(-5, 5)


@given(times, in_any_order | times, shifts)
def test_times_before_edges_are_counted_as_by_bisection(known, moments, shift):
    counts = np.empty(moments.size, np.int64)
    count_before(known, moments, shift, counts)
    assert counts.tolist() == np.searchsorted(known, moments + shift).tolist()


@given(times, times, shifts, st.sampled_from([0, 1, 7, 2**60]))
def test_the_last_reading_is_that_of_a_plain_loop(known, moments, shift, tolerance):
    places, found = np.empty(moments.size, np.uint32), np.empty(moments.size, np.bool_)

    missing = last_readings(known, moments, shift, tolerance, places, found)

    expected = []
    for moment in (moments + shift).tolist():
        allowed = [i for i, t in enumerate(known.tolist()) if moment - tolerance <= t <= moment]
        expected.append(allowed[-1] if allowed else None)
    assert [int(p) if f else None for p, f in zip(places, found, strict=True)] == expected
    assert missing == expected.count(None)
    assert known.size == 0 or (places < known.size).all()  # also where there is none: they are taken unasked


@pytest.mark.parametrize("sparse", [1, 3, 1000])
def test_streams_of_any_density_are_found(sparse):
    random = np.random.default_rng(sparse)
    known = np.sort(random.integers(0, 10**9, 30_000))
    moments = np.sort(random.integers(-(10**6), 10**9 + 10**6, 30_000 // sparse))
    counts = np.empty(moments.size, np.int64)
    count_before(known, moments, 0, counts)
    assert (counts == np.searchsorted(known, moments)).all()
    back = np.empty(known.size, np.int64)
    count_before(moments, known, 0, back)
    assert (back == np.searchsorted(moments, known)).all()


@pytest.mark.parametrize(
    ("known", "moments", "same"),
    [([], [], True), ([3, 5], [1, 3], True), ([3, 5], [1, 4], False), ([3, 3], [1, 1], False), ([2, 5], [1, 3], False)],
)
def test_moments_are_readings_when_each_is_one_and_no_other(known, moments, same):
    assert are_readings(np.array(known, dtype=np.int64), np.array(moments, dtype=np.int64), 2) is same


def test_values_are_taken_bit_by_bit():
    values = np.array([1.5, np.nan, -0.0, np.inf])
    places = np.array([3, 1, 2, 2, 0], dtype=np.uint32)
    taken = np.empty(5)
    take(values.view(np.int64), places, taken.view(np.int64))
    assert taken.tobytes() == values[places].tobytes()


def test_moments_at_the_end_of_time_end_the_search():
    known, end = np.array([0, 5]), 2**63 - 1
    places, found = np.empty(3, np.uint32), np.empty(3, np.bool_)
    assert last_readings(known, np.array([-(2**62), 4, end]), 0, 2**62, places, found) == 2
    assert (places.tolist(), found.tolist()) == ([0, 0, 1], [False, True, False])


cells = st.floats(-1e3, 1e3) | st.just(float("nan"))


@given(st.lists(cells, max_size=30), st.data())
def test_means_and_errors_are_those_of_numpy(values, data):
    values = np.array(values, dtype=np.float64)
    edges = st.tuples(*[st.integers(0, values.size)] * 2).map(sorted)
    intervals = np.array(data.draw(st.lists(edges, min_size=1, max_size=8)), dtype=np.int64)
    counts = np.empty(len(intervals), np.int64)
    means, errors = np.empty(len(intervals)), np.empty(len(intervals))

    means_between(values, intervals[:, 0].copy(), intervals[:, 1].copy(), counts, means, errors)

    for (first, last), count, mean, error in zip(intervals, counts, means, errors, strict=True):
        inside = values[first:last]
        inside = inside[~np.isnan(inside)]
        assert count == inside.size
        assert mean == pytest.approx(inside.mean() if count else np.nan, nan_ok=True)
        expected = inside.std(ddof=1) / np.sqrt(count) if count > 1 else np.nan
        assert error == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_a_mean_of_something_infinite_is_not_taken_for_a_missing_one():
    values = np.array([np.inf, -np.inf, 1.0, np.inf])
    counts, means, errors = np.empty(2, np.int64), np.empty(2), np.empty(2)
    means_between(values, np.array([0, 2]), np.array([2, 4]), counts, means, errors)
    assert counts.tolist() == [2, 2]
    assert np.isnan(means[0])
    assert means[1] == np.inf
