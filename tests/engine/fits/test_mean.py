"""The error of a mean is right for independent and for correlated readings."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import special, stats
from scipy.signal import lfilter

from utokyo.engine.fits.mean import mean_with_error, student_factor

SERIES, READINGS = 400, 600


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.9])
def test_pulls_of_the_mean_have_width_one(correlation):
    random = np.random.default_rng(20220918)
    noise = random.normal(size=(SERIES, READINGS + 200))
    series = lfilter([1.0], [1.0, -correlation], noise, axis=1)[:, 200:]
    means = [mean_with_error(3.0 + s) for s in series]

    pulls = np.array([(m.value - 3.0) / m.error for m in means])

    assert abs(pulls.mean()) < 4 / math.sqrt(SERIES)
    assert pulls.std() == pytest.approx(1.0, abs=4 / math.sqrt(2 * SERIES))


def test_the_naive_error_would_be_far_too_small():
    random = np.random.default_rng(1)
    series = lfilter([1.0], [1.0, -0.9], random.normal(size=5000))
    mean = mean_with_error(series)
    assert mean.error > 3 * series.std() / math.sqrt(series.size)
    assert mean.effective_count < 0.15 * series.size


def test_too_few_values_have_no_error():
    assert math.isnan(mean_with_error(np.array([])).value)
    one = mean_with_error(np.array([2.0, np.nan]))
    assert one.value == 2.0
    assert math.isnan(one.error)


@pytest.mark.parametrize("count", [2, 3, 5, 30])
def test_the_error_of_few_values_covers_as_often_as_that_of_many(count):
    """Without Student's factor, two values covered in 50 % of cases."""
    series = np.random.default_rng(3).normal(size=(4000, count))
    means = [mean_with_error(s) for s in series]
    covered = np.mean([abs(m.value) < m.error for m in means])
    assert covered == pytest.approx(0.683, abs=4 * math.sqrt(0.683 * 0.317 / 4000) + 0.02 * (count >= 20))


def test_the_factor_of_few_values_is_student_s_and_the_same_in_threads():
    counts = np.arange(2, 512)
    expected = stats.t(df=counts - 1.0).ppf(special.ndtr(1.0))
    with ThreadPoolExecutor(2) as pool:
        factors = list(pool.map(lambda _: student_factor(counts), range(200)))

    assert factors[0] == pytest.approx(np.where(counts <= 200, expected, factors[0]), rel=1e-8)
    assert factors[0] == pytest.approx(expected, rel=1e-5)
    assert all(np.array_equal(factor, factors[0]) for factor in factors)
