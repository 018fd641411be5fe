"""The light without atoms, and what the noise of the images that show it does to a fit.

A reference that is the mean of k images has their noise: variance gain L / k at the light L of a pixel. The likelihood
takes L for one more unknown of each pixel (`kernels.images.reference`), as the regression of two quantities with errors
does. Its information on s is that of the structure of the light alone, while the score of s varies with the noise in L,
too: covariances are B^-1 (B + D) B^-1, B the information and D what the score varies by more (P. J. Huber, Proc. Fifth
Berkeley Symp. 1 (1967) 221).

Where the light has hardly any structure above its noise, the image does not tell s. It is then held at the ratio of the
two backgrounds, which it is when all light without atoms is the reference's; that it may be less is in the errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.reference import noise_of_light
from .camera_noise import Gain, estimate_gain

__all__ = ["HELD", "MOST", "NO_REFERENCE", "Reference", "reference_of"]

Floats = NDArray[np.float64]

KNOWN = 0.1
"""Largest error of s, in units of what it is when all light is the reference's; beyond, s is not told by the image."""
MOST = 10.0
"""Largest s, in the same units: more only noise can have."""
HELD = 3.0**-0.5
"""Error of an s that is held, in the same units: how far it is from 1 if it is anything between 0 and 1."""
FEWEST_ELECTRONS = 20.0
"""Of a pixel in all images of a reference, on the average: the noise of fewer is too far from normal."""
SURE, UNSURE_GAIN = 5.0, 0.1
"""Standard deviations that noise is not off by; and what a gain of one image may be off by."""
LEAST = 1e-3
"""Counts that a pixel of a reference has, with what is added to it."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Light without atoms in the pixels that are fitted.

    Parameters
    ----------
    light : array of float64, shape (ny, nx) or (0, 0)
        Counts; empty when there is none.
    frames : int
        Images of which it is the mean; 0 for light without noise.
    gain : Gain, optional
        What these images say of it.
    """

    light: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    frames: int = 0
    gain: Gain | None = None

    @property
    def is_there(self) -> bool:
        """Whether s R is a part of the model."""
        return self.light.size > 0

    def part(self, rows: slice, columns: slice, used: Floats) -> Reference:
        """That of some pixels, without a hole where they are masked.

        Raises
        ------
        InputError
            When counts are infinite or missing, or all zero.
        """
        if not self.is_there or not used.any():
            return self
        light = np.ascontiguousarray(self.light[rows, columns], dtype=np.float64)
        seen = light[used > 0.0]
        if not np.all(np.isfinite(seen)):
            raise InputError("a reference with infinite or missing counts cannot be fitted; mask those pixels")
        if not np.any(seen):
            raise InputError("a reference without any light cannot be fitted: give none")
        return replace(self, light=np.where(used > 0.0, light, seen.mean()))

    def above(self, least: float) -> Reference:
        """With its noise cut off a little above some counts."""
        return replace(self, light=np.maximum(self.light, least + LEAST)) if self.frames else self

    def check_counts(self, used: Floats, gain: float, read_noise: float) -> None:
        """Refuse images that together are too dark to tell the light of a pixel, or that hold what no light gives.

        Raises
        ------
        InputError
        """
        if not self.frames or not used.any():
            return
        if not read_noise > 0.0 and np.any(self.light < 0.0):
            raise InputError(
                "references with negative counts cannot be fitted by a Poisson likelihood; give the raw counts, "
                "or their read_noise"
            )
        electrons = self.frames * float(np.sum(used * self.light)) / float(np.sum(used)) / gain
        if electrons < FEWEST_ELECTRONS:
            raise InputError(
                f"references with {electrons:.2g} electrons per pixel, of {self.frames} in all, are too dark: give "
                "more of them, or their smoothed mean, or none"
            )

    def tells_part(
        self, part: float, used: Floats, shift: float, gain: float, guessed: bool, spot: Floats | None
    ) -> bool:
        """Whether its structure, but that of a spot, is so far above its noise that an image of nothing but it tells s.

        The noise is taken for as large as it may be; a gain that was guessed from a single image is less sure.
        """
        if not self.frames:
            return True
        pixels = float(np.sum(used))
        level = float(np.sum(used * self.light)) / pixels
        noise = (level + shift) / self.frames
        largest = 1.0 + SURE * math.sqrt(2.0 / pixels) + (UNSURE_GAIN if guessed else 0.0)
        rest = used * (self.light - level)
        if spot is not None:
            shape = used * (spot - float(np.sum(used * spot)) / pixels)
            rest -= shape * (float(np.vdot(rest, shape)) / max(float(np.vdot(shape, shape)), 1e-300))
        structure = float(np.vdot(rest, rest)) / pixels - gain * noise * largest
        if not structure > 0.0:
            return False
        mean = part * level + shift
        variance = mean + part**2 * noise
        information, doubt = pixels * structure / variance, pixels * gain * noise * mean / variance**2
        return gain * (information + doubt) / information**2 < (KNOWN * part) ** 2

    def left(self, part: float, mean: Floats, used: Floats, shift: float) -> float:
        """What the fitted light leaves of the variance of residuals, on the average; 1 without noise."""
        if not self.frames:
            return 1.0
        return noise_of_light(self.light, used, mean, part, float(self.frames), shift)[0] / float(np.sum(used))

    def doubt(self, part: float, mean: Floats, used: Floats, shift: float, gain: float) -> float:
        """What the score of s varies by more than its information says."""
        if not self.frames:
            return 0.0
        return gain * noise_of_light(self.light, used, mean, part, float(self.frames), shift)[1]


NO_REFERENCE = Reference()


def reference_of(
    images: ArrayLike | Reference | None,
    mask: ArrayLike | None = None,
    gain: float | None = None,
    read_noise: float = 0.0,
) -> Reference:
    """What a user gives as a reference: light without noise, a stack of images, or what was made of them before.

    Parameters
    ----------
    images : array, shape (ny, nx) or (k, ny, nx), or Reference, optional
    mask, gain, read_noise
        As for `fit_gaussian`, and as are then given to it.

    Raises
    ------
    InputError
        When it is no image nor a stack, or when a stack holds no light, or no noise.
    """
    if images is None:
        return NO_REFERENCE
    if isinstance(images, Reference):
        return images
    try:
        counts = np.asarray(images, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("a reference is an image or several of one shape, of numbers") from None
    if counts.ndim == 2:
        return Reference(counts)
    if counts.ndim != 3 or not counts.size:
        raise InputError(f"a reference is an image or several, not an array of the shape {counts.shape}")
    told = None
    if len(counts) > 1 and gain is None:
        hidden = np.asarray(mask, dtype=bool) if mask is not None and np.shape(mask) == counts.shape[1:] else None
        seen = counts if hidden is None else np.where(hidden, 0.0, counts)
        told = estimate_gain(seen, mask=mask, read_noise=read_noise)
        if not told > 0.0:
            raise InputError("references without noise, or with less than read_noise, do not tell the gain: give it")
    return Reference(counts.mean(axis=0), len(counts), told)
