"""The likelihood of several bursts is its equation, and of one it is that of `decay`."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo.kernels.bursts.decay import burst_likelihood
from utokyo.kernels.bursts.overlap import best_addition, overlap_likelihood

LENGTH_S = 40.0
ONE = np.append(np.log([5.0, 40.0, 0.3, 200.0, 1.2]), 10.0)
TWO = np.append(np.log([30.0, 0.2, 90.0, 0.8]), 13.0)


def likelihood(t, x, dead_s=0.0):
    gradient, information = np.empty(x.size), np.empty((x.size, x.size))
    return overlap_likelihood(t, LENGTH_S, dead_s, x, gradient, information), gradient, information


@pytest.fixture(scope="module")
def events():
    random = np.random.default_rng(1)
    t = [random.uniform(0.0, LENGTH_S, 200), 10.0 - random.exponential(0.3, 40), 10.0 + random.exponential(1.2, 200)]
    return np.sort(np.concatenate([*t, 13.0 + random.exponential(0.8, 90)]).clip(0.0, LENGTH_S))


@pytest.mark.parametrize("dead_s", [0.0, 1e-4])
def test_one_burst_is_that_of_the_other_kernel(events, dead_s):
    gradient, information = np.empty(6), np.empty((6, 6))
    expected, _ = burst_likelihood(events, LENGTH_S, dead_s, ONE, gradient, information)
    nll, ours, _ = likelihood(events, ONE, dead_s)
    assert nll == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(ours, gradient, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("dead_s", [0.0, 1e-4])
def test_the_gradient_is_the_derivative_and_the_information_the_squared_scores(events, dead_s):
    x = np.concatenate([ONE, TWO])
    _, gradient, information = likelihood(events, x, dead_s)
    step = 1e-6
    differences = [
        (likelihood(events, x + e, dead_s)[0] - likelihood(events, x - e, dead_s)[0]) / (2.0 * step)
        for e in step * np.eye(x.size)
    ]
    np.testing.assert_allclose(gradient, differences, rtol=1e-4, atol=1e-3)
    each = np.array([likelihood(events[[i]], x)[1] - likelihood(events[:0], x)[1] for i in range(events.size)])
    np.testing.assert_allclose(information, each.T @ each, rtol=1e-9, atol=1e-9)


def test_a_decay_that_is_missing_is_found_where_it_is(events):
    rates = np.full(events.size, np.exp(ONE[0]))
    after = events - 10.0
    rates += np.where(after < 0.0, 40.0 / 0.3 * np.exp(after / 0.3), 200.0 / 1.2 * np.exp(-np.abs(after) / 1.2))
    begin_s, tau_s, height_Hz, z = best_addition(events, LENGTH_S, rates, np.geomspace(0.2, 6.4, 6))
    assert abs(begin_s - 13.0) < 0.3
    assert 0.3 < tau_s < 1.7  # beside 0.8
    assert 10.0 < height_Hz < 200.0
    assert z > 6.0
