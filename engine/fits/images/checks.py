"""What a user gives to the fit of a spot, looked at before it is a problem to minimise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ....io.errors import InputError
from ....kernels.images.search import copy_counts, median_background, pixel_noise
from .camera_noise import every_pixel
from .found import NAMES
from .likelihood import FEWEST_PIXELS
from .problem import SpotProblem
from .reference import Reference

__all__ = ["checked_problem"]


def checked_problem(
    image: ArrayLike,
    reference: Reference,
    mask: ArrayLike | None,
    gain: float | None,
    read_noise: float,
    roi: tuple[int, int, int, int] | None,
) -> SpotProblem:
    """Look at what the user gave.

    Raises
    ------
    InputError
    """
    counts = np.asarray(image)
    if counts.ndim != 2:
        raise InputError(f"an image has rows and columns, not the shape {counts.shape}")
    shape = counts.shape
    used = every_pixel(shape) if mask is None else (~np.asarray(mask, dtype=bool)).astype(np.float64)
    if used.shape != shape:
        raise InputError(f"the mask has the shape {used.shape}, the image {shape}")
    if reference.is_there and reference.light.shape != shape:
        raise InputError(f"the reference has the shape {reference.light.shape}, the image {shape}")
    x_low, x_high, y_low, y_high = roi or (0, shape[1], 0, shape[0])
    if not (0 <= x_low < x_high <= shape[1] and 0 <= y_low < y_high <= shape[0]):
        raise InputError(f"the region {roi} does not lie within {shape[1]} columns and {shape[0]} rows")
    part = np.s_[y_low:y_high, x_low:x_high]
    pixels_given = np.ascontiguousarray(counts[part], dtype=np.float64)
    used = np.ascontiguousarray(used[part])
    reference = reference.part(*part, used)
    if min(pixels_given.shape) < FEWEST_PIXELS:
        raise InputError(f"an image of {pixels_given.shape[1]} x {pixels_given.shape[0]} pixels is too small to fit")
    # A copy is ours to keep; what is the user's may change after the fit.
    held = np.empty(pixels_given.shape) if np.may_share_memory(pixels_given, counts) else pixels_given
    pixels, total, squares, negative, infinite = copy_counts(pixels_given, used, 0.0, held)
    if pixels <= len(NAMES) + 1:
        raise InputError(f"an image of {pixels:.0f} pixels that are not masked is too small to fit")
    if infinite:
        raise InputError("an image with infinite or missing counts cannot be fitted; mask those pixels")
    if negative and not read_noise > 0.0:
        raise InputError(
            "an image with negative counts cannot be fitted by a Poisson likelihood; give the raw counts, "
            "or their read_noise"
        )
    lit = squares > 0.0
    noise, level = pixel_noise(held, used), median_background(held, used)
    # Without a gain everything is told in counts, but how much of a reference is noise.
    guess = gain if gain is not None else (noise if reference.frames else 1.0)
    shift = 0.0
    if read_noise > 0.0:
        if gain is None:
            typical = max(total / pixels, 1e-3 * read_noise)
            guess = max(noise - read_noise**2 / typical, 0.05 * noise)
        shift = read_noise**2 / guess
        total = copy_counts(held, used, shift, held)[1]
        noise = guess
        level += shift
    reference.check_counts(used, guess, read_noise)
    if reference.frames and shift > 0.0:
        # With the light of each pixel free, counts below zero would have no most likely mean.
        np.maximum(held, 0.0, out=held)
        reference = reference.above(-shift)
    return SpotProblem(
        held, used, reference, pixels, total, shift, gain, guess, read_noise, x_low, y_low, noise, level, lit
    )
