"""Every figure is drawn without pyplot, and shows something."""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from dataclasses import replace
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from utokyo import find_bad_pixels, fit_gaussian
from utokyo.engine.figures.bad_pixels import BadPixelsSheet
from utokyo.engine.figures.image import FittedImage, ImageSheet, SurfaceSheet, image_figure, image_figure_3d
from utokyo.engine.figures.image_sheet import HIGH, LEFT, WHOLE_AT, WIDE
from utokyo.engine.figures.pmt import pmt_figure
from utokyo.engine.fits.images.fit import gaussian_image


def pixels_of(figure: Figure) -> np.ndarray:
    target = io.BytesIO()
    figure.savefig(target, format="png", dpi=60)
    target.seek(0)
    return matplotlib.image.imread(target)[..., :3]


def assert_drawn(figure: Figure) -> None:
    pixels = pixels_of(figure)
    assert np.mean(np.any(pixels != 1.0, axis=2)) > 0.02
    assert len(np.unique((pixels * 255).astype(np.uint8).reshape(-1, 3), axis=0)) > 20
    assert "matplotlib.pyplot" not in sys.modules or sys.modules["matplotlib.pyplot"].get_fignums() == []


SPOT = {"A": 30_000.0, "x0": 40.0, "y0": 60.0, "sigma_x": 6.0, "sigma_y": 9.0, "C": 20.0}


@pytest.mark.parametrize("draw", [image_figure, image_figure_3d])
@pytest.mark.parametrize("atoms", [True, False])
def test_an_image_and_its_fit(draw, atoms):
    mean = gaussian_image({**SPOT, "A": SPOT["A"] * atoms}, (120, 90))
    image = np.random.default_rng(1).poisson(mean)
    fit = fit_gaussian(image)
    assert fit.valid == atoms
    assert_drawn(draw(image, fit, "cmos_000001.csv"))


SHEETS = (ImageSheet, SurfaceSheet, BadPixelsSheet)
SHAPE = (60, 50)


def shown_by(kind: type, k: int) -> tuple[Any, ...]:
    """What a sheet shows as its picture k: without atoms, faint, bright, with other powers of ten and hot pixels."""
    amplitude = (0.0, 3e3, 1e5, 1e9)[k % 4]
    spot = {"A": amplitude, "x0": 20.0 + k, "y0": 30.0, "sigma_x": 4.0, "sigma_y": 3.0 + k, "C": 20.0 * 10.0 ** (k % 3)}
    image = np.random.default_rng(k).poisson(gaussian_image(spot, SHAPE))
    image[5 + k, 7] += 1000 * (k % 3)
    if k == 5:
        image[:] = 0
    if kind is BadPixelsSheet:
        return find_bad_pixels(image), f"image {k}"
    return (FittedImage(image, fit_gaussian(image), f"cmos_{k}.csv"),)


@pytest.mark.parametrize("kind", SHEETS)
def test_a_sheet_that_was_used_paints_what_a_new_one_does(kind):
    used = kind(SHAPE)
    for k in (2, 0, 3, 5, 1, 4, 2, 7, 6):
        fresh = kind(SHAPE)
        for sheet in (used, fresh):
            sheet.show(*shown_by(kind, k))
        np.testing.assert_array_equal(used.pixels(), fresh.pixels())


@pytest.mark.parametrize("kind", SHEETS)
def test_a_sheet_paints_nearly_what_its_figure_is(kind):
    """Axes are painted in another order: where lines cross, and nowhere else, a shade may differ."""
    sheet = kind(SHAPE)
    sheet.show(*shown_by(kind, 2))
    painted = sheet.pixels()[..., :3] / 255.0
    target = io.BytesIO()
    sheet.figure.savefig(target, format="png")
    target.seek(0)
    saved = matplotlib.image.imread(target)[..., :3]
    assert saved.shape == painted.shape
    assert np.mean(np.abs(saved - painted).max(axis=2) > 0.1) < 1e-3
    np.testing.assert_array_equal(sheet.pixels()[..., :3] / 255.0, painted)


@pytest.mark.parametrize("kind", SHEETS)
def test_a_sheet_whose_painting_failed_paints_the_next_picture(kind, monkeypatch):
    sheet = kind(SHAPE)
    sheet.show(*shown_by(kind, 2))
    with monkeypatch.context() as broken:
        broken.setattr(FigureCanvasAgg, "draw", lambda canvas: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sheet.pixels()
    fresh = kind(SHAPE)
    for one in (sheet, fresh):
        one.show(*shown_by(kind, 3))
    np.testing.assert_array_equal(sheet.pixels(), fresh.pixels())


def test_an_image_without_light_has_neither_a_fit_nor_a_residual():
    (dark,) = shown_by(ImageSheet, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = pixels_of(image_figure(dark.image, dark.fit, dark.title))
        pixels_of(image_figure_3d(dark.image, dark.fit, dark.title))
    rows, columns = pixels.shape[:2]
    row = int((1.0 - WHOLE_AT - HIGH / 2) * rows)
    for left in LEFT[1:]:
        middle = int((left + WIDE / 2) * columns)
        np.testing.assert_array_equal(pixels[row, middle - 20 : middle + 20], 1.0)


def test_figures_of_two_images_do_not_share_anything():
    (first,), (second,) = shown_by(ImageSheet, 2), shown_by(ImageSheet, 0)
    for draw in (image_figure, image_figure_3d):
        figure = draw(first.image, first.fit, first.title)
        before = pixels_of(figure)
        draw(second.image, second.fit, second.title)
        np.testing.assert_array_equal(pixels_of(figure), before)


def test_a_fitted_image_travels_without_what_can_be_computed_again():
    (shown,) = shown_by(ImageSheet, 2)
    fitted = replace(shown, fit=replace(shown.fit, profile=None))
    unused = pickle.dumps(fitted)
    model, pulls = fitted.model, fitted.pulls

    travelled = pickle.dumps(fitted)
    arrived = pickle.loads(travelled)

    assert len(travelled) == len(unused)
    assert (arrived.title, arrived.fit.values, arrived.reference) == (fitted.title, fitted.fit.values, None)
    np.testing.assert_array_equal(arrived.image, fitted.image)
    np.testing.assert_array_equal(arrived.model, model)
    np.testing.assert_array_equal(arrived.pulls, pulls)


def test_a_prompt_shows_what_things_are():
    assert repr(ImageSheet((120, 90))) == "ImageSheet(990 x 770 pixels, 47 of its artists change)"
    (shown,) = shown_by(ImageSheet, 2)
    assert repr(shown) == "FittedImage('cmos_2.csv', 60 x 50 pixels, valid)"


def test_a_description_in_lines_loses_nothing():
    (shown,) = shown_by(ImageSheet, 2)
    whole = shown.description(in_short=False)
    lines = shown.description(in_short=False, width=50).splitlines()
    assert max(map(len, lines)) <= 50
    assert ",  ".join(lines) == whole.replace("\n", ",  ")
    (dark,) = shown_by(ImageSheet, 5)
    words = dark.description(in_short=False, width=20)
    assert max(map(len, words.splitlines())) <= 20
    assert words.replace("\n", " ") == dark.description(in_short=False)


@pytest.mark.parametrize("rows", [0, 1, 2000])
def test_the_pmt_current(rows):
    random = np.random.default_rng(2)
    times = 1_663_503_939_000_000_000 + np.arange(rows) * 400_000_000
    on = np.arange(rows) % 80 < 40
    result = None
    if rows > 1:
        names = ("current_on", "current_off", "difference")
        result = {f"{n}_A": 2e-13 for n in names} | {f"{n}_error_A": 1e-14 for n in names}
    figure = pmt_figure(times, random.normal(1e-13, 1e-13, rows), on, result, "all_data.csv")
    if rows:
        assert_drawn(figure)
    else:
        pixels_of(figure)


def test_residuals_of_an_image_without_its_background_are_as_wide_everywhere():
    random = np.random.default_rng(1)
    truth = {"A": 40_000.0, "x0": 60.0, "y0": 50.0, "sigma_x": 8.0, "sigma_y": 6.0, "C": 100.0}
    image = random.poisson(gaussian_image(truth, (120, 140))) - random.poisson(100.0, (120, 140)) - 3.25
    pulls = FittedImage(image, fit_gaussian(image), "x").pulls
    assert 0.7 < np.std(pulls[40:60, 45:75]) / np.std(pulls[:, :40]) < 1.5
