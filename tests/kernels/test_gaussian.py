"""The kernels of the 2D Gaussian equal their equations, written with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from utokyo.kernels.gaussian import best_box, pixel_profile, poisson_gaussian, summed_area

TRUTH = np.array([900.0, 9.3, 7.6, 2.1, 3.2, 4.0])
SHAPE = (17, 21)


def model(parameters: np.ndarray) -> np.ndarray:
    a, x0, y0, sx, sy, c = parameters
    x, y = (
        np.diff(stats.norm.cdf(np.arange(n + 1) - 0.5, m, s)) for n, m, s in ((SHAPE[1], x0, sx), (SHAPE[0], y0, sy))
    )
    return a * np.outer(y, x) + c


def nll_of(parameters: np.ndarray, image: np.ndarray, used: np.ndarray) -> float:
    mean = model(parameters)
    return float(np.sum((mean - image + special.xlogy(image, image / mean))[used.astype(bool)]))


def from_kernel(parameters: np.ndarray, image: np.ndarray, used: np.ndarray):
    a, x0, y0, sx, sy, c = parameters
    x, y = np.empty((3, SHAPE[1])), np.empty((3, SHAPE[0]))
    pixel_profile(x0, sx, x)
    pixel_profile(y0, sy, y)
    score, information = np.empty(6), np.empty((6, 6))
    return poisson_gaussian(image, used, x, y, a, c, score, information), score, information


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    image = random.poisson(model(TRUTH)).astype(float)
    image.flags.writeable = False
    return image, (random.random(SHAPE) > 0.1).astype(np.uint8)


def test_the_likelihood_is_the_poisson_one(data):
    for shift in (0.0, 0.3):
        nll, _, _ = from_kernel(TRUTH * (1 + shift), *data)
        assert nll == pytest.approx(nll_of(TRUTH * (1 + shift), *data), rel=1e-12)


def test_the_score_is_the_derivative_of_the_likelihood(data):
    at = TRUTH * 1.05
    _, score, _ = from_kernel(at, *data)
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-5 * at[k]
        numeric = (nll_of(at + step, *data) - nll_of(at - step, *data)) / (2 * step[k])
        assert score[k] == pytest.approx(numeric, rel=1e-6, abs=1e-7)


def test_the_information_is_the_expected_curvature(data):
    _, used = data
    _, _, information = from_kernel(TRUTH, model(TRUTH), used)
    derivatives = []
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-5 * TRUTH[k]
        derivatives.append(((model(TRUTH + step) - model(TRUTH - step)) / (2 * step[k]))[used.astype(bool)])
    expected = np.einsum("ap,bp,p->ab", derivatives, derivatives, 1 / model(TRUTH)[used.astype(bool)])
    np.testing.assert_allclose(information, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_a_mean_that_is_not_positive_is_infinitely_unlikely(data):
    assert from_kernel(np.array([-1e5, 9.0, 8.0, 2.0, 2.0, 1.0]), *data)[0] == np.inf


@pytest.mark.parametrize("half", [1, 3])
def test_the_best_box_is_the_one_of_brute_force(data, half):
    image, used = data
    table, area = np.empty((2, SHAPE[0] + 1, SHAPE[1] + 1))
    summed_area(image, used, table, area)
    z, row, column, excess = best_box(table, area, 4.0, half)

    def score(i: int, j: int) -> tuple[float, float]:
        box = np.s_[max(0, i - half) : i + half + 1, max(0, j - half) : j + half + 1]
        pixels = used[box].sum()
        found = (image * used)[box].sum() - 4.0 * pixels
        return (found / np.sqrt(4.0 * pixels), found) if pixels else (-np.inf, 0.0)

    everywhere = {(i, j): score(i, j) for i in range(SHAPE[0]) for j in range(SHAPE[1])}
    assert (z, excess) == pytest.approx(max(everywhere.values()))
    assert everywhere[row, column][0] == pytest.approx(z)
