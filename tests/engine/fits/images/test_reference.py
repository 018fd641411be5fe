"""Images without atoms, with their noise, take the light off: no atoms where there are none, and true errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from utokyo import InputError, fit_gaussian
from utokyo.engine.figures.image import FittedImage
from utokyo.engine.fits.images.fit import NAMES, gaussian_image
from utokyo.engine.fits.images.reference import reference_of

SEED = 20220918
SHAPE = (100, 90)
Y, X = np.indices(SHAPE)
SPOT = {"x0": 40.0, "y0": 50.0, "sigma_x": 6.0, "sigma_y": 7.0}


def bump(contrast: float, x0: float, y0: float, sigma: float) -> np.ndarray:
    return 1.0 + contrast * np.exp(-((X - x0) ** 2 + (Y - y0) ** 2) / (2 * sigma**2))


def speckle() -> np.ndarray:
    grains = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 1.5)
    return np.maximum(1.0 + 0.3 * grains / grains.std(), 0.1)


LIGHTS = {
    "wide": bump(0.8, 60.0, 80.0, 21.0),
    "weak": bump(0.1, 60.0, 40.0, 14.0),
    "like a spot": bump(1.5, 60.0, 40.0, 5.5),
    "speckle": speckle(),
    "flat": np.ones(SHAPE),
}


def references(random: np.random.Generator, light: np.ndarray, frames: int, gain: float = 1.0) -> np.ndarray:
    return gain * random.poisson(light / gain, (frames, *SHAPE))


def detections(light: np.ndarray, frames: int, images: int, seed: int, gain: float = 1.0) -> tuple[int, float]:
    """How many images without atoms show some, and how many have a probability below 0.1."""
    random = np.random.default_rng(seed)
    fits = [
        fit_gaussian(
            gain * random.poisson((0.9 * light + 0.2) / gain), reference=references(random, light, frames, gain)
        )
        for _ in range(images)
    ]
    return sum(fit.detected for fit in fits), float(np.mean([fit.significance > 1.28 for fit in fits]))


@pytest.mark.parametrize("kind", LIGHTS)
@pytest.mark.parametrize(("level", "frames"), [(25.0, 1), (50.0, 3), (25.0, 12)])
def test_light_without_atoms_shows_none(kind, level, frames):
    seen, _ = detections(level * LIGHTS[kind], frames, 20, SEED)
    assert seen <= 1


@pytest.mark.slow
def test_false_alarms_are_rare_with_one_reference_and_a_gain_that_is_not_known():
    seen, _ = detections(100.0 * LIGHTS["weak"], 1, 600, SEED)
    assert seen <= 4


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_they_should_be():
    images = [
        detections(level * light, frames, 150, SEED + k, gain)
        for k, light in enumerate(LIGHTS.values())
        for level, frames, gain in ((25.0, 1, 1.0), (100.0, 1, 1.0), (12.0, 2, 1.0), (50.0, 3, 2.0), (2.0, 15, 1.0))
    ]
    total = 150 * len(images)
    assert sum(seen for seen, _ in images) <= 1e-3 * total + 4 * math.sqrt(1e-3 * total)
    assert np.mean([part for _, part in images]) < 0.12


def pulls_of(light: np.ndarray, frames: int, images: int, *, gain: float = 1.0, noise: float = 0.0, **spot: float):
    random = np.random.default_rng(SEED)
    place = SPOT | spot
    level = float(np.median(light))
    amplitude = 400.0 + 60.0 * math.sqrt(4 * math.pi * place["sigma_x"] * place["sigma_y"] * level)
    truth = {"A": amplitude, **place, "C": 0.5, "s": 0.9}
    mean = gaussian_image(truth, SHAPE, light)
    pulls = []
    for _ in range(images):
        stack = references(random, light, frames, gain) + random.normal(0.0, noise, (frames, *SHAPE))
        image = gain * random.poisson(mean / gain) + random.normal(0.0, noise, SHAPE)
        fit = fit_gaussian(image, reference=stack, gain=gain if frames == 1 else None, read_noise=noise)
        assert fit.detected, fit.reason
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in truth])
    return np.array(pulls)


def assert_pulls(pulls: np.ndarray) -> None:
    n = len(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4 / math.sqrt(n)), pulls.mean(axis=0)
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 4 / math.sqrt(2 * n) + 0.05), pulls.std(axis=0)


@pytest.mark.parametrize(("frames", "noise"), [(1, 0.0), (3, 0.0), (4, 5.0)])
def test_pulls_have_mean_zero_and_width_one(frames, noise):
    assert_pulls(pulls_of(25.0 * LIGHTS["wide"], frames, 100, noise=noise))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wide", "speckle"])
@pytest.mark.parametrize(("frames", "gain"), [(1, 1.0), (2, 1.0), (3, 2.0), (12, 1.0)])
def test_pulls_have_mean_zero_and_width_one_in_many_images(kind, frames, gain):
    pulls = pulls_of(25.0 * LIGHTS[kind], frames, 300, gain=gain)
    # Between the grains of speckle a reference has a few electrons, which make C lean.
    assert_pulls(pulls if kind == "wide" else np.delete(pulls, NAMES.index("C"), axis=1))


def test_a_spot_on_light_of_its_own_shape_is_told_from_it():
    place = {"x0": 60.0, "y0": 40.0, "sigma_x": 5.5, "sigma_y": 5.5}
    pulls = pulls_of(25.0 * (LIGHTS["like a spot"] + LIGHTS["wide"]), 6, 60, **place)
    assert_pulls(pulls[:, [0, 1, 2, 3, 4]])


def test_light_whose_structure_is_hidden_by_noise_leaves_the_spot_its_errors():
    random = np.random.default_rng(SEED)
    light = 25.0 * LIGHTS["flat"]
    truth = {"A": 8000.0, **SPOT, "C": 0.0}
    pulls = []
    for _ in range(100):
        image = random.poisson(gaussian_image(truth, SHAPE) + 0.9 * light)
        fit = fit_gaussian(image, reference=references(random, light, 2))
        assert fit.valid
        assert fit.names == NAMES
        assert fit.values["s"] == pytest.approx(0.9, rel=0.05)
        assert fit.errors["s"] > 0.5
        assert fit.errors["C"] > 10.0
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES[:5]])
    assert_pulls(np.array(pulls))
    assert fit.covariance.shape == (6, 6)
    with pytest.raises(ValueError, match="no profile likelihood of 's'"):
        fit.interval("s")


def test_light_that_is_not_the_references_is_not_taken_for_theirs():
    random = np.random.default_rng(SEED)
    image = random.poisson(25.0 * LIGHTS["like a spot"] + 25.0 * (LIGHTS["wide"] - 1.0))
    for frames in (1, 3):
        fit = fit_gaussian(image, reference=references(random, 25.0 * LIGHTS["flat"], frames), gain=1.0)
        assert "s" not in fit.names
        assert fit.values["s"] <= 1.3


def uniform(light: np.ndarray, part: float, more: float, frames: int, images: int) -> list:
    """Fits of images without atoms that have a part of the light, and some that is not the reference's."""
    random = np.random.default_rng(SEED)
    mean = part * light + more
    return [fit_gaussian(random.poisson(mean), reference=references(random, light, frames)) for _ in range(images)]


@pytest.mark.parametrize(("part", "more"), [(1.0, -20.0), (0.3, 10.0), (0.6, 5.0), (1.4, 0.0)])
@pytest.mark.parametrize("kind", ["wide", "dark patch"])
def test_light_beside_the_references_is_no_spot_either(kind, part, more):
    light = 40.0 * (LIGHTS["wide"] if kind == "wide" else bump(-0.3, 42.0, 48.0, 7.0))
    fits = uniform(light, part, more, 3, 20)
    assert sum(fit.detected for fit in fits) <= 1
    if kind == "wide":
        pulls = np.array([(fit.values["s"] - part) / fit.errors["s"] for fit in fits])
        # A spot that is noise may have no errors.
        assert abs(np.nanmean(pulls)) < 4 / math.sqrt(20)


@pytest.mark.parametrize(("part", "more"), [(0.3, 10.0), (0.8, 3.0)])
def test_a_spot_where_the_light_is_dark_has_the_error_of_what_is_not_known(part, more):
    random = np.random.default_rng(SEED)
    light = 25.0 * bump(-0.3, 42.0, 48.0, 7.0)
    spot = {"x0": 42.0, "y0": 48.0, "sigma_x": 6.0, "sigma_y": 6.0}
    for _ in range(20):
        fit = fit_gaussian(random.poisson(part * light + more), reference=references(random, light, 3), spot=spot)
        assert abs(fit.values["A"]) < 4 * fit.errors["A"]


def test_the_spot_does_not_decide_whether_the_light_has_structure():
    random = np.random.default_rng(SEED)
    light = np.full(SHAPE, 200.0)
    for amplitude in (9000.0, 40_000.0, 200_000.0):
        image = random.poisson(gaussian_image({"A": amplitude, **SPOT, "C": 0.0}, SHAPE) + light)
        fit = fit_gaussian(image, reference=references(random, light, 3))
        assert fit.valid, fit.reason
        assert fit.names == NAMES
        assert abs(fit.values["A"] - amplitude) < 5 * fit.errors["A"]


def test_references_with_dark_parts_hide_no_atoms():
    random = np.random.default_rng(SEED)
    light = 25.0 * LIGHTS["wide"] * ((X - 45) ** 2 + (Y - 50) ** 2 < 40**2)
    pulls = []
    for _ in range(30):
        image = random.poisson(light + gaussian_image({"A": 9000.0, **SPOT, "C": 0.0}, SHAPE))
        fit = fit_gaussian(image, reference=references(random, light, 3))
        assert fit.detected, fit.reason
        assert fit.significance > 20.0
        pulls.append((fit.values["A"] - 9000.0) / fit.errors["A"])
    assert abs(np.mean(pulls)) < 4 / math.sqrt(30)


@pytest.mark.parametrize(("frames", "gain", "noise"), [(10, 1.0, 20.0), (1, None, 5.0), (1, None, 10.0)])
def test_read_noise_of_any_size_leaves_s_its_error(frames, gain, noise):
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["wide"]
    pulls, gains = [], []
    for _ in range(60):
        stack = references(random, light, frames) + random.normal(0.0, noise, (frames, *SHAPE))
        image = random.poisson(0.6 * light + 8.0) + random.normal(0.0, noise, SHAPE)
        fit = fit_gaussian(image, reference=stack, gain=gain, read_noise=noise)
        pulls.append((fit.values["s"] - 0.6) / fit.errors["s"])
        gains.append(fit.gain)
    assert abs(np.mean(pulls)) < 4 / math.sqrt(60)
    assert abs(np.std(pulls) - 1) < 4 / math.sqrt(120) + 0.05
    assert np.mean(gains) == pytest.approx(1.0, abs=0.05)


def test_intervals_know_how_noisy_the_reference_is():
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["wide"]
    image = random.poisson(gaussian_image({"A": 30_000.0, **SPOT, "C": 0.5, "s": 0.9}, SHAPE, light))
    fit = fit_gaussian(image, reference=references(random, light, 2))
    for name in ("A", "sigma_x", "s", "C"):
        low, high = fit.interval(name)
        assert high - low == pytest.approx(2 * fit.errors[name], rel=0.1), name


def test_a_turned_spot_has_the_same_light():
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["wide"]
    truth = {"A": 60_000.0, **SPOT, "sigma_y": 12.0, "theta": 0.4, "C": 0.5, "s": 0.9}
    mean = gaussian_image(truth, SHAPE, light)
    pulls = []
    for _ in range(30):
        fit = fit_gaussian(random.poisson(mean), reference=references(random, light, 3), rotated=True)
        assert fit.valid, fit.reason
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in truth])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 5 / math.sqrt(30))
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 5 / math.sqrt(60))


def test_a_reference_that_was_prepared_gives_the_same_answer():
    random = np.random.default_rng(SEED)
    light = 40.0 * LIGHTS["wide"]
    stack, image = references(random, light, 4), random.poisson(light)
    mask = np.zeros(SHAPE, bool)
    mask[3, 4] = True
    roi = (5, 85, 10, 95)
    first = fit_gaussian(image, reference=stack, mask=mask, roi=roi)
    again = fit_gaussian(image, reference=reference_of(stack, mask), mask=mask, roi=roi)
    assert dict(first.values) == dict(again.values)
    assert (first.gain, first.gain_error) == (again.gain, again.gain_error)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (np.full((3, *SHAPE), 2.0), "6 electrons per pixel, of 3 in all, are too dark"),
        (np.full((3, *SHAPE), 50.0) - 100.0 * (X < 5), "references with negative counts"),
        (np.ones((2, 3, 3)), "the reference has the shape"),
        (np.ones((2, 2, *SHAPE)), "an image or several, not an array of the shape"),
        (np.full((3, *SHAPE), np.inf), "infinite or missing counts"),
        ("abc", "of numbers"),
    ],
)
def test_what_is_no_reference_is_told_in_one_sentence(reference, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_gaussian(np.full(SHAPE, 5.0), reference=reference, gain=1.0)


def test_references_that_tell_no_gain_are_told_in_one_sentence():
    random = np.random.default_rng(SEED)
    image, stack = random.poisson(25.0, SHAPE), references(random, 25.0 * LIGHTS["wide"], 3)
    for reference, noise in ((np.repeat(stack[:1], 3, axis=0), 0.0), (stack, 20.0)):
        with pytest.raises(InputError, match="do not tell the gain: give it"):
            fit_gaussian(image, reference=reference, read_noise=noise)


def test_masked_pixels_of_references_may_hold_anything():
    random = np.random.default_rng(SEED)
    image, stack = random.poisson(25.0 * LIGHTS["wide"]), references(random, 25.0 * LIGHTS["wide"], 3)
    mask = np.zeros(SHAPE, bool)
    mask[3, 4] = True
    expected = fit_gaussian(image, reference=stack, mask=mask)
    stack[:, 3, 4] = np.nan
    assert dict(fit_gaussian(image, reference=stack, mask=mask).values) == dict(expected.values)


@pytest.mark.parametrize(("frames", "gain"), [(1, 1.0), (3, 4.0)])
def test_residuals_are_drawn_in_their_standard_deviations(frames, gain):
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["wide"]
    image = gain * random.poisson(light / gain)
    image[10, 10] = 100_000
    reference = reference_of(references(random, light, frames, gain), gain=gain)
    mask = np.zeros(SHAPE, bool)
    mask[10, 10] = True
    fitted = FittedImage(image, fit_gaussian(image, reference=reference, mask=mask, gain=gain), "", reference.light)
    assert np.std(np.delete(fitted.pulls, 10 * SHAPE[1] + 10)) == pytest.approx(1.0, abs=0.03)


VIEWPORT = 120.0 * bump(0.5, 45.0, 50.0, 25.0) * ((X - 45) ** 2 + (Y - 50) ** 2 < 35**2)


@pytest.mark.parametrize(("noise", "gain"), [(1.0, 1.0), (2.0, 1.0), (5.0, 4.0)])
def test_read_noise_below_an_electron_in_the_dark_breaks_no_fit(noise, gain):
    random = np.random.default_rng(SEED)
    pulls, alarms = [], 0
    for k in range(30):
        stack = references(random, VIEWPORT, 3, gain) + random.normal(0.0, noise, (3, *SHAPE))
        atoms = 12_000.0 * (k % 2)
        mean = 0.9 * VIEWPORT + 0.2 + gaussian_image({"A": atoms, **SPOT, "C": 0.0}, SHAPE)
        image = gain * random.poisson(mean / gain) + random.normal(0.0, noise, SHAPE)
        fit = fit_gaussian(image, reference=stack, gain=gain, read_noise=noise)
        assert "converge" not in fit.reason
        if atoms:
            assert fit.valid, fit.reason
            pulls.append((fit.values["A"] - atoms) / fit.errors["A"])
        else:
            alarms += fit.detected
    assert alarms <= 1
    # What is cut off below zero makes dark parts a little brighter.
    assert abs(np.mean(pulls)) < 1.5
    assert np.std(pulls) < 1.7


@pytest.mark.parametrize("frames", [1, 3, 10])
@pytest.mark.parametrize(("kind", "width"), [("like a spot", 5.5), ("wide", 20.0), ("weak", 12.0)])
def test_at_a_spot_of_the_shape_of_the_light_atoms_have_the_error_of_what_is_not_known(kind, width, frames):
    random = np.random.default_rng(SEED)
    light = 50.0 * LIGHTS[kind]
    x0, y0 = (60.0, 80.0) if kind == "wide" else (60.0, 40.0)
    spot = {"x0": x0, "y0": y0, "sigma_x": width, "sigma_y": width}
    for _ in range(15):
        fit = fit_gaussian(
            random.poisson(0.6 * light + 5.0), reference=references(random, light, frames), spot=spot, gain=1.0
        )
        assert fit.valid, fit.reason
        assert not fit.detected
        assert abs(fit.values["A"]) < 4 * fit.errors["A"]


def test_intervals_of_a_fit_whose_s_is_held_are_as_wide_as_its_errors():
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["flat"]
    image = random.poisson(gaussian_image({"A": 9000.0, **SPOT, "C": 1.0}, SHAPE) + 0.7 * light)
    fit = fit_gaussian(image, reference=references(random, light, 3), gain=1.0)
    for name in ("A", "x0", "y0", "sigma_x", "C"):
        low, high = fit.interval(name)
        assert high - low == pytest.approx(2 * fit.errors[name], rel=0.1), name
        assert low < fit.values[name] < high


def test_masked_pixels_do_not_move_the_s_that_is_held():
    random = np.random.default_rng(SEED)
    light = 100.0 * LIGHTS["flat"]
    fit = fit_gaussian(random.poisson(light), reference=references(random, light, 3), gain=1.0, mask=X % 5 < 2)
    assert fit.values["s"] == pytest.approx(1.0, abs=0.02)


def test_images_without_any_light_show_nothing():
    random = np.random.default_rng(SEED)
    assert "no atoms" in fit_gaussian(random.normal(-30, 5, SHAPE), read_noise=5.0, gain=1.0).reason
    for _ in range(5):
        fit = fit_gaussian(random.normal(-0.5, 5.0, SHAPE), read_noise=5.0, reference=100 * LIGHTS["wide"], spot=SPOT)
        assert not fit.detected
        assert not fit_gaussian(random.normal(0.0, 5.0, SHAPE), read_noise=5.0).detected
    with pytest.raises(InputError, match="a reference without any light"):
        fit_gaussian(np.full(SHAPE, 5.0), reference=np.zeros(SHAPE))
