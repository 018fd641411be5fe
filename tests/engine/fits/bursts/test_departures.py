"""Where life departs from the model of bursts: generators of `benchmarks/calibrations/departures_of_bursts.py`."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from utokyo.engine.fits.bursts.fit import find_bursts, fit_burst
from utokyo.engine.fits.bursts.fitted import fitted_bursts
from utokyo.engine.fits.bursts.kind import kind_of
from utokyo.engine.fits.bursts.values import SLOPE, burst_rate_Hz, expected_pulses
from utokyo.io.errors import InputError

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
    seen = departures.of_background(f"two pauses, {rate_Hz} per s", 30, 151)
    assert seen["false"] <= 3  # 0.3 are expected; a probability of 3e-4


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
    random, count, told = np.random.default_rng(3), 200, []
    for _ in range(count):
        times_ns = departures.nanoseconds(make(random))
        told += [fit_burst(times_ns, row).flags for row in find_bursts(times_ns).head(1).iter_rows(named=True)]
    refused = [flags for flags in told if kind_of(flags) != "burst"]
    assert len(refused) <= 0.01 * len(told) + 4.0, refused


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
    assert (
        departures.of_background(name, 1 if "0.8" in name else 12, 152)["valid"] <= 4
    )  # 1.2 are allowed; a probability of 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain, 2 per s", "plain, 0.2 per s"])
def test_plain_background_raises_no_more_alarms_than_asked(departures, name):
    rate_Hz, hours, asked = float(name.split()[1]), 2000.0, 0.1
    random, found = np.random.default_rng(153), 0
    for _ in range(40):
        t = np.cumsum(random.exponential(1.0 / rate_Hz, int(rate_Hz * hours / 40 * 3600)))
        found += find_bursts(departures.nanoseconds(t), false_alarms_per_hour=asked).height
    assert found <= asked * hours + 2.5 * np.sqrt(asked * hours)


@pytest.mark.slow
def test_waves_of_the_background_are_followed(departures):
    random, found = np.random.default_rng(154), 0
    make = departures.BACKGROUNDS["waves 10 % in 5 min, 118 per s"]
    for _ in range(20):
        found += find_bursts(departures.nanoseconds(make(random))).height
    assert found <= 30  # they were 840


def told(departures, name, count, seed):
    """The fits of the bursts of a generator."""
    make, _, _ = departures.BURSTS[name]
    random, fits = np.random.default_rng(seed), []
    for _ in range(count):
        times_ns = departures.nanoseconds(make(random))
        at_ns = int(departures.nanoseconds(np.array([departures.AT_S]))[0])
        found = find_bursts(times_ns)
        near = found.filter((found["timestamp_ns"] - at_ns).abs() < 3_000_000_000)
        fits += [fit_burst(times_ns, row) for row in near.head(1).iter_rows(named=True)]
    return fits


def pulls(departures, fits):
    """Those of the half-lives of valid fits."""
    truth_s = np.log(2.0) * departures.DECAY_S
    return np.array([(f.values["half_life_s"] - truth_s) / f.errors["half_life_s"] for f in fits if f.valid])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"), [("second component, 3000 over 20 per s", 10), ("second component, 10000 over 118 per s", 1)]
)
def test_a_second_component_is_refused(departures, name, most):
    fits = told(departures, name, 100, 155)
    assert sum(fit.valid for fit in fits) <= most  # all were valid
    assert sum("second_component" in fit.flags for fit in fits) >= 75


@pytest.mark.slow
@pytest.mark.parametrize("name", ["another 1.5 s later, 800 over 20 per s", "another 0.7 s later, 3000 over 20 per s"])
def test_bursts_too_close_to_each_other_are_refused(departures, name):
    assert np.sum(np.abs(pulls(departures, told(departures, name, 60, 156))) > 5.0) == 0


@pytest.mark.slow
def test_a_falling_background_is_fitted_with_its_slope(departures):
    fits = told(departures, "falling 30 % a minute", 80, 157)
    sloping = [fit for fit in fits if fit.valid and SLOPE in fit.values]
    off = pulls(departures, fits)
    assert len(sloping) >= 60
    assert np.abs(off).max() < 5.0
    assert abs(np.mean(np.abs(off) < 1.0) - 0.683) < 3.0 * np.sqrt(0.683 * 0.317 / off.size)


def test_a_slope_is_a_parameter_where_it_matters(departures):
    random = np.random.default_rng(158)
    t = departures.changing(random, lambda t: 118.0 * (2.0 - t / 200.0), 236.0, 400.0)
    times_ns = departures.nanoseconds(np.sort(np.concatenate([t, departures.burst(random, 800.0, 200.0)])))
    at_ns = int(departures.nanoseconds(np.array([200.0]))[0])
    row = {"timestamp_ns": at_ns, "onset_ns": at_ns - 10**9, "end_ns": at_ns + 6 * 10**9}
    fit = fit_burst(times_ns, row)
    assert fit.valid, fit.reason
    assert abs(fit.values[SLOPE] + 118.0 / 200.0) < 4.0 * fit.errors[SLOPE] < 0.5
    assert abs(fit.values["n_total"] - 800.0) < 4.0 * fit.errors["n_total"]
    # What the table of a fit says, and what is drawn, is the same rate.
    edges_ns = at_ns + np.arange(-20, 21) * 1_000_000_000
    middles_ns = at_ns + np.arange(-19_999_500, 20_000_000, 1_000) * 1_000
    rate_Hz = burst_rate_Hz(fit.values, middles_ns).reshape(40, -1).mean(axis=1)
    assert np.allclose(rate_Hz, expected_pulses(fit.values, edges_ns), rtol=1e-5)


def test_dead_time_is_that_of_the_header_of_a_table(departures):
    random = np.random.default_rng(159)
    times_ns = departures.nanoseconds(departures.dead(20.0, 20_000.0, 2e-5, extending=False)(random))
    burst = find_bursts(times_ns).row(0, named=True)
    table = pl.DataFrame({"timestamp": times_ns}).with_columns(pl.lit(2e-5).alias("//PulseWidth"))
    by_header, by_hand = fit_burst(table, burst), fit_burst(times_ns, burst, dead_time_s=2e-5)
    assert by_header.values == by_hand.values
    assert by_header.valid
    assert "dead_time" in fit_burst(table, burst, dead_time_s=0.0).flags
    with pytest.raises(InputError, match="timestamp"):
        fit_burst(table.rename({"timestamp": "t"}), burst)


def test_a_fit_of_two_large_bursts_takes_no_longer_than_others(departures):
    make, _, _ = departures.BURSTS["another 0.7 s later, 3000 over 20 per s"]
    times_ns = departures.nanoseconds(make(np.random.default_rng(160)))
    burst = find_bursts(times_ns).row(0, named=True)
    taken = []
    for _ in range(4):
        begin = time.thread_time()
        fit_burst(times_ns, burst)
        taken.append(time.thread_time() - begin)
    assert min(taken) < 0.15  # 25 ms on an idle core; it was up to 1.8 s
