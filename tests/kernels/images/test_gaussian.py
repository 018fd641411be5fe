"""The kernels of the 2D Gaussian equal their equations, written with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from utokyo.kernels.images.fit import fit_spot
from utokyo.kernels.images.gaussian import BUFFER, pixel_profile, spot_likelihood, spot_mean

TRUTH = np.array([900.0, 9.3, 7.6, 2.1, 3.2, 4.0, 0.7])
SHAPE = (17, 21)
NONE = np.zeros((0, 0))


def model(parameters: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
    a, x0, y0, sx, sy, c = parameters[:6]
    x, y = (
        np.diff(stats.norm.cdf(np.arange(n + 1) - 0.5, m, s)) for n, m, s in ((SHAPE[1], x0, sx), (SHAPE[0], y0, sy))
    )
    return a * np.outer(y, x) + c + (0.0 if reference is None else parameters[6] * reference)


def nll_of(parameters: np.ndarray, image: np.ndarray, used: np.ndarray, reference: np.ndarray | None) -> float:
    mean = model(parameters, reference)
    return float(np.sum((mean - special.xlogy(image, mean))[used.astype(bool)]))


def from_kernel(parameters: np.ndarray, image: np.ndarray, used: np.ndarray, reference: np.ndarray | None):
    n = 6 if reference is None else 7
    score, information = np.empty(n), np.empty((n, n))
    work = np.empty((3, SHAPE[1])), np.empty((3, SHAPE[0])), np.empty((3, SHAPE[1] + BUFFER))
    light = NONE if reference is None else reference
    totals = np.array([image.sum(), used.sum(), 0.0, 0.0, 1.0, 0.0])
    nll = spot_likelihood(image, used, light, totals, parameters[:n], *work, score, information)
    return nll, score, information


@pytest.fixture(params=["flat", "reference"])
def data(request) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    random = np.random.default_rng(5)
    reference = random.uniform(1.0, 9.0, SHAPE) if request.param == "reference" else None
    used = (random.random(SHAPE) > 0.1).astype(float)
    image = random.poisson(model(TRUTH, reference)) * used
    image.flags.writeable = False
    return image, used, reference


@pytest.mark.parametrize(
    ("centre", "sigma"), [(9.3, 2.1), (-0.5, 3.0), (20.5, 0.7), (0.0, 0.5), (-30.0, 4.0), (7.0, 90.0)]
)
def test_a_profile_is_the_integral_over_each_pixel(centre, sigma):
    profile = np.empty((3, 21))
    pixel_profile(centre, sigma, profile)
    edges = np.arange(22) - 0.5
    upper = np.where(edges[:-1] >= centre, -1.0, 1.0)  # tails as differences of tails, to keep their digits
    expected = (
        upper
        * np.diff(np.array([stats.norm.cdf(edges, centre, sigma), stats.norm.sf(edges, centre, sigma)]))[
            (upper < 0).astype(int), np.arange(21)
        ]
    )
    np.testing.assert_allclose(profile[0], expected, rtol=1e-9, atol=1e-17)
    step = 1e-6
    for k, (shift_c, shift_s) in enumerate(((step, 0.0), (0.0, step)), start=1):
        up, down = np.empty((3, 21)), np.empty((3, 21))
        pixel_profile(centre + shift_c, sigma + shift_s, up)
        pixel_profile(centre - shift_c, sigma - shift_s, down)
        np.testing.assert_allclose(profile[k], (up[0] - down[0]) / (2 * step), atol=1e-8)


def test_the_likelihood_is_the_poisson_one(data):
    for shift in (0.0, 0.3):
        nll, _, _ = from_kernel(TRUTH * (1 + shift), *data)
        assert nll == pytest.approx(nll_of(TRUTH * (1 + shift), *data), rel=1e-11)


def test_the_score_is_the_derivative_of_the_likelihood(data):
    at = TRUTH * 1.05
    _, score, _ = from_kernel(at, *data)
    for k in range(score.size):
        step = np.zeros(7)
        step[k] = 1e-5 * at[k]
        numeric = (nll_of(at + step, *data) - nll_of(at - step, *data)) / (2 * step[k])
        assert score[k] == pytest.approx(numeric, rel=1e-6, abs=1e-6)


def test_the_information_is_the_expected_curvature(data):
    _, used, reference = data
    _, _, information = from_kernel(TRUTH, model(TRUTH, reference) * used, used, reference)
    derivatives = []
    for k in range(information.shape[0]):
        step = np.zeros(7)
        step[k] = 1e-5 * TRUTH[k]
        up, down = model(TRUTH + step, reference), model(TRUTH - step, reference)
        derivatives.append(((up - down) / (2 * step[k]))[used.astype(bool)])
    expected = np.einsum("ap,bp,p->ab", derivatives, derivatives, 1 / model(TRUTH, reference)[used.astype(bool)])
    np.testing.assert_allclose(information, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_the_mean_is_that_of_the_model(data):
    _, _, reference = data
    parameters, light = (TRUTH[:6], NONE) if reference is None else (TRUTH, reference)
    mean = np.empty(SHAPE)
    spot_mean(parameters, light, np.empty((3, SHAPE[1])), np.empty((3, SHAPE[0])), mean)
    np.testing.assert_allclose(mean, model(TRUTH, reference), rtol=1e-12)


def test_a_mean_that_is_not_positive_is_infinitely_unlikely(data):
    assert from_kernel(np.array([-1e5, 9.0, 8.0, 2.0, 2.0, 1.0, 0.1]), *data)[0] == np.inf


def test_the_fit_arrives_where_the_score_is_zero(data):
    image, used, reference = data
    n = 6 if reference is None else 7
    parameters = TRUTH[:n] * 1.2
    score, information = np.empty(n), np.empty((n, n))
    light = NONE if reference is None else reference
    totals = np.array([image.sum(), used.sum(), 0.0, 0.0, 1.0, 0.0])
    nll, distance, steps = fit_spot(image, used, light, totals, parameters, 1e-9, 1e-8, 100, 0, score, information)
    assert distance < 1e-8
    assert steps < 30
    assert nll == pytest.approx(nll_of(np.append(parameters, 0.0)[:7], image, used, reference), rel=1e-11)
    np.testing.assert_allclose(score / np.sqrt(np.diagonal(information)), 0.0, atol=1e-7)


def test_the_centre_stays_within_the_image():
    # The tail of a spot that lies outside is an exponential, which a Gaussian far away fits ever better.
    y, x = np.indices(SHAPE)
    image = (
        np.random.default_rng(1).poisson(200.0 * np.exp(-x / 5.0) * np.exp(-((y - 8) ** 2) / 8.0) + 2.0).astype(float)
    )
    parameters = np.array([900.0, 2.0, 8.0, 4.0, 2.0, 2.0])
    _, distance, _ = fit_spot(
        image,
        np.ones(SHAPE),
        NONE,
        np.array([image.sum(), image.size, 0.0, 0.0, 1.0, 0.0]),
        parameters,
        1e-9,
        1e-6,
        100,
        0,
        np.empty(6),
        np.empty((6, 6)),
    )
    assert distance < 1e-6
    assert parameters[1] == -0.5
