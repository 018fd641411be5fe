"""Gain and bad pixels are told from images, whatever light is in them."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo import InputError, estimate_gain, find_bad_pixels, fit_gaussian, gaussian_image

SHAPE = (130, 120)
SEED = 20220918
SPOT = {"A": 30_000.0, "x0": 60.3, "y0": 70.2, "sigma_x": 2.0, "sigma_y": 5.0, "C": 20.0}


def stray_light() -> np.ndarray:
    y, x = np.indices(SHAPE)
    return 25.0 + 15.0 * np.sin(x / 25.0) + 0.1 * y


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("images", [1, 6])
def test_the_gain_is_found_with_its_error(gain, images):
    random = np.random.default_rng(SEED)
    pulls = []
    for _ in range(25):
        # the light as a whole changes from image to image
        light = stray_light() * random.uniform(0.8, 1.2, (images, 1, 1))
        found = estimate_gain(gain * random.poisson(light / gain))
        pulls.append((found - gain) / found.error)
    assert abs(np.mean(pulls)) < 0.8
    assert 0.6 < np.std(pulls) < 1.5


def test_read_noise_is_not_taken_for_electrons():
    random = np.random.default_rng(SEED)
    images = 2.0 * random.poisson(stray_light() / 2.0, (8, *SHAPE)) + random.normal(0.0, 6.0, (8, *SHAPE))
    found = estimate_gain(images, read_noise=6.0)
    assert abs(found - 2.0) < 5 * found.error


def test_a_spot_is_not_taken_for_noise():
    random = np.random.default_rng(SEED)
    found = estimate_gain(2.0 * random.poisson(gaussian_image(SPOT, SHAPE) / 2.0))
    assert abs(found - 2.0) < 5 * found.error


@pytest.mark.parametrize("images", [1, 5])
def test_hot_and_dead_pixels_are_marked_and_no_others(images):
    random = np.random.default_rng(SEED)
    stack = random.poisson(gaussian_image(SPOT, SHAPE), (images, *SHAPE))
    hot, dead = [(5, 5), (60, 20), (100, 119), (101, 119)], [(70, 60), (71, 61), (30, 30)]
    for place in hot:
        stack[:, *place] += 300
    for place in dead:
        stack[:, *place] = 0
    bad = find_bad_pixels(stack)
    assert set(zip(*np.nonzero(bad.hot), strict=True)) == set(hot)
    assert set(zip(*np.nonzero(bad.dead), strict=True)) == set(dead[:2] if images == 1 else dead)


def test_good_pixels_are_hardly_ever_marked():
    random = np.random.default_rng(SEED)
    marked = 0
    for _ in range(60):
        gain, level = random.uniform(0.5, 4.0), 10 ** random.uniform(-1.0, 2.0)
        marked += int(find_bad_pixels(gain * random.poisson(level / gain, SHAPE)).mask.sum())
    assert marked <= 5  # in a million


def test_a_mask_of_bad_pixels_is_taken_by_the_fit():
    random = np.random.default_rng(SEED)
    image = random.poisson(gaussian_image(SPOT, SHAPE))
    image[random.integers(0, SHAPE[0], 20), random.integers(0, SHAPE[1], 20)] += 325
    masked, raw = fit_gaussian(image, mask=find_bad_pixels(image)), fit_gaussian(image)
    assert masked.gain == pytest.approx(1.0, abs=0.05)
    assert raw.gain > 2.0
    assert abs(masked.values["A"] - SPOT["A"]) < 5 * masked.errors["A"]


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((40, 40)), "without light"),
        (np.zeros((3, 40, 40)), "without light"),
        (np.zeros(7), "rows and columns"),
        (np.full((9, 9), np.nan), "infinite or missing"),
    ],
)
def test_what_tells_no_gain_is_told_in_one_sentence(images, sentence):
    with pytest.raises(InputError, match=sentence):
        estimate_gain(images)
