"""How true the errors of series are where life departs from the model: PMT currents, lifetimes, clocks.

    python benchmarks/calibrations/calibrate_series.py
    python benchmarks/calibrations/calibrate_series.py pmt --trials 50

Each line is a kind of departure, simulated many times: the part that is `valid`, and of the valid ones the part that is
within one error of the truth (0.683 is right) with the error of the simulation, mean and width of the pulls, the
largest pull, and the mean error. The figures in "what if" of docs/analyses.md are from here. `--trials` is the number
of simulations of a line; 400 take some minutes in all.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from utokyo import estimate_clock_offset, fit_lifetime
from utokyo.engine.fits.switched import switched_difference

SEED = 20220920
TRIALS = 400
Floats = NDArray[np.float64]
Trial = Callable[[np.random.Generator], tuple[bool, float, float]]
"""Whether an answer is valid, how far it is from the truth, and its error."""


def correlated(random: np.random.Generator, count: int, phi: float) -> Floats:
    """An AR(1) series of unit variance."""
    steps = random.normal(0.0, math.sqrt(1.0 - phi**2), count)
    steps[0] = random.normal()
    return np.asarray(signal.lfilter([1.0], [1.0, -phi], steps))


DRIFTS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "no drift": lambda x, random: 0.0 * x,
    "slope of 20 deviations": lambda x, random: 20.0 * x,
    "decay, 5 deviations": lambda x, random: 5.0 * np.exp(-x / 0.3),
    "wave, 2 deviations": lambda x, random: 2.0 * np.sin(2.0 * np.pi * (x + random.uniform())),
    "random walk": lambda x, random: np.cumsum(random.normal(0.0, 0.02, x.size)),
    "step of 5 deviations": lambda x, random: 5.0 * (x > random.uniform()),
}


def pmt_lines() -> Iterator[tuple[str, Trial]]:
    """The coil switched at random times, noise of several correlations, and several drifts."""
    for blocks, length in ((2, 60), (3, 40), (4, 40), (8, 75), (20, 30), (60, 50)):
        for phi in (0.0, 0.5, 0.9, 0.95):
            for name, drift in DRIFTS.items():

                def trial(
                    random: np.random.Generator, *, blocks: int = blocks, length: int = length, phi: float = phi,
                    drift: Callable[[Floats, np.random.Generator], Floats] = drift,
                ) -> tuple[bool, float, float]:  # fmt: skip
                    lengths = random.integers(round(0.7 * length), round(1.3 * length) + 1, blocks)
                    on = np.repeat(np.arange(blocks) % 2 == 1, lengths)
                    x = np.arange(on.size) / on.size
                    current = correlated(random, on.size, phi) + drift(x, random) + 0.7 * on
                    found = switched_difference(np.arange(on.size) * 400_000_000, current, on)
                    return found.valid, found.value - 0.7, found.error

                yield f"{blocks} blocks of {length}, phi {phi}, {name}", trial


Departure = Callable[[Floats, Floats, np.random.Generator], Floats]
"""What is added to the numbers, in errors, at times in lifetimes; the curve without it is given, too."""


def outliers(size: float, count: int) -> Departure:
    """Some numbers are wrong by so many errors."""

    def wrong(t: Floats, curve: Floats, random: np.random.Generator) -> Floats:
        added = np.zeros(t.size)
        added[random.choice(t.size, count, replace=False)] = size * random.choice([-1.0, 1.0], count)
        return added

    return wrong


def second(part: float, times: float) -> Departure:
    """A part of the atoms stays so many times longer."""
    return lambda t, curve, random: curve * part / (1.0 - part) * (np.exp(t - t / times))


DEPARTURES: dict[str, Departure] = {
    "nothing": lambda t, curve, random: 0.0 * t,
    "an outlier of 6 errors": outliers(6.0, 1),
    "an outlier of 30 errors": outliers(30.0, 1),
    "two outliers of 12 errors": outliers(12.0, 2),
    "a tenth stays 5 times longer": second(0.1, 5.0),
    "three tenths stay 3 times longer": second(0.3, 3.0),
    "three tenths stay a fifth as long": second(0.3, 0.2),
    "two-body loss": lambda t, curve, random: curve * (1.0 / (1.0 + 0.6 * (1.0 - np.exp(-t))) - 1.0),
    "tails of Student's t with 3 degrees": lambda t, curve, random: random.standard_t(3.0, t.size),
}


def lifetime_lines() -> Iterator[tuple[str, Trial]]:
    """Decays over two to six lifetimes, with errors from one in 100 to one in 10 of the first number."""
    for images in (8, 15, 40, 120):
        for known in (True, False):
            for name, departure in DEPARTURES.items():

                def trial(
                    random: np.random.Generator, *, images: int = images, known: bool = known,
                    departure: Departure = departure,
                ) -> tuple[bool, float, float]:  # fmt: skip
                    t = np.sort(random.uniform(0.0, random.uniform(2.5, 6.0), images))
                    first = 10.0 ** random.uniform(1.0, 2.0)  # in errors
                    curve = first * np.exp(-t)
                    numbers = curve + 0.1 * first + departure(t, curve, random) + random.normal(0.0, 1.0, images)
                    errors = np.ones(images) if known else None
                    fit = fit_lifetime(np.round(t * 1e9).astype(np.int64), numbers, errors)
                    return fit.valid, fit.values["tau_s"] - 1.0, fit.errors["tau_s"]

                yield f"{images} images, errors {'given' if known else 'estimated'}, {name}", trial


def limit_lines() -> Iterator[tuple[str, Trial]]:
    """Decays of which the faint images are not seen: left out, or given as limits, or as limits that are far above."""
    for images in (15, 40, 120):
        for how, above in (("left out", math.nan), ("limits", 1.0), ("limits three times as high", 3.0)):
            for seen in (3.0, 5.0):

                def trial(
                    random: np.random.Generator, *, images: int = images, above: float = above,
                    seen: float = seen,
                ) -> tuple[bool, float, float]:  # fmt: skip
                    t = np.linspace(0.0, 5.0, images)
                    numbers = 40.0 * np.exp(-t) + random.normal(0.0, 1.0, images)
                    faint = numbers < seen
                    numbers[faint] = np.nan
                    errors, limits = np.where(faint, np.nan, 1.0), np.where(faint, above * seen, np.nan)
                    times_ns = np.round(t * 1e9).astype(np.int64)
                    fit = fit_lifetime(times_ns, numbers, errors, limits=limits)
                    return fit.valid, fit.values["tau_s"] - 1.0, fit.errors["tau_s"]

                yield f"{images} images, those below {seen:g} errors {how}", trial


def clock_lines() -> Iterator[tuple[str, Trial]]:
    """Events at random intervals on two clocks, a tenth of them missing in each, in whole seconds or with scatter."""
    for events in (8, 30, 100):
        for written in ("whole seconds", "whole beside precise", "precise, scatter 0.01 s", "precise, scatter 0.2 s"):
            for rate in (0.0, 1e-4, 3e-4, 1e-3):

                def trial(
                    random: np.random.Generator, *, events: int = events, written: str = written, rate: float = rate
                ) -> tuple[bool, float, float]:  # fmt: skip
                    offset_s = random.uniform(-200.0, 200.0)
                    t_s = np.cumsum(20.0 + random.exponential(60.0, events))
                    scatter_s = 0.2 if "0.2" in written else 0.01
                    moved_s = t_s - offset_s - rate * (t_s - t_s.mean()) + random.normal(0.0, scatter_s, events)
                    a, b = (
                        1_600_000_000_000_000_000 + (of[random.random(events) > 0.1] * 1e9).astype(np.int64)
                        for of in (t_s, moved_s)
                    )
                    a = a // 1_000_000_000 * 1_000_000_000 if "whole" in written else a
                    b = b // 1_000_000_000 * 1_000_000_000 if written == "whole seconds" else b
                    found = estimate_clock_offset(a, b)
                    return found.valid, found.offset_ns / 1e9 - offset_s, found.error_s

                yield f"{events} events, {written}, rate {rate:g}", trial


PARTS: dict[str, Callable[[], Iterator[tuple[str, Trial]]]] = {
    "pmt": pmt_lines,
    "lifetime": lifetime_lines,
    "limits": limit_lines,
    "clocks": clock_lines,
}


def run(name: str, trial: Trial, trials: int) -> str:
    """One line: what became of so many simulations."""
    found = [trial(np.random.default_rng((SEED, k))) for k in range(trials)]
    distance = np.array([d for valid, d, _ in found if valid])
    error = np.array([e for valid, _, e in found if valid])
    if not distance.size:
        return f"{name}: none of {trials} valid"
    pulls = distance / error
    inside = float(np.mean(np.abs(pulls) < 1.0))
    return (
        f"{name}: valid {distance.size / trials:.3f}, inside {inside:.3f} ± "
        f"{math.sqrt(max(inside * (1.0 - inside), 0.25 / pulls.size) / pulls.size):.3f}, pulls {pulls.mean():.2f} "
        f"({pulls.std():.2f}), largest {np.abs(pulls).max():.1f}, beyond five {int(np.sum(np.abs(pulls) > 5.0))}, "
        f"error {np.median(error):.4g}"
    )


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all without")
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--only", default="", help="a word in the names of the lines that are run")
    options = parser.parse_args()
    for part in options.parts or PARTS:
        for name, trial in PARTS[part]():
            if options.only in name:
                print(f"{part}: {run(name, trial, options.trials)}", flush=True)


if __name__ == "__main__":
    main()
