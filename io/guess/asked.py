"""What a user says of a table that nobody described; by itself, since all readers are told it and few have to guess."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTHING_ASKED", "NO_TIMES", "Asked"]

NO_TIMES = "none"
"""In the place of the column that holds the times."""


@dataclass(frozen=True)
class Asked:
    """What a user says of a table that the engine would otherwise find out.

    Parameters
    ----------
    time : str
        The column that holds the times; ``"none"`` for none.
    time_format : str
        How they are written, as `datetime.datetime.strptime` has it: ``"%d.%m.%Y %H:%M:%S"``.
    delimiter, decimal : str
        One character each.
    header_line : int, optional
        The line that names the columns, from 1; 0 where none does.
    units_row : bool, optional
        Whether the line under the names says units.
    """

    time: str = ""
    time_format: str = ""
    delimiter: str = ""
    decimal: str = ""
    header_line: int | None = None
    units_row: bool | None = None


NOTHING_ASKED = Asked()
