"""Words by which instruments and people say that there is no value."""

from __future__ import annotations

import re

from .quotes import unquoted

__all__ = ["NO_VALUE", "is_summary", "may_be_absent", "may_be_state", "says_no_value", "says_no_value_among_numbers"]

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


AMONG_NUMBERS = frozenset(
    """
    error|err|err.|over|under|ur|or|off|open|fail|failed|fault|hi|lo|high|low|invalid|undef|undefined|nd|n.d.|n.d|n/d
    no signal|low signal|big signal|ovfl|ovfl.|ovrflw|overld|sat|sat.|saturated|disconnected|unplugged|no hardware
    no hw|nohw|id err|ident error|t/c open|bad|s.over|s.under|r.over|r.under|t.over|t.under
    """.replace("\n", "|")
    .replace("    ", "")
    .split("|")
) - {""}
"""Words, in small letters, that are no reading where others of the column are numbers; alone they may be states."""
STATES = frozenset({"off", "open", "high", "low", "hi", "lo"})
"""Those of them that are rather states in a column that has no number yet."""
LIMIT = re.compile(r"[<>\u2264\u2265]=?\s*[+-]?[\d.,]*\d([eE][+-]?\d+)?")
"""A reading is below or above what can be measured: `<5E-10`."""
CODE = re.compile(r"(error|err|fault|fail)[ _#:.-]*\d{1,6}", re.IGNORECASE)
WORDS = re.compile(r"[^\W\d_]{3,}([ _:.#-]+(\d{1,4}|[^\W\d_]+))*")
SUMMARY = re.compile(
    r"(mean|average|avg|max(imum)?|min(imum)?|std\.?( ?dev\.?)?|stdev|standard deviation|sd|sum|total|median|count|rms"
    r"|variance|n|mittel(wert)?|summe|standardabweichung|moyenne|somme|[\u00e9e]cart[- ]type"
    r"|平均値?|最大値?|最小値?|合計|標準偏差)\s*:?",
    re.IGNORECASE,
)


def says_no_value(cell: str) -> bool:
    """Whether a cell is a word by which instruments and people say that there is no value.

    Examples
    --------
    >>> from utokyo.io.absent import says_no_value
    >>> says_no_value("Overrange"), says_no_value("#N/A"), says_no_value("OFF"), says_no_value("1.5")
    (True, True, False, False)
    """
    return " ".join(unquoted(cell).lower().split()) in NO_VALUE


def says_no_value_among_numbers(cell: str) -> bool:
    """Whether a cell says that there is no value, where others of its column are numbers; else it may be a state.

    Examples
    --------
    >>> from utokyo.io.absent import says_no_value_among_numbers
    >>> [says_no_value_among_numbers(cell) for cell in ("Error", "<5E-10", "Err 17", "12a")]
    [True, True, True, False]
    """
    text = " ".join(unquoted(cell).lower().split())
    return text in AMONG_NUMBERS or LIMIT.fullmatch(text) is not None or CODE.fullmatch(text) is not None


def may_be_state(cell: str) -> bool:
    """Whether a word that says among numbers that there is no value is rather a state, where there is no number yet.

    Examples
    --------
    >>> from utokyo.io.absent import may_be_state
    >>> may_be_state("OFF"), may_be_state("Error")
    (True, False)
    """
    return unquoted(cell).strip().lower() in STATES


def is_summary(cell: str) -> bool:
    """Whether the first cell of a line among numbers says that the line sums up those above.

    Examples
    --------
    >>> from utokyo.io.absent import is_summary
    >>> is_summary("Mean:"), is_summary("Valve")
    (True, False)
    """
    return SUMMARY.fullmatch(unquoted(cell).strip()) is not None


def may_be_absent(cell: str) -> bool:
    """Whether a cell among numbers, which is none, may stand for an absent reading: words, and numbers beside them.

    Examples
    --------
    >>> from utokyo.io.absent import may_be_absent
    >>> [may_be_absent(cell) for cell in ("Shutter", "Sensor 2 off", "0x17", "1.#J", "abc3")]
    [True, True, False, False, False]
    """
    return cell.isprintable() and (not any(letter.isdigit() for letter in cell) or WORDS.fullmatch(cell) is not None)
