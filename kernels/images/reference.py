"""The true light of a reference that is the mean of k images, and so has their noise.

The true light L of a pixel is one more unknown, which the counts n of the image, of mean m + s L, and the mean R of the
k images determine together. The likelihood of both, at the best L, is the sum of mu - n log(mu) and of
k (L - R) - k R log(L / R). Were R taken for L, s would come out too small (attenuation: W. A. Fuller, Measurement Error
Models, 1987, section 1.1), and the light that is left over would look like a spot.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..compile import inlined, kernel

__all__ = ["LEAST_MEAN", "add_light", "noise_of_light", "slope_without_mean", "true_light"]

Floats = NDArray[np.float64]

LEAST_MEAN = 1e-9
"""Counts: the mean of a pixel that has none, and whose light is best where its mean is zero."""


@inlined
def true_light(rest: float, counts: float, given: float, scale: float, frames: float) -> float:
    """The most likely light L of a pixel of which the image has ``counts`` and the reference ``given``.

    It is the positive root of s (s + k) L^2 + ((s + k) m - s (n + k R)) L - k R m = 0, m the rest and s the scale.
    """
    seen = frames * given
    b = (scale + frames) * rest - scale * (counts + seen)
    square = b * b + 4.0 * scale * (scale + frames) * seen * rest
    root = math.sqrt(square if square > 0.0 else 0.0)
    # Of the two forms of the root the one that does not subtract what is almost the same.
    return 2.0 * seen * rest / (b + root) if b > 0.0 else (root - b) / (2.0 * scale * (scale + frames))


@inlined
def slope_without_mean(light: float, given: float, scale: float, frames: float) -> float:
    """Derivative of the negative log-likelihood by the mean, for a pixel without counts whose best mean is zero.

    Elsewhere it is 1 - n / mu, which is the same but for the division by zero.
    """
    return (frames * given / light - frames) / scale if light > 0.0 and scale != 0.0 else 1.0


@kernel
def add_light(image: Floats, reference: Floats, scale: float, frames: float, shift: float, out: Floats) -> None:
    """Add the light that image and reference determine together.

    Parameters
    ----------
    image, reference : float64, shape (ny, nx)
    scale, frames, shift : float
        As for `noise_of_light`.
    out : float64, shape (ny, nx)
        Mean counts without the light; gets them with it, `LEAST_MEAN` at the least.
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
    """Sum what the noise of a reference does to a fit.

    Parameters
    ----------
    reference, used, mean : float64, shape (ny, nx)
        Mean counts of k images, pixels that count, and mean counts of the image, which are positive.
    scale : float
        Part s of the reference in the image.
    frames, shift : float
        k, and what is added to the counts of each, so that their variance is the gain times their mean.

    Returns
    -------
    left, doubt : float
        Sums of mu / V with V = mu + s^2 L / k: what the fitted light leaves of the variance of a residual, in units of
        gain mu; and of L mu / (k V^2): the score of s is L (n - mu) / V, and image and reference together determine L
        to L mu / (k V).
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
