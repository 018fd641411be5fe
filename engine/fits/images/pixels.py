"""The pixels of an image in the form that kernels take: arrays, and one array of sums over all used pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_LIGHT", "Pixels", "Totals", "fixed_bits"]

Floats = NDArray[np.float64]

NO_LIGHT = np.zeros((0, 0))
"""The light of a reference, as an argument of a kernel, when there is no reference."""


class Totals(NamedTuple):
    """Sums over all used pixels, and the noise of a reference, in the order in which kernels take them.

    Sum of the counts; number of pixels; number of images of a reference (0: without noise); shift of the counts
    (read_noise^2 / gain); counts per electron; largest allowed s.
    """

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
    """Counts, 1 where a pixel is used and 0 elsewhere, the light of the reference, and the array of `Totals`."""

    counts: Floats
    used: Floats
    light: Floats
    totals: Floats


def fixed_bits(free: NDArray[np.bool_]) -> int:
    """The fixed parameters as a bit mask, the form that `fit_spot` takes: the sum of 2^k over their indices k."""
    return sum(1 << k for k, is_free in enumerate(free.tolist()) if not is_free)
