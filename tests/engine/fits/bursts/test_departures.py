"""Where life departs from the model of bursts: generators of `benchmarks/calibrations/departures_of_bursts.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from utokyo.engine.fits.bursts.fit import find_bursts, fit_burst
from utokyo.engine.fits.bursts.fitted import fitted_bursts
from utokyo.engine.fits.bursts.kind import kind_of

SCRIPT = Path(__file__).resolve().parents[4] / "benchmarks" / "calibrations" / "departures_of_bursts.py"


@pytest.fixture(scope="module")
def departures():
    if not SCRIPT.exists():
        pytest.skip("the scripts of the calibrations are not beside the tests")
    spec = importlib.util.spec_from_file_location("departures_of_bursts", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("rate_Hz", [2, 20, 118])
def test_pauses_near_each_other_raise_no_more_alarms_than_background(departures, rate_Hz):
    seen = departures.of_background(f"two pauses, {rate_Hz} per s", 60, 151)
    assert seen["false"] <= 4  # 0.6 are expected; a probability of 4e-4


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("train", lambda d, random: 100.0 + 0.02 * np.arange(100) + random.normal(0.0, 3e-4, 100)),
        ("cascade", lambda d, random: 100.0 + random.exponential(0.01, 100)),
        ("step", lambda d, random: d.steady(random, 60.0, 100.0, 110.0)),
        ("afterpulses", lambda d, random: d._followed(random, d.burst(random, 400.0, 100.0), 0.5, 1e-3)),
    ],
)
def test_what_is_no_burst_is_told_and_never_valid(departures, kind, make):
    random = np.random.default_rng(1)
    t = np.concatenate([departures.steady(random, 10.0, 0.0, 300.0), make(departures, random)])
    bursts = fitted_bursts(departures.nanoseconds(t))
    assert set(bursts["kind"]) == {kind}
    assert not bursts["valid"].any()


@pytest.mark.parametrize("extending", [False, True])
def test_dead_time_that_nobody_declared_is_told(departures, extending):
    random = np.random.default_rng(2)
    times_ns = departures.nanoseconds(departures.dead(20.0, 20_000.0, 2e-5, extending=extending)(random))
    burst = find_bursts(times_ns).row(0, named=True)
    undeclared = fit_burst(times_ns, burst)
    assert "dead_time" in undeclared.flags
    assert "20 us" in undeclared.reason
    assert "dead_time" not in fit_burst(times_ns, burst, dead_time_s=2e-5).flags


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["100 over 2", "300 over 20", "800 over 118", "10000 over 118", "30 over 0.2", "60 over 2"]
)
def test_bursts_that_follow_the_model_pass(departures, name):
    name = next(each for each in departures.BURSTS if each.endswith(f"{name} per s"))
    make, _, _ = departures.BURSTS[name]
    random, count, told = np.random.default_rng(3), 500, []
    for _ in range(count):
        times_ns = departures.nanoseconds(make(random))
        told += [fit_burst(times_ns, row).flags for row in find_bursts(times_ns).head(1).iter_rows(named=True)]
    refused = [flags for flags in told if kind_of(flags) != "burst"]
    assert len(refused) <= 0.01 * len(told) + 5.0, refused


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "trains, 2 per s",
        "trains, 118 per s",
        "afterpulses 0.3, 1 ms, 118 per s",
        "afterpulses 0.8, 20 us, 2 per s",
        "cascades of 60 in 5 ms, 20 per s",
        "cascades of 200 in 50 ms, 118 per s",
        "gaps, 118 per s",
    ],
)
def test_valid_false_bursts_are_at_most_ten_times_as_many_as_asked(departures, name):
    assert departures.of_background(name, 50, 152)["valid"] <= 10  # 5 are allowed; a probability of 0.01
