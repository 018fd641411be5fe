"""Values with their errors as figures write them, and where the error of a column stands."""

from __future__ import annotations

from collections.abc import Collection

from ..fits.result import rounded

__all__ = ["error_column", "with_error"]


def with_error(value: float, error: float, unit: str = "", *, sign: str = "+-") -> str:
    """A value with its error and unit, with the digits that the error justifies.

    Parameters
    ----------
    value, error : float
        An error of nan is one that is not known.
    unit : str
    sign : str
        Between value and error.

    Examples
    --------
    >>> with_error(0.68247, 0.01234, "s")
    '0.682 +- 0.012 s'
    >>> with_error(898.2, 31.4, sign="±")
    '898 ± 31'
    """
    return f"{f' {sign} '.join(rounded(value, error))} {unit}".rstrip()


def error_column(name: str, columns: Collection[str]) -> str | None:
    """The column with the standard errors of another one, under any of the names that errors have; None without.

    Examples
    --------
    >>> error_column("current_A", ["current_A", "current_error_A"])
    'current_error_A'
    >>> error_column("mot_number", ["mot_number", "mot_number_unc"])
    'mot_number_unc'
    >>> error_column("pulses", ["pulses"]) is None
    True
    """
    stem, _, unit = name.rpartition("_")
    names = (f"{name}_error", f"{stem}_error_{unit}", f"{name}_unc")
    return next((error for error in names if error in columns), None)
