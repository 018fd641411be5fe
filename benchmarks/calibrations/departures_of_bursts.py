"""What the search and the fit of bursts say where life departs from their model: a row a departure.

    python benchmarks/calibrations/departures_of_bursts.py [--hours 20] [--bursts 200] [--only NAME ...] [--seed 1]

The generators are of this file: they share no code with `utokyo simulate`, nor with the tests of the fits. Of
`BACKGROUNDS` no pulse belongs to a burst: every row of the table is false, and told are rows and valid rows an hour,
with the error of a Poisson number, and what kinds were named. Of `BURSTS` each window has one burst that departs from
the model: told are the part that is valid, how many of these are off by more than five errors, the coverage of one
error, and the mean and the width of the pulls of half-life and number of pulses, with their Monte-Carlo errors, and the
longest fit.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from utokyo.engine.fits.bursts.fitted import fit_bursts, nearest_fit
from utokyo.engine.fits.bursts.kind import kind_of
from utokyo.engine.fits.bursts.search import find_bursts

Floats = NDArray[np.float64]
Random = np.random.Generator

HOUR_S = 3600.0
WINDOW_S, AT_S = 400.0, 200.0
RISE_S, DECAY_S = 0.2, 1.0 / math.log(2.0)


def steady(random: Random, rate_Hz: float, begin_s: float, end_s: float) -> Floats:
    """Times of a Poisson process."""
    return np.sort(random.uniform(begin_s, end_s, random.poisson(rate_Hz * (end_s - begin_s))))


def changing(random: Random, rate_Hz: Callable[[Floats], Floats], most_Hz: float, length_s: float) -> Floats:
    """Times of a Poisson process whose rate changes, by thinning."""
    t = steady(random, most_Hz, 0.0, length_s)
    return t[random.uniform(0.0, most_Hz, t.size) < rate_Hz(t)]


def without(t: Floats, holes: list[tuple[float, float]]) -> Floats:
    """The times outside some intervals."""
    for begin, end in holes:
        t = t[(t < begin) | (t >= end)]
    return t


def with_dead_time(t: Floats, dead_s: float, *, extending: bool) -> Floats:
    """The times that a detector with dead time sees."""
    if extending:
        return t[np.diff(t, prepend=-1.0) >= dead_s]
    kept, last = [], -1.0
    for at in t.tolist():
        if at - last >= dead_s:
            kept.append(at)
            last = at
    return np.array(kept)


# --- An hour without a burst.


def plain(rate_Hz: float) -> Callable[[Random], Floats]:
    """Nothing departs."""
    return lambda random: steady(random, rate_Hz, 0.0, HOUR_S)


def two_pauses(rate_Hz: float) -> Callable[[Random], Floats]:
    """Twice an hour, two pauses of 40 to 90 s within 100 s of each other."""

    def hour(random: Random) -> Floats:
        holes = []
        for begin in (random.uniform(600.0, 1000.0), random.uniform(2200.0, 2600.0)):
            first, second = random.uniform(40.0, 90.0, 2)
            again = begin + first + random.uniform(5.0, 95.0)
            holes += [(begin, begin + first), (again, again + second)]
        return without(steady(random, rate_Hz, 0.0, HOUR_S), holes)

    return hour


def steps(rate_Hz: float, factor: float) -> Callable[[Random], Floats]:
    """Beam on and off, at random, 10 to 300 s apart."""

    def hour(random: Random) -> Floats:
        edges = np.cumsum(random.uniform(10.0, 300.0, 400))
        return changing(
            random, lambda t: rate_Hz * np.where(np.searchsorted(edges, t) % 2, factor, 1.0), rate_Hz * factor, HOUR_S
        )

    return hour


def trains(rate_Hz: float) -> Callable[[Random], Floats]:
    """Ten times an hour, a knock that rings: a pulse in each period of 20 ms while it fades, for 1 to 4 s."""

    def hour(random: Random) -> Floats:
        parts = [steady(random, rate_Hz, 0.0, HOUR_S)]
        for begin in random.uniform(100.0, HOUR_S - 100.0, 10):
            at = begin + 0.02 * np.arange(int(random.uniform(1.0, 4.0) * 50.0))
            each = np.exp(-(at - begin) / random.uniform(0.5, 3.0))
            parts.append(np.repeat(at, random.poisson(1.5 * each)))
        every = np.concatenate(parts)
        return np.sort(every + random.normal(0.0, 3e-4, every.size))

    return hour


def afterpulses(rate_Hz: float, part: float, delay_s: float) -> Callable[[Random], Floats]:
    """A part of all pulses is followed by another one, which may be followed by another."""

    def hour(random: Random) -> Floats:
        parts, t = [], steady(random, rate_Hz, 0.0, HOUR_S)
        while t.size:
            parts.append(t)
            t = t[random.uniform(size=t.size) < part]
            t = t + random.exponential(delay_s, t.size)
        return np.sort(np.concatenate(parts))

    return hour


def cascades(rate_Hz: float, mean: float, spread_s: float) -> Callable[[Random], Floats]:
    """Thirty times an hour, one event makes many pulses at once."""

    def hour(random: Random) -> Floats:
        parts = [steady(random, rate_Hz, 0.0, HOUR_S)]
        parts += [at + random.exponential(spread_s, random.poisson(mean)) for at in random.uniform(0.0, HOUR_S, 30)]
        return np.sort(np.concatenate(parts))

    return hour


def gaps(rate_Hz: float) -> Callable[[Random], Floats]:
    """Forty losses of the link an hour, 0.2 to 8 s long."""

    def hour(random: Random) -> Floats:
        begins, long = random.uniform(0.0, HOUR_S, 40), random.uniform(0.2, 8.0, 40)
        return without(steady(random, rate_Hz, 0.0, HOUR_S), list(zip(begins, begins + long, strict=True)))

    return hour


def waves(rate_Hz: float, part: float, period_s: float) -> Callable[[Random], Floats]:
    """A background that swings."""
    return lambda random: changing(
        random,
        lambda t: rate_Hz * (1.0 + part * np.sin(2.0 * np.pi * t / period_s)),
        rate_Hz * (1.0 + part),
        HOUR_S,
    )


BACKGROUNDS: dict[str, Callable[[Random], Floats]] = {
    "plain, 0.2 per s": plain(0.2),
    "plain, 2 per s": plain(2.0),
    "plain, 118 per s": plain(118.0),
    "two pauses, 2 per s": two_pauses(2.0),
    "two pauses, 20 per s": two_pauses(20.0),
    "two pauses, 118 per s": two_pauses(118.0),
    "steps by 1.5, 118 per s": steps(118.0, 1.5),
    "steps by 5, 2 per s": steps(2.0, 5.0),
    "steps by 20, 10 per s": steps(10.0, 20.0),
    "trains, 2 per s": trains(2.0),
    "trains, 118 per s": trains(118.0),
    "afterpulses 0.3, 1 ms, 118 per s": afterpulses(118.0, 0.3, 1e-3),
    "afterpulses 0.6, 20 ms, 20 per s": afterpulses(20.0, 0.6, 0.02),
    "afterpulses 0.8, 20 us, 2 per s": afterpulses(2.0, 0.8, 2e-5),
    "cascades of 60 in 5 ms, 20 per s": cascades(20.0, 60.0, 5e-3),
    "cascades of 200 in 50 ms, 118 per s": cascades(118.0, 200.0, 0.05),
    "gaps, 118 per s": gaps(118.0),
    "gaps, 20 per s": gaps(20.0),
    "waves 10 % in 5 min, 118 per s": waves(118.0, 0.1, 300.0),
    "waves 10 % in 5 min, 1000 per s": waves(1000.0, 0.1, 300.0),
    "waves 20 % in 2 min, 118 per s": waves(118.0, 0.2, 120.0),
}


# --- One burst.


def burst(
    random: Random, pulses: float, at_s: float = AT_S, rise_s: float = RISE_S, decay_s: float = DECAY_S
) -> Floats:
    """Pulses of a burst that follows the model, with a continuous rate."""
    rise = random.poisson(pulses * rise_s / (rise_s + decay_s))
    decay = random.poisson(pulses * decay_s / (rise_s + decay_s))
    return np.concatenate([at_s - random.exponential(rise_s, rise), at_s + random.exponential(decay_s, decay)])


def one(rate_Hz: float, pulses: float, shape: Callable[[Random, float], Floats] = burst) -> Callable[[Random], Floats]:
    """A burst over a steady background."""
    return lambda random: np.sort(np.concatenate([steady(random, rate_Hz, 0.0, WINDOW_S), shape(random, pulses)]))


def two_components(random: Random, pulses: float) -> Floats:
    """A tenth of the pulses decays five times as slowly."""
    return np.concatenate([burst(random, 0.9 * pulses), AT_S + random.exponential(5.0 * DECAY_S, int(0.1 * pulses))])


def near(apart_s: float) -> Callable[[Random, float], Floats]:
    """Another burst, half as large, follows."""
    return lambda random, pulses: np.concatenate([burst(random, pulses), burst(random, 0.5 * pulses, AT_S + apart_s)])


def without_rise(random: Random, pulses: float) -> Floats:
    """The rate jumps."""
    return AT_S + random.exponential(DECAY_S, random.poisson(pulses))


def falling(per_minute: float) -> Callable[[Random], Floats]:
    """A background that falls exponentially."""

    def window(random: Random) -> Floats:
        per_s = -math.log(1.0 - per_minute) / 60.0
        t = changing(random, lambda t: 118.0 * np.exp((AT_S - t) * per_s), 118.0 * math.exp(AT_S * per_s), WINDOW_S)
        return np.sort(np.concatenate([t, burst(random, 800.0)]))

    return window


def dead(rate_Hz: float, pulses: float, dead_s: float, *, extending: bool) -> Callable[[Random], Floats]:
    """A detector with dead time that nobody declared."""
    return lambda random: with_dead_time(one(rate_Hz, pulses)(random), dead_s, extending=extending)


BURSTS: dict[str, tuple[Callable[[Random], Floats], float, float]] = {
    "as the model, 100 over 2 per s": (one(2.0, 100.0), DECAY_S, 100.0),
    "as the model, 300 over 20 per s": (one(20.0, 300.0), DECAY_S, 300.0),
    "as the model, 800 over 118 per s": (one(118.0, 800.0), DECAY_S, 800.0),
    "as the model, 10000 over 118 per s": (one(118.0, 10_000.0), DECAY_S, 10_000.0),
    "20 to 100: 30 over 0.2 per s": (one(0.2, 30.0), DECAY_S, 30.0),
    "20 to 100: 60 over 2 per s": (one(2.0, 60.0), DECAY_S, 60.0),
    "dead 20 us undeclared, 20000": (dead(20.0, 20_000.0, 2e-5, extending=False), DECAY_S, 20_000.0),
    "dead 20 us extending, 20000": (dead(20.0, 20_000.0, 2e-5, extending=True), DECAY_S, 20_000.0),
    "second component, 3000 over 20 per s": (one(20.0, 3000.0, two_components), DECAY_S, math.nan),
    "second component, 10000 over 118 per s": (one(118.0, 10_000.0, two_components), DECAY_S, math.nan),
    "another 1.5 s later, 800 over 20 per s": (one(20.0, 800.0, near(1.5)), DECAY_S, math.nan),
    "another 0.7 s later, 3000 over 20 per s": (one(20.0, 3000.0, near(0.7)), DECAY_S, math.nan),
    "no rise, 60 over 2 per s": (one(2.0, 60.0, without_rise), DECAY_S, 60.0),
    "no rise, 800 over 20 per s": (one(20.0, 800.0, without_rise), DECAY_S, 800.0),
    "falling 30 % a minute": (falling(0.3), DECAY_S, 800.0),
    "afterpulses 0.3 in 1 ms, 800": (
        lambda random: _followed(random, one(20.0, 800.0)(random), 0.3, 1e-3),
        DECAY_S,
        math.nan,
    ),
}
"""Of each, its generator, the decay time, and the number of pulses (nan where it has none)."""


def _followed(random: Random, t: Floats, part: float, delay_s: float) -> Floats:
    after = t[random.uniform(size=t.size) < part]
    return np.sort(np.concatenate([t, after + random.exponential(delay_s, after.size)]))


# --- What is said of them.


def nanoseconds(times_s: Floats) -> NDArray[np.int64]:
    """As a recorder gives them, since 1970."""
    return np.sort((times_s * 1e9).astype(np.int64)) + 1_663_503_939_000_000_000


def _told(flags: tuple[str, ...]) -> str:
    """The kind, else the first reason."""
    kind = kind_of(flags)
    return kind if kind != "burst" else flags[0] if flags else "valid"


def of_background(name: str, hours: int, seed: int) -> dict[str, float]:
    """Print what is found in hours without a burst; the numbers of false and of valid rows."""
    random = np.random.default_rng([seed, *name.encode()])
    rows, kinds, dead_s, longest_s = 0, Counter[str](), 0.0, 0.0
    valid = 0
    for _ in range(hours):
        times_ns = nanoseconds(BACKGROUNDS[name](random))
        found = find_bursts(times_ns)
        rows += found.height
        begin = time.perf_counter()
        for key, fits in fit_bursts(times_ns, found, dead_time_s=dead_s).items():
            del key
            for fit in fits[:1]:
                valid += fit.valid
                kinds[_told(fit.flags)] += 1
        longest_s = max(longest_s, (time.perf_counter() - begin) / max(found.height, 1))
    told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    print(
        f"{name:38s} {rows / hours:7.3f} +- {math.sqrt(rows) / hours:5.3f} an hour, "
        f"valid {valid / hours:7.3f} +- {math.sqrt(max(valid, 1)) / hours:5.3f} ({told}), "
        f"{longest_s * 1e3:.1f} ms a fit",
        flush=True,
    )
    return {"false": rows, "valid": valid}


def of_bursts(name: str, count: int, seed: int) -> dict[str, float]:
    """Print what is said of one burst in each of many windows; the parts that are valid and far off."""
    random = np.random.default_rng([seed, *name.encode()])
    make, decay_s, pulses = BURSTS[name]
    pulls, of_pulses, flags, longest_s, missed = [], [], Counter[str](), 0.0, 0
    for _ in range(count):
        times_ns = nanoseconds(make(random))
        found = find_bursts(times_ns)
        at_ns = 1_663_503_939_000_000_000 + int(AT_S * 1e9)
        near_by = found.filter((found["timestamp_ns"] - at_ns).abs() < 3_000_000_000)
        if near_by.is_empty():
            missed += 1
            continue
        row = near_by.row(0, named=True)
        begin = time.perf_counter()
        fit = nearest_fit(row, next(iter(fit_bursts(times_ns, near_by.head(1), dead_time_s=0.0).values())))
        longest_s = max(longest_s, time.perf_counter() - begin)
        flags[_told(fit.flags)] += 1
        if fit.valid:
            half_life_s = math.log(2.0) * decay_s
            pulls.append((fit.values["half_life_s"] - half_life_s) / fit.errors["half_life_s"])
            of_pulses.append((fit.values["n_total"] - pulses) / fit.errors["n_total"])
    pull, number = np.array(pulls), np.array(of_pulses)
    seen = max(count - missed, 1)
    off = int(np.sum(np.abs(pull) > 5.0) + np.sum(np.abs(number) > 5.0))
    told = ", ".join(f"{kind} {n}" for kind, n in flags.most_common(4))
    print(f"{name:38s} valid {pull.size} of {seen} ({told}); far off {off};", end=" ")
    if pull.size > 2:
        error = 1.0 / math.sqrt(pull.size)
        inside = np.mean(np.abs(pull) < 1.0)
        print(
            f"half-life {pull.mean():+.2f} ({pull.std():.2f}), coverage {inside:.2f}; "
            f"pulses {number.mean():+.2f} ({number.std():.2f}), +- {error:.2f};",
            end=" ",
        )
    print(f"longest fit {longest_s * 1e3:.0f} ms", flush=True)
    return {"valid": pull.size / seen, "far": off / max(pull.size, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=20)
    parser.add_argument("--bursts", type=int, default=200)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for each in (*BACKGROUNDS, *BURSTS):
        if any(part in each for part in options.only):
            if each in BACKGROUNDS:
                of_background(each, options.hours, options.seed)
            else:
                of_bursts(each, options.bursts, options.seed)
