"""`GaussianFit`: a `Fit` of a spot, with gain, goodness of fit, detection and upper limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

from ..result import Fit
from .moments import Moments

__all__ = ["GaussianFit"]


@dataclass(frozen=True, eq=False, repr=False)
class GaussianFit(Fit):
    """The answer of `fit_gaussian`.

    Parameters
    ----------
    gain, gain_error : float
        Counts per electron: as given (its error is then 0), or as estimated.
    read_noise : float
        Standard deviation of a pixel without light, counts: as given, or as estimated of negative counts.
    probability : float
        p value: probability of residuals at least as large as these if the model is true. With a given gain it is that
        of the deviance. An estimated gain makes the deviance equal to its expectation, so that it tests nothing; the p
        value is then that of the correlation of neighbouring residuals.
    misfit : float
        Covariance of neighbouring residuals over their variance; 0 on average for a model that describes the image.
    shared_noise : float
        Variance of sums over many pixels over the sum of their variances, where neighbours share their noise; else 1.
    upper_limit : float
        Upper limit of A at 95 % confidence when no atoms are detected: the largest of `upper_limits`, for a spot
        anywhere in the image, or the limit at the given spot; nan when atoms are detected.
    upper_limits : mapping of float to float
        Width sigma (pixels) to the upper limit of A for spots of this width.
    background_nll : float
        Negative log-likelihood of the best model without a spot, in the unit of `nll`.
    detected : bool
        Whether there are atoms: a spot that is more than noise, a hot pixel or stray light. The fit of a detected spot
        that is too faint, or cut off by the edge, is not `valid`.
    explained : float
        R^2: fraction of the variance of the pixels that the model explains.
    departure : float
        How far the shape of a spot departs from a Gaussian: root mean square of what the residuals have beyond noise
        within two widths, in units of the peak. 0 where noise explains them. Errors include what it does.
    misplaced : float
        Half of the light that is at another place than the fit has it, in units of A.
    remarks : tuple of str
        What is to be known of a spot that is seen: that, and by how much, its shape departs, and what a person sees in
        the picture (saturated pixels, uneven light, two lobes, ...).

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
    read_noise: float = 0.0
    probability: float = math.nan
    misfit: float = math.nan
    shared_noise: float = 1.0
    upper_limit: float = math.nan
    upper_limits: Mapping[float, float] = field(default_factory=dict)
    background_nll: float = math.nan
    detected: bool = False
    explained: float = math.nan
    departure: float = 0.0
    misplaced: float = 0.0
    remarks: tuple[str, ...] = ()

    @cached_property
    def moments(self) -> Moments:
        """Light in an aperture, centroid and second moments: for any shape; nan where no spot is seen."""
        of_profile = getattr(self.profile, "moments", None)
        return of_profile if self.detected and of_profile is not None else Moments()

    @cached_property
    def p_value(self) -> float:
        """Probability of residuals at least this large if the model is true; see `probability`."""
        return self.probability

    def _headline(self) -> str:
        limit = f"; A < {self.upper_limit:.3g} (95 %)" if math.isfinite(self.upper_limit) else ""
        return super()._headline() + limit

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.remarks])

    def _repr_html_(self) -> str:
        return super()._repr_html_() + "".join(f"<p>{escape(remark)}</p>" for remark in self.remarks)
