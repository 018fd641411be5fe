"""Inverse of a small information matrix, by Cholesky's factors of the matrix with unit diagonal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compile import kernel

__all__ = ["invert_information"]

Floats = NDArray[np.float64]

SINGULAR = 1e-13
"""Rest of a unit diagonal, below which a matrix counts as singular."""


@kernel
def invert_information(information: Floats, out: Floats) -> bool:
    """Write the inverse.

    Parameters
    ----------
    information : float64, shape (n, n)
        Symmetric.
    out : float64, shape (n, n)
        Gets the inverse, nan everywhere when the matrix is not positive definite.

    Returns
    -------
    bool
        Whether it is.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.inverse import invert_information
    >>> covariance = np.empty((2, 2))
    >>> invert_information(np.array([[4.0, 0.0], [0.0, 0.25]]), covariance)
    True
    >>> covariance
    array([[0.25, 0.  ],
           [0.  , 4.  ]])
    """
    n = information.shape[0]
    size, factor = np.empty(n), np.empty((n, n))
    good = True
    for a in range(n):
        diagonal = information[a, a]
        good = good and diagonal > 1e-200 and diagonal < 1e200
        size[a] = 1.0 / math.sqrt(diagonal) if good else 1.0
    for a in range(n):
        for b in range(a + 1):
            total = information[a, b] * size[a] * size[b]
            for k in range(b):
                total -= factor[a, k] * factor[b, k]
            if a > b:
                factor[a, b] = total / factor[b, b]
            else:
                good = good and total > SINGULAR
                factor[a, a] = math.sqrt(total) if good else 1.0
    # the factor's inverse in place, then its square
    for a in range(n):
        factor[a, a] = 1.0 / factor[a, a]
        for b in range(a):
            total = 0.0
            for k in range(b, a):
                total -= factor[a, k] * factor[k, b]
            factor[a, b] = total * factor[a, a]
    for a in range(n):
        for b in range(a + 1):
            total = 0.0
            for k in range(a, n):
                total += factor[k, a] * factor[k, b]
            out[a, b] = out[b, a] = total * size[a] * size[b] if good else np.nan
    return good
