"""The true light of a reference that is the mean of k images, and therefore has noise.

The true light L of a pixel is a further unknown. It is determined by the counts n of the image, whose mean is
mu = m + s L, and by the mean R of the k images. The negative log-likelihood of both, at the best L, is the sum of
mu - n log(mu) and of k (L - R) - k R log(L / R). If R were taken to be L, s would be biased towards zero (attenuation:
W. A. Fuller, Measurement Error Models, 1987, section 1.1), and the rest of the light would look like a spot.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inlined, kernel

__all__ = ["LEAST_MEAN", "add_light", "noise_of_light", "slope_without_mean", "true_light"]

Floats = NDArray[np.float64]

LEAST_MEAN = 1e-9
"""Mean counts of a pixel without counts, when the best light would make its mean zero."""


@inlined
def true_light(rest: float, counts: float, given: float, scale: float, frames: float) -> float:
    """The most likely light L of a pixel with ``counts`` in the image and ``given`` in the reference.

    It is the positive root of s (s + k) L^2 + ((s + k) m - s (n + k R)) L - k R m = 0, with m = `rest`, s = `scale`,
    n = `counts`, R = `given` and k = `frames`.
    """
    seen = frames * given
    b = (scale + frames) * rest - scale * (counts + seen)
    square = b * b + 4.0 * scale * (scale + frames) * seen * rest
    root = math.sqrt(square if square > 0.0 else 0.0)
    # Of the two forms of the root, the one without a difference of nearly equal numbers.
    return 2.0 * seen * rest / (b + root) if b > 0.0 else (root - b) / (2.0 * scale * (scale + frames))


@inlined
def slope_without_mean(light: float, given: float, scale: float, frames: float) -> float:
    """Derivative of the negative log-likelihood by the mean, for a pixel without counts whose best mean is zero.

    It is the limit of 1 - n / mu, the derivative of other pixels, where both n and mu are zero.
    """
    return (frames * given / light - frames) / scale if light > 0.0 and scale != 0.0 else 1.0


@kernel
def add_light(image: Floats, reference: Floats, scale: float, frames: float, shift: float, out: Floats) -> None:
    """Add the most likely light of the reference to the mean counts.

    Parameters
    ----------
    image, reference : float64, shape (ny, nx)
    scale, frames, shift : float
        As for `noise_of_light`.
    out : float64, shape (ny, nx)
        Mean counts without the light; written: mean counts with it, at least `LEAST_MEAN`.
    """
    for i in range(out.shape[0]):
        for j in range(np.uint64(out.shape[1])):
            rest = out[i, j] - scale * shift
            mean = rest + scale * true_light(rest, image[i, j], reference[i, j] + shift, scale, frames)
            out[i, j] = mean if mean > LEAST_MEAN else LEAST_MEAN


@kernel
def noise_of_light(
    reference: Floats, used: Floats, mean: Floats, scale: float, frames: float, shift: float
) -> tuple[float, float]:
    """Sums by which the noise of a reference changes chi-square and the variance of s.

    Parameters
    ----------
    reference, used, mean : float64, shape (ny, nx)
        Mean of the k images; 1 where a pixel is used, else 0; and mean counts of the image, all positive.
    scale : float
        Factor s of the reference in the image.
    frames : float
        Number k of images in the reference.
    shift : float
        Added to the counts of each image, so that their variance is the gain times their mean.

    Returns
    -------
    left, doubt : float
        `left` is the sum of mu / V with V = mu + s^2 L / k: the variances of the residuals after the fit of the light,
        in units of gain mu. `doubt` is the sum of L mu / (k V^2): the variance that the noise of L adds to the score of
        s, which is L (n - mu) / V, since L is known with the variance L mu / (k V).
    """
    left = doubt = 0.0
    for i in range(mean.shape[0]):
        for j in range(np.uint64(mean.shape[1])):
            light = (reference[i, j] + shift) / frames
            light = light if light > 0.0 else 0.0
            mu = mean[i, j]
            variance = mu + scale * scale * light
            left += used[i, j] * mu / variance
            doubt += used[i, j] * light * mu / (variance * variance)
    return left, doubt
