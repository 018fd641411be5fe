"""From the best spot in an image to the answer for users: errors, significance, upper limits, and reasons.

Three questions are kept apart: `_look` asks whether there is a spot that is more than noise, a hot pixel or stray
light, whatever its shape; `shape_of` by how much its shape departs from a Gaussian, and what that adds to the errors;
`_reasons` whether the fitted numbers are of use with these errors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ....kernels.images.residuals import saturated_likelihood
from ..flags import Reason, reason_for
from .contrast import Contrast, contrast_of
from .found import Found
from .goodness import Residuals, error_of_gain, excess_noise, probability, residuals_of
from .moments import Moments, moments_of
from .problem import SpotProblem
from .remarks import is_cut, remarks_of
from .result import GaussianFit
from .rounded_counts import rounding_covariance
from .shape import Shape, shape_of
from .shared_noise import shared_noise

__all__ = ["SpotProfile", "answer_of"]

Floats = NDArray[np.float64]

LOG_FALSE_ALARMS = math.log(1e-3)
"""Logarithm of the probability of a detection in an image without atoms."""
SMALLEST_SIGMA = 0.7
"""A spot with a smaller width, in pixels, is a hot pixel."""
LARGEST_SIGMA = 0.5
"""A spot with a larger width, as a fraction of the side of the image, is stray light."""
LARGE_SIGMA, END_OF_SPOT = 0.35, 2.5
"""So is one with a width above the first whose light does not end in the image: its middle is nearer to all edges along
an axis, than so many widths."""
GLOW_SIGMA, GLOW_PEAK = 0.2, 0.5
"""A spot wider than the first, as a fraction of the side of the image, and lower than the second, in units of the
background, is light that is not even."""
WORST_MISFIT = 0.5
"""Largest covariance of neighbouring residuals, over their variance, of a model that describes the image."""
WORST_DEPARTURE, WORST_AMPLITUDE = 0.2, 0.25
"""Largest departure of the shape, in units of the peak, and relative error of A, of a spot whose numbers are of use."""
WORST_WIDTH = 0.15
"""Largest relative error of a width in a valid fit. Beyond it the likelihood is not a parabola, and the pulls of
simulated images have standard deviations above 1.1."""
DOUBTFUL_WIDTH = 0.1
"""Above this relative error of a width, the likelihood is tested for being a parabola: at `FAR` errors above the
estimate it must rise by at least `LEAST_RISE` of the rise of the parabola. Without this test, one spot in five thousand
is wrong by more than six errors."""
FAR, LEAST_RISE = 3.0, 0.6
LIMIT_INSIDE = 0.63
"""Least fraction of a Gaussian inside the square of its size, off centre by half a step of the search."""
ONE_SIDED = 1.645
"""95 % of a standard normal distribution are below this value."""
WIDEST_LIMIT = 6.0
"""Upper limits are given for widths up to the shorter side of the image divided by this."""


def answer_of(
    problem: SpotProblem,
    found: Found,
    gain_error: float,
    *,
    fitted: SpotProblem | None = None,
    significance: float | None = None,
    mean: Floats | None = None,
) -> GaussianFit:
    """The fit with errors, significance, goodness of fit and limits.

    Parameters
    ----------
    problem : SpotProblem
        Whose residuals are looked at.
    found : Found
        The best spot.
    gain_error : float
        Standard error of a gain that was estimated from references; 0 for a gain that was given.
    fitted : SpotProblem, optional
        That which was fitted, where it is another one.
    significance : float, optional
        Of a spot that is known to be there.
    mean : array of float64, shape (ny, nx), optional
        Shifted mean counts of the model, where they are known.
    """
    all_names = problem.names(found.rotated)
    names = tuple(name for name, free in zip(all_names, found.free, strict=True) if free)
    mean = problem.mean(found) if mean is None else mean
    residuals = residuals_of(problem, mean)
    ndof = max(1, round(residuals.pixels) - len(names))
    left = problem.reference.variance_left(float(found.parameters[-1]), mean, problem.used, problem.shift)
    gain = problem.gain if problem.gain is not None else residuals.chi_square / ndof / left
    gain_error = gain_error if problem.gain is not None else error_of_gain(problem, residuals, gain, ndof)
    shared = shared_noise(problem, found, mean, residuals)
    residuals = residuals.without(shared.misfit)
    of_noise = found.covariance * gain
    values = problem.values(found)
    # Likelihoods are those of electrons where the gain is known, of counts where it is not.
    per_electron = problem.gain if problem.gain is not None else 1.0
    saturated = saturated_likelihood(problem.counts, np.empty((3, problem.counts.shape[1])))
    nll = (found.nll - saturated) / per_electron
    if significance is None:
        seen = _look(problem, found, mean, residuals, gain, left, shared.factor)
    else:
        seen = _Seen(None, significance, nothing=False, misfit=residuals.misfit, contrast=Contrast())
    shape = shape_of(problem, found, mean, residuals, gain) if seen.absent is None else Shape()
    of_all_noise = of_noise if shared.factor == 1.0 else shared.factor * of_noise
    covariance = of_all_noise if shape.covariance is None else of_all_noise + shape.covariance
    if problem.is_rounded and (of_rounding := rounding_covariance(problem, found, mean)) is not None:
        covariance = covariance + of_rounding
    errors = dict(zip(all_names, np.sqrt(np.diagonal(covariance)).tolist(), strict=True))
    limits = _upper_limits(problem, found, errors["A"]) if seen.nothing else {}
    if seen.absent is not None and not found.is_placed:
        reasons: tuple[Reason, ...] = (seen.absent,)
    else:  # with given place and widths, A is unbiased whether there are atoms or not
        reasons = (
            *_reasons(problem, found, of_all_noise, gain, seen),
            *_reasons_of_shape(problem, found, shape, seen),
        )
    return GaussianFit(
        values=values,
        errors=errors,
        covariance=covariance if len(names) == len(all_names) else covariance[np.ix_(found.free, found.free)],
        names=names,
        nll=nll,
        deviance=2.0 * nll,
        ndof=ndof,
        significance=seen.significance,
        reasons=reasons,
        profile=SpotProfile(fitted or problem, found, nll, gain, values, errors, _ratios(covariance, of_noise)),
        gain=gain,
        gain_error=gain_error,
        read_noise=problem.read_noise,
        probability=probability(problem, mean, residuals, 2.0 * nll, ndof),
        misfit=residuals.misfit,
        shared_noise=shared.factor,
        upper_limit=max(limits.values(), default=math.nan),
        upper_limits=limits,
        background_nll=(found.background_nll - saturated) / per_electron,
        detected=seen.absent is None,
        explained=_r_squared(problem, residuals),
        departure=shape.departure,
        misplaced=shape.misplaced,
        remarks=(*remarks_of(problem, found, mean, seen.significance, shape), *shared.remarks()),
    )


@dataclass(frozen=True, eq=False)
class SpotProfile:
    """Profile likelihood of an image: one parameter is fixed, the others are fitted.

    Parameters
    ----------
    problem : SpotProblem
    found : Found
        The minimum of the negative log-likelihood.
    nll : float
        The negative log-likelihood at the minimum, in the unit of `GaussianFit`.
    gain : float
        Counts per electron, by which the rise above the minimum is divided.
    values, errors : mapping of str to float
        Those of the fit.
    ratios : array of float64, shape (n,), optional
        Variances of the parameters with the errors that the shape makes, over those of noise; None without such errors.
    """

    problem: SpotProblem
    found: Found
    nll: float
    gain: float
    values: Mapping[str, float]
    errors: Mapping[str, float]
    ratios: Floats | None = None

    @property
    def moments(self) -> Moments:
        """Numbers of the light around the spot that hold for any shape."""
        return moments_of(self.problem, self.found, self.gain)

    def __call__(self, name: str, value: float) -> float:
        """The negative log-likelihood with this parameter fixed at `value`, in the unit of `GaussianFit`."""
        problem, found = self.problem, self.found
        if name == "C" and found.held_variance:  # the error of C is that of the held s, which the likelihood lacks
            return self.nll + 0.5 * float((value - self.values[name]) / self.errors[name]) ** 2
        fixed = problem.names(found.rotated).index(name)
        rise = problem.profile(found, fixed, value) - found.nll
        by_shape = 1.0 if self.ratios is None else float(self.ratios[fixed])
        return self.nll + rise / (self.gain * found.variance_ratio(fixed) * by_shape)


class _Seen(NamedTuple):
    """Whether there are atoms: why not, how surely, whether no limit would be wrong, and what stands out."""

    absent: Reason | None
    significance: float
    nothing: bool
    misfit: float
    contrast: Contrast


def _look(
    problem: SpotProblem, found: Found, mean: Floats, residuals: Residuals, gain: float, left: float, shared: float
) -> _Seen:
    """Whether a spot is there, whatever its shape."""
    bright = found.parameters[0] > 0.0
    likelihood = _log_p(problem, found, found.background_nll - found.nll, gain)
    log_p = likelihood
    if likelihood < LOG_FALSE_ALARMS:
        excess = max(excess_noise(problem, found, mean, gain * left), shared)
        log_p = _log_p(problem, found, problem.evidence(found), gain * excess)
    nothing = not (log_p <= LOG_FALSE_ALARMS and bright)
    contrast = Contrast()
    # Noise that follows the spot, and residuals that share their signs, may be those of a clear spot's own shape.
    if bright and likelihood < LOG_FALSE_ALARMS and (nothing or residuals.misfit > WORST_MISFIT):
        contrast = contrast_of(problem, found)
    significance = max(0.0, float(-special.ndtri_exp(log_p))) if log_p < 0.0 else 0.0
    if nothing and contrast.over_scatter:
        nothing, significance = False, contrast.over_scatter
    absent = _why_no_atoms(problem, found, residuals, nothing=nothing, obvious=contrast.over_scatter > 0.0)
    return _Seen(absent, significance, nothing, residuals.misfit, contrast)


def _ratios(covariance: Floats, of_noise: Floats) -> Floats | None:
    if covariance is of_noise:
        return None
    noise = np.diagonal(of_noise)
    return np.asarray(np.divide(np.diagonal(covariance), noise, out=np.ones(noise.size), where=noise > 0.0))


def _log_p(problem: SpotProblem, found: Found, ratio: float, gain: float) -> float:
    """Logarithm of the probability that noise alone has a spot of this likelihood ratio (in counts) anywhere."""
    if not found.parameters[0] > 0.0:
        return 0.0
    if found.is_placed:  # one place and one width were tried
        return float(special.log_ndtr(-math.sqrt(max(2.0 * ratio / gain, 0.0))))
    return problem.log_p(ratio, gain)


def _r_squared(problem: SpotProblem, residuals: Residuals) -> float:
    """R^2: fraction of the variance of the pixels that the model explains."""
    variance = residuals.squares_of_counts - problem.total**2 / residuals.pixels
    return 1.0 - residuals.squares / variance if variance > 0.0 else math.nan


def _upper_limits(problem: SpotProblem, found: Found, error: float) -> dict[float, float]:
    """Upper limits of A at 95 %, by width: the largest excess anywhere plus its error, or that of the given spot."""
    amplitude, sigma_x, sigma_y = found.parameters[[0, 3, 4]].tolist()
    if found.is_placed:
        return {math.sqrt(sigma_x * sigma_y): max(amplitude, 0.0) + ONE_SIDED * error}
    widest = min(problem.counts.shape) / WIDEST_LIMIT
    return {
        sigma: limit / LIMIT_INSIDE
        for sigma, limit in zip(found.square_sigmas, found.square_limits.tolist(), strict=True)
        if math.isfinite(limit) and (sigma <= widest or sigma == found.square_sigmas[0])
    }


def _why_no_atoms(
    problem: SpotProblem, found: Found, residuals: Residuals, *, nothing: bool, obvious: bool
) -> Reason | None:
    """The reason why the image shows no atoms; None when it does."""
    amplitude, x0, y0, sigma_x, sigma_y = found.parameters[:5].tolist()
    rows, columns = problem.counts.shape
    if nothing:
        return reason_for("no_atoms")
    if not found.is_placed and min(sigma_x, sigma_y) < SMALLEST_SIGMA:
        return reason_for("hot_pixel")
    if residuals.misfit > WORST_MISFIT and not obvious:
        return _not_a_gaussian(residuals.misfit)
    if found.is_placed:
        return None
    part = max(sigma_x / columns, sigma_y / rows)
    seen = min(max(c, n - 1.0 - c) / w for c, n, w in zip((x0, y0), (columns, rows), (sigma_x, sigma_y), strict=True))
    if part > LARGEST_SIGMA or (part > LARGE_SIGMA and seen < END_OF_SPOT):
        return reason_for("larger_than_image")
    background = float(found.parameters[5 + found.rotated]) - problem.shift
    peak = amplitude / (2.0 * math.pi * sigma_x * sigma_y)
    if part > GLOW_SIGMA and not problem.with_reference and peak < GLOW_PEAK * background:
        return reason_for("uneven_light", percent=100.0 * peak / background)
    return None


def _not_a_gaussian(misfit: float) -> Reason:
    return reason_for("not_a_gaussian", misfit=1.0 + misfit)


def _reasons(problem: SpotProblem, found: Found, covariance: Floats, gain: float, seen: _Seen) -> tuple[Reason, ...]:
    """All reasons why the fitted numbers of a spot, and their errors of noise, must not be used."""
    x0, y0 = found.parameters[1] + problem.x_low, found.parameters[2] + problem.y_low
    checks = [
        (not found.converged, "not_converged"),
        (not np.all(np.isfinite(covariance)), "no_covariance"),
        (not problem.holds(x0, y0), "centre_outside"),
        (not _widths_known(problem, found, covariance, gain), "widths_unknown"),
    ]
    missed = (_not_a_gaussian(seen.misfit),) if seen.misfit > WORST_MISFIT and seen.absent is not None else ()
    return (*missed, *(reason_for(code) for failed, code in checks if failed))


def _reasons_of_shape(problem: SpotProblem, found: Found, shape: Shape, seen: _Seen) -> tuple[Reason, ...]:
    """Reasons why the errors that the shape makes are too large to be errors, or are not known."""
    if seen.contrast.other is not None:
        x, y, part = seen.contrast.other
        return (reason_for("two_spots", percent=100.0 * part, x=x + problem.x_low, y=y + problem.y_low),)
    if (
        shape.covariance is None or not shape.is_told or found.is_placed
    ):  # with given place and widths, A may be near zero
        return ()
    if is_cut(problem, found):
        return (reason_for("cut_by_edge"),)
    errors = np.sqrt(np.maximum(np.diagonal(shape.covariance), 0.0))
    parts = errors[[0, 3, 4]] / np.abs(found.parameters[[0, 3, 4]])
    if shape.departure > WORST_DEPARTURE or parts[0] > WORST_AMPLITUDE or np.max(parts[1:]) > WORST_WIDTH:
        return (reason_for("shape_departs", percent=100.0 * shape.departure),)
    return ()


def _widths_known(problem: SpotProblem, found: Found, covariance: Floats, gain: float) -> bool:
    """Whether the errors of both widths are small, and the likelihood a parabola within them; True for given widths."""
    if found.is_placed:
        return True
    for k in (3, 4):
        width, error = float(found.parameters[k]), math.sqrt(abs(float(covariance[k, k])))
        if not error <= WORST_WIDTH * width:
            return False
        if error > DOUBTFUL_WIDTH * width:
            rise = problem.profile(found, k, width + FAR * error) - found.nll
            if rise < LEAST_RISE * 0.5 * FAR**2 * gain * found.variance_ratio(k):
                return False
    return True
