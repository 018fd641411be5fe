"""The arguments of `fit_gaussian` are checked, and made into a problem to minimise."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.search import copy_counts, median_background, pixel_noise
from .camera_noise import dark_noise, every_pixel
from .clipped import clipped_of, floored_of
from .found import NAMES
from .likelihood import FEWEST_PIXELS
from .problem import SpotProblem
from .reference import Reference

__all__ = ["problem_of"]

Floats = NDArray[np.float64]

LEAST_LIGHT = 1e-3
"""When a gain is guessed, the light of an image is at least this many counts per pixel, in units of the read noise."""
COARSE_NOISE = 0.5
"""Variance over mean, counts, below which whole numbers are not those of electrons, but were rounded."""
ROUNDING = 12.0**-0.5
"""Standard deviation of what rounding leaves out, counts."""
LEAST_GAIN = 0.05
"""A guessed gain is at least this fraction of the noise of the pixels, however much of that is read noise."""


def problem_of(
    image: ArrayLike,
    reference: Reference,
    mask: ArrayLike | None,
    gain: float | None,
    read_noise: float,
    roi: tuple[int, int, int, int] | None,
    saturation: float | None = None,
) -> SpotProblem:
    """The minimisation problem of an image, from the arguments of `fit_gaussian`.

    Raises
    ------
    InputError
        When the image cannot be fitted, or an option does not fit it.
    """
    whole = np.asarray(image)
    used = _used_of(whole, mask, reference)
    rows, columns = _region(whole.shape, roi)
    used = np.ascontiguousarray(used[rows, columns])
    reference = reference.part(rows, columns, used)
    counts, pixels, total, lit, negative = _counts_of(whole, rows, columns, used)
    clipped = clipped_of(counts, used, saturation, reference.light if reference.is_there else None)
    if clipped is None and read_noise > 0.0:
        clipped = floored_of(counts, used, reference.light if reference.is_there else None)
    if negative and not read_noise > 0.0:
        read_noise = _noise_of_negative(counts, used, reference)
    noise, level, offset = pixel_noise(counts, used), median_background(counts, used), 0.0
    is_rounded = noise < COARSE_NOISE and not reference.is_there and bool(np.all(counts == np.floor(counts)))
    if is_rounded:
        read_noise = math.hypot(read_noise, ROUNDING)  # whole numbers that are no electrons
        noise = max(noise, ROUNDING**2 / max(level, 1.0))
    if negative and not reference.is_there and read_noise > 0.0:
        offset = max(-level, 0.0)  # light is what is above a background that is below zero
    guess, shift = _gain_guess(gain, read_noise, noise, total / pixels + offset, reference), 0.0
    if read_noise > 0.0:
        shift = read_noise**2 / guess + offset
        total = copy_counts(counts, used, shift, counts)[1]
        noise = guess
        level += shift
    reference.check_counts(used, guess, read_noise)
    if reference.frames and shift > 0.0:
        # With the light of each pixel a free parameter, the likelihood of counts below zero has no maximum.
        np.maximum(counts, 0.0, out=counts)
        reference = reference.above(-shift)
    return SpotProblem(
        counts,
        used,
        reference,
        pixels,
        total,
        shift,
        gain,
        guess,
        read_noise,
        x_low=columns.start,
        y_low=rows.start,
        noise=noise,
        background_level=level,
        lit=lit,
        clipped=clipped,
        offset=offset,
        is_rounded=is_rounded,
    )


def _used_of(image: NDArray[np.generic], mask: ArrayLike | None, reference: Reference) -> Floats:
    """1 for pixels that are used, 0 for masked ones. The shapes of image, mask and reference are checked."""
    shape = image.shape
    if image.ndim != 2:
        raise InputError(f"an image has rows and columns, not the shape {shape}")
    used = every_pixel(shape) if mask is None else (~np.asarray(mask, dtype=bool)).astype(np.float64)
    if used.shape != shape:
        raise InputError(f"the mask has the shape {used.shape}, the image {shape}")
    if reference.is_there and reference.light.shape != shape:
        raise InputError(f"the reference has the shape {reference.light.shape}, the image {shape}")
    return used


def _region(shape: tuple[int, ...], roi: tuple[int, int, int, int] | None) -> tuple[slice, slice]:
    """Rows and columns of the part of the image that is fitted."""
    x_low, x_high, y_low, y_high = roi or (0, shape[1], 0, shape[0])
    if not (0 <= x_low < x_high <= shape[1] and 0 <= y_low < y_high <= shape[0]):
        raise InputError(f"the region {roi} does not lie within {shape[1]} columns and {shape[0]} rows")
    return slice(y_low, y_high), slice(x_low, x_high)


class _Counts(NamedTuple):
    """Counts to be fitted (0 where a pixel is not used), number of used pixels, sum; whether any is not 0, below 0."""

    counts: Floats
    pixels: float
    total: float
    lit: bool
    negative: bool


def _counts_of(image: NDArray[Any], rows: slice, columns: slice, used: Floats) -> _Counts:
    """The counts of a part of an image; `InputError` when they cannot be fitted."""
    given = np.ascontiguousarray(image[rows, columns], dtype=np.float64)
    if min(given.shape) < FEWEST_PIXELS:
        raise InputError(f"an image of {given.shape[1]} x {given.shape[0]} pixels is too small to fit")
    # A copy is ours to keep; what is the user's may change after the fit.
    counts = np.empty(given.shape) if np.may_share_memory(given, image) else given
    pixels, total, squares, negative, infinite = copy_counts(given, used, 0.0, counts)
    if pixels <= len(NAMES) + 1:
        raise InputError(f"an image of {pixels:.0f} pixels that are not masked is too small to fit")
    if infinite:
        raise InputError("an image with infinite or missing counts cannot be fitted; mask those pixels")
    return _Counts(counts, pixels, total, squares > 0.0, negative > 0)


def _noise_of_negative(counts: Floats, used: Floats, reference: Reference) -> float:
    """The noise without light, as read noise, of an image from which a background was subtracted."""
    read_noise = 0.0 if reference.is_there else dark_noise(counts, used)
    if not read_noise > 0.0:
        raise InputError(
            "an image with negative counts cannot be fitted by a Poisson likelihood; give the raw counts, "
            "or their read_noise"
        )
    return read_noise


def _gain_guess(gain: float | None, read_noise: float, noise: float, mean: float, reference: Reference) -> float:
    """The gain as given, or a guess that is used until the residuals give an estimate.

    Without a gain the fit is done in counts; the guess is needed to separate the noise of a reference from its light,
    and the read noise from the rest of the noise.
    """
    if gain is not None:
        return gain
    if read_noise > 0.0:
        return max(noise - read_noise**2 / max(mean, LEAST_LIGHT * read_noise), LEAST_GAIN * noise)
    return noise if reference.frames else 1.0
