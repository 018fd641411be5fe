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

MOST_STEPS = 100
"""Steps of scipy."""
GRADIENT = 0.1
"""Gradient, in scaled parameters, at which scipy stops, as a part of the tolerance."""
TRUST = {"initial_trust_radius": 1.0, "max_trust_radius": 1e4}
"""Typical changes that a step of scipy may have: at first, and at most."""
POLISHING_STEPS = 5
"""Newton's steps after those of scipy at most."""
POLISHED_FROM = 0.1
"""Distance from the minimum, in errors, below which they are made: there the likelihood is a parabola."""

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

    Examples
    --------
    >>> import numpy as np
    >>> def objective(x):
    ...     return Evaluation(0.5 * (x[0] - 3.0) ** 2, x - 3.0, np.eye(1))
    >>> minimum = minimize_likelihood(objective, np.zeros(1), np.ones(1))
    >>> minimum.converged, minimum.x.round(6).tolist()
    (True, [3.0])
    """
    scaled = _Scaled(objective, start, scale)
    try:
        answer = scaled.minimum("trust-exact", tolerance)
    except (ValueError, np.linalg.LinAlgError):
        # An information matrix that is singular to its last digit: conjugate gradients need no factors of it.
        answer = scaled.minimum("trust-ncg", tolerance)
    u, best = _polish(scaled, np.asarray(answer.x, dtype=np.float64), tolerance)
    return Minimum(
        x=start + scale * u,
        nll=best.nll,
        gradient=best.gradient / scale,
        information=best.information / np.outer(scale, scale),
        converged=bool(np.isfinite(best.nll) and _distance(best) < tolerance),
        message=str(answer.message),
    )


class _Scaled:
    """An objective in parameters u whose typical changes are 1: x = start + scale u."""

    def __init__(self, objective: Objective, start: Vector, scale: Vector) -> None:
        self._objective, self._start, self._scale = objective, start, scale
        self._last: tuple[bytes, Evaluation] | None = None

    def at(self, u: Vector) -> Evaluation:
        """The likelihood there; that of the last place is kept, since scipy asks for its parts one by one."""
        key = u.tobytes()
        if self._last is None or self._last[0] != key:
            scale = self._scale
            nll, gradient, information = self._objective(self._start + scale * u)
            # Derivatives that overflow are no place to stay: the step that led here is taken back.
            if not (np.isfinite(nll) and np.all(np.isfinite(gradient)) and np.all(np.isfinite(information))):
                nll = np.inf
            self._last = key, Evaluation(nll, gradient * scale, information * np.outer(scale, scale))
        return self._last[1]

    def minimum(self, method: str, tolerance: float) -> Any:
        """Scipy's answer."""
        return optimize.minimize(
            lambda u: self.at(u).nll,
            np.zeros_like(self._start),
            jac=lambda u: self.at(u).gradient,
            hess=lambda u: self.at(u).information,
            method=method,
            options={"gtol": GRADIENT * tolerance, "maxiter": MOST_STEPS, **TRUST},
        )


def _polish(scaled: _Scaled, u: Vector, tolerance: float) -> tuple[Vector, Evaluation]:
    """The minimum, from a place near it, and the likelihood there.

    There the likelihood changes by less than its last digits, and the trust region, which compares its values, stands
    still; the gradient still has digits, and full Newton steps follow it.
    """
    here = scaled.at(u)
    for _ in range(POLISHING_STEPS):
        distance = _distance(here)
        if not tolerance <= distance < POLISHED_FROM:
            break
        following = u - covariance_from(here.information) @ here.gradient
        there = scaled.at(following)
        if not _distance(there) < distance:
            break
        u, here = following, there
    return u, here


def covariance_from(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of an information matrix, by way of unit diagonal; nan everywhere when it is not positive definite."""
    covariance = np.empty(information.shape)
    invert_information(np.ascontiguousarray(information), covariance)
    return covariance


def _distance(there: Evaluation) -> float:
    """Expected distance from the minimum, in errors; infinite where the information has no inverse."""
    covariance = covariance_from(there.information)
    if not np.all(np.isfinite(covariance)):
        return np.inf
    return math.sqrt(max(0.0, float(there.gradient @ covariance @ there.gradient)))
