"""An offset of clocks is found where both saw the same, with a true error, and refused where it is not known."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from utokyo import (
    ClockOffset,
    CoilRecorder,
    GaugeRecorder,
    HeatTimeRecorder,
    InputError,
    PMTRecorder,
    SSDRecorder,
    estimate_clock_offset,
    join,
    simulate,
)
from utokyo.engine.join.events import Events, events_of

START, SECOND = 1_647_252_474_000_000_000, 1_000_000_000


def two_logs(seed: int, offset_s: float, *, lost: float = 0.2, events: int = 25) -> tuple[np.ndarray, np.ndarray]:
    """Times of the same events on two clocks, to the second, some of them lost in either."""
    random = np.random.default_rng(seed)
    times = START + (np.cumsum(random.uniform(20, 50, events)) * SECOND).astype(np.int64)
    a = times[random.random(events) > lost]
    b = times[random.random(events) > lost] - round(offset_s * SECOND)
    return a // SECOND * SECOND, b // SECOND * SECOND


@pytest.mark.parametrize("offset_s", [0.0, 180.0, -412.6])
def test_the_offset_of_two_logs_is_found_within_its_error(offset_s):
    a, b = two_logs(4, offset_s)

    found = estimate_clock_offset(a, b)

    assert found.valid, found.reason
    assert abs(found.offset_ns / SECOND - offset_s) < 4 * found.error_s
    assert found.error_s < 0.3
    assert found.false_match_probability < 0.01
    assert "±" in str(found)


def test_the_error_has_a_pull_of_width_one():
    pulls = []
    for seed in range(60):
        offset_s = np.random.default_rng(1000 + seed).uniform(-300, 300)
        found = estimate_clock_offset(*two_logs(seed, offset_s), seed=seed)
        if found.valid:
            pulls.append((found.offset_ns / SECOND - offset_s) / found.error_s)
    assert len(pulls) > 50
    assert abs(np.mean(pulls)) < 0.5
    assert 0.7 < np.std(pulls) < 1.3


@pytest.mark.parametrize(
    ("offset_s", "meaning"),
    [
        (-1.5, "clock offset -1.50 ± 0.12 s, to be added to the times of b: the clock of b is fast"),
        (1.5, "clock offset 1.50 ± 0.12 s, to be added to the times of b: the clock of b is slow"),
        (0.1, "clock offset 0.10 ± 0.12 s, to be added to the times of b: the clocks agree within the error"),
    ],
)
def test_a_printed_offset_says_which_clock_is_wrong(offset_s, meaning):
    found = ClockOffset(round(offset_s * SECOND), 0.12, 8, (9, 8), 0.0025, valid=True)
    numbers = "  8 events match, of 9 in a and 8 in b; probability of a false match: 0.0025"
    assert repr(found) == str(found) == f"{meaning}\n{numbers}"


def test_an_offset_that_is_fast_is_subtracted_from_later_times():
    times_ns = two_logs(3, 0.0)[0]
    found = estimate_clock_offset(times_ns, times_ns + 20 * SECOND)  # the clock of b shows later times
    assert found.offset_ns == -20 * SECOND
    assert "the clock of b is fast" in repr(found)


def test_logs_of_different_events_have_no_offset():
    refused = sum(not estimate_clock_offset(two_logs(s, 0.0)[0], two_logs(s + 500, 0.0)[1]).valid for s in range(40))
    assert refused >= 38


def test_events_as_regular_as_a_clock_have_no_offset():
    times = START + np.arange(30) * 30 * SECOND
    found = estimate_clock_offset(times, times - 7 * SECOND)
    assert not found.valid
    assert set(found.flags) <= {"chance_match", "rival_offset"}
    assert len(found.flags) == 1
    assert str(found).startswith(f"no clock offset between a and b: {found.reason}\n  ")


def test_too_few_events_have_no_offset():
    found = estimate_clock_offset(np.array([START]), np.array([START, START + SECOND]))
    assert not found.valid
    assert np.isnan(found.error_s)
    assert found.flags == ("few_events",)
    assert "needed" in found.reason


def test_events_that_never_agree_have_no_offset():
    one = START + np.array([0, 100, 1000, 2000, 3500, 4100]) * SECOND
    found = estimate_clock_offset(one, one + np.array([0, 40, 90, 10, 100, 20]) * SECOND, longest="1min")
    assert found.flags == ("no_agreement",)
    assert np.isnan(found.error_s)


def test_an_offset_with_a_rival_is_not_valid():
    one = START + np.array([0, 31, 73, 128, 192, 271]) * SECOND
    both = np.sort(np.concatenate([one, one + 17 * SECOND]))
    found = estimate_clock_offset(one, both, longest="1min")
    assert not found.valid
    assert found.flags[0] in {"rival_offset", "chance_match"}


def test_switches_of_the_coil_tell_the_clock_of_the_pmt(tmp_path):
    truth = simulate(tmp_path, minutes=8.0, seed=4)
    coil = CoilRecorder(tmp_path / truth["files"]["coil"])
    pmt_path = tmp_path / truth["files"]["pmt"]
    pmt = PMTRecorder(pmt_path, clock_offset=timedelta(seconds=-180))

    found = estimate_clock_offset(coil, pmt)

    assert found.valid, found.reason
    assert abs(found.offset_ns / SECOND - 180.0) < 4 * found.error_s
    assert found.error_s < 0.2
    joined = join({"coil": coil, "pmt": pmt}, every="1s", clock_offsets={"pmt": found})
    both = joined.drop_nulls(["coil.on", "pmt.coil_on"])
    assert (both["coil.on"] == both["pmt.coil_on"]).mean() > 0.9


def test_bursts_tell_the_clock_of_the_heating_log(tmp_path):
    truth = simulate(tmp_path, minutes=8.0, seed=6)
    log = json.loads((tmp_path / "truth.json").read_text())["files"]["heating_log"]
    heatings = HeatTimeRecorder(tmp_path / log, clock_offset=timedelta(seconds=95))

    found = estimate_clock_offset(
        heatings, SSDRecorder(tmp_path / truth["files"]["ssd"]), delay="2s", delay_error="200ms"
    )

    assert found.valid, found.reason
    assert abs(found.offset_ns / SECOND - 95.0) < 4 * found.error_s


def test_on_and_off_are_not_taken_for_each_other():
    random = np.random.default_rng(3)
    times = START + (np.cumsum(random.uniform(20, 50, 30)) * SECOND).astype(np.int64)
    sorts, resolution = np.arange(30) % 2, np.full(30, 0.3)

    same = estimate_clock_offset(Events(times, sorts, resolution), Events(times, sorts, resolution))
    swapped = estimate_clock_offset(Events(times, sorts, resolution), Events(times, 1 - sorts, resolution))

    assert (same.valid, same.matches, same.offset_ns) == (True, 30, 0)
    assert swapped.offset_ns != 0 or not swapped.valid


def test_an_offset_that_was_not_found_is_not_used():
    times = START + np.arange(30) * 30 * SECOND
    from utokyo import StaticRecorder  # noqa: PLC0415

    source = StaticRecorder({"timestamp": [START], "x": [1.0]})
    with pytest.raises(InputError, match="could not be estimated"):
        join({"a": source}, every="1s", clock_offsets={"a": estimate_clock_offset(times, times)})


def test_sources_without_events_are_refused(tmp_path):
    with pytest.raises(InputError, match="GaugeRecorder has no events"):
        events_of(GaugeRecorder(tmp_path / "gauge.csv"))
    with pytest.raises(InputError, match="integers"):
        events_of(np.array([0.5]))


def noisy_times(
    seed: int, *, scatter_s: float = 0.0, rate: float = 0.0, events: int = 40, offset_s: float = 37.25
) -> tuple[np.ndarray, np.ndarray]:
    """Precise times of events on two clocks, of which the second gains; each misses a few."""
    random = np.random.default_rng(seed)
    t_s = np.cumsum(random.uniform(40.0, 160.0, events))
    other_s = t_s - offset_s - rate * (t_s - t_s.mean()) + random.normal(0.0, scatter_s, events)
    a, b = (START + (of * SECOND).astype(np.int64) for of in (t_s, other_s))
    return a[random.random(events) > 0.1], b[random.random(events) > 0.1]


@pytest.mark.parametrize("scatter_s", [0.001, 0.02, 0.2])
def test_the_error_of_precise_times_is_that_of_their_scatter(scatter_s):
    pulls, errors_s = [], []
    for seed in range(25):
        found = estimate_clock_offset(*noisy_times(seed, scatter_s=scatter_s))
        assert found.valid, found.reason
        pulls.append((found.offset_ns / SECOND - 37.25) / found.error_s)
        errors_s.append(found.error_s)
    assert np.median(errors_s) == pytest.approx(scatter_s / np.sqrt(32), rel=0.25)
    assert np.max(np.abs(pulls)) < 4.5
    assert 0.6 < np.std(pulls) < 1.5


def test_whole_seconds_beside_precise_times_are_half_a_second_later():
    pulls = []
    for seed in range(25):
        a, b = noisy_times(seed)
        found = estimate_clock_offset(a // SECOND * SECOND, b)
        assert found.valid, found.reason
        pulls.append((found.offset_ns / SECOND - 37.25) / found.error_s)
    assert abs(np.mean(pulls)) < 0.8
    assert 0.6 < np.std(pulls) < 1.5


@pytest.mark.parametrize("rate", [-1e-3, -3e-4, 1e-4, 1e-3])
@pytest.mark.parametrize("whole", [False, True])
def test_a_clock_that_gains_is_refused_or_makes_no_difference(rate, whole):
    refused = 0
    for seed in range(8):
        a, b = noisy_times(seed, rate=rate, scatter_s=0.05)
        if whole:
            a, b = a // SECOND * SECOND, b // SECOND * SECOND
        found = estimate_clock_offset(a, b)
        refused += "clock_rate" in found.flags
        assert not found.valid or abs(found.offset_ns / SECOND - 37.25) < 5.0 * found.error_s
    assert refused >= (8 if abs(rate) > 5e-4 or not whole else 0)


def test_five_events_are_too_few():
    times = START + np.array([0, 31, 73, 128, 192]) * SECOND
    found = estimate_clock_offset(times, times)
    assert found.flags == ("few_events",)


@pytest.mark.slow
@pytest.mark.parametrize("events", [8, 40])
@pytest.mark.parametrize("whole", [False, True])
def test_errors_of_offsets_cover(events, whole):
    pulls = []
    for seed in range(150):
        offset_s = np.random.default_rng(5000 + seed).uniform(-200.0, 200.0)
        a, b = noisy_times(seed, scatter_s=0.05, events=events, offset_s=offset_s)
        if whole:
            a, b = a // SECOND * SECOND, b // SECOND * SECOND
        found = estimate_clock_offset(a, b, seed=seed)
        if found.valid:
            pulls.append((found.offset_ns / SECOND - offset_s) / found.error_s)
    assert len(pulls) > (147 if events == 40 else 30)
    assert np.max(np.abs(pulls)) < 5.0
    assert 0.683 - 0.12 < np.mean(np.abs(pulls) < 1.0) < 0.9
