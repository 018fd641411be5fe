"""What is answered of a spot that was found in an image: errors, significance, goodness of fit, and upper limits.

Detection and use of the numbers are two questions: `_no_atoms` asks whether there is a spot that is more than noise, a
hot pixel or stray light, `_reasons` whether its numbers are right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ....kernels.images.residuals import block_dispersion, local_dispersion, residual_sums, saturated_likelihood
from .deviance import STEPS_PER_ROOT, deviance_moments
from .found import Found
from .problem import SpotProblem
from .result import GaussianFit

__all__ = ["answer_of"]

Floats = NDArray[np.float64]

FALSE_ALARMS_PER_IMAGE = 1e-3
SMALLEST_SIGMA = 0.7  # pixels: below, it is a hot pixel
WORST_MISFIT = 0.5  # what neighbouring residuals share, in units of their variance
NO_TABLE = np.empty((2, 0))
WORST_WIDTH = 0.15
"""Largest relative error of a width; beyond, likelihoods are no parabolas, and pulls wider than 1.1 in simulated
images."""
DOUBTFUL_WIDTH = 0.1
"""From here on it is looked whether the likelihood is a parabola: at `FAR` errors above the estimate it must rise by at
least `LEAST_RISE` of what a parabola does. Without this, one spot in five thousand is wrong by more than six errors."""
FAR, LEAST_RISE = 3.0, 0.6
AROUND_SIGMAS, AROUND_PIXELS = 3.0, 10.0
"""How far around a spot its noise is looked at."""
FEWEST_BLOCKS = 6.0
"""Squares of the spot's size along a side, whose noise is looked at."""
TOLD = 4.0
"""Standard deviations from which on a noise is larger than that of single pixels."""
LIMIT_INSIDE = 0.63
"""Least part of a Gaussian that the square of its width holds, when its middle is off by half a step of the search."""
ONE_SIDED = 1.645
"""Errors that 95 % of a normal distribution lie below."""
WIDEST_LIMIT = 6.0
"""Upper limits are told for widths up to this part of the shorter side."""


class _Residuals(NamedTuple):
    """What `residual_sums` sums up, in its order."""

    chi_square: float
    shared: float
    pairs: float
    differences: float
    mean_deviance: float
    variance_of_deviance: float
    pixels: float
    squares: float
    squares_of_counts: float

    @property
    def misfit(self) -> float:
        """What neighbours share, in units of their variance."""
        return self.shared / max(self.differences, 1e-300 * self.pairs) if self.pairs else 0.0


def _residuals_of(problem: SpotProblem, mean: Floats) -> _Residuals:
    exact = problem.gain is not None and problem.read_noise == 0.0
    table = deviance_moments() if exact else NO_TABLE
    sums = np.empty(len(_Residuals._fields))
    residual_sums(problem.counts, problem.used, mean, problem.gain_guess, table, STEPS_PER_ROOT, sums)
    return _Residuals(*sums.tolist())


def answer_of(problem: SpotProblem, found: Found, gain_error: float) -> GaussianFit:
    """The fit with errors, significance, goodness and limits; `gain_error` is that of a gain that references told."""
    all_names = problem.names(found.rotated)
    names = tuple(name for name, free in zip(all_names, found.free, strict=True) if free)
    mean = problem.mean(found)
    residuals = _residuals_of(problem, mean)
    ndof = max(1, round(residuals.pixels) - len(names))
    part = float(found.parameters[-1])
    left = problem.reference.left(part, mean, problem.used, problem.shift)
    if problem.gain is None:
        gain = residuals.chi_square / ndof / left
        gain_error = _error_of_gain(problem, residuals, gain, ndof)
        told = 1.0  # likelihoods are those of counts
    else:
        gain = told = problem.gain
    log_p = _log_p(problem, found, found.background_nll - found.nll, gain)
    if log_p < math.log(FALSE_ALARMS_PER_IMAGE):
        excess = _excess_noise(problem, found, mean, gain * left)
        log_p = _log_p(problem, found, problem.evidence(found), gain * excess)
    missed = _missed(residuals.misfit)
    covariance = found.covariance * gain
    errors = dict(zip(all_names, np.sqrt(np.diagonal(covariance)).tolist(), strict=True))
    saturated = saturated_likelihood(problem.counts, np.empty((3, problem.counts.shape[1])))
    nll = (found.nll - saturated) / told
    values = problem.values(found)
    nothing = not (log_p <= math.log(FALSE_ALARMS_PER_IMAGE) and values["A"] > 0.0)
    limits = _upper_limits(problem, found, errors["A"]) if nothing else {}
    absent = _no_atoms(problem, found, values, nothing, missed)
    # Where place and widths are given, A is right whether there are atoms or not.
    is_told = found.is_placed or not absent
    reasons = _reasons(problem, found, values, covariance, gain, missed) if is_told else (absent,)
    variance = residuals.squares_of_counts - problem.total**2 / residuals.pixels

    def profile(name: str, value: float) -> float:
        if name == "C" and found.held_variance:  # as uncertain as the s that is held, which no likelihood tells
            return nll + 0.5 * float((value - values[name]) / errors[name]) ** 2
        rise = problem.profile(found, all_names.index(name), value) - found.nll
        return nll + rise / (gain * found.wider(all_names.index(name)))

    return GaussianFit(
        values=values,
        errors=errors,
        covariance=covariance if len(names) == len(all_names) else covariance[np.ix_(found.free, found.free)],
        names=names,
        nll=nll,
        deviance=2.0 * nll,
        ndof=ndof,
        significance=max(0.0, float(-special.ndtri_exp(log_p))) if log_p < 0.0 else 0.0,
        reasons=reasons,
        profile=profile,
        gain=gain,
        gain_error=gain_error,
        probability=_probability(problem, mean, residuals, 2.0 * nll, ndof),
        misfit=residuals.misfit,
        upper_limit=max(limits.values(), default=math.nan),
        upper_limits=limits,
        background_nll=(found.background_nll - saturated) / told,
        detected=not absent,
        explained=1.0 - residuals.squares / variance if variance > 0.0 else math.nan,
    )


def _error_of_gain(problem: SpotProblem, residuals: _Residuals, gain: float, ndof: int) -> float:
    """Standard error of a gain that chi-square tells, which spreads by 1 / electrons more where these are few."""
    level = max(problem.total / residuals.pixels - problem.shift, 1e-12)
    return gain * (level + problem.shift) / level * math.sqrt((2.0 + gain / level) / ndof)


def _probability(problem: SpotProblem, mean: Floats, residuals: _Residuals, deviance: float, ndof: int) -> float:
    """Of residuals at least as large as these, were the model true; see `GaussianFit`."""
    gain, pairs = problem.gain, residuals.pairs
    if gain is None or problem.reference.frames:  # the deviance of a few counts and their reference is no chi-square
        return float(special.ndtr(-residuals.misfit * math.sqrt(pairs))) if pairs else math.nan
    if problem.read_noise > 0.0:
        # Shifted counts have the variance of Poisson's, not their deviance: Pearson's chi-square serves, whose spread
        # is 2 + gain^3 light / variance^2 a pixel.
        light = np.maximum(mean - problem.shift, 0.0)
        per_pixel = 2.0 + float(np.mean(gain**3 * light / (gain * mean) ** 2))
        return float(special.ndtr((ndof - residuals.chi_square / gain) / math.sqrt(per_pixel * ndof)))
    # a chi-square with the two moments that this image's deviance has
    size = ndof / residuals.pixels
    expected, variance = residuals.mean_deviance * size, residuals.variance_of_deviance * size
    return float(special.chdtrc(2.0 * expected**2 / variance, 2.0 * expected * deviance / variance))


def _log_p(problem: SpotProblem, found: Found, ratio: float, gain: float) -> float:
    """Logarithm of the probability that noise alone has such a spot somewhere."""
    if not found.parameters[0] > 0.0:
        return 0.0
    if found.is_placed:  # one place and one width were tried
        return float(special.log_ndtr(-math.sqrt(max(2.0 * ratio / gain, 0.0))))
    return problem.log_p(ratio, gain)


def _excess_noise(problem: SpotProblem, found: Found, mean: Floats, gain: float) -> float:
    """How many times the noise of a spot exceeds that of single pixels all over the image; 1 for independent pixels.

    Laser speckle differs from place to place, and neighbouring pixels share it. The residuals tell: their sums over
    squares of the spot's size, against single ones, and those around the spot, against all.
    """
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    widest = max(problem.counts.shape)
    side = round(min(max(2.0 * math.sqrt(sigma_x * sigma_y), 2.0), min(problem.counts.shape) / FEWEST_BLOCKS))
    reach = min(max(AROUND_SIGMAS * max(sigma_x, sigma_y), AROUND_PIXELS), widest)
    found_here = (
        block_dispersion(problem.counts, problem.used, mean, side) if side > 1 else (0.0, 0.0),
        local_dispersion(problem.counts, problem.used, mean, x0, y0, reach, reach, 1.0),
    )
    excess = 1.0
    for chi_square, number in found_here:
        if number > 0.0:
            ratio = chi_square / number / gain
            # where electrons are few, chi-square spreads by 1 / electrons more
            spread = math.sqrt((2.0 + gain / float(problem.background_level or gain)) / number)
            excess *= ratio if ratio > 1.0 + TOLD * spread else 1.0
    return excess


def _widths_known(problem: SpotProblem, found: Found, covariance: Floats, gain: float) -> bool:
    """Whether the likelihood is a parabola as far as its errors reach, which the widths tell, unless they are given."""
    if found.is_placed:
        return True
    for k in (3, 4):
        width, error = float(found.parameters[k]), math.sqrt(abs(float(covariance[k, k])))
        if not error <= WORST_WIDTH * width:
            return False
        if error > DOUBTFUL_WIDTH * width:
            rise = problem.profile(found, k, width + FAR * error) - found.nll
            if rise < LEAST_RISE * 0.5 * FAR**2 * gain * found.wider(k):
                return False
    return True


def _upper_limits(problem: SpotProblem, found: Found, error: float) -> dict[float, float]:
    """Largest A, at 95 %, of a spot of each width anywhere: the largest excess, plus its error; or of the one given."""
    amplitude, sigma_x, sigma_y = found.parameters[[0, 3, 4]].tolist()
    if found.is_placed:
        return {math.sqrt(sigma_x * sigma_y): max(amplitude, 0.0) + ONE_SIDED * error}
    widest = min(problem.counts.shape) / WIDEST_LIMIT
    return {
        sigma: limit / LIMIT_INSIDE
        for sigma, limit in zip(found.square_sigmas, found.square_limits.tolist(), strict=True)
        if math.isfinite(limit) and (sigma <= widest or sigma == found.square_sigmas[0])
    }


def _missed(misfit: float) -> str:
    """Why the model does not describe the image; empty when it does."""
    if misfit > WORST_MISFIT:
        return f"a Gaussian does not describe this image: it misses by {1 + misfit:.1f} times the noise (stray light?)"
    return ""


def _no_atoms(problem: SpotProblem, found: Found, values: Mapping[str, float], nothing: bool, missed: str) -> str:
    """Why there are none; empty when there are."""
    rows, columns = problem.counts.shape
    if nothing:
        return "no atoms: nothing stands out of the background"
    if not found.is_placed and min(values["sigma_x"], values["sigma_y"]) < SMALLEST_SIGMA:
        return "the spot is smaller than a pixel: a hot pixel"
    if missed:
        return missed
    if not found.is_placed and max(values["sigma_x"] / columns, values["sigma_y"] / rows) > 0.5:
        return "the spot is larger than the image: stray light"
    return ""


def _reasons(
    problem: SpotProblem, found: Found, values: Mapping[str, float], covariance: Floats, gain: float, missed: str
) -> tuple[str, ...]:
    """Why the numbers of a spot must not be used."""
    checks: list[tuple[Any, str]] = [
        (missed, missed),
        (not found.converged, "the fit did not converge"),
        (not np.all(np.isfinite(covariance)), "the covariance cannot be computed"),
        (not problem.holds(values["x0"], values["y0"]), "the centre lies outside of the image"),
        (
            not _widths_known(problem, found, covariance, gain),
            "atoms, but too faint a spot: its errors do not tell how far its widths may be off",
        ),
    ]
    return tuple(sentence for failed, sentence in checks if failed)
