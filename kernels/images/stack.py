"""Start, fit and covariance of many small images, each with one spot, in one call.

The start is the brightest square of 3 x 3 pixels, with a background from the pixels at the edge of the image, and the
width at which a Gaussian has the same fraction of its light in this square as the image. The fit is `fit_spot`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..inverse import invert_information
from .fit import fit_spot
from .gaussian import COUNTS, GAIN, PIXELS, spot_chi_square

__all__ = ["fit_stack", "start_of_spot"]

Floats = NDArray[np.float64]

RADIUS = 3.0 / math.sqrt(math.pi)
"""Radius r, pixels, of the circle with the area of 3 x 3 pixels; a Gaussian has 1 - exp(-r^2 / 2 sigma^2) of its light
in it."""
SMALLEST_SHARE, LARGEST_SHARE = 0.05, 0.98
LEAST_COUNTS = 1e-3


@kernel
def start_of_spot(image: Floats, parameters: Floats) -> None:
    """Write the start of the fit of a small image.

    Parameters
    ----------
    image : float64, shape (ny, nx)
        Counts, at least 3 x 3 pixels.
    parameters : float64, shape (6,)
        Written: A, x0, y0, sigma_x, sigma_y, C.
    """
    rows, columns = image.shape
    edge = np.empty(2 * (rows + columns) - 4)
    n = 0
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            total += image[i, j]
            if i == 0 or j == 0 or i == rows - 1 or j == columns - 1:
                place = n
                while place > 0 and edge[place - 1] > image[i, j]:
                    edge[place] = edge[place - 1]
                    place -= 1
                edge[place] = image[i, j]
                n += 1
    # between the lower quartile and the median of the edge, which a wide spot reaches
    background = max(0.5 * (edge[n // 4] + edge[n // 2]), LEAST_COUNTS)
    best, row, column = -np.inf, 1, 1
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            square = 0.0
            for a in range(i - 1, i + 2):
                square += image[a, j - 1] + image[a, j] + image[a, j + 1]
            if square > best:
                best, row, column = square, i, j
    inside = max(best - 9.0 * background, 1.0)
    everything = max(total - background * rows * columns, inside)
    share = min(max(inside / everything, SMALLEST_SHARE), LARGEST_SHARE)
    sigma = RADIUS / math.sqrt(-2.0 * math.log(1.0 - share))
    weight = x = y = 0.0
    for i in range(row - 1, row + 2):
        for j in range(column - 1, column + 2):
            light = max(image[i, j] - background, 0.0)
            weight += light
            x += light * j
            y += light * i
    parameters[0] = everything
    parameters[1], parameters[2] = (x / weight, y / weight) if weight > 0.0 else (float(column), float(row))
    parameters[3] = parameters[4] = min(sigma, 0.5 * min(rows, columns))
    parameters[5] = background


@kernel
def fit_stack(
    stack: Floats,
    enough: float,
    most_steps: int,
    parameters: Floats,
    nll: Floats,
    distances: Floats,
    chi_squares: Floats,
    covariances: Floats,
) -> None:
    """Fit every image of a stack.

    Parameters
    ----------
    stack : float64, shape (n, ny, nx)
        Counts, shifted where necessary so that none are negative.
    enough, most_steps
        As in `fit_spot`.
    parameters : float64, shape (n, 6)
        Written: the best parameters.
    nll, distances, chi_squares : float64, shape (n,)
        Written: negative log-likelihood, distance from the minimum in standard errors, and Pearson's chi-square.
    covariances : float64, shape (n, 6, 6)
        Written: inverse of the Fisher information.
    """
    images, rows, columns = stack.shape
    information = np.empty((6, 6))
    used, reference, score = np.ones((rows, columns)), np.empty((0, 0)), np.empty(6)
    x_profile, y_profile = np.empty((3, columns)), np.empty((3, rows))
    lowest = LEAST_COUNTS / (rows * columns)
    totals = np.zeros(6)
    totals[PIXELS], totals[GAIN] = float(rows * columns), 1.0
    for k in range(images):
        totals[COUNTS] = 0.0
        for i in range(rows):
            for j in range(np.uint64(columns)):
                totals[COUNTS] += stack[k, i, j]
        start_of_spot(stack[k], parameters[k])
        nll[k], distances[k], _ = fit_spot(
            stack[k], used, reference, totals, parameters[k], lowest, enough, most_steps, 0, score, information
        )
        invert_information(information, covariances[k])
        chi_squares[k] = spot_chi_square(stack[k], parameters[k], x_profile, y_profile)
