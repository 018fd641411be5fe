"""Every figure is drawn without pyplot, and shows something."""

from __future__ import annotations

import io
import sys

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure

from utokyo import fit_gaussian
from utokyo.engine.figures.image import image_figure, image_figure_3d
from utokyo.engine.figures.pmt import pmt_figure
from utokyo.engine.fits.gaussian import gaussian_image


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
