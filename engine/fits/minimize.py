"""The one place that calls scipy's minimizers.

Every model of this package gives its negative log-likelihood with gradient and an information matrix (expected or
observed Hessian). Parameters of a likelihood differ by many powers of ten; the minimisation runs on scaled ones, by
Newton steps inside a trust region (`scipy.optimize.minimize`, ``trust-exact``), which need few evaluations and are not
fooled by bad scales as L-BFGS-B on raw parameters is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ...kernels.inverse import invert_information

__all__ = ["Evaluation", "Minimum", "covariance_from", "minimize_likelihood"]

POLISHING_STEPS = 5
POLISHED_FROM = 0.1  # errors away from the minimum: there the likelihood is a parabola

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector, NDArray[np.float64]]]


class Evaluation(NamedTuple):
    """A negative log-likelihood at some parameters: its value, its gradient, and an information matrix."""

    nll: float
    gradient: Vector
    information: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a likelihood is best: parameters, nll, gradient and information there, and whether scipy got there."""

    x: Vector
    nll: float
    gradient: Vector
    information: NDArray[np.float64]
    converged: bool
    message: str


def minimize_likelihood(objective: Objective, start: Vector, scale: Vector, *, tolerance: float = 1e-4) -> Minimum:
    """Minimise a negative log-likelihood.

    Parameters
    ----------
    objective : callable
        ``objective(x)`` gives an `Evaluation`: nll, gradient of shape (n,), information matrix of shape (n, n).
    start, scale : array of float64, shape (n,)
        Where to begin, and the size of a typical change of each parameter (its expected error is best).
    tolerance : float
        Largest expected distance from the minimum that is called converged, as a part of the errors: the square root of
        g' I^-1 g, g the gradient and I the information.

    Returns
    -------
    Minimum
    """
    seen: tuple[bytes, Evaluation] | None = None

    def at(u: Vector) -> Evaluation:
        nonlocal seen
        key = u.tobytes()
        if seen is None or seen[0] != key:
            nll, gradient, information = objective(start + scale * u)
            # Derivatives that overflow are no place to stay: the step that led here is taken back.
            if not (np.isfinite(nll) and np.all(np.isfinite(gradient)) and np.all(np.isfinite(information))):
                nll = np.inf
            seen = key, Evaluation(nll, gradient * scale, information * np.outer(scale, scale))
        return seen[1]

    def descended(method: str) -> Any:
        return optimize.minimize(
            lambda u: at(u).nll,
            np.zeros_like(start),
            jac=lambda u: at(u).gradient,
            hess=lambda u: at(u).information,
            method=method,
            options={"gtol": 0.1 * tolerance, "maxiter": 100, "initial_trust_radius": 1.0, "max_trust_radius": 1e4},
        )

    try:
        answer = descended("trust-exact")
    except (ValueError, np.linalg.LinAlgError):
        # An information matrix that is singular to its last digit: conjugate gradients need no factors of it.
        answer = descended("trust-ncg")
    u = np.asarray(answer.x, dtype=np.float64)
    nll, gradient, information = at(u)
    # Near the minimum the likelihood changes by less than its last digits, and the trust region, which compares its
    # values, stands still; the gradient still has digits, and full Newton steps follow it.
    for _ in range(POLISHING_STEPS):
        distance = _distance(gradient, information)
        if not tolerance <= distance < POLISHED_FROM:
            break
        following = u - covariance_from(information) @ gradient
        if not _distance(*at(following)[1:]) < distance:
            break
        u = following
        nll, gradient, information = at(u)
    distance = _distance(gradient, information)
    return Minimum(
        x=start + scale * u,
        nll=nll,
        gradient=gradient / scale,
        information=information / np.outer(scale, scale),
        converged=bool(np.isfinite(nll) and distance < tolerance),
        message=str(answer.message),
    )


def covariance_from(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of an information matrix, by way of unit diagonal; nan everywhere when it is not positive definite."""
    covariance = np.empty(information.shape)
    invert_information(np.ascontiguousarray(information), covariance)
    return covariance


def _distance(gradient: Vector, information: NDArray[np.float64]) -> float:
    covariance = covariance_from(information)
    if not np.all(np.isfinite(covariance)):
        return np.inf
    return math.sqrt(max(0.0, float(gradient @ covariance @ gradient)))
