"""Pulses that are counted while they come: whatever the pieces, the bins are those of all at once, and hold all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo.engine.figures.pulse_counts import FEWEST_TIME_BINS, HEIGHT_BINS, RATE_BINS, TIME_BINS, PulseCounts

SECOND = 10**9
START = 1_663_504_059 * SECOND

GAPS = st.one_of(
    st.integers(0, 1000), st.integers(0, SECOND), st.integers(0, 3600 * SECOND), st.integers(0, 10**6 * SECOND)
)
HEIGHTS = st.one_of(
    st.integers(-5, 4100).map(float), st.floats(-1e300, 1e300), st.sampled_from([np.nan, np.inf, -np.inf])
)


@given(pulses=st.lists(st.tuples(GAPS, HEIGHTS), max_size=60), cuts=st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=400)
def test_pieces_give_the_counts_of_all_at_once(pulses, cuts):
    times_ns = START + np.cumsum(np.array([gap for gap, _ in pulses], np.int64))
    heights = np.array([height for _, height in pulses], np.float64)
    whole, pieces = PulseCounts.of(times_ns, heights), PulseCounts()
    edges = sorted({0, len(pulses), *(cut for cut in cuts if cut < len(pulses))})
    for begin, end in itertools.pairwise(edges):
        pieces.feed(times_ns[begin:end], heights[begin:end])
    assert pieces.pulses == whole.pulses == len(pulses)
    if not pulses:
        assert whole.heights() is None
        return
    assert (pieces.first_ns, pieces.last_ns) == (whole.first_ns, whole.last_ns) == (times_ns[0], times_ns[-1])
    for one, other in ((pieces.rate(), whole.rate()), (pieces.heights(), whole.heights())):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one.counts, other.counts)
            np.testing.assert_array_equal(one.edges_ns, other.edges_ns)
            assert one[2:] == other[2:]
    check(whole, times_ns, heights)


def check(counts: PulseCounts, times_ns: np.ndarray, heights: np.ndarray) -> None:
    """Counted again, a pulse at a time."""
    rate = counts.rate()
    expected = np.histogram(times_ns - times_ns[0], rate.edges_ns - times_ns[0])[0]
    np.testing.assert_array_equal(rate.counts, expected)
    assert rate.counts.size <= RATE_BINS
    assert rate.counts.sum() == times_ns.size
    found, finite = counts.heights(), np.isfinite(heights)
    if found is None:
        assert not finite.any()
        return
    columns = np.searchsorted(found.edges_ns, times_ns[finite], side="right") - 1
    rows = (np.floor(np.floor(heights[finite]) / found.channels) - found.low / found.channels).astype(int)
    expected = np.zeros_like(found.counts)
    np.add.at(expected, (columns, rows), 1)
    np.testing.assert_array_equal(found.counts, expected)
    assert found.counts.shape[0] <= min(TIME_BINS, max(FEWEST_TIME_BINS, times_ns.size) + 1)
    assert found.counts.shape[1] <= HEIGHT_BINS


@pytest.mark.parametrize("span_s", [0.1, 3.0, 100.0, 86_400.0, 1e7])
def test_bins_are_as_fine_as_they_may_be(span_s):
    times_ns = START + np.linspace(0, span_s * SECOND, 10_000).astype(np.int64)
    counts = PulseCounts.of(times_ns, np.arange(10_000) % 4096)
    rate, found = counts.rate(), counts.heights()
    bins = span_s / 0.25
    assert rate.counts.size >= (10 if bins < 20 else min(bins, RATE_BINS) / 2 - 2)
    assert found is not None
    assert found.counts.shape[0] >= min(TIME_BINS, span_s / 0.002) / 2 - 1
    assert found.counts.shape[1] == HEIGHT_BINS
    assert found.channels == 16


def test_an_end_that_is_hardly_covered_has_no_rate_of_its_own():
    times_ns = np.concatenate([START - np.array([1000]), START + np.arange(0, 20 * SECOND, SECOND // 100)])
    rate = PulseCounts.of(times_ns, np.zeros(times_ns.size)).rate()
    assert (rate.counts / np.diff(rate.edges_ns) * SECOND).max() < 105.0
