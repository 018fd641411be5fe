"""What is summed over residuals, the inverse of information, and turned spots equal their equations in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from utokyo.engine.fits.images.deviance import STEPS_PER_ROOT, deviance_moments
from utokyo.kernels.images.residuals import block_dispersion, local_dispersion, residual_sums, saturated_likelihood
from utokyo.kernels.images.rotated import rotated_likelihood, rotated_spot
from utokyo.kernels.inverse import invert_information

SHAPE = (23, 31)
NONE = np.zeros((0, 0))


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    mean = random.uniform(0.2, 60.0, SHAPE)
    used = (random.random(SHAPE) > 0.1).astype(float)
    return random.poisson(mean) * used, used, mean


def test_the_saturated_likelihood_is_that_of_the_counts(data):
    counts = data[0]
    expected = float(np.sum(counts - special.xlogy(counts, counts)))
    assert saturated_likelihood(counts, np.empty((3, SHAPE[1]))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gain", [0.7, 2.0])
def test_the_sums_over_residuals(data, gain):
    counts, used, mean = data
    found = np.empty(9)
    residual_sums(counts, used, mean, gain, deviance_moments(), STEPS_PER_ROOT, found)
    r = used * (counts - mean) / np.sqrt(mean)
    across, along = used[:, 1:] * used[:, :-1], used[1:] * used[:-1]
    shared = np.sum(r[:, 1:] * r[:, :-1]) + np.sum(r[1:] * r[:-1])
    differences = np.sum(across * (r[:, 1:] - r[:, :-1]) ** 2) + np.sum(along * (r[1:] - r[:-1]) ** 2)
    expected = [np.sum(r**2), shared, across.sum() + along.sum(), differences / 2]
    np.testing.assert_allclose(found[:4], expected)
    np.testing.assert_allclose(found[6:], [used.sum(), np.sum((used * (counts - mean)) ** 2), np.sum(used * counts**2)])

    n = np.arange(400.0)
    mu = mean[..., None] / gain
    probability = np.exp(special.xlogy(n, mu) - mu - special.gammaln(n + 1))
    deviance = 2 * (mu - n + special.xlogy(n, n / mu))
    first = np.sum(probability * deviance, axis=-1)
    second = np.sum(probability * (deviance - first[..., None]) ** 2, axis=-1)
    np.testing.assert_allclose(found[4:6], [np.sum(used * first), np.sum(used * second)], rtol=2e-3)


def test_the_noise_of_squares_and_around_a_place(data):
    counts, used, mean = data
    chi_square, blocks = block_dispersion(counts, used, mean, 4)
    parts = ((used * array)[:20, :28].reshape(5, 4, 7, 4) for array in (counts - mean, mean))
    residual, variance = (part.sum(axis=(1, 3)) for part in parts)
    assert blocks == 35
    assert chi_square == pytest.approx(np.sum(residual**2 / variance))

    y, x = np.indices(SHAPE)
    near = (((x - 12.3) / 5.0) ** 2 + ((y - 9.1) / 3.0) ** 2 <= 4.0) & (used > 0)
    chi_square, pixels = local_dispersion(counts, used, mean, 12.3, 9.1, 5.0, 3.0, 2.0)
    assert pixels == near.sum()
    assert chi_square == pytest.approx(np.sum(((counts - mean) ** 2 / mean)[near]))


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_the_inverse_is_the_inverse(n, seed):
    random = np.random.default_rng(seed)
    size = 10.0 ** random.uniform(-5, 5, n)
    part = random.normal(size=(n, 2 * n + 2))
    matrix = part @ part.T * np.outer(size, size)
    out = np.empty((n, n))
    assert invert_information(matrix, out)
    np.testing.assert_allclose(out * np.outer(size, size) @ (matrix / np.outer(size, size)), np.eye(n), atol=1e-7)


SINGULAR = [np.zeros((3, 3)), np.ones((3, 3)), np.diag([1.0, -1.0, 1.0]), np.full((3, 3), np.nan)]


@pytest.mark.parametrize("matrix", SINGULAR)
def test_what_has_no_inverse_is_told(matrix):
    out = np.empty((3, 3))
    assert not invert_information(matrix, out)
    assert np.all(np.isnan(out))


def test_a_turned_spot_is_the_integral_over_each_pixel():
    spot = np.empty((9, 9))
    s_xx, s_xy, s_yy = 2.0, 0.7, 1.2
    rotated_spot(4.2, 3.9, s_xx, s_xy, s_yy, spot)
    inverse = np.linalg.inv([[s_xx, s_xy], [s_xy, s_yy]])
    unit = 1.0 / (2 * np.pi * np.sqrt(s_xx * s_yy - s_xy**2))

    def density(y: float, x: float) -> float:
        d = np.array([x - 4.2, y - 3.9])
        return float(unit * np.exp(-0.5 * d @ inverse @ d))

    for i, j in ((4, 4), (3, 5), (6, 2)):
        expected = integrate.dblquad(density, j - 0.5, j + 0.5, i - 0.5, i + 0.5)[0]
        assert spot[i, j] == pytest.approx(expected, abs=1e-5 * spot.max())


@pytest.mark.parametrize("with_reference", [False, True])
def test_score_and_information_of_a_turned_spot(with_reference):
    random = np.random.default_rng(5)
    reference = random.uniform(1.0, 9.0, SHAPE) if with_reference else NONE
    at = np.array([900.0, 14.3, 11.6, 6.0, 1.5, 4.0, 4.0, 0.7])[: 8 if with_reference else 7]

    def mean_of(parameters: np.ndarray) -> np.ndarray:
        spot = np.empty(SHAPE)
        rotated_spot(*parameters[1:6], spot)
        light = parameters[7] * reference if with_reference else 0.0
        return parameters[0] * spot + parameters[6] + light

    used = (random.random(SHAPE) > 0.1).astype(float)
    image = random.poisson(mean_of(at)) * used
    totals = np.array([image.sum(), used.sum(), 0.0, 0.0, 1.0, 0.0])
    n = at.size
    score, information = np.empty(n), np.empty((n, n))
    nll = rotated_likelihood(image, used, reference, totals, at, score, information)
    mean = mean_of(at)
    assert nll == pytest.approx(np.sum(used * mean - special.xlogy(image, mean)), rel=1e-10)
    derivatives = []
    for k in range(n):
        step = np.zeros(n)
        step[k] = 1e-5 * at[k]
        derivatives.append((mean_of(at + step) - mean_of(at - step)) / (2 * step[k]))
    pull = used * (1 - image / mean)
    np.testing.assert_allclose(score, [np.sum(pull * d) for d in derivatives], rtol=1e-3, atol=1e-4)
    expected = np.einsum("aij,bij,ij->ab", derivatives, derivatives, used / mean)
    np.testing.assert_allclose(information, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_a_matrix_that_is_no_covariance_is_infinitely_unlikely():
    at = np.array([900.0, 14.3, 11.6, 1.0, 2.0, 1.0, 4.0])
    image = np.ones(SHAPE)
    nll = rotated_likelihood(image, image, NONE, np.zeros(2), at, np.empty(7), np.empty((7, 7)))
    assert nll == np.inf
