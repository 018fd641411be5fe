"""Values with their errors as text: two significant digits of the error, and the value to the same place.

That is the rule of the Particle Data Group (Review of Particle Physics, introduction, section 5.3).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

__all__ = ["PLUS_MINUS", "rounded", "rounded_moment", "with_error"]

PLUS_MINUS = "±"
"""Between a value and its error, wherever both are written."""


def rounded_moment(stamp_ns: int, error_ns: float | None) -> tuple[str, str]:
    """A moment as a wall-clock time, to the digits that its error justifies, and the error in seconds.

    Parameters
    ----------
    stamp_ns : int
        Since 1970.
    error_ns : float or None
        Without a finite, positive error the time is rounded to a millisecond.

    Examples
    --------
    >>> rounded_moment(1_663_503_939_999_600_000, 12_000_000.0)
    ('2022-09-18 12:25:40.000', '0.012 s')
    >>> rounded_moment(1_663_503_939_123_456_789, None)
    ('2022-09-18 12:25:39.123', '?')
    """
    known = error_ns is not None and math.isfinite(error_ns) and error_ns > 0.0
    digits = min(9, max(0, 1 - math.floor(math.log10(error_ns / 1e9)))) if known and error_ns is not None else 3
    seconds, rest_ns = divmod(round(stamp_ns, digits - 9), 1_000_000_000)
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    text = f"{moment}{'.' if digits else ''}{f'{rest_ns:09d}'[:digits]}"
    return text, f"{error_ns / 1e9:.{digits}f} s" if known and error_ns is not None else "?"


def rounded(value: float, error: float) -> tuple[str, str]:
    """Value and error as text, the error with two significant digits and the value to the same decimal place.

    Parameters
    ----------
    value, error : float
        Of one unit. Without a finite, positive error the value has six digits.

    Examples
    --------
    >>> rounded(0.68247, 0.01234)
    ('0.682', '0.012')
    >>> rounded(61234.5, 512.0)
    ('61230', '510')
    >>> rounded(3.5e-13, 2.31e-14)
    ('3.50e-13', '0.23e-13')
    """
    if not math.isfinite(value) or not math.isfinite(error) or error <= 0:
        return f"{value:.6g}", "?" if not math.isfinite(error) else f"{error:.2g}"
    place = math.floor(math.log10(error)) - 1
    scale = math.floor(math.log10(max(abs(value), error)))
    if not -5 <= scale <= 8:  # too long to write out: both as multiples of one power of ten
        digits = max(0, scale - place)
        return f"{value / 10.0**scale:.{digits}f}e{scale:+03d}", f"{error / 10.0**scale:.{digits}f}e{scale:+03d}"
    digits = max(0, -place)
    return f"{round(value, -place):.{digits}f}", f"{round(error, -place):.{digits}f}"


def with_error(value: float, error: float | None, unit: str = "") -> str:
    """A value with its error and unit, with the digits that the error justifies: in texts, tables and figures.

    Parameters
    ----------
    value : float
    error : float or None
        Without one, or of nan, it is one that is not known.
    unit : str

    Examples
    --------
    >>> with_error(0.68247, 0.01234, "s")
    '0.682 ± 0.012 s'
    >>> with_error(898.2, None)
    '898.2 ± ?'
    """
    return f"{f' {PLUS_MINUS} '.join(rounded(value, math.nan if error is None else error))} {unit}".rstrip()
