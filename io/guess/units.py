"""Lines of units under the names of columns, as instruments write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["are_units"]

UNIT = re.compile(
    r"\(.{0,12}\)|\[.{0,12}\]|-|%|1/[a-zµ]{1,3}|([numkµμMGcdph]|f|T)?(s|A|V|W|K|m|g|Hz|Pa|bar|Torr|T|G|J|eV|N|L|l|F|H|C"
    r"|Ohm|Ω|rad|cps|dB|dBm|sccm)(rms|pp|p-p|dc|ac|pk|abs)?|°[CF]?|℃|℉|deg(rees?)?( ?([CFK]|celsius))?|celsius|%?RH"
    r"|hPa|slm|gauss|none|min|h|d|UTC|a\.? ?u\.?"
    r"|arb\.? ?u(\.|nits?)?|count(s|ing)?"
    r"|cts|ch(annels?)?|volts?|amps?|amperes?|sec(onds?)?|kelvin|pascal|watts?|hertz|bits?|adc|rpm|ppm|sequence|pixels?|px",
    re.IGNORECASE,
)
"""What stands in a line of units."""
WAY_OF_TIMES = re.compile(r"(?=.*[hHmMdD])([yYmMdDhHsSfFtTjJaA]{1,4}[-/.:, ]*){2,8}")
"""In a line of units: YYYY-MM-DD hh:mm:ss."""


def are_units(row: Sequence[str], above: Sequence[str] = ()) -> bool:
    """Whether a line holds units and nothing else, or less than the line above it, which names all columns.

    Parameters
    ----------
    row : sequence of str
    above : sequence of str
        The line above it; empty where the cells alone are to tell.

    Examples
    --------
    >>> from utokyo.io.guess.units import are_units
    >>> are_units(["(s)", "mbar*l/s"]), are_units(["YYYY-MM-DD hh:mm:ss", "Pa"]), are_units(["Scan", "Time"])
    (True, True, False)
    """
    given = [cell.strip() for cell in row if cell.strip()]
    if not given or len(row) > len(above) > 0:
        return False
    return all(_is_unit(cell) for cell in given) or (
        len(above) == len(row) > len(given) and all(cell.strip() for cell in above)
    )


def _is_unit(cell: str) -> bool:
    """Whether a cell is a unit, a product or a ratio of units, or the way in which times are written."""
    if UNIT.fullmatch(cell) or WAY_OF_TIMES.fullmatch(cell):
        return True
    factors = [factor for factor in re.split(r"[\s/*\u00b7.^()\[\]\d\u00b2\u00b3\u207b\u221a-]+", cell) if factor]
    return bool(factors) and all(UNIT.fullmatch(factor) for factor in factors)
