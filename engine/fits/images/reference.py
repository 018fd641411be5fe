"""The reference of a fit: the light without atoms, and the effect of its noise.

A reference that is the mean of k images has noise: the variance gain L / k at the light L of a pixel. The likelihood
has L as a further unknown of each pixel (`kernels.images.reference`), as in a regression with errors in both variables.
The information about s comes from the structure of the light alone, but the score of s also varies with the noise of L.
The covariance is therefore the sandwich B^-1 (B + D) B^-1, with the information B and the excess variance D of the
score (P. J. Huber, Proc. Fifth Berkeley Symp. 1 (1967) 221).

Where the structure of the light is hardly above its noise, the image does not determine s. It is then held at the ratio
of the two backgrounds, its value when all light without atoms is that of the reference. The error that it is given
covers all smaller values down to 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.reference import noise_of_light
from ..rounding import with_error
from .camera_noise import Gain, estimate_gain

__all__ = ["HELD_ERROR", "LARGEST_S", "NO_REFERENCE", "Reference", "reference_of"]

Floats = NDArray[np.float64]

WORST_S = 0.1
"""s is determined by the image when its error is below this fraction of its value if all light is the reference's."""
LARGEST_S = 10.0
"""Largest s, in units of its value if all light is the reference's; only noise would make it larger."""
HELD_ERROR = 3.0**-0.5
"""Error of a held s, in the same units: the root mean square of the distance from 1 of a flat distribution between 0
and 1."""
FEWEST_ELECTRONS = 20.0
"""Fewest electrons of a pixel, on average, in all images of a reference together: the noise of fewer is not normal."""
SURE, UNSURE_GAIN = 5.0, 0.1
"""Upper limit of the noise of a reference: this many standard deviations above its estimate, and this fraction more
where the gain was guessed from one image."""
LEAST = 1e-3
"""Fewest counts of a pixel of a reference after the shift."""


@dataclass(frozen=True, eq=False, repr=False)
class Reference:
    """Light without atoms, as `fit_gaussian` takes it; `reference_of` makes it.

    Parameters
    ----------
    light : array of float64, shape (ny, nx) or (0, 0)
        Counts; empty when there is none.
    frames : int
        Number of images of which it is the mean; 0 for light without noise.
    gain : Gain, optional
        Counts per electron, estimated from the noise between these images.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import reference_of
    >>> images = np.random.default_rng(1).poisson(40.0, (3, 50, 60))
    >>> reference_of(images, gain=1.0)
    Reference(50 x 60 pixels, the mean of 3 images)
    >>> reference_of(np.full((50, 60), 40.0))
    Reference(50 x 60 pixels, without noise)
    """

    light: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    frames: int = 0
    gain: Gain | None = None

    def __repr__(self) -> str:
        if not self.is_there:
            return "Reference(none)"
        noise = f"the mean of {self.frames} image{'s' if self.frames > 1 else ''}" if self.frames else "without noise"
        gain = "" if self.gain is None else f", gain {with_error(self.gain, self.gain.error)}"
        return f"Reference({self.light.shape[0]} x {self.light.shape[1]} pixels, {noise}{gain})"

    @property
    def is_there(self) -> bool:
        """Whether there is a reference, so that s R is part of the model."""
        return self.light.size > 0

    def part(self, rows: slice, columns: slice, used: Floats) -> Reference:
        """The reference of a part of the image; masked pixels get the mean of the others.

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
        """The same, with the light of each pixel at least `least` + 0.001 counts; unchanged when it has no noise."""
        return replace(self, light=np.maximum(self.light, least + LEAST)) if self.frames else self

    def check_counts(self, used: Floats, gain: float, read_noise: float) -> None:
        """Check that images of a reference are bright enough for the likelihood, and not negative without read noise.

        Raises
        ------
        InputError
            When they are not.
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

    def determines_s(
        self, s: float, used: Floats, shift: float, gain: float, spot: Floats | None, *, is_gain_guessed: bool
    ) -> bool:
        """Whether an image of this light alone determines s, by the structure that differs from that of a spot.

        The noise of the reference is taken at its upper limit.
        """
        if not self.frames:
            return True
        pixels = float(np.sum(used))
        level = float(np.sum(used * self.light)) / pixels
        noise = (level + shift) / self.frames
        largest = 1.0 + SURE * math.sqrt(2.0 / pixels) + (UNSURE_GAIN if is_gain_guessed else 0.0)
        rest = used * (self.light - level)
        if spot is not None:
            shape = used * (spot - float(np.sum(used * spot)) / pixels)
            rest -= shape * (float(np.vdot(rest, shape)) / max(float(np.vdot(shape, shape)), 1e-300))
        structure = float(np.vdot(rest, rest)) / pixels - gain * noise * largest
        if not structure > 0.0:
            return False
        mean = s * level + shift
        variance = mean + s**2 * noise
        information, excess = pixels * structure / variance, pixels * gain * noise * mean / variance**2
        return gain * (information + excess) / information**2 < (WORST_S * s) ** 2

    def variance_left(self, s: float, mean: Floats, used: Floats, shift: float) -> float:
        """Mean variance of residuals over that without a fit of the light of each pixel; 1 without noise."""
        if not self.frames:
            return 1.0
        return noise_of_light(self.light, used, mean, s, float(self.frames), shift)[0] / float(np.sum(used))

    def excess_score(self, s: float, mean: Floats, used: Floats, shift: float, gain: float) -> float:
        """Variance of the score of s minus its information; 0 without noise."""
        if not self.frames:
            return 0.0
        return gain * noise_of_light(self.light, used, mean, s, float(self.frames), shift)[1]


NO_REFERENCE = Reference()


def reference_of(
    images: ArrayLike | Reference | None,
    mask: ArrayLike | None = None,
    gain: float | None = None,
    read_noise: float = 0.0,
) -> Reference:
    """Make a reference from images without atoms, to be used in the fits of many images.

    Parameters
    ----------
    images : array, shape (ny, nx) or (k, ny, nx), or Reference, optional
        Counts. An array of two dimensions is light without noise; of three dimensions, images whose noise is part of
        the model. A `Reference` is returned as it is.
    mask, gain, read_noise
        The same as in the calls of `fit_gaussian`. Without `gain`, it is estimated from the noise between the images,
        when there are at least two.

    Returns
    -------
    Reference

    Raises
    ------
    InputError
        When it is neither an image nor a stack of images, or when a stack has no light, or no noise above `read_noise`.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image, reference_of
    >>> random = np.random.default_rng(1)
    >>> light = 40.0 + np.arange(60.0)
    >>> reference = reference_of(random.poisson(light, (4, 50, 60)))
    >>> spot = {"A": 5000.0, "x0": 30.0, "y0": 20.0, "sigma_x": 3.0, "sigma_y": 4.0, "C": 0.0}
    >>> fit = fit_gaussian(random.poisson(light + gaussian_image(spot, (50, 60))), reference=reference)
    >>> fit.valid, fit.names[-1]
    (True, 's')
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
    estimated = None
    if len(counts) > 1 and gain is None:
        hidden = np.asarray(mask, dtype=bool) if mask is not None and np.shape(mask) == counts.shape[1:] else None
        seen = counts if hidden is None else np.where(hidden, 0.0, counts)
        estimated = estimate_gain(seen, mask=mask, read_noise=read_noise)
        if not estimated > 0.0:
            raise InputError("references without noise, or with less than read_noise, do not tell the gain: give it")
    return Reference(counts.mean(axis=0), len(counts), estimated)
