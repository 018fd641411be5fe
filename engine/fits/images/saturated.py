"""The fit of an image in which pixels are clipped: they are taken as that many counts or more.

The spot is looked for with the numbers that the camera wrote, which are not too high. Then it is fitted with the
clipped pixels censored (`clipped`). Beside a pixel that is clipped stand others that are not because noise made them
darker: where the model is near the limit, pixels tell nothing of how well it describes the image.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..flags import Reason, reason_for
from .answer import answer_of
from .clipped import Clipped
from .found import Found
from .goodness import residuals_of
from .problem import SpotProblem
from .result import GaussianFit

__all__ = ["censored_fit"]

Floats = NDArray[np.float64]

NEAR_LIMIT = 3.0
"""Standard deviations below the limit from which on pixels may be clipped."""
HIGHEST = 3.0
"""Largest peak, in units of the limit, that the rest of a spot tells."""
ROUNDS = 2
"""Fits, the second with the gain and the noise that the first one found."""
FEWEST_LEFT = 3
"""Pixels that are not near the limit, at least, in units of the parameters."""


def censored_fit(problem: SpotProblem, found: Found, plain: GaussianFit, gain_error: float) -> GaussianFit:
    """The answer for an image with clipped pixels.

    Parameters
    ----------
    problem : SpotProblem
        With all pixels as they are.
    found : Found
        The spot in it.
    plain : GaussianFit
        What would be answered if no pixel were clipped; it says whether there are atoms.
    gain_error : float
        As `answer_of` takes it.
    """
    clipped = problem.clipped
    # A spot whose top is cut off may be one that no Gaussian describes; without its clipped pixels it is none.
    may_be = plain.detected or "not_a_gaussian" in plain.flags
    if clipped is None or not may_be or not bool(np.all(np.isfinite(found.parameters))):
        return plain
    gain = plain.gain
    censored, best = problem, found
    for _ in range(1 if problem.gain is not None and not clipped.is_floor else ROUNDS):
        censored = _without(problem, clipped.with_noise(problem.shift, gain, problem.mean(best)))
        best = _minimum(censored, best)
        judged = _far_from_limit(censored, best, clipped.limit, gain, is_floor=clipped.is_floor)
        if judged.pixels < FEWEST_LEFT * best.parameters.size:
            break
        residuals = residuals_of(judged, judged.mean(best))
        if problem.gain is None:
            gain = residuals.chi_square / max(1.0, residuals.pixels - best.parameters.size)
    if clipped.is_floor:
        if not best.converged:
            return plain
        answer = answer_of(judged, best, gain_error, fitted=censored, significance=plain.significance)
        remark = f"counts end at zero: {len(clipped)} pixels, taken as zero or less"
        return replace(answer, reasons=(*answer.reasons, *_lobes(plain)), remarks=(*answer.remarks, remark))
    peak = _peak(censored, best)
    many = f"{len(clipped)} pixel{'s' * (len(clipped) != 1)}"
    remark = f"saturated: {many} at {clipped.limit:g}, taken as that many counts or more"
    if judged.pixels < FEWEST_LEFT * best.parameters.size or not best.converged or not peak < HIGHEST * clipped.limit:
        why = reason_for("saturated", pixels=len(clipped), limit=clipped.limit)
        kept = tuple(reason for reason in plain.reasons if _code(reason) != "not_a_gaussian")
        return replace(plain, detected=True, reasons=(*kept, why), remarks=(*plain.remarks, remark))
    significance = plain.significance if plain.detected else None
    answer = answer_of(judged, best, gain_error, fitted=censored, significance=significance)
    uneven = tuple(said for said in plain.remarks if "background is not even" in said and said not in answer.remarks)
    return replace(answer, reasons=(*answer.reasons, *_lobes(plain)), remarks=(*answer.remarks, *uneven, remark))


def _code(reason: str) -> str:
    return reason.code if isinstance(reason, Reason) else ""


def _lobes(plain: GaussianFit) -> tuple[Reason, ...]:
    """The reason of a second spot: it was looked for with all pixels."""
    return tuple(reason for reason in plain.reasons if _code(reason) == "two_spots")


def _without(problem: SpotProblem, clipped: Clipped) -> SpotProblem:
    """The same image with the clipped pixels in their own part of the likelihood."""
    used, counts = problem.used.copy(), problem.counts.copy()
    used[clipped.rows, clipped.columns] = counts[clipped.rows, clipped.columns] = 0.0
    total, pixels = float(counts.sum()), float(used.sum())
    return replace(problem, counts=counts, used=used, total=total, pixels=pixels, clipped=clipped, is_censored=True)


def _minimum(problem: SpotProblem, found: Found) -> Found:
    start = found.parameters.copy()
    nll, information, converged, _ = problem.by_scipy(start, found.free, rotated=found.rotated)
    dark = start.copy()
    dark[0] = 0.0
    dark[5 + found.rotated :] = problem.without_spot.values
    return replace(
        found,
        parameters=start,
        nll=nll,
        information=information,
        converged=converged,
        background_nll=(problem.rotated_likelihood if found.rotated else problem.likelihood)(dark).nll,
    )


def _far_from_limit(problem: SpotProblem, found: Found, limit: float, gain: float, *, is_floor: bool) -> SpotProblem:
    """Only those pixels that noise can hardly have clipped, for all that looks at residuals."""
    mean = problem.mean(found)
    margin = NEAR_LIMIT * np.sqrt(gain * np.maximum(mean, 0.0))
    far = mean > limit + problem.shift + margin if is_floor else mean < limit + problem.shift - margin
    used, counts = problem.used * far, problem.counts * far
    return replace(problem, counts=counts, used=used, total=float(counts.sum()), pixels=float(used.sum()))


def _peak(problem: SpotProblem, found: Found) -> float:
    """Mean counts at the centre."""
    amplitude, _, _, sigma_x, sigma_y = found.parameters[:5].tolist()
    level = float(found.parameters[5 + found.rotated]) - problem.shift
    return float(amplitude / (2.0 * math.pi * sigma_x * sigma_y) + level)
