"""A Gaussian spot on a background, integrated over the pixels: its mean, and its Poisson likelihood.

The mean counts of pixel (i, j) are mu = A Gy(i) Gx(j) + C + s R(i, j) with G(k) = Phi((k + 1/2 - c) / sigma) -
Phi((k - 1/2 - c) / sigma). This is a product of a function of i and one of j, so that nx + ny error functions are
enough for nx * ny pixels. The same holds for the derivatives: one pass over a row gives its part of likelihood, score
and Fisher information, as sums of weights times products of Gx and its derivatives. Outside the spot, and without a
reference R, mu is the constant C, and only the sum of the counts is needed.

A reference that is the mean of k images has noise; the likelihood is then that of the image and these images together
(`reference`).

Pixel centres are at whole numbers; x runs along a row, y from row to row.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import kernel
from ..logs import weighted_log_sum
from .reference import LEAST_MEAN, slope_without_mean, true_light

__all__ = [
    "BUFFER",
    "COUNTS",
    "FRAMES",
    "GAIN",
    "LARGEST_S",
    "PIXELS",
    "SHIFT",
    "pixel_profile",
    "spot_chi_square",
    "spot_likelihood",
    "spot_mean",
]

Floats = NDArray[np.float64]

ROOT_HALF = math.sqrt(0.5)
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
NEGLECTED = 1e-12
"""A spot is neglected in pixels where it is less than this fraction of the background."""
FARTHEST = 8.5
"""Sigmas, beyond which a Gaussian is smaller than the last digit of its peak."""
COUNTS, PIXELS, FRAMES, SHIFT, GAIN, LARGEST_S = range(6)
"""Places in the `totals` of `spot_likelihood`."""
BUFFER = 512
"""Size of the buffer of pixels whose logarithms are taken together, in addition to one row."""


@kernel
def pixel_profile(centre: float, sigma: float, out: Floats) -> None:
    """Integrate a normal density over pixels.

    Parameters
    ----------
    centre, sigma : float
        In pixels.
    out : float64, shape (3, n)
        Written: the integral over each pixel, and its derivatives by `centre` and by `sigma`; zero beyond `FARTHEST`
        sigmas.
    """
    n = out.shape[1]
    first = min(n, max(0, int(min(max(math.floor(centre - FARTHEST * sigma), -1.0), float(n)))))
    last = max(first, min(n, int(max(min(math.ceil(centre + FARTHEST * sigma) + 1.0, float(n)), 0.0))))
    out[:, :first] = 0.0
    out[:, last:] = 0.0
    z = (first - 0.5 - centre) / sigma
    cumulative = 0.5 * math.erfc(-z * ROOT_HALF)
    survival = 0.5 * math.erfc(z * ROOT_HALF)
    density = math.exp(-0.5 * z * z) / ROOT_TWO_PI
    for k in range(first, last):
        z_next = (k + 0.5 - centre) / sigma
        density_next = math.exp(-0.5 * z_next * z_next) / ROOT_TWO_PI
        # Beyond the centre, survival functions are subtracted: cumulative ones near 1 have lost their digits.
        if z >= 0.0:
            survival_next = 0.5 * math.erfc(z_next * ROOT_HALF)
            out[0, k] = survival - survival_next
            survival = survival_next
        else:
            cumulative_next = 0.5 * math.erfc(-z_next * ROOT_HALF)
            out[0, k] = cumulative_next - cumulative
            cumulative = cumulative_next
            survival = 1.0 - cumulative_next
        out[1, k] = -(density_next - density) / sigma
        out[2, k] = -(z_next * density_next - z * density) / sigma
        z, density = z_next, density_next


@kernel
def spot_likelihood(
    image: Floats,
    used: Floats,
    reference: Floats,
    totals: Floats,
    parameters: Floats,
    x_profile: Floats,
    y_profile: Floats,
    work: Floats,
    score: Floats,
    information: Floats,
) -> float:
    """Poisson likelihood of an image, with gradient and Fisher information.

    Parameters
    ----------
    image : float64, shape (ny, nx)
        Counts; zero where not used.
    used : float64, shape (ny, nx)
        0 for pixels to leave out, else 1.
    reference : float64, shape (ny, nx) or (0, 0)
        R, when it is part of the model.
    totals : float64, shape (6,)
        `COUNTS` and `PIXELS`: sums of `image` and of `used`; `FRAMES`: the number of images of which the reference is
        the mean, 0 for one without noise; `SHIFT`: what their counts are to be shifted by, so that their variance is
        the gain times their mean; `GAIN`: that gain; `LARGEST_S`: the largest s, which matters with noise alone.
    parameters : float64, shape (6,) or, with a reference, (7,)
        A, x0, y0, sigma_x, sigma_y, C, s.
    x_profile, y_profile : float64, shapes (3, nx) and (3, ny)
        Written: the results of `pixel_profile` in x and in y.
    work : float64, shape (3, m)
        Working space; m is `BUFFER` more than nx.
    score : float64, shape (n,)
        Written: gradient of the negative log-likelihood.
    information : float64, shape (n, n)
        Written: expected second derivatives, the sum of d mu d mu' / V with V = mu. With the noise of a reference of
        light L, V = mu + s^2 L / k; and the noise of L is subtracted in the element of s, where L^2 is replaced by
        L^2 - gain L mu / (k V).

    Returns
    -------
    float
        Negative log-likelihood in counts: sum of mu - counts log(mu), plus, with the noise of a reference, the sum of
        k (L - R) - k R log(L / R). Infinite when a mean is not positive.
    """
    amplitude, background = parameters[0], parameters[5]
    x0, y0, sigma_x, sigma_y = parameters[1], parameters[2], parameters[3], parameters[4]
    rows, columns = image.shape
    with_reference = parameters.size > 6
    scale = parameters[6] if with_reference else 0.0
    frames = totals[FRAMES] if with_reference else 0.0
    shift, gain = (totals[SHIFT], totals[GAIN]) if with_reference else (0.0, 1.0)
    # Of a row: weight and slope of the likelihood of each pixel, by its mean; the true light, its noise in the image
    # and its variance; the change from the reference to it, and the counts of the reference.
    row = np.empty((7, columns))
    weights, slopes, light, noise, light_variance, change, seen = row[0], row[1], row[2], row[3], row[4], row[5], row[6]
    score[:] = 0.0
    information[:, :] = 0.0
    if not (sigma_x > 0.0 and sigma_y > 0.0):
        return np.inf
    if not with_reference and not background > 0.0:
        return np.inf
    pixel_profile(x0, sigma_x, x_profile)
    pixel_profile(y0, sigma_y, y_profile)
    reach = FARTHEST
    if not with_reference:
        peak = abs(amplitude) / (2.0 * math.pi * sigma_x * sigma_y)
        brighter = peak / (NEGLECTED * background)
        reach = min(FARTHEST, math.sqrt(2.0 * math.log(brighter))) if brighter > 1.0 else 0.0
    inside_counts = inside_pixels = 0.0
    nll = 0.0
    filled = np.int64(0)  # of the buffer, whose logarithms are taken together
    for i in range(rows):
        # the pixels of this row inside the ellipse that reaches so far
        distance = max(abs(i - y0) - 0.5, 0.0) / sigma_y
        first = last = 0
        if distance < reach:
            half = math.sqrt(reach * reach - distance * distance) * sigma_x + 0.5
            first = min(columns, max(0, int(min(max(math.ceil(x0 - half), 0.0), float(columns)))))
            last = max(first, min(columns, int(max(min(math.floor(x0 + half) + 1.0, float(columns)), 0.0))))
        if first == last and not with_reference:
            continue
        begin, end = (0, columns) if with_reference else (first, last)
        gy, gy_c, gy_s = y_profile[0, i], y_profile[1, i], y_profile[2, i]
        height = amplitude * gy
        # With unsigned indices, which cannot be negative, the compiler makes vector instructions of the loops.
        bad = p0 = w00 = 0.0
        if filled + end - begin > work.shape[1]:
            nll -= weighted_log_sum(work[1], work[0], work[2], filled)
            filled = np.int64(0)
        place = np.uint64(filled) - np.uint64(begin)
        filled += end - begin
        for j in range(np.uint64(begin), np.uint64(end)):
            work[0, place + j] = height * x_profile[0, j] + background
            work[1, place + j] = image[i, j]
        if with_reference:
            for j in range(np.uint64(columns)):
                light[j] = reference[i, j]
                noise[j] = light_variance[j] = 0.0
                slopes[j] = used[i, j]
            if frames > 0.0:
                for j in range(np.uint64(columns)):
                    given = reference[i, j] + shift
                    there = true_light(work[0, place + j] - scale * shift, image[i, j], given, scale, frames)
                    is_empty = (image[i, j] == 0.0) & (work[0, place + j] + scale * (there - shift) < LEAST_MEAN)
                    slopes[j] = used[i, j] * (slope_without_mean(there, given, scale, frames) if is_empty else 1.0)
                    work[0, place + j] += LEAST_MEAN if is_empty else 0.0
                    nll += used[i, j] * frames * (there - given)
                    light[j] = there - shift
                    light_variance[j] = gain * there / frames
                    noise[j] = scale * scale * there / frames
                    change[j] = there / given if given > 0.0 else 1.0
                    seen[j] = used[i, j] * frames * given
                nll -= weighted_log_sum(seen, change, work[2], columns)
            pr = wr0 = wrr = 0.0
            for j in range(np.uint64(columns)):
                r = light[j]
                mean = work[0, place + j] + scale * r
                work[0, place + j] = mean
                bad += 0.0 if mean > 0.0 else 1.0
                nll += used[i, j] * mean
                variance = mean + noise[j]
                weight = used[i, j] / variance
                slope = slopes[j] - image[i, j] / mean
                weights[j], slopes[j] = weight, slope
                p0 += slope
                w00 += weight
                pr += slope * r
                wr0 += weight * r
                wrr += weight * (r * r - light_variance[j] * mean / variance)
            score[6] += pr
            information[5, 6] += wr0
            information[6, 6] += wrr
        else:
            for j in range(np.uint64(first), np.uint64(last)):
                mean = work[0, place + j]
                bad += 0.0 if mean > 0.0 else 1.0
                nll += used[i, j] * mean
                weight, slope = used[i, j] / mean, used[i, j] - image[i, j] / mean
                weights[j], slopes[j] = weight, slope
                p0 += slope
                w00 += weight
                inside_counts += image[i, j]
                inside_pixels += used[i, j]
        px = pc = ps = w0x = w0c = w0s = wxx = wxc = wxs = wcc = wcs = wss = 0.0
        for j in range(np.uint64(first), np.uint64(last)):
            gx, gc, gs = x_profile[0, j], x_profile[1, j], x_profile[2, j]
            weight, slope = weights[j], slopes[j]
            px += slope * gx
            pc += slope * gc
            ps += slope * gs
            w0x += weight * gx
            w0c += weight * gc
            w0s += weight * gs
            wxx += weight * gx * gx
            wxc += weight * gx * gc
            wxs += weight * gx * gs
            wcc += weight * gc * gc
            wcs += weight * gc * gs
            wss += weight * gs * gs
        if with_reference:
            wrx = wrc = wrs = 0.0
            for j in range(np.uint64(first), np.uint64(last)):
                weight = weights[j] * light[j]
                wrx += weight * x_profile[0, j]
                wrc += weight * x_profile[1, j]
                wrs += weight * x_profile[2, j]
            information[0, 6] += gy * wrx
            information[1, 6] += height * wrc
            information[2, 6] += amplitude * gy_c * wrx
            information[3, 6] += height * wrs
            information[4, 6] += amplitude * gy_s * wrx
        if bad > 0.0:
            return np.inf
        score[0] += gy * px
        score[1] += height * pc
        score[2] += amplitude * gy_c * px
        score[3] += height * ps
        score[4] += amplitude * gy_s * px
        score[5] += p0
        information[0, 0] += gy * gy * wxx
        information[0, 1] += gy * height * wxc
        information[0, 2] += gy * gy_c * amplitude * wxx
        information[0, 3] += gy * height * wxs
        information[0, 4] += gy * gy_s * amplitude * wxx
        information[0, 5] += gy * w0x
        information[1, 1] += height * height * wcc
        information[1, 2] += height * amplitude * gy_c * wxc
        information[1, 3] += height * height * wcs
        information[1, 4] += height * amplitude * gy_s * wxc
        information[1, 5] += height * w0c
        information[2, 2] += amplitude * amplitude * gy_c * gy_c * wxx
        information[2, 3] += height * amplitude * gy_c * wxs
        information[2, 4] += amplitude * amplitude * gy_c * gy_s * wxx
        information[2, 5] += amplitude * gy_c * w0x
        information[3, 3] += height * height * wss
        information[3, 4] += height * amplitude * gy_s * wxs
        information[3, 5] += height * w0s
        information[4, 4] += amplitude * amplitude * gy_s * gy_s * wxx
        information[4, 5] += amplitude * gy_s * w0x
        information[5, 5] += w00
    nll -= weighted_log_sum(work[1], work[0], work[2], filled)
    if not with_reference:
        pixels, counted = totals[PIXELS] - inside_pixels, totals[COUNTS] - inside_counts
        nll += pixels * background - counted * math.log(background)
        score[5] += pixels - counted / background
        # where the counts are few, not the pixels but the counts determine the background: never less than one of them
        information[5, 5] += pixels / background
    for a in range(score.size):
        for b in range(a):
            information[a, b] = information[b, a]
    return nll


@kernel
def spot_mean(parameters: Floats, reference: Floats, x_profile: Floats, y_profile: Floats, out: Floats) -> None:
    """Write the mean counts of a spot and its background.

    Parameters
    ----------
    parameters, reference, x_profile, y_profile
        As in `spot_likelihood`.
    out : float64, shape (ny, nx)
    """
    pixel_profile(parameters[1], parameters[3], x_profile)
    pixel_profile(parameters[2], parameters[4], y_profile)
    for i in range(out.shape[0]):
        height = parameters[0] * y_profile[0, i]
        for j in range(np.uint64(out.shape[1])):
            out[i, j] = height * x_profile[0, j] + parameters[5]
        if parameters.size > 6:
            for j in range(np.uint64(out.shape[1])):
                out[i, j] += parameters[6] * reference[i, j]


@kernel
def spot_chi_square(image: Floats, parameters: Floats, x_profile: Floats, y_profile: Floats) -> float:
    """Pearson's chi-square of a spot on a flat background.

    Parameters
    ----------
    image : float64, shape (ny, nx)
    parameters : float64, shape (6,)
    x_profile, y_profile : float64, shapes (3, nx) and (3, ny)
        Working space.
    """
    pixel_profile(parameters[1], parameters[3], x_profile)
    pixel_profile(parameters[2], parameters[4], y_profile)
    chi_square = 0.0
    for i in range(image.shape[0]):
        height = parameters[0] * y_profile[0, i]
        for j in range(np.uint64(image.shape[1])):
            mean = height * x_profile[0, j] + parameters[5]
            residual = image[i, j] - mean
            chi_square += residual * residual / mean
    return chi_square
