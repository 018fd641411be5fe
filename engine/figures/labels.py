"""Values with errors, in the form for figures."""

from __future__ import annotations

from ..fits.result import rounded

__all__ = ["with_error"]


def with_error(value: float, error: float, unit: str = "", *, sign: str = "+-") -> str:
    """A value with its error and unit, with the digits that the error justifies.

    Parameters
    ----------
    value, error : float
        An error that is not known is nan.
    unit : str
    sign : str
        Text between value and error.

    Examples
    --------
    >>> with_error(0.68247, 0.01234, "s")
    '0.682 +- 0.012 s'
    >>> with_error(898.2, 31.4, sign="±")
    '898 ± 31'
    """
    return f"{f' {sign} '.join(rounded(value, error))} {unit}".rstrip()
