"""Why a fit is not valid stands in one table, and each flag of the table is raised where it says."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from utokyo import Fit, fit_burst, fit_gaussian, fit_lifetime, gaussian_image
from utokyo.engine.fits.bursts.values import FEWEST_PULSES, SEEN_DECAY_TIMES
from utokyo.engine.fits.flags import FLAGS, Flag, reason_for, table_of_flags
from utokyo.engine.fits.images.answer import SMALLEST_SIGMA, WORST_WIDTH

ROOT = Path(__file__).resolve().parents[3]
START_NS = 1_663_504_000_000_000_000
SPOT = {"x0": 36.3, "y0": 28.2, "sigma_x": 4.0, "sigma_y": 5.5}
SHAPE = (60, 70)


def pulses(background_Hz: float, each: float, begin_s: float = 0.0, end_s: float = 120.0, seed: int = 1) -> np.ndarray:
    """Background, and a burst at 60 s."""
    random = np.random.default_rng(seed)
    burst = [60.0 - random.exponential(0.2, int(each / 6)), 60.0 + random.exponential(1.0, int(each * 5 / 6))]
    t = np.concatenate([random.uniform(0.0, 120.0, random.poisson(background_Hz * 120.0)), *burst])
    return START_NS + np.sort((t[(t > begin_s) & (t < end_s)] * 1e9).astype(np.int64))


def burst(times_ns: np.ndarray, end_s: float = 62.0, window_s: tuple[float, float] | None = None) -> Fit:
    """The fit of a burst at 60 s."""
    names = zip(("onset_ns", "timestamp_ns", "end_ns"), (59.5, 60.0, end_s), strict=True)
    window = None if window_s is None else tuple(START_NS + int(s * 1e9) for s in window_s)
    return fit_burst(times_ns, {n: START_NS + int(s * 1e9) for n, s in names}, window_ns=window)


def with_pulses(times_s: np.ndarray) -> np.ndarray:
    """A background of 10 per s, and these pulses."""
    random = np.random.default_rng(2)
    return START_NS + np.sort((np.concatenate([random.uniform(0.0, 120.0, 1200), times_s]) * 1e9).astype(np.int64))


def doubled(times_s: np.ndarray) -> np.ndarray:
    """Each pulse twice, 10 us apart."""
    return np.concatenate([times_s, times_s + 1e-5])


def blind(times_ns: np.ndarray, dead_ns: int) -> np.ndarray:
    """The pulses that an extending dead time leaves."""
    return times_ns[np.diff(times_ns, prepend=-dead_ns) >= dead_ns]


def at_once(*decays: tuple[float, int, float]) -> np.ndarray:
    """Bursts without a rise: when they begin, s, their pulses, and their decay times, s."""
    random = np.random.default_rng(6)
    return with_pulses(np.concatenate([begin_s + random.exponential(tau_s, n) for begin_s, n, tau_s in decays]))


def falling() -> np.ndarray:
    """A faint burst over a background that falls by 40 % a minute."""
    random = np.random.default_rng(7)
    t = random.uniform(0.0, 120.0, 24_000)
    kept = t[random.uniform(size=t.size) < np.exp(-t / 120.0)]
    return START_NS + np.sort((np.concatenate([kept, 60.0 + random.exponential(1.0, 60)]) * 1e9).astype(np.int64))


def box() -> np.ndarray:
    """Pulses of a rate that is switched on at 58 s and off at 66 s."""
    on = START_NS + (np.random.default_rng(2).uniform(58.0, 66.0, 4000) * 1e9).astype(np.int64)
    return np.sort(np.concatenate([pulses(20.0, 0.0), on]))


def image(counts: float, background: float = 10.0, **place: float) -> np.ndarray:
    """Counts of a spot."""
    mean = gaussian_image({"A": counts, **(SPOT | place), "C": background}, SHAPE)
    return np.random.default_rng(3).poisson(mean)


def flat_top(peak: float) -> np.ndarray:
    """Counts of a spot that is a disc with soft edges."""
    y, x = np.indices((120, 140))
    mean = 10.0 + peak * np.exp(-0.5 * (((x - 60.0) ** 2 + (y - 50.0) ** 2) / 12.0**2) ** 3)
    return np.random.default_rng(3).poisson(mean)


def on_a_wide_field(**place: float) -> np.ndarray:
    """Counts of a spot in an image that has room for many."""
    mean = gaussian_image({"A": 60_000.0, **SPOT, **place, "C": 10.0}, (120, 160))
    return np.random.default_rng(3).poisson(mean)


def series(tau_s: float, n0: float = 1000.0, error: float = 10.0) -> Fit:
    """The lifetime of 40 numbers in 40 s."""
    t_s = np.arange(40)
    numbers = n0 * np.exp(-t_s / tau_s) + np.random.default_rng(4).normal(0.0, error, 40)
    return fit_lifetime(START_NS + t_s * 1_000_000_000, numbers, np.full(40, error))


def alternating() -> Fit:
    """The lifetime of numbers that fall and rise."""
    numbers = np.where(np.arange(40) % 2, 1000.0, 500.0) * np.exp(-np.arange(40) / 10.0)
    return fit_lifetime(START_NS + np.arange(40) * 1_000_000_000, numbers, np.full(40, 5.0))


def two_lifetimes() -> Fit:
    """The lifetime of numbers of which a part stays five times longer."""
    t_s = np.arange(60)
    numbers = 9000.0 * np.exp(-t_s / 6.0) + 1000.0 * np.exp(-t_s / 30.0)
    return fit_lifetime(START_NS + t_s * 1_000_000_000, numbers, np.full(60, 30.0))


CASES: dict[str, Callable[[], Fit]] = {
    "not_converged": lambda: series(0.02, 500.0),
    "too_few_to_fit": lambda: burst(pulses(0.0, 10.0)),
    "too_few_pulses": lambda: burst(pulses(1.0, 9.0)),
    "not_significant": lambda: burst(pulses(30.0, 25.0, seed=5)),
    "cut_at_begin": lambda: burst(pulses(20.0, 2000.0, begin_s=59.8)),
    "cut_at_end": lambda: burst(pulses(20.0, 2000.0, end_s=61.0)),
    "decay_beyond_window": lambda: burst(pulses(20.0, 2000.0), 61.5, (40.0, 61.8)),
    "decay_time_unknown": lambda: burst(pulses(30.0, 25.0, seed=5)),
    "not_a_burst": lambda: burst(box(), 66.0),
    "second_component": lambda: burst(at_once((60.0, 2000, 1.0), (60.0, 400, 6.0)), 72.0),
    "further_burst": lambda: burst(at_once((60.0, 500, 1.0), (61.0, 120, 1.0)), 64.0),
    "too_close": lambda: burst(at_once((60.0, 2000, 1.0), (61.0, 2000, 1.0)), 66.0),
    "background_slope": lambda: burst(falling(), 62.0, (30.0, 100.0)),
    "train": lambda: burst(with_pulses(60.0 + 0.02 * np.arange(100)), 62.0),
    "afterpulses": lambda: burst(with_pulses(doubled((pulses(0.0, 400.0) - START_NS) / 1e9)), 64.0),
    "regular": lambda: burst(with_pulses(60.0 + 0.0071 * np.arange(200)), 61.4),
    "cascade": lambda: burst(with_pulses(60.0 + np.random.default_rng(1).exponential(0.01, 100)), 60.1),
    "dead_time": lambda: burst(blind(pulses(20.0, 20_000.0), 20_000), 66.0),
    "step": lambda: burst(box(), 66.0),
    "all_zero": lambda: fit_gaussian(np.zeros(SHAPE)),
    "no_light": lambda: fit_gaussian(np.full(SHAPE, -30.0), reference=image(0.0), read_noise=5.0, gain=1.0),
    "no_atoms": lambda: fit_gaussian(image(0.0)),
    "hot_pixel": lambda: fit_gaussian(image(1000.0, 25.0, sigma_x=0.3, sigma_y=0.3)),
    "not_a_gaussian": lambda: fit_gaussian(image(60_000.0, x0=15.0) + image(60_000.0, x0=55.0), background="flat"),
    "uneven_background": lambda: fit_gaussian(
        on_a_wide_field(A=6000.0) + np.random.default_rng(4).poisson(np.arange(160) / 16.0, (120, 160)),
        background="flat",
    ),
    "shape_departs": lambda: fit_gaussian(flat_top(300.0)),
    "cut_by_edge": lambda: fit_gaussian(flat_top(300.0)[:, 64:]),
    "saturated": lambda: fit_gaussian(np.minimum(image(4e5), 255.0)),
    "two_spots": lambda: fit_gaussian(on_a_wide_field(x0=30.0) + on_a_wide_field(x0=130.0)),
    "uneven_light": lambda: fit_gaussian(image(20_000.0, 30.0, sigma_x=17.0, sigma_y=17.0)),
    "larger_than_image": lambda: fit_gaussian(image(4e6, sigma_x=60.0, sigma_y=50.0)),
    "no_covariance": lambda: fit_gaussian(image(20_000.0), reference=np.full(SHAPE, 5.0)),
    "centre_outside": lambda: fit_gaussian(image(20_000.0, x0=-3.0)),
    "widths_unknown": lambda: fit_gaussian(image(400.0)),
    "other_place": lambda: fit_gaussian(image(60_000.0, x0=12.0), spot=SPOT),
    "no_decay": lambda: series(6.0, 0.0),
    "series_too_short": lambda: series(200.0, 10_000.0),
    "lifetime_unknown": lambda: series(1.0, 40.0),
    "not_an_exponential": alternating,
    "one_number": lambda: fit_lifetime(
        START_NS + np.arange(9) * 1_000_000_000, np.append(5000.0, 100.0 + np.arange(8) % 2), np.full(9, 5.0)
    ),
    "second_lifetime": two_lifetimes,
}
ROOMS = {"bursts", "images", "lifetimes"}


@pytest.mark.parametrize("code", CASES)
def test_a_flag_is_raised_where_it_should_be(code):
    fit = CASES[code]()
    assert code in fit.flags, fit.reason
    assert not fit.valid
    (reason,) = (reason for reason in fit.reasons if reason.code == code)
    assert reason in fit.reason


def test_every_flag_of_a_fit_has_its_case():
    assert set(CASES) == {flag.code for flag in FLAGS if ROOMS & set(flag.of)}
    assert len({flag.code for flag in FLAGS}) == len(FLAGS)


def calls_of(name: str) -> list[tuple[str, ast.Call]]:
    """Every call of a function in the engine, and the module that it is in."""
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for path in (ROOT / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_no_reason_is_made_but_from_the_table():
    # A fit takes nothing but a Reason (the type checker sees to it), and only the table makes one.
    assert Fit.__annotations__["reasons"] == "tuple[Reason, ...]"
    assert {module for module, _ in calls_of("Reason")} == {"engine/fits/flag.py"}
    assert {module for module, _ in calls_of("Flag")} == {"engine/fits/flags.py"}
    assert len(calls_of("reason_for")) > 15


def test_the_documents_have_the_table():
    text = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
    assert text.split("<!-- flags -->\n")[1].split("\n<!-- end of flags -->")[0] == table_of_flags()


def test_the_meanings_name_the_numbers_of_the_code():
    meaning = {flag.code: flag.meaning for flag in FLAGS}
    assert f"fewer than {FEWEST_PULSES:g} pulses" in meaning["too_few_to_fit"]
    assert SEEN_DECAY_TIMES == 3.0
    assert f"{SMALLEST_SIGMA:g} pixels" in meaning["hot_pixel"]
    assert f"{WORST_WIDTH:.0%}".replace("%", " %") in meaning["widths_unknown"]


def test_a_reason_is_its_sentence_and_survives_a_pickle_with_its_code():
    reason = reason_for("too_few_pulses", pulses=7.2, needed=15.0)
    assert reason == "too few pulses: 7 above background, 15 are needed"
    again = pickle.loads(pickle.dumps(reason))
    assert (again, again.code, type(again)) == (reason, "too_few_pulses", type(reason))


def test_a_flag_that_is_not_in_the_table_is_no_reason():
    with pytest.raises(KeyError):
        reason_for("bad_weather")


def test_a_fit_of_ones_own_may_have_flags_and_sentences_of_its_own():
    own = Flag("bad_weather", ("tides",), "{storms} storms", "").reason(storms=2)
    fit = Fit({"a": 1.0}, {"a": 0.1}, np.eye(1), ("a",), 0.0, reasons=(own, "it rains"))
    assert fit.flags == ("bad_weather", "other")
    assert fit.reason == "2 storms; it rains"
