"""The fit of a 2D Gaussian to a camera image: whether there is a MOT, where it is, and how many counts it has.

Use `fit_gaussian` on the raw counts. The start of the fit is found by a search over all places and widths
(`kernels.images.search`). The negative log-likelihood of the Gaussian, integrated over each pixel, is minimised by
Fisher's scoring (`kernels.images.gaussian`), and by scipy where scoring does not converge. The covariance is the
inverse of the Fisher information.

The counts of a camera are gain times electrons plus read noise: with the mean mu, their variance is
gain mu + read_noise^2. Their likelihood is taken to be that of a shifted Poisson distribution: (n + v) / gain is
Poisson distributed with the mean (mu + v) / gain, where v = read_noise^2 / gain (D. L. Snyder et al., J. Opt. Soc. Am.
A 12 (1995) 272). It is exact without read noise. Because its score depends on the mean and the variance of the counts
only, estimates and errors are right for any noise with this mean and variance (quasi-likelihood: R. W. M. Wedderburn,
Biometrika 61 (1974) 439). An unknown gain is estimated by Pearson's chi-square per degree of freedom (McCullagh &
Nelder, Generalized Linear Models, section 9.2), and scales errors and significance. When neighbouring residuals are
strongly correlated (stray light, two spots), the model is wrong, not only the noise large, and the fit is not valid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.gaussian import pixel_profile
from ..flags import reason_for
from .answer import answer_of
from .automatic_mask import mask_of
from .camera_claims import contradicted_gain, contradicted_read_noise, is_gain_doubtful, noise_seen
from .checks import problem_of
from .choice import BACKGROUNDS, Background, Wanted, better_fit
from .found import NAMES, Found
from .known_spot import Spot, is_other, spot_of
from .local import SLOPES, polynomial
from .problem import SpotProblem
from .reference import Reference, reference_of
from .result import GaussianFit
from .rotated import rotated_unit_spot
from .saturated import censored_fit
from .smooth_light import remarks_on_reference

__all__ = ["NAMES", "fit_gaussian", "gaussian_image"]

Floats = NDArray[np.float64]

GAINS = 1e-3, 1e3
"""A gain is looked for between these multiples of its guess, by halving the interval `HALVINGS` times."""
HALVINGS = 60
EVEN = "an even background was fitted: no other is, beside clipped pixels"


def fit_gaussian(
    image: ArrayLike,
    *,
    reference: ArrayLike | Reference | None = None,
    mask: ArrayLike | str | None = None,
    gain: float | None = None,
    read_noise: float = 0.0,
    roi: tuple[int, int, int, int] | None = None,
    rotated: bool | Literal["auto"] = False,
    background: Background = "auto",
    spot: Spot | Mapping[str, float] | None = None,
    saturation: float | None = None,
) -> GaussianFit:
    """Fit a 2D Gaussian on a background, or on a reference, to an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts after subtraction of the camera's offset, whole numbers or not. Where counts are negative because a
        background was subtracted, too, and no `read_noise` is given, the noise of a pixel without light is estimated
        where the image is darkest, and taken as read noise (`GaussianFit.read_noise`); raw counts and a `reference`
        know more. What is masked in a masked array of numpy is left out.
    reference : array, shape (ny, nx) or (k, ny, nx), or Reference, optional
        Images without atoms. Their mean R is part of the background, C + s R, since stray light has structure (that of
        the viewport). The noise of k images is part of the model; where the structure of the light is not above this
        noise, s is held at a fixed value with a large error, which also enters that of C. An array of two dimensions is
        taken to be free of noise: smooth it, or give the mean of many images. For many fits with one reference, make it
        once by `reference_of`.
    mask : array of bool, shape (ny, nx), or "auto", optional
        True for pixels to leave out; see `find_bad_pixels`. "auto" leaves out those that it finds, columns and rows
        that differ from those beside them, and tracks of cosmic rays.
    gain : float, optional
        Counts per electron. Without it, the gain is estimated: from the noise between several references, otherwise
        from the residuals of the image. The errors of the parameters are scaled accordingly.
    read_noise : float
        Standard deviation of a pixel without light, counts; 0 lets it be estimated where counts are negative.
    roi : (x_low, x_high, y_low, y_high), optional
        Part of the image to fit, in pixels, upper ends excluded. Fitted positions are those in the whole image.
    rotated : bool or "auto"
        Whether the axes of the spot may be rotated against those of the image; fits `theta`, too. "auto" fits it where
        the residuals of an upright spot ask for it.
    background : "flat", "plane", "quadratic" or "auto"
        Of the light around the spot. "plane" and "quadratic" are fitted in a window of six widths around it, with
        slopes ``C_x, C_y`` and bends ``C_xx, C_xy, C_yy`` in pixels from the pixel of the centre. "auto" takes an even
        one where the residuals do not contradict it, and else the most probable of the three in a window; what the
        choice costs is in the errors. Beside several references, whose noise is part of the model, "auto" is "flat".
    spot : Spot or mapping, optional
        Place and widths ``x0, y0, sigma_x, sigma_y`` (and ``theta``), for images that are too faint to determine them;
        `mean_spot` computes them from a series. Where a free fit is not valid, only A and the background are fitted: A
        is then unbiased, with or without atoms, and may be negative by noise; `significance` is that of A > 0 at this
        place.
    saturation : float, optional
        Largest number of counts that the camera can write: pixels with as many are taken to have these or more. Without
        it, they are found where many pixels share the largest value, or it is that of 8, 10, 12, 14 or 16 bits.

    Returns
    -------
    GaussianFit
        ``A`` (counts of the whole spot), ``x0, y0, sigma_x, sigma_y`` (pixels; x along a row), ``theta`` when rotated
        (radians from the x axis to the axis of sigma_x, between -pi/4 and pi/4), ``C`` (counts per pixel), ``s`` with a
        reference. `significance` is that of A > 0 anywhere in the image. `valid` means that there are atoms and that
        the numbers may be used; without atoms, `upper_limit` is an upper limit of A. With a given `spot`, a fit without
        atoms can be valid, too: `detected` says whether there are atoms.

    Raises
    ------
    InputError
        When the image has not two dimensions or fewer than 5 x 5 pixels, has infinite or missing counts or, beside a
        reference and without read noise, negative ones; or when the shape or value of another argument does not match.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image
    >>> truth = {"A": 20_000.0, "x0": 40.0, "y0": 30.0, "sigma_x": 5.0, "sigma_y": 7.0, "C": 20.0}
    >>> image = np.random.default_rng(1).poisson(gaussian_image(truth, (80, 90)))
    >>> fit = fit_gaussian(image, gain=1.0)
    >>> fit.valid, abs(fit.values["A"] - truth["A"]) < 3 * fit.errors["A"]
    (True, True)

    A spot at a known place, too faint to be found by a search of the image:

    >>> place = {name: truth[name] for name in ("x0", "y0", "sigma_x", "sigma_y")}
    >>> faint = np.random.default_rng(1).poisson(gaussian_image(truth | {"A": 300.0}, (80, 90)))
    >>> fit_gaussian(faint, gain=1.0).detected
    False
    >>> fit = fit_gaussian(faint, gain=1.0, spot=place)
    >>> fit.valid, fit.names
    (True, ('A', 'C'))
    """
    if gain is not None and not 0.0 < gain < math.inf:
        raise InputError(f"gain should be a positive number of counts per electron, not {gain!r}")
    if not 0.0 <= read_noise < math.inf:
        raise InputError(f"read_noise should be a number of counts, 0 or more, not {read_noise!r}")
    if saturation is not None and not 0.0 < saturation < math.inf:
        raise InputError(f"saturation should be a positive number of counts, not {saturation!r}")
    _check_choices(rotated, background)
    known = None if spot is None else spot_of(spot, rotated=rotated is True)
    turned = rotated is True or (known is not None and known.theta is not None)
    image, mask = mask_of(image, mask)
    light = reference_of(reference, mask, gain, read_noise)
    gain_error = 0.0
    if gain is None and light.gain is not None:
        gain, gain_error = float(light.gain), light.gain.error
    problem = problem_of(image, light, mask, gain, read_noise, roi, saturation)
    if known is not None:
        problem.check_spot(known)
    if not problem.lit or not problem.total > 0.0:
        return _dark(problem, turned)
    if light.frames and background in ("plane", "quadratic"):
        raise InputError(
            f"background={background!r} goes with a reference without noise, one array: give the mean of the images"
        )

    def whole() -> SpotProblem:
        return problem if roi is None else problem_of(image, light, mask, gain, read_noise, None, saturation)

    wanted = Wanted(background, "auto" if rotated == "auto" else turned, whole, gain_error)
    is_claimed = read_noise > 0.0
    anywhere = _fit(problem, lambda problem: problem.minimum(rotated=turned), wanted, is_claimed=is_claimed)
    if known is None:
        return anywhere
    answer = anywhere
    if not anywhere.valid:
        answer = _fit(problem, lambda problem: problem.brightness(known), wanted, is_claimed=is_claimed)
    if anywhere.detected and is_other(anywhere, known):
        return replace(answer, reasons=(*answer.reasons, reason_for("other_place")))
    return answer


def gaussian_image(
    values: Mapping[str, float], shape: tuple[int, ...], reference: ArrayLike | Reference | None = None
) -> Floats:
    """Mean counts of each pixel in the model of `fit_gaussian`.

    Parameters
    ----------
    values : mapping of str to float
        ``A, x0, y0, sigma_x, sigma_y, C``, and perhaps ``theta``, ``C_x, C_y, C_xx, C_xy, C_yy`` and ``s``, as in
        `Fit.values`.
    shape : (ny, nx)
        Rows and columns of the image.
    reference : array, shape (ny, nx) or (k, ny, nx), or Reference, optional
        Required when `values` contains ``s``.

    Returns
    -------
    array of float64, shape (ny, nx)
        Counts.

    Raises
    ------
    InputError
        When `values` contains ``s`` and no reference is given.

    Examples
    --------
    >>> from utokyo import gaussian_image
    >>> values = {"A": 1000.0, "x0": 20.0, "y0": 15.0, "sigma_x": 2.0, "sigma_y": 3.0, "C": 0.5}
    >>> mean = gaussian_image(values, (30, 40))
    >>> mean.shape, round(float(mean.sum()))
    ((30, 40), 1600)
    """
    mean = values["A"] * _unit_spot(values, shape) + values["C"]
    if SLOPES[0] in values:
        factors = np.array([0.0, *(values.get(name, 0.0) for name in SLOPES)])
        x, y = (
            np.arange(n, dtype=np.float64) - round(values[name]) for n, name in ((shape[1], "x0"), (shape[0], "y0"))
        )
        mean = mean + polynomial(factors, x, y[:, None])
    if "s" in values:
        if reference is None:
            raise InputError("the values hold s, the part of a reference: give that reference, too")
        light = reference.light if isinstance(reference, Reference) else np.asarray(reference, dtype=np.float64)
        mean = mean + values["s"] * (light.mean(axis=0) if light.ndim == 3 else light)
    return np.asarray(mean, dtype=np.float64)


def _check_choices(rotated: object, background: object) -> None:
    if not (isinstance(rotated, bool) or rotated == "auto"):
        raise InputError(f"rotated should be True, False or 'auto', not {rotated!r}")
    if background not in BACKGROUNDS:
        raise InputError(f"background should be one of {', '.join(map(repr, BACKGROUNDS))}, not {background!r}")


def _fit(
    problem: SpotProblem, minimise: Callable[[SpotProblem], Found], wanted: Wanted, *, is_claimed: bool
) -> GaussianFit:
    """The answer of one way to minimise; `is_claimed`: a read noise was given, not estimated."""
    found, said = minimise(problem), ""
    if problem.gain is None and problem.read_noise > 0.0:
        # The shift depends on the gain: fit once more, with the gain from the residuals.
        gain = None
        if not problem.with_reference:  # whose noise would be a part of what is seen
            seen = noise_seen(problem, found)
            noise = contradicted_read_noise(problem, found, seen)
            if noise is not None:
                said = _unfit_read_noise(problem.read_noise, noise) if is_claimed else ""
                problem = replace(problem, read_noise=noise)
            gain = seen.gain_beside(problem.read_noise)
        better = problem.with_gain_guess(gain or _gain_of_residuals(problem, found))
        if better.total > 0.0:
            problem, found = better, minimise(better)
    mean = problem.mean(found)
    fit = answer_of(problem, found, wanted.gain_error, mean=mean)
    if problem.clipped is not None:
        fit = censored_fit(problem, found, fit, wanted.gain_error)
        said = said or ("" if wanted.background in ("auto", "flat") else EVEN)
    else:
        if wanted.gain_error == 0.0 and is_gain_doubtful(problem, fit):
            seen_gain = contradicted_gain(problem, found)
            if seen_gain is not None:
                wrong = f"gain = {problem.gain:.3g} does not fit the noise seen ({seen_gain:.3g})"
                said = f"{wrong}, by which the errors are scaled"
                problem = replace(problem, gain=None)
                fit = answer_of(problem, found, 0.0, mean=mean)
        if not problem.reference.frames:
            fit = better_fit(problem, found, mean, fit, wanted)
    if problem.with_reference and not problem.reference.frames and fit.detected:
        more = remarks_on_reference(problem, mean, fit.gain)
        fit = replace(fit, remarks=(*fit.remarks, *more))
    return replace(fit, remarks=(*fit.remarks, said)) if said else fit


def _unfit_read_noise(given: float, seen: float) -> str:
    return f"read_noise = {given:.3g} does not fit the noise seen ({seen:.3g}), which is taken"


def _unit_spot(values: Mapping[str, float], shape: tuple[int, ...]) -> Floats:
    """Integral over each pixel of a Gaussian of unit volume, shape (ny, nx)."""
    if "theta" in values:
        x0, y0, sigma_x, sigma_y = (values[name] for name in NAMES[1:5])
        return rotated_unit_spot(x0, y0, sigma_x, sigma_y, values["theta"], shape)
    x, y = np.empty((3, shape[1])), np.empty((3, shape[0]))
    pixel_profile(values["x0"], values["sigma_x"], x)
    pixel_profile(values["y0"], values["sigma_y"], y)
    return np.asarray(np.outer(y[0], x[0]), dtype=np.float64)


def _dark(problem: SpotProblem, rotated: bool) -> GaussianFit:
    """The answer for an image without light: all numbers are nan."""
    names = problem.names(rotated)
    nothing = dict.fromkeys(names, math.nan)
    covariance = np.full((len(names), len(names)), math.nan)
    reasons = (reason_for("no_light" if problem.lit else "all_zero"),)
    return GaussianFit(nothing, nothing, covariance, names, nll=0.0, significance=0.0, reasons=reasons)


def _gain_of_residuals(problem: SpotProblem, found: Found) -> float:
    """The gain at which Pearson's chi-square equals its expectation, for a known read noise."""
    mean, good = problem.mean(found), problem.used > 0.0
    left = problem.reference.variance_left(float(found.parameters[-1]), mean, problem.used, problem.shift)
    squares = ((problem.counts - mean) ** 2)[good]
    # Where a background was subtracted, a mean may be below zero; a pixel has its read noise nevertheless.
    mean = np.maximum(mean[good] - problem.noise_shift, 0.0)
    low, high = (part * problem.gain_guess for part in GAINS)
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        variance = np.maximum(middle * mean + problem.read_noise**2, 1e-12)
        low, high = (middle, high) if float(np.mean(squares / variance)) > left else (low, middle)
    return math.sqrt(low * high)
