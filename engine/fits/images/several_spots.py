"""Several spots in one image, fitted together: each has its numbers, and errors that know of the others.

Spots are added one by one, where most light stands above those before, or as the two halves of one that is too wide for
one; after each, all are fitted together (`kernels.images.spots`).
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.residuals import near_dispersion
from ....kernels.images.spots import OF_SPOT
from ..flags import Reason, reason_for
from ..minimize import covariance_from
from ..result import Fit
from .checks import problem_of
from .found import NAMES
from .goodness import residuals_of
from .local import TERMS, LocalProblem
from .problem import SpotProblem
from .reference import NO_REFERENCE
from .rotated import Axes, RotatedLikelihood, axes_of

__all__ = ["fit_spots"]

Floats = NDArray[np.float64]

MOST_SPOTS = 8
"""Most spots of one fit."""
HALF = 0.8
"""Distance of the two halves of a spot from its middle, in units of its longer width."""
SURE = 5.0
"""Standard deviations from which on residuals around a spot are no noise."""
WORST_WIDTH = 0.15
"""Largest relative error of a width in a valid fit."""
BLOCK, NEAR, WINGS = 0.5, 3.0, 5.0
"""Sides of blocks, and how far residuals are looked at, in widths."""


def fit_spots(
    image: ArrayLike,
    spots: int = 2,
    *,
    mask: ArrayLike | None = None,
    gain: float | None = None,
    read_noise: float = 0.0,
    roi: tuple[int, int, int, int] | None = None,
    background: str = "flat",
    rotated: bool = False,
) -> tuple[Fit, ...]:
    """Fit several 2D Gaussians together to an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts after subtraction of the camera's offset.
    spots : int
        How many, 1 to 8.
    mask : array of bool, shape (ny, nx), optional
        True for pixels to leave out.
    gain : float, optional
        Counts per electron; without, it is estimated from the residuals.
    read_noise : float
        Standard deviation of a pixel without light, counts.
    roi : (x_low, x_high, y_low, y_high), optional
        Part of the image to fit, in pixels, upper ends excluded.
    background : "flat", "plane" or "quadratic"
        Of the light over what is fitted.
    rotated : bool
        Whether the axes of the spots may be turned.

    Returns
    -------
    tuple of Fit
        One for each spot, the brightest first, with ``A`` (counts), ``x0, y0, sigma_x, sigma_y`` (pixels) and ``theta``
        (radians) when rotated. `valid` says whether its numbers may be used.

    Raises
    ------
    InputError
        When an argument is not possible, or the image cannot be fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_spots, gaussian_image
    >>> one = {"A": 9000.0, "x0": 40.0, "y0": 30.0, "sigma_x": 4.0, "sigma_y": 4.0, "C": 10.0}
    >>> other = one | {"A": 5000.0, "x0": 52.0, "C": 0.0}
    >>> mean = gaussian_image(one, (60, 90)) + gaussian_image(other, (60, 90))
    >>> fits = fit_spots(np.random.default_rng(1).poisson(mean), 2)
    >>> [fit.valid for fit in fits], [round(fit.values["x0"]) for fit in fits]
    ([True, True], [40, 52])
    """
    if not (isinstance(spots, int) and 1 <= spots <= MOST_SPOTS):
        raise InputError(f"spots should be a whole number from 1 to {MOST_SPOTS}, not {spots!r}")
    if background not in TERMS:
        raise InputError(f"background should be one of {', '.join(map(repr, TERMS))}, not {background!r}")
    problem = problem_of(image, NO_REFERENCE, mask, gain, read_noise, roi)
    if not problem.total > 0.0:
        raise InputError("an image without light has no spots to fit")
    whole = _whole(problem, TERMS[background])
    parameters, converged = _first(whole, rotated=rotated)
    for _ in range(spots - 1):
        parameters, converged = _with_one_more(whole, parameters, rotated=rotated)
    return _answers(whole, parameters, converged=converged, rotated=rotated)


def _whole(problem: SpotProblem, terms: int) -> LocalProblem:
    same: dict[str, Any] = {field.name: getattr(problem, field.name) for field in fields(SpotProblem)}
    rows, columns = problem.counts.shape
    return LocalProblem(**same, terms=terms, places=problem.counts.shape, origin=(columns // 2, rows // 2))


def _free(n: int, terms: int, *, rotated: bool) -> NDArray[np.bool_]:
    """Which parameters of the kernel are fitted: S_xy when turned."""
    free = np.ones(n, np.bool_)
    free[4 : n - terms : OF_SPOT] = rotated
    return free


def _first(whole: LocalProblem, *, rotated: bool) -> tuple[Floats, bool]:
    level = np.full(whole.counts.shape, max(whole.background_level, whole.least_background))
    start = whole.start_above(level)
    if start is None:
        rows, columns = whole.counts.shape
        start = np.array([0.1 * whole.total, 0.5 * columns, 0.5 * rows, 0.1 * columns, 0.1 * rows])
    background = np.zeros(whole.terms)
    background[0] = level[0, 0]
    parameters = np.concatenate([start[:3], [start[3] ** 2, 0.0, start[4] ** 2], background])
    _, converged = whole.fit_more(parameters, _free(parameters.size, whole.terms, rotated=rotated))
    return parameters, converged


def _with_one_more(whole: LocalProblem, parameters: Floats, *, rotated: bool) -> tuple[Floats, bool]:
    """All spots so far and another one: the better of what stands above them, and of halves of each of them."""
    best: tuple[float, Floats, bool] | None = None
    for start in _starts(whole, parameters):
        tried = start.copy()
        nll, converged = whole.fit_more(tried, _free(tried.size, whole.terms, rotated=rotated))
        if math.isfinite(nll) and (best is None or (converged, -nll) > (best[2], -best[0])):
            best = nll, tried, converged
    return (parameters, False) if best is None else best[1:]


def _starts(whole: LocalProblem, parameters: Floats) -> list[Floats]:
    starts = []
    spots = parameters.size - whole.terms
    above = whole.start_above(np.maximum(whole.mean_of(parameters), whole.least_background))
    if above is not None:
        other = np.array([*above[:3], above[3] ** 2, 0.0, above[4] ** 2])
        starts.append(np.concatenate([parameters[:spots], other, parameters[spots:]]))
    for k in range(0, spots, OF_SPOT):
        spot = parameters[k : k + OF_SPOT]
        axes = axes_of(spot[3], spot[4], spot[5])
        for angle, long, short in (
            (axes.theta, axes.sigma_x, axes.sigma_y), (axes.theta + 0.5 * math.pi, axes.sigma_y, axes.sigma_x),
            (axes.theta + 0.25 * math.pi, axes.sigma_x, axes.sigma_y),
            (axes.theta - 0.25 * math.pi, axes.sigma_x, axes.sigma_y),
        ):  # fmt: skip
            shift = HALF * long * np.array([math.cos(angle), math.sin(angle)])
            width = min(long, short) ** 2
            halves = [
                np.array([0.5 * spot[0], spot[1] + sign * shift[0], spot[2] + sign * shift[1], width, 0.0, width])
                for sign in (1.0, -1.0)
            ]
            starts.append(np.concatenate([parameters[:k], *halves, parameters[k + OF_SPOT :]]))
    return starts


def _answers(whole: LocalProblem, parameters: Floats, *, converged: bool, rotated: bool) -> tuple[Fit, ...]:
    free = _free(parameters.size, whole.terms, rotated=rotated)
    nll, information = whole.information_of(parameters)
    mean = whole.mean_of(parameters)
    residuals = residuals_of(whole, mean)
    ndof = max(1, round(residuals.pixels) - int(free.sum()))
    gain = whole.gain if whole.gain is not None else residuals.chi_square / ndof
    inverse = np.zeros(information.shape)
    inverse[np.ix_(free, free)] = covariance_from(information[np.ix_(free, free)])
    fits = []
    for k in range(0, parameters.size - whole.terms, OF_SPOT):
        values, covariance = _natural(whole, parameters[k : k + OF_SPOT], inverse[k : k + OF_SPOT, k : k + OF_SPOT])
        n = 5 + rotated
        covariance = gain * covariance[:n, :n]
        names = (*NAMES[:5], "theta")[:n]
        errors = dict(zip(names, np.sqrt(np.maximum(np.diagonal(covariance), 0.0)).tolist(), strict=True))
        fit = Fit(
            dict(zip(names, values.tolist(), strict=False)), errors, covariance, names, nll,
            deviance=residuals.chi_square / gain, ndof=ndof,
            significance=values[0] / errors["A"] if errors["A"] > 0.0 else math.nan,
        )  # fmt: skip
        fits.append(replace(fit, reasons=_reasons(whole, fit, mean, gain, converged=converged)))
    return tuple(sorted(fits, key=lambda fit: -fit.values["A"]))


def _natural(whole: LocalProblem, spot: Floats, inverse: Floats) -> tuple[Floats, Floats]:
    """A, x0, y0, sigma_x, sigma_y, theta, in pixels of the image, and their covariance in counts."""
    upright = not np.any(inverse[4])
    axes = Axes(math.sqrt(spot[3]), math.sqrt(spot[5]), 0.0) if upright else axes_of(spot[3], spot[4], spot[5])
    by = RotatedLikelihood.derivatives(*axes, OF_SPOT)
    back = np.linalg.pinv(by)
    values = np.array([spot[0], spot[1] + whole.x_low, spot[2] + whole.y_low, *axes])
    return values, back @ inverse @ back.T


def _reasons(whole: LocalProblem, fit: Fit, mean: Floats, gain: float, *, converged: bool) -> tuple[Reason, ...]:
    reasons = []
    if not converged:
        reasons.append(reason_for("not_converged"))
    if not np.all(np.isfinite(fit.covariance)):
        reasons.append(reason_for("no_covariance"))
    sizes = fit.values["sigma_x"], fit.values["sigma_y"]
    if not all(fit.errors[name] < WORST_WIDTH * fit.values[name] for name in ("sigma_x", "sigma_y")):
        reasons.append(reason_for("widths_unknown"))
    x0, y0 = fit.values["x0"] - whole.x_low, fit.values["y0"] - whole.y_low
    chi_square, number, means, *_ = near_dispersion(whole.counts, whole.used, mean, x0, y0, *sizes, BLOCK, NEAR, WINGS)
    if number > 0.0:
        spread = math.sqrt((2.0 + gain * number / means) * number)
        excess = chi_square / gain - number
        if excess > SURE * spread:
            block = np.prod([max(1, round(BLOCK * size)) for size in sizes])
            peak = fit.values["A"] / (2.0 * math.pi * sizes[0] * sizes[1])
            percent = 100.0 * math.sqrt(excess * gain * means) / number / float(block) / peak
            reasons.append(reason_for("shape_departs", percent=percent))
    return tuple(reasons)
