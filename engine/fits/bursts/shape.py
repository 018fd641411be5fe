"""Where the pulses of a window are not those of one burst over a constant background: what then is done or said.

`kernels.bursts.shape` looks for a slope of the background, a second, slower decay, and further bursts, in what the best
fit leaves over; each number is normal, of width 1, where there is none. A slope that is seen is a parameter of the fit
then: all others change by what it moves them, to first order, and their errors by its error. Anything else that is seen
and not fitted is a reason not to use the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ....kernels.bursts.shape import shape_scores
from ....kernels.units import SECOND_NS
from ..flags import Reason, reason_for
from ..result import Fit
from .overlap import Together
from .problem import CONTINUOUS, FREE, BurstProblem
from .values import FITTED, SLOPE

__all__ = ["Shape", "reasons_of_shape", "reasons_together", "shape_of", "with_slope"]

Floats = NDArray[np.float64]

SLOPE_SEEN, SLOWER_SEEN, FURTHER_SEEN = 3.0, 2.7, 3.5
"""Errors of the slope, the slower decay and a further burst from which on they are there."""
APART = 2.0
"""Decay times after which another burst must begin to be told from the first."""
TOO_STEEP = 0.3
"""Largest change of a logarithm by the slope, to first order, that is good enough."""
SLOWER = 4.0
"""How many times as slow the second decay is taken to be."""
LATER = np.array([-1.5, -0.6, 0.4, 0.8, 1.5, 2.5, 4.0])
"""Decay times after t0 at which further bursts are looked for."""


@dataclass(frozen=True, eq=False)
class Shape:
    """What is left over by the best fit of one burst.

    Parameters
    ----------
    slope, slope_error : float
        Of the background, 1/s^2.
    slope_z : float
        The same in units of its error.
    changes : array of float64, shape (6,)
        By how much the parameters of the fit change with the slope.
    slower_z : float
        Of the slower decay.
    further_z, further_s : float
        Of the clearest further burst, and when it begins after t0, s.
    """

    slope: float
    slope_error: float
    slope_z: float
    changes: Floats
    slower_z: float
    further_z: float
    further_s: float

    @property
    def slopes(self) -> bool:
        """Whether the background has a slope."""
        return abs(self.slope_z) > SLOPE_SEEN

    @property
    def steep(self) -> bool:
        """Whether its slope is too large to be fitted to first order."""
        return self.slopes and float(np.abs(self.slope * self.changes[:5]).max()) > TOO_STEEP

    def asks_for_more(self, unlikely: bool) -> bool:
        """Whether further bursts are to be fitted; `unlikely` is whether the one does not describe the window."""
        if self.steep or self.slower_z > max(SLOWER_SEEN, self.further_z):
            return False
        return unlikely or self.further_z > FURTHER_SEEN


def shape_of(problem: BurstProblem, x: Floats) -> Shape | None:
    """What the best fit of one burst leaves over; None where its parameters are not known.

    Parameters
    ----------
    problem : BurstProblem
    x : array of float64, shape (6,)
        Its best parameters.
    """
    alone, sloping = _directions(problem.continuous, bool(problem.shows_no_rise(x)))
    count = 2 + LATER.size
    z, slope, error, changes = np.empty(count), np.empty(count), np.empty(count), np.empty((count, 7))
    answer = z, slope, error, changes
    pulses = problem.times_s, problem.length_s, problem.dead_s, x
    if not shape_scores(*pulses, alone, SLOWER, LATER, *answer):
        return None
    background = float(slope[0]), float(error[0]), float(z[0]), changes[0, :6].copy()
    if abs(background[2]) > SLOPE_SEEN and not shape_scores(*pulses, sloping, SLOWER, LATER, *answer):
        return None
    at = int(z[2:].argmax())
    return Shape(*background, float(z[1]), float(z[2 + at]), float(LATER[at]) * math.exp(x[4]))


@cache
def _directions(continuous: bool, without_rise: bool) -> tuple[Floats, Floats]:
    """Directions of the parameters of a fit, and the same with a slope; shapes (7, k) and (7, k + 1)."""
    along = CONTINUOUS if continuous else FREE
    if without_rise:
        along = np.delete(along, [2] if continuous else [1, 2], axis=1)
    k = along.shape[1]
    # Of a rate that may jump, t0 has no information: other numbers of pulses are the same to first order.
    fitted = k + 1 if continuous else k
    directions = np.zeros((7, fitted + 1))
    directions[:6, :k], directions[5, k:fitted], directions[6, fitted] = along, 1.0, 1.0
    return directions[:, :fitted].copy(), directions


def with_slope(fit: Fit, x: Floats, shape: Shape) -> Fit:
    """The fit with the slope of the background as a further parameter, where it has one.

    Parameters
    ----------
    fit : Fit
        Without it.
    x : array of float64, shape (6,)
        Its parameters.
    shape : Shape
    """
    if not shape.slopes:
        return fit
    moved = x + np.clip(shape.slope * shape.changes, -TOO_STEEP, TOO_STEEP)
    moved[5] = x[5] + shape.slope * shape.changes[5]
    scale = np.append(np.exp(moved[:5]), 1.0)
    unit = np.array([1.0, 1.0, 1.0, 1.0, 1.0, SECOND_NS])
    before = np.append(np.exp(x[:5]), 1.0)
    by_slope = shape.changes * scale * unit * shape.slope_error
    covariance = fit.covariance * np.outer(scale / before, scale / before) + np.outer(by_slope, by_slope)
    values, errors = dict(fit.values), dict(fit.errors)
    errors |= dict(zip(FITTED, np.sqrt(covariance.diagonal()).tolist(), strict=True))
    values |= dict(zip(FITTED[:5], scale[:5].tolist(), strict=True))
    values["t0_ns"] = fit.values["t0_ns"] + round(float(moved[5] - x[5]) * SECOND_NS)
    values["half_life_s"] = math.log(2.0) * values["tau_decay_s"]
    errors["half_life_s"] = math.log(2.0) * errors["tau_decay_s"]
    values["n_total"] = values["n_rise"] + values["n_decay"]
    larger = values["n_total"] / fit.values["n_total"]
    errors["n_total"] = math.hypot(fit.errors["n_total"] * larger, float(by_slope[1] + by_slope[3]))
    values[SLOPE], errors[SLOPE] = shape.slope, shape.slope_error
    gain = shape.slope_z**2
    changed = replace(fit, values=values, errors=errors, covariance=covariance, nll=fit.nll - 0.5 * gain, profile=None)
    return replace(changed, deviance=max(fit.deviance - gain, 0.0), ndof=max(fit.ndof - 1, 0))


def reasons_of_shape(shape: Shape, fit: Fit) -> Iterator[Reason]:
    """What speaks against one burst over a background that is constant or has a slope.

    Parameters
    ----------
    shape : Shape
    fit : Fit
        Of one burst, with the slope.
    """
    if shape.steep:
        per_minute = 60.0 * shape.slope / fit.values["background_Hz"]
        yield reason_for("background_slope", per_minute=per_minute)
    if shape.further_z > FURTHER_SEEN and shape.further_z > shape.slower_z:
        yield reason_for("further_burst", after_s=shape.further_s, z=shape.further_z)
    elif shape.slower_z > SLOWER_SEEN:
        yield reason_for("second_component", z=shape.slower_z)


def reasons_together(together: Together) -> Iterator[Reason]:
    """What speaks against several bursts: where one begins too soon after another, their numbers are not told apart."""
    for one, other in zip(together.bursts, together.bursts[1:], strict=False):
        apart = (other[5] - one[5]) * math.exp(-max(one[4], other[4]))
        if apart < APART:
            yield reason_for("too_close", decay_times=apart)
