"""Words by which instruments and people say that there is no value."""

from __future__ import annotations

from .quotes import unquoted

__all__ = ["NO_VALUE", "may_be_absent", "says_no_value"]

NO_VALUE = frozenset(
    """
    -|--|---|----|-----|\u2013|\u2014|?|??|???|*|**|***|****|*****|******|####|#####|######|#######|########
    n/a|n.a.|n.a|na|#n/a|#na|#value!|#div/0!|#num!|#ref!|#name?|#null!|null|none|nil|<null>|<na>|(null)|missing
    ol|o.l.|o.l|ovl|ovld|ovrng|ovf|overload|overflow|overrange|over-range|over_range|over range|over limit
    underrange|under-range|under_range|under range|underflow|out of range|out_of_range|outofrange|range error
    sensor off|sensor_off|sensoroff|no sensor|no_sensor|nosensor|sensor error|sensor_error|no gauge|id error
    no data|no_data|nodata|not available|not_available|not connected|not_connected|no reading|no_reading
    no value|no_value
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
) - {""}
"""Words, in small letters, that stand where there is no reading, and nowhere else."""


def says_no_value(cell: str) -> bool:
    """Whether a cell is a word by which instruments and people say that there is no value.

    Examples
    --------
    >>> from utokyo.io.absent import says_no_value
    >>> says_no_value("Overrange"), says_no_value("#N/A"), says_no_value("OFF"), says_no_value("1.5")
    (True, True, False, False)
    """
    return " ".join(unquoted(cell).lower().split()) in NO_VALUE


def may_be_absent(cell: str) -> bool:
    """Whether a cell among numbers, which is none, may stand for an absent reading: it is a word without a digit.

    Examples
    --------
    >>> from utokyo.io.absent import may_be_absent
    >>> may_be_absent("Shutter"), may_be_absent("OFF"), may_be_absent("0x17"), may_be_absent("1.#J")
    (True, True, False, False)
    """
    return cell.isprintable() and not any(letter.isdigit() for letter in cell)
