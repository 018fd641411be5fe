"""What the coil changes is found whatever drifts, with an error that is true, or it is said why not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import PMTAnalysis, StaticRecorder
from utokyo.engine.fits.switched import MANY_PAIRS, switched_difference

STEP_NS = 400_000_000


def readings(
    random: np.random.Generator, blocks: int, length: int = 40, phi: float = 0.0, drift: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, values and states; on is larger by 2, noise of 1 with a correlation, a drift of some deviations."""
    count = blocks * length
    on = np.arange(count) // length % 2 == 1
    noise = np.zeros(count)
    noise[0] = random.normal()
    for k in range(1, count):
        noise[k] = phi * noise[k - 1] + random.normal(0.0, math.sqrt(1.0 - phi**2))
    at = np.arange(count)
    return at * STEP_NS, noise + 2.0 * on + drift * (at / count) ** 2, on


@pytest.mark.parametrize("blocks", [4, 2 * MANY_PAIRS + 1])
def test_a_drift_cancels(blocks):
    still = switched_difference(*readings(np.random.default_rng(1), blocks))
    drifting = switched_difference(*readings(np.random.default_rng(1), blocks, drift=300.0))
    assert still.valid
    assert drifting.valid
    assert drifting.error < 1.5 * still.error < 0.6
    assert abs(drifting.value - 2.0) < 4.0 * drifting.error
    assert still.switches == blocks - 1


def test_a_slope_of_any_size_changes_nothing():
    times_ns, values, on = readings(np.random.default_rng(2), 9)
    still = switched_difference(times_ns, values, on)
    sloped = switched_difference(times_ns, values + 1e-6 * times_ns, on)
    assert sloped.value == pytest.approx(still.value, abs=1e-2 * still.error)
    assert sloped.error == pytest.approx(still.error, rel=1e-2)


def test_the_sizes_of_readings_do_not_matter():
    times_ns, values, on = readings(np.random.default_rng(2), 5)
    one, small = switched_difference(times_ns, values, on), switched_difference(times_ns, 1e-14 * values, on)
    assert small.value == pytest.approx(1e-14 * one.value)
    assert small.error == pytest.approx(1e-14 * one.error)


@pytest.mark.parametrize(
    ("chosen", "flag"),
    [
        (slice(0, 40), "one_state"),
        (slice(0, 44), "few_readings"),
        (slice(0, 0), "one_state"),
    ],
)
def test_what_tells_no_difference_is_said(chosen, flag):
    times_ns, values, on = readings(np.random.default_rng(1), 3)
    found = switched_difference(times_ns[chosen], values[chosen], on[chosen])
    assert [reason.code for reason in found.reasons] == [flag]
    assert math.isnan(found.error)


def test_a_switch_in_a_pause_is_no_switch():
    times_ns, values, on = readings(np.random.default_rng(1), 2)
    found = switched_difference(times_ns + on * 3_600_000_000_000, values, on)
    assert [reason.code for reason in found.reasons] == ["no_switch"]


@pytest.mark.parametrize("blocks", [4, 60])
@pytest.mark.parametrize("size", [0.0, 1.0, 3.3e-13])
def test_an_instrument_that_stands_still_has_no_error(size, blocks):
    times_ns, _, on = readings(np.random.default_rng(1), blocks)
    found = switched_difference(times_ns, np.full(on.size, size), on)
    assert [reason.code for reason in found.reasons] == ["no_noise"]


def test_readings_that_are_missing_are_left_out():
    times_ns, values, on = readings(np.random.default_rng(1), 4)
    some = np.ones(on.size, bool)
    some[::7] = False
    left_out = switched_difference(times_ns[some], values[some], on[some])
    values[~some] = np.nan
    assert switched_difference(times_ns, values, on) == left_out


def test_a_difference_that_changes_is_said():
    random = np.random.default_rng(3)
    times_ns, values, on = readings(random, 16)
    values = values + on * np.repeat(random.normal(0.0, 3.0, 16), 40)
    found = switched_difference(times_ns, values, on)
    assert [reason.code for reason in found.reasons] == ["difference_changes"]


def test_a_jump_that_the_coil_did_not_make_is_said():
    times_ns, values, on = readings(np.random.default_rng(4), 2)
    found = switched_difference(times_ns, values + 8.0 * (np.arange(on.size) >= 57), on)
    assert [reason.code for reason in found.reasons] == ["current_jumps"]
    assert switched_difference(times_ns, values, on).valid


def test_the_result_row_says_whether_it_is_valid():
    times_ns, values, on = readings(np.random.default_rng(1), 4, drift=50.0)
    columns = {"timestamp": times_ns, "PMT Current (A)": 1e-13 * values, "Coil (1:ON 0:OFF)": on.astype(int)}
    (row,) = PMTAnalysis(recorder=StaticRecorder(columns)).run().to_dicts()
    assert (row["valid"], row["reason"], row["switches"]) == (True, None, 3)
    assert abs(row["difference_A"] - 2e-13) < 4 * row["difference_error_A"] < 2e-13
    never = PMTAnalysis(recorder=StaticRecorder(columns | {"Coil (1:ON 0:OFF)": np.ones(on.size, int)}))
    (row,) = never.run().to_dicts()
    assert (row["valid"], row["difference_A"]) == (False, None)
    assert "never off" in row["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [2, 3, 8, 60])
@pytest.mark.parametrize(("phi", "drift"), [(0.0, 30.0), (0.5, 0.0), (0.95, 0.0), (0.95, 30.0)])
def test_errors_of_differences_cover(blocks, phi, drift):
    random = np.random.default_rng(7)
    trials = 100
    found = [switched_difference(*readings(random, blocks, phi=phi, drift=drift)) for _ in range(trials)]
    pulls = np.array([(f.value - 2.0) / f.error for f in found if f.valid])
    assert pulls.size >= 0.97 * trials
    assert np.abs(pulls).max() < 5.0
    assert 0.683 - 3.0 * 0.0465 < np.mean(np.abs(pulls) < 1.0) < 0.9
    assert abs(pulls.mean()) < 0.4


@pytest.mark.parametrize("slope", [0.0, 1e-13, 1.0])
@pytest.mark.parametrize("readings", [20, 21, 40])
def test_readings_without_noise_have_no_error(slope, readings):
    at = np.arange(readings)
    found = switched_difference(at * 10**9, slope * at + 2.0 * slope * (at % 2), at % 2 == 1)
    assert found.error is None or not found.error > 0.0
    assert not found.valid
    assert [reason.code for reason in found.reasons] == ["no_noise"]
