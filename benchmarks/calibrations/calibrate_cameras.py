"""Count how often the fit of a Gaussian holds the truth where a camera departs from the model of its noise.

    python benchmarks/calibrations/calibrate_cameras.py
    python benchmarks/calibrations/calibrate_cameras.py --images 10 --kind saturated

For each kind, 200 images (`--images`) are made, which takes some minutes. Printed are how many spots are detected and
valid; of the valid ones the root mean square of the pulls of A, place, widths, with its Monte-Carlo error, the largest
pull, and how many exceed 5; and the flags of those that are not valid, and how often a remark of the kind is there.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from utokyo import fit_gaussian, gaussian_image

Floats = NDArray[np.float64]

SEED = 20260901
SHAPE = (120, 130)
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y")


class Case(NamedTuple):
    """An image, the options of its fit, and the truth."""

    image: Any
    options: dict[str, Any]
    truth: dict[str, float]


def spot(random: np.random.Generator, peak: float, background: float) -> dict[str, float]:
    """A spot of this peak above the background, in the middle third of the image."""
    sigma_x, sigma_y = random.uniform(2.5, 9.0, 2)
    amplitude = peak * 2.0 * math.pi * sigma_x * sigma_y
    x0, y0 = random.uniform(0.35, 0.65) * SHAPE[1], random.uniform(0.35, 0.65) * SHAPE[0]
    return dict(zip((*NAMES, "C"), (amplitude, x0, y0, sigma_x, sigma_y, background), strict=True))


def counts(random: np.random.Generator, truth: dict[str, float], gain: float = 1.0, read_noise: float = 0.0) -> Floats:
    """What a camera makes of it."""
    mean = gaussian_image(truth, SHAPE)
    return np.asarray(gain * random.poisson(mean / gain) + read_noise * random.normal(size=SHAPE))


def saturated(random: np.random.Generator) -> Case:
    """A peak of 1.1 to 2.9 times what the camera can write."""
    limit, background = random.choice([255.0, 4095.0, 65535.0]), 10 ** random.uniform(0.0, 1.3)
    truth = spot(random, random.uniform(1.1, 2.9) * limit - background, background)
    return Case(np.minimum(counts(random, truth, random.uniform(0.5, 4.0)), limit), {}, truth)


def too_bright(random: np.random.Generator) -> Case:
    """A peak of 3.3 to 10 times what the camera can write."""
    limit, background = random.choice([255.0, 4095.0, 65535.0]), 10 ** random.uniform(0.0, 1.3)
    truth = spot(random, random.uniform(3.3, 10.0) * limit - background, background)
    return Case(np.minimum(counts(random, truth, random.uniform(0.5, 4.0)), limit), {}, truth)


def subtracted(random: np.random.Generator, factor: float | None) -> Case:
    """A background was subtracted, and the read noise is given: `factor` times that which is there."""
    noise = random.uniform(1.0, 6.0)
    truth = spot(random, 10 ** random.uniform(1.3, 3.0), 0.0)
    image = counts(random, truth, random.uniform(0.2, 2.0), noise) + random.normal(0.0, 0.2)
    return Case(image, {} if factor is None else {"read_noise": factor * noise}, truth)


def wrong_gain(random: np.random.Generator, factor: float) -> Case:
    """A gain is given that is wrong."""
    gain = random.uniform(0.5, 3.0)
    truth = spot(random, 10 ** random.uniform(1.5, 3.0), 10 ** random.uniform(0.5, 2.0))
    return Case(counts(random, truth, gain), {"gain": factor * gain}, truth)


def clipped_at_zero(random: np.random.Generator) -> Case:
    """Read noise as large as the background or larger, and no number below zero."""
    noise = random.uniform(2.0, 6.0)
    truth = spot(random, 10 ** random.uniform(1.5, 3.0), random.uniform(0.0, 2.0) * noise)
    gain = random.uniform(0.5, 2.0)
    return Case(np.maximum(counts(random, truth, gain, noise), 0.0), {"gain": gain, "read_noise": noise}, truth)


def masked(random: np.random.Generator) -> Case:
    """A masked array, whose masked pixels hold anything."""
    truth = spot(random, 10 ** random.uniform(1.5, 3.0), 10 ** random.uniform(0.5, 2.0))
    hidden = random.uniform(size=SHAPE) < 0.05
    image = np.where(hidden, random.uniform(0.0, 1e5, SHAPE), counts(random, truth))
    return Case(np.ma.masked_array(image, hidden), {}, truth)


def hot_columns(random: np.random.Generator) -> Case:
    """Three columns brighter than they should be, and three pixels far brighter."""
    background = 10 ** random.uniform(0.5, 2.0)
    truth = spot(random, 10 ** random.uniform(1.0, 2.5) * math.sqrt(background), background)
    image = counts(random, truth)
    for column in random.choice(SHAPE[1], 3, replace=False):
        image[:, column] += random.poisson(random.uniform(3.0, 30.0) * math.sqrt(background), SHAPE[0])
    for _ in range(3):
        image[random.integers(0, SHAPE[0]), random.integers(0, SHAPE[1])] += 10 ** random.uniform(2.5, 4.0)
    return Case(image, {"mask": "auto"}, truth)


def resized(random: np.random.Generator) -> Case:
    """Resized by linear interpolation to 1.5 or 2 times as many pixels, or with two of four colours interpolated."""
    background = 10 ** random.uniform(0.5, 2.0)
    truth = spot(random, 10 ** random.uniform(1.0, 2.5) * math.sqrt(background), background)
    truth |= {"sigma_x": 0.5 * truth["sigma_x"] + 1.5, "sigma_y": 0.5 * truth["sigma_y"] + 1.5}
    small = counts(random, truth)
    times = random.choice([1.5, 2.0])
    rows, columns = (round(times * n) for n in SHAPE)
    y, x = (np.arange(rows) + 0.5) / times - 0.5, (np.arange(columns) + 0.5) / times - 0.5
    image = _between(_between(small, y).T, x).T
    wider = 3.0 / 16.0 if times == 2.0 else 19.0 / 108.0  # mean variance of the interpolation, pixels^2 before
    scaled = {"x0": times * (truth["x0"] + 0.5) - 0.5, "y0": times * (truth["y0"] + 0.5) - 0.5}
    scaled |= {n: times * math.hypot(truth[n], math.sqrt(wider)) for n in ("sigma_x", "sigma_y")}
    return Case(image, {}, truth | scaled | {"A": times**2 * truth["A"]})


def _between(image: Floats, at: Floats) -> Floats:
    """Rows of an image at places between them, by linear interpolation."""
    at = np.clip(at, 0.0, len(image) - 1.001)
    low = at.astype(int)
    part = (at - low)[:, None]
    return np.asarray((1.0 - part) * image[low] + part * image[low + 1])


def floored(random: np.random.Generator) -> Case:
    """16, 14 or 12 bits made into 8 by leaving out the last digits."""
    step = float(random.choice([16.0, 64.0, 256.0]))
    background = random.uniform(2.0, 20.0) * step
    truth = spot(random, random.uniform(30.0, 220.0) * step, background)
    image = np.floor(counts(random, truth, random.uniform(0.3, 2.0), random.uniform(0.0, 8.0)) / step)
    return Case(image, {}, truth | {"A": truth["A"] / step})


def at_the_edge(random: np.random.Generator) -> Case:
    """The centre within a width of the edge, inside or outside."""
    truth = spot(random, 10 ** random.uniform(1.5, 3.0), 10 ** random.uniform(0.5, 2.0))
    truth["x0"] = random.uniform(-0.3, 1.0) * truth["sigma_x"]
    return Case(counts(random, truth), {}, truth)


KINDS: dict[str, Callable[[np.random.Generator], Case]] = {
    "saturated": saturated,
    "too bright": too_bright,
    "subtracted": lambda random: subtracted(random, 1.0),
    "subtracted, read noise too large": lambda random: subtracted(random, 2.8),
    "subtracted, read noise too small": lambda random: subtracted(random, 0.4),
    "subtracted, no read noise given": lambda random: subtracted(random, None),
    "gain twice too large": lambda random: wrong_gain(random, 2.0),
    "gain twice too small": lambda random: wrong_gain(random, 0.5),
    "clipped at zero": clipped_at_zero,
    "masked array": masked,
    "hot columns": hot_columns,
    "resized": resized,
    "floored": floored,
    "at the edge": at_the_edge,
}


def main(kinds: list[str], images: int) -> None:
    """Print what becomes of each kind."""
    for kind in kinds:
        random = np.random.default_rng(SEED)
        pulls, flags, remarks, detected = [], Counter[str](), Counter[str](), 0
        for _ in range(images):
            case = KINDS[kind](random)
            fit = fit_gaussian(case.image, **case.options)
            detected += fit.detected
            remarks.update(re.sub(r"[\d.]+", "N", remark.partition(":")[0])[:30] for remark in fit.remarks)
            if fit.valid:
                pulls.append([(fit.values[n] - case.truth[n]) / fit.errors[n] for n in NAMES])
            else:
                flags.update(fit.flags)
        print(f"{kind}: {detected} detected, {len(pulls)} valid of {images}; {dict(flags)} {dict(remarks)}")
        if pulls:
            of = np.array(pulls)
            rms = " ".join(f"{value:.2f}" for value in np.sqrt(np.mean(of**2, axis=0)))
            largest = np.max(np.abs(of), axis=1)
            error = 1.0 / math.sqrt(2.0 * len(of))
            print(f"    rms {rms} +- {error:.2f}; largest {largest.max():.1f}, {int(np.sum(largest > 5.0))} > 5")
        print(end="", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--kind", choices=list(KINDS), nargs="*")
    options = parser.parse_args()
    main(options.kind or list(KINDS), options.images)
