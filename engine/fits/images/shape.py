"""How far the shape of a spot departs from a Gaussian, and what that does to the numbers of the fit.

No real spot is a Gaussian to the last digit, and the brighter it is, the surer is the difference. It is looked at in
the residuals, summed over blocks of half a width: they know nothing of what the shape is instead. Where their scatter
is larger than noise makes it, three things are added to the covariance of the fit. What the residuals around each place
pull at the parameters, added up over places as though each were there by chance (the sandwich of P. J. Huber, Proc. 5th
Berkeley Symp. 1 (1967) 221, with neighbours taken together as by W. K. Newey and K. D. West, Econometrica 55 (1987)
703). The step to the least squares fit of the same pixels: were the model true, both would have one answer. And for A,
the difference to the light that is there, whatever its shape. ``benchmarks/calibrations/calibrate_shapes.py`` counts
how often these errors hold the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....kernels.images.residuals import SMOOTH, near_dispersion
from .blocks import Blocks, blocks_around
from .found import Found
from .goodness import Residuals
from .likelihood import SpotLikelihood
from .rotated import elements_of

__all__ = ["Shape", "shape_of"]

Floats = NDArray[np.float64]

BLOCK = 0.5
"""Side of a block, in widths of the spot."""
NEAR, CORE, WINGS = 3.0, 2.0, 5.0
"""Widths from the middle within which residuals tell whether the shape departs, within which by how much, and within
which they tell of light that the fit has not."""
AROUND, REACH = 4.0, 6.0
"""Widths from the middle between which blocks tell how much noise they have, beyond that of their pixels."""
FEWEST_AROUND = 16
"""Fewest blocks that tell it."""
SURE = 3.0
"""Standard deviations from which on the scatter of the blocks is more than noise."""
TOLD = 4.0
"""Standard deviations from which on that is said; below, the errors alone have it."""
TOGETHER = 1.0
"""Widths over which residuals belong together."""
MAD = 1.4826
"""A standard deviation, in units of the median absolute deviation."""
STEP = 1e-4
"""Relative step of the derivatives by the parameters."""
MODEL_ERRORS = 2.0
"""Factor of the errors that the shape makes: so many of them hold the truth as errors of noise do."""


@dataclass(frozen=True, eq=False)
class Shape:
    """How far a spot departs from the fitted Gaussian.

    Parameters
    ----------
    sure : float
        Standard deviations by which the scatter of the residuals exceeds noise.
    departure : float
        Root mean square of the residuals within two widths, noise taken off, in units of the peak; 0 when not sure.
    misplaced : float
        Half of the light that is at another place than the fit has it, within three widths, in units of A.
    covariance : array of float64, shape (n, n), optional
        To be added to that of the parameters, counts; None when the shape does not depart.
    """

    sure: float = 0.0
    departure: float = 0.0
    misplaced: float = 0.0
    covariance: Floats | None = None

    @property
    def is_told(self) -> bool:
        """Whether the departure is sure enough to be said."""
        return self.covariance is not None and self.sure > TOLD


def shape_of(problem: SpotLikelihood, found: Found, mean: Floats, residuals: Residuals, gain: float) -> Shape:
    """Look at the residuals of a spot.

    Parameters
    ----------
    problem : SpotLikelihood
    found : Found
        The spot.
    mean : array of float64, shape (ny, nx)
        Shifted mean counts of the model.
    residuals : Residuals
        Sums over those of all pixels.
    gain : float
        Counts per electron, as given, or as estimated of all residuals.
    """
    peak = _peak(found)
    if not (peak > 0.0 and np.all(np.isfinite(found.parameters)) and residuals.pairs):
        return Shape()
    # A gain that was estimated holds the misfit; the differences of neighbours hardly do.
    pixel_noise = gain if problem.gain is not None else min(gain, residuals.differences / residuals.pairs)
    x0, y0, sigma_x, sigma_y = found.parameters[1:5].tolist()
    chi_square, number, means, smooth, largest = near_dispersion(
        problem.counts, problem.used, mean, x0, y0, sigma_x, sigma_y, BLOCK, NEAR, WINGS
    )
    if not number > found.parameters.size:
        return Shape()
    per_block = 2.0 + pixel_noise * number / means

    def sureness(dispersion: float) -> float:
        variance = pixel_noise * dispersion
        of_blocks = (chi_square / variance - number) / math.sqrt(per_block * number)
        of_patterns = (smooth / variance - SMOOTH) / math.sqrt(2.0 * SMOOTH)
        return float(max(of_blocks, of_patterns, math.sqrt(largest / variance)))

    if not sureness(1.0) > SURE:  # as it is with most spots: no more time is taken
        return Shape()
    blocks = blocks_around(problem, found, mean, BLOCK, REACH)
    dispersion = _dispersion(blocks.of(blocks.within(AROUND, math.inf)), pixel_noise)
    sure = sureness(dispersion)
    if not sure > SURE:
        return Shape(sure)
    near, core = blocks.within(0.0, NEAR), blocks.within(0.0, CORE)
    if not core.any():  # masked, or clipped: nothing is known of the shape but its outer part
        core = near
    if not core.any():
        return Shape(sure)
    noise = pixel_noise * dispersion * blocks.mean
    # What noise explains is taken off: of all blocks, or of the smooth patterns, whichever tells more.
    left = max(smooth / (pixel_noise * dispersion) - SMOOTH, largest / (pixel_noise * dispersion) - 1.0)
    excess = max(chi_square / (pixel_noise * dispersion) - number, left)
    of_blocks = (blocks.residual[core] ** 2 - noise[core]) / blocks.pixels[core] ** 2
    of_patterns = left * float(np.mean(noise[core] / blocks.pixels[core])) / float(np.sum(blocks.pixels[core]))
    departure = math.sqrt(max(float(np.mean(of_blocks)), of_patterns, 0.0)) / peak
    displaced = np.sqrt(np.maximum(blocks.residual[near] ** 2 - noise[near], 0.0))
    misplaced = 0.5 * float(np.sum(displaced)) / abs(float(found.parameters[0]))
    part = max(excess / (excess + number), left / (left + SMOOTH))
    added = part * MODEL_ERRORS**2 * _covariance(problem, blocks, found, near)
    return Shape(sure, departure, misplaced, added) if sure > TOLD else Shape(sure, covariance=added)


def _peak(found: Found) -> float:
    amplitude, _, _, sigma_x, sigma_y = found.parameters[:5].tolist()
    return float(amplitude / (2.0 * math.pi * sigma_x * sigma_y))


def _dispersion(around: Blocks, pixel_noise: float) -> float:
    """Variance of the blocks beside a spot in units of that of their pixels: more than 1 in speckle."""
    if around.x.size < FEWEST_AROUND:
        return 1.0
    deviation = np.sqrt(pixel_noise * around.mean)
    plane = np.stack([around.pixels, around.pixels * around.x, around.pixels * around.y], axis=1) / deviation[:, None]
    scaled = around.residual / deviation
    scaled = scaled - plane @ np.linalg.lstsq(plane, scaled, rcond=None)[0]
    return max(1.0, (MAD * float(np.median(np.abs(scaled)))) ** 2)


def _covariance(problem: SpotLikelihood, blocks: Blocks, found: Found, near: NDArray[np.bool_]) -> Floats:
    """What the shape adds to the covariance of the parameters; zero for those that are not fitted."""
    slopes = _derivatives(problem, blocks, found)
    slopes[:, ~found.free] = 0.0
    here = blocks.of(near)
    pulls = found.inverse_information @ (slopes[near] * (here.residual / here.mean * here.pixels)[:, None]).T
    width = TOGETHER * math.sqrt(float(found.parameters[3] * found.parameters[4]))
    apart = ((here.x[:, None] - here.x) ** 2 + (here.y[:, None] - here.y) ** 2) / (2.0 * width**2)
    added = pulls @ np.exp(-apart) @ pulls.T
    free = np.flatnonzero(found.free)
    weight = np.sqrt(blocks.pixels)
    by_squares, *_ = np.linalg.lstsq(slopes[:, free] * weight[:, None], blocks.residual / weight, rcond=1e-10)
    step = np.zeros(found.parameters.size)
    step[free] = by_squares
    amplitude = np.zeros_like(step)
    amplitude[0] = float(np.sum(blocks.residual[blocks.within(0.0, WINGS)]))
    return np.asarray(added + np.outer(step, step) + np.outer(amplitude, amplitude))


def _derivatives(problem: SpotLikelihood, blocks: Blocks, found: Found) -> Floats:
    """Derivatives of the mean counts per pixel at the middle of each block, shape (n, parameters)."""
    parameters = found.parameters
    spot = 6 if found.rotated else 5
    slopes = np.empty((blocks.x.size, parameters.size))
    for k in range(spot):
        scale = float(parameters[k]) if k in (0, 3, 4) else 1.0 if k == 5 else float(parameters[3 + (k == 2)])
        ends = []
        for sign in (1.0, -1.0):
            there = parameters[:spot].copy()
            there[k] += sign * STEP * scale
            ends.append(_gaussian(blocks, there))
        slopes[:, k] = (ends[0] - ends[1]) / (2.0 * STEP * scale)
    background = problem.background_slopes(blocks.x, blocks.y)
    slopes[:, spot : spot + background.shape[1]] = background
    if problem.with_reference:
        slopes[:, -1] = blocks.light / blocks.pixels
    return slopes


def _gaussian(blocks: Blocks, spot: Floats) -> Floats:
    amplitude, x0, y0, sigma_x, sigma_y = spot[:5].tolist()
    m = elements_of(sigma_x, sigma_y, float(spot[5]) if spot.size > 5 else 0.0)
    u, v, determinant = blocks.x - x0, blocks.y - y0, m.s_xx * m.s_yy - m.s_xy**2
    square = (m.s_yy * u**2 - 2.0 * m.s_xy * u * v + m.s_xx * v**2) / determinant
    return np.asarray(amplitude / (2.0 * math.pi * math.sqrt(determinant)) * np.exp(-0.5 * square))
