"""Damped Newton steps for likelihoods of few parameters, inside kernels.

A step solves (I + lambda |diag(I)|) d = -g for the gradient g and the information I (K. Levenberg, Quart. Appl. Math. 2
(1944) 164; D. W. Marquardt, J. SIAM 11 (1963) 431), by Cholesky's factors. Promise: no allocation, and a matrix
that is not positive definite is told, never divided by.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["inverse_informations", "newton_step"]

Floats = NDArray[np.float64]


@kernel
def newton_step(gradient: Floats, information: Floats, damping: float, factor: Floats, step: Floats) -> float:
    """Write the step.

    Parameters
    ----------
    gradient, information : arrays of float64, shapes (n,) and (n, n)
    damping : float
        lambda, 0 for Newton's own step.
    factor : array of float64, shape (n, n)
        Working space.
    step : array of float64, shape (n,)
        Written.

    Returns
    -------
    float
        Twice the expected fall of the negative log-likelihood, without damping the square of the distance to the
        minimum in errors; -1 where the matrix is not positive definite.
    """
    n = gradient.size
    for i in range(n):
        for j in range(i + 1):
            total = information[i, j]
            size = abs(total)
            if i == j:  # far from the minimum an observed information may be negative
                size += damping * max(size, 1.0)
                total += damping * max(abs(total), 1.0)
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i > j:
                factor[i, j] = total / factor[j, j]
            elif total > 1e-14 * size:
                factor[i, i] = math.sqrt(total)
            else:
                return -1.0
    fall = 0.0
    for i in range(n):
        total = -gradient[i]
        for k in range(i):
            total -= factor[i, k] * step[k]
        step[i] = total / factor[i, i]
        fall += step[i] * step[i]
    for i in range(n - 1, -1, -1):
        total = step[i]
        for k in range(i + 1, n):
            total -= factor[k, i] * step[k]
        step[i] = total / factor[i, i]
    return fall


@kernel
def inverse_informations(informations: Floats, covariances: Floats) -> None:
    """Write the inverse of each information matrix; nan where one is not positive definite or not finite.

    Parameters
    ----------
    informations, covariances : arrays of float64, shapes (m, n, n)
    """
    m, n, _ = informations.shape
    root, inverse, size = np.empty((n, n)), np.empty((n, n)), np.empty(n)
    for one in range(m):
        information, covariance = informations[one], covariances[one]
        good = True
        for i in range(n):
            size[i] = math.sqrt(max(information[i, i], 0.0))
            # Products of sizes beyond these limits are no numbers any more.
            good = good and 1e-100 < size[i] < 1e100
        for i in range(n if good else 0):
            for j in range(i + 1):
                total = information[i, j] / (size[i] * size[j])
                for k in range(j):
                    total -= root[i, k] * root[j, k]
                if i > j:
                    root[i, j] = total / root[j, j]
                elif total > 1e-15:
                    root[i, i] = math.sqrt(total)
                else:
                    good = False
                    root[i, i] = 1.0
        for j in range(n if good else 0):  # the inverse of the root, column by column
            for i in range(n):
                total = 1.0 if i == j else 0.0
                for k in range(j, i):
                    total -= root[i, k] * inverse[k, j]
                inverse[i, j] = total / root[i, i] if i >= j else 0.0
        for i in range(n):
            for j in range(i + 1):
                total = math.nan
                if good:
                    total = 0.0
                    for k in range(i, n):
                        total += inverse[k, i] * inverse[k, j]
                    total /= size[i] * size[j]
                covariance[i, j] = total
                covariance[j, i] = total
