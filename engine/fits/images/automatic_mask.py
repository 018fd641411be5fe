"""Pixels to leave out, found in the image itself: hot and dead ones, whole columns and rows, and tracks of cosmic rays.

A column is compared with the two on either side, row by row: the median of the differences is that of no spot, which
covers few of its rows, or many columns. A cosmic ray makes a few pixels far brighter, and leaves those around them as
they were; a spot, however narrow, falls off over some pixels.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ....io.errors import InputError
from ....kernels.images.search import pixel_noise
from .camera_noise import every_pixel, find_bad_pixels

__all__ = ["automatic_mask", "mask_of"]

Floats = NDArray[np.float64]

LINE = 8.0
"""Standard deviations by which a column or a row differs from those beside it, at least, when it is left out."""
MOST_ADJACENT = 2
"""Columns, side by side, that may be left out: more are a structure of the light."""
MOST_LINES = 32
"""Columns that are left out at most, and rows."""
BRIGHT = 8.0
"""Standard deviations of a pixel of a cosmic ray above the median around it, at least."""
MOST_PIXELS = 4
"""Pixels of one cosmic ray."""
FALLS_TO = 0.2
"""Part of its largest excess to which the pixels beside it have fallen, at least."""
FEW_COUNTS = 3.0
"""Noise of a pixel, counts, below which a median of whole numbers is known to no better than one."""
MOST, OF_MOST = 0.95, 0.76
"""Part of the squared differences of neighbours, the smallest ones, that tell their noise, and the mean of these in
units of the mean of all where these are of normal numbers."""
ERROR_OF_MEDIAN = 1.2533
"""Standard error of a median, in units of that of a mean."""
MAD = 1.4826
"""A standard deviation, in units of the median absolute deviation."""
AROUND = 3
"""Side of the square whose median is the light around a pixel."""
SMALLEST = 9
"""Fewest rows and columns of an image in which columns are looked at."""


def mask_of(image: ArrayLike, mask: ArrayLike | str | None) -> tuple[Any, Any]:
    """Counts without their mask, and all masks together: that of a masked array, one that is given or found.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts, perhaps a masked array.
    mask : array of bool, shape (ny, nx), "auto" or None
        As `fit_gaussian` takes it.

    Raises
    ------
    InputError
        When the mask is another word.
    """
    hidden = None
    if isinstance(image, np.ma.MaskedArray):
        hidden, image = np.ma.getmaskarray(image), image.data
    if isinstance(mask, str):
        if mask != "auto":
            raise InputError(f"mask should be an array of the shape of the image, 'auto' or None, not {mask!r}")
        mask = automatic_mask(image, hidden)
    elif mask is not None and hidden is not None:
        mask = np.asarray(mask, dtype=bool)
        if mask.shape != hidden.shape:
            raise InputError(f"the mask has the shape {mask.shape}, the image {hidden.shape}")
        mask = mask | hidden
    elif hidden is not None:
        mask = hidden
    return image, mask


def automatic_mask(image: ArrayLike, hidden: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Find the pixels to leave out of an image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    hidden : array of bool, shape (ny, nx), optional
        Pixels that are left out in any case, whose counts may be anything.

    Returns
    -------
    array of bool, shape (ny, nx)
        True for those to leave out, those of `hidden` included.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.engine.fits.images.automatic_mask import automatic_mask
    >>> image = np.random.default_rng(1).poisson(25.0, (50, 60))
    >>> image[:, 7] += 20
    >>> image[30, 40:42] = 500
    >>> bad = automatic_mask(image)
    >>> bool(bad[:, 7].all()), bad[30, 40:42].tolist(), int(bad.sum())
    (True, [True, True], 52)
    """
    counts = np.array(image, dtype=np.float64)
    if hidden is not None and hidden.any():
        counts[hidden] = np.median(counts[~hidden]) if not hidden.all() else 0.0
    mask = np.zeros(counts.shape, np.bool_) if hidden is None else hidden.copy()
    mask |= find_bad_pixels(counts).mask
    for axis, across in ((1, counts), (0, counts.T)):
        lines = _odd_columns(across)
        if axis == 1:
            mask[:, lines] = True
        else:
            mask[lines] = True
    return np.asarray(mask | _cosmic(counts, mask))


def _odd_columns(counts: Floats) -> NDArray[np.bool_]:
    """Which columns differ from those beside them in most of their rows."""
    n = counts.shape[1]
    odd = np.zeros(n, np.bool_)
    if min(counts.shape) < SMALLEST:
        return odd
    counts = counts.copy()
    squares = 0.5 * np.diff(counts[:, : n - n % 2].reshape(-1, 2)).ravel() ** 2
    pixel = math.sqrt(float(np.mean(squares[squares <= np.quantile(squares, MOST)])) / OF_MOST)
    above, typical = _above_those_beside(counts)
    spread = MAD * float(np.median(np.abs(above - np.median(above))))
    # A median of few whole counts goes up in steps.
    step = 1.0 if pixel < FEW_COUNTS else 0.0
    least = LINE * max(spread, ERROR_OF_MEDIAN * pixel / math.sqrt(counts.shape[0])) + step
    for _ in range(MOST_LINES):  # the oddest first: those beside it look odd as long as it is there
        oddest = int(np.argmax(np.abs(above)))
        if not abs(float(above[oddest])) > least:
            break
        odd[oddest] = True
        counts[:, oddest] = typical[:, oddest]
        near = slice(max(0, oddest - 4), oddest + 5)
        above[near], typical[:, near] = (part[..., near] for part in _above_those_beside(counts, near))
    begins = np.flatnonzero(np.diff(odd.astype(np.int8), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(odd.astype(np.int8), append=0) == -1) + 1
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if end - begin > MOST_ADJACENT:
            odd[begin:end] = False
    return np.asarray(odd)


def _above_those_beside(counts: Floats, near: slice = slice(None)) -> tuple[Floats, Floats]:
    """How far each column is above those beside it, and what these have in each row, shapes (nx,) and (ny, nx).

    Only the columns of a slice are computed; the others are zero.
    """
    n = counts.shape[1]
    above, typical = np.zeros(n), np.zeros(counts.shape)
    at = np.arange(n)[near]
    padded = np.pad(counts, ((0, 0), (2, 2)), mode="reflect")
    beside = np.stack([padded[:, at + k] for k in (0, 1, 3, 4)])
    # The mean of the middle two of four: another odd column beside it does not matter.
    typical[:, at] = 0.5 * (beside.sum(axis=0) - beside.max(axis=0) - beside.min(axis=0))
    above[at] = np.median(counts[:, at] - typical[:, at], axis=0)
    return above, typical


def _cosmic(counts: Floats, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the tracks of cosmic rays."""
    around = ndimage.median_filter(np.where(mask, np.median(counts), counts), AROUND, mode="mirror")
    positive = np.maximum(counts, 0.0)
    noise = pixel_noise(positive, every_pixel(counts.shape))
    excess = np.where(mask, 0.0, counts - around)
    deviation = np.sqrt(noise * np.maximum(around, noise))
    groups, _ = ndimage.label(excess > BRIGHT * deviation, np.ones((3, 3)))
    found = np.zeros(counts.shape, np.bool_)
    for number, place in enumerate(ndimage.find_objects(groups), 1):
        rows, columns = place
        here = np.s_[max(rows.start - 1, 0) : rows.stop + 1, max(columns.start - 1, 0) : columns.stop + 1]
        inside = groups[here] == number
        if int(inside.sum()) > MOST_PIXELS:
            continue
        beside = ndimage.binary_dilation(inside, np.ones((3, 3))) & ~inside
        highest = float(excess[here][inside].max())
        if not beside.any() or float(excess[here][beside].max()) < FALLS_TO * highest:
            found[here] |= inside
    return found
