"""Calibrate the search for bursts: how often background alone exceeds a significance, at each rate.

    python benchmarks/calibrations/calibrate_search.py
    python benchmarks/calibrations/calibrate_search.py --check
    python benchmarks/calibrations/calibrate_search.py --check --hours 2 --rates 2.1

The first line prints the tables of `engine/fits/bursts/alarms.py`, in minutes. The second counts the false alarms that
these tables allow in 1000 hours of background at each rate, with and without drift; the third does so in seconds, to
see that the script runs.

The levels that background exceeds once, 0.1 and 0.01 times an hour are read off the simulated significances z where at
least a hundred of them lie above the level. For higher levels z^2/2 is taken to have an exponential tail. Its mean
above the level of one alarm an hour is one number for all rates from 10 per s on, because at high rates too few alarms
are simulated to estimate it at each rate.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from utokyo.engine.fits.bursts.alarms import ALARMS, LOWEST_LEVEL, alarms_per_hour
from utokyo.engine.fits.bursts.search import find_bursts
from utokyo.engine.fits.bursts.stretch import Stretch

SEED = 20220314
EVENTS = 1.2e9
MOST_HOURS = 30_000.0
LOWEST_AT_HIGH_RATES = 3.9
ENOUGH = 100
RATES_HZ = np.geomspace(0.01, 10_000.0, 13)
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
    seen = [searched(rate_Hz) for rate_Hz in RATES_HZ]
    many = [(z, once_an_hour(z, hours)) for rate_Hz, (z, hours) in zip(RATES_HZ, seen, strict=True) if rate_Hz >= 9.0]
    tail = float(np.mean(np.concatenate([z[z > once] ** 2 - once**2 for z, once in many]))) / 2.0
    print(f"# the mean of z^2/2 above the level of one alarm an hour, from 10 Hz on: {tail:.3f}\nLEVELS = [")
    for rate_Hz, (z, hours) in zip(RATES_HZ, seen, strict=True):
        levels = [once_an_hour(z, hours)]
        for alarms in ALARMS[1:]:
            count = int(alarms * hours)
            beyond = float(np.sqrt(levels[-1] ** 2 + 2.0 * tail * np.log(10.0)))
            levels.append(float(z[min(count, z.size - 1)]) if count >= ENOUGH else beyond)
        counts = [int(np.sum(z > level)) for level in levels]
        levels[1:] = [raised(rate_Hz, hours, *pair) for pair in zip(levels[1:], ALARMS[1:], strict=True)]
        numbers = ", ".join(f"{level:.3f}" for level in levels)
        print(f"    [{numbers}],  # {rate_Hz:.3g} Hz, {hours:.0f} h: {counts} seen", flush=True)
    print("]")


def searched(rate_Hz: float) -> tuple[NDArray[np.float64], float]:
    """Significances that the search finds in background, the highest first and the lowest of all last; and hours."""
    random = np.random.default_rng(SEED)
    searched_from = LOWEST_LEVEL if rate_Hz < 0.7 else LOWEST_AT_HIGH_RATES
    hours, found = 0.0, []
    for piece, times_ns in background(random, rate_Hz, min(EVENTS / rate_Hz / 3600.0, MOST_HOURS)):
        rows = Stretch(partial(np.full_like, fill_value=searched_from)).search(times_ns)
        found += [row.significance for row in rows]
        hours += piece
    return np.append(np.sort(found)[::-1], searched_from), hours


def once_an_hour(z: NDArray[np.float64], hours: float) -> float:
    """The significance that background exceeds once an hour: that of rank `hours`, the highest first."""
    return float(z[min(int(hours), z.size - 1)])


def raised(rate_Hz: float, hours: float, level: float, asked: float) -> float:
    """The level at which the search finds so many an hour when it is made at this level."""
    random = np.random.default_rng(SEED + 2)
    found = 0
    for _, times_ns in background(random, rate_Hz, hours):
        found += len(Stretch(partial(np.full_like, fill_value=level)).search(times_ns))
    more = np.log(max(found, 1) / (asked * hours)) if found > asked * hours + np.sqrt(asked * hours) else 0.0
    return max(LOWEST_LEVEL, float(np.sqrt(level**2 + 2.0 * more)))


def check(hours: float, rates_Hz: list[float]) -> None:
    """Count false alarms at one an hour and at the default, with and without drift."""
    for rate_Hz in rates_Hz:
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--hours", type=float, default=1000.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[2.1, 118.0, 1000.0])
    options = parser.parse_args()
    if options.check:
        check(options.hours, options.rates)
    else:
        calibrate()
