"""The background around a spot: even where nothing contradicts it, else a plane or a polynomial in a window.

The fit on an even background uses the whole image. Where the residuals at the spot or around it contradict it, the spot
is fitted again in a window on each background that may be, and the most probable one is taken (`models`). Where light
around the spot has a structure that no polynomial has, the same template elsewhere in the image says what it does
(`elsewhere`). Where two spots describe the place much better than one, the numbers of one are refused (`two_spots`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..flags import Reason, reason_for
from .answer import SpotProfile, answer_of
from .contrast import LEAST_OTHER, contrast_of
from .elsewhere import look_elsewhere
from .found import NAMES, Found
from .local import TERMS
from .models import Chosen, chosen_model, ring_of
from .problem import SpotProblem
from .result import GaussianFit
from .rounded_counts import rounding_covariance
from .shared_noise import SharedNoise
from .smooth_light import BLOCKS, smooth_level, stands_out
from .two_spots import Pair, excess_of, pair_of

__all__ = ["BACKGROUNDS", "Background", "Wanted", "better_fit"]

Floats = NDArray[np.float64]
Background = Literal["flat", "plane", "quadratic", "auto"]

BACKGROUNDS = (*TERMS, "auto")
UNEVEN = 22.5
"""Chi-square of the patterns of the light around a spot above which it is not even: one even image in 1000."""
MOVED = 2.0
"""Errors by which numbers depend on the background, when a fit on an even one is refused."""
SURE, LARGEST = 5.0, 1.5
"""A spot in structured light is seen at so many errors, and so many times the largest A elsewhere."""
STRUCTURED = 4.0
"""Standard deviations from which on other places have more scatter than that of pixels."""
AS_WELL = -1.0
"""Logarithm of the likelihood ratio to a turned spot from which on two spots describe a place as well."""
SINGLE = {"two_spots", "not_a_gaussian", "no_atoms", "shape_departs"}
"""Flags that say less than that there are two spots."""
LESS = 0.3
"""Departure of the shape in a window, in units of that in the image, up to which the fit in the window is taken."""
HIDDEN = 5.0
"""Widths around a spot that are hidden when another one is looked for."""
WORST_WIDTH = 0.15
"""Largest relative error of a width of such a spot, when its numbers are of use."""
REFUSED_FOR_LIGHT = {"larger_than_image", "uneven_light", "not_a_gaussian"}
"""Flags of fits which found the light that is not even, and not a spot on it."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the caller asks for.

    Parameters
    ----------
    background : "flat", "plane", "quadratic" or "auto"
    rotated : bool or "auto"
    whole : callable
        Gives the whole image, of which the problem is a part.
    gain_error : float
        Standard error of a gain that was estimated from references.
    """

    background: Background
    rotated: bool | Literal["auto"]
    whole: Callable[[], SpotProblem]
    gain_error: float

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """Those that may be taken in a window."""
        return tuple(TERMS) if self.background in ("auto", "flat") else (self.background,)

    def model(self, problem: SpotProblem, found: Found, *, departs: bool) -> Chosen | None:
        """The most probable model around a spot: turned, too, where its shape departs, to tell what it is."""
        start = found.parameters[: 5 + found.rotated]
        if found.is_placed or self.rotated is True:
            shapes: tuple[bool, ...] = (found.rotated,)
        else:
            shapes = (False, True) if departs or self.rotated == "auto" else (False,)
        return chosen_model(problem, start, self.backgrounds, shapes, placed=found.is_placed)


def better_fit(problem: SpotProblem, found: Found, mean: Floats, fit: GaussianFit, wanted: Wanted) -> GaussianFit:
    """The fit on an even background where nothing contradicts it, a better one where there is one, or why not.

    Parameters
    ----------
    problem : SpotProblem
    found : Found
        The best spot on an even background, or with given place and widths.
    mean : array of float64, shape (ny, nx)
        Its shifted mean counts.
    fit : GaussianFit
        Its answer.
    wanted : Wanted
    """
    asked = wanted.background in ("plane", "quadratic")
    if not fit.detected and not found.is_placed:
        may = wanted.background != "flat" and REFUSED_FOR_LIGHT.intersection(fit.flags)
        return _on_smooth_light(problem, fit, wanted) if may else fit
    uneven = asked or _is_uneven(problem, found, mean, fit)
    if not uneven and not fit.departure > 0.0:
        return fit
    best = wanted.model(problem, found, departs=fit.departure > 0.0)
    if best is None:
        return replace(fit, reasons=(*fit.reasons, _not_flat())) if uneven and fit.valid else fit
    better = _with_noise_of_all(_answer(best, wanted), problem, found, fit)
    others = tuple(reason for reason in fit.reasons if reason.code == "two_spots" and reason.code not in better.flags)
    better = replace(better, reasons=(*better.reasons, *others))
    if found.is_placed or (asked and better.detected):
        return fit if wanted.background == "flat" else better
    if better.detected:
        turned = best.found.rotated and not (found.rotated or wanted.rotated == "auto")
        if turned or wanted.background == "flat" or not (uneven or best.found.rotated != found.rotated):
            return _refused(fit, better, best, uneven=uneven and not turned)
        return _ambiguous(fit, better) if fit.departure > 0.0 and not _explains(problem, found, best) else better
    if "no_atoms" not in better.flags or contrast_of(problem, found).over_scatter:
        unknown = uneven and fit.valid and not fit.departure > 0.0
        return replace(fit, reasons=(*fit.reasons, _not_flat())) if unknown else fit
    return _on_smooth_light(problem, better, wanted) if wanted.background != "flat" else better


def _is_uneven(problem: SpotProblem, found: Found, mean: Floats, fit: GaussianFit) -> bool:
    """Whether residuals around the spot, where no other shape of it would have any, contradict an even background."""
    # Of pixels, as neighbours tell: the gain without the misfit that is in it, when it was estimated.
    noise = fit.gain if problem.gain is not None else fit.gain / (1.0 + max(fit.misfit, 0.0))
    noise *= fit.shared_noise
    if not ring_of(problem, found, mean, noise).patterns > UNEVEN:
        return False
    return not fit.departure > 0.0 or ring_of(problem, found, mean, noise, far=True).patterns > UNEVEN


def _explains(problem: SpotProblem, found: Found, best: Chosen) -> bool:
    """Whether a model in a window leaves next to nothing of how the shape departs from a spot on an even background."""
    before = excess_of(problem, found, problem.mean(found), best.noise)
    after = excess_of(best.local, best.found, best.local.mean(best.found), best.noise)
    return after <= LESS**2 * before


def _on_smooth_light(problem: SpotProblem, fit: GaussianFit, wanted: Wanted) -> GaussianFit:
    """The fit of a spot that stands out of the light around it, where an even background found only that light."""
    shapes = (False, True) if wanted.rotated == "auto" else (wanted.rotated,)
    for blocks in BLOCKS:
        level = smooth_level(problem, blocks)
        start = problem.start_above(level)
        if start is None or not stands_out(problem, level, blocks, start):
            continue
        best = chosen_model(problem, start, wanted.backgrounds, shapes, placed=False)
        if best is None:
            continue
        better = _answer(best, wanted)
        if not (better.detected and better.significance > SURE):  # several places and backgrounds were tried
            continue
        there = best.found.parameters.copy()
        there[1:3] += best.local.x_low - problem.x_low, best.local.y_low - problem.y_low
        contrast = contrast_of(problem, replace(best.found, parameters=there))
        if (other := _other_spot(problem, better, wanted) or contrast.other) is not None:
            x, y, part = other
            return _two(better, part, x + problem.x_low, y + problem.y_low)
        if contrast.over_scatter or not best.dispersion > 1.0 or better.valid:
            return better
    return fit


def _other_spot(problem: SpotProblem, fit: GaussianFit, wanted: Wanted) -> tuple[float, float, float] | None:
    """Column and row of another spot, of the part that is fitted, and its height over that of this one."""
    y, x = np.indices(problem.counts.shape, dtype=np.float64)
    u = (x + problem.x_low - fit.values["x0"]) / fit.values["sigma_x"]
    v = (y + problem.y_low - fit.values["y0"]) / fit.values["sigma_y"]
    used = np.where(u**2 + v**2 > HIDDEN**2, problem.used, 0.0)
    counts = problem.counts * used
    rest = replace(problem, counts=counts, used=used, pixels=float(used.sum()), total=float(counts.sum()))
    if not rest.pixels > 0.5 * problem.pixels:
        return None
    start = rest.start_above(smooth_level(rest, BLOCKS[0]))
    best = None if start is None else chosen_model(rest, start, wanted.backgrounds, (False,), placed=False)
    if best is None or best.dispersion > 1.0:
        return None
    other = answer_of(best.local, best.found, wanted.gain_error)
    heights = [f.values["A"] / f.values["sigma_x"] / f.values["sigma_y"] for f in (fit, other)]
    if not (other.valid and other.significance > SURE and heights[1] > LEAST_OTHER * heights[0]):
        return None
    return other.values["x0"] - problem.x_low, other.values["y0"] - problem.y_low, heights[1] / heights[0]


def _refused(fit: GaussianFit, better: GaussianFit, best: Chosen, *, uneven: bool) -> GaussianFit:
    """The fit on an even background, refused where its numbers depend on that, or where there are two spots."""
    reasons = [reason for reason in better.reasons if reason.code == "two_spots" and reason.code not in fit.flags]
    moved = max(abs(fit.values[n] - better.values[n]) / fit.errors[n] for n in NAMES[:5])
    is_light = "shape_departs" in fit.flags and better.valid  # what departs from a Gaussian is the light around it
    kept = tuple(reason for reason in fit.reasons if not (is_light and reason.code == "shape_departs"))
    if uneven and (is_light or not moved < MOVED):
        return replace(fit, reasons=(*kept, *reasons, _not_flat("plane" if best.name == "flat" else best.name)))
    return replace(fit, reasons=(*fit.reasons, *reasons)) if reasons else fit


def _ambiguous(fit: GaussianFit, better: GaussianFit) -> GaussianFit:
    """The fit on an even background, where the shape departs from any; what they differ by is in the errors."""
    step = np.array([fit.values[name] - better.values[name] for name in NAMES[:5]])
    return _with_errors(fit, np.outer(step, step), np.ones(5, np.bool_))


def _with_noise_of_all(better: GaussianFit, problem: SpotProblem, found: Found, fit: GaussianFit) -> GaussianFit:
    """The same answer with what a window is too small to tell: noise that neighbours share, and that of rounding."""
    free = np.array([name in better.names for name in NAMES[:5]])
    k, added, remarks = int(free.sum()), np.zeros((5, 5)), better.remarks
    more = fit.shared_noise / better.shared_noise - 1.0
    if more > 0.0:
        added[np.ix_(free, free)] = more * better.covariance[:k, :k]
        remarks = (*remarks, *SharedNoise(fit.shared_noise).remarks())
    of_rounding = rounding_covariance(problem, found, problem.mean(found)) if problem.is_rounded else None
    if of_rounding is not None:
        added += of_rounding[:5, :5]
    return replace(_with_errors(better, added, free), remarks=remarks)


def _answer(best: Chosen, wanted: Wanted) -> GaussianFit:
    """The answer of a model in a window, with the price of the choice, and with what structured light does to it."""
    local, found = best.local, best.found
    answer = answer_of(local, found, wanted.gain_error)
    remarks = list(answer.remarks)
    if best.name != "flat":
        remarks.append(f"background={best.name!r} was fitted around the spot")
    if found.rotated and wanted.rotated == "auto":
        remarks.append(f"turned by {math.degrees(float(found.parameters[5])):.0f} degrees: the angle was fitted")
    answer = replace(answer, remarks=tuple(remarks))
    if not found.is_placed and (pair := _pair(best, wanted)) is not None:
        x, y, part = pair.other
        return _two(replace(answer, detected=True), part, x + local.x_low, y + local.y_low)
    free = found.free[: len(best.price)]
    elsewhere = look_elsewhere(local, found, wanted.whole(), best.noise)
    structured = best.dispersion > 1.0 or elsewhere.sure > STRUCTURED
    answer = _with_errors(answer, best.price + elsewhere.covariance if structured else best.price, free)
    if not best.dispersion > 1.0:
        return answer
    if not elsewhere.places:
        return replace(answer, reasons=(*answer.reasons, _not_flat()))
    return _in_structured_light(answer, elsewhere.largest, placed=found.is_placed)


def _pair(best: Chosen, wanted: Wanted) -> Pair | None:
    """Two spots, where they describe the place better; where nobody asked for a turned one, as well as a turned one."""
    noise, found = best.noise * best.dispersion, best.found
    if found.rotated and wanted.rotated is False:
        return pair_of(*best.single, noise, found.nll, AS_WELL)
    return pair_of(*best.single, noise, found.nll)


def _two(answer: GaussianFit, part: float, x: float, y: float) -> GaussianFit:
    """Refused, since there are two spots."""
    two = reason_for("two_spots", percent=100.0 * part, x=x, y=y)
    return replace(answer, reasons=(two, *(reason for reason in answer.reasons if reason.code not in SINGLE)))


def _not_flat(background: str = "plane") -> Reason:
    return reason_for("uneven_background", background=background)


def _with_errors(answer: GaussianFit, added: Floats, free: NDArray[np.bool_]) -> GaussianFit:
    """The same answer with more in the covariance of its spot, of which some parameters were free."""
    if not np.any(np.diagonal(added) > 0.0):
        return answer
    covariance, k = answer.covariance.copy(), int(free.sum())
    covariance[:k, :k] += added[np.ix_(free, free)]
    errors = dict(answer.errors)
    errors |= zip(answer.names, np.sqrt(np.maximum(np.diagonal(covariance), 0.0)).tolist(), strict=True)
    profile = answer.profile
    if isinstance(profile, SpotProfile):
        names = list(answer.values)
        ratios = np.ones(len(names)) if profile.ratios is None else profile.ratios.copy()
        for name, before, after in zip(
            answer.names, np.diagonal(answer.covariance), np.diagonal(covariance), strict=True
        ):
            ratios[names.index(name)] *= after / before if before > 0.0 else 1.0
        profile = replace(profile, errors=errors, ratios=ratios)
    return replace(answer, covariance=covariance, errors=errors, profile=profile)


def _in_structured_light(answer: GaussianFit, largest: float, *, placed: bool) -> GaussianFit:
    """Whether a spot is seen, and of use, by what other places say, which is what no likelihood knows."""
    over = answer.values["A"] / answer.errors["A"]
    left = tuple(reason for reason in answer.reasons if reason.code not in ("not_a_gaussian", "no_atoms"))
    if placed:
        return replace(answer, reasons=left)
    if not (over > SURE and answer.values["A"] > LARGEST * largest):
        return replace(answer, reasons=(*answer.reasons, _not_flat())) if answer.detected else answer
    if not all(answer.errors[name] < WORST_WIDTH * answer.values[name] for name in ("sigma_x", "sigma_y")):
        left = (*(reason for reason in left if reason.code != "widths_unknown"), reason_for("widths_unknown"))
    return replace(answer, reasons=left, detected=True, significance=min(over, answer.significance or over))
