""" "No burst" says which burst would have been found, and simulated bursts of that size are."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from utokyo import SSDAnalysis, SSDSettings, StaticRecorder, find_bursts
from utokyo.engine.fits.bursts.sensitivity import TAU_RISE_S, smallest_burst, what_was_searched

TRIALS = 300


def is_found(random: np.random.Generator, rate_Hz: float, pulses: float, half_life_s: float) -> bool:
    """Whether the search finds a burst with its apex at 0 in ten minutes of background."""
    decay_s = half_life_s / math.log(2.0)
    rise = pulses * TAU_RISE_S / (TAU_RISE_S + decay_s)
    seconds = [
        random.uniform(-300.0, 300.0, random.poisson(600.0 * rate_Hz)),
        -random.exponential(TAU_RISE_S, random.poisson(rise)),
        random.exponential(decay_s, random.poisson(pulses - rise)),
    ]
    times_ns = np.sort(np.concatenate(seconds) * 1e9).astype(np.int64)
    return bool((np.abs(find_bursts(times_ns)["timestamp_ns"].to_numpy()) < 4e9 * max(1.0, half_life_s)).any())


@pytest.mark.parametrize(
    ("rate_Hz", "half_life_s"), [(0.05, 1.0), (1.0, 1.0), (1.0, 0.3), (1.0, 4.0), (30.0, 1.0), (300.0, 1.0)]
)
def test_nine_of_ten_bursts_of_that_size_are_found_and_not_many_more(rate_Hz, half_life_s):
    random = np.random.default_rng(17)
    pulses = smallest_burst(rate_Hz, half_life_s=half_life_s)
    found = np.mean([is_found(random, rate_Hz, pulses, half_life_s) for _ in range(TRIALS)])
    scatter = math.sqrt(0.9 * 0.1 / TRIALS)
    assert found > 0.9 - 2.0 * scatter
    assert found < 0.985
    smaller = np.mean([is_found(random, rate_Hz, 0.6 * pulses, half_life_s) for _ in range(TRIALS // 3)])
    assert smaller < 0.75


def test_a_smaller_probability_a_lower_rate_and_more_false_alarms_allow_smaller_bursts():
    assert smallest_burst(10.0, probability=0.5) < smallest_burst(10.0)
    assert smallest_burst(1.0) < smallest_burst(10.0)
    assert smallest_burst(10.0, false_alarms_per_hour=1.0) < smallest_burst(10.0)
    assert smallest_burst(10.0, live_s=60.0) > smallest_burst(10.0)
    assert smallest_burst(0.0) >= 1


def test_no_burst_says_pulses_span_rate_and_the_smallest_burst():
    times_ns = np.sort(np.random.default_rng(2).integers(0, 3600 * 10**9, 36_000))
    table = {"timestamp": times_ns, "PulseHeight": np.full(36_000, 2500)}
    analysis = SSDAnalysis(recorder=StaticRecorder(table))
    assert analysis.run().is_empty()
    (remark,) = analysis.remarks()
    assert "no burst among 36000 pulses in 60.0 min, 10 per s" in remark
    size = int(re.search(r"one of (\d+) pulses or more with a half-life of 1 s", remark)[1])
    assert smallest_burst(10.0) <= size < 1.1 * smallest_burst(10.0)
    assert "probability of at least 90 %" in remark


def test_a_rate_that_drifts_needs_two_sizes():
    random = np.random.default_rng(4)
    slow, fast = random.integers(0, 1800 * 10**9, 1800), random.integers(1800 * 10**9, 3600 * 10**9, 180_000)
    said = what_was_searched(np.sort(np.concatenate([slow, fast])), 0.01)
    high, low = map(int, re.search(r"one of (\d+) pulses or more \((\d+) where the rate is low\)", said).groups())
    assert low == pytest.approx(smallest_burst(1.0), rel=0.1)
    assert high == pytest.approx(smallest_burst(100.0), rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ([], "no burst among 0 pulses: too few to search"),
        ([1.0], "among 1 pulse: too few"),
        (np.arange(20) * 0.5, "less than 60 s in one piece is too short to say"),
    ],
)
def test_what_is_too_short_says_so(seconds, said):
    times_ns = np.asarray(seconds, float) * 1e9
    assert said in f"no burst {what_was_searched(times_ns.astype(np.int64), SSDSettings().false_alarms_per_hour)}"


def test_pauses_are_no_time_that_was_searched():
    random = np.random.default_rng(3)
    parts = [np.sort(random.integers(0, 600 * 10**9, 6000)) + begin for begin in (0, 100_000 * 10**9)]
    assert "12000 pulses in 20.0 min, 10 per s" in what_was_searched(np.concatenate(parts), 0.01)
