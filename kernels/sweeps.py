"""Numbers the sweeps of a wavemeter, which measures one signal after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compile import exact_kernel

__all__ = ["number_sweeps"]


@exact_kernel
def number_sweeps(signals: NDArray[np.int64], count: int, out: NDArray[np.int64]) -> int:
    """Give every measurement the number of its sweep.

    A sweep is over when all signals were measured, or when one of them comes again.

    Parameters
    ----------
    signals : int64, shape (n,)
        Which signal each measurement is of, 0 to `count` - 1, below 64.
    count : int
        How many signals there are.
    out : int64, shape (n,)
        Gets the numbers, from 0.

    Returns
    -------
    int
        How many sweeps are over: the last one may still be going on.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.sweeps import number_sweeps
    >>> sweeps = np.empty(5, np.int64)
    >>> number_sweeps(np.array([0, 1, 1, 0, 1]), 2, sweeps)
    2
    >>> sweeps
    array([0, 0, 1, 1, 2])
    """
    sweep = 0
    seen = np.uint64(0)
    complete = (np.uint64(1) << np.uint64(count)) - np.uint64(1) if count < 64 else ~np.uint64(0)
    for i in range(signals.size):
        bit = np.uint64(1) << np.uint64(signals[i])
        if seen & bit:
            sweep += 1
            seen = np.uint64(0)
        seen |= bit
        out[i] = sweep
        if seen == complete:
            sweep += 1
            seen = np.uint64(0)
    return sweep
