"""A Gaussian spot on a flat background, integrated over the pixels, and its Poisson likelihood.

The mean counts of pixel (i, j) are mu = A Gy(i) Gx(j) + C with G(k) = Phi((k + 1/2 - c) / s) - Phi((k - 1/2 - c) / s):
separable, so nx + ny error functions serve nx * ny pixels. Likelihood, score and Fisher information come from one pass.
Pixel centres are at whole numbers; x runs along a row, y from row to row.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["best_box", "pixel_profile", "poisson_gaussian", "summed_area"]

Floats = NDArray[np.float64]

ROOT_HALF = math.sqrt(0.5)
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@kernel
def pixel_profile(centre: float, sigma: float, out: Floats) -> None:
    """Integrate a normal density over pixels.

    Parameters
    ----------
    centre, sigma : float
        In pixels.
    out : float64, shape (3, n)
        Gets the integral over each pixel and its derivatives by `centre` and by `sigma`.
    """
    z = (-0.5 - centre) / sigma
    cumulative = 0.5 * math.erfc(-z * ROOT_HALF)
    density = math.exp(-0.5 * z * z) / ROOT_TWO_PI
    for k in range(out.shape[1]):
        z_next = (k + 0.5 - centre) / sigma
        cumulative_next = 0.5 * math.erfc(-z_next * ROOT_HALF)
        density_next = math.exp(-0.5 * z_next * z_next) / ROOT_TWO_PI
        out[0, k] = cumulative_next - cumulative
        out[1, k] = -(density_next - density) / sigma
        out[2, k] = -(z_next * density_next - z * density) / sigma
        z, cumulative, density = z_next, cumulative_next, density_next


@kernel
def poisson_gaussian(
    image: Floats,
    used: NDArray[np.uint8],
    x_profile: Floats,
    y_profile: Floats,
    amplitude: float,
    background: float,
    score: Floats,
    information: Floats,
) -> float:
    """Poisson likelihood of an image, with gradient and Fisher information.

    Parameters
    ----------
    image : float64, shape (ny, nx)
        Counts.
    used : uint8, shape (ny, nx)
        0 for pixels to leave out.
    x_profile, y_profile : float64, shape (3, nx) and (3, ny)
        Of `pixel_profile`.
    amplitude, background : float
        A and C: counts of the spot, and counts per pixel.
    score : float64, shape (6,)
        Gets the gradient of the negative log-likelihood by A, x0, y0, sigma_x, sigma_y, C.
    information : float64, shape (6, 6)
        Gets the expected second derivatives: sum of d mu d mu' / mu.

    Returns
    -------
    float
        Sum of mu - n + n log(n / mu), half the deviance: small terms, which add up without loss of digits. Infinite
        where a mean is not positive.
    """
    score[:] = 0.0
    information[:] = 0.0
    derivative = np.empty(6)
    nll = 0.0
    rows, columns = image.shape
    for i in range(rows):
        gy = y_profile[0, i]
        for j in range(columns):
            if not used[i, j]:
                continue
            gx = x_profile[0, j]
            mean = amplitude * gx * gy + background
            if not mean > 0.0:
                return np.inf
            counts = image[i, j]
            nll += mean - counts
            if counts != 0.0:
                nll += counts * math.log(counts / mean)
            derivative[0] = gx * gy
            derivative[1] = amplitude * x_profile[1, j] * gy
            derivative[2] = amplitude * gx * y_profile[1, i]
            derivative[3] = amplitude * x_profile[2, j] * gy
            derivative[4] = amplitude * gx * y_profile[2, i]
            derivative[5] = 1.0
            weight = 1.0 / mean
            pull = 1.0 - counts * weight
            for a in range(6):
                score[a] += pull * derivative[a]
                weighted = weight * derivative[a]
                for b in range(a, 6):
                    information[a, b] += weighted * derivative[b]
    for a in range(6):
        for b in range(a):
            information[a, b] = information[b, a]
    return nll


@kernel
def summed_area(image: Floats, used: NDArray[np.uint8], out: Floats, area: Floats) -> None:
    """Sum an image over all rectangles that begin at its corner.

    Parameters
    ----------
    image : float64, shape (ny, nx)
    used : uint8, shape (ny, nx)
    out, area : float64, shape (ny + 1, nx + 1)
        ``out[i, j]`` gets the sum of the used pixels above and left of (i, j), `area` how many they are.
    """
    out[0, :] = 0.0
    area[0, :] = 0.0
    rows, columns = image.shape
    for i in range(rows):
        total = 0.0
        pixels = 0.0
        out[i + 1, 0] = 0.0
        area[i + 1, 0] = 0.0
        for j in range(columns):
            if used[i, j]:
                total += image[i, j]
                pixels += 1.0
            out[i + 1, j + 1] = out[i, j + 1] + total
            area[i + 1, j + 1] = area[i, j + 1] + pixels


@kernel
def best_box(table: Floats, area: Floats, background: float, half: int) -> tuple[float, int, int, float]:
    """Find the square of side 2 `half` + 1 with the most significant excess of counts.

    Parameters
    ----------
    table, area : float64, shape (ny + 1, nx + 1)
        Of `summed_area`.
    background : float
        Counts per pixel.
    half : int
        Half the side of the square; squares reach over the edge of the image.

    Returns
    -------
    z, row, column, excess : floats and ints
        Excess over its Poisson standard deviation, the place, and the excess itself.
    """
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    best, best_row, best_column, best_excess = -np.inf, 0, 0, 0.0
    for i in range(rows):
        low_i, high_i = max(0, i - half), min(rows, i + half + 1)
        for j in range(columns):
            low_j, high_j = max(0, j - half), min(columns, j + half + 1)
            pixels = area[high_i, high_j] - area[low_i, high_j] - area[high_i, low_j] + area[low_i, low_j]
            if pixels < 1.0:
                continue
            counts = table[high_i, high_j] - table[low_i, high_j] - table[high_i, low_j] + table[low_i, low_j]
            excess = counts - background * pixels
            z = excess / math.sqrt(max(background, 0.05) * pixels)
            if z > best:
                best, best_row, best_column, best_excess = z, i, j, excess
    return best, best_row, best_column, best_excess
