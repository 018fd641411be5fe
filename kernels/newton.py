"""Damped Newton steps for likelihoods of few parameters, inside kernels.

A step solves (I + lambda |diag(I)|) d = -g for the gradient g and the information I (K. Levenberg, Quart. Appl. Math. 2
(1944) 164; D. W. Marquardt, J. SIAM 11 (1963) 431), by Cholesky's factors. Promise: no allocation, and a matrix
that is not positive definite is reported, never divided by.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["newton_step"]

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

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.newton import newton_step
    >>> step = np.empty(1)
    >>> newton_step(np.array([-3.0]), np.array([[4.0]]), 0.0, np.empty((1, 1)), step)
    2.25
    >>> step
    array([0.75])
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
