"""What fits answer says at a prompt what it is: the printed forms, word for word."""

from __future__ import annotations

import math

import numpy as np
import pytest

from utokyo import (
    BadPixels,
    BurstSearch,
    Fit,
    Gain,
    GaussianFit,
    Reference,
    StackFit,
    find_bursts,
    fit_gaussian,
    reference_of,
)
from utokyo.engine.fits.bursts.fit import fit_overlapping
from utokyo.engine.fits.flags import reason_for
from utokyo.engine.fits.images.checks import problem_of
from utokyo.engine.fits.images.known_spot import Spot
from utokyo.engine.fits.images.reference import NO_REFERENCE

START_NS = 1_663_504_000_000_000_000
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")


def spot(**answers: object) -> GaussianFit:
    values = dict(zip(NAMES, (20_123.4, 40.021, 30.113, 5.043, 6.987, 19.982), strict=True))
    errors = dict(zip(NAMES, (161.2, 0.043, 0.061, 0.035, 0.052, 0.061), strict=True))
    return GaussianFit(values, errors, np.eye(6), NAMES, 3510.2, 7020.4, 7194, 41.2, probability=0.92, **answers)


def stack(*valid: bool) -> StackFit:
    n = len(valid)
    values = np.ones((n, 6))
    return StackFit(NAMES, values, values, np.ones((n, 6, 6)), np.ones(n), np.ones(n), np.array(valid))


def test_a_fit_prints_its_table():
    fit = Fit(
        {"background_Hz": 19.87, "tau_decay_s": 1.0234, "t0_ns": START_NS + 60_001_234_567, "half_life_s": 0.70937},
        {"background_Hz": 0.412, "tau_decay_s": 0.0367, "t0_ns": 4_123_456.0, "half_life_s": 0.02544},
        np.eye(3),
        ("background_Hz", "tau_decay_s", "t0_ns"),
        nll=-1234.5,
        deviance=43.21,
        ndof=47,
        reasons=(reason_for("cut_at_end", decay_times=1.04), reason_for("not_converged")),
    )
    assert repr(fit) == (
        "NOT VALID: the burst is cut: the data end 1.0 decay times after the maximum; the fit did not converge; "
        "deviance / ndof = 43.2 / 47, p = 0.63\n"
        "  background_Hz =                    19.87 ± 0.41\n"
        "  tau_decay_s   =                    1.023 ± 0.037\n"
        "  t0_ns         = 2022-09-18 12:27:40.0012 ± 0.0041 s\n"
        "  half_life_s   =                    0.709 ± 0.025"
    )
    assert str(fit) == repr(fit)


def test_a_fit_of_a_spot_prints_its_table_and_its_limit():
    assert repr(spot(detected=True)) == (
        "valid; deviance / ndof = 7020.4 / 7194, p = 0.92\n"
        "  A       =  20120 ± 160\n"
        "  x0      = 40.021 ± 0.043\n"
        "  y0      = 30.113 ± 0.061\n"
        "  sigma_x =  5.043 ± 0.035\n"
        "  sigma_y =  6.987 ± 0.052\n"
        "  C       = 19.982 ± 0.061"
    )
    nothing = spot(upper_limit=678.9, reasons=(reason_for("no_atoms"),))
    assert repr(nothing).splitlines()[0] == (
        "NOT VALID: no atoms: nothing stands out of the background; "
        "deviance / ndof = 7020.4 / 7194, p = 0.92; A < 679 (95 %)"
    )


def test_a_fit_without_numbers_prints_that():
    fit = fit_gaussian(np.zeros((9, 9)))
    assert repr(fit).splitlines()[:2] == ["NOT VALID: no atoms: every pixel is zero", "  A       = nan ± ?"]


PARTS = {
    "StackFit(3 images, 2 of them valid)": lambda: StackFit(
        NAMES,
        np.ones((3, 6)),
        np.ones((3, 6)),
        np.ones((3, 6, 6)),
        np.ones(3),
        np.ones(3),
        np.array([True, False, True]),
    ),
    "StackFit(1 image, 0 of them valid)": lambda: StackFit(
        NAMES, np.ones((1, 6)), np.ones((1, 6)), np.ones((1, 6, 6)), np.ones(1), np.ones(1), np.array([False])
    ),
    "Reference(none)": lambda: reference_of(None),
    "Reference(20 x 30 pixels, without noise)": lambda: reference_of(np.ones((20, 30))),
    "Reference(20 x 30 pixels, the mean of 1 image)": lambda: reference_of(np.ones((1, 20, 30)), gain=1.0),
    "Reference(20 x 30 pixels, the mean of 3 images, gain 1.832 ± 0.021)": lambda: Reference(
        np.ones((20, 30)), 3, Gain(1.8317, 0.0212)
    ),
    "Gain(1.8317 ± 0.021)": lambda: Gain(1.8317, 0.0212),
    "BadPixels(2 hot, 1 dead of 20 x 30 pixels)": lambda: BadPixels(
        np.arange(600).reshape(20, 30) < 2, np.arange(600).reshape(20, 30) == 7
    ),
    "Spot(x0=1.0, y0=2.0, sigma_x=3.0, sigma_y=4.0, theta=None)": lambda: Spot(1, 2, 3, 4),
    "SpotProblem(20 x 30 pixels, 4200 counts)": lambda: problem_of(
        np.full((20, 30), 7), NO_REFERENCE, None, 1.0, 0.0, None
    ),
    "BurstSearch(false_alarms_per_hour=0.01: 0 bursts, 0 of which may still change)": BurstSearch,
}


@pytest.mark.parametrize("text", PARTS)
def test_a_part_of_a_fit_says_in_a_line_what_it_is(text):
    assert repr(PARTS[text]()) == text


def test_what_a_fit_of_bursts_is_made_of_says_in_a_line_what_it_is():
    random = np.random.default_rng(5)
    t = [random.uniform(0.0, 120.0, 2400)]
    for t0_s in (60.0, 63.0):
        t += [t0_s - random.exponential(0.2, 170), t0_s + random.exponential(1.0, 830)]
    times_ns = START_NS + np.sort((np.concatenate(t) * 1e9).astype(np.int64))
    search = BurstSearch()
    search.feed(times_ns)
    assert repr(search) == "BurstSearch(false_alarms_per_hour=0.01: 1 burst, 1 of which may still change)"
    row = find_bursts(times_ns).row(0, named=True)
    window_s = (row["window_end_ns"] - row["window_begin_ns"]) * 1e-9
    inside = int(np.sum((times_ns >= row["window_begin_ns"]) & (times_ns < row["window_end_ns"])))
    together = fit_overlapping(times_ns, row)[0].profile.together
    assert repr(together) == f"Together(2 bursts, {inside} pulses in {window_s:.1f} s)"
    assert repr(together.problem) == f"BurstProblem({inside} pulses in {window_s:.1f} s, rate continuous at t0)"
    nodes = together.problem.profile(np.linspace(17.0, 18.0, 5), together.best.x[:6])
    assert repr(nodes) == "Nodes(5 times t0 from 17.000 to 18.000 s)"
    assert math.isclose(nodes.step_s, 0.25)
