"""How many bursts the search finds, beside other searches at the same rate of false alarms; draws docs/efficiency.png.

    python benchmarks/calibrations/efficiency_of_search.py [--trials 400]

Bursts of 50 to 300 pulses with a half-life of 1 s, which rise within 0.2 s, over 100 pulses of background a second, one
in each minute. One false alarm in 100 hours is allowed, to each search in its own way:

- ours: `find_bursts`;
- every window from 50 ms to 20 s (Poisson-FOCuS, Ward et al. 2023): a level found by simulation, as ours is;
- Bayesian blocks (Scargle et al. 2013, in astropy): its p0, the probability of a change point in background;
- a window of 800 pulses that slides along, as the earlier program has it: the probability that they take so short a
  time, with a level found by simulation;
- the most that can be: the likelihood ratio of a search that knows shape, size, and place, up to one trial in each
  decay time (Neyman and Pearson). Its probability under background is that under bursts, weighted with the ratio.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import optimize, stats

from utokyo import find_bursts

Floats = NDArray[np.float64]

RATE_HZ, LENGTH_S, AT_S = 100.0, 60.0, 30.0
TAU_RISE_S, TAU_DECAY_S = 0.2, 1.0 / math.log(2.0)
ALARMS_PER_HOUR = 0.01
PULSES = (50, 75, 100, 125, 150, 200, 250, 300)
HOURS_OF_BACKGROUND = 600.0
WINDOWS_S = (0.05, 20.0)
PULSES_IN_WINDOW = 800
SEED = 20220314


def one_minute(random: np.random.Generator, pulses: float) -> Floats:
    """Times in s of a minute of background with a burst in its middle."""
    rise = pulses * TAU_RISE_S / (TAU_RISE_S + TAU_DECAY_S)
    parts = [
        random.uniform(0.0, LENGTH_S, random.poisson(RATE_HZ * LENGTH_S)),
        AT_S - random.exponential(TAU_RISE_S, random.poisson(rise)),
        AT_S + random.exponential(TAU_DECAY_S, random.poisson(pulses - rise)),
    ]
    return np.sort(np.concatenate(parts))


def ours(times_s: Floats, random: np.random.Generator) -> bool:
    """With the minutes of background around it that a measurement has."""
    around = [random.uniform(a, b, random.poisson(RATE_HZ * (b - a))) for a, b in ((-120.0, 0.0), (60.0, 180.0))]
    times_ns = (np.sort(np.concatenate([*around, times_s])) * 1e9).astype(np.int64)
    found = find_bursts(times_ns, false_alarms_per_hour=ALARMS_PER_HOUR)
    return bool((np.abs(found["timestamp_ns"].to_numpy() * 1e-9 - AT_S) < 4.0).any())


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def highest_ratios(times_s: Floats, rate_Hz: float, shortest_s: float, slope: float, ratios: Floats) -> None:
    """Highest log-likelihood ratio of all windows that end at each pulse, by Poisson-FOCuS."""
    begin_s, before = np.empty(times_s.size), np.empty(times_s.size)
    held = 0
    for i in range(times_s.size):
        t = times_s[i]
        while held and i - before[held - 1] <= slope * rate_Hz * (t - begin_s[held - 1]):
            held -= 1
        while held > 1 and (i - before[held - 1]) * (begin_s[held - 1] - begin_s[held - 2]) <= (
            before[held - 1] - before[held - 2]
        ) * (t - begin_s[held - 1]):
            held -= 1
        begin_s[held], before[held] = t, i
        held += 1
        best = 0.0
        for k in range(held - 1):
            count, expected = i + 1.0 - before[k], rate_Hz * max(t - begin_s[k], shortest_s)
            if count > expected:
                best = max(best, count * math.log(count / expected) - (count - expected))
        ratios[i] = best


def slowest_slope(ratio: float) -> float:
    """Relative rate at which the longest window just reaches a ratio; a flatter burst is not looked for."""
    expected = RATE_HZ * WINDOWS_S[1]
    return float(optimize.brentq(lambda m: expected * (m * math.log(m) - m + 1.0) - ratio, 1.0 + 1e-9, 100.0))


def window_search(random: np.random.Generator) -> Callable[[Floats], bool]:
    """Search of all windows, calibrated."""
    slope = slowest_slope(15.0)

    def ratios_of(times_s: Floats) -> Floats:
        ratios = np.empty(times_s.size)
        highest_ratios(times_s, RATE_HZ, WINDOWS_S[0], slope, ratios)
        return ratios

    return calibrated(random, ratios_of, 11.0)


def sliding_window(random: np.random.Generator) -> Callable[[Floats], bool]:
    """Search of 800 pulses in too short a time, calibrated."""
    short_s = stats.gamma.ppf(1e-3, PULSES_IN_WINDOW - 1) / RATE_HZ

    def exponents_of(times_s: Floats) -> Floats:
        took_s = times_s[PULSES_IN_WINDOW - 1 :] - times_s[: -PULSES_IN_WINDOW + 1]
        exponents = np.zeros(times_s.size)
        at = np.flatnonzero(took_s < short_s)
        exponents[at] = -stats.gamma.logcdf(took_s[at] * RATE_HZ, PULSES_IN_WINDOW - 1)
        return exponents

    return calibrated(random, exponents_of, -math.log(1e-3))


def calibrated(
    random: np.random.Generator, score: Callable[[Floats], Floats], lowest: float
) -> Callable[[Floats], bool]:
    """Search for a score above the level that background exceeds at the rate of false alarms."""
    peaks = []
    for _ in range(int(HOURS_OF_BACKGROUND / 10.0)):
        times_s = np.cumsum(random.exponential(1.0 / RATE_HZ, int(36_000 * RATE_HZ)))
        scores = score(times_s)
        high = np.flatnonzero(scores > lowest)
        peaks += [part.max() for part in np.split(scores[high], np.flatnonzero(np.diff(times_s[high]) > 20.0) + 1)]
    found = np.sort(peaks)[::-1]
    # An exponential tail, from the level of one alarm an hour on.
    once = found[int(HOURS_OF_BACKGROUND)]
    level = once + np.mean(found[found > once] - once) * math.log(1.0 / ALARMS_PER_HOUR)
    return lambda times_s: bool((score(times_s) > level).any())


def blocks(times_s: Floats) -> bool:
    """Bayesian blocks: any change point."""
    from astropy.stats import bayesian_blocks  # noqa: PLC0415 (only here, and slow to import)

    return len(bayesian_blocks(times_s, fitness="events", p0=ALARMS_PER_HOUR * LENGTH_S / 3600.0)) > 2


def most_possible(random: np.random.Generator, pulses: float, trials: int) -> float:
    """Efficiency of the likelihood ratio, everything known."""
    height = pulses / (TAU_RISE_S + TAU_DECAY_S)
    ratios = np.empty(trials)
    for i in range(trials):
        x = one_minute(random, pulses) - AT_S
        ratios[i] = np.log1p(height / RATE_HZ * np.exp(np.where(x < 0.0, x / TAU_RISE_S, -x / TAU_DECAY_S))).sum()
    ratios = np.sort(ratios - pulses)[::-1]
    by_chance = np.cumsum(np.exp(-ratios)) / trials
    return float(np.mean(by_chance < ALARMS_PER_HOUR / 3600.0 * (TAU_RISE_S + TAU_DECAY_S)))


def main(trials: int) -> None:
    """Print and draw the efficiencies."""
    random = np.random.default_rng(SEED)
    searches: dict[str, Callable[[Floats], bool]] = {
        "ours": lambda times_s: ours(times_s, random),
        "all windows (FOCuS)": window_search(random),
        "Bayesian blocks": blocks,
        "800 pulses": sliding_window(random),
    }
    found: dict[str, list[float]] = {name: [] for name in (*searches, "most possible")}
    for pulses in PULSES:
        minutes = [one_minute(random, pulses) for _ in range(trials)]
        for name, search in searches.items():
            # Bayesian blocks take the square of the pulses.
            some = minutes[: trials // 8] if search is blocks else minutes
            found[name].append(float(np.mean([search(times_s) for times_s in some])))
        found["most possible"].append(most_possible(random, pulses, 20_000))
        print(pulses, {name: round(values[-1], 3) for name, values in found.items()}, flush=True)
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, values in found.items():
        known = name == "most possible"
        axes.plot(PULSES, values, "k--" if known else "o-", label=name, linewidth=1.0 if known else 1.5)
    axes.set_xlabel(f"pulses of the burst, half-life 1 s, over {RATE_HZ:.0f} per s")
    axes.set_ylabel("part that is found")
    axes.set_title("One false alarm in 100 hours")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(Path(__file__).resolve().parents[2] / "docs" / "efficiency.png", dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=400)
    main(parser.parse_args().trials)
