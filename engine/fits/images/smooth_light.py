"""Light that varies slowly over an image, however it does: medians of blocks, and lines between them.

A spot fills less than half of a block, so that the median of its pixels hardly knows of it. Beside this, the light that
an image itself gives as a reference: a smooth mean of it without what stands out. A median is below the mean where
light is speckled, by 1 to 9 % of it, and by more where there is more light: as a reference it takes too little off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from .blocks import block_sums
from .likelihood import SpotLikelihood

__all__ = ["BLOCKS", "remarks_on_reference", "smooth_level", "smooth_reference", "stands_out"]

Floats = NDArray[np.float64]

BLOCKS = 7, 3
"""Blocks along the shorter side of an image, and of one of which a spot takes a large part."""
WIDTH, CORE = 12.0, 2.0
"""Pixels over which a reference is smooth, and over which light is summed to see what stands out of it."""
OUTSTANDING = 3.5
"""Standard deviations from which on light stands out, and is left out."""
REACH = 3.0
"""Around light that stands out, so many times `CORE` are left out, too."""
ROUNDS = 6
"""How often what stands out is looked for."""
DIFFERENT, SURE = 0.01, 5.0
"""Part of the light, and standard deviations, by which a reference differs from the image by place, when it is said."""
BOX, APART, FEWEST_BOXES = 1.5, 3.0, 16
"""Half the side of the boxes that are compared, in widths; how far others are, in halves of a side; and how many of
them there have to be."""
OUT, MAD = 4.0, 1.4826
"""Standard deviations of the boxes from which on one stands out; one of them, in median absolute deviations."""
LEAST_BLOCK = 6
"""Their side, pixels, at least."""


def smooth_level(problem: SpotLikelihood, blocks: int) -> Floats:
    """The slowly varying light of an image, shifted counts per pixel, shape (ny, nx).

    Parameters
    ----------
    problem : SpotLikelihood
    blocks : int
        Along the shorter side.
    """
    rows, columns = problem.counts.shape
    side = max(LEAST_BLOCK, min(rows, columns) // blocks)
    down, across = max(1, rows // side), max(1, columns // side)
    y_ends, x_ends = (np.linspace(0, n, k + 1).round().astype(int) for n, k in ((rows, down), (columns, across)))
    medians = np.full((down, across), np.nan)
    for a in range(down):
        for b in range(across):
            part = np.s_[y_ends[a] : y_ends[a + 1], x_ends[b] : x_ends[b + 1]]
            seen = problem.counts[part][problem.used[part] > 0.0]
            if seen.size:
                # The mean of the middle half: a median of few counts is a whole number.
                quarter = seen.size // 4
                medians[a, b] = float(np.sort(seen)[quarter : seen.size - quarter].mean())
    least = max(problem.least_background, 1e-6)
    medians = np.maximum(np.where(np.isfinite(medians), medians, np.nanmedian(medians)), least)
    y, x = (0.5 * (ends[:-1] + ends[1:] - 1) for ends in (y_ends, x_ends))
    level = _along(_along(medians, x, columns).T, y, rows).T
    return np.ascontiguousarray(np.maximum(level, least))


def stands_out(problem: SpotLikelihood, level: Floats, blocks: int, start: Floats) -> bool:
    """Whether there is more light at a place than at others, in units of how much these differ.

    Parameters
    ----------
    problem : SpotLikelihood
    level : array of float64, shape (ny, nx)
        As `smooth_level` gives it for so many `blocks`.
    blocks : int
    start : array of float64, shape (5,)
        A, x0, y0, sigma_x, sigma_y of the place.
    """
    if 2.0 * float(start[3]) > min(problem.counts.shape) / blocks:
        return False  # a part of the light itself: a median of a block would have most of it
    half = max(1, round(BOX * float(start[3])))
    excess = np.pad(np.cumsum(np.cumsum((problem.counts - level) * problem.used, axis=0), axis=1), ((1, 0), (1, 0)))
    expected = np.pad(np.cumsum(np.cumsum(level * problem.used, axis=0), axis=1), ((1, 0), (1, 0)))

    def of_boxes(y: NDArray[np.int64], x: NDArray[np.int64]) -> Floats:
        (rows, columns), ends = problem.counts.shape, []
        for centre, size in ((y, rows), (x, columns)):
            ends.append((np.clip(centre - half, 0, size), np.clip(centre + half + 1, 0, size)))
        (top, bottom), (left, right) = ends
        sums = [s[bottom, right] - s[top, right] - s[bottom, left] + s[top, left] for s in (excess, expected)]
        return np.asarray(sums[0] / np.sqrt(np.maximum(sums[1], 1e-12) * problem.noise))

    x0, y0 = round(float(start[1])), round(float(start[2]))
    grid = np.mgrid[half : problem.counts.shape[0] : half, half : problem.counts.shape[1] : half].reshape(2, -1)
    y, x = grid[:, np.hypot(grid[0] - y0, grid[1] - x0) > APART * half]
    if y.size < FEWEST_BOXES:
        return True
    others = of_boxes(y, x)
    middle = float(np.median(others))
    scatter = MAD * float(np.median(np.abs(others - middle)))
    here = float(of_boxes(np.array([y0]), np.array([x0]))[0]) - middle
    return here > OUT * max(scatter, 1.0)


def _along(values: Floats, places: Floats, size: int) -> Floats:
    """Lines between the values of each row, and beyond the first and the last of them, at all pixels of an axis."""
    if places.size < 2:
        return np.repeat(values, size, axis=1)
    at = np.arange(size)
    left = np.clip(np.searchsorted(places, at) - 1, 0, places.size - 2)
    part = (at - places[left]) / (places[left + 1] - places[left])
    return np.asarray(values[:, left] * (1.0 - part) + values[:, left + 1] * part)


def smooth_reference(image: ArrayLike, *, width: float = WIDTH, mask: ArrayLike | None = None) -> Floats:
    """The smooth light of an image itself, without its spot, as a `reference` for the fit of that image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    width : float
        Pixels over which it is smooth; at least twice the width of the spot.
    mask : array of bool, shape (ny, nx), optional
        True for pixels to leave out.

    Returns
    -------
    array of float64, shape (ny, nx)
        Counts: a mean of the pixels around each, weighted by a Gaussian, without those that stand out.

    Raises
    ------
    InputError
        When it is no image, has infinite or missing counts that are not masked, or the width is not above zero.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image, smooth_reference
    >>> truth = {"A": 9000.0, "x0": 60.0, "y0": 50.0, "sigma_x": 4.0, "sigma_y": 4.0, "C": 0.0}
    >>> light = 20.0 + np.hypot(*np.indices((100, 120))) / 5.0
    >>> image = np.random.default_rng(1).poisson(light + gaussian_image(truth, (100, 120)))
    >>> fit = fit_gaussian(image, reference=smooth_reference(image))
    >>> abs(fit.values["A"] - 9000.0) < 4.0 * fit.errors["A"]
    True
    """
    from scipy import ndimage  # noqa: PLC0415 (no fit needs it, and it takes longer to import than a fit)

    counts = np.asarray(image, dtype=np.float64)
    if counts.ndim != 2:
        raise InputError(f"an image has rows and columns, not the shape {counts.shape}")
    if not 0.0 < width < math.inf:
        raise InputError(f"width should be a number of pixels above 0, not {width!r}")
    good = np.ones(counts.shape) if mask is None else (~np.asarray(mask, dtype=bool)).astype(np.float64)
    if good.shape != counts.shape:
        raise InputError(f"the mask has the shape {good.shape}, the image {counts.shape}")
    counts = np.where(good > 0.0, counts, 0.0)
    if not np.all(np.isfinite(counts)) or not good.any():
        raise InputError("an image with infinite or missing counts, or all of them masked, is no reference")

    def smooth(light: Floats, weights: Floats, size: float) -> Floats:
        covered = ndimage.gaussian_filter(weights, size, mode="constant")
        of_light = ndimage.gaussian_filter(light * weights, size, mode="constant")
        return np.asarray(of_light / np.maximum(covered, 1e-12))

    kept = good
    level = np.full(counts.shape, float(np.median(counts[good > 0.0])))
    for _ in range(ROUNDS):
        above = smooth(counts - level, good, CORE)
        middle = float(np.median(above))
        scatter = 1.4826 * float(np.median(np.abs(above - middle)))
        out = (np.abs(above - middle) > OUTSTANDING * scatter).astype(np.float64)
        near = ndimage.gaussian_filter(out, REACH * CORE, mode="constant") > 0.05
        kept = np.where(near, 0.0, good)
        if not kept.sum() > 0.3 * good.sum():
            kept = good
        level = smooth(counts, kept, width)
        empty = ndimage.gaussian_filter(kept, width, mode="constant") < 1e-6
        level[empty] = float(np.sum(counts * kept) / np.sum(kept))
    return level


def remarks_on_reference(problem: SpotLikelihood, mean: Floats, gain: float) -> Iterator[str]:
    """Where the light of a reference differs from that of the image by place: that, and by how much.

    Parameters
    ----------
    problem : SpotLikelihood
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    gain : float
        Counts per electron.
    """
    rows, columns = problem.counts.shape
    side = max(LEAST_BLOCK, min(rows, columns) // BLOCKS[0])
    y_ends, x_ends = (np.append(np.arange(0, n - side + 1, side), n) for n in (rows, columns))
    residual = block_sums((problem.counts - mean) * problem.used, y_ends, x_ends)
    light = block_sums((mean - problem.shift) * problem.used, y_ends, x_ends)
    noise = gain * block_sums(mean * problem.used, y_ends, x_ends)
    seen = (light > 0.0) & (noise > 0.0)
    if np.count_nonzero(seen) < BLOCKS[0]:
        return
    excess = np.mean((residual[seen] ** 2 - noise[seen]) / light[seen] ** 2)
    chi_square = np.mean(residual[seen] ** 2 / noise[seen])
    part = math.sqrt(max(float(excess), 0.0))
    if part > DIFFERENT and chi_square - 1.0 > SURE * math.sqrt(2.0 / np.count_nonzero(seen)):
        yield (
            f"the reference's light differs from the image's by place, by {100.0 * part:.1g} % (a median of the image "
            "is below the mean of speckled light: smooth_reference(image) is not)"
        )
