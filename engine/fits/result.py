"""`Fit`: what every fit of this package answers.

Values and errors by name, the covariance between them, how well the model describes the data, and whether the numbers
may be used. Validity is many small flags, not one hope: ``valid`` is true only when ``reasons`` is empty.
A fit prints itself with the digits that its errors justify: two significant digits of the error and the value to the
same place (Particle Data Group, Review of Particle Physics, introduction, section 5.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from .flags import Reason
from .rounding import PLUS_MINUS, rounded, rounded_moment

__all__ = ["Fit"]

MOMENTS_FROM_NS = 1e17
"""Numbers of ns from which on they are a time since 1970, not a duration: that of 1973."""
INTERVAL_STEPS = 12
"""Steps, each twice as long as the one before, until an end of an interval is called infinite."""
INTERVAL_TOLERANCE = 1e-6, 1e-4
"""Of an end of an interval: relative, and in units of the step, the error of one confidence level."""


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """The answer of a fit, which prints itself as a table of rounded numbers.

    Parameters
    ----------
    values : mapping of str to float
        Estimates by name, in the units that the names carry.
    errors : mapping of str to float
        Standard errors of the same names (and of derived quantities); nan where the data do not determine them.
    covariance : array of float64, shape (n, n)
        Of the fitted parameters, in the order of `names`.
    names : tuple of str
        The fitted parameters; `values` may hold derived ones beyond them.
    nll : float
        Negative log-likelihood at the minimum, up to a constant of the data.
    deviance, ndof : float, int
        Goodness of fit: twice the distance in log-likelihood to the saturated model, and its degrees of freedom.
    significance : float
        One-sided Gaussian equivalent (z) of the probability that background alone looks like this; nan where that is
        not asked.
    reasons : tuple of Reason
        Sentences that say why the numbers must not be used; empty for a valid fit. All are of the table in
        `engine.fits.flags`.
    profile : callable, optional
        ``profile(name, value)`` is the negative log-likelihood minimised over all other parameters, for `interval`.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import Fit
    >>> Fit({"tau_s": 8.124}, {"tau_s": 0.31}, np.array([[0.0961]]), ("tau_s",), nll=12.0, deviance=24.0, ndof=27)
    valid; deviance / ndof = 24.0 / 27, p = 0.63
      tau_s = 8.12 ± 0.31
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    covariance: NDArray[np.float64]
    names: tuple[str, ...]
    nll: float
    deviance: float = math.nan
    ndof: int = 0
    significance: float = math.nan
    reasons: tuple[Reason, ...] = ()
    profile: Callable[[str, float], float] | None = None

    @property
    def valid(self) -> bool:
        """Whether the numbers may be used."""
        return not self.reasons

    @property
    def reason(self) -> str:
        """Why the fit is not valid, as one line; empty when it is."""
        return "; ".join(self.reasons)

    @property
    def flags(self) -> tuple[str, ...]:
        """The same for programs: the codes of the reasons, "other" for a sentence that has none."""
        return tuple(getattr(reason, "code", "other") for reason in self.reasons)

    @cached_property
    def p_value(self) -> float:
        """Probability of a deviance at least this large, were the model true (chi-square limit)."""
        if self.ndof <= 0 or not math.isfinite(self.deviance):
            return math.nan
        return float(special.chdtrc(self.ndof, self.deviance))

    def interval(self, name: str, cl: float = 0.683) -> tuple[float, float]:
        """Profile-likelihood interval of one fitted parameter (Wilks: the nll rises by half a chi-square quantile).

        Parameters
        ----------
        name : str
            One of `names`.
        cl : float
            Confidence level, in (0, 1).

        Returns
        -------
        (low, high) : floats in the unit of the parameter; an end is infinite when the likelihood does not close there.

        Raises
        ------
        ValueError
            When `name` was not fitted or has no error, `cl` is out of range, or the fit carries no profile.

        Examples
        --------
        >>> import numpy as np
        >>> from utokyo import fit_lifetime
        >>> seconds = np.arange(30)
        >>> numbers = 1000.0 * np.exp(-seconds / 8.0) + np.random.default_rng(1).normal(0.0, 10.0, 30)
        >>> fit = fit_lifetime(seconds * 1_000_000_000, numbers, np.full(30, 10.0))
        >>> low, high = fit.interval("tau_s", cl=0.95)
        >>> low < 8.0 < high
        True
        """
        if self.profile is None or name not in self.names:
            raise ValueError(f"no profile likelihood of {name!r}; fitted were {', '.join(self.names)}")
        if not 0.0 < cl < 1.0:
            raise ValueError(f"a confidence level lies between 0 and 1, not at {cl}")
        chi_square = float(special.chdtri(1, 1.0 - cl))
        step = self.errors[name] * math.sqrt(chi_square)
        if not math.isfinite(step):
            raise ValueError(f"no interval of {name!r}: the data do not tell its error")
        level = self.nll + 0.5 * chi_square
        return self._end(self.profile, name, level, -step), self._end(self.profile, name, level, +step)

    def _end(self, profile: Callable[[str, float], float], name: str, level: float, step: float) -> float:
        """Where the profile reaches a level, in the direction of a step; infinite where it does not."""
        best = self.values[name]
        inner, outer = best, best + step
        rtol, xtol = INTERVAL_TOLERANCE
        for _ in range(INTERVAL_STEPS):
            if profile(name, outer) > level:
                found = optimize.brentq(
                    lambda x: profile(name, x) - level, inner, outer, rtol=rtol, xtol=xtol * abs(step)
                )
                return float(found)
            inner, outer = outer, outer + (outer - best)
        return math.copysign(math.inf, step)

    def _rows(self) -> list[tuple[str, str, str]]:
        return [(name, *_shown(name, value, self.errors.get(name, math.nan))) for name, value in self.values.items()]

    def _headline(self) -> str:
        quality = (
            f"deviance / ndof = {self.deviance:.1f} / {self.ndof}, p = {self.p_value:.2g}" if self.ndof > 0 else ""
        )
        verdict = "valid" if self.valid else f"NOT VALID: {self.reason}"
        return "; ".join(part for part in (verdict, quality) if part)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = self._rows()
        width, number = max(len(r[0]) for r in rows), max(len(r[1]) for r in rows)
        return "\n".join([self._headline(), *(f"  {n:<{width}} = {v:>{number}} {PLUS_MINUS} {e}" for n, v, e in rows)])

    def _repr_html_(self) -> str:
        body = "".join(f"<tr><td>{escape(n)}</td><td>{v}</td><td>&plusmn; {e}</td></tr>" for n, v, e in self._rows())
        return f"<table><caption>{escape(self._headline())}</caption>{body}</table>"


def _shown(name: str, value: float, error: float) -> tuple[str, str]:
    """Value and error as text; a moment in ns since 1970 as a wall-clock time, its error in seconds."""
    if name.endswith("_ns") and abs(value) > MOMENTS_FROM_NS and error > 0.0:
        return rounded_moment(int(value), error)
    return rounded(value, error)
