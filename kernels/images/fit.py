"""The fit of a Gaussian spot: Fisher scoring within the limits of the image.

The steps are those of Fisher's scoring (C. R. Rao, Advanced Statistical Methods in Biometric Research, 1952, section
4c) in A, x0, y0, log sigma_x, log sigma_y, C, s, each scaled by its expected error. Steps that do not reduce the
negative log-likelihood are damped (`newton_step`).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import few_steps, kernel
from ..newton import newton_step
from .gaussian import BUFFER, FRAMES, LARGEST_S, spot_likelihood

__all__ = ["fit_spot"]

Floats = NDArray[np.float64]

NEAR = 1e-3
"""Closer to the minimum than this, in standard errors, the likelihood changes by little more than its last digits."""
NARROWEST, WIDEST = 0.2, 2.0
"""Lower limit of a width, in pixels, and upper limit, in sides of the image."""
LONGEST_LOG = 0.7
"""Largest change of the logarithm of a width in a step."""
CENTRE = 0b110
"""Bit mask of the parameters x0 and y0."""
LEAST_PART = 0.1
"""A step leaves at least this fraction of the amplitude, and of the background."""
AT_LIMIT = 1e-9
"""s is taken to be at a limit when it is closer to it than this, in units of its largest value."""


@kernel
def fit_spot(
    image: Floats,
    used: Floats,
    reference: Floats,
    totals: Floats,
    parameters: Floats,
    lowest_background: float,
    enough: float,
    most_steps: int,
    fixed: int,
    score: Floats,
    information: Floats,
) -> tuple[float, float, int]:
    """Minimise the negative log-likelihood of a spot.

    Parameters
    ----------
    image, used, reference, totals
        As in `spot_likelihood`.
    parameters : float64, shape (6,) or (7,)
        Start of the fit; written: the best parameters.
    lowest_background : float
        Lower limit of C without a reference. The centre stays inside the image, and the widths have limits, too. A
        parameter at a limit is held there while the derivative points outwards.
    enough : float
        The fit ends at this distance from the minimum, in standard errors.
    most_steps : int
        The fit ends after this number of steps.
    fixed : int
        Bit mask of the parameters that are not fitted: the sum of 2**k over their indices k. With a fixed centre, A may
        become negative.
    score, information
        Written, as in `spot_likelihood`, at the best parameters.

    Returns
    -------
    nll : float
        Negative log-likelihood at the best parameters.
    distance : float
        Distance from the minimum, in standard errors; infinite when the fit failed.
    steps : int
        Number of steps.
    """
    few_steps()
    n = parameters.size
    rows, columns = image.shape
    x_profile, y_profile, work = np.empty((3, columns)), np.empty((3, rows)), np.empty((3, columns + BUFFER))
    tried, score_there, information_there = np.empty(n), np.empty(n), np.empty((n, n))
    gradient, bends, factor, step, size = np.empty(n), np.empty((n, n)), np.empty((n, n)), np.empty(n), np.empty(n)
    nll = spot_likelihood(image, used, reference, totals, parameters, x_profile, y_profile, work, score, information)
    damping, distance, steps = 0.0, np.inf, 0
    limited = n > 6 and totals[FRAMES] > 0.0
    at_limit = AT_LIMIT * totals[LARGEST_S]
    while steps < most_steps and nll < np.inf:
        held = n == 6 and parameters[5] <= lowest_background and score[5] > 0.0
        for a in range(n):
            size[a] = 1.0 / math.sqrt(information[a, a]) if information[a, a] > 1e-200 else 0.0
        if held:
            size[5] = 0.0
        for a in range(n):
            if fixed >> a & 1:
                size[a] = 0.0
        for a, pixels in ((1, columns), (2, rows)):
            outwards = -score[a]
            at_edge = parameters[a] <= -0.5 if outwards < 0.0 else parameters[a] >= pixels - 0.5
            if at_edge:
                size[a] = 0.0
            outwards = -score[a + 2]
            at_end = parameters[a + 2] <= NARROWEST if outwards < 0.0 else parameters[a + 2] >= WIDEST * pixels
            if at_end:
                size[a + 2] = 0.0
        if limited and (parameters[6] <= at_limit if score[6] > 0.0 else totals[LARGEST_S] - parameters[6] <= at_limit):
            size[6] = 0.0
        for a in range(n):
            gradient[a] = score[a] * size[a]
            for b in range(n):
                bends[a, b] = information[a, b] * size[a] * size[b]
            if size[a] == 0.0:  # not changed by the step
                bends[a, a] = 1.0
        fall = newton_step(gradient, bends, 0.0, factor, step)
        if fall >= 0.0:
            distance = math.sqrt(fall)
            if distance < enough:
                break
        if damping > 0.0:
            fall = newton_step(gradient, bends, damping, factor, step)
        if fall < 0.0:
            damping = max(10.0 * damping, 1e-3)
            if damping > 1e8:
                break
            continue
        steps += 1
        for a in range(n):
            step[a] *= size[a]
        # Too long a step leaves the place where its matrix is true: all of it is shortened, but the background's part.
        longest = max(
            abs(step[3]) / (LONGEST_LOG * parameters[3]), abs(step[4]) / (LONGEST_LOG * parameters[4]),
            abs(step[1]) / (2.0 * parameters[3]), abs(step[2]) / (2.0 * parameters[4]),
        )  # fmt: skip
        shorter = 1.0 / longest if longest > 1.0 else 1.0
        if limited:
            room = totals[LARGEST_S] - parameters[6] if step[6] > 0.0 else parameters[6]
            if shorter * abs(step[6]) > room > at_limit:
                shorter = room / abs(step[6])
        for a in range(n):
            tried[a] = parameters[a] + shorter * step[a]
        for a in (3, 4):
            tried[a] = parameters[a] * math.exp(shorter * step[a] / parameters[a])
        # Beyond the edge a Gaussian becomes an exponential, which has no minimum.
        tried[1] = min(max(tried[1], -0.5), columns - 0.5)
        tried[2] = min(max(tried[2], -0.5), rows - 0.5)
        tried[3] = min(max(tried[3], NARROWEST), WIDEST * columns)
        tried[4] = min(max(tried[4], NARROWEST), WIDEST * rows)
        if parameters[0] > 0.0 and not fixed & CENTRE:
            tried[0] = max(tried[0], LEAST_PART * parameters[0])
        if limited and size[6] > 0.0:
            tried[6] = min(max(tried[6], 0.0), totals[LARGEST_S])
        if n == 6:
            tried[5] = max(tried[5], LEAST_PART * parameters[5], lowest_background)
        there = spot_likelihood(
            image, used, reference, totals, tried, x_profile, y_profile, work, score_there, information_there
        )
        # Near the minimum the likelihood changes by less than its last digits.
        if there < nll or (distance < NEAR and there < nll + 1e-12 * abs(nll)):
            nll = there
            for a in range(n):
                parameters[a], score[a] = tried[a], score_there[a]
                for b in range(n):
                    information[a, b] = information_there[a, b]
            damping = 0.1 * damping if damping > 1e-4 else 0.0
        else:
            damping = max(10.0 * damping, 1e-2)
            if damping > 1e8:
                break
    return nll, distance, steps
