"""How often an image without atoms has a spot of some likelihood ratio, calibrated by simulation.

The likelihood ratio of a spot of free place and widths does not have a chi-square distribution: without a spot, place
and widths are not defined (R. B. Davies, Biometrika 74 (1987) 33), and the search tries tens of thousands of them (look
elsewhere effect). The ratio is therefore calibrated: ``benchmarks/calibrations/calibrate_spots.py`` fits flat Poisson
images of 263 x 228 pixels (seed 20220314), and prints the ratios that one in ten and one in a hundred images exceed,
and the mean excess of the images in the tail. They are the table below, by the electrons per pixel of the background.
With very few electrons, there are fewer places where a spot can be. In images of other sizes the number of places is
proportional to the area, with a margin for wide spots that extend over the edge.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ELECTRONS", "SHAPE", "log_false_alarms"]

SHAPE = (263, 228)
"""Rows and columns of the simulated images."""
ELECTRONS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
"""Electrons per pixel of background, one for each row of `LEVELS`."""
LEVELS = [
    [6.61, 10.11, 1.38],  # 0.003: largest 17.0
    [7.36, 11.30, 1.52],  # 0.01: largest 21.9
    [11.74, 14.84, 1.19],  # 0.03: largest 19.9
    [11.22, 14.27, 1.26],  # 0.1: largest 23.0
    [12.27, 15.40, 1.26],  # 0.3: largest 22.8
    [12.35, 15.70, 1.38],  # 1: largest 19.8
    [12.48, 15.71, 1.39],  # 3: largest 24.2
    [12.60, 15.68, 1.20],  # 10: largest 20.2
    [12.57, 15.66, 1.34],  # 30: largest 21.6
    [12.60, 15.51, 1.14],  # 100: largest 24.4
    [12.64, 15.83, 1.32],  # 1000: largest 20.7
]
"""Likelihood ratios (natural logarithm) that 0.1 and 0.01 of the images exceed, and the mean excess in the tail."""
LOG_ELECTRONS = [math.log(electrons) for electrons in ELECTRONS]
MARGIN = 0.1
"""Added to the logarithm of the probability, for the error of interpolation, and of about the size of the statistical
error of the calibration."""

EDGE, SPARSE_EDGE = 50.0, 130.0
"""Pixels that are added to each side of an image before its area is taken, at many and at few electrons per pixel:
small images have more false alarms than in proportion to their area."""
DENSE, SPARSE = math.log(2.0), math.log(0.1)
"""Logarithms of the electrons per pixel from which on, and up to which, these edges hold; between them is a line."""
LOG_TENTH, LOG_HUNDREDTH = math.log(-math.log1p(-0.1)), math.log(-math.log1p(-0.01))
"""Logarithms of the expected number of spots, of which 0.1 and 0.01 of the images have one or more."""
LEAST_EXPONENT = -30.0
"""Below this logarithm, the expected number of spots equals the probability of at least one to the last digit."""


def log_false_alarms(ratio: float, shape: tuple[int, ...], electrons: float) -> float:
    """Logarithm of the probability that an image without atoms has a spot of this likelihood ratio or more.

    Parameters
    ----------
    ratio : float
        Negative log-likelihood without the spot minus that with it, in electrons.
    shape : (ny, nx)
        Rows and columns of the image.
    electrons : float
        Background, electrons per pixel.

    Returns
    -------
    float
        Natural logarithm, zero or negative.
    """
    levels = _levels_of(shape, electrons)
    if ratio < levels.hundredth:
        # the expected number of such spots, of which one in ten and one in a hundred images have one or more
        part = (ratio - levels.tenth) / (levels.hundredth - levels.tenth)
        log_number = LOG_TENTH + part * (LOG_HUNDREDTH - LOG_TENTH)
    else:
        log_number = LOG_HUNDREDTH - (ratio - levels.hundredth) / levels.mean_excess
    log_number += levels.log_places
    return math.log(-math.expm1(-math.exp(log_number))) if log_number > LEAST_EXPONENT else log_number


class _Levels(NamedTuple):
    """For one size and background: the ratios that 0.1 and 0.01 of the images exceed, and how much the tail decays."""

    tenth: float
    hundredth: float
    mean_excess: float
    log_places: float
    """Logarithm of the number of places, beside that of the images that were simulated; with the margin."""


@lru_cache(maxsize=64)  # an image asks three times
def _levels_of(shape: tuple[int, ...], electrons: float) -> _Levels:
    at = min(max(math.log(max(electrons, 1e-9)), LOG_ELECTRONS[0]), LOG_ELECTRONS[-1])
    row = min(bisect_right(LOG_ELECTRONS, at), len(LEVELS) - 1)
    part = (at - LOG_ELECTRONS[row - 1]) / (LOG_ELECTRONS[row] - LOG_ELECTRONS[row - 1])
    tenth, hundredth, mean = (a + part * (b - a) for a, b in zip(LEVELS[row - 1], LEVELS[row], strict=True))
    return _Levels(tenth, hundredth, mean, math.log(_places(shape, at) / _places(SHAPE, at)) + MARGIN)


def _places(shape: tuple[int, ...], log_electrons: float) -> float:
    """Area in which a spot can be, pixels."""
    sparse = min(max((DENSE - log_electrons) / (DENSE - SPARSE), 0.0), 1.0)
    edge = EDGE + sparse * (SPARSE_EDGE - EDGE)
    return (shape[0] + edge) * (shape[1] + edge)
