"""The Poisson likelihood of a Gaussian spot whose axes are rotated against those of the image.

A rotated Gaussian is not a product of functions of x and y, and its integral over a pixel has no closed form. It is
computed by Gauss-Legendre quadrature with 3 x 3 points, with a relative error of 1e-5 for widths of one pixel, and less
for wider spots. The parameters are the elements of the covariance matrix of the spot, in which the likelihood is
regular also for a round spot. Where the noise of a reference is no part of the likelihood, that of `spots` is faster.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from .gaussian import COUNTS, FARTHEST, FRAMES, GAIN, PIXELS, SHIFT
from .reference import LEAST_MEAN, slope_without_mean, true_light

__all__ = ["MIDDLE", "NODE", "SIDE", "rotated_likelihood", "rotated_spot"]

Floats = NDArray[np.float64]

NODE = 0.5 * math.sqrt(0.6)
"""Distance of the two outer points of the quadrature from the middle of a pixel, pixels."""
SIDE, MIDDLE = 5.0 / 18.0, 8.0 / 18.0
"""Weights of the outer points and of the middle one."""


@kernel
def _pixel_moments(u: float, v: float, p_xx: float, p_xy: float, p_yy: float, out: Floats) -> None:
    """Integrals of exp(-d' P d / 2), and of its moments, over the pixel at (u, v) from the centre of the spot.

    Written to `out`: the integrals with the factors 1, a, b, a^2, a b, b^2, where (a, b) = P d.
    """
    out[:] = 0.0
    for k in range(3):
        y = v + (k - 1) * NODE
        for m in range(3):
            x = u + (m - 1) * NODE
            a, b = p_xx * x + p_xy * y, p_xy * x + p_yy * y
            weight = (MIDDLE if k == 1 else SIDE) * (MIDDLE if m == 1 else SIDE)
            density = weight * math.exp(-0.5 * (a * x + b * y))
            out[0] += density
            out[1] += density * a
            out[2] += density * b
            out[3] += density * a * a
            out[4] += density * a * b
            out[5] += density * b * b


@kernel
def rotated_spot(x0: float, y0: float, s_xx: float, s_xy: float, s_yy: float, out: Floats) -> None:
    """Integrate a rotated Gaussian of unit volume over pixels.

    Parameters
    ----------
    x0, y0 : float
        Centre, pixels.
    s_xx, s_xy, s_yy : float
        Covariance matrix of the spot, pixels^2; positive definite.
    out : float64, shape (ny, nx)
        Written.
    """
    determinant = s_xx * s_yy - s_xy * s_xy
    p_xx, p_xy, p_yy = s_yy / determinant, -s_xy / determinant, s_xx / determinant
    unit = 1.0 / (2.0 * math.pi * math.sqrt(determinant))
    moments = np.empty(6)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = 0.0
            if abs(i - y0) < FARTHEST * math.sqrt(s_yy) + 1.0 and abs(j - x0) < FARTHEST * math.sqrt(s_xx) + 1.0:
                _pixel_moments(j - x0, i - y0, p_xx, p_xy, p_yy, moments)
                out[i, j] = unit * moments[0]


@kernel
def rotated_likelihood(
    image: Floats,
    used: Floats,
    reference: Floats,
    totals: Floats,
    parameters: Floats,
    score: Floats,
    information: Floats,
) -> float:
    """Poisson likelihood of an image, with gradient and Fisher information.

    Parameters
    ----------
    image, used, reference, totals
        As in `spot_likelihood`.
    parameters : float64, shape (7,) or, with a reference, (8,)
        A, x0, y0, S_xx, S_xy, S_yy, C, s.
    score, information : float64, shapes (n,) and (n, n)
        Written, as in `spot_likelihood`.

    Returns
    -------
    float
        As `spot_likelihood`. Infinite when a mean is not positive, or S is not positive definite.
    """
    n = parameters.size
    amplitude, x0, y0 = parameters[0], parameters[1], parameters[2]
    s_xx, s_xy, s_yy, background = parameters[3], parameters[4], parameters[5], parameters[6]
    with_reference = n > 7
    scale = parameters[7] if with_reference else 0.0
    frames, shift, gain = (totals[FRAMES], totals[SHIFT], totals[GAIN]) if with_reference else (0.0, 0.0, 1.0)
    score[:] = 0.0
    information[:, :] = 0.0
    determinant = s_xx * s_yy - s_xy * s_xy
    if not (s_xx > 0.0 and s_yy > 0.0 and determinant > 1e-9 * s_xx * s_yy):
        return np.inf
    if not with_reference and not background > 0.0:
        return np.inf
    p_xx, p_xy, p_yy = s_yy / determinant, -s_xy / determinant, s_xx / determinant
    unit = 1.0 / (2.0 * math.pi * math.sqrt(determinant))
    half_x, half_y = FARTHEST * math.sqrt(s_xx) + 1.0, FARTHEST * math.sqrt(s_yy) + 1.0
    derivative, moments = np.zeros(n), np.empty(6)
    nll = inside_counts = inside_pixels = 0.0
    for i in range(image.shape[0]):
        near_row = abs(i - y0) < half_y
        if not near_row and not with_reference:
            continue
        for j in range(image.shape[1]):
            if not used[i, j] > 0.0:
                continue
            near = near_row and abs(j - x0) < half_x
            if not near and not with_reference:
                continue
            counts = image[i, j]
            inside_counts += counts
            inside_pixels += 1.0
            mean, noise, light_variance, light, given = background, 0.0, 0.0, 0.0, 0.0
            derivative[6] = 1.0
            first = 6
            if near:
                first = 0
                _pixel_moments(j - x0, i - y0, p_xx, p_xy, p_yy, moments)
                volume = amplitude * unit
                derivative[0] = unit * moments[0]
                derivative[1] = volume * moments[1]
                derivative[2] = volume * moments[2]
                derivative[3] = 0.5 * volume * (moments[3] - p_xx * moments[0])
                derivative[4] = volume * (moments[4] - p_xy * moments[0])
                derivative[5] = 0.5 * volume * (moments[5] - p_yy * moments[0])
                mean += volume * moments[0]
            if with_reference:
                light, given = reference[i, j], reference[i, j] + shift
                if frames > 0.0:
                    there = true_light(mean - scale * shift, counts, given, scale, frames)
                    nll += frames * (there - given)
                    if given > 0.0:
                        nll -= frames * given * math.log(there / given)
                    noise = scale * scale * there / frames
                    light_variance = gain * there / frames
                    light = there - shift
                mean += scale * light
                derivative[7] = light
            is_empty = frames > 0.0 and counts == 0.0 and mean < LEAST_MEAN
            if is_empty:
                mean = LEAST_MEAN
            if not mean > 0.0:
                return np.inf
            nll += mean - counts * math.log(mean)
            weight = 1.0 / (mean + noise)
            slope = slope_without_mean(light + shift, given, scale, frames) if is_empty else 1.0 - counts / mean
            for a in range(first, n):
                score[a] += slope * derivative[a]
                weighted = weight * derivative[a]
                for b in range(a, n):
                    information[a, b] += weighted * derivative[b]
            if with_reference:
                information[7, 7] -= light_variance * mean * weight * weight
    if not with_reference:
        pixels, counted = totals[PIXELS] - inside_pixels, totals[COUNTS] - inside_counts
        nll += pixels * background - counted * math.log(background)
        score[6] += pixels - counted / background
        information[6, 6] += pixels / background
    for a in range(n):
        for b in range(a):
            information[a, b] = information[b, a]
    return nll
