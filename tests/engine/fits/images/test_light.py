"""Light that is not even, turned spots and several: numbers are right, or refused by a reason, or a better model's."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from scipy import ndimage

from utokyo import fit_gaussian, fit_spots, gaussian_image, smooth_reference
from utokyo.engine.fits.images.rotated import RotatedLikelihood
from utokyo.io.errors import InputError
from utokyo.io.image import read_image

SHAPE = (110, 130)
Y, X = np.indices(SHAPE, dtype=float)
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y")


def light(random: np.random.Generator, kind: str) -> np.ndarray:
    """Light around 1 of one kind."""
    x, y = X - random.uniform(0.0, SHAPE[1]), Y - random.uniform(0.0, SHAPE[0])
    angle = random.uniform(0.0, 2.0 * math.pi)
    if kind == "gradient":
        return 1.0 + random.uniform(0.1, 0.5) * (x * math.cos(angle) + y * math.sin(angle)) / 250.0
    if kind == "vignetting":
        return 1.0 - random.uniform(0.05, 0.3) * (x**2 + y**2) / np.max(x**2 + y**2)
    return 1.0 + random.uniform(0.1, 0.3) * np.exp(-0.5 * (x**2 + y**2) / random.uniform(40.0, 90.0) ** 2)


def spot(random: np.random.Generator, level: float) -> dict[str, float]:
    sigma_x, sigma_y = random.uniform(3.0, 7.0, 2).tolist()
    peak = level * 10.0 ** random.uniform(-0.3, 1.0)
    return {
        "A": 2.0 * math.pi * sigma_x * sigma_y * peak,
        "x0": random.uniform(40.0, 90.0),
        "y0": random.uniform(35.0, 75.0),
        "sigma_x": sigma_x,
        "sigma_y": sigma_y,
        "C": 0.0,
    }


def pulls(fit, truth: dict[str, float]) -> list[float]:
    return [(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES]


@pytest.mark.parametrize("kind", ["gradient", "vignetting", "glow"])
@pytest.mark.parametrize("images", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_a_spot_on_uneven_light_is_right_or_refused(kind, images):
    random = np.random.default_rng(20261128)
    found = []
    for _ in range(images):
        level = 10.0 ** random.uniform(1.0, 3.0)
        truth = spot(random, level)
        fit = fit_gaussian(random.poisson(level * light(random, kind) + gaussian_image(truth, SHAPE)))
        if fit.valid:
            found.append(pulls(fit, truth))
        else:
            assert fit.reason
    assert len(found) > 0.8 * images
    assert np.sum(np.abs(found).max(axis=1) > 5.0) <= 2e-3 * images
    assert np.all(np.abs(np.std(found, axis=0) - 1.0) < 4.5 / math.sqrt(2.0 * len(found)))


def test_a_plane_has_its_slopes_and_the_image_its_model():
    truth = {"A": 2e4, "x0": 60.3, "y0": 50.2, "sigma_x": 4.0, "sigma_y": 6.0, "C": 20.0}
    image = np.random.default_rng(1).poisson(gaussian_image(truth, SHAPE) + 0.2 * X)
    fit = fit_gaussian(image, gain=1.0, background="plane")
    assert fit.valid
    assert abs(fit.values["C_x"] - 0.2) < 4.0 * fit.errors["C_x"]
    assert abs(fit.values["C_y"]) < 4.0 * fit.errors["C_y"]
    near = np.s_[30:70, 40:80]
    assert np.mean((image - gaussian_image(fit.values, SHAPE))[near]) == pytest.approx(0.0, abs=0.4)
    low, high = fit.interval("A")
    assert high - low == pytest.approx(2.0 * fit.errors["A"], rel=0.1)
    low, high = fit.interval("C_x")
    assert low < 0.2 + 0.05
    assert high - low == pytest.approx(2.0 * fit.errors["C_x"], rel=0.1)


def test_a_choice_that_is_none_is_refused():
    with pytest.raises(InputError, match="background should be one of"):
        fit_gaussian(np.ones(SHAPE), background="sloping")
    with pytest.raises(InputError, match="rotated should be"):
        fit_gaussian(np.ones(SHAPE), rotated="yes")
    with pytest.raises(InputError, match="without noise"):
        fit_gaussian(np.full(SHAPE, 30.0), reference=np.full((3, *SHAPE), 30.0), gain=1.0, background="plane")


@pytest.mark.parametrize("images", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_a_turned_spot_is_turned_where_residuals_ask_for_it(images):
    random = np.random.default_rng(7)
    found, turned = [], 0
    for _ in range(images):
        level = 10.0 ** random.uniform(1.0, 2.0)
        truth = spot(random, level) | {"theta": math.radians(random.uniform(15.0, 40.0))}
        truth["sigma_y"] = 0.5 * truth["sigma_x"] + 1.0
        truth["sigma_x"] += 2.0
        truth["A"] = 2.0 * math.pi * truth["sigma_x"] * truth["sigma_y"] * level * 3.0
        image = random.poisson(level + gaussian_image(truth, SHAPE))
        fit = fit_gaussian(image, rotated="auto")
        upright = fit_gaussian(image)
        assert not upright.valid or max(map(abs, pulls(upright, truth)[:3])) < 5.0
        if "theta" not in fit.values:  # too few counts tell the angle
            assert not fit.valid or max(map(abs, pulls(fit, truth)[:3])) < 5.0
            continue
        assert any("turned by" in remark for remark in fit.remarks)
        turned += 1
        if fit.valid:
            found.append(pulls(fit, truth))
    assert turned > 0.97 * images
    assert len(found) > 0.9 * images
    assert np.abs(found).max() < 5.0


def test_an_upright_spot_stays_upright():
    truth = {"A": 2e4, "x0": 60.3, "y0": 50.2, "sigma_x": 4.0, "sigma_y": 6.0, "C": 20.0}
    turned = [
        "theta" in fit_gaussian(np.random.default_rng(k).poisson(gaussian_image(truth, SHAPE)), rotated="auto").values
        for k in range(20)
    ]
    assert sum(turned) <= 1


@pytest.mark.parametrize("images", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_two_spots_are_refused_as_one_and_fitted_as_two(images):
    random = np.random.default_rng(11)
    found, wrong = [], 0
    for _ in range(images):
        level = 10.0 ** random.uniform(1.0, 2.0)
        one = spot(random, level) | {"C": level}
        one["A"] *= 3.0
        angle = random.uniform(0.0, 2.0 * math.pi)
        other = one | {
            "A": one["A"] * random.uniform(0.4, 0.95),
            "x0": one["x0"] + 3.0 * one["sigma_x"] * math.cos(angle),
            "y0": one["y0"] + 3.0 * one["sigma_y"] * math.sin(angle),
            "C": 0.0,
        }
        image = random.poisson(gaussian_image(one, SHAPE) + gaussian_image(other, SHAPE))
        wrong += fit_gaussian(image).valid
        fits = fit_spots(image, 2)
        for fit, truth in zip(fits, (one, other), strict=True):
            if all(each.valid for each in fits):
                found.append(pulls(fit, truth))
    assert wrong <= 0.01 * images
    assert len(found) > 1.6 * images
    assert np.mean(np.abs(found) > 5.0) < 0.02


def test_spots_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="spots should be"):
        fit_spots(np.ones(SHAPE), 0)
    with pytest.raises(InputError, match="background should be"):
        fit_spots(np.ones(SHAPE), 2, background="auto")
    with pytest.raises(InputError, match="without light"):
        fit_spots(np.zeros(SHAPE), 2)


def test_a_smooth_reference_holds_no_spot_and_a_median_is_told(real_files):
    real = np.asarray(read_image(real_files / "cmos_000039.csv"), dtype=float)
    truth = {"A": 9000.0, "x0": 110.0, "y0": 120.0, "sigma_x": 4.0, "sigma_y": 5.0, "C": 0.0}
    image = real + np.random.default_rng(3).poisson(gaussian_image(truth, real.shape))
    fit = fit_gaussian(image, reference=smooth_reference(image))
    assert fit.detected
    assert abs(fit.values["A"] - truth["A"]) < 3.0 * fit.errors["A"]
    told = fit_gaussian(image, reference=ndimage.median_filter(image, 31) + 0.1)
    assert any("differs from the image's by place" in remark for remark in told.remarks)


def test_a_smooth_reference_takes_images_alone():
    for bad in (np.ones(5), np.full(SHAPE, np.nan)):
        with pytest.raises(InputError):
            smooth_reference(bad)
    with pytest.raises(InputError, match="width"):
        smooth_reference(np.ones(SHAPE), width=0.0)


def test_a_turned_spot_needs_no_scipy():
    truth = {"A": 3e5, "x0": 60.3, "y0": 50.2, "sigma_x": 5.0, "sigma_y": 9.0, "theta": 0.5, "C": 20.0}
    image = np.random.default_rng(1).poisson(gaussian_image(truth, SHAPE))
    calls = []
    by_scipy = RotatedLikelihood._of_elements

    def counted(self, parameters):
        calls.append(1)
        return by_scipy(self, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RotatedLikelihood, "_of_elements", counted)
        fit = fit_gaussian(image, rotated=True)
    assert fit.valid
    assert len(calls) <= 2


@pytest.mark.slow
def test_a_turned_spot_costs_at_most_five_times_the_upright_one():
    truth = {"A": 1e7, "x0": 600.3, "y0": 480.2, "sigma_x": 60.0, "sigma_y": 90.0, "theta": 0.3, "C": 20.0}
    image = np.random.default_rng(1).poisson(gaussian_image(truth, (960, 1280)))

    def seconds(rotated: bool) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            fit_gaussian(image, rotated=rotated)
            times.append(time.perf_counter() - begin)
        return min(times)

    assert seconds(True) <= 5.0 * seconds(False)
