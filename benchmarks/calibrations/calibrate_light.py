"""Count how often a fit is valid and wrong where the light is not even, and where a spot is not one upright Gaussian.

    python benchmarks/calibrations/calibrate_light.py
    python benchmarks/calibrations/calibrate_light.py --images 40 gradient turned

For each kind, 200 images (`--images`) are made and fitted. What it prints: how many are valid, how many of these have a
pull of A, of the place or of a width above 5 (the truth is that of the generator), the root mean squares of these pulls
with their Monte-Carlo error, how many show a spot, and the reasons and remarks of the others. Kinds whose name begins
with "no spot" hold none: every detection is false.
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
Truth = dict[str, float]

SEED = 20261128
SHAPE = (150, 170)
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y")


class Case(NamedTuple):
    """Mean counts of an image, the truth of its spot (none for an image without), and options of the fit."""

    mean: Floats
    truth: Truth
    options: dict[str, Any]


def spot(random: np.random.Generator, level: float) -> Truth:
    """A spot somewhere, of 3 to 9 pixels, with a peak of 0.2 to 20 times the background."""
    sigma_x, sigma_y = random.uniform(3.0, 9.0, 2).tolist()
    peak = level * 10.0 ** random.uniform(-0.7, 1.3)
    rows, columns = SHAPE
    return {
        "A": 2.0 * math.pi * sigma_x * sigma_y * peak,
        "x0": random.uniform(0.2, 0.8) * columns,
        "y0": random.uniform(0.2, 0.8) * rows,
        "sigma_x": sigma_x,
        "sigma_y": sigma_y,
        "C": 0.0,
    }


def light(random: np.random.Generator, kind: str) -> Floats:
    """Light of one kind, 1 on average or so, over the image."""
    rows, columns = SHAPE
    y, x = np.indices(SHAPE)
    angle = random.uniform(0.0, 2.0 * math.pi)
    x, y = x - random.uniform(0.0, columns), y - random.uniform(0.0, rows)
    along, distance = x * math.cos(angle) + y * math.sin(angle), np.hypot(x, y)
    shapes: dict[str, Callable[[], Floats]] = {
        "even": lambda: np.ones(SHAPE),
        "gradient": lambda: 1.0 + random.uniform(0.05, 0.6) * along / np.ptp(along),
        "vignetting": lambda: 1.0 - random.uniform(0.03, 0.5) * (distance / distance.max()) ** 2,
        "cosine": lambda: (1.0 + (distance / random.uniform(150.0, 300.0)) ** 2) ** -2.0,
        "ring": lambda: (
            1.0 + 0.1 * np.exp(-0.5 * ((distance - random.uniform(20.0, 60.0)) / random.uniform(5.0, 20.0)) ** 2)
        ),
        "glow": lambda: 1.0 + random.uniform(0.05, 0.3) * np.exp(-0.5 * (distance / random.uniform(40.0, 120.0)) ** 2),
        "waves": lambda: 1.0 + 0.05 * np.sin(along / random.uniform(15.0, 40.0)),
    }
    return np.asarray(shapes[kind]())


def uneven(random: np.random.Generator, kind: str) -> Case:
    """A spot on light that is not even."""
    level = 10.0 ** random.uniform(0.5, 3.0)
    truth = spot(random, level)
    return Case(level * light(random, kind) + gaussian_image(truth, SHAPE), truth, {})


def empty(random: np.random.Generator, kind: str) -> Case:
    """Light that is not even, and no spot."""
    return Case(10.0 ** random.uniform(0.5, 3.0) * light(random, kind), {}, {})


def turned(random: np.random.Generator, kind: str) -> Case:
    """A spot of 1.2:1 to 2.5:1, turned by up to 45 degrees; 2:1 and 45 degrees in half of the images."""
    level = 10.0 ** random.uniform(0.5, 2.5)
    truth = spot(random, level)
    ratio, degrees = (2.0, 45.0) if random.random() < 0.5 else (random.uniform(1.2, 2.5), random.uniform(-45.0, 45.0))
    truth |= {"sigma_y": truth["sigma_x"] / ratio, "theta": math.radians(degrees)}
    truth["A"] = 2.0 * math.pi * truth["sigma_x"] * truth["sigma_y"] * level * 10.0 ** random.uniform(-0.3, 1.3)
    return Case(level + gaussian_image(truth, SHAPE), truth, {"rotated": "auto"} if kind == "turned, auto" else {})


def two(random: np.random.Generator, kind: str) -> Case:
    """Two spots of the same or of another size; what one spot may tell of them is their light, and its middle."""
    level = 10.0 ** random.uniform(0.5, 2.5)
    one = spot(random, level)
    angle, apart = random.uniform(0.0, 2.0 * math.pi), random.uniform(2.5, 4.0) if kind == "two spots" else 3.0
    part = random.uniform(0.3, 1.0)
    other = one | {
        "A": part * one["A"],
        "x0": one["x0"] + apart * one["sigma_x"] * math.cos(angle),
        "y0": one["y0"] + apart * one["sigma_y"] * math.sin(angle),
    }
    middle = {name: (one[name] + part * other[name]) / (1.0 + part) for name in ("x0", "y0")}
    both = one | middle | {"A": one["A"] + other["A"], "widths": math.nan}
    return Case(level + gaussian_image(one, SHAPE) + gaussian_image(other, SHAPE), both, {})


KINDS: dict[str, Callable[[np.random.Generator, str], Case]] = {
    **dict.fromkeys(("even", "gradient", "vignetting", "cosine", "ring", "glow", "waves"), uneven),
    **{f"no spot, {kind}": empty for kind in ("even", "gradient", "vignetting", "cosine", "glow", "waves")},
    "turned": turned,
    "turned, auto": turned,
    "two spots": two,
    "two spots 3 widths apart": two,
}


def pulls_of(fit: Any, truth: Truth) -> list[float]:
    """Of A, place and widths. The axes of a turned spot may be exchanged; an upright fit of one has other widths."""
    pulls = [(fit.values[name] - truth[name]) / fit.errors[name] for name in NAMES]
    if "widths" in truth:
        return [*pulls[:3], 0.0, 0.0]
    if "theta" not in truth:
        return pulls
    if "theta" not in fit.values:
        return [*pulls[:3], 0.0, 0.0]
    exchanged = [
        (fit.values[name] - truth[other]) / fit.errors[name]
        for name, other in (("sigma_x", "sigma_y"), ("sigma_y", "sigma_x"))
    ]
    turned = abs(math.sin(fit.values["theta"] - truth["theta"])) > math.sqrt(0.5)
    return [*pulls[:3], *exchanged] if turned else pulls


def count(kind: str, images: int, **options: Any) -> str:
    """Fit images of one kind, and say what came of it."""
    random = np.random.default_rng([SEED, *kind.encode()])
    pulls, wrong, detected, words = [], 0, 0, Counter[str]()
    for _ in range(images):
        case = KINDS[kind](random, kind.removeprefix("no spot, "))
        gain = random.uniform(0.5, 3.0)
        fit = fit_gaussian(gain * random.poisson(case.mean / gain), **(case.options | options))
        detected += fit.detected
        words.update(fit.flags)
        words.update(re.sub(r"-?[0-9.]+", "some", remark)[:28] for remark in fit.remarks)
        if fit.valid and case.truth:
            pulls.append(pulls_of(fit, case.truth)[:5])
            wrong += int(np.abs(pulls[-1]).max() > 5.0)
    of = np.array(pulls).reshape(-1, len(NAMES))
    columns = (of[:, :1], of[:, 1:3], of[:, 3:])
    shown = [f"{np.mean(c):.2f} ({math.sqrt(np.mean(c**2)):.2f})" for c in columns if c.size]
    valid = f"{len(of)} valid, {wrong} of them wrong; " if not kind.startswith("no spot") else ""
    said = ", ".join(f"{n} {word}" for word, n in words.most_common())
    return (
        f"{kind}: {detected} of {images} detected, {valid}pulls of A, place, widths {', '.join(shown)} "
        f"+- {1.0 / math.sqrt(2.0 * max(len(of), 1)):.2f}; {said}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--images", type=int, default=200)
    asked = parser.parse_args()
    for each in asked.kinds:
        print(count(each, asked.images), flush=True)
