"""Counts since an epoch become times as numpy makes them of whole arrays, to the nanosecond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.kernels.times import rounded_ns
from utokyo.kernels.units import DAY_NS, SECOND_NS

LATEST_NS = 9.2e18


@pytest.mark.parametrize("unit_ns", [1, 1000, SECOND_NS, DAY_NS])
@given(counts=st.lists(st.floats(), min_size=1, max_size=50), before_ns=st.sampled_from([0, 2_082_844_800 * SECOND_NS]))
def test_counts_are_rounded_as_by_numpy(unit_ns: int, counts: list[float], before_ns: int):
    grain_ns = 1000 if unit_ns < DAY_NS else 1_000_000
    values, out = np.array(counts), np.empty(len(counts), np.int64)
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.floor(values)
        inside = np.abs(whole) < LATEST_NS / unit_ns
        rest = np.rint((values - whole) * (unit_ns / grain_ns)) * grain_ns
        times = np.where(inside, whole, 0.0).astype(np.int64) * np.int64(unit_ns)
        times += np.where(inside, rest, 0.0).astype(np.int64) - before_ns

    rounded_ns(values, unit_ns, before_ns, grain_ns, LATEST_NS / unit_ns, out)

    assert out.tolist() == times.tolist()
