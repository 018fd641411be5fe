"""The Gaussian fit finds spots with true errors, and none where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage, special, stats

from utokyo import InputError, find_bad_pixels, fit_gaussian
from utokyo.engine.fits.images.checks import problem_of
from utokyo.engine.fits.images.fit import NAMES, gaussian_image
from utokyo.engine.fits.images.reference import Reference
from utokyo.io.image import read_image

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
        assert fit.detected, f"seed {seed}, {truth}: {fit.reason}"
        if fit.valid:  # the faintest, at the highest gains, may have errors that are no errors of a parabola
            pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES])
    assert len(pulls) >= 0.98 * count
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


WHOLE = (263, 228)


def draw_any(random: np.random.Generator) -> tuple[dict[str, float], float]:
    """Any spot of the ranges that the experiment may see, and a gain."""
    values = (
        10 ** random.uniform(math.log10(200.0), 6.0),
        random.uniform(-0.5, WHOLE[1] - 0.5),
        random.uniform(-0.5, WHOLE[0] - 0.5),
        *random.uniform(2.0, 40.0, 2),
        10 ** random.uniform(-1.0, 2.0),
    )
    return dict(zip(NAMES, values, strict=True)), random.uniform(0.5, 4.0)


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True], ids=["gain estimated", "gain known"])
def test_pulls_of_any_spot_anywhere(known):
    random = np.random.default_rng(SEED)
    pulls, lost, limits = [], 0, []
    for _ in range(2000):
        truth, gain = draw_any(random)
        fit = fit_gaussian(gain * random.poisson(gaussian_image(truth, WHOLE) / gain), gain=gain if known else None)
        lost += "did not converge" in fit.reason
        if fit.valid:
            pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES])
        elif not fit.detected:
            limits.append(fit.upper_limit > truth["A"])
    found = np.array(pulls)
    assert len(found) > 1200
    assert lost <= 1
    # The mean of 1300 pulls is known to 0.028; that of a width is at -0.04, since a spot that seems narrow seems well
    # known, too.
    assert np.all(np.abs(found.mean(axis=0)) < 0.05 + 2 * 0.028), found.mean(axis=0)
    assert np.all(np.abs(found.std(axis=0) - 1) < 0.05 + 2 * 0.02), found.std(axis=0)
    assert np.abs(found).max() < 6
    assert np.mean(limits) > 0.95


@pytest.mark.parametrize("rotated", [False, True])
def test_the_minimum_is_that_of_iminuit(rotated):
    iminuit = pytest.importorskip("iminuit")
    random = np.random.default_rng(SEED)
    for _ in range(3):
        truth = draw_truth(random)
        if rotated:
            truth = {**truth, "sigma_x": 4.0, "sigma_y": 8.0, "theta": 0.4}
        image = image_of(random, truth)
        fit = fit_gaussian(image, gain=1.0, rotated=rotated)

        def half_deviance(*values: float, names=fit.names, image=image) -> float:
            mean = gaussian_image(dict(zip(names, values, strict=True)), SHAPE)
            return float(np.sum(mean - image + special.xlogy(image, image / mean)))

        assert half_deviance(*fit.values.values()) == pytest.approx(fit.nll, abs=1e-6)
        minimum = iminuit.Minuit(half_deviance, *fit.values.values(), name=fit.names)
        minimum.errordef = 0.5
        minimum.tol = 1e-5
        for name in fit.names:
            minimum.errors[name] = fit.errors[name]
        minimum.migrad()
        assert fit.nll < minimum.fval + 1e-6


def test_a_reference_takes_the_stray_light_off():
    random = np.random.default_rng(SEED)
    y, x = np.indices(SHAPE)
    light = 30.0 + 15.0 * np.sin(x / 20.0) + 10.0 * np.cos(y / 30.0)
    pulls = []
    for _ in range(60):
        truth = {**draw_truth(random), "A": 12_000.0, "C": 3.0}
        truth |= dict(zip(("sigma_x", "sigma_y"), random.uniform(3.0, 8.0, 2), strict=True))
        mean = gaussian_image({**truth, "s": 0.8}, SHAPE, light)
        fit = fit_gaussian(2.0 * random.poisson(mean / 2.0), reference=light)
        assert fit.valid, fit.reason
        pulls.append([(fit.values[name] - (truth | {"s": 0.8})[name]) / fit.errors[name] for name in fit.names])
    assert fit.names == (*NAMES, "s")
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4 / math.sqrt(60))
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 4 / math.sqrt(120))


def test_the_noise_of_a_few_references_is_in_the_errors_and_tells_the_gain():
    random = np.random.default_rng(SEED)
    y, x = np.indices(SHAPE)
    light = 300.0 + 150.0 * np.sin(x / 20.0) + 100.0 * np.cos(y / 30.0)
    truth = dict(zip(NAMES, (80_000.0, 50.0, 60.0, 8.0, 8.0, 0.0), strict=True))
    references = 2.0 * random.poisson(light / 2.0, (3, *SHAPE))
    image = 2.0 * random.poisson((gaussian_image(truth, SHAPE) + light) / 2.0)
    few, exact = fit_gaussian(image, reference=references), fit_gaussian(image, reference=light, gain=2.0)
    assert few.gain_error > 0.0
    assert abs(few.gain - 2.0) < 5 * few.gain_error
    assert few.errors["A"] / exact.errors["A"] == pytest.approx(math.sqrt(1 + 1 / 3), rel=0.05)
    assert abs(few.values["A"] - exact.values["A"]) < 4 * few.errors["A"]


@pytest.mark.parametrize("gain", [2.0, None])
def test_read_noise_is_in_the_errors(gain):
    random = np.random.default_rng(SEED)
    truth = dict(zip(NAMES, (10_000.0, 50.0, 60.0, 5.0, 7.0, 2.0), strict=True))
    pulls = []
    for _ in range(80):
        image = image_of(random, truth, gain=2.0) + random.normal(0.0, 4.0, SHAPE)
        fit = fit_gaussian(image, gain=gain, read_noise=4.0)
        assert fit.valid, fit.reason
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4 / math.sqrt(80))
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 4 / math.sqrt(160))


def test_a_turned_spot_has_an_angle():
    random = np.random.default_rng(SEED)
    pulls = []
    for _ in range(25):
        truth = {**draw_truth(random), "A": 40_000.0, "C": 10.0, "sigma_x": 4.0, "sigma_y": 9.0}
        truth["theta"] = random.uniform(-0.7, 0.7)
        fit = fit_gaussian(image_of(random, truth), rotated=True)
        assert fit.valid, fit.reason
        pulls.append([(fit.values[name] - truth[name]) / fit.errors[name] for name in fit.names])
    assert fit.names == (*NAMES[:5], "theta", "C")
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4 / math.sqrt(25))
    assert np.all(np.abs(np.std(pulls, axis=0) - 1) < 4 / math.sqrt(50))
    low, high = fit.interval("theta")
    assert high - low == pytest.approx(2 * fit.errors["theta"], rel=0.1)


def test_p_values_of_true_models_are_uniform():
    random = np.random.default_rng(SEED)
    p = []
    for _ in range(150):
        truth, gain = draw_truth(random), random.uniform(0.5, 4.0)
        p.append(fit_gaussian(image_of(random, truth, gain), gain=gain).p_value)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_the_upper_limit_covers_what_is_not_seen():
    random = np.random.default_rng(SEED)
    covered = []
    for _ in range(150):
        truth = {**draw_truth(random), "C": 25.0}
        truth["A"] = random.uniform(0.0, 2.0) * math.sqrt(25.0 * 4 * math.pi * truth["sigma_x"] * truth["sigma_y"])
        fit = fit_gaussian(image_of(random, truth))
        if not fit.detected:
            covered.append(fit.upper_limit > truth["A"])
            assert str(fit).startswith("NOT VALID")
            assert "(95 %)" in str(fit)
    assert len(covered) > 100
    assert np.mean(covered) > 0.95
    assert math.isnan(fit_gaussian(image_of(random, {**truth, "A": 50_000.0})).upper_limit)


SMOOTHING = 6.0
"""Pixels: less keeps the image's own noise, which is then no difference; more leaves speckle."""


def smoothed(image: np.ndarray, bad: np.ndarray) -> np.ndarray:
    good = (~bad).astype(float)
    return ndimage.gaussian_filter(image * good, SMOOTHING) / ndimage.gaussian_filter(good, SMOOTHING)


def test_spots_put_into_the_real_image_are_found_and_nothing_else(real_files):
    image = read_image(real_files / "cmos_000039.csv").astype(float)
    bad = find_bad_pixels(image).mask
    light = smoothed(image, bad)
    assert not fit_gaussian(image, reference=light, mask=bad).detected
    random = np.random.default_rng(SEED)
    pulls: dict[str, list[list[float]]] = {"like it": [], "itself": []}
    for _ in range(60):
        truth = dict(
            zip(
                NAMES,
                (10 ** random.uniform(4.2, 5.5), *random.uniform(40, 190, 2), *random.uniform(3, 15, 2), 0.0),
                strict=True,
            )
        )
        spot = gaussian_image(truth, image.shape)
        for name, made in (
            ("like it", 1.8 * random.poisson((light + spot) / 1.8)),
            ("itself", image + 1.8 * random.poisson(spot / 1.8)),
        ):
            fit = fit_gaussian(made, reference=light, mask=bad)
            assert fit.detected
            if fit.valid:
                pulls[name].append([(fit.values[n] - truth[n]) / fit.errors[n] for n in NAMES[:5]])
        assert not fit_gaussian(1.8 * random.poisson(light / 1.8), reference=light, mask=bad).detected
    for name, found in pulls.items():
        assert len(found) > 50
        assert np.all(np.abs(np.mean(found, axis=0)) < 4 / math.sqrt(60)), name
        assert np.all(np.abs(np.std(found, axis=0) - 1) < 4 / math.sqrt(120)), name


def test_the_background_is_the_maximum_of_the_likelihood():
    random = np.random.default_rng(4)
    light = random.uniform(0.0, 20.0, SHAPE)
    mask = random.random(SHAPE) < 0.1
    image = random.poisson(3.0 + 1.7 * light)
    problem = problem_of(image, Reference(light), mask, 1.0, 0.0, None)
    c, s = problem.without_spot.values
    pull = (1.0 - image / (c + s * light))[~mask]
    assert np.sum(pull) == pytest.approx(0.0, abs=0.1)
    assert np.sum(pull * light[~mask]) == pytest.approx(0.0, abs=1.0)
    assert (c, s) == pytest.approx((3.0, 1.7), abs=0.15)


def test_a_reference_without_structure_leaves_no_interval():
    truth = dict(zip(NAMES, (60_000.0, 55.0, 60.0, 8.0, 12.0, 20.0), strict=True))
    fit = fit_gaussian(image_of(np.random.default_rng(SEED), truth), reference=np.full(SHAPE, 5.0))
    assert "the covariance cannot be computed" in fit.reason
    with pytest.raises(ValueError, match="no interval of 'C': the data do not tell its error"):
        fit.interval("C")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gain": 0.0}, "gain should be"),
        ({"read_noise": -1.0}, "read_noise should be"),
        ({"reference": np.ones((3, 3))}, "the reference has the shape"),
        ({"reference": np.full((40, 40), np.nan)}, "a reference with infinite"),
        ({"mask": np.ones((40, 40), bool)}, "not masked is too small"),
        ({"mask": np.ones((4, 4), bool)}, "the mask has the shape"),
        ({"roi": (0, 50, 0, 10)}, "does not lie within"),
    ],
)
def test_options_that_do_not_fit_the_image_are_told(options, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_gaussian(np.ones((40, 40)), **options)


def subtracted(seed: int, brightness: float, offset: float = 0.0) -> tuple[dict[str, float], np.ndarray]:
    """A spot on a background of 100 electrons, from which an image without atoms was subtracted."""
    random = np.random.default_rng(seed)
    truth = {"A": brightness, "x0": 60.0, "y0": 50.0, "sigma_x": 8.0, "sigma_y": 6.0, "C": 100.0}
    image = random.poisson(gaussian_image(truth, (120, 140))) - random.poisson(100.0, (120, 140)) + offset
    return {**truth, "C": offset}, image


@pytest.mark.parametrize("offset", [0.0, -3.0, -50.0])
def test_an_image_without_its_background_is_fitted_with_the_noise_that_it_has(offset):
    pulls = []
    for seed in range(30):
        truth, image = subtracted(seed, 40_000.0, offset)
        fit = fit_gaussian(image)
        assert fit.valid, fit.reason
        assert fit.read_noise == pytest.approx(math.sqrt(200.0), rel=0.06)
        pulls += [
            (fit.values[name] - truth[name]) / fit.errors[name] for name in ("A", "x0", "y0", "sigma_x", "sigma_y")
        ]
    assert abs(np.mean(pulls)) < 0.3
    assert 0.8 < np.std(pulls) < 1.25


def test_an_image_without_its_background_shows_no_atoms_that_are_not_there():
    fits = [fit_gaussian(subtracted(seed, 0.0)[1]) for seed in range(100, 130)]
    assert not any(fit.detected for fit in fits)


def test_a_read_noise_that_is_given_is_taken():
    _, image = subtracted(1, 40_000.0)
    assert fit_gaussian(image, read_noise=14.0).read_noise == 14.0
    assert fit_gaussian(np.abs(image)).read_noise == 0.0
