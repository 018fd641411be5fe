"""The fills count what numpy counts, and say what lay outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo.kernels.histogram import fill_1d, fill_grid

# Quarters are exact in binary, so that numpy and the fills agree on every edge.
QUARTERS = st.integers(-8, 40).map(lambda n: n / 4.0)


@settings(deadline=None)  # the first call compiles
@given(st.lists(QUARTERS, max_size=60))
def test_fill_1d_counts_as_numpy_does(values):
    values = np.array(values, dtype=np.float64)
    counts = np.zeros(16, dtype=np.int64)

    below, above = fill_1d(values, 0.0, 8.0, counts)

    expected = np.histogram(values[values < 8.0], bins=16, range=(0.0, 8.0))[0]  # numpy closes its last bin
    np.testing.assert_array_equal(counts, expected)
    assert (below, above) == (np.sum(values < 0.0), np.sum(values >= 8.0))


@settings(deadline=None)  # the first call compiles
@given(
    pairs=st.lists(st.tuples(st.integers(0, 100), QUARTERS), max_size=60),
    width=st.integers(1, 30),
    halvings=st.integers(0, 3),
)
def test_fill_grid_counts_as_floor_does(pairs, width, halvings):
    times, values = np.array(sorted(pairs), dtype=np.float64).reshape(-1, 2).T
    counts = np.zeros((102, 60), dtype=np.int64)

    fill_grid(times.astype(np.int64), values, -1, width, -8.0, 0.5**halvings, counts)

    expected = np.zeros_like(counts)
    for time, value in pairs:
        expected[time // width + 1, math.floor(value / 2**halvings) + 8] += 1
    np.testing.assert_array_equal(counts, expected)


def test_fills_add_to_what_is_there():
    counts = np.full(2, 5, dtype=np.int64)
    fill_1d(np.array([0.5, 1.5, 1.6]), 0.0, 2.0, counts)
    assert counts.tolist() == [6, 7]


def test_not_a_number_is_counted_nowhere():
    counts = np.zeros(2, dtype=np.int64)
    assert fill_1d(np.array([np.nan, 0.5]), 0.0, 2.0, counts) == (0, 0)
    assert counts.tolist() == [1, 0]


def test_ns_since_1970_keep_every_digit():
    start = 1_663_504_000_123_456_789
    counts = np.zeros(4, dtype=np.int64)
    assert fill_1d(start + np.arange(-1, 5), start, start + 4, counts) == (1, 1)
    assert counts.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float32, np.float64])
def test_read_only_views_of_any_type_are_taken(dtype):
    values = np.arange(10).astype(dtype)
    values.flags.writeable = False
    counts = np.zeros(5, dtype=np.int64)
    fill_1d(values, 0, 10, counts)
    assert counts.tolist() == [2, 2, 2, 2, 2]
