"""The lifetime of a MOT comes out of a series, with an error that is true."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo import InputError, fit_lifetime
from utokyo.engine.fits.lifetime import lifetime_curve

SEED = 20220918
START_NS = 1_663_503_939_000_000_000


def series(random: np.random.Generator, tau_s: float, n0: float = 1000.0, images: int = 40):
    times = START_NS + (np.sort(random.uniform(0.0, 30.0, images)) * 1e9).astype(np.int64)
    t0 = times[0]
    numbers = n0 * np.exp(-(times - t0) / 1e9 / tau_s) + 100.0
    errors = random.uniform(5.0, 30.0, images)
    return times, numbers + random.normal(0.0, errors), errors


@pytest.mark.parametrize("n0", [1000.0, -90.0])
def test_pulls_of_the_lifetime_have_mean_zero_and_width_one(n0):
    random = np.random.default_rng(SEED)
    pulls = []
    for _ in range(150):
        tau_s = random.uniform(3.0, 10.0)
        fit = fit_lifetime(*series(random, tau_s, n0 * 10 if n0 < 0 else n0))
        if fit.valid:
            pulls.append((fit.values["tau_s"] - tau_s) / fit.errors["tau_s"])
    assert len(pulls) >= 147  # of good series, a test refuses 0.5 %
    assert abs(np.mean(pulls)) < 4 / np.sqrt(150)
    assert abs(np.std(pulls) - 1) < 4 / np.sqrt(300)


def test_the_order_of_the_images_and_missing_numbers_do_not_matter():
    random = np.random.default_rng(SEED)
    times, numbers, errors = series(random, 6.0)
    fit = fit_lifetime(times, numbers, errors)
    order = random.permutation(times.size)
    again = fit_lifetime(
        np.append(times[order], START_NS), np.append(numbers[order], np.nan), np.append(errors[order], 1.0)
    )
    assert again.values["tau_s"] == pytest.approx(fit.values["tau_s"])
    low, high = fit.interval("tau_s")
    assert high - low == pytest.approx(2 * fit.errors["tau_s"], rel=0.1)
    np.testing.assert_allclose(lifetime_curve(fit.values, times), numbers, atol=5 * errors.max())


def test_without_errors_the_scatter_tells():
    random = np.random.default_rng(SEED)
    times, numbers, _ = series(random, 6.0)
    fit = fit_lifetime(times, numbers)
    assert fit.valid
    assert abs(fit.values["tau_s"] - 6.0) < 5 * fit.errors["tau_s"]
    assert fit.deviance == pytest.approx(fit.ndof)


def test_no_decay_and_a_series_too_short_are_told():
    random = np.random.default_rng(SEED)
    times, numbers, errors = series(random, 6.0, n0=0.0)
    assert "no decay" in fit_lifetime(times, numbers, errors).reason
    assert not fit_lifetime(*series(random, 500.0)).valid


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([1, 2, 3], [1.0, 2.0]), "differ in length"),
        (([1.5, 2.5], [1.0, 2.0]), "whole numbers of ns"),
        (([1, 2, 3], [1.0, 2.0, 3.0]), "five numbers"),
        (([1, 2, 3, 4, 5], [1.0] * 5, [0.0] * 5), "errors of MOT numbers are positive"),
    ],
)
def test_what_cannot_be_fitted_is_told_in_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_lifetime(*arguments)


def test_errors_that_are_estimated_from_few_numbers_have_students_factor():
    t_s = np.arange(8)
    numbers = 1000.0 * np.exp(-t_s / 3.0) + np.random.default_rng(7).normal(0.0, 20.0, 8)
    unknown = fit_lifetime(t_s * 1_000_000_000, numbers)
    scale = np.sqrt(fit_lifetime(t_s * 1_000_000_000, numbers, np.full(8, 20.0)).deviance / 5)
    known = fit_lifetime(t_s * 1_000_000_000, numbers, np.full(8, 20.0 * scale))
    assert unknown.errors["tau_s"] == pytest.approx(1.111 * known.errors["tau_s"], rel=1e-2)  # t of 5 degrees
    low, high = unknown.interval("tau_s")
    assert high - low == pytest.approx(2 * unknown.errors["tau_s"], rel=0.1)


@pytest.mark.parametrize("known", [True, False])
def test_a_number_that_is_far_from_all_others_is_left_out_and_counted(known):
    times, numbers, errors = series(np.random.default_rng(SEED), 6.0)
    errors[:] = 20.0
    random = np.random.default_rng(SEED)
    numbers = 1000.0 * np.exp(-(times - times[0]) / 6e9) + 100.0 + random.normal(0.0, errors)
    good = fit_lifetime(times, numbers, errors if known else None)
    numbers[10] += 8.0 * errors[10]
    fit = fit_lifetime(times, numbers, errors if known else None)
    assert fit.valid
    assert fit.values["outliers"] == 1
    assert "outliers" not in good.values
    assert abs(fit.values["tau_s"] - good.values["tau_s"]) < good.errors["tau_s"]


def test_numbers_below_a_limit_enter_as_such():
    t_s = np.linspace(0.0, 5.0, 60)
    numbers = 40.0 * np.exp(-t_s) + np.random.default_rng(4).normal(0.0, 1.0, t_s.size)
    faint = numbers < 4.0
    times_ns = (t_s * 1e9).astype(np.int64)
    seen, errors = np.where(faint, np.nan, numbers), np.ones(t_s.size)
    left_out = fit_lifetime(times_ns, seen, errors)
    limited = fit_lifetime(times_ns, seen, errors, limits=np.where(faint, 4.0, np.nan))
    assert limited.valid
    assert limited.errors["tau_s"] < left_out.errors["tau_s"]
    assert abs(limited.values["tau_s"] - 1.0) < 3.0 * limited.errors["tau_s"]
    low, high = limited.interval("tau_s")
    assert low < limited.values["tau_s"] < high
    assert high - low == pytest.approx(2 * limited.errors["tau_s"], rel=0.3)
    without = fit_lifetime(times_ns, seen, np.where(faint, np.nan, errors), limits=np.where(faint, 4.0, np.nan))
    assert without.values["tau_s"] == limited.values["tau_s"]  # the error of the others is taken


def test_limits_need_errors():
    with pytest.raises(InputError, match="limits of a lifetime need the errors"):
        fit_lifetime(np.arange(6), np.ones(6), limits=np.ones(6))


@pytest.mark.slow
@pytest.mark.parametrize(("images", "level"), [(60, 4.0), (120, 3.0)])
def test_limits_leave_no_bias(images, level):
    random = np.random.default_rng(11)
    t_s = np.linspace(0.0, 5.0, images)
    pulls = []
    for _ in range(200):
        numbers = 40.0 * np.exp(-t_s) + random.normal(0.0, 1.0, t_s.size)
        limits = np.where(numbers < level, level, np.nan)
        numbers[numbers < level] = np.nan
        fit = fit_lifetime((t_s * 1e9).astype(np.int64), numbers, np.ones(t_s.size), limits=limits)
        if fit.valid:
            pulls.append((fit.values["tau_s"] - 1.0) / fit.errors["tau_s"])
    assert len(pulls) >= 194
    assert abs(np.mean(pulls)) < 4.0 / np.sqrt(200)
    assert abs(np.std(pulls) - 1.0) < 4.0 / np.sqrt(400)


@pytest.mark.slow
@pytest.mark.parametrize("images", [10, 40])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("outlier", [0.0, 6.0])
def test_errors_of_lifetimes_cover(images, known, outlier):
    random = np.random.default_rng(12)
    t_s, trials, pulls = np.linspace(0.0, 4.0, images), 250, []
    for _ in range(trials):
        numbers = 60.0 * np.exp(-t_s) + 5.0 + random.normal(0.0, 1.0, images)
        numbers[random.integers(images)] += outlier * random.choice([-1.0, 1.0])
        fit = fit_lifetime((t_s * 1e9).astype(np.int64), numbers, np.ones(images) if known else None)
        if fit.valid:
            pulls.append((fit.values["tau_s"] - 1.0) / fit.errors["tau_s"])
    assert len(pulls) >= (0.98 if not outlier else 0.7) * trials
    # Errors that ten numbers tell make pulls of Student's t, of which one in 300 is beyond five.
    assert np.sum(np.abs(pulls) > 5.0) <= (4 if images == 10 and not known else 0)
    assert np.mean(np.abs(pulls) < 1.0) > (0.683 if not outlier else 0.62) - 3.0 * 0.03


@pytest.mark.slow
def test_a_second_lifetime_is_refused_where_it_matters():
    random = np.random.default_rng(13)
    t_s, refused = np.linspace(0.0, 6.0, 60), 0
    for _ in range(200):
        numbers = 200.0 * (0.9 * np.exp(-t_s) + 0.1 * np.exp(-t_s / 5.0)) + random.normal(0.0, 1.0, t_s.size)
        fit = fit_lifetime((t_s * 1e9).astype(np.int64), numbers, np.ones(t_s.size))
        refused += "second_lifetime" in fit.flags
    assert refused > 190


def two_lifetimes(random: np.random.Generator, part: float, size: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and numbers of 40 images, of which a part of the atoms stays three times longer."""
    t_s = np.linspace(0.0, 6.0, 40)
    curve = (1.0 - part) * np.exp(-t_s) + part * np.exp(-t_s / 3.0)
    return (t_s * 1e9).astype(np.int64), size * curve + random.normal(0.0, 1.0, t_s.size)


@pytest.mark.parametrize("known", [True, False])
def test_a_second_lifetime_that_may_be_there_is_in_the_errors(known):
    wider = []
    for seed in range(20):
        times_ns, numbers = two_lifetimes(np.random.default_rng(seed), 0.3)
        fit = fit_lifetime(times_ns, numbers, np.ones(40) if known else None)
        low, high = fit.interval("tau_s")
        assert high - low == pytest.approx(2 * fit.errors["tau_s"], rel=0.15)
        if "second_lifetime" in fit.values:
            assert fit.values["second_lifetime"] > 1.0
            wider.append(fit.errors["tau_s"])
    assert len(wider) > 15
    # The error of one lifetime alone is 0.028; that of both together would be 0.12.
    assert 0.04 < np.median(wider) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.0, 0.3])
def test_lifetimes_of_two_kinds_of_atoms_are_refused_or_their_errors_tell(part):
    random, wrong, refused = np.random.default_rng(14), 0, 0
    for _ in range(400):
        times_ns, numbers = two_lifetimes(random, part)
        fit = fit_lifetime(times_ns, numbers, np.ones(40))
        refused += "second_lifetime" in fit.flags
        wrong += fit.valid and abs(fit.values["tau_s"] - 1.0) > 5.0 * fit.errors["tau_s"]
    assert refused <= 9 if part == 0.0 else refused >= 70
    # Nearly all are off by more than five of the errors that one lifetime alone would have.
    assert wrong <= (0 if part == 0.0 else 120)
