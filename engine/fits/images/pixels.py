"""The pixels of an image as its kernels take them: arrays, and one array of the sums over all of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_LIGHT", "Pixels", "Totals", "fixed_bits"]

Floats = NDArray[np.float64]

NO_LIGHT = np.zeros((0, 0))
"""Where a kernel takes the light of a reference, and there is none."""


class Totals(NamedTuple):
    """Of all pixels that are used, and of the noise of a reference, in the order in which kernels take them."""

    counts: float
    pixels: float
    frames: float
    shift: float
    gain: float
    largest_s: float

    def array(self) -> Floats:
        """As float64, shape (6,)."""
        return np.array(tuple(self))


class Pixels(NamedTuple):
    """Counts, which pixels are used (1 or 0), the light of the reference, and the array of `Totals`."""

    counts: Floats
    used: Floats
    light: Floats
    totals: Floats


def fixed_bits(free: NDArray[np.bool_]) -> int:
    """The parameters that are not free, as `fit_spot` takes them: the sum of 2^k over their places k."""
    return sum(1 << k for k, is_free in enumerate(free.tolist()) if not is_free)
