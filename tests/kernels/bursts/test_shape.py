"""Scores of shapes that a fit leaves over, and backgrounds that change."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo.engine.fits.bursts.problem import CONTINUOUS
from utokyo.kernels.bursts.background import followed_background
from utokyo.kernels.bursts.overlap import overlap_likelihood, overlap_nll
from utokyo.kernels.bursts.shape import shape_scores

X = np.array([math.log(50.0), math.log(100.0), math.log(0.2), math.log(750.0), math.log(1.5), 20.0])
LENGTH_S, LATER = 60.0, np.array([-1.0, 1.0, 2.0])
DIRECTIONS = np.zeros((7, 5))
DIRECTIONS[:6, :4], DIRECTIONS[5, 4] = CONTINUOUS, 1.0


def pulses(random, slope=0.0, slow=0.0, further=0.0):
    t = random.uniform(0.0, LENGTH_S, random.poisson(75.0 * LENGTH_S))
    t = t[random.uniform(0.0, 75.0, t.size) < 50.0 + slope * (t - 20.0)]
    decay = [20.0 + random.exponential(1.5, random.poisson(750.0)), 20.0 + random.exponential(6.0, int(750.0 * slow))]
    more = 21.5 + random.exponential(1.5, int(750.0 * further))
    return np.sort(np.concatenate([t, 20.0 - random.exponential(0.2, random.poisson(100.0)), *decay, more]))


def scores(times_s):
    count = 2 + LATER.size
    z, found, errors, changes = np.empty(count), np.empty(count), np.empty(count), np.empty((count, 7))
    assert shape_scores(times_s, LENGTH_S, 0.0, X, DIRECTIONS, 4.0, LATER, z, found, errors, changes)
    return z, found, errors, changes


def test_scores_of_the_model_are_normal():
    random = np.random.default_rng(1)
    z = np.array([scores(pulses(random))[0] for _ in range(400)])
    assert np.all(np.abs(z.mean(axis=0)) < 4.0 / 20.0)
    assert np.all(np.abs(z.std(axis=0) - 1.0) < 4.0 / math.sqrt(800.0))


@pytest.mark.parametrize(("at", "name", "size"), [(0, "slope", 0.5), (1, "slow", 0.2), (3, "further", 0.2)])
def test_scores_estimate_what_is_there(at, name, size):
    random = np.random.default_rng(2)
    told = [scores(pulses(random, **{name: size})) for _ in range(100)]
    found, errors = (np.array([each[i][at] for each in told]) for i in (1, 2))
    assert abs(found.mean() - size) < 4.0 * errors.mean() / 10.0 + 0.15 * size
    assert found.std() == pytest.approx(errors.mean(), rel=0.35)
    assert np.mean([each[0][at] for each in told]) > 1.5


def test_what_the_slope_changes_is_what_a_fit_without_it_had_wrong():
    random = np.random.default_rng(3)
    _, found, _, changes = scores(pulses(random, slope=0.5))
    # The background is that at t0, a third into the window: a constant one is the mean, which is higher.
    assert changes[0, 0] < 0.0
    assert found[0] * changes[0, 0] == pytest.approx(-0.5 * 10.0 / 50.0, rel=0.5)


def blocks(rates, random):
    live = np.full(rates.size, 1e10)
    return random.poisson(rates * 10.0).astype(float), live


def test_a_steady_background_is_left_as_it_is():
    random = np.random.default_rng(4)
    for rate in (0.2, 2.0, 118.0, 3000.0):
        counts, live = blocks(np.full(2000, rate), random)
        sums, sums_live = np.full(2000, 7.0), np.full(2000, 3.0)
        assert followed_background(counts, live, 1e10, sums, sums_live) <= 10
        assert np.count_nonzero(sums != 7.0) <= 10


def test_waves_are_followed_within_their_errors_and_bursts_are_not():
    random = np.random.default_rng(5)
    rates = 118.0 * (1.0 + 0.1 * np.sin(np.arange(600) / 30.0 * 2.0 * np.pi))
    counts, live = blocks(rates, random)
    counts[::50] *= 3.0
    sums, sums_live = counts.copy(), live.copy()
    followed = followed_background(counts, live, 1e10, sums, sums_live)
    assert followed > 500
    off = (sums / sums_live * 1e9 - rates) / (np.sqrt(sums) / sums_live * 1e9)
    inside = slice(20, -20)
    assert np.abs(off[inside]).max() < 6.0
    assert off[inside].std() < 1.6
    alone = np.full(60, 118.0)
    alone[30:33] = 400.0
    counts, live = blocks(alone, random)
    assert followed_background(counts, live, 1e10, counts.copy(), live.copy()) == 0


def test_a_likelihood_of_several_is_the_same_without_derivatives():
    random = np.random.default_rng(6)
    x = np.concatenate([X, X[1:] + np.array([0.1, -0.2, -0.5, 0.3, 4.0])])
    gradient, information = np.empty(11), np.empty((11, 11))
    times_s = pulses(random)
    whole = overlap_likelihood(times_s, LENGTH_S, 1e-5, x, gradient, information)
    assert overlap_nll(times_s, LENGTH_S, 1e-5, x) == pytest.approx(whole, rel=1e-12)
