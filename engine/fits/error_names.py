"""How the column is called that holds the standard error of another: one convention, and the older names beside it.

``rate_Hz`` has ``rate_error_Hz``: the unit stays at the end. Tables of images keep ``A_unc``, which the earlier program
wrote.
"""

from __future__ import annotations

import re
from collections.abc import Container

__all__ = ["error_column", "error_name"]

UNITS = re.compile(r"(_(?:A|Hz|nm|s|W))$")


def error_name(name: str) -> str:
    """The name of a new column for the error of a value.

    Examples
    --------
    >>> error_name("current_A"), error_name("half_life_time"), error_name("Rb disp.")
    ('current_error_A', 'half_life_time_error', 'Rb disp._error')
    """
    with_unit, found = UNITS.subn(r"_error\1", name)
    return with_unit if found else f"{name}_error"


def error_column(name: str, columns: Container[str]) -> str | None:
    """Of some columns, the one that holds the error of a value; None where there is none.

    Examples
    --------
    >>> error_column("A", ["A", "A_unc"]), error_column("rate_Hz", ["rate_error_Hz"]), error_column("A", ["x0_unc"])
    ('A_unc', 'rate_error_Hz', None)
    """
    stem, _, unit = name.rpartition("_")
    names = (f"{name}_error", f"{stem}_error_{unit}", f"{name}_unc")
    return next((error for error in names if error in columns), None)
