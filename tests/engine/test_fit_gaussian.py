"""The Gaussian fit finds spots with true errors, and none where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import InputError, fit_gaussian
from utokyo.engine.fits.gaussian import NAMES, gaussian_image

SHAPE = (120, 110)
SEED = 20220918


def image_of(random: np.random.Generator, truth: dict[str, float], gain: float = 1.0) -> np.ndarray:
    return gain * random.poisson(gaussian_image(truth, SHAPE) / gain)


def draw_truth(random: np.random.Generator) -> dict[str, float]:
    """A spot that is well seen, anywhere in the image."""
    sigma_x, sigma_y = random.uniform(2.0, 12.0, 2)
    background = 10 ** random.uniform(-0.5, 2.0)
    noise = math.sqrt(background * 4 * math.pi * sigma_x * sigma_y)
    amplitude = 20 * noise * 10 ** random.uniform(0.0, 2.0) + 400
    x0, y0 = random.uniform(25, SHAPE[1] - 25), random.uniform(25, SHAPE[0] - 25)
    return dict(zip(NAMES, (amplitude, x0, y0, sigma_x, sigma_y, background), strict=True))


def pulls_of(count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    pulls = []
    for _ in range(count):
        truth = draw_truth(random)
        fit = fit_gaussian(image_of(random, truth, gain=random.uniform(0.5, 4.0)))
        assert fit.valid, f"seed {seed}, {truth}: {fit.reason}"
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES])
    return np.array(pulls)


def assert_pulls(pulls: np.ndarray) -> None:
    n = len(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4 / math.sqrt(n)), pulls.mean(axis=0)
    # Gains below 1 have errors that are too large: the scale is 1 at the least.
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 4 / math.sqrt(2 * n) + 0.05), pulls.std(axis=0)
    assert np.abs(pulls).max() < 6


def test_pulls_have_mean_zero_and_width_one():
    assert_pulls(pulls_of(120, SEED))


@pytest.mark.slow
def test_pulls_have_mean_zero_and_width_one_on_a_thousand_images():
    pulls = pulls_of(1000, SEED + 1)
    assert_pulls(pulls)
    covered = np.mean(np.abs(pulls) < 1, axis=0)
    assert np.all(np.abs(covered - 0.683) < 4 * math.sqrt(0.683 * 0.317 / 1000) + 0.03), covered


def test_errors_reach_the_bound_of_cramer_and_rao():
    random = np.random.default_rng(SEED)
    truth = draw_truth(random)
    fit = fit_gaussian(image_of(random, truth))
    mean = gaussian_image(truth, SHAPE)
    derivatives = []
    for name in NAMES:
        step = 1e-5 * truth[name]
        up, down = ({**truth, name: truth[name] + s} for s in (step, -step))
        derivatives.append((gaussian_image(up, SHAPE) - gaussian_image(down, SHAPE)).ravel() / (2 * step))
    bound = np.linalg.inv(np.einsum("ap,bp,p->ab", derivatives, derivatives, 1 / mean.ravel()))
    np.testing.assert_allclose([fit.errors[n] for n in NAMES], np.sqrt(np.diag(bound)), rtol=0.1)


def test_intervals_of_the_profile_likelihood_agree_with_the_errors_of_a_bright_spot():
    random = np.random.default_rng(SEED)
    truth = dict(zip(NAMES, (60_000.0, 50.0, 60.0, 8.0, 12.0, 25.0), strict=True))
    fit = fit_gaussian(image_of(random, truth))
    for name in ("A", "sigma_x"):
        low, high = fit.interval(name)
        assert (high - low) / 2 == pytest.approx(fit.errors[name], rel=0.03)
        assert low < fit.values[name] < high


def false_alarms(images: int, seed: int) -> int:
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(images):
        background = 10 ** random.uniform(-1.0, 2.0)
        gain = random.uniform(1.0, 4.0)
        found += fit_gaussian(gain * random.poisson(np.full((70, 60), background / gain))).valid
    return found


def test_background_alone_shows_no_atoms():
    assert false_alarms(150, SEED) == 0


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_claimed():
    # 1e-3 an image: more than 9 in 3000 have a probability of 1e-3.
    assert false_alarms(3000, SEED + 2) <= 9


def test_the_real_image_shows_no_atoms(real_files):
    from utokyo.io.image import read_image  # noqa: PLC0415

    fit = fit_gaussian(read_image(real_files / "cmos_000039.csv"))
    assert not fit.valid
    assert "a Gaussian does not describe this image" in fit.reason


def test_a_hot_pixel_is_no_spot():
    image = np.random.default_rng(SEED).poisson(np.full(SHAPE, 25.0))
    image[40, 50] = 350
    assert not fit_gaussian(image).valid


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_without_any_variation_is_no_spot(value):
    fit = fit_gaussian(np.full(SHAPE, value))
    assert not fit.valid


def test_an_image_without_any_light_says_so():
    fit = fit_gaussian(np.zeros((50, 50)))
    assert fit.reason == "no atoms: every pixel is zero"


def test_hot_pixels_do_not_hide_a_bright_spot():
    random = np.random.default_rng(SEED)
    truth = dict(zip(NAMES, (60_000.0, 55.0, 60.0, 8.0, 12.0, 25.0), strict=True))
    image = image_of(random, truth)
    image[random.integers(0, SHAPE[0], 15), random.integers(0, SHAPE[1], 15)] += 325
    fit = fit_gaussian(image)
    assert fit.valid, fit.reason
    assert abs(fit.values["A"] - 60_000) < 5 * fit.errors["A"]


def test_two_spots_are_not_one():
    random = np.random.default_rng(SEED)
    first = dict(zip(NAMES, (60_000.0, 30.0, 60.0, 5.0, 5.0, 25.0), strict=True))
    image = image_of(random, first) + image_of(random, {**first, "x0": 85.0, "C": 1e-9})
    assert "a Gaussian does not describe this image" in fit_gaussian(image).reason


def test_a_background_of_zero_has_an_error():
    truth = dict(zip(NAMES, (20_000.0, 50.0, 60.0, 6.0, 9.0, 0.0), strict=True))
    fit = fit_gaussian(image_of(np.random.default_rng(SEED), truth))
    assert fit.errors["C"] > 0.5 / (SHAPE[0] * SHAPE[1])


def test_masked_pixels_may_hold_anything():
    truth = dict(zip(NAMES, (20_000.0, 60.0, 70.0, 6.0, 5.0, 10.0), strict=True))
    image = image_of(np.random.default_rng(SEED), truth).astype(float)
    mask = np.zeros(SHAPE, bool)
    mask[20:30, 20:30] = True
    image[mask] = np.nan
    assert fit_gaussian(image, mask=mask).valid


def test_a_mask_and_a_region_keep_the_positions_of_the_whole_image():
    random = np.random.default_rng(SEED)
    truth = dict(zip(NAMES, (20_000.0, 60.0, 70.0, 6.0, 5.0, 10.0), strict=True))
    image = image_of(random, truth)
    image[:20] = 5000  # a bright rim
    mask = np.zeros(SHAPE, bool)
    mask[:20] = True
    for fit in (fit_gaussian(image, mask=mask), fit_gaussian(image, roi=(30, 100, 30, 110))):
        assert fit.valid
        assert abs(fit.values["x0"] - 60) < 5 * fit.errors["x0"]
        assert abs(fit.values["y0"] - 70) < 5 * fit.errors["y0"]


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros(7), "rows and columns"),
        (np.zeros((3, 3)), "too small"),
        (np.full((9, 9), -1.0), "negative counts"),
        (np.full((9, 9), np.nan), "infinite or missing"),
    ],
)
def test_what_cannot_be_fitted_is_told_in_one_sentence(image, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_gaussian(image)
