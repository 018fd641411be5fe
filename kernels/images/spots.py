"""The Poisson likelihood, and the fit, of spots of any direction on a background that is a polynomial.

The mean counts of a pixel are the sum of Gaussian spots, of a polynomial of at most second order in the place, and of s
times the light of a reference without noise. The parameters of a spot are A, x0, y0 and the elements of its covariance
matrix, S_xx, S_xy, S_yy, in which the likelihood is regular also for a round spot; with S_xy held at 0 it is upright.

A spot that is wider than `WIDE` pixels in all directions is integrated over pixels by the variance 1/12 that a pixel
adds to it (to a relative 1e-5); its values along a row follow from each other by two products, so that no exponential
is taken of each pixel. A narrower one is integrated by Gauss-Legendre quadrature with 3 x 3 points.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..logs import weighted_log_sum
from ..newton import newton_step
from .gaussian import BUFFER, COUNTS, FARTHEST, NEGLECTED, PIXELS
from .rotated import MIDDLE, NODE, SIDE, rotated_spot

__all__ = ["OF_SPOT", "fit_spots", "spots_likelihood", "unit_spot"]

Floats = NDArray[np.float64]

OF_SPOT = 6
"""Parameters of a spot: A, x0, y0, S_xx, S_xy, S_yy."""
WIDE = 3.0
"""Width, pixels, from which on the variance of a pixel replaces the integral over it."""
PIXEL_VARIANCE = 1.0 / 12.0
LONGEST = 0.6
"""Largest relative change of a variance in a step."""
LEAST_PART = 0.1
"""A step leaves at least this fraction of an amplitude."""
NARROWEST, WIDEST = 0.04, 4.0
"""Limits of a variance: pixels^2, and squared sides of the image."""
NEAR = 1e-3
"""Closer to the minimum than this, in standard errors, the likelihood changes by little more than its last digits."""


@kernel
def _spot_in_row(i: int, spot: Floats, first: int, last: int, out: Floats) -> None:
    """Derivatives by A, x0, y0, S_xx, S_xy, S_yy of the mean counts of the pixels of a row; the first times A is it."""
    amplitude, x0, y0, s_xx, s_xy, s_yy = spot[0], spot[1], spot[2], spot[3], spot[4], spot[5]
    determinant = s_xx * s_yy - s_xy * s_xy
    middle, half = 0.5 * (s_xx + s_yy), math.sqrt(0.25 * (s_xx - s_yy) ** 2 + s_xy * s_xy)
    wide = middle - half >= WIDE * WIDE
    if wide:
        s_xx += PIXEL_VARIANCE
        s_yy += PIXEL_VARIANCE
        determinant = s_xx * s_yy - s_xy * s_xy
    p_xx, p_xy, p_yy = s_yy / determinant, -s_xy / determinant, s_xx / determinant
    unit = 1.0 / (2.0 * math.pi * math.sqrt(determinant))
    volume = amplitude * unit
    if wide:
        u, v = first - x0, i - y0
        density = unit * math.exp(-0.5 * (p_xx * u * u + 2.0 * p_xy * u * v + p_yy * v * v))
        ratio, bend = math.exp(-p_xx * (u + 0.5) - p_xy * v), math.exp(-p_xx)
        for j in range(first, last):
            out[0, j] = density
            density *= ratio
            ratio *= bend
        for j in range(np.uint64(first), np.uint64(last)):
            u = float(j) - x0
            a, b = p_xx * u + p_xy * v, p_xy * u + p_yy * v
            mean = amplitude * out[0, j]
            out[1, j] = mean * a
            out[2, j] = mean * b
            out[3, j] = 0.5 * mean * (a * a - p_xx)
            out[4, j] = mean * (a * b - p_xy)
            out[5, j] = 0.5 * mean * (b * b - p_yy)
        return
    for j in range(first, last):
        whole = by_a = by_b = by_aa = by_ab = by_bb = 0.0
        for k in range(3):
            y = i - y0 + (k - 1) * NODE
            for m in range(3):
                x = j - x0 + (m - 1) * NODE
                a, b = p_xx * x + p_xy * y, p_xy * x + p_yy * y
                weight = (MIDDLE if k == 1 else SIDE) * (MIDDLE if m == 1 else SIDE)
                density = weight * math.exp(-0.5 * (a * x + b * y))
                whole += density
                by_a += density * a
                by_b += density * b
                by_aa += density * a * a
                by_ab += density * a * b
                by_bb += density * b * b
        out[0, j] = unit * whole
        out[1, j], out[2, j] = volume * by_a, volume * by_b
        out[3, j] = 0.5 * volume * (by_aa - p_xx * whole)
        out[4, j] = volume * (by_ab - p_xy * whole)
        out[5, j] = 0.5 * volume * (by_bb - p_yy * whole)


@kernel
def unit_spot(x0: float, y0: float, s_xx: float, s_xy: float, s_yy: float, out: Floats) -> None:
    """Integrate a Gaussian of unit volume and any direction over pixels.

    Parameters
    ----------
    x0, y0 : float
        Centre, pixels.
    s_xx, s_xy, s_yy : float
        Covariance matrix of the spot, pixels^2; positive definite.
    out : float64, shape (ny, nx)
        Written.
    """
    if 0.5 * (s_xx + s_yy) - math.sqrt(0.25 * (s_xx - s_yy) ** 2 + s_xy * s_xy) < WIDE * WIDE:
        rotated_spot(x0, y0, s_xx, s_xy, s_yy, out)
        return
    rows, columns = out.shape
    spot, slopes = np.array([1.0, x0, y0, s_xx, s_xy, s_yy]), np.empty((OF_SPOT, columns))
    for i in range(rows):
        v = i - y0
        left = FARTHEST * FARTHEST - v * v / s_yy
        out[i, :] = 0.0
        if left > 0.0:
            middle, half = x0 + s_xy / s_yy * v, math.sqrt(left * (s_xx - s_xy * s_xy / s_yy))
            first = min(columns, max(0, int(min(max(math.ceil(middle - half), 0.0), float(columns)))))
            last = max(first, min(columns, int(max(min(math.floor(middle + half) + 1.0, float(columns)), 0.0))))
            _spot_in_row(i, spot, first, last, slopes)
            out[i, first:last] = slopes[0, first:last]


@kernel
def spots_likelihood(
    image: Floats,
    used: Floats,
    light: Floats,
    totals: Floats,
    terms: int,
    origin: Floats,
    parameters: Floats,
    mean: Floats,
    score: Floats,
    information: Floats,
) -> float:
    """Poisson likelihood of an image, with gradient and Fisher information.

    Parameters
    ----------
    image, used : float64, shape (ny, nx)
        Counts, zero where not used; 0 for pixels to leave out, else 1.
    light : float64, shape (ny, nx) or (0, 0)
        That of a reference without noise, when it is part of the model.
    totals : float64, shape (2 or more,)
        Sums of `image` and of `used`.
    terms : int
        Of the polynomial: 1, 3 or 6, with the factors 1, x, y, x^2, x y, y^2.
    origin : float64, shape (3,)
        Place x, y, pixels, from which, and length, pixels, in units of which the polynomial takes places.
    parameters : float64, shape (n,)
        A, x0, y0, S_xx, S_xy, S_yy of each spot, the factors of the polynomial, and s with `light`.
    mean : float64, shape (ny, nx) or (0, 0)
        Written, when it is not empty: the mean counts.
    score, information : float64, shapes (n,) and (n, n)
        Written: gradient of the negative log-likelihood, and expected second derivatives.

    Returns
    -------
    float
        Negative log-likelihood in counts: sum of mu - counts log(mu). Infinite when a mean is not positive, or a
        covariance matrix not positive definite.
    """
    n = parameters.size
    rows, columns = image.shape
    with_light = light.size > 0
    spots = (n - terms - with_light) // OF_SPOT
    level = spots * OF_SPOT
    whole_rows = terms > 1 or with_light or mean.size > 0
    score[:] = 0.0
    information[:, :] = 0.0
    if not whole_rows and not parameters[level] > 0.0:
        return np.inf
    reach = np.empty(spots)
    for k in range(spots):
        spot = parameters[OF_SPOT * k : OF_SPOT * k + OF_SPOT]
        determinant = spot[3] * spot[5] - spot[4] * spot[4]
        if not (spot[3] > 0.0 and spot[5] > 0.0 and determinant > 1e-9 * spot[3] * spot[5]):
            return np.inf
        brighter = abs(spot[0]) / (2.0 * math.pi * math.sqrt(determinant)) / NEGLECTED
        brighter /= max(abs(parameters[level]), 1e-300)
        reach[k] = min(FARTHEST, math.sqrt(2.0 * math.log(brighter))) if brighter > 1.0 else 0.0
    slopes_of, weighted = np.zeros((n, columns)), np.empty(columns)
    model, weights, slopes = np.empty(columns), np.empty(columns), np.empty(columns)
    counts, mantissas = np.empty(columns + BUFFER), np.empty(columns + BUFFER)
    means, filled = np.empty(columns + BUFFER), np.int64(0)
    firsts, lasts = np.zeros(spots, np.int64), np.zeros(spots, np.int64)
    nll = inside_counts = inside_pixels = 0.0
    scale = 1.0 / origin[2]
    for i in range(rows):
        begin, end = (0, columns) if whole_rows else (columns, 0)
        for k in range(spots):
            at = OF_SPOT * k
            x0, s_xx, s_xy, s_yy = parameters[at + 1], parameters[at + 3], parameters[at + 4], parameters[at + 5]
            slopes_of[at : at + OF_SPOT, firsts[k] : lasts[k]] = 0.0  # of the row before
            # The pixels of this row inside the ellipse that reaches so far, and half a pixel more.
            v = i - parameters[at + 2]
            v = math.copysign(max(abs(v) - 0.5, 0.0), v)
            left = reach[k] ** 2 - v * v / s_yy
            firsts[k] = lasts[k] = 0
            if left > 0.0 and reach[k] > 0.0:
                half = math.sqrt(left * (s_xx - s_xy * s_xy / s_yy)) + 1.0 + abs(s_xy / s_yy)
                middle = x0 + s_xy / s_yy * v
                firsts[k] = min(columns, max(0, int(min(max(math.ceil(middle - half), 0.0), float(columns)))))
                end_k = int(max(min(math.floor(middle + half) + 1.0, float(columns)), 0.0))
                lasts[k] = max(firsts[k], min(columns, end_k))
            if lasts[k] > firsts[k]:
                _spot_in_row(i, parameters[at : at + OF_SPOT], firsts[k], lasts[k], slopes_of[at : at + OF_SPOT])
                begin, end = min(begin, firsts[k]), max(end, lasts[k])
        if end <= begin:
            continue
        b, e = np.uint64(begin), np.uint64(end)
        y = (i - origin[1]) * scale
        for j in range(b, e):
            slopes_of[level, j] = 1.0
            model[j] = parameters[level]
        if terms > 1:
            for j in range(b, e):
                x = (float(j) - origin[0]) * scale
                slopes_of[level + 1, j], slopes_of[level + 2, j] = x, y
                model[j] += parameters[level + 1] * x + parameters[level + 2] * y
        if terms > 3:
            for j in range(b, e):
                x = (float(j) - origin[0]) * scale
                slopes_of[level + 3, j], slopes_of[level + 4, j], slopes_of[level + 5, j] = x * x, x * y, y * y
                model[j] += (
                    x * x * parameters[level + 3] + x * y * parameters[level + 4] + y * y * parameters[level + 5]
                )
        if with_light:
            for j in range(b, e):
                slopes_of[n - 1, j] = light[i, j]
                model[j] += parameters[n - 1] * light[i, j]
        for k in range(spots):
            amplitude = parameters[OF_SPOT * k]
            for j in range(np.uint64(firsts[k]), np.uint64(lasts[k])):
                model[j] += amplitude * slopes_of[OF_SPOT * k, j]
        if filled + end - begin > means.size:
            nll -= weighted_log_sum(counts, means, mantissas, filled)
            filled = np.int64(0)
        place = np.uint64(filled) - b
        filled += end - begin
        bad = 0.0
        if mean.size:
            for j in range(b, e):
                mean[i, j] = model[j]
        for j in range(b, e):
            bad += used[i, j] if not model[j] > 0.0 else 0.0
            here = model[j] if model[j] > 0.0 else 1.0
            means[place + j], counts[place + j] = here, image[i, j]
            nll += used[i, j] * here
            weights[j], slopes[j] = used[i, j] / here, used[i, j] - image[i, j] / here
            inside_counts += image[i, j]
            inside_pixels += used[i, j]
        if bad > 0.0:
            return np.inf
        for a in range(n):
            pulled = 0.0
            from_a, to_a = begin, end
            if a < level:
                from_a, to_a = firsts[a // OF_SPOT], lasts[a // OF_SPOT]
            fa, ta = np.uint64(from_a), np.uint64(to_a)
            for j in range(fa, ta):
                pulled += slopes[j] * slopes_of[a, j]
                weighted[j] = weights[j] * slopes_of[a, j]
            score[a] += pulled
            for c in range(a, n):
                total = 0.0
                for j in range(fa, ta):
                    total += weighted[j] * slopes_of[c, j]
                information[a, c] += total
    nll -= weighted_log_sum(counts, means, mantissas, filled)
    if not whole_rows:
        background = parameters[level]
        pixels, counted = totals[PIXELS] - inside_pixels, totals[COUNTS] - inside_counts
        nll += pixels * background - counted * math.log(background)
        score[level] += pixels - counted / background
        information[level, level] += pixels / background
    for a in range(n):
        for c in range(a):
            information[a, c] = information[c, a]
    return nll


@kernel
def fit_spots(
    image: Floats,
    used: Floats,
    light: Floats,
    totals: Floats,
    terms: int,
    origin: Floats,
    parameters: Floats,
    enough: float,
    most_steps: int,
    fixed: int,
    score: Floats,
    information: Floats,
) -> tuple[float, float, int]:
    """Minimise the negative log-likelihood of spots by Fisher's scoring.

    Parameters
    ----------
    image, used, light, totals, terms, origin
        As in `spots_likelihood`.
    parameters : float64, shape (n,)
        Start of the fit; written: the best parameters.
    enough, most_steps : float, int
        The fit ends at this distance from the minimum, in standard errors, or after so many steps.
    fixed : int
        Bit mask of the parameters that are not fitted: the sum of 2**k over their indices k. A spot with a fixed place
        may have a negative amplitude.
    score, information
        Written, as in `spots_likelihood`, at the best parameters.

    Returns
    -------
    nll, distance, steps : float, float, int
        The distance is that from the minimum, in standard errors; infinite when the fit failed.
    """
    n = parameters.size
    rows, columns = image.shape
    spots = (n - terms - (light.size > 0)) // OF_SPOT
    nothing = np.empty((0, 0))
    tried, score_there, information_there = np.empty(n), np.empty(n), np.empty((n, n))
    gradient, bends, factor, step, size = np.empty(n), np.empty((n, n)), np.empty((n, n)), np.empty(n), np.empty(n)
    nll = spots_likelihood(image, used, light, totals, terms, origin, parameters, nothing, score, information)
    damping, distance, steps = 0.0, np.inf, 0
    while steps < most_steps and nll < np.inf:
        for a in range(n):
            size[a] = 1.0 / math.sqrt(information[a, a]) if information[a, a] > 1e-200 else 0.0
            if fixed >> a & 1:
                size[a] = 0.0
        for k in range(spots):
            for a, pixels in ((OF_SPOT * k + 1, columns), (OF_SPOT * k + 2, rows)):
                if parameters[a] <= -0.5 if score[a] > 0.0 else parameters[a] >= pixels - 0.5:
                    size[a] = 0.0
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
        longest = 1.0
        for k in range(spots):
            a = OF_SPOT * k
            for b in range(a + 1, a + OF_SPOT):
                step[b] *= size[b]
            s_xx, s_yy = parameters[a + 3], parameters[a + 5]
            longest = max(
                longest,
                abs(step[a + 1]) / (2.0 * math.sqrt(s_xx)), abs(step[a + 2]) / (2.0 * math.sqrt(s_yy)),
                abs(step[a + 3]) / (LONGEST * s_xx), abs(step[a + 5]) / (LONGEST * s_yy),
                abs(step[a + 4]) / (LONGEST * math.sqrt(s_xx * s_yy)),
            )  # fmt: skip
            step[a] *= size[a]
        for a in range(OF_SPOT * spots, n):
            step[a] *= size[a]
        for a in range(n):
            tried[a] = parameters[a] + step[a] / longest
        for k in range(spots):
            a = OF_SPOT * k
            tried[a + 1] = min(max(tried[a + 1], -0.5), columns - 0.5)
            tried[a + 2] = min(max(tried[a + 2], -0.5), rows - 0.5)
            tried[a + 3] = min(max(tried[a + 3], NARROWEST), WIDEST * columns * columns)
            tried[a + 5] = min(max(tried[a + 5], NARROWEST), WIDEST * rows * rows)
            if parameters[a] > 0.0 and not fixed >> (a + 1) & 1:
                tried[a] = max(tried[a], LEAST_PART * parameters[a])
        there = spots_likelihood(
            image, used, light, totals, terms, origin, tried, nothing, score_there, information_there
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
