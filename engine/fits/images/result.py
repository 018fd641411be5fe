"""`GaussianFit`: a `Fit` of a spot, with what an image says beyond the parameters: gain, goodness, upper limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..result import Fit

__all__ = ["GaussianFit"]


@dataclass(frozen=True, eq=False, repr=False)
class GaussianFit(Fit):
    """The answer of `fit_gaussian`.

    Parameters
    ----------
    gain, gain_error : float
        Counts per electron: as given (its error is then 0), or as estimated.
    probability : float
        p: that the model gives residuals at least as large as these. With a given gain it is that of the deviance;
        with an estimated one, which uses the deviance up, that of what neighbouring residuals share.
    misfit : float
        What neighbouring residuals share, in units of their variance; 0 for a model that describes the image.
    upper_limit : float
        Of A, at 95 % confidence, when nothing is seen, wherever a spot may be and whatever its width among those of
        `upper_limits`, or at the given spot; nan when something is seen.
    upper_limits : mapping of float to float
        The same for spots of one width sigma (pixels).
    background_nll : float
        Negative log-likelihood of the model without a spot.
    detected : bool
        Whether there are atoms: a spot that is more than noise, a hot pixel or stray light. It may be too faint, or cut
        off, for its numbers to be used: then the fit is not `valid`.
    explained : float
        R^2: part of the variance between the pixels that the model explains.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian
    >>> fit = fit_gaussian(np.random.default_rng(1).poisson(25.0, (50, 60)), gain=1.0)
    >>> fit.detected, fit.flags
    (False, ('no_atoms',))
    >>> 100.0 < fit.upper_limit < 2000.0
    True
    """

    gain: float = math.nan
    gain_error: float = math.nan
    probability: float = math.nan
    misfit: float = math.nan
    upper_limit: float = math.nan
    upper_limits: Mapping[float, float] = field(default_factory=dict)
    background_nll: float = math.nan
    detected: bool = False
    explained: float = math.nan

    @cached_property
    def p_value(self) -> float:
        """Probability of residuals at least this large, were the model true; see `probability`."""
        return self.probability

    def _headline(self) -> str:
        limit = f"; A < {self.upper_limit:.3g} (95 %)" if math.isfinite(self.upper_limit) else ""
        return super()._headline() + limit
