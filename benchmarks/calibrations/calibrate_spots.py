"""Calibrate the significance of spots: how often an image without atoms has one of some likelihood ratio.

    python benchmarks/calibrations/calibrate_spots.py
    python benchmarks/calibrations/calibrate_spots.py --check
    python benchmarks/calibrations/calibrate_spots.py --check --images 16

The first line prints the table of `engine/fits/images/alarms.py`, in tens of minutes. The second counts the false
alarms of whole fits at several gains, sizes of the image and read noises, in minutes; the third does so in seconds, to
see that the script runs. `--images` is the number of images at each setting; the table needs at least 100.

Flat images of Poisson counts are searched and fitted as `fit_gaussian` does it. The likelihood ratios that one in ten
and one in a hundred of them exceed are read off; at rarer ones, the tail above the level that one in thirty exceeds is
taken to be exponential.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utokyo import fit_gaussian
from utokyo.engine.fits.images.alarms import ELECTRONS, SHAPE
from utokyo.engine.fits.images.checks import problem_of
from utokyo.engine.fits.images.reference import NO_REFERENCE

SEED = 20220314
IMAGES = 10_000


def ratios(electrons: float, images: int, seed: int) -> NDArray[np.float64]:
    """Likelihood ratios of the best spots of flat images."""
    random = np.random.default_rng(seed)
    found = np.zeros(images)
    for k in range(images):
        image = random.poisson(electrons, SHAPE)
        if image.any():
            problem = problem_of(image, NO_REFERENCE, None, 1.0, 0.0, None)
            best = problem.minimum(rotated=False)
            if best.parameters[0] > 0.0:
                found[k] = max(best.background_nll - best.nll, 0.0)
    return found


def calibrate(images: int) -> None:
    """Print the table."""
    print("LEVELS = [")
    for number, electrons in enumerate(ELECTRONS):
        found = np.sort(ratios(electrons, images, SEED + number))[::-1]
        tenth, thirtieth, hundredth = (float(found[images // part]) for part in (10, 30, 100))
        mean = float(np.mean(found[: images // 30] - thirtieth))
        print(f"    [{tenth:.2f}, {hundredth:.2f}, {mean:.2f}],  # {electrons:g}: largest {found[0]:.1f}", flush=True)
    print("]")


def check(images: int) -> None:
    """Count false alarms of whole fits."""
    cases = [(shape, c, gain, r) for shape in (SHAPE, (70, 60), (1000, 1000)) for c, gain, r in CASES]
    for shape, electrons, gain, read_noise in cases:
        random = np.random.default_rng(SEED + 1)
        count = images if shape == SHAPE else images * 4 if shape[0] < 100 else images // 16
        begin, p, valid = time.perf_counter(), [], 0
        for _ in range(count):
            image = gain * random.poisson(electrons, shape) + random.normal(0.0, read_noise, shape)
            fit = fit_gaussian(image, read_noise=read_noise, gain=gain if read_noise else None)
            p.append(stats.norm.sf(fit.significance) if fit.significance > 0.0 else 1.0)
            valid += fit.detected
        told = ", ".join(f"{int(np.sum(np.array(p) <= level))} of {level * count:.1f}" for level in (0.1, 0.01, 1e-3))
        seconds = time.perf_counter() - begin
        what = f"{shape}, {electrons:g} electrons, gain {gain}, read noise {read_noise}"
        print(f"{what}: {told}; {valid} detections in {count}; {seconds:.0f} s", flush=True)


CASES = [(0.1, 1.0, 0.0), (2.0, 3.0, 0.0), (25.0, 2.0, 0.0), (2.0, 2.0, 3.0)]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--images", type=int)
    options = parser.parse_args()
    if options.check:
        check(options.images or 4000)
    else:
        calibrate(options.images or IMAGES)
