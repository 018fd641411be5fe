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
        assert fit.valid, fit.reason
        pulls.append((fit.values["tau_s"] - tau_s) / fit.errors["tau_s"])
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
