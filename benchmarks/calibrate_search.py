"""Calibrate the search for bursts: how often background alone exceeds a significance, at each rate.

    python benchmarks/calibrate_search.py               # prints the tables of engine/fits/alarms.py; some minutes
    python benchmarks/calibrate_search.py --check       # 1000 hours each, with and without drift, against the tables

Exceedances of a high level have exponential tails in z^2/2, so that the likeliest slope is the inverse of their mean
distance from the lowest level counted, and the intercept follows from their number. The lowest level counted is the one
that is exceeded once an hour: the description is to hold at the rates that people ask for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utokyo.engine.fits.alarms import alarms_per_hour, level_on
from utokyo.engine.fits.search import find_bursts
from utokyo.engine.fits.stretch import Stretch

SEED = 20220314
EVENTS = 1.2e9
MOST_HOURS = 30_000.0
LOWEST, LOWEST_AT_HIGH_RATES = 3.5, 4.0
CHUNK_EVENTS = 2e7
LONGEST_PIECE_HOURS = 3000.0
DRIFT_PERIOD_S = 2.0 * np.pi * 3600.0
"""With a swing of 20 %, the steepest drift is 20 % an hour."""


def background(
    random: np.random.Generator, rate_Hz: float, hours: float, swing: float = 0.0
) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Background of a rate that swings around its mean, in pieces: hours and times in ns."""
    while hours > 0.0:
        piece = min(hours, LONGEST_PIECE_HOURS, max(CHUNK_EVENTS / rate_Hz / 3600.0, 1.0))
        steps = random.exponential(1.0 / (rate_Hz * (1.0 + swing)), int(rate_Hz * (1.0 + swing) * piece * 3600.0))
        t = np.cumsum(steps)
        if swing:
            relative = 1.0 + swing * np.sin(2.0 * np.pi * t / DRIFT_PERIOD_S)
            t = t[random.uniform(0.0, 1.0 + swing, t.size) < relative]
        hours -= piece
        yield piece, (t * 1e9).astype(np.int64)


def calibrate() -> None:
    """Print the tables."""
    intercepts, slopes = [], []
    for rate_Hz in np.geomspace(0.01, 10_000.0, 13):
        random = np.random.default_rng(SEED)
        searched_from = LOWEST if rate_Hz < 30.0 else LOWEST_AT_HIGH_RATES
        hours, found = 0.0, []
        for piece, times_ns in background(random, rate_Hz, min(EVENTS / rate_Hz / 3600.0, MOST_HOURS)):
            rows = Stretch(partial(np.full_like, fill_value=searched_from)).search(times_ns)
            found += [float(row[3]) for row in rows]
            hours += piece
        z = np.sort(found)[::-1]
        lowest = max(searched_from, float(z[int(hours)])) if z.size > hours else searched_from
        z = z[z > lowest]
        slope = z.size / np.sum((z**2 - lowest**2) / 2.0)
        intercept = np.log(z.size / hours) + slope * lowest**2 / 2.0
        default = level_on(0.01, intercept, slope)
        print(
            f"{rate_Hz:9.3f} Hz, {hours:8.0f} h, seed {SEED}: a = {intercept:.3f}, s = {slope:.4f} +- "
            f"{slope / np.sqrt(z.size):.4f} above z = {lowest:.2f}; at 0.01 an hour z = {default:.2f}, "
            f"{np.sum(z > default)} found, {0.01 * hours:.1f} expected",
            flush=True,
        )
        intercepts.append(intercept)
        slopes.append(slope)
    print("INTERCEPTS =", np.round(intercepts, 3).tolist())
    print("SLOPES =", np.round(slopes, 4).tolist())


def check(hours: float) -> None:
    """Count false alarms at one an hour and at the default, with and without drift."""
    for rate_Hz in (2.1, 118.0, 1000.0):
        for swing in (0.0, 0.2):
            random = np.random.default_rng(SEED + 1)
            z: list[float] = []
            for _, times_ns in background(random, rate_Hz, hours, swing):
                z += find_bursts(times_ns, false_alarms_per_hour=1.0)["significance"].to_list()
            alarms = np.array([alarms_per_hour(value, rate_Hz) for value in z])
            told = []
            for configured in (1.0, 0.1, 0.01):
                count, most = int(np.sum(alarms <= configured)), stats.poisson.ppf(0.95, configured * hours)
                told.append(f"{count} of {configured * hours:.0f} (at most {most:.0f})")
            print(f"{rate_Hz:7.1f} Hz, drift {swing:.0%}/h, {hours:.0f} h: {', '.join(told)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--hours", type=float, default=1000.0)
    options = parser.parse_args()
    if options.check:
        check(options.hours)
    else:
        calibrate()
