"""What gaps say, beside numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from utokyo.kernels.bursts.decay import burst_integral
from utokyo.kernels.bursts.gaps import CELLS, Gaps, gaps_of_rate
from utokyo.kernels.bursts.steps import best_step

BURST = np.array([[math.log(5.0), math.log(60.0), math.log(0.2), math.log(300.0), math.log(1.5), 10.0]])
BIN_S, LOWEST_HZ = 0.004, 15.0


def seen(times_s, dead_s=0.0, bursts=BURST):
    mains = np.array([50.0])
    return Gaps(*gaps_of_rate(times_s, 0, times_s.size, bursts, dead_s, BIN_S, 256, LOWEST_HZ, 17.0, mains, 11.0))


def pulses(seed, number=360):
    random = np.random.default_rng(seed)
    decay, rise = 10.0 + random.exponential(1.5, number * 5 // 6), 10.0 - random.exponential(0.2, number // 6)
    return np.sort(np.concatenate([random.uniform(0.0, 30.0, 150), decay, rise]))


@pytest.mark.parametrize("dead_s", [0.0, 1e-3])
def test_distances_are_those_of_scipy(dead_s):
    times_s = pulses(1)
    rescaled = np.zeros(times_s.size - 1)
    burst_integral(times_s, BURST[0], rescaled)
    gaps_s = np.diff(times_s)
    part = -np.expm1(-np.maximum(rescaled * (1.0 - dead_s / gaps_s), 0.0))
    test = stats.ks_1samp(part, stats.uniform.cdf, alternative="two-sided")
    found = seen(times_s, dead_s)
    assert max(found.above, found.below) == pytest.approx(test.statistic, abs=1.5 / CELLS)
    assert found.count == gaps_s.size
    assert found.shortest_s == pytest.approx(gaps_s.min())
    assert found.rate_Hz == pytest.approx((rescaled / gaps_s).mean())
    missing = np.sum(-np.expm1(-rescaled / gaps_s * max(gaps_s.min() - dead_s, 0.0)))
    assert found.missing == pytest.approx(missing, rel=0.01, abs=1e-9)


@pytest.mark.parametrize("frequency_Hz", [49.7, 33.1, 111.3])
@pytest.mark.parametrize("length_s", [0.6, 1.5, 3.0])
def test_power_is_that_of_a_transform(frequency_Hz, length_s):
    times_s = np.sort(10.0 + np.repeat(np.arange(0.0, length_s, 1.0 / frequency_Hz), 2))
    after = times_s - 10.0
    rate = 200.0 * np.exp(-after / 1.5)
    weights = rate / (rate + 5.0)
    bins = 256
    while bins < 1024 and bins * BIN_S < after[-1]:
        bins *= 2
    inside = (after / BIN_S).astype(int) < bins
    counts = np.bincount((after[inside] / BIN_S).astype(int), weights[inside], bins)
    power = np.abs(np.fft.rfft(counts)) ** 2 / np.sum(weights[inside] ** 2)
    found = seen(times_s)
    lowest = int(LOWEST_HZ * bins * BIN_S)
    assert found.power == pytest.approx(power[lowest : bins // 2].max(), rel=1e-6)
    assert found.frequency_Hz == pytest.approx((lowest + power[lowest : bins // 2].argmax()) / (bins * BIN_S))
    off_Hz = found.frequency_Hz % frequency_Hz
    assert min(off_Hz, frequency_Hz - off_Hz) < 1.0  # itself or a multiple


def test_pulses_of_the_rate_have_no_frequency_and_the_gaps_of_chance():
    told = [seen(pulses(seed)) for seed in range(200)]
    assert sum(each.power > 0.0 for each in told) <= 1
    assert max(max(each.above, each.below) * math.sqrt(each.count) for each in told) < 2.1


def test_a_step_is_found_where_it_is():
    random = np.random.default_rng(4)
    inside = np.sort(random.uniform(20.0, 24.0, 200))
    times_s = np.sort(np.concatenate([random.uniform(0.0, 60.0, 120), inside]))
    low, high = np.searchsorted(times_s, [19.0, 26.0])
    likelihood, first, last = best_step(times_s, 60.0, low, high, 30, 0.2)
    assert times_s[first] == pytest.approx(20.0, abs=0.1)
    assert times_s[last] == pytest.approx(24.0, abs=0.1)
    n, length_s = last - first + 1, times_s[last] - times_s[first]
    rest = times_s.size - n
    assert likelihood == pytest.approx(
        n * math.log(n / length_s) + rest * math.log(rest / (60.0 - length_s)) - times_s.size
    )
