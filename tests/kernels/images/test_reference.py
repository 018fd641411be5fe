"""The light behind a noisy reference is the most likely one, and its noise is in the information on s."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from utokyo.kernels.images.gaussian import BUFFER, spot_likelihood
from utokyo.kernels.images.reference import LEAST_MEAN, add_light, noise_of_light, true_light
from utokyo.kernels.images.rotated import rotated_likelihood

SHAPE = (24, 30)
SEED = 20220918
AT = np.array([900.0, 14.3, 11.6, 2.5, 2.0, 1.5, 0.8])


@numba.njit
def light_of(rest: float, counts: float, given: float, scale: float, frames: float) -> float:
    return true_light(rest, counts, given, scale, frames)


def unlikely(light: float, rest: float, counts: float, given: float, scale: float, frames: float) -> float:
    mean = rest + scale * light
    if mean <= 0.0 or light <= 0.0:
        return math.inf
    return float(mean - special.xlogy(counts, mean) + frames * light - special.xlogy(frames * given, light))


@given(
    rest=st.floats(0.01, 1e4),
    counts=st.integers(0, 10**5),
    given=st.floats(0.1, 1e4),
    scale=st.floats(-0.5, 5.0),
    frames=st.integers(1, 100),
)
def test_the_light_is_the_most_likely_one(rest, counts, given, scale, frames):
    pixel = (rest, float(counts), given, scale, float(frames))
    light = light_of(*pixel)
    best = unlikely(light, *pixel)
    for factor in (0.9, 0.999, 1.001, 1.1):
        assert best <= unlikely(light * factor, *pixel) + 1e-9 * abs(best)


def test_a_pixel_without_counts_in_the_reference_has_no_more_light_than_the_image_needs():
    assert light_of(5.0, 3.0, 0.0, 0.8, 4.0) == 0.0
    assert light_of(0.5, 60.0, 0.0, 0.8, 4.0) == pytest.approx((60.0 * 0.8 / 4.8 - 0.5) / 0.8)


def truth_of(light: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    a, x0, y0, sx, sy, c, s = parameters
    x = np.diff(special.ndtr((np.arange(SHAPE[1] + 1) - 0.5 - x0) / sx))
    y = np.diff(special.ndtr((np.arange(SHAPE[0] + 1) - 0.5 - y0) / sy))
    return a * np.outer(y, x) + c + s * light


def likelihood(image: np.ndarray, reference: np.ndarray, frames: int, shift: float, at: np.ndarray):
    totals = np.array([image.sum(), image.size, frames, shift, 1.0, 9.0])
    work = np.empty((3, SHAPE[1])), np.empty((3, SHAPE[0])), np.empty((3, SHAPE[1] + BUFFER))
    score, information = np.empty(7), np.empty((7, 7))
    used = np.ones(SHAPE)
    return spot_likelihood(image, used, reference, totals, at, *work, score, information), score, information


def data(random: np.random.Generator, frames: int, structure: float = 20.0):
    light = 30.0 + structure * np.sin(np.indices(SHAPE).sum(axis=0) / 3.0)
    return random.poisson(truth_of(light, AT)).astype(float), random.poisson(light, (frames, *SHAPE)).mean(axis=0)


@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_the_likelihood_is_that_of_image_and_reference_at_the_best_light(shift):
    image, reference = data(np.random.default_rng(SEED), 3)
    nll, _, _ = likelihood(image, reference, 3, shift, AT)
    rest = truth_of(np.zeros(SHAPE), AT) - AT[6] * shift
    total = 0.0
    for m, n, r in zip(rest.ravel(), image.ravel(), (reference + shift).ravel(), strict=True):
        best = optimize.minimize_scalar(unlikely, bounds=(1e-6, 500.0), args=(m, n, r, AT[6], 3.0), method="bounded")
        total += best.fun - (3.0 * r - special.xlogy(3.0 * r, r))
    assert nll == pytest.approx(total, rel=1e-8)


@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_the_score_is_the_derivative(shift):
    image, reference = data(np.random.default_rng(SEED), 3)
    _, score, _ = likelihood(image, reference, 3, shift, AT)
    for k in range(AT.size):
        step = np.where(np.arange(AT.size) == k, 1e-5 * AT, 0.0)
        up, down = (likelihood(image, reference, 3, shift, AT + s)[0] for s in (step, -step))
        assert score[k] == pytest.approx((up - down) / (2 * step[k]), rel=1e-4, abs=1e-4)


def test_information_and_doubt_are_what_the_score_of_s_does_in_many_images():
    random = np.random.default_rng(SEED)
    images = 1500
    scores, of_each, doubts = [], [], []
    for _ in range(images):
        image, reference = data(random, 2, structure=3.0)
        _, score, information = likelihood(image, reference, 2, 0.0, AT)
        scores.append(score)
        of_each.append(information)
        mean = truth_of(reference, AT)
        left, doubt = noise_of_light(reference, np.ones(SHAPE), mean, AT[6], 2.0, 0.0)
        doubts.append(doubt)
    assert left == pytest.approx(np.sum(mean / (mean + AT[6] ** 2 * reference / 2.0)))
    information = np.mean(of_each, axis=0)
    # s less what the other parameters do
    others = np.linalg.solve(information[:6, :6], information[:6, 6])
    efficient = np.array(scores) @ np.append(-others, 1.0)
    known = information[6, 6] - information[:6, 6] @ others
    doubt = float(np.mean(doubts))
    assert doubt > known  # the light has hardly any structure
    assert np.var(efficient) == pytest.approx(known + doubt, rel=4 * math.sqrt(2 / images))
    assert abs(np.mean(efficient)) < 4 * math.sqrt((known + doubt) / images) + 0.02 * known
    size = np.sqrt(np.diagonal(information)[:6])
    expected = information[:6, :6] / np.outer(size, size)
    np.testing.assert_allclose(np.cov(np.array(scores).T)[:6, :6] / np.outer(size, size), expected, atol=0.15)


def test_a_turned_spot_has_the_same_likelihood():
    image, reference = data(np.random.default_rng(SEED), 3)
    wide = np.array([900.0, 14.3, 11.6, 5.0, 4.0, 1.5, 0.8])
    nll, score, information = likelihood(image, reference, 3, 2.0, wide)
    turned = np.array([*wide[:3], wide[3] ** 2, 0.0, wide[4] ** 2, *wide[5:]])
    totals = np.array([image.sum(), image.size, 3.0, 2.0, 1.0, 9.0])
    its_score, its_information = np.empty(8), np.empty((8, 8))
    its_nll = rotated_likelihood(image, np.ones(SHAPE), reference, totals, turned, its_score, its_information)
    assert its_nll == pytest.approx(nll, rel=1e-6)
    np.testing.assert_allclose(its_score[[0, 1, 2, 6, 7]], score[[0, 1, 2, 5, 6]], rtol=1e-2, atol=1e-2)
    np.testing.assert_allclose(
        its_information[np.ix_([0, 6, 7], [0, 6, 7])], information[np.ix_([0, 5, 6], [0, 5, 6])], rtol=1e-4
    )


def test_a_pixel_whose_light_is_just_enough_has_no_mean_and_a_score():
    at = np.array([0.0, 14.3, 11.6, 2.5, 2.0, -0.6, 0.98])
    image, reference = np.zeros(SHAPE), np.ones(SHAPE)
    nll, score, information = likelihood(image, reference, 1, 0.0, at)
    light = 0.6 / 0.98
    assert nll == pytest.approx(image.size * (light - 1.0 - math.log(light)), rel=1e-6)
    for k in (5, 6):
        step = np.where(np.arange(7) == k, 1e-6, 0.0)
        up, down = (likelihood(image, reference, 1, 0.0, at + s)[0] for s in (step, -step))
        assert score[k] == pytest.approx((up - down) / 2e-6, rel=1e-4)
    assert np.all(np.isfinite(information))


def test_the_mean_has_the_light_that_image_and_reference_tell_together():
    image, reference = data(np.random.default_rng(SEED), 3)
    image[0, 0] = reference[0, 0] = 0.0
    rest = truth_of(np.zeros(SHAPE), AT) - AT[5]
    mean = rest.copy()
    add_light(image, reference, AT[6], 3.0, 0.0, mean)
    for i, j in ((3, 4), (11, 14), (20, 2)):
        light = light_of(rest[i, j], image[i, j], reference[i, j], AT[6], 3.0)
        assert mean[i, j] == pytest.approx(rest[i, j] + AT[6] * light)
    assert 0.0 < mean[0, 0] <= max(rest[0, 0], LEAST_MEAN)
