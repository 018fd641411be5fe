"""A `Fit` prints the digits that its errors justify, and its intervals are those of the likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import Fit
from utokyo.engine.fits.minimize import covariance_from, minimize_likelihood
from utokyo.engine.fits.rounding import rounded


def parabola(name: str, value: float) -> float:
    return 7.0 + 0.5 * ((value - 2.0) / 0.25) ** 2 if name == "a" else math.nan


FIT = Fit(
    values={"a": 2.0, "t0_ns": 1_663_503_945_161_078_431, "half_life_s": 0.68247},
    errors={"a": 0.25, "t0_ns": 12_345_678.0, "half_life_s": 0.01234},
    covariance=np.diag([0.0625]),
    names=("a",),
    nll=7.0,
    deviance=101.5,
    ndof=100,
    profile=parabola,
)


def test_a_fit_prints_itself_with_rounded_errors():
    assert str(FIT) == (
        "valid; deviance / ndof = 101.5 / 100, p = 0.44\n"
        "  a           =                    2.00 ± 0.25\n"
        "  t0_ns       = 2022-09-18 12:25:45.161 ± 0.012 s\n"
        "  half_life_s =                   0.682 ± 0.012"
    )


def test_a_notebook_shows_the_same_numbers():
    shown = FIT._repr_html_()
    assert "<td>half_life_s</td><td>0.682</td><td>&plusmn; 0.012</td>" in shown


def test_a_fit_that_is_not_valid_says_why_first():
    bad = Fit({"a": 1.0}, {"a": math.nan}, np.full((1, 1), math.nan), ("a",), 0.0, reasons=("too few pulses", "cut"))
    assert not bad.valid
    assert str(bad).startswith("NOT VALID: too few pulses; cut\n")
    assert math.isnan(bad.p_value)


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (0.68247, 0.01234, ("0.682", "0.012")),
        (61234.5, 512.0, ("61230", "510")),
        (3.5e-13, 2.31e-14, ("3.50e-13", "0.23e-13")),
        (-0.004, 1.0, ("-0.0", "1.0")),
        (5.0, math.nan, ("5", "?")),
        (math.nan, 1.0, ("nan", "1")),
        (5.0, 0.0, ("5", "0")),
        (99.96, 0.096, ("99.960", "0.096")),
    ],
)
def test_value_and_error_end_at_the_same_place(value, error, shown):
    assert rounded(value, error) == shown


@pytest.mark.parametrize(("cl", "sigmas"), [(0.6827, 1.0), (0.9545, 2.0)])
def test_intervals_of_a_parabola_are_its_standard_deviations(cl, sigmas):
    low, high = FIT.interval("a", cl)
    assert low == pytest.approx(2.0 - sigmas * 0.25, abs=1e-3)
    assert high == pytest.approx(2.0 + sigmas * 0.25, abs=1e-3)


def test_an_interval_may_be_open_at_an_end():
    one_sided = Fit({"a": 2.0}, {"a": 1.0}, np.eye(1), ("a",), 0.0, profile=lambda _, x: max(0.0, x - 2.0) ** 2)
    low, high = one_sided.interval("a")
    assert low == -math.inf
    assert high == pytest.approx(2.0 + math.sqrt(0.5), abs=0.01)


def test_intervals_of_what_was_not_fitted_are_refused():
    with pytest.raises(ValueError, match="no profile likelihood of 'b'"):
        FIT.interval("b")
    with pytest.raises(ValueError, match="between 0 and 1"):
        FIT.interval("a", 1.5)


def test_the_minimum_of_parameters_of_very_different_size_is_found():
    size = np.array([1e-6, 1.0, 1e6])
    best = np.array([3.0, -2.0, 5.0]) * size
    matrix = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 3.0]]) / np.outer(size, size)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        shift = x - best
        return float(0.5 * shift @ matrix @ shift), matrix @ shift, matrix

    minimum = minimize_likelihood(objective, np.zeros(3), size)

    assert minimum.converged
    np.testing.assert_allclose(minimum.x, best, rtol=1e-5)
    product = covariance_from(minimum.information) @ matrix * size / size[:, np.newaxis]
    np.testing.assert_allclose(product, np.eye(3), atol=1e-9)


def test_a_likelihood_without_a_minimum_does_not_converge():
    minimum = minimize_likelihood(lambda x: (float(x[0]), np.ones(1), np.zeros((1, 1))), np.zeros(1), np.ones(1))
    assert not minimum.converged


def test_a_matrix_that_is_not_positive_has_no_covariance():
    for matrix in (np.zeros((2, 2)), np.diag([1.0, -1.0]), np.ones((2, 2)), np.full((2, 2), np.inf)):
        assert np.all(np.isnan(covariance_from(matrix)))
