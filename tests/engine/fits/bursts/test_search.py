"""Bursts are found once, background raises no more alarms than asked for, and mistakes get one sentence."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from utokyo.engine.fits.bursts.alarms import LOWEST_LEVEL, alarms_per_hour, level_for
from utokyo.engine.fits.bursts.background import interruptions
from utokyo.engine.fits.bursts.search import SCHEMA, BurstSearch, find_bursts
from utokyo.engine.fits.bursts.stretch import BurstRow
from utokyo.io.errors import InputError

START_NS = 1_663_504_000_000_000_000
SECOND_NS = 1_000_000_000
COLUMNS = ["timestamp_ns", "onset_ns", "end_ns", "significance", "false_alarms_per_hour"]
COLUMNS += ["pulses_peak", "pulses_background", "background_Hz"]


def background(random, rate_Hz, duration_s, drift_per_hour=0.0):
    """A Poisson process whose rate goes up and down around its mean, at most by `drift_per_hour`."""
    swing = 0.2 if drift_per_hour else 0.0
    t = random.uniform(0.0, duration_s, random.poisson(rate_Hz * (1.0 + swing) * duration_s))
    if swing:
        relative = 1.0 + swing * np.sin(t * drift_per_hour / swing / 3600.0)
        t = t[random.uniform(0.0, 1.0 + swing, t.size) < relative]
    return t


def burst(random, t0_s, pulses, tau_rise_s=0.2, tau_decay_s=1.0):
    n_rise = pulses * tau_rise_s / (tau_rise_s + tau_decay_s)
    return np.concatenate(
        [
            t0_s - random.exponential(tau_rise_s, random.poisson(n_rise)),
            t0_s + random.exponential(tau_decay_s, random.poisson(pulses - n_rise)),
        ]
    )


def ns(*parts):
    return START_NS + np.sort((np.concatenate(parts) * 1e9).astype(np.int64))


@pytest.mark.parametrize(("rate_Hz", "fewest"), [(0.1, 25.0), (2.0, 50.0), (100.0, 250.0), (1000.0, 700.0)])
def test_bursts_36_s_apart_are_found_once_each(rate_Hz, fewest):
    random = np.random.default_rng(11)
    t0_s = 30.0 + 36.0 * np.arange(25)
    pulses = np.geomspace(fewest, 10_000.0, t0_s.size)
    times_ns = ns(background(random, rate_Hz, 930.0), *(burst(random, t, n) for t, n in zip(t0_s, pulses, strict=True)))

    found = find_bursts(times_ns)

    assert found.height == t0_s.size
    apex_s = (found["timestamp_ns"].to_numpy() - START_NS) * 1e-9
    assert np.abs(apex_s - t0_s).max() < 1.5
    above, error = found["pulses_peak"].to_numpy(), found["pulses_peak_error"].to_numpy()
    assert np.all(above < pulses + 5.0 * np.maximum(error, np.sqrt(pulses)))
    assert np.all(above > 0.6 * pulses - 5.0 * error)
    pulls = (found["background_Hz"].to_numpy() - rate_Hz) / np.sqrt(rate_Hz / 200.0)
    assert np.abs(pulls).max() < 6.0  # about 200 s of background each; what is left of the tails is in it


def test_the_rows_of_the_search_are_those_of_its_table():
    assert BurstRow._fields == tuple(SCHEMA)


def test_a_row_is_consistent():
    random = np.random.default_rng(12)
    times_ns = ns(background(random, 100.0, 300.0), burst(random, 100.0, 800.0), burst(random, 150.0, 2000.0))

    found = find_bursts(times_ns)

    assert set(COLUMNS) <= set(found.columns)
    assert found["timestamp_ns"].dtype == pl.Int64
    for row in found.iter_rows(named=True):
        assert row["window_begin_ns"] <= row["onset_ns"] <= row["timestamp_ns"] < row["end_ns"] <= row["window_end_ns"]
        inside = np.sum((times_ns >= row["onset_ns"]) & (times_ns < row["end_ns"]))
        assert row["pulses_peak"] + row["pulses_background"] == pytest.approx(inside)
        assert row["significance"] > 5.0
        assert row["false_alarms_per_hour"] <= 0.01
    assert found["window_end_ns"][0] < found["onset_ns"][1]
    assert found["window_begin_ns"][1] > found["end_ns"][0]


@pytest.mark.parametrize(("pulses", "least"), [(100, 0.4), (150, 0.95), (200, 0.99)])
def test_efficiency_over_100_per_s(pulses, least):
    # A search that knew the shape of every burst would find 58 %, 96 % and all of them (docs/analyses.md).
    random = np.random.default_rng(13)
    t0_s = 30.0 + 60.0 * np.arange(150)
    bursts = (burst(random, t, pulses, tau_decay_s=1.0 / np.log(2.0)) for t in t0_s)
    apex_s = (find_bursts(ns(background(random, 100.0, 9100.0), *bursts))["timestamp_ns"].to_numpy() - START_NS) * 1e-9
    near = np.abs(apex_s[:, None] - t0_s).min(axis=0) < 3.0
    assert near.sum() >= stats.binom.ppf(0.001, t0_s.size, least)


def false_alarms(rate_Hz, hours, drift_per_hour, seed):
    random = np.random.default_rng(seed)
    pieces = [min(100.0, hours - begin) for begin in np.arange(0.0, hours, 100.0)]
    times_ns = (ns(background(random, rate_Hz, 3600.0 * piece, drift_per_hour)) for piece in pieces)
    return sum(find_bursts(piece, false_alarms_per_hour=1.0).height for piece in times_ns)


@pytest.mark.parametrize("drift_per_hour", [0.0, 0.2])
@pytest.mark.parametrize(("rate_Hz", "hours"), [(2.0, 100.0), (100.0, 10.0), (1000.0, 2.0)])
def test_background_alarms_no_more_often_than_configured(rate_Hz, hours, drift_per_hour):
    assert false_alarms(rate_Hz, hours, drift_per_hour, seed=14) <= stats.poisson.ppf(0.99, hours)


@pytest.mark.slow
@pytest.mark.parametrize("drift_per_hour", [0.0, 0.2])
@pytest.mark.parametrize(("rate_Hz", "hours"), [(0.1, 2000.0), (2.1, 1000.0), (118.0, 300.0), (1000.0, 40.0)])
def test_background_alarms_no_more_often_than_configured_for_long(rate_Hz, hours, drift_per_hour):
    count = false_alarms(rate_Hz, hours, drift_per_hour, seed=15)
    assert count <= stats.poisson.ppf(0.95, hours)
    if level_for(1.0, rate_Hz) > LOWEST_LEVEL:  # a level that is no lower than it need be
        assert count > 0.4 * hours - 3.0 * np.sqrt(hours)


def test_the_level_is_the_one_of_so_many_alarms_an_hour():
    rates = np.geomspace(0.02, 5000.0, 30)
    for alarms in (1e-6, 0.01, 0.1):
        levels = level_for(alarms, rates)
        told = [alarms_per_hour(level, rate) for level, rate in zip(levels, rates, strict=True)]
        assert np.all(np.array(told) <= alarms * (1.0 + 1e-9))
        assert np.all((np.array(told) > alarms * 0.999) | (levels <= 3.5))


def test_two_hours_of_real_background_hold_no_burst(real_files):
    lines = (real_files / "ssd_long.csv").read_text().splitlines()
    header = max(i for i, line in enumerate(lines) if line.startswith("//"))
    ticks_us = np.loadtxt(lines[header + 1 :], delimiter=",", usecols=1, dtype=np.int64)
    assert find_bursts(ticks_us * 1000).height == 0
    assert find_bursts(ticks_us * 1000, false_alarms_per_hour=0.1).height == 0


@pytest.mark.parametrize("pulses", [0, 1, 2, 3, 10])
def test_a_few_pulses_give_an_empty_table_with_all_columns(pulses):
    times_ns = np.sort(np.random.default_rng(16).integers(0, 100 * SECOND_NS, pulses))
    found = find_bursts(times_ns)
    assert found.height == 0
    assert set(COLUMNS) <= set(found.columns)


def test_all_pulses_at_one_time_are_no_burst():
    assert find_bursts(np.full(100, START_NS)).height == 0


@pytest.mark.parametrize("rate_Hz", [2.0, 100.0, 1000.0])
def test_an_interruption_of_the_data_is_no_burst(rate_Hz):
    random = np.random.default_rng(17)
    parts = [begin + background(random, rate_Hz, 300.0) for begin in (0.0, 330.0, 4000.0)]
    assert find_bursts(ns(*parts)).height == 0


@pytest.mark.parametrize("rate_Hz", [2.0, 20.0, 118.0])
@pytest.mark.parametrize(
    ("first_s", "between_s", "second_s"), [(45.0, 30.0, 45.0), (90.0, 8.0, 60.0), (400.0, 8.0, 60.0)]
)
def test_two_pauses_within_100_s_are_interruptions_both(rate_Hz, first_s, between_s, second_s):
    random = np.random.default_rng(171)
    again_s = 300.0 + first_s + between_s
    parts = [
        background(random, rate_Hz, 300.0),
        300.0 + first_s + background(random, rate_Hz, between_s),
        again_s + second_s + background(random, rate_Hz, 300.0),
    ]
    times_ns = ns(*parts)
    assert (np.diff(times_ns)[interruptions(times_ns) - 1] > 40 * SECOND_NS).sum() == 2
    assert find_bursts(times_ns).height == 0


@pytest.mark.parametrize("rate_Hz", [0.02, 0.1, 0.3])
def test_the_silence_between_bursts_over_little_background_is_no_interruption(rate_Hz):
    random = np.random.default_rng(172)
    t0_s = 60.0 + 60.0 * np.arange(30)
    times_ns = ns(background(random, rate_Hz, 1900.0), *(burst(random, t, random.uniform(30, 2000)) for t in t0_s))
    assert interruptions(times_ns).size == 0


def test_files_of_very_different_background_do_not_alarm_where_they_meet():
    random = np.random.default_rng(18)
    assert find_bursts(ns(background(random, 2.0, 600.0), 700.0 + background(random, 300.0, 600.0))).height == 0


def test_a_single_time_far_off_does_no_harm():
    random = np.random.default_rng(19)
    times_ns = ns(background(random, 100.0, 200.0), burst(random, 100.0, 1000.0))
    assert find_bursts(np.concatenate([[0], times_ns])).height == 1


@pytest.mark.parametrize("tick_ns", [1_000, 1_000_000, 20_000_000])
def test_a_coarse_clock_is_allowed(tick_ns):
    random = np.random.default_rng(20)
    times_ns = ns(background(random, 100.0, 600.0), burst(random, 300.0, 500.0))
    assert find_bursts(times_ns // tick_ns * tick_ns).height == 1


def test_it_finds_the_same_wherever_time_begins():
    random = np.random.default_rng(21)
    times_ns = ns(background(random, 100.0, 300.0), burst(random, 150.0, 500.0))
    here, there = find_bursts(times_ns), find_bursts(times_ns - START_NS)
    times = [name for name in here.columns if name.endswith("_ns")]
    assert here.with_columns(pl.col(times) - START_NS).equals(there)


def test_any_list_of_whole_numbers_is_taken():
    random = np.random.default_rng(22)
    times_ns = ns(background(random, 100.0, 100.0), burst(random, 50.0, 500.0))
    read_only = times_ns.copy()
    read_only.flags.writeable = False
    expected = find_bursts(times_ns)
    assert expected.height == 1
    for same in (read_only, pl.Series(times_ns), times_ns.tolist(), times_ns.astype(np.uint64)):
        assert find_bursts(same).equals(expected)


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ([3, 1, 2], "number 1 is earlier"),
        (np.array([1.0, 2.0]), "whole numbers of ns.*float64"),
        (pl.Series([1, None, 3]), "1 pulse times are missing"),
        (np.array([[1, 2]]), "one list"),
        (np.array([2**64 - 1], dtype=np.uint64), "fit 64 bits"),
    ],
)
def test_what_is_no_sorted_list_of_whole_numbers_gets_one_sentence(times, sentence):
    with pytest.raises(InputError, match=sentence):
        find_bursts(times)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_of_false_alarms_that_makes_no_sense_gets_one_sentence(rate):
    with pytest.raises(InputError, match="false_alarms_per_hour"):
        find_bursts([1, 2, 3], false_alarms_per_hour=rate)


@pytest.mark.parametrize("span_ns", [1, 3, 1000, 10**6, 10**8])
def test_a_list_shorter_than_any_burst_is_searched_at_once(span_ns):
    times = np.linspace(0, span_ns, 50).astype(np.int64)
    begin = time.perf_counter()
    find_bursts(times)
    assert time.perf_counter() - begin < 5.0


# --- The same bursts, however the pulses come.


@st.composite
def measurements(draw):
    """Pulse times with bursts, interruptions, and equal times, and where they are cut into pieces."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rate_Hz = 10.0 ** draw(st.floats(-1.0, 1.7))
    duration_s = draw(st.floats(100.0, 12_000.0))
    parts = [background(random, rate_Hz, duration_s)]
    parts += [
        burst(random, t0_s, 10.0 ** random.uniform(1.0, 3.7), tau_decay_s=random.uniform(0.3, 3.0))
        for t0_s in random.uniform(0.0, duration_s, random.integers(0, int(duration_s / 60.0) + 2))
    ]
    t = np.concatenate(parts)
    for begin_s in random.uniform(0.0, duration_s, draw(st.integers(0, 3))):
        t = t[(t < begin_s) | (t > begin_s + 10.0 ** random.uniform(-1.0, 3.0))]
    times_ns = ns(t)
    if draw(st.booleans()):
        times_ns = times_ns // 10_000_000 * 10_000_000
    return times_ns, np.sort(random.integers(0, times_ns.size + 1, draw(st.integers(1, 40))))


@settings(deadline=None, max_examples=60)
@given(measurements())
def test_pulses_fed_in_pieces_give_the_bursts_of_all_at_once(measurement):
    times_ns, cuts = measurement
    search = BurstSearch()
    settled = []
    for piece in np.split(times_ns, cuts):
        search.feed(piece)
        rows = search.bursts.rows()
        assert rows[: len(settled)] == settled
        settled = rows[: len(rows) - search.unsettled]
    assert search.bursts.equals(find_bursts(times_ns))


@pytest.mark.slow
@settings(deadline=None, max_examples=1500)
@given(measurements())
def test_pulses_fed_in_any_pieces_give_the_bursts_of_all_at_once(measurement):
    times_ns, cuts = measurement
    search = BurstSearch()
    for piece in np.split(times_ns, cuts):
        search.feed(piece)
    assert search.bursts.equals(find_bursts(times_ns))


def test_a_search_keeps_the_pulses_of_the_last_hours_at_the_most():
    random = np.random.default_rng(23)
    t0_s = 30.0 + 36.0 * np.arange(1000)
    times_ns = ns(background(random, 10.0, 36_100.0), *(burst(random, t, 300.0) for t in t0_s))
    search = BurstSearch()
    for piece in np.array_split(times_ns, 100):
        search.feed(piece)
        assert search._pulses.times_ns.size < 7200.0 * (10.0 + 300.0 / 36.0)
    assert search.bursts.height == 1000
    assert search.unsettled < 100


def test_a_burst_at_the_end_of_the_data_is_open_and_completed_later():
    random = np.random.default_rng(24)
    times_ns = ns(background(random, 20.0, 700.0), burst(random, 600.0, 2000.0))
    search = BurstSearch()
    until = np.searchsorted(times_ns, START_NS + 601 * SECOND_NS)
    search.feed(times_ns[:until])
    assert search.bursts["open"].to_list() == [True]
    search.feed(times_ns[until:])
    assert search.bursts["open"].to_list() == [False]
    assert search.bursts["pulses_peak"][0] > 1800.0


def test_pulses_fed_out_of_order_are_told_in_one_sentence():
    search = BurstSearch()
    search.feed([1, 2, 3])
    search.feed([])
    search.feed([3, 4])
    with pytest.raises(InputError, match="3 comes after 4"):
        search.feed([3])


def test_the_search_does_not_keep_what_it_was_fed():
    random = np.random.default_rng(25)
    times_ns = ns(background(random, 100.0, 300.0), burst(random, 150.0, 500.0))
    search = BurstSearch()
    piece = times_ns[:20_000].copy()
    search.feed(piece)
    piece[:] = 0
    search.feed(times_ns[20_000:])
    assert search.bursts.equals(find_bursts(times_ns))
