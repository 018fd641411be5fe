"""The fit of a burst: errors are those of repeated experiments, the minimum is the best, and doubts are spoken out.

A bias that is known and allowed here: errors grow with the decay time, so that pulls are negative by about half of the
relative error on average (0.1 for a decay time known to 20 %).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from utokyo.engine.fits.bursts.dead_time import measured_rate_Hz, true_rate_Hz
from utokyo.engine.fits.bursts.fit import find_bursts, fit_burst, fit_overlapping
from utokyo.engine.fits.bursts.values import burst_rate_Hz, expected_pulses
from utokyo.io.errors import InputError

START_NS = 1_663_504_000_000_000_000
T0_S = 60.0
DURATION_S = 140.0
NAMES = ("background_Hz", "n_rise", "tau_rise_s", "n_decay", "tau_decay_s", "t0_ns", "half_life_s", "n_total")


def experiment(random, background_Hz, pulses, tau_rise_s, tau_decay_s, until_s=DURATION_S, begin_s=0.0):
    """Pulse times of one burst at 60 s whose rate is continuous, and its truth."""
    n_rise = pulses * tau_rise_s / (tau_rise_s + tau_decay_s)
    t = np.concatenate(
        [
            random.uniform(0.0, DURATION_S, random.poisson(background_Hz * DURATION_S)),
            T0_S - random.exponential(tau_rise_s, random.poisson(n_rise)),
            T0_S + random.exponential(tau_decay_s, random.poisson(pulses - n_rise)),
        ]
    )
    t = t[(t >= begin_s) & (t < until_s)]
    times_ns = START_NS + np.sort((t * 1e9).astype(np.int64))
    values = (background_Hz, n_rise, tau_rise_s, pulses - n_rise, tau_decay_s, START_NS + int(T0_S * 1e9))
    truth = dict(zip(NAMES, (*values, math.log(2.0) * tau_decay_s, pulses), strict=True))
    return times_ns, truth


def strongest(times_ns):
    return find_bursts(times_ns).sort("significance").row(-1, named=True)


def pulls(number, seed, *setting):
    random = np.random.default_rng(seed)
    table, p_values = [], []
    for _ in range(number):
        times_ns, truth = experiment(random, *setting)
        fit = fit_burst(times_ns, strongest(times_ns))
        if fit.valid:
            table.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES])
            p_values.append(fit.p_value)
    return np.array(table), np.array(p_values)


def check(table, p_values, number, bias):
    n = len(table)
    assert n > 0.97 * number
    seen = np.isfinite(table)
    assert np.all(seen.mean(axis=0) > 0.97)
    mean, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    covered = np.mean(np.abs(np.where(seen, table, 0.0)) < 1.0, axis=0)
    print(dict(zip(NAMES, zip(mean.round(2), spread.round(2), covered.round(2), strict=True), strict=True)))
    regular = np.isin(NAMES, ["background_Hz", "n_decay", "tau_decay_s", "half_life_s", "n_total"])
    assert np.all(np.abs(mean) < bias + 4.0 / math.sqrt(n))
    assert np.all(np.abs(spread - 1.0) < np.where(regular, 0.05, 0.2) + 4.0 / math.sqrt(2.0 * n))
    allowed = np.where(regular, 0.02, 0.1) + 4.0 * math.sqrt(0.683 * 0.317 / n)
    assert np.all(np.abs(covered - 0.683) < allowed)
    p_values = p_values[np.isfinite(p_values)]
    assert np.mean(p_values < 0.05) < 0.07 + 4.0 * math.sqrt(0.05 / max(p_values.size, 1))


def test_pulls_of_all_parameters_are_of_mean_0_and_width_1():
    table, p_values = pulls(90, 31, 20.0, 600.0, 0.2, 1.0)
    check(table, p_values, 90, bias=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "number", "bias"),
    [
        pytest.param((100.0, 1500.0, 0.2, 1.0), 1000, 0.1, id="1500 pulses over 100 per s"),
        pytest.param((100.0, 5000.0, 0.1, 1.2), 300, 0.1, id="5000 pulses over 100 per s"),
        pytest.param((2.0, 300.0, 0.3, 0.8), 500, 0.15, id="300 pulses over 2 per s"),
    ],
)
def test_pulls_of_all_parameters_are_of_mean_0_and_width_1_in_many_bursts(setting, number, bias):
    table, p_values = pulls(number, 32, *setting)
    check(table, p_values, number, bias)


@pytest.mark.slow
def test_half_lives_of_bursts_of_all_sizes_have_true_errors():
    """100 to 10^4 pulses over 0.1 to 10^3 per s, rises from 0.1 to 0.5 s, decay times from 0.7 to 2 s."""
    random = np.random.default_rng(45)
    pulls_of_decay, of_logarithm, tried = [], [], 2000
    for _ in range(tried):
        setting = (10.0 ** random.uniform(-1, 3), 10.0 ** random.uniform(2, 4))
        times_ns, truth = experiment(random, *setting, random.uniform(0.1, 0.5), random.uniform(0.7, 2.0))
        found = find_bursts(times_ns)
        if found.is_empty():
            continue  # a hundred pulses over a thousand per s
        fit = fit_burst(times_ns, found.sort("significance").row(-1, named=True))
        if fit.valid:
            value, error, true = fit.values["half_life_s"], fit.errors["half_life_s"], truth["half_life_s"]
            pulls_of_decay.append((value - true) / error)
            of_logarithm.append(math.log(value / true) * value / error)
    pull, on_average = np.array(pulls_of_decay), float(np.mean(of_logarithm))
    print(f"pulls of {pull.size}: {pull.mean():.3f} +- {pull.std():.3f}, covered {np.mean(np.abs(pull) < 1.0):.3f}")
    print(f"pulls of the logarithms: {on_average:.3f}")
    assert pull.size > 0.93 * tried
    # The error grows with the decay time, not so that of its logarithm.
    assert abs(pull.mean()) < 0.07 + 2.0 / math.sqrt(pull.size)
    assert abs(on_average) < 0.03 + 2.0 / math.sqrt(pull.size)
    assert abs(pull.std() - 1.0) < 0.05
    assert abs(np.mean(np.abs(pull) < 1.0) - 0.683) < 0.02


def cramer_rao_bound(background_Hz, pulses, tau_rise_s, tau_decay_s, low_s, high_s):
    """Smallest standard error of tau_decay that an unbiased estimate can have, all parameters and t0 unknown."""
    edges = np.sort(np.append(np.linspace(low_s, high_s, 100_001), T0_S))
    t, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    y = np.where(t < T0_S, (T0_S - t) / tau_rise_s, (t - T0_S) / tau_decay_s)
    signal = pulses / (tau_rise_s + tau_decay_s) * np.exp(-y)
    rising = np.where(t < T0_S, signal, 0.0)
    decaying = signal - rising
    scores = np.array(
        [np.ones_like(t), signal, rising * y, decaying * y / tau_decay_s, decaying / tau_decay_s - rising / tau_rise_s]
    )
    information = (scores * width / (background_Hz + signal)) @ scores.T
    return math.sqrt(np.linalg.inv(information)[3, 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [(0.1, 500.0, 0.3, 1.0), (100.0, 1000.0, 0.2, 1.2), (1000.0, 3000.0, 0.3, 1.0), (100.0, 10_000.0, 0.1, 1.0)],
)
def test_half_lives_are_as_good_as_can_be(setting):
    """At most 3 % worse than the Cramer-Rao bound, and errors that say so; within two standard errors."""
    random, number = np.random.default_rng(50), 2500
    found = []
    for _ in range(number):
        times_ns, _ = experiment(random, *setting)
        row = row_at(T0_S - 2.0 * setting[2], T0_S, T0_S + 4.0 * setting[3])
        fit = fit_burst(times_ns, row, window_ns=window_of(45.0, 90.0))
        found.append((fit.values["tau_decay_s"], fit.errors["tau_decay_s"]))
    value, error = np.array(found).T
    bound = cramer_rao_bound(*setting, 45.0, 90.0)
    print(f"spread {value.std() / bound:.3f}, error {error.mean() / bound:.3f} of the Cramer-Rao bound")
    assert value.std() < (1.03 + 2.0 / math.sqrt(2.0 * number)) * bound
    assert error.mean() < 1.03 * bound


@pytest.mark.slow
def test_profile_intervals_of_the_half_life_cover_the_truth():
    random = np.random.default_rng(33)
    number, covered = 150, 0
    for _ in range(number):
        times_ns, truth = experiment(random, 20.0, 300.0, 0.2, 1.0)
        low, high = fit_burst(times_ns, strongest(times_ns)).interval("tau_decay_s")
        covered += low < truth["tau_decay_s"] < high
    assert abs(covered / number - 0.683) < 4.0 * math.sqrt(0.683 * 0.317 / number)


@pytest.fixture(scope="module")
def one():
    times_ns, truth = experiment(np.random.default_rng(34), 20.0, 400.0, 0.25, 1.0)
    row = strongest(times_ns)
    return times_ns, truth, row, fit_burst(times_ns, row)


def plain_nll(times_s, length_s, x):
    b, n_r, tau_r, n_d, tau_d, t0 = x
    if min(b, n_r, n_d) <= 0.0 or min(tau_r, tau_d) < 0.02 or not 0.0 < t0 < length_s:
        return math.inf
    before = times_s < t0
    rate = b + np.where(
        before,
        n_r / tau_r * np.exp(np.minimum(times_s - t0, 0.0) / tau_r),
        n_d / tau_d * np.exp(-np.maximum(times_s - t0, 0.0) / tau_d),
    )
    expected = b * length_s + n_r * -np.expm1(-t0 / tau_r) + n_d * -np.expm1((t0 - length_s) / tau_d)
    return expected - np.sum(np.log(rate))


def continuous(x):
    """All parameters from background, height at t0, both times and t0."""
    b, height, tau_r, tau_d, t0 = x
    return np.array([b, height * tau_r, tau_r, height * tau_d, tau_d, t0])


def test_the_minimum_is_that_of_the_plain_likelihood(one):
    times_ns, _, row, fit = one
    low, high = row["window_begin_ns"], row["window_end_ns"]
    times_s = (times_ns[(times_ns >= low) & (times_ns < high)] - low) * 1e-9
    length_s = (high - low) * 1e-9
    found = np.array([fit.values[name] for name in fit.names[:5]] + [(fit.values["t0_ns"] - low) * 1e-9])
    height = found[3] / found[4]
    assert found[1] / found[2] == pytest.approx(height)

    # A kernel that were off by anything, or a t0 that were not the best, would show here.
    assert plain_nll(times_s, length_s, found) == pytest.approx(fit.nll, abs=1e-6)
    lowest = math.inf
    start = np.log([found[0], height, found[2], found[4]])
    for shift_s in np.linspace(-0.3, 0.3, 13):
        t0 = found[5] + shift_s
        best = optimize.minimize(
            lambda x, t0=t0: plain_nll(times_s, length_s, continuous(np.append(np.exp(x), t0))),
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 3000, "maxfev": 3000},
        )
        lowest = min(lowest, best.fun)
        if shift_s == 0.0:
            errors = np.array([fit.errors[name] for name in ("background_Hz", "tau_rise_s", "tau_decay_s")])
            np.testing.assert_array_less(np.abs(np.exp(best.x[[0, 2, 3]]) - found[[0, 2, 4]]), 1e-3 * errors)
    assert fit.nll < lowest + 1e-6


@pytest.mark.parametrize("setting", [(2.0, 150.0), (20.0, 300.0), (100.0, 1500.0), (20.0, 10_000.0)])
def test_no_other_t0_is_better(setting):
    """A rate that is continuous at t0 is likeliest at an event: all events around are tried."""
    random = np.random.default_rng(48)
    for _ in range(3):
        times_ns, _ = experiment(random, *setting, 0.2, 1.0)
        fit = fit_burst(times_ns, strongest(times_ns))
        problem, best = fit.profile.problem, fit.profile.best
        reach_s = 3e-9 * fit.errors["t0_ns"]
        around = problem.times_s[np.abs(problem.times_s - best.x[5]) < reach_s]
        edges = problem.profile(around, best.x, 1e-5)
        regular = edges.x[:, 2] > problem.low[2] + 1.0  # a rise of a few pulses is a coincidence
        assert np.count_nonzero(regular) > 5
        assert fit.nll < edges.nll[regular].min() + 1e-6


def test_the_minimum_is_that_of_minuit():
    iminuit = pytest.importorskip("iminuit")
    random = np.random.default_rng(49)
    for setting in [(2.0, 150.0), (20.0, 400.0), (100.0, 2000.0)]:
        times_ns, _ = experiment(random, *setting, 0.2, 1.0)
        row = strongest(times_ns)
        fit = fit_burst(times_ns, row)
        low = row["window_begin_ns"]
        inside = times_ns[(times_ns >= low) & (times_ns < row["window_end_ns"])]
        times_s, length_s = (inside - low) * 1e-9, (row["window_end_ns"] - low) * 1e-9
        t0_s = (fit.values["t0_ns"] - low) * 1e-9
        names = ("background_Hz", "tau_rise_s", "tau_decay_s")
        start = [
            fit.values[names[0]],
            fit.values["n_decay"] / fit.values["tau_decay_s"],
            *(fit.values[n] for n in names[1:]),
        ]
        theirs = iminuit.Minuit(
            lambda x, t=times_s, w=length_s, t0=t0_s: plain_nll(t, w, continuous(np.append(np.exp(x), t0))),
            np.log(start) + 0.05,
        )
        theirs.errordef, theirs.strategy, theirs.tol = 0.5, 2, 1e-4
        theirs.migrad()
        assert abs(theirs.fval - fit.nll) < 1e-6
        found = np.exp(np.array(theirs.values)[[0, 2, 3]])
        errors = [fit.errors[name] for name in names]
        np.testing.assert_array_less(np.abs(found - [fit.values[name] for name in names]), 1e-3 * np.array(errors))


def test_a_jump_is_believed_when_the_data_demand_it():
    random = np.random.default_rng(44)
    t = np.concatenate(
        [
            random.uniform(0.0, DURATION_S, 2800),
            T0_S - random.exponential(0.3, 100),
            T0_S + random.exponential(1.2, 1400),
        ]
    )
    times_ns = START_NS + np.sort((t * 1e9).astype(np.int64))
    fit = fit_burst(times_ns, strongest(times_ns))
    assert fit.valid, fit.reason
    rise, decay = (fit.values[f"n_{side}"] / fit.values[f"tau_{side}_s"] for side in ("rise", "decay"))
    assert rise < 0.5 * decay
    assert abs(fit.values["t0_ns"] - START_NS - int(T0_S * 1e9)) < 10_000_000
    assert abs(fit.values["tau_decay_s"] - 1.2) < 4.0 * fit.errors["tau_decay_s"]
    for name in NAMES[:6]:
        low, high = fit.interval(name)
        assert low - 256 <= fit.values[name] <= high + 256
        assert fit.profile(name, fit.values[name] + fit.errors[name]) > fit.nll - 1e-3


def test_names_errors_and_covariance_belong_together(one):
    _, _, row, fit = one
    assert fit.names == NAMES[:6]
    assert set(fit.values) == set(fit.errors) == set(NAMES)
    np.testing.assert_allclose(np.sqrt(fit.covariance.diagonal()), [fit.errors[name] for name in fit.names])
    assert np.all(np.linalg.eigvalsh(fit.covariance / np.sqrt(np.outer(*2 * [fit.covariance.diagonal()]))) > 0.0)
    assert fit.values["half_life_s"] == pytest.approx(math.log(2.0) * fit.values["tau_decay_s"])
    assert fit.values["n_total"] == pytest.approx(fit.values["n_rise"] + fit.values["n_decay"])
    assert fit.errors["n_total"] < fit.errors["n_decay"] + fit.errors["n_rise"]
    assert isinstance(fit.values["t0_ns"], int)
    assert fit.significance == row["significance"]
    assert fit.valid, fit.reason
    assert "half_life_s" in str(fit)


@pytest.mark.parametrize("name", NAMES[:6])
def test_profile_intervals_surround_the_estimate(one, name):
    fit = one[3]
    low, high = fit.interval(name)
    resolution = (
        256.0 if name == "t0_ns" else 0.0
    )  # of a double; an end may lie where the likelihood jumps, beside the best
    assert low - resolution <= fit.values[name] <= high + resolution
    if name in ("background_Hz", "tau_decay_s"):  # the others follow t0 and are not Gaussian
        assert 0.6 < (high - low) / (2.0 * fit.errors[name]) < 1.5


def test_the_profile_is_nowhere_below_the_minimum(one):
    fit = one[3]
    for name in NAMES[:6]:
        for step in (-1.0, -0.3, 0.0, 0.3, 1.0):
            assert fit.profile(name, fit.values[name] + step * fit.errors[name]) > fit.nll - 1e-3
    assert fit.profile("tau_decay_s", -1.0) == math.inf


def test_the_model_rate_is_the_one_that_was_fitted(one):
    times_ns, _, row, fit = one
    low, high = row["window_begin_ns"], row["window_end_ns"]
    edges = np.linspace(0, high - low, 400_001).astype(np.int64) + low
    expected = np.sum(burst_rate_Hz(fit.values, (edges[1:] + edges[:-1]) // 2) * np.diff(edges) * 1e-9)
    inside = np.sum((times_ns >= low) & (times_ns < high))
    assert expected == pytest.approx(inside, rel=1e-3)  # an extended likelihood is best where the totals agree


def test_the_answer_does_not_depend_on_where_time_begins(one):
    times_ns, _, row, fit = one
    shifted = {name: value - START_NS if name.endswith("_ns") else value for name, value in row.items()}
    again = fit_burst(times_ns - START_NS, shifted)
    assert again.values["t0_ns"] == fit.values["t0_ns"] - START_NS
    assert again.values["tau_decay_s"] == fit.values["tau_decay_s"]


def test_a_given_window_is_kept(one):
    times_ns, _, row, fit = one
    window = (row["onset_ns"] - 8_000_000_000, row["onset_ns"] + 15_000_000_000)
    bare = {name: row[name] for name in ("timestamp_ns", "onset_ns", "end_ns")}
    narrow = fit_burst(times_ns, bare, window_ns=window)
    outside = (times_ns < window[0]) | (times_ns >= window[1])
    outside[[0, -1]] = False
    assert fit_burst(times_ns[~outside], bare, window_ns=window).values == narrow.values
    assert abs(narrow.values["half_life_s"] - fit.values["half_life_s"]) < fit.errors["half_life_s"]
    assert math.isnan(narrow.significance)


def test_a_neighbour_outside_the_window_changes_nothing():
    random = np.random.default_rng(35)
    times_ns, truth = experiment(random, 50.0, 800.0, 0.2, 1.0)
    next_ns = START_NS + 86_000_000_000 + np.sort((random.exponential(1.0, 3000) * 1e9).astype(np.int64))
    both = np.sort(np.concatenate([times_ns, next_ns]))
    found = find_bursts(both)
    assert found.height == 2
    fit = fit_burst(both, found.row(0, named=True))
    assert fit.valid, fit.reason
    assert abs(fit.values["half_life_s"] - truth["half_life_s"]) < 4.0 * fit.errors["half_life_s"]


def window_of(begin_s, end_s):
    return START_NS + int(begin_s * 1e9), START_NS + int(end_s * 1e9)


def row_at(onset_s, apex_s, end_s):
    names = ("onset_ns", "timestamp_ns", "end_ns")
    return {name: START_NS + int(s * 1e9) for name, s in zip(names, (onset_s, apex_s, end_s), strict=True)}


def test_a_burst_cut_by_the_end_of_the_data_is_not_valid():
    times_ns, _ = experiment(np.random.default_rng(36), 20.0, 2000.0, 0.2, 1.0, until_s=T0_S + 1.0)
    fit = fit_burst(times_ns, strongest(times_ns))
    assert not fit.valid
    assert "the data end" in fit.reason


def test_a_burst_cut_by_the_beginning_of_the_data_is_not_valid():
    times_ns, _ = experiment(np.random.default_rng(37), 20.0, 2000.0, 0.4, 1.0, begin_s=T0_S - 0.3)
    fit = fit_burst(times_ns, strongest(times_ns))
    assert not fit.valid
    assert "the data begin" in fit.reason


def test_a_window_that_ends_in_the_decay_is_not_valid():
    times_ns, _ = experiment(np.random.default_rng(38), 20.0, 2000.0, 0.2, 1.0)
    fit = fit_burst(times_ns, row_at(59.5, 60.0, 61.5), window_ns=window_of(40.0, 61.8))
    assert not fit.valid
    assert "no decay visible" in fit.reason


def test_background_alone_is_not_valid():
    times_ns, _ = experiment(np.random.default_rng(39), 20.0, 0.0, 0.2, 1.0)
    fit = fit_burst(times_ns, row_at(59.5, 60.0, 62.0))
    assert not fit.valid


@pytest.mark.parametrize("pulses", [0, 1, 10])
def test_a_few_pulses_are_not_valid_and_have_no_numbers(pulses):
    times_ns = START_NS + np.sort(np.random.default_rng(40).integers(58 * 10**9, 64 * 10**9, pulses))
    fit = fit_burst(times_ns, row_at(59.5, 60.0, 62.0))
    assert "too few pulses" in fit.reason
    assert math.isnan(fit.values["half_life_s"])
    assert "NOT VALID" in str(fit)


def test_a_shape_that_is_no_burst_is_not_valid():
    random = np.random.default_rng(41)
    flat = START_NS + (random.uniform(58.0, 66.0, 4000) * 1e9).astype(np.int64)
    times_ns = np.sort(np.concatenate([experiment(random, 20.0, 0.0, 0.2, 1.0)[0], flat]))
    fit = fit_burst(times_ns, strongest(times_ns))
    assert not fit.valid
    assert "does not describe" in fit.reason


def test_a_rise_that_is_not_seen_has_no_error_but_the_half_life_has():
    """Without any rise n_rise falls to its limit in about half of all bursts; the decay must stay as good."""
    random = np.random.default_rng(42)
    unseen = 0
    for _ in range(12):
        t = np.concatenate([random.uniform(0.0, DURATION_S, 700), T0_S + random.exponential(1.0, 500)])
        times_ns = START_NS + np.sort((t * 1e9).astype(np.int64))
        fit = fit_burst(times_ns, strongest(times_ns))
        assert fit.valid, fit.reason
        assert abs(fit.values["tau_decay_s"] - 1.0) < 5.0 * fit.errors["tau_decay_s"]
        unseen += math.isnan(fit.errors["tau_rise_s"])
        assert math.isnan(fit.errors["n_rise"]) == math.isnan(fit.errors["tau_rise_s"])
    assert unseen > 0


def test_mistakes_get_one_sentence(one):
    times_ns, _, row, _ = one
    with pytest.raises(InputError, match="needs 'onset_ns'"):
        fit_burst(times_ns, {"timestamp_ns": 0, "end_ns": 1})
    with pytest.raises(InputError, match="ends after it begins"):
        fit_burst(times_ns, row, window_ns=(10, 10))
    with pytest.raises(InputError, match="not sorted"):
        fit_burst(times_ns[::-1], row)


# --- Bursts that overlap.


def two_bursts(random, apart_s, pulses):
    """A burst of 1000 pulses at 60 s, and another behind it."""
    times_ns, _ = experiment(random, 20.0, 1000.0, 0.2, 1.0)
    rise, decay = random.poisson(pulses / 6.0), random.poisson(pulses * 5.0 / 6.0)
    second_s = np.concatenate([-random.exponential(0.2, rise), random.exponential(1.0, decay)]) + T0_S + apart_s
    return np.sort(np.concatenate([times_ns, START_NS + (second_s * 1e9).astype(np.int64)]))


def overlap_pulls(number, seed, apart_s, pulses):
    random = np.random.default_rng(seed)
    table, refused = [], []
    for _ in range(number):
        times_ns = two_bursts(random, apart_s, pulses)
        fits = fit_overlapping(times_ns, strongest(times_ns))
        assert len(fits) == 2
        if not all(fit.valid for fit in fits):  # each test of a burst has chance against it now and then
            refused.append(fits[0].reason)
            continue
        truths = [{"tau_decay_s": 1.0, "n_total": n} for n in (1000.0, pulses)]
        table.append(
            [(f.values[n] - truth[n]) / f.errors[n] for f, truth in zip(fits, truths, strict=True) for n in truth]
        )
    assert len(refused) <= 0.01 * number + 2.0 * math.sqrt(0.01 * number), refused
    return np.array(table)


def test_bursts_that_overlap_are_fitted_together():
    table = overlap_pulls(12, 51, 3.0, 800.0)
    assert np.all(np.abs(table.mean(axis=0)) < 4.0 / math.sqrt(12))
    assert np.abs(table).max() < 5.0


@pytest.mark.slow
@pytest.mark.parametrize(("apart_s", "pulses"), [(3.0, 800.0), (5.0, 300.0)])
def test_pulls_of_bursts_that_overlap_are_of_mean_0_and_width_1(apart_s, pulses):
    number = 200
    table = overlap_pulls(number, 52, apart_s, pulses)
    print(table.mean(axis=0).round(2), table.std(axis=0).round(2))
    assert np.all(np.abs(table.mean(axis=0)) < 0.1 + 4.0 / math.sqrt(number))
    assert np.all(np.abs(table.std(axis=0) - 1.0) < 0.05 + 4.0 / math.sqrt(2.0 * number))


def test_a_fit_of_two_names_both_bursts():
    times_ns = two_bursts(np.random.default_rng(53), 3.0, 800.0)
    row = strongest(times_ns)
    fit = fit_burst(times_ns, row)
    first, second = fit_overlapping(times_ns, row)
    assert fit.values in (first.values, second.values)
    assert abs(fit.values["t0_ns"] - row["timestamp_ns"]) < 1_000_000_000
    assert first.values["half_life_2_s"] == second.values["half_life_s"]
    assert second.errors["n_total_2"] == pytest.approx(first.errors["n_total"])
    assert first.names[6:] == ("n_rise_2", "tau_rise_2_s", "n_decay_2", "tau_decay_2_s", "t0_2_ns")
    np.testing.assert_allclose(np.sqrt(first.covariance.diagonal()), [first.errors[name] for name in first.names])
    for name in ("tau_decay_s", "tau_decay_2_s", "n_decay"):
        low, high = first.interval(name)
        assert low < first.values[name] < high
        assert 0.6 < (high - low) / (2.0 * first.errors[name]) < 1.6
    window = row["window_begin_ns"], row["window_end_ns"]
    edges = np.linspace(*window, 100_001).astype(np.int64)
    inside = np.sum((times_ns >= window[0]) & (times_ns < window[1]))
    assert expected_pulses(fit.values, edges).sum() == pytest.approx(inside, rel=1e-4)
    middle = (edges[1:] + edges[:-1]) // 2
    assert np.sum(burst_rate_Hz(fit.values, middle) * np.diff(edges)) * 1e-9 == pytest.approx(inside, rel=1e-3)


def test_one_burst_is_hardly_ever_taken_for_two():
    random = np.random.default_rng(54)
    for _ in range(60):
        times_ns, _ = experiment(random, 50.0, 3000.0, 0.3, 1.0)
        assert len(fit_overlapping(times_ns, strongest(times_ns))) == 1


# --- Dead time.

DEAD_S = 2e-5


def seen(times_ns, dead_s, extending=False):
    """What a detector sees that is blind behind each pulse."""
    kept, blind_until = [], -math.inf
    for t in times_ns.tolist():
        if t >= blind_until:
            kept.append(t)
            blind_until = t + dead_s * 1e9
        elif extending:
            blind_until = t + dead_s * 1e9
    return np.array(kept, dtype=np.int64)


def test_fits_are_corrected_for_dead_time():
    random = np.random.default_rng(46)
    pulls_with, pulls_without = [], []
    for _ in range(12):
        times_ns, truth = experiment(random, 50.0, 10_000.0, 0.2, 1.0)
        counted = seen(times_ns, DEAD_S)
        assert counted.size < times_ns.size - 600  # 8300 per s at the top
        row = strongest(counted)
        fit = fit_burst(counted, row, dead_time_s=DEAD_S)
        assert fit.valid, fit.reason
        without = fit_burst(counted, row)
        for pulls, answer in ((pulls_with, fit), (pulls_without, without)):
            pulls.append([(answer.values[n] - truth[n]) / answer.errors[n] for n in ("half_life_s", "n_total")])
    assert np.all(np.abs(np.mean(pulls_with, axis=0)) < 4.0 / math.sqrt(12))
    assert np.all(np.abs(np.mean(pulls_without, axis=0)) > 2.0)


@pytest.mark.parametrize("extending", [False, True])
def test_rates_are_corrected_for_dead_time(extending):
    random = np.random.default_rng(47)
    true_Hz, duration_s = 10_000.0, 20.0
    times_ns = np.sort((random.uniform(0.0, duration_s, random.poisson(true_Hz * duration_s)) * 1e9).astype(np.int64))
    counted_Hz = seen(times_ns, DEAD_S, extending).size / duration_s
    corrected = float(true_rate_Hz(counted_Hz, DEAD_S, extending=extending))
    assert abs(corrected - true_Hz) < 5.0 * math.sqrt(true_Hz / duration_s) * 1.3
    rates = np.array([0.0, 1.0, 1e3, 3e4])
    again = true_rate_Hz(measured_rate_Hz(rates, DEAD_S, extending=extending), DEAD_S, extending=extending)
    np.testing.assert_allclose(again, rates, rtol=1e-9)
    assert true_rate_Hz(5.0, 0.0, extending=extending) == 5.0


@pytest.mark.parametrize(
    ("rate_Hz", "dead_s", "extending", "sentence"),
    [
        (60_000.0, DEAD_S, False, "no more than 50000 pulses per s"),
        (20_000.0, DEAD_S, True, "no more than 18394 pulses per s"),
        (-1.0, DEAD_S, False, "not negative"),
        (1.0, -1.0, False, "at least 0 and less than 0.001 s"),
    ],
)
def test_impossible_rates_get_one_sentence(rate_Hz, dead_s, extending, sentence):
    with pytest.raises(InputError, match=sentence):
        true_rate_Hz(rate_Hz, dead_s, extending=extending)


def test_an_impossible_dead_time_gets_one_sentence(one):
    times_ns, _, row, _ = one
    with pytest.raises(InputError, match=r"at least 0 and less than 0.001 s, not 1.0"):
        fit_burst(times_ns, row, dead_time_s=1.0)
