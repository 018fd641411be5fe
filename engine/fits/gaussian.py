"""Is there a MOT in this image, where, and with how many counts: the 2D Gaussian fit.

Use `fit_gaussian` on the raw counts. The start is searched, not guessed: squares of several sizes over the image with
its single hot pixels smoothed away. The Poisson likelihood of the pixel-integrated Gaussian (`kernels.gaussian`) is
then minimised on scaled parameters, with the Fisher information as Hessian, and its inverse is the covariance.

Cameras do not count photons one by one: their variance is a multiple (the gain) of their mean. The multiple is
estimated by Pearson's chi-square per degree of freedom, and where it is above 1 errors and significance are scaled by
it (quasi-likelihood: McCullagh & Nelder, Generalized Linear Models, section 9). An image in which neighbours agree with
each other but not with the model (stray light, two spots) is told from one that is only noisy, and is not valid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, special

from ...io.errors import InputError
from ...kernels.gaussian import best_box, pixel_profile, poisson_gaussian, summed_area
from .minimize import Minimum, covariance_from, minimize_likelihood
from .result import Fit

__all__ = ["NAMES", "fit_gaussian", "gaussian_image"]

Floats = NDArray[np.float64]

NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")
BOX_HALF_SIZES = (1, 2, 4, 8, 16, 32)  # pixels
# Half side of the square with the best signal over noise for a Gaussian on a flat background, in units of its sigma.
BEST_HALF_SIDE = 1.4
FEWEST_PIXELS = 5  # along a side
FALSE_ALARMS_PER_IMAGE = 1e-3
EXTRA_PARAMETERS = 5  # of a spot beyond a flat background
SMALLEST_SIGMA = 0.5  # pixels: below, it is a hot pixel
WORST_MISFIT = 1.5  # chi-square per degree of freedom, over that of neighbouring pixels
FEW_COUNTS = 3.0  # per pixel
LEAST_INFORMATION = 1e-12
TRIMMED = 0.995  # of the differences of neighbours: the others are hot pixels


def fit_gaussian(
    image: ArrayLike, *, mask: ArrayLike | None = None, roi: tuple[int, int, int, int] | None = None
) -> Fit:
    """Fit a 2D Gaussian on a flat background to an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts, not negative.
    mask : array of bool, shape (ny, nx), optional
        True for pixels to leave out.
    roi : (x_low, x_high, y_low, y_high), optional
        Part of the image to fit, the upper ends excluded; positions stay those of the whole image.

    Returns
    -------
    Fit
        ``A`` (counts of the spot, all pixels together), ``x0, y0, sigma_x, sigma_y`` (pixels; x along a row), ``C``
        (counts per pixel). `significance` is that of A > 0 anywhere in the image. `valid` means that there are atoms
        and that the numbers may be used.

    Raises
    ------
    InputError
        When the image is no matrix of 5 x 5 pixels or more, or holds negative or infinite counts.
    """
    counts, used, x_low, y_low = _checked(image, mask, roi)
    if not counts[used.astype(bool)].any():
        return _dark()
    start = _start(counts, used)
    likelihood = _Likelihood(counts, used)
    minimum = _minimum(likelihood, start)
    mean = _model(minimum.x, counts.shape)
    good = used.astype(bool)
    pixels = int(good.sum())
    ndof = pixels - len(NAMES)
    scale = max(1.0, float(np.sum((counts[good] - mean[good]) ** 2 / mean[good])) / ndof)
    covariance = covariance_from(_information(likelihood, minimum.x, pixels)) * scale
    background = float(counts[good].mean())
    nll_background = float(np.sum(special.xlogy(counts[good], counts[good] / background))) if background > 0.0 else 0.0
    log_p = _log_p_anywhere(2.0 * (nll_background - minimum.nll) / scale, minimum.x, pixels)
    significance = max(0.0, float(-special.ndtri_exp(log_p))) if log_p < 0.0 else 0.0
    misfit = _misfit(counts, mean, good)
    reasons = _reasons(minimum, covariance, counts.shape, log_p, misfit)
    offset = np.array([0.0, x_low, y_low, 0.0, 0.0, 0.0])
    errors = np.sqrt(np.diagonal(covariance))

    def profile(name: str, value: float) -> float:
        fixed = NAMES.index(name)
        return minimum.nll + (likelihood.profile(fixed, value - offset[fixed], minimum.x) - minimum.nll) / scale

    return Fit(
        values=dict(zip(NAMES, (minimum.x + offset).tolist(), strict=True)),
        errors=dict(zip(NAMES, errors.tolist(), strict=True)),
        covariance=covariance,
        names=NAMES,
        nll=minimum.nll,
        deviance=2.0 * minimum.nll,
        ndof=ndof,
        significance=significance,
        reasons=reasons,
        profile=profile,
    )


def gaussian_image(values: Mapping[str, float], shape: tuple[int, ...]) -> Floats:
    """Mean counts of the model.

    Parameters
    ----------
    values : mapping
        `NAMES` to numbers, as `Fit.values`.
    shape : (ny, nx)

    Returns
    -------
    float64, shape (ny, nx)
    """
    return _model(np.array([values[name] for name in NAMES]), shape)


class _Likelihood:
    """Negative log-likelihood, gradient and information as functions of the six parameters."""

    def __init__(self, counts: Floats, used: NDArray[np.uint8]) -> None:
        self.counts, self.used = counts, used
        self._x, self._y = np.empty((3, counts.shape[1])), np.empty((3, counts.shape[0]))

    def __call__(self, parameters: Floats) -> tuple[float, Floats, Floats]:
        amplitude, x0, y0, sigma_x, sigma_y, background = parameters
        score, information = np.zeros(6), np.zeros((6, 6))
        if sigma_x <= 0.0 or sigma_y <= 0.0:
            return math.inf, score, information
        pixel_profile(x0, sigma_x, self._x)
        pixel_profile(y0, sigma_y, self._y)
        nll = poisson_gaussian(self.counts, self.used, self._x, self._y, amplitude, background, score, information)
        return nll, score, information

    def profile(self, fixed: int, value: float, start: Floats) -> float:
        """Likelihood minimised over all parameters but one."""
        free = np.arange(6) != fixed
        whole = start.copy()
        whole[fixed] = value

        def restricted(part: Floats) -> tuple[float, Floats, Floats]:
            whole[free] = part
            nll, score, information = self(whole)
            return nll, score[free], information[np.ix_(free, free)]

        return minimize_likelihood(restricted, start[free], self.scale(start)[free]).nll

    def scale(self, parameters: Floats) -> Floats:
        """Expected errors at these parameters, as the size of a step."""
        # A spot of no counts says nothing of its place: the floor keeps steps finite there.
        return np.asarray(1.0 / np.sqrt(np.maximum(np.diagonal(self(parameters)[2]), LEAST_INFORMATION)))


def _checked(
    image: ArrayLike, mask: ArrayLike | None, roi: tuple[int, int, int, int] | None
) -> tuple[Floats, NDArray[np.uint8], int, int]:
    counts = np.ascontiguousarray(image, dtype=np.float64)
    if counts.ndim != 2:
        raise InputError(f"an image has rows and columns, not the shape {counts.shape}")
    used = np.ones(counts.shape, np.uint8) if mask is None else (~np.asarray(mask, dtype=bool)).astype(np.uint8)
    if used.shape != counts.shape:
        raise InputError(f"the mask has the shape {used.shape}, the image {counts.shape}")
    x_low, x_high, y_low, y_high = roi or (0, counts.shape[1], 0, counts.shape[0])
    if not (0 <= x_low < x_high <= counts.shape[1] and 0 <= y_low < y_high <= counts.shape[0]):
        raise InputError(f"the region {roi} does not lie within {counts.shape[1]} columns and {counts.shape[0]} rows")
    counts = np.ascontiguousarray(counts[y_low:y_high, x_low:x_high])
    used = np.ascontiguousarray(used[y_low:y_high, x_low:x_high])
    if min(counts.shape) < FEWEST_PIXELS or used.sum() <= len(NAMES):
        raise InputError(f"an image of {counts.shape[1]} x {counts.shape[0]} pixels is too small to fit")
    values = counts[used.astype(bool)]
    if not np.all(np.isfinite(values)):
        raise InputError("an image with infinite or missing counts cannot be fitted; mask those pixels")
    if values.min() < 0.0:
        raise InputError("an image with negative counts cannot be fitted by a Poisson likelihood; give the raw counts")
    return counts, used, x_low, y_low


def _start(counts: Floats, used: NDArray[np.uint8]) -> Floats:
    """Start values by search: the most significant square of the image without its single hot pixels."""
    values = counts[used.astype(bool)]
    background = float(np.median(values))
    if background >= FEW_COUNTS:
        # masked pixels may hold anything, nan included, and their neighbours' medians must not see it
        filled = np.where(used.astype(bool), counts, background)
        smooth = ndimage.median_filter(filled, size=3, mode="nearest")
    else:  # so few counts have no median to speak of
        smooth, background = counts, max(float(values.mean()), 1e-3)
    table, area = (np.empty((counts.shape[0] + 1, counts.shape[1] + 1)) for _ in range(2))
    summed_area(smooth, used, table, area)
    halves = [half for half in BOX_HALF_SIZES if 2 * half < min(counts.shape)]
    boxes = [(*best_box(table, area, background, half), half) for half in halves]
    _, row, column, excess, half = max(boxes)
    sigma = max(half / BEST_HALF_SIDE, 1.0)
    inside = math.erf(half / sigma / math.sqrt(2.0)) ** 2
    amplitude = max(excess / inside, math.sqrt(background) * sigma)
    return np.array([amplitude, column, row, sigma, sigma, background])


def _minimum(likelihood: _Likelihood, start: Floats) -> Minimum:
    minimum = minimize_likelihood(likelihood, start, likelihood.scale(start))
    if minimum.converged:
        return minimum
    # Far from the start the steps' sizes are wrong: go on from where it stopped, with those of that place.
    return minimize_likelihood(likelihood, minimum.x, likelihood.scale(minimum.x))


def _information(likelihood: _Likelihood, parameters: Floats, pixels: int) -> Floats:
    """Fisher information; a background below one count in the image is not known better than that count."""
    floored = parameters.copy()
    floored[5] = max(floored[5], 1.0 / pixels) if floored[5] >= 0.0 else floored[5]
    return likelihood(floored)[2]


def _dark() -> Fit:
    """No light at all: nothing can be estimated."""
    nothing = dict.fromkeys(NAMES, math.nan)
    covariance = np.full((len(NAMES), len(NAMES)), math.nan)
    reasons = ("no atoms: every pixel is zero",)
    return Fit(nothing, nothing, covariance, NAMES, nll=0.0, significance=0.0, reasons=reasons)


def _model(parameters: Floats, shape: tuple[int, ...]) -> Floats:
    amplitude, x0, y0, sigma_x, sigma_y, background = parameters
    x, y = np.empty((3, shape[1])), np.empty((3, shape[0]))
    pixel_profile(x0, sigma_x, x)
    pixel_profile(y0, sigma_y, y)
    return np.asarray(amplitude * np.outer(y[0], x[0]) + background, dtype=np.float64)


def _log_p_anywhere(ratio: float, parameters: Floats, pixels: int) -> float:
    """Logarithm of the probability that background alone gives such a likelihood ratio anywhere in the image.

    A bound: the chi-square tail of a spot with all its parameters free, times the number of places and of sizes that
    spots of this size have in the image.
    """
    if not ratio > 0.0 or not parameters[0] > 0.0:
        return 0.0
    half = 0.5 * EXTRA_PARAMETERS
    tail = float(special.gammaincc(half, 0.5 * ratio))
    # The tail underflows where it is best: there its leading term serves.
    log_tail = (
        math.log(tail) if tail > 1e-290 else (half - 1.0) * math.log(0.5 * ratio) - 0.5 * ratio - math.lgamma(half)
    )
    places = max(1.0, pixels / (2.0 * math.pi * max(parameters[3] * parameters[4], SMALLEST_SIGMA**2)))
    return min(0.0, log_tail + math.log(places * len(BOX_HALF_SIZES)))


def _misfit(counts: Floats, mean: Floats, good: NDArray[np.bool_]) -> float:
    """Chi-square per degree of freedom over that of the noise alone.

    Noise is what differs between neighbours; a misfit is what they share, the mean product of their residuals. A hot
    pixel has no share in that, however bright.
    """
    residuals = (counts - mean) / np.sqrt(mean)
    shared, squares = [], []
    for a, b in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:, :], np.s_[:-1, :])):
        both = good[a] & good[b]
        shared.append((residuals[a] * residuals[b])[both])
        squares.append(((counts[a] - mean[a] - counts[b] + mean[b]) ** 2 / (mean[a] + mean[b]))[both])
    differences = np.concatenate(squares)
    if differences.size == 0:
        return 1.0
    kept = differences[differences <= np.quantile(differences, TRIMMED)]
    return 1.0 + max(0.0, float(np.concatenate(shared).mean())) / max(1.0, float(kept.mean()))


def _reasons(
    minimum: Minimum, covariance: Floats, shape: tuple[int, ...], log_p: float, misfit: float
) -> tuple[str, ...]:
    """Why the numbers must not be used; where there is nothing to fit, that alone."""
    amplitude, x0, y0, sigma_x, sigma_y, _ = minimum.x
    rows, columns = shape
    if log_p > math.log(FALSE_ALARMS_PER_IMAGE) or amplitude <= 0.0:
        return ("no atoms: nothing stands out of the background",)
    if min(sigma_x, sigma_y) < SMALLEST_SIGMA:
        return ("the spot is smaller than a pixel: a hot pixel",)
    if misfit > WORST_MISFIT:
        return (f"a Gaussian does not describe this image: it misses by {misfit:.1f} times the noise (stray light?)",)
    checks: list[tuple[Any, str]] = [
        (not minimum.converged, "the fit did not converge"),
        (not np.all(np.isfinite(covariance)), "the covariance cannot be computed"),
        (max(sigma_x / columns, sigma_y / rows) > 0.5, "the spot is larger than the image: stray light"),
        (not (-0.5 <= x0 <= columns - 0.5 and -0.5 <= y0 <= rows - 0.5), "the centre lies outside of the image"),
    ]
    return tuple(sentence for failed, sentence in checks if failed)
