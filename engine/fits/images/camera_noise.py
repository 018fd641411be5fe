"""Properties of a camera, from its images: the gain, and pixels that are hot or dead.

`estimate_gain` divides variances by means (photon transfer: J. R. Janesick, Photon Transfer, SPIE 2007, chapter 5).
With several images of the same light, the variance is that of each pixel from image to image, after a change of the
total light is corrected. With one image, it is the variance of neighbours along a row after a linear slope is removed;
structure of the light, speckle above all, then counts as noise, so that several images are better. `find_bad_pixels`
marks pixels whose counts are improbable next to those of their neighbours; it sees most in the mean of many references.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.bad_pixels import DEAD, HOT, PIECE, mark_bad_pixels, second_differences
from ....kernels.images.search import pixel_noise
from ..rounding import PLUS_MINUS

__all__ = ["FALSE_ALARMS", "BadPixels", "Gain", "dark_noise", "estimate_gain", "every_pixel", "find_bad_pixels"]

Floats = NDArray[np.float64]

FALSE_ALARMS = 1e-7
"""Probability that a good pixel is called bad."""
DARK_PART = 0.25
"""Part of the pixels, those with the darkest neighbours, whose noise is that of a pixel without light."""
BRIGHT = 5.0
"""A piece of a row that is this many standard deviations above the median of all pieces is taken to lie on a spot."""


class Gain(float):
    """Counts per electron: a float with its standard error as the attribute `error`.

    Examples
    --------
    >>> from utokyo import Gain
    >>> gain = Gain(1.83, 0.02)
    >>> gain, 2.0 * gain, gain.error
    (Gain(1.83 ± 0.02), 3.66, 0.02)
    """

    error: float

    def __new__(cls, value: float, error: float) -> Gain:
        """Make one of a value and its standard error."""
        gain = super().__new__(cls, value)
        gain.error = error
        return gain

    def __getnewargs__(self) -> tuple[float, float]:  # type: ignore[override]
        return float(self), self.error

    def __repr__(self) -> str:
        return f"Gain({float(self):.6g} {PLUS_MINUS} {self.error:.2g})"


@dataclass(frozen=True, eq=False, repr=False)
class BadPixels:
    """Pixels that must not be used, as `find_bad_pixels` finds them.

    Parameters
    ----------
    hot, dead : arrays of bool, shape (ny, nx)
        True where a pixel is too bright, or too dark.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bad_pixels
    >>> image = np.random.default_rng(1).poisson(25.0, (50, 60))
    >>> image[30, 40] = 500
    >>> bad = find_bad_pixels(image)
    >>> bad
    BadPixels(1 hot, 0 dead of 50 x 60 pixels)
    >>> np.argwhere(bad).tolist()
    [[30, 40]]
    """

    hot: NDArray[np.bool_]
    dead: NDArray[np.bool_]

    def __repr__(self) -> str:
        rows, columns = self.hot.shape
        return f"BadPixels({int(self.hot.sum())} hot, {int(self.dead.sum())} dead of {rows} x {columns} pixels)"

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """True where a pixel is hot or dead, shape (ny, nx)."""
        return np.asarray(self.hot | self.dead)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The mask, so that it can be used as an array of bool."""
        del copy  # a new array each time
        return self.mask if dtype is None else self.mask.astype(dtype)


def estimate_gain(images: ArrayLike, *, mask: ArrayLike | None = None, read_noise: float = 0.0) -> Gain:
    """Counts per electron, from the noise of images.

    Parameters
    ----------
    images : array, shape (ny, nx) or (k, ny, nx)
        Counts without the camera's offset. Several images of the same light (references) are much better than one.
    mask : array of bool, shape (ny, nx), optional
        True for pixels to leave out; without it, those that `find_bad_pixels` marks.
    read_noise : float
        Standard deviation of a pixel without light, counts.

    Returns
    -------
    Gain
        A float with the attribute `error`, the standard error.

    Raises
    ------
    InputError
        When the images are no matrices, or hold no light.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import estimate_gain
    >>> gain = estimate_gain(2.0 * np.random.default_rng(1).poisson(30.0, (6, 50, 60)))
    >>> abs(gain - 2.0) < 4.0 * gain.error
    True
    """
    stack = _stack_of(images)
    if mask is None:
        used = (~find_bad_pixels(stack).mask).astype(np.float64)
    else:
        used = (~np.asarray(mask, dtype=bool)).astype(np.float64)
    if used.shape != stack.shape[1:]:
        raise InputError(f"the mask has the shape {used.shape}, the images {stack.shape[1:]}")
    if len(stack) == 1:
        return _gain_of_one(np.where(used > 0.0, stack[0], 0.0), used, read_noise)
    good = used > 0.0
    counts = stack[:, good]
    light = counts.mean(axis=1)
    if not np.all(light > 0.0):
        raise InputError("the gain cannot be estimated from images without light")
    # The total light may change from image to image: each image is scaled to the mean of all, and its noise with it.
    scale = light.mean() / light
    excess = (counts * scale[:, None]).var(axis=0, ddof=1) - read_noise**2 * float(np.mean(scale**2))
    per_gain = float(counts.mean()) * float(scale.mean())
    gain = float(excess.mean()) / per_gain
    scatter = float(np.std(excess - gain * float(scale.mean()) * counts.mean(axis=0)))
    return Gain(gain, scatter / math.sqrt(excess.size) / per_gain)


def find_bad_pixels(images: ArrayLike, *, gain: float | None = None) -> BadPixels:
    """Hot and dead pixels.

    Parameters
    ----------
    images : array, shape (ny, nx) or (k, ny, nx)
        Counts of one image, or of several (references), which are summed.
    gain : float, optional
        Counts per electron; without it, guessed from the differences of neighbouring pixels.

    Returns
    -------
    BadPixels
        `hot`, `dead`, and both as `mask`, which `fit_gaussian` takes.

    Raises
    ------
    InputError
        When the images are no matrices, or hold infinite or missing counts.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bad_pixels
    >>> image = np.random.default_rng(1).poisson(25.0, (50, 60))
    >>> image[10, 20] = 0
    >>> bool(find_bad_pixels(image).dead[10, 20])
    True
    """
    stack = _stack_of(images)
    counts = stack[0] if len(stack) == 1 else stack.sum(axis=0)
    positive = np.maximum(counts, 0.0) if counts.min() < 0.0 else counts
    noise = pixel_noise(positive, every_pixel(counts.shape))
    # Speckle adds to the differences of neighbours: with a given gain alone, good pixels would be called bad.
    noise = noise if gain is None else max(gain, noise)
    marks = np.empty(counts.shape, np.uint8)
    mark_bad_pixels(positive, noise, -math.log(FALSE_ALARMS), marks)
    return BadPixels(marks == HOT, marks == DEAD)


def dark_noise(counts: Floats, used: Floats) -> float:
    """Standard deviation of a pixel where an image is darkest.

    Of an image whose background was subtracted, this is the noise of a pixel without light: that of the background, of
    what was subtracted, and of the camera. It is taken from the second differences along the rows, which a slope of the
    light does not change, where the rows above and below are darkest: these have noise of their own, so that the choice
    does not make it smaller.

    Parameters
    ----------
    counts, used : float64, shape (ny, nx)
        Counts; 1 where a pixel is used, 0 elsewhere. At least 3 rows and 3 columns.

    Returns
    -------
    float
        Counts; 0 where no three neighbours are used.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.engine.fits.images.camera_noise import dark_noise
    >>> image = np.random.default_rng(1).normal(0.0, 5.0, (50, 60))
    >>> 4.7 < dark_noise(image, np.ones(image.shape)) < 5.3
    True
    """

    def of_three(pixels: Floats, middle: float) -> Floats:
        return pixels[:, :-2] + middle * pixels[:, 1:-1] + pixels[:, 2:]

    beside = of_three(counts[:-2] + counts[2:], 1.0)
    good = of_three(used[:-2] + used[1:-1] + used[2:], 1.0) == 9.0
    if not good.any():
        return 0.0
    dark = good & (beside <= np.quantile(beside[good], DARK_PART))
    return math.sqrt(float(np.mean(of_three(counts[1:-1], -2.0)[dark] ** 2)) / 6.0)


def _gain_of_one(counts: Floats, used: Floats, read_noise: float) -> Gain:
    """The gain from the differences of neighbours in one image."""
    sums = np.empty((max(1, counts.size // PIECE), 2))
    pieces = sums[: second_differences(np.ascontiguousarray(counts), used, sums)]
    if not pieces.size or not pieces[:, 1].sum() > 0.0:
        raise InputError("the gain cannot be estimated from an image without light, or one that is masked")
    # Across a spot the light is not linear: pieces much brighter than most are left out.
    typical = float(np.median(pieces[:, 1]))
    spread = math.sqrt((float(np.median(pieces[:, 0])) + read_noise**2) / PIECE)
    pieces = pieces[pieces[:, 1] <= typical + BRIGHT * spread] if typical > 0.0 else pieces
    mean = pieces[:, 1].mean()
    excess = pieces[:, 0] - read_noise**2
    gain = float(excess.mean() / mean)
    # The error of a ratio of two sums, from the scatter of the contributions of the pieces.
    scatter = float(np.std(excess - gain * pieces[:, 1]))
    return Gain(gain, scatter / math.sqrt(len(pieces)) / float(mean))


def _stack_of(images: ArrayLike) -> Floats:
    """Counts, shape (k, ny, nx)."""
    stack = np.ascontiguousarray(images, dtype=np.float64)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or min(stack.shape) < 1 or min(stack.shape[1:]) < 3:
        raise InputError(f"images have rows and columns, 3 x 3 pixels or more, not the shape {stack.shape}")
    if not math.isfinite(float(stack.sum())):
        raise InputError("images with infinite or missing counts tell neither gain nor bad pixels")
    return stack


@lru_cache(maxsize=8)
def every_pixel(shape: tuple[int, ...]) -> Floats:
    """An array of ones, kept because making it for each of thousands of images takes as long as a step of the fit.

    Do not write to it.
    """
    return np.ones(shape)  # not read-only: kernels would be compiled twice
