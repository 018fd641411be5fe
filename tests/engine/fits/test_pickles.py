"""What fits answer goes to another process and back as it was, profiles included."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context

import numpy as np
import pytest

from utokyo import (
    BurstSearch,
    Fit,
    estimate_gain,
    find_bad_pixels,
    find_bursts,
    fit_burst,
    fit_gaussian,
    fit_gaussian_stack,
    fit_lifetime,
    gaussian_image,
    reference_of,
)
from utokyo.engine.fits.bursts.fit import fit_overlapping

START_NS = 1_663_504_000_000_000_000
SPOT = {"x0": 36.3, "y0": 28.2, "sigma_x": 4.0, "sigma_y": 5.5}
SHAPE = (60, 70)
LIGHT = gaussian_image({"A": 90_000.0, "x0": 20.0, "y0": 30.0, "sigma_x": 15.0, "sigma_y": 20.0, "C": 5.0}, SHAPE)


def pulses(*at_s: float, rise: int = 170, decay: int = 830, until_s: float = 120.0) -> np.ndarray:
    """Background and bursts."""
    random = np.random.default_rng(5)
    t = [random.uniform(0.0, until_s, int(20 * until_s))]
    for t0_s in at_s:
        t += [t0_s - random.exponential(0.2, rise), t0_s + random.exponential(1.0, decay)]
    return START_NS + np.sort((np.concatenate(t) * 1e9).astype(np.int64))


def burst(**options: int) -> Fit:
    times_ns = pulses(60.0, **options)
    return fit_burst(times_ns, find_bursts(times_ns).row(0, named=True))


def burst_with_a_jump() -> Fit:
    fit = burst(rise=70, decay=3000)
    assert not fit.profile.problem.continuous
    return fit


def one_of_two() -> Fit:
    times_ns = pulses(60.0, 63.0)
    fits = fit_overlapping(times_ns, find_bursts(times_ns).row(0, named=True))
    assert len(fits) == 2
    return fits[1]


def spot(counts: float = 20_000.0, background: float = 10.0, seed: int = 6, **place: float) -> np.ndarray:
    mean = gaussian_image({"A": counts, **(SPOT | place), "C": background}, SHAPE)
    return np.random.default_rng(seed).poisson(mean)


def on_light(frames: int) -> Fit:
    random = np.random.default_rng(7)
    return fit_gaussian(spot() + random.poisson(LIGHT), reference=random.poisson(LIGHT, (frames, *SHAPE)), gain=1.0)


def lifetime() -> Fit:
    t_s = np.arange(40)
    numbers = 1000.0 * np.exp(-t_s / 6.0) + np.random.default_rng(8).normal(0.0, 10.0, 40)
    return fit_lifetime(START_NS + t_s * 1_000_000_000, numbers, np.full(40, 10.0))


FITS: dict[str, Callable[[], Fit]] = {
    "a burst": burst,
    "a burst with a jump": burst_with_a_jump,
    "one of two bursts": one_of_two,
    "a spot": lambda: fit_gaussian(spot()),
    "a turned spot": lambda: fit_gaussian(spot(theta=0.4), rotated=True),
    "a spot of known place": lambda: fit_gaussian(spot(400.0), spot=SPOT),
    "a spot on references": lambda: on_light(3),
    "a spot on light without noise": lambda: fit_gaussian(spot() + LIGHT, reference=LIGHT),
    "no atoms": lambda: fit_gaussian(spot(0.0)),
    "a lifetime": lifetime,
}


def again(thing):
    """Round a pickle."""
    return pickle.loads(pickle.dumps(thing))


def intervals(fit: Fit) -> list[tuple[float, float]]:
    """Of all parameters that have an error."""
    return [fit.interval(name) for name in fit.names if np.isfinite(fit.errors[name])]


def assert_same(one: object, other: object) -> None:
    """Field by field, bit by bit."""
    assert type(one) is type(other)
    for field in fields(one):
        if field.name != "profile":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


@pytest.mark.parametrize("kind", FITS)
def test_a_fit_is_the_same_after_a_pickle_and_so_are_its_intervals(kind):
    fit = FITS[kind]()
    copied = again(fit)
    assert_same(fit, copied)
    assert copied.flags == fit.flags
    assert str(copied) == str(fit)
    assert intervals(copied) == intervals(fit)


def test_a_spawned_process_says_the_same():
    kinds = ["one of two bursts", "a spot on references", "a lifetime"]
    fits = [FITS[kind]() for kind in kinds]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for fit, there in zip(fits, [pool.submit(fit.interval, fit.names[0]) for fit in fits], strict=True):
            assert there.result() == fit.interval(fit.names[0])


@pytest.mark.parametrize("pieces", [7, 40])
def test_a_search_goes_on_after_a_pickle(pieces):
    times_ns = pulses(*np.arange(60.0, 3500.0, 70.0), until_s=3600.0)
    search = BurstSearch()
    for piece in np.array_split(times_ns, pieces):
        search = again(search)
        search.feed(piece)
    assert search.bursts.equals(find_bursts(times_ns))


def test_references_gains_and_bad_pixels_are_the_same_after_a_pickle():
    stack = np.random.default_rng(9).poisson(LIGHT, (3, *SHAPE))
    gain = estimate_gain(stack)
    for copied in (again(gain), copy.copy(gain), copy.deepcopy(gain)):
        assert (copied, copied.error, repr(copied)) == (gain, gain.error, repr(gain))
    reference = reference_of(stack)
    assert_same(reference, again(reference))
    assert again(reference).gain.error == reference.gain.error
    image = spot()
    assert dict(fit_gaussian(image, reference=again(reference)).values) == dict(
        fit_gaussian(image, reference=reference).values
    )
    image[3, 4] += 1000
    bad = find_bad_pixels(image)
    assert bad.mask.sum() == 1
    assert_same(bad, again(bad))


def test_a_stack_is_the_same_after_a_pickle():
    fit = fit_gaussian_stack(np.array([spot(seed=k) for k in range(4)]))
    assert_same(fit, again(fit))
    assert again(fit).to_frame().equals(fit.to_frame())
