"""Count how often the errors of a spot that is no Gaussian hold the truth, and how often even light shows a spot.

    python benchmarks/calibrations/calibrate_shapes.py
    python benchmarks/calibrations/calibrate_shapes.py --images 4

The first line takes some minutes: for each kind of departure and its size, in units of the peak, 60 images (`--images`)
are made and fitted. What it prints is, for A, the place and the widths, the root mean square of the pulls with its
Monte-Carlo error, and the largest; how many are detected and valid; and the median of the departure that is told.
The truth of A is all light of the spot in the image; that of the place the middle of the shape from which it departs;
that of the widths those of the least squares fit of the shape without noise, which is what a beam profiler says.
Then empty images are fitted, whose light is even, or uneven but smooth: how many show a spot.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from utokyo import fit_gaussian

Floats = NDArray[np.float64]

SEED = 20260815
SHAPE = (150, 170)
SIZES = (0.0, 0.005, 0.02, 0.05, 0.1)
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y")


def flat_top(x: Floats, y: Floats, size: float) -> Floats:
    """A Gaussian whose peak is pressed down by a part of it, smoothly."""
    gauss = np.exp(-0.5 * (x**2 + y**2))
    return gauss - size * gauss**4


def ring(x: Floats, y: Floats, size: float) -> Floats:
    """A Gaussian with a ring of light around it."""
    return np.exp(-0.5 * (x**2 + y**2)) + size * np.exp(-0.5 * ((np.hypot(x, y) - 1.7) / 0.3) ** 2)


def turned(x: Floats, y: Floats, size: float) -> Floats:
    """A Gaussian turned by 45 degrees, so elongated that it departs by about this part of the peak."""
    return np.exp(-0.5 * (x**2 + y**2 + 2.7 * size * x * y))


def lorentz_wings(x: Floats, y: Floats, size: float) -> Floats:
    """A part of the light in wings that fall with the third power of the distance."""
    return (1.0 - size) * np.exp(-0.5 * (x**2 + y**2)) + size * (1.0 + x**2 + y**2) ** -1.5


def lopsided(x: Floats, y: Floats, size: float) -> Floats:
    """More light on one side, without another centroid."""
    return np.exp(-0.5 * (x**2 + y**2)) * (1.0 + size * (x**3 / 3.0 - x) * np.exp(-0.1 * x**2))


KINDS: dict[str, Callable[[Floats, Floats, float], Floats]] = {
    "flat top": flat_top,
    "ring": ring,
    "turned": turned,
    "Lorentz wings": lorentz_wings,
    "lopsided": lopsided,
}


def least_squares(mean: Floats, start: list[float]) -> Floats:
    """Peak, x0, y0, sigma_x, sigma_y and background of the least squares fit."""
    y, x = np.indices(mean.shape, dtype=np.float64)

    def residual(p: Floats) -> Floats:
        gauss = np.exp(-0.5 * (((x - p[1]) / p[3]) ** 2 + ((y - p[2]) / p[4]) ** 2))
        return np.asarray(p[0] * gauss + p[5] - mean).ravel()

    return np.asarray(optimize.least_squares(residual, start, x_scale=[start[0], 1.0, 1.0, 1.0, 1.0, start[0]]).x)


def spot(random: np.random.Generator, kind: str, size: float) -> tuple[Floats, dict[str, float]]:
    """Mean counts of an image, and the truth."""
    rows, columns = SHAPE
    x0, y0 = random.uniform(0.4, 0.6) * columns, random.uniform(0.4, 0.6) * rows
    sigma_x, sigma_y = random.uniform(5.0, 10.0, 2)
    peak, background = 10 ** random.uniform(2.0, 4.0), 10 ** random.uniform(0.0, 2.0)
    y, x = np.indices(SHAPE)
    light = peak * KINDS[kind]((x - x0) / sigma_x, (y - y0) / sigma_y, size)
    fitted = least_squares(light, [peak, x0, y0, sigma_x, sigma_y, 0.0])
    truth = {"A": float(light.sum()), "x0": x0, "y0": y0}
    # Light is taken at the middle of each pixel: a Gaussian that is integrated over pixels is narrower by as much.
    widths = {name: math.sqrt(float(fitted[k]) ** 2 - 1.0 / 12.0) for k, name in ((3, "sigma_x"), (4, "sigma_y"))}
    return light + background, truth | widths


def shapes(images: int) -> None:
    """Pulls of spots that depart, by kind and size."""
    random = np.random.default_rng(SEED)
    print("kind, size: rms (largest) of the pulls of A, place, widths; detected, valid; median departure told")
    for kind in KINDS:
        for size in SIZES:
            pulls, told, detected, valid = [], [], 0, 0
            for _ in range(images):
                mean, truth = spot(random, kind, size)
                gain = random.uniform(0.5, 3.0)
                fit = fit_gaussian(gain * random.poisson(mean / gain))
                detected += fit.detected
                valid += fit.valid
                told.append(fit.departure)
                if fit.valid:
                    pulls.append([(fit.values[n] - truth[n]) / fit.errors[n] for n in NAMES])
            of = np.array(pulls).reshape(-1, len(NAMES))
            columns = (of[:, :1], of[:, 1:3], of[:, 3:])
            shown = [f"{math.sqrt(np.mean(c**2)):.2f} ({np.abs(c).max():.1f})" for c in columns if c.size]
            print(
                f"{kind}, {size:g}: {', '.join(shown)} +- {1 / math.sqrt(2 * max(len(of), 1)):.2f}; "
                f"{detected}, {valid} of {images}; {100 * np.median(told):.2g} %",
                flush=True,
            )


def empty(random: np.random.Generator, kind: str) -> Floats:
    """Mean counts of an image without a spot."""
    y, x = np.indices(SHAPE, dtype=np.float64)
    x, y = x - random.uniform(0.0, SHAPE[1]), y - random.uniform(0.0, SHAPE[0])
    angle, level = random.uniform(0.0, 2.0 * math.pi), 10 ** random.uniform(0.5, 3.0)
    square = x**2 + y**2
    shape = {
        "even": np.ones(SHAPE),
        "glow of 20 %": 1.0 + 0.2 * np.exp(-0.5 * square / random.uniform(40.0, 150.0) ** 2),
        "vignetting of 3 %": 1.0 - 0.03 * square / square.max(),
        "gradient of 30 %": 1.0 + 0.3 * (x * math.cos(angle) + y * math.sin(angle)) / max(SHAPE) / 2.0,
        "fringes of 5 %": 1.0 + 0.05 * np.sin((x * math.cos(angle) + y * math.sin(angle)) / 25.0),
    }[kind]
    return np.asarray(level * shape)


def empties(images: int) -> None:
    """Detections in images without a spot."""
    random = np.random.default_rng(SEED + 1)
    for kind in ("even", "glow of 20 %", "vignetting of 3 %", "gradient of 30 %", "fringes of 5 %"):
        fits = [fit_gaussian(random.poisson(empty(random, kind))) for _ in range(images)]
        print(f"{kind}: {sum(f.detected for f in fits)} detected of {images}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    options = parser.parse_args()
    shapes(options.images)
    empties(10 * options.images)
