"""Search for bursts and their fits, beside the same likelihood in the hands of the peers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from utokyo import find_bursts, fit_burst
from utokyo.kernels.bursts.decay import burst_likelihood

SECOND_NS = 1_000_000_000


def pulses(bursts: int, background: int, each: int) -> np.ndarray:
    """Times in ns of background at 100 per s with bursts every 36 s."""
    random = np.random.default_rng(1)
    length_s = max(36.0 * bursts, background / 100.0)
    times = [random.uniform(0.0, length_s, int(100 * length_s))]
    for i in range(bursts):
        t0 = 18.0 + 36.0 * i
        times += [t0 + random.exponential(1.2, int(0.85 * each)), t0 - random.exponential(0.2, int(0.15 * each))]
    return (np.sort(np.concatenate(times)) * SECOND_NS).astype(np.int64)


@pytest.mark.parametrize("rate_Hz", [2.0, 118.0, 1000.0])
def test_search_of_background(benchmark: Any, rate_Hz: float) -> None:
    benchmark.group = "search for bursts, 1e7 events of background"
    steps = np.random.default_rng(1).exponential(1.0 / rate_Hz, 10_000_000)
    times_ns = (np.cumsum(steps) * SECOND_NS).astype(np.int64)
    assert find_bursts(times_ns, false_alarms_per_hour=1e-4).height <= 2
    benchmark.extra_info["events"] = times_ns.size
    benchmark.pedantic(find_bursts, args=(times_ns,), rounds=3)


def test_search_with_bursts(benchmark: Any) -> None:
    benchmark.group = "search for bursts, 20 of 2000 pulses"
    times_ns = pulses(20, 0, 2000)
    assert find_bursts(times_ns).height == 20
    benchmark.pedantic(find_bursts, args=(times_ns,), rounds=3)


@pytest.mark.parametrize("events", [1000, 100_000])
def test_likelihood_of_a_burst(benchmark: Any, events: int) -> None:
    benchmark.group = f"likelihood of a burst with gradient and Hessian, {events} events"
    times_s = np.sort(np.random.default_rng(3).uniform(0.0, 60.0, events))
    gradient, information = np.empty(6), np.empty((6, 6))
    x = np.append(np.log([10.0, 100.0, 0.3, 900.0, 1.2]), 20.0)
    benchmark.extra_info["events"] = events
    benchmark(burst_likelihood, times_s, 60.0, 0.0, x, gradient, information)


@pytest.mark.parametrize("how", ["ours, t0 too", "iminuit + numba_stats, t0 given"])
@pytest.mark.parametrize("each", [1000, 10_000])
def test_fit_of_a_burst(benchmark: Any, how: str, each: int) -> None:
    benchmark.group = f"fit of a burst of {each} pulses"
    times_ns = pulses(1, 3600, each)
    burst = find_bursts(times_ns).row(0, named=True)
    fit = fit_burst(times_ns, burst)
    if how.startswith("ours"):
        assert fit.valid
        benchmark.extra_info["events"] = int(np.diff(np.searchsorted(times_ns, window_of(burst)))[0])
        benchmark.pedantic(fit_burst, args=(times_ns, burst), rounds=50)
        return
    iminuit, expon = pytest.importorskip("iminuit"), pytest.importorskip("numba_stats.expon")
    low, high = window_of(burst)
    inside = (times_ns[(times_ns >= low) & (times_ns < high)] - low) / SECOND_NS
    length_s, t0 = (high - low) / SECOND_NS, (int(fit.values["t0_ns"]) - low) / SECOND_NS
    t0 -= 1e-11  # ours is at a pulse, which belongs to the decay

    def density(t: np.ndarray, b: float, height: float, tau_rise: float, tau_decay: float) -> Any:
        expected = b * length_s - height * tau_rise * np.expm1(-t0 / tau_rise)
        expected -= height * tau_decay * np.expm1(-(length_s - t0) / tau_decay)
        rise = expon.pdf(t0 - t, 0.0, tau_rise) * tau_rise
        return expected, b + height * (rise + expon.pdf(t - t0, 0.0, tau_decay) * tau_decay)

    values, errors = fit.values, fit.errors
    start = [values["background_Hz"], values["n_decay"] / values["tau_decay_s"]]
    start = [1.1 * value for value in (*start, values["tau_rise_s"], values["tau_decay_s"])]
    cost = pytest.importorskip("iminuit.cost").ExtendedUnbinnedNLL(inside, density)

    def minimised() -> Any:
        nll = iminuit.Minuit(cost, *start)
        nll.limits = [(1e-3, None)] * 4
        nll.migrad()
        nll.hesse()
        return nll

    theirs = minimised()
    assert theirs.valid
    assert abs(theirs.fval / 2.0 - fit.nll) < 1e-4
    # Theirs is of t0 as given; ours of t0 unknown is a little larger.
    assert abs(theirs.values["tau_decay"] - values["tau_decay_s"]) < 0.01 * errors["tau_decay_s"]
    assert 0.8 * errors["tau_decay_s"] < theirs.errors["tau_decay"] < 1.001 * errors["tau_decay_s"]
    benchmark.pedantic(minimised, rounds=3)


def window_of(burst: dict[str, Any]) -> tuple[int, int]:
    """Where the burst is fitted, ns."""
    return burst["window_begin_ns"], burst["window_end_ns"]
