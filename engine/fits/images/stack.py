"""Fits of many small images at once, each of which was cut out around one spot.

Likelihood and steps are those of `fit_gaussian`, without its search, its test for stray light, its significance and its
goodness of fit: each fit starts at the brightest pixels, and gives parameters and covariance. The images are divided
among threads, which run in parallel because the kernel releases the GIL.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....io.errors import InputError
from ....kernels.images.stack import fit_stack
from .found import NAMES
from .likelihood import FEWEST_PIXELS

__all__ = ["StackFit", "fit_gaussian_stack"]

Floats = NDArray[np.float64]

ENOUGH = 1e-3
"""A fit has converged when it is closer to the minimum than this many standard errors."""
MOST_STEPS = 50
"""Most steps of Newton for an image; a fit that needs more has not converged."""
TOGETHER = 512
"""Images that a thread takes at a time."""
SMALLEST_SIGMA, LARGEST_SIGMA = 0.3, 0.5
"""The widths of a valid fit are above the first (pixels) and below the second (fraction of a side of the image)."""


@dataclass(frozen=True, eq=False, repr=False)
class StackFit:
    """The answers of `fit_gaussian_stack`, one element an image.

    Parameters
    ----------
    names : tuple of str
        Names of the parameters, the last axis of the arrays: A, x0, y0, sigma_x, sigma_y, C.
    values, errors : array of float64, shape (n, 6)
        Estimates and standard errors, in counts, pixels and counts per pixel; errors are nan where a fit failed.
    covariance : array of float64, shape (n, 6, 6)
    nll : array of float64, shape (n,)
        Negative log-likelihood: sum of mu - n log mu, over the gain where it was given.
    gain : array of float64, shape (n,)
        Counts per electron: as given, or estimated as chi-square per degree of freedom of each image.
    valid : array of bool, shape (n,)
        True where the fit converged and has a covariance, its centre is inside the image, and its widths are between
        0.3 pixels and half a side of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian_stack, gaussian_image
    >>> values = {"A": 2000.0, "x0": 7.0, "y0": 7.0, "sigma_x": 1.5, "sigma_y": 2.0, "C": 5.0}
    >>> stack = np.random.default_rng(1).poisson(gaussian_image(values, (15, 15)), (4, 15, 15))
    >>> fit = fit_gaussian_stack(stack, gain=1.0)
    >>> fit
    StackFit(4 images, 4 of them valid)
    >>> fit["A"].shape, fit.to_frame().columns[:4]
    ((4,), ['A', 'A_unc', 'x0', 'x0_unc'])
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    covariance: Floats
    nll: Floats
    gain: Floats
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, name: str) -> Floats:
        """Estimates of one parameter, shape (n,)."""
        return self.values[:, self.names.index(name)]

    def __repr__(self) -> str:
        return f"StackFit({len(self)} image{'' if len(self) == 1 else 's'}, {int(self.valid.sum())} of them valid)"

    def to_frame(self) -> pl.DataFrame:
        """A table with one row for each image, and the columns ``A``, ``A_unc``, ..., ``nll``, ``gain``, ``valid``."""
        columns: dict[str, NDArray[np.generic]] = {}
        for k, name in enumerate(self.names):
            columns |= {name: self.values[:, k], f"{name}_unc": self.errors[:, k]}
        return pl.DataFrame({**columns, "nll": self.nll, "gain": self.gain, "valid": self.valid})


def fit_gaussian_stack(
    stack: ArrayLike, *, gain: float | None = None, read_noise: float = 0.0, threads: int | None = None
) -> StackFit:
    """Fit a 2D Gaussian on a flat background to every image of a stack.

    Parameters
    ----------
    stack : array, shape (n, ny, nx)
        Counts; images of 5 x 5 pixels or more, each with one spot.
    gain : float, optional
        Counts per electron. Without it, the gain is estimated in each image, with a large error in small ones.
    read_noise : float
        Standard deviation of a pixel without light, counts; needs the gain.
    threads : int, optional
        Number of threads; by default, the number of processors.

    Returns
    -------
    StackFit

    Raises
    ------
    InputError
        When it is not a stack of images of 5 x 5 pixels or more, when counts are infinite or missing or, without read
        noise, negative, or when the gain or the read noise is not possible.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian_stack, gaussian_image
    >>> values = {"A": 2000.0, "x0": 7.0, "y0": 7.0, "sigma_x": 1.5, "sigma_y": 2.0, "C": 5.0}
    >>> stack = np.random.default_rng(1).poisson(gaussian_image(values, (15, 15)), (100, 15, 15))
    >>> fit = fit_gaussian_stack(stack, gain=1.0)
    >>> pulls = (fit["A"] - values["A"]) / fit.errors[:, 0]
    >>> bool(np.all(np.abs(pulls) < 5.0))
    True
    """
    shift = _shift(gain, read_noise)
    counts = _counts_of(stack, shift)
    n = len(counts)
    values, covariance = np.empty((n, 6)), np.empty((n, 6, 6))
    nll, distances, chi_squares = np.empty(n), np.empty(n), np.empty(n)

    def fit(first: int) -> None:
        part = slice(first, first + TOGETHER)
        fit_stack(
            counts[part],
            ENOUGH,
            MOST_STEPS,
            values[part],
            nll[part],
            distances[part],
            chi_squares[part],
            covariance[part],
        )

    with ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="stack") as pool:
        list(pool.map(fit, range(0, n, TOGETHER)))
    gains = np.full(n, gain) if gain is not None else chi_squares / (counts[0].size - len(NAMES) if n else 1)
    covariance *= gains[:, None, None]
    values[:, 5] -= shift
    errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    valid = (distances < ENOUGH) & np.all(np.isfinite(errors), axis=1) & _are_spots(values, counts.shape[1:])
    return StackFit(NAMES, values, errors, covariance, nll / (gain or 1.0), gains, np.asarray(valid))


def _shift(gain: float | None, read_noise: float) -> float:
    """The shift of the counts for the read noise: read_noise^2 / gain, counts."""
    if gain is not None and not 0.0 < gain < math.inf:
        raise InputError(f"gain should be a positive number of counts per electron, not {gain!r}")
    if not 0.0 <= read_noise < math.inf or (read_noise > 0.0 and gain is None):
        raise InputError(f"read_noise={read_noise!r} should be 0 or more counts, and needs a gain")
    return read_noise**2 / gain if gain is not None else 0.0


def _counts_of(stack: ArrayLike, shift: float) -> Floats:
    """The shifted counts of a stack; `InputError` when they cannot be fitted."""
    counts = np.ascontiguousarray(stack, dtype=np.float64)
    if counts.ndim != 3 or min(counts.shape[1:]) < FEWEST_PIXELS:
        raise InputError(f"a stack has images of {FEWEST_PIXELS} x {FEWEST_PIXELS} pixels or more, not {counts.shape}")
    if shift:
        counts = counts + shift
    low, high = (counts.min(), counts.max()) if counts.size else (0.0, 0.0)
    if not np.isfinite(low) or not np.isfinite(high) or (low < 0.0 and not shift):
        raise InputError("a stack with negative, infinite or missing counts cannot be fitted")
    return counts


def _are_spots(values: Floats, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether each centre is inside the image, and the widths are those of a spot; shape (n,)."""
    rows, columns = shape
    _, x0, y0, sigma_x, sigma_y, _ = values.T
    inside = (x0 > -0.5) & (x0 < columns - 0.5) & (y0 > -0.5) & (y0 < rows - 0.5)
    narrow = (sigma_x < LARGEST_SIGMA * columns) & (sigma_y < LARGEST_SIGMA * rows)
    return np.asarray(inside & narrow & (np.minimum(sigma_x, sigma_y) > SMALLEST_SIGMA))
