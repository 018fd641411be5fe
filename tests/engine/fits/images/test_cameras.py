"""What cameras do beside the model is found out, and either in the errors, or said: saturation, wrong gains, masks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import InputError, Spot, fit_gaussian, gaussian_image
from utokyo.engine.fits.images.automatic_mask import automatic_mask

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


@many
def test_counts_that_end_at_zero_hide_no_noise(images):
    random, pulls = np.random.default_rng(10), []
    for _ in range(images):
        noise = random.uniform(2.0, 6.0)
        truth = draw(random, 10 ** random.uniform(1.5, 3.0), random.uniform(0.0, 1.5) * noise)
        gain = random.uniform(0.5, 2.0)
        image = np.maximum(noisy(random, truth, gain, noise), 0.0)
        fit = fit_gaussian(image, gain=gain, read_noise=noise)
        assert fit.detected
        assert any("counts end at zero" in remark for remark in fit.remarks)
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
    assert_right(pulls, images)


def with_faults(random: np.random.Generator, background: float, peak: float):
    truth = draw(random, peak, background)
    image = noisy(random, truth)
    for column in random.choice(SHAPE[1], 3, replace=False):
        image[:, column] += random.poisson(random.uniform(3.0, 30.0) * math.sqrt(background), SHAPE[0])
    for _ in range(3):  # tracks of one to three pixels
        row, column = random.integers(0, SHAPE[0]), random.integers(0, SHAPE[1] - 3)
        image[row, column : column + random.integers(1, 4)] += 10 ** random.uniform(2.5, 4.0)
    return truth, image


@many
def test_odd_columns_and_cosmic_rays_are_left_out(images):
    random, pulls, detected = np.random.default_rng(11), [], 0
    for _ in range(images):
        background = 10 ** random.uniform(0.5, 2.0)
        truth, image = with_faults(random, background, 10 ** random.uniform(1.0, 2.5) * math.sqrt(background))
        fit = fit_gaussian(image, mask="auto")
        detected += fit.detected
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
    assert detected >= 0.99 * images
    assert_right(pulls, images)


def test_the_automatic_mask_leaves_good_pixels():
    random, masked = np.random.default_rng(12), []
    for _ in range(40):
        truth = draw(random, 10 ** random.uniform(1.0, 4.0), 10 ** random.uniform(-1.0, 2.0))
        truth |= {"sigma_x": random.uniform(1.0, 8.0), "sigma_y": random.uniform(1.0, 8.0)}
        masked.append(int(automatic_mask(noisy(random, truth)).sum()))
    assert np.median(masked) == 0
    assert np.mean(masked) < 5.0
    with pytest.raises(InputError, match="mask should be"):
        fit_gaussian(np.ones(SHAPE), mask="hot")


def doubled(image: np.ndarray) -> np.ndarray:
    """Twice as many pixels along each axis, by linear interpolation."""
    for _ in range(2):
        at = np.clip((np.arange(2 * len(image)) + 0.5) / 2.0 - 0.5, 0.0, len(image) - 1.001)
        low = at.astype(int)
        part = (at - low)[:, None]
        image = ((1.0 - part) * image[low] + part * image[low + 1]).T
    return image


@many
def test_a_resized_image_has_the_errors_of_its_noise(images):
    random, pulls = np.random.default_rng(13), []
    for _ in range(images):
        background = 10 ** random.uniform(0.5, 2.0)
        truth = draw(random, 10 ** random.uniform(1.0, 2.5) * math.sqrt(background), background)
        image = doubled(noisy(random, truth))
        truth |= {"A": 4.0 * truth["A"], "x0": 2.0 * truth["x0"] + 0.5, "y0": 2.0 * truth["y0"] + 0.5}
        truth |= {n: 2.0 * math.hypot(truth[n], math.sqrt(3.0 / 16.0)) for n in ("sigma_x", "sigma_y")}
        fit = fit_gaussian(image)
        assert fit.detected
        assert any("share their noise" in remark for remark in fit.remarks)
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
            low, high = fit.interval("x0")
            assert high - low == pytest.approx(2.0 * fit.errors["x0"], rel=0.2)
    assert_right(pulls, images, 0.98, 1.25)


@pytest.mark.parametrize("images", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_resized_image_without_a_spot_shows_none(images):
    random = np.random.default_rng(14)
    found = sum(
        fit_gaussian(doubled(random.poisson(10 ** random.uniform(0.3, 2.0), (60, 70)))).detected for _ in range(images)
    )
    assert found <= max(1, 4e-3 * images)  # 1e-3 asked


@many
def test_counts_that_were_floored_to_8_bits_have_what_that_does_in_their_errors(images):
    random, pulls = np.random.default_rng(15), []
    for _ in range(images):
        step = float(random.choice([16.0, 64.0, 256.0]))
        truth = draw(random, random.uniform(30.0, 220.0) * step, random.uniform(2.0, 20.0) * step)
        image = np.floor(noisy(random, truth, random.uniform(0.3, 2.0), random.uniform(0.0, 8.0)) / step)
        fit = fit_gaussian(image)
        assert fit.detected
        if fit.valid:
            pulls.append(pulls_of(fit, truth | {"A": truth["A"] / step}))
    assert_right(pulls, images)


@many
@pytest.mark.parametrize("frames", [2, 8])
def test_light_with_dark_places_and_a_few_noisy_references_is_fitted(frames, images):
    random, pulls = np.random.default_rng(16), []
    y, x = np.indices(SHAPE)
    light = 0.5 + 60.0 * np.exp(-0.5 * (np.hypot(x - 50.0, y - 55.0) / 25.0) ** 4)
    for _ in range(images):
        truth = draw(random, 10 ** random.uniform(2.0, 3.0), 0.0)
        references = 1.8 * random.poisson(light, (frames, *SHAPE))
        image = 1.8 * random.poisson(light + gaussian_image(truth, SHAPE) / 1.8)
        fit = fit_gaussian(image, reference=references)
        assert fit.detected
        if fit.valid:
            pulls.append(pulls_of(fit, truth))
    assert_right(pulls, images)
