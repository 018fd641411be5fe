"""Units of currents with the prefix that reads best: the same in all figures."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["current_unit"]

PREFIXES = ((1e-15, "fA"), (1e-12, "pA"), (1e-9, "nA"), (1e-6, "uA"), (1e-3, "mA"), (1.0, "A"))


def current_unit(current_A: ArrayLike) -> tuple[float, str]:
    """The unit in which most currents are numbers of one to three digits: its size in A, and its name.

    Examples
    --------
    >>> current_unit([2.1e-13, 3.5e-13]), current_unit([])
    ((1e-15, 'fA'), (1.0, 'A'))
    """
    known = np.abs(np.asarray(current_A, dtype=np.float64))
    known = known[np.isfinite(known)]
    if not known.size:
        return PREFIXES[-1]
    size = float(np.quantile(known, 0.9))
    return next(((s, name) for s, name in reversed(PREFIXES) if size >= s), PREFIXES[0])
