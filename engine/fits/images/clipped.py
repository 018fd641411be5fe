"""Pixels at the largest number that a camera can write, or at the smallest: they have this much light or more, or less.

Their part of the likelihood is the probability of that many counts or more, in place of that of one number (a censored
observation). For counts of Poisson's kind, the probability that n or more are seen where mu are expected is that of a
gamma distribution, by the cube root of which it is nearly normal (E. B. Wilson & M. M. Hilferty, Proc. Natl. Acad. Sci.
17 (1931) 684). Where read noise was cut off at zero, noise is normal. The second derivative is that of the likelihood
as it was observed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ....kernels.images.rotated import MIDDLE, NODE, SIDE

__all__ = ["Clipped", "clipped_of", "floored_of"]

Floats = NDArray[np.float64]

FULL_SCALES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Largest numbers of cameras of 8, 10, 12, 14 and 16 bits."""
FEWEST_AT_FULL_SCALE = 2
"""Pixels with such a number, at least, when it is the largest and they are taken to be clipped."""
FEWEST_CLIPPED = 5
"""Fewest pixels of any other largest value that are taken to be clipped."""
CROWDED = 3.0
"""They are so many times as many as those of the next values below, on average over `BELOW` of them."""
BELOW = 8


@dataclass(frozen=True, eq=False)
class Clipped:
    """Clipped pixels of the part of an image that is fitted.

    Parameters
    ----------
    rows, columns : array of int64, shape (n,)
        Their places.
    limit : float
        Counts that they have or exceed, without a shift.
    shift, gain : float
        The shift of the counts for the read noise, and counts per electron.
    light : array of float64, shape (n,), optional
        Light of the reference there.
    is_floor : bool
        Whether they have that many counts or less.
    noise : array of float64, shape (n,), optional
        Standard deviations there, counts, where they are floors.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    limit: float
    shift: float = 0.0
    gain: float = 1.0
    light: Floats | None = None
    is_floor: bool = False
    noise: Floats | None = None

    def __len__(self) -> int:
        return self.rows.size

    def with_noise(self, shift: float, gain: float, mean: Floats) -> Clipped:
        """The same pixels, with another shift and gain, in an image of this shifted mean."""
        noise = np.sqrt(gain * np.maximum(mean[self.rows, self.columns], 0.0)) if self.is_floor else None
        return replace(self, shift=shift, gain=gain, noise=noise)

    def add(self, mean: Floats, slopes: Floats, score: Floats, information: Floats) -> float:
        """Add their part to score and information; returned is that of the negative log-likelihood, in counts.

        Parameters
        ----------
        mean : array of float64, shape (n,)
            Shifted mean counts there.
        slopes : array of float64, shape (p, n)
            Derivatives of the mean by the parameters.
        score, information : array of float64, shapes (p,) and (p, p)
            Written.
        """
        if not np.all(mean > 0.0):
            return math.inf
        z, z_slope = self._normal_below(mean) if self.is_floor else self._normal_above(mean)
        log_p = special.log_ndtr(z)
        ratio = np.exp(-0.5 * z**2 - log_p) / math.sqrt(2.0 * math.pi)
        score -= self.gain * (slopes @ (ratio * z_slope))
        bend = ratio * (ratio + z) * z_slope**2
        information += self.gain * (slopes * np.maximum(bend, 0.0)) @ slopes.T
        return -self.gain * float(np.sum(log_p))

    def _normal_above(self, mean: Floats) -> tuple[Floats, Floats]:
        """The standard normal number that stands for the limit or more, and its derivative by the mean."""
        electrons = (self.limit + self.shift) / self.gain
        root = np.cbrt(mean / self.gain / electrons)
        z = 3.0 * math.sqrt(electrons) * (root - 1.0 + 1.0 / (9.0 * electrons))
        return z, math.sqrt(electrons) * root / mean

    def _normal_below(self, mean: Floats) -> tuple[Floats, Floats]:
        """The same for the limit or less. The noise is taken as known, as in the score of the other pixels."""
        deviation = np.sqrt(self.gain * mean) if self.noise is None else self.noise
        return (self.limit + self.shift - mean) / deviation, -1.0 / deviation

    def upright(self, parameters: Floats, x: Floats, y: Floats, score: Floats, information: Floats) -> float:
        """The part of a spot whose profiles along both axes are `x` and `y` (see `pixel_profile`)."""
        across, down = x[:, self.columns], y[:, self.rows]
        amplitude = parameters[0]
        slopes = np.empty((parameters.size, len(self)))
        slopes[0] = down[0] * across[0]
        slopes[1] = amplitude * down[0] * across[1]
        slopes[2] = amplitude * down[1] * across[0]
        slopes[3] = amplitude * down[0] * across[2]
        slopes[4] = amplitude * down[2] * across[0]
        return self._on_background(amplitude * slopes[0], slopes, 5, parameters, score, information)

    def turned(self, parameters: Floats, score: Floats, information: Floats) -> float:
        """The part of a turned spot: A, x0, y0, S_xx, S_xy, S_yy, C[, s]."""
        amplitude, x0, y0, s_xx, s_xy, s_yy = parameters[:6].tolist()
        determinant = s_xx * s_yy - s_xy**2
        if not (s_xx > 0.0 and s_yy > 0.0 and determinant > 0.0):
            return math.inf
        p_xx, p_xy, p_yy = s_yy / determinant, -s_xy / determinant, s_xx / determinant
        unit = 1.0 / (2.0 * math.pi * math.sqrt(determinant))
        moments = np.zeros((6, len(self)))
        weights = SIDE, MIDDLE, SIDE  # of the points of a quadrature over a pixel
        for i, weight_y in enumerate(weights):
            for j, weight_x in enumerate(weights):
                u, v = self.columns + (j - 1) * NODE - x0, self.rows + (i - 1) * NODE - y0
                a, b = p_xx * u + p_xy * v, p_xy * u + p_yy * v
                density = weight_x * weight_y * unit * np.exp(-0.5 * (a * u + b * v))
                moments += density * np.stack([np.ones_like(a), a, b, a * a, a * b, b * b])
        slopes = np.empty((parameters.size, len(self)))
        slopes[0], slopes[1:3] = moments[0], amplitude * moments[1:3]
        slopes[3] = 0.5 * amplitude * (moments[3] - p_xx * moments[0])
        slopes[4] = amplitude * (moments[4] - p_xy * moments[0])
        slopes[5] = 0.5 * amplitude * (moments[5] - p_yy * moments[0])
        return self._on_background(amplitude * moments[0], slopes, 6, parameters, score, information)

    def _on_background(
        self, spot: Floats, slopes: Floats, level: int, parameters: Floats, score: Floats, information: Floats
    ) -> float:
        slopes[level] = 1.0
        mean = spot + parameters[level]
        if self.light is not None:
            slopes[level + 1] = self.light
            mean = mean + parameters[level + 1] * self.light
        return self.add(mean, slopes, score, information)


def clipped_of(counts: Floats, used: Floats, saturation: float | None, light: Floats | None = None) -> Clipped | None:
    """The pixels of an image that are clipped; None where none are.

    Parameters
    ----------
    counts, used : array of float64, shape (ny, nx)
        Counts without a shift; 1 where a pixel is used, 0 elsewhere.
    saturation : float, optional
        Counts from which on a pixel is clipped. Without it: the largest value, where several pixels share it, and it is
        the largest number of a camera, or much more frequent than the values below.
    light : array of float64, shape (ny, nx), optional
        Of a reference.
    """
    limit = float(counts.max()) if saturation is None else saturation
    at_top = counts >= limit
    number = int(np.count_nonzero(at_top))
    if not number or not limit > 0.0 or (saturation is None and not _is_clip(limit, number, counts, used)):
        return None
    rows, columns = np.nonzero(at_top & (used > 0.0))
    if not rows.size:
        return None
    return Clipped(rows, columns, limit, light=None if light is None else light[rows, columns])


def floored_of(counts: Floats, used: Floats, light: Floats | None = None) -> Clipped | None:
    """The pixels at zero of an image with read noise, where they are so many that what was below is among them."""
    if counts.min() < 0.0:
        return None
    at_zero = (counts == 0.0) & (used > 0.0)
    number = int(np.count_nonzero(at_zero))
    if number < FEWEST_CLIPPED:
        return None
    values, numbers = np.unique(counts[used > 0.0], return_counts=True)
    if values.size <= BELOW or number < CROWDED * float(np.mean(numbers[1 : 1 + BELOW])):
        return None
    rows, columns = np.nonzero(at_zero)
    half_step = 0.5 if bool(np.all(values == np.round(values))) else 0.0
    return Clipped(rows, columns, half_step, light=None if light is None else light[rows, columns], is_floor=True)


def _is_clip(largest: float, number: int, counts: Floats, used: Floats) -> bool:
    """Whether so many pixels of the largest value are no chance."""
    if largest in FULL_SCALES:
        return number >= FEWEST_AT_FULL_SCALE
    if number < FEWEST_CLIPPED:
        return False
    values, numbers = np.unique(counts[used > 0.0], return_counts=True)
    return bool(values.size > BELOW and number >= CROWDED * float(np.mean(numbers[-1 - BELOW : -1])))
