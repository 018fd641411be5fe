"""What cameras do beside the model is found out, and either in the errors, or said: saturation, wrong gains, masks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import InputError, Spot, fit_gaussian, gaussian_image

SHAPE = (100, 110)
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y")


def draw(random: np.random.Generator, peak: float, background: float) -> dict[str, float]:
    sigma_x, sigma_y = random.uniform(2.5, 8.0, 2)
    amplitude = peak * 2.0 * math.pi * sigma_x * sigma_y
    truth = (amplitude, random.uniform(40.0, 70.0), random.uniform(40.0, 60.0), sigma_x, sigma_y, background)
    return dict(zip((*NAMES, "C"), truth, strict=True))


def noisy(random: np.random.Generator, truth: dict[str, float], gain: float = 1.0, read_noise: float = 0.0):
    return gain * random.poisson(gaussian_image(truth, SHAPE) / gain) + read_noise * random.normal(size=SHAPE)


def pulls_of(fit, truth: dict[str, float]) -> list[float]:
    return [(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES]


def assert_right(pulls: list[list[float]], images: int, least_valid: float = 0.99, widest: float = 1.15) -> None:
    """Nearly all are valid, of the right width, and at most 1e-3 of them far off."""
    of = np.array(pulls)
    assert len(of) >= least_valid * images
    assert np.sum(np.abs(of) > 5.0) <= max(1.0, 2e-3 * len(of))
    width = np.sqrt(np.mean(of**2, axis=0))
    assert np.all(width < widest + 4.0 / math.sqrt(2.0 * len(of))), width


many = pytest.mark.parametrize("images", [25, pytest.param(400, marks=pytest.mark.slow)])


@many
@pytest.mark.parametrize("limit", [255.0, 4095.0, 65535.0])
def test_clipped_pixels_are_that_many_counts_or_more(limit, images):
    random, pulls = np.random.default_rng(1), []
    for _ in range(images):
        truth = draw(random, random.uniform(1.1, 2.9) * limit, 10 ** random.uniform(0.0, 1.2))
        fit = fit_gaussian(np.minimum(noisy(random, truth, random.uniform(0.5, 4.0)), limit))
        assert fit.detected
        if fit.valid:
            assert any(f"at {limit:g}, taken as that many counts or more" in remark for remark in fit.remarks)
            pulls.append(pulls_of(fit, truth))
    assert_right(pulls, images)


@many
def test_a_peak_far_above_the_clip_is_seen_and_refused(images):
    random = np.random.default_rng(2)
    for _ in range(images):
        truth = draw(random, random.uniform(3.5, 10.0) * 255.0, 5.0)
        fit = fit_gaussian(np.minimum(noisy(random, truth), 255.0))
        assert fit.detected
        assert "saturated" in fit.flags
        assert math.isnan(fit.upper_limit)


def test_a_clip_at_any_value_is_given_or_found():
    random = np.random.default_rng(3)
    truth = draw(random, 900.0, 5.0)
    image = np.minimum(noisy(random, truth), 600.0)
    for options in ({}, {"saturation": 600.0}):
        fit = fit_gaussian(image, **options)
        assert np.max(np.abs(pulls_of(fit, truth))) < 4.0
        low, high = fit.interval("A")
        assert (high - low) / 2 == pytest.approx(fit.errors["A"], rel=0.1)
    with pytest.raises(InputError, match="saturation should be a positive number of counts"):
        fit_gaussian(image, saturation=-1.0)


def test_a_turned_and_a_placed_spot_may_be_clipped():
    random = np.random.default_rng(4)
    truth = {"A": 6e5, "x0": 50.0, "y0": 45.0, "sigma_x": 10.0, "sigma_y": 6.0, "theta": 0.5, "C": 5.0}
    image = np.minimum(noisy(random, truth), 1023.0)
    fit = fit_gaussian(image, rotated=True)
    assert fit.valid, fit.reason
    assert np.max(np.abs([(fit.values[n] - truth[n]) / fit.errors[n] for n in (*NAMES, "theta")])) < 4.0
    placed = fit_gaussian(image, spot=Spot(50.0, 45.0, 10.0, 6.0, 0.5))
    assert abs(placed.values["A"] - truth["A"]) < 4.0 * placed.errors["A"]


def test_images_that_are_not_clipped_have_no_clipped_pixels():
    random = np.random.default_rng(5)
    for _ in range(60):
        truth = draw(random, 10 ** random.uniform(0.0, 4.0), 10 ** random.uniform(-1.0, 2.0))
        fit = fit_gaussian(np.round(noisy(random, truth, random.choice([1.0, 0.3, 2.5]))))
        assert not any("saturated" in remark for remark in fit.remarks)


@many
@pytest.mark.parametrize("factor", [1.0, 2.8, 0.4])
def test_a_read_noise_that_the_picture_contradicts_is_not_taken_and_said(factor, images):
    random, pulls, said = np.random.default_rng(6), [], 0
    for _ in range(images):
        noise = random.uniform(1.0, 6.0)
        truth = draw(random, 10 ** random.uniform(1.3, 3.0), 0.0)
        image = noisy(random, truth, random.uniform(0.2, 2.0), noise)
        fit = fit_gaussian(image, read_noise=factor * noise)
        assert fit.detected
        assert 0.0 < fit.gain < 100.0
        said += any("does not fit the noise seen" in remark for remark in fit.remarks)
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
    assert_right(pulls, images)
    assert said <= 0.01 * images if factor == 1.0 else said >= 0.95 * images


def test_an_offset_below_zero_is_no_light():
    random, pulls = np.random.default_rng(7), []
    for _ in range(25):
        truth = draw(random, 300.0, 0.0)
        fit = fit_gaussian(noisy(random, truth, 1.0, 4.0) - 50.0)
        assert abs(fit.values["C"] + 50.0) < 1.0
        pulls.append(pulls_of(fit, truth))
    assert_right(pulls, 25)


@many
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5])
def test_a_gain_that_the_picture_contradicts_is_said_and_errors_are_those_of_the_noise(factor, images):
    random, pulls, said = np.random.default_rng(8), [], 0
    for _ in range(images):
        gain = random.uniform(0.5, 3.0)
        truth = draw(random, 10 ** random.uniform(1.5, 3.0), 10 ** random.uniform(0.5, 2.0))
        fit = fit_gaussian(noisy(random, truth, gain), gain=factor * gain)
        said += any("gain" in remark and "does not fit the noise seen" in remark for remark in fit.remarks)
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
    assert_right(pulls, images)
    assert said == (0 if factor == 1.0 else images)


def test_a_masked_array_is_obeyed():
    random = np.random.default_rng(9)
    truth = draw(random, 500.0, 20.0)
    clean, hidden = noisy(random, truth), random.uniform(size=SHAPE) < 0.1
    dirty = np.where(hidden, 1e6, clean)
    fit = fit_gaussian(np.ma.masked_array(dirty, hidden))
    assert fit.values == fit_gaussian(clean, mask=hidden).values
    half = np.zeros(SHAPE, bool)
    half[:, :20] = True
    both = fit_gaussian(np.ma.masked_array(dirty, hidden), mask=half)
    assert both.values == fit_gaussian(clean, mask=hidden | half).values
