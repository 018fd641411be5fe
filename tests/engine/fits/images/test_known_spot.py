"""A spot of known place and widths has a brightness with a true error, whether it is seen or not."""

from __future__ import annotations

import math
import pickle

import numpy as np
import polars as pl
import pytest
from scipy import optimize, special

from utokyo import GaussianFit, InputError, fit_gaussian, fit_lifetime, mean_spot
from utokyo.engine.fits.images.fit import gaussian_image
from utokyo.engine.fits.images.known_spot import Spot, spot_of

SEED = 20220918
SHAPE = (60, 70)
SPOT = {"x0": 36.3, "y0": 28.2, "sigma_x": 4.0, "sigma_y": 5.5}
TURNED = {**SPOT, "theta": 0.4}
START_NS = 1_663_503_939_000_000_000


def image_of(random: np.random.Generator, amplitude: float, background: float, gain: float = 1.0, **spot: float):
    return gain * random.poisson(gaussian_image({"A": amplitude, "C": background, **(spot or SPOT)}, SHAPE) / gain)


def light() -> np.ndarray:
    return gaussian_image({"A": 50_000.0, "x0": 20.0, "y0": 30.0, "sigma_x": 25.0, "sigma_y": 20.0, "C": 1.0}, SHAPE)


@pytest.mark.parametrize(
    ("amplitude", "background"),
    [
        pytest.param(amplitude, background, marks=[] if background == 0.5 else pytest.mark.slow)
        for background in (0.02, 0.5, 20.0)
        for amplitude in (0.0, 1.0, 6.0)
    ],
)
def test_pulls_have_mean_zero_and_width_one_with_atoms_and_without(amplitude, background):
    random = np.random.default_rng(SEED)
    known = math.sqrt(4 * math.pi * SPOT["sigma_x"] * SPOT["sigma_y"] * background)
    pulls = []
    for _ in range(400):
        fit = fit_gaussian(image_of(random, amplitude * known, background), spot=SPOT, gain=1.0)
        if fit.valid:
            pulls.append((fit.values["A"] - amplitude * known) / fit.errors["A"])
    assert len(pulls) >= 395  # two in a thousand seem to be otherwise
    # Counts of a handful of electrons lean to one side, as Poisson's do.
    lean = 0.15 if background < 0.1 else 0.0
    assert abs(np.mean(pulls)) < 4 / math.sqrt(400) + lean
    assert abs(np.std(pulls) - 1) < 4 / math.sqrt(800) + lean


@pytest.mark.parametrize(
    ("truth", "options"),
    [
        (SPOT, {"gain": None}),
        (SPOT, {"gain": 2.0, "read_noise": 3.0}),
        pytest.param(SPOT, {"gain": None, "read_noise": 3.0}, marks=pytest.mark.slow),
        pytest.param(TURNED, {"gain": 2.0}, marks=pytest.mark.slow),
        (SPOT, {"gain": 2.0, "reference": light()}),
        pytest.param(TURNED, {"gain": None, "reference": light()}, marks=pytest.mark.slow),
    ],
)
def test_pulls_with_whatever_else_an_image_has(truth, options):
    random = np.random.default_rng(SEED)
    pulls = []
    for k in range(100):
        amplitude = (0.0, 200.0, 700.0)[k % 3]
        mean = gaussian_image({"A": amplitude, "C": 30.0, **truth}, SHAPE) + (
            light() if "reference" in options else 0.0
        )
        image = 2.0 * random.poisson(mean / 2.0) + random.normal(0.0, options.get("read_noise", 0.0), SHAPE)
        fit = fit_gaussian(image, spot=truth, **options)
        assert fit.valid, fit.reason
        assert fit.names == (("A", "C", "s") if "reference" in options else ("A", "C"))
        assert {name: fit.values[name] for name in truth} == pytest.approx(truth)
        pulls.append((fit.values["A"] - amplitude) / fit.errors["A"])
    assert abs(np.mean(pulls)) < 0.4
    assert abs(np.std(pulls) - 1) < 4 / math.sqrt(200)


def test_a_bright_spot_tells_its_place_and_widths_itself():
    random = np.random.default_rng(SEED)
    image = image_of(random, 20_000.0, 10.0, **(SPOT | {"x0": 37.3}))
    fit, free = fit_gaussian(image, spot=SPOT), fit_gaussian(image)
    assert fit.valid
    assert fit.names == free.names
    assert dict(fit.values) == dict(free.values)


@pytest.mark.parametrize("change", [{"x0": 12.0}, {"y0": 40.0}, {"sigma_x": 12.0, "sigma_y": 14.0}])
def test_a_bright_spot_elsewhere_or_of_other_widths_is_told(change):
    fit = fit_gaussian(image_of(np.random.default_rng(SEED), 60_000.0, 10.0, **(SPOT | change)), spot=SPOT)
    assert fit.reason == "there are atoms, but not at the given spot"


@pytest.mark.parametrize("turned", [False, True])
def test_the_fit_is_the_maximum_of_the_likelihood(turned):
    random = np.random.default_rng(SEED)
    spot = TURNED if turned else SPOT
    image = image_of(random, 500.0, 10.0, **spot)
    fit = fit_gaussian(image, spot=spot, gain=1.0)

    def nll(a: float, c: float) -> float:
        mean = gaussian_image({"A": a, "C": c, **spot}, SHAPE)
        return float(np.sum(mean - special.xlogy(image, mean)))

    best = optimize.minimize(
        lambda x: nll(*x), [400.0, 9.0], method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}
    )
    assert fit.names == ("A", "C")
    assert fit.values["A"] == pytest.approx(best.x[0], abs=2e-3 * fit.errors["A"])
    assert fit.values["C"] == pytest.approx(best.x[1], abs=2e-3 * fit.errors["C"])
    low, high = fit.interval("A")
    assert high - low == pytest.approx(2 * fit.errors["A"], rel=0.05)


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_the_significance_says():
    random = np.random.default_rng(SEED)
    fits = [fit_gaussian(image_of(random, 0.0, 10.0), spot=SPOT, gain=1.0) for _ in range(3000)]
    assert sum(fit.detected for fit in fits) <= 10  # 3 are expected
    p = special.ndtr([-fit.significance for fit in fits])
    for level in (0.01, 0.1):
        assert abs(np.mean(p < level) - level) < 4 * math.sqrt(level / 3000)
    assert np.mean([fit.values["A"] < 0.0 for fit in fits]) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(3000))


def test_upper_limits_are_above_the_truth_in_95_of_100():
    random = np.random.default_rng(SEED)
    for amplitude in (50.0, 150.0):
        fits = [fit_gaussian(image_of(random, amplitude, 10.0), spot=SPOT, gain=1.0) for _ in range(500)]
        wrong = sum(not fit.detected and fit.upper_limit < amplitude for fit in fits)
        assert wrong < 25 + 4 * math.sqrt(25)
        assert all(math.isnan(fit.upper_limit) == fit.detected for fit in fits if fit.valid)


def test_a_faint_spot_elsewhere_is_told():
    random = np.random.default_rng(SEED)
    for _ in range(50):
        fit = fit_gaussian(image_of(random, 450.0, 10.0, **(SPOT | {"x0": 12.0})), spot=SPOT)
        assert len(fit.names) > 2 or "there are atoms, but not at the given spot" in fit.reason
    assert sum(fit_gaussian(image_of(random, 450.0, 10.0), spot=SPOT).valid for _ in range(500)) >= 495


def rows_of(fits: list[GaussianFit]) -> pl.DataFrame:
    told = [{**fit.values, **{f"{n}_unc": e for n, e in fit.errors.items()}} for fit in fits]
    seen = [{"fit_successful": fit.valid, "detected": fit.detected} for fit in fits]
    return pl.DataFrame([a | b for a, b in zip(told, seen, strict=True)])


@pytest.mark.slow
def test_a_series_at_the_place_of_its_bright_images_has_a_lifetime_without_bias():
    random = np.random.default_rng(SEED)
    seconds = np.arange(40)
    stamps = START_NS + seconds * 1_000_000_000
    pulls, of_the_seen = [], []
    for _ in range(120):
        tau_s = random.uniform(4.0, 8.0)
        images = [image_of(random, 4000.0 * math.exp(-t / tau_s), 20.0) for t in seconds]
        rows = rows_of([fit_gaussian(image) for image in images])
        fits = [fit_gaussian(image, spot=mean_spot(rows)) for image in images]
        whole = fit_lifetime(stamps, [f.values["A"] for f in fits], [f.errors["A"] for f in fits])
        pulls.append((whole.values["tau_s"] - tau_s) / whole.errors["tau_s"])
        seen = rows.with_columns(stamp=stamps).filter("detected")
        part = fit_lifetime(seen["stamp"], seen["A"], seen["A_unc"])
        of_the_seen.append((part.values["tau_s"] - tau_s) / part.errors["tau_s"])
    assert abs(np.mean(pulls)) < 4 / math.sqrt(120)
    assert abs(np.std(pulls) - 1) < 4 / math.sqrt(240)
    assert np.mean(of_the_seen) < -0.2  # what it is for


def test_the_mean_spot_weighs_images_by_what_they_know():
    rows = pl.DataFrame(
        {name: [value, value + 3.0, 99.0] for name, value in SPOT.items()}
        | {f"{name}_unc": [0.1, 1.0, 0.1] for name in SPOT}
        | {"fit_successful": [True, True, False]}
    )
    assert mean_spot(rows) == pytest.approx({name: value + 3.0 / 101.0 for name, value in SPOT.items()})
    turned = rows.with_columns(theta=pl.Series([0.1, 0.3, None]), theta_unc=pl.Series([1.0, 1.0, None]))
    assert mean_spot(turned)["theta"] == pytest.approx(0.1, abs=0.01)


def test_the_mean_of_turned_spots_does_not_depend_on_which_axis_is_called_x():
    rows = pl.DataFrame(
        {"x0": [5.0, 5.0], "y0": [6.0, 6.0], "sigma_x": [11.0, 5.0], "sigma_y": [5.0, 11.0], "theta": [-0.78, 0.78]}
        | {f"{name}_unc": [0.1, 0.1] for name in SPOT}
        | {"fit_successful": [True, True]}
    )
    mean = mean_spot(rows)
    assert sorted([mean["sigma_x"], mean["sigma_y"]]) == pytest.approx([5.0, 11.0], abs=0.01)
    assert abs(mean["theta"]) == pytest.approx(math.pi / 4, abs=0.01)


@pytest.mark.parametrize(
    ("spot", "sentence"),
    [
        ({"x0": 3.0, "y0": 3.0}, "spot should hold x0, y0, sigma_x, sigma_y, not x0, y0"),
        ({}, "not nothing"),
        ({**SPOT, "A": 1.0}, "spot should hold"),
        ({**SPOT, "sigma_x": 0.0}, "its widths should be 0.5 to 60 pixels, not 0 and 5.5"),
        ({**SPOT, "y0": math.nan}, "spot should hold numbers of pixels"),
        ({**SPOT, "y0": "a"}, "spot should hold numbers of pixels"),
        ({**SPOT, "x0": 300.0}, "lies outside of what is fitted"),
    ],
)
def test_a_spot_that_is_none_is_told_in_one_sentence(spot, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_gaussian(image_of(np.random.default_rng(1), 0.0, 10.0), spot=spot)


def test_a_spot_gives_the_fit_of_its_mapping():
    image = image_of(np.random.default_rng(SEED), 400.0, 10.0)
    for given in (SPOT, TURNED):
        spot = Spot(**given)
        assert fit_gaussian(image, spot=spot).values == fit_gaussian(image, spot=given).values
        assert spot_of(given) == spot == spot_of(spot)
        assert spot.as_dict() == given


def test_a_spot_hashes_pickles_and_says_what_it_is():
    spot = Spot(36, 28.5, 4.0, 5.0)
    assert {spot: 1}[Spot(36.0, 28.5, 4.0, 5.0)] == 1
    assert pickle.loads(pickle.dumps(spot)) == spot
    assert repr(spot) == "Spot(x0=36.0, y0=28.5, sigma_x=4.0, sigma_y=5.0, theta=None)"


@pytest.mark.parametrize("numbers", [(math.nan, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, math.inf), (1.0, "a", 1.0, 1.0)])
def test_a_spot_of_no_numbers_is_told_in_one_sentence(numbers):
    with pytest.raises(InputError, match="spot should hold numbers of pixels"):
        Spot(*numbers)


def test_a_turned_fit_of_an_upright_spot_is_told():
    with pytest.raises(InputError, match="theta"):
        fit_gaussian(np.ones(SHAPE), spot=Spot(**SPOT), rotated=True)
    with pytest.raises(InputError, match="theta"):
        fit_gaussian(np.ones(SHAPE), spot=SPOT, rotated=True)


def test_a_mean_spot_needs_images_that_show_it():
    with pytest.raises(InputError, match="no column 'x0'"):
        mean_spot(pl.DataFrame({"a": [1]}))
    fits = [fit_gaussian(image_of(np.random.default_rng(1), 0.0, 10.0))]
    with pytest.raises(InputError, match="no image shows atoms"):
        mean_spot(rows_of(fits))
