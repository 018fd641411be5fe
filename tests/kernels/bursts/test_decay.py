"""The likelihood of a burst equals its equation, and its derivatives are those of its values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize

from utokyo.kernels.bursts.decay import burst_integral, burst_likelihood
from utokyo.kernels.bursts.switch import best_switch

LENGTH, T0 = 30.0, 8.0
CASES = [
    pytest.param(np.log([100.0, 150.0, 0.2, 800.0, 1.1]), id="over 100 per s"),
    pytest.param(np.log([0.1, 8.0, 0.5, 20.0, 0.7]), id="over 0.1 per s"),
    pytest.param(np.log([5.0, 30.0, 9.0, 300.0, 25.0]), id="longer than the window"),
]


def rate(t, t0, logs):
    b, n_r, tau_r, n_d, tau_d = np.exp(logs)
    rise = n_r / tau_r * np.exp(np.minimum(t - t0, 0.0) / tau_r)
    decay = n_d / tau_d * np.exp(-np.maximum(t - t0, 0.0) / tau_d)
    return b + np.where(t < t0, rise, decay)


def events(logs, seed=5):
    random = np.random.default_rng(seed)
    b, n_r, tau_r, n_d, tau_d = np.exp(logs)
    parts = [
        random.uniform(0.0, LENGTH, random.poisson(b * LENGTH)),
        T0 - random.exponential(tau_r, random.poisson(n_r)),
        T0 + random.exponential(tau_d, random.poisson(n_d)),
    ]
    t = np.sort(np.concatenate(parts))
    t = t[(t >= 0.0) & (t < LENGTH)]
    t.flags.writeable = False
    return t


def kernel(t, t0, logs, dead_s=0.0):
    gradient, information = np.empty(6), np.empty((6, 6))
    nll, _ = burst_likelihood(t, LENGTH, dead_s, np.append(logs, t0), gradient, information)
    return nll, gradient[:5], information[:5, :5]


def integral(logs, *edges):
    expected = np.zeros(len(edges) - 1)
    burst_integral(np.array(edges), np.append(logs, T0), expected)
    return expected


@pytest.mark.parametrize("logs", CASES)
@pytest.mark.parametrize(("begin", "end"), [(0.0, LENGTH), (2.0, 5.0), (7.9, 8.3), (9.0, 20.0), (T0, T0)])
def test_integral_is_that_of_the_rate(logs, begin, end):
    expected = integrate.quad(rate, begin, end, args=(T0, logs), points=[T0], limit=200)[0] if end > begin else 0.0
    assert integral(logs, begin, end)[0] == pytest.approx(expected, rel=1e-7)


def test_integrals_add_up():
    edges = np.linspace(0.0, LENGTH, 50)
    logs = CASES[0].values[0]
    assert integral(logs, *edges).sum() == pytest.approx(integral(logs, 0.0, LENGTH)[0])


DEAD_S = [0.0, 1e-4]


@pytest.mark.parametrize("logs", CASES)
@pytest.mark.parametrize("dead_s", DEAD_S)
def test_likelihood_is_its_equation(logs, dead_s):
    t = events(logs)
    expected = integral(logs, 0.0, LENGTH)[0] - np.sum(np.log(rate(t, T0, logs)) + dead_s * rate(t, T0, logs))
    assert kernel(t, T0, logs, dead_s)[0] == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("logs", CASES)
@pytest.mark.parametrize("t0", [T0, 0.0, LENGTH])
@pytest.mark.parametrize("dead_s", DEAD_S)
def test_gradient_and_information_are_derivatives(logs, t0, dead_s):
    t = events(logs)
    _, gradient, information = kernel(t, t0, logs, dead_s)

    def differences(function):
        step = 1e-5
        return np.array([(function(logs + e) - function(logs - e)) / (2 * step) for e in step * np.eye(5)])

    scale = np.sqrt(t.size)
    np.testing.assert_allclose(
        gradient, differences(lambda x: kernel(t, t0, x, dead_s)[0]), rtol=1e-6, atol=1e-6 * scale
    )
    np.testing.assert_allclose(
        information, differences(lambda x: kernel(t, t0, x, dead_s)[1]), rtol=1e-6, atol=1e-6 * scale
    )


def test_events_are_independent_of_the_window_when_there_are_none():
    logs = CASES[0].values[0]
    assert kernel(np.empty(0), T0, logs)[0] == pytest.approx(integral(logs, 0.0, LENGTH)[0])


@pytest.mark.parametrize("dead_s", [0.0, 1e-3])
@pytest.mark.parametrize("seed", range(5))
def test_best_switch_is_the_best_of_all_events(seed, dead_s):
    logs = CASES[0].values[0]
    t = events(logs, seed)

    def moved(t0):
        shifted = logs.copy()
        shifted[1] += (t0 - T0) / np.exp(logs[2])
        shifted[3] -= (t0 - T0) / np.exp(logs[4])
        return kernel(t, t0, shifted, dead_s)[0]

    near = t[(t > T0 - 1.0) & (t < T0 + 1.0)]
    tried = np.concatenate([[T0], near, near + 1e-9])
    nll = np.array([moved(t0) for t0 in tried])

    t0, gain = best_switch(t, T0 - 1.0, T0 + 1.0, dead_s, np.append(logs, T0), 1e-9)

    assert gain == pytest.approx(nll[0] - nll.min(), abs=1e-7)
    assert moved(t0) == pytest.approx(nll.min(), abs=1e-7)


def test_t0_carries_no_fisher_information_of_its_own():
    """The score of t0 is a sum of the scores of both numbers, event by event: why t0 is profiled."""
    logs = CASES[0].values[0]
    t = events(logs)
    t = t[np.abs(t - T0) > 1e-3]
    tau_r, tau_d = np.exp(logs[[2, 4]])
    by_t0 = optimize.approx_fprime([T0], lambda x: np.log(rate(t, x[0], logs)), 1e-7)[:, 0]
    signal = 1.0 - np.exp(logs[0]) / rate(t, T0, logs)  # score of ln N_r before t0, of ln N_d behind it
    np.testing.assert_allclose(by_t0, np.where(t < T0, -signal / tau_r, signal / tau_d), atol=1e-5)
