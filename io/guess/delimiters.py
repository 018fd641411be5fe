"""The delimiter of a table: the sign by which its lines have the same number of cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..cells import Notation
from ..column import Kind
from ..quotes import BLANKS, TABS, split_line
from .kinds import kind_of, kinds_of
from .lines import AGREEMENT, are_words, headers_again, rows_of

__all__ = ["delimiter_of"]

DELIMITERS = "\t;|,"
"""In the order in which they are tried: a comma may also be the decimal sign, so the others are believed first."""
DECIMAL = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
DECIMAL_BEFORE_BLANK = re.compile(r"\d,\d+([eE][+-]?\d+)?[ \t]+\S|\S[ \t]+[+-]?\d+,\d")
LINES_TO_WEIGH = 50
COMMA = Notation(decimal=",")


def delimiter_of(lines: Sequence[str]) -> str:
    r"""The delimiter by which most lines have the same number of cells.

    Parameters
    ----------
    lines : sequence of str
        Without comments, not all of them blank.

    Returns
    -------
    str
        As `Layout` has it.

    Examples
    --------
    >>> from utokyo.io.guess.delimiters import delimiter_of
    >>> delimiter_of(["t;p", "10:00:00;1,5"]), delimiter_of(["1 2  3", "4  5 6"])
    (';', ' \t')
    """
    filled = [line for line in lines if line.strip()]
    found = [sign for sign in DELIMITERS if any(sign in line for line in filled)]
    for sign in found:
        if sign == "," and (instead := _beside_decimals(filled)):
            return instead
        several = sign == "\t" and any("\t\t" in line for line in filled)
        if _agreed_width(filled, sign) > 1:
            return TABS if several and _fits_better(filled, TABS, sign) else sign
        if several and _agreed_width(filled, TABS) > 1:
            return TABS
    for sign in found:
        if sign != "," and _is_agreed_below(filled, sign):
            return sign
    if _agreed_width(filled, BLANKS) > 1 and _are_numbers(filled, BLANKS):
        return BLANKS
    return ","


def _agreed_width(lines: Sequence[str], delimiter: str) -> int:
    """The number of cells that the lines agree on, those from one header to the next; 0 where they do not."""
    rows = rows_of(lines, delimiter)
    begins = [0, *headers_again(rows)]
    widths, alike = [], 0
    for begin, end in zip(begins, [*begins[1:], len(rows)], strict=True):
        counts = Counter(len(row) for row in rows[begin:end])
        widths.append(counts.most_common(1)[0][0])
        # A header may be one field wider than the rows: a delimiter at its end.
        alike += counts[widths[-1]] + counts[widths[-1] + 1]
    return widths[0] if alike >= min(AGREEMENT * len(rows), len(rows) - 1) else 0


def _beside_decimals(lines: Sequence[str]) -> str:
    """What delimits numbers whose decimal sign is the comma: blanks, or nothing in a file of one column; else empty."""
    named = len(lines) > 1 and kind_of(lines[0]) is Kind.TEXT and "," not in lines[0]
    if named and all(DECIMAL.fullmatch(line.strip()) for line in lines[1:]):
        return ";"
    lines = lines[-LINES_TO_WEIGH:]  # what decides is in each of them
    if not any(DECIMAL_BEFORE_BLANK.search(line) for line in lines):
        return ""
    body = [line for line in lines if not are_words(split_line(line, ","), COMMA)] or lines
    parts = {sign: [kind_of(cell, COMMA) for row in rows_of(body, sign) for cell in row] for sign in (BLANKS, ",")}
    share = {sign: sum(kind not in {None, Kind.TEXT} for kind in kinds) / len(kinds) for sign, kinds in parts.items()}
    fits = _agreed_width(lines, BLANKS) > 1 and share[BLANKS] >= AGREEMENT and share[BLANKS] > share[","]
    return BLANKS if fits else ""


def _is_agreed_below(lines: Sequence[str], delimiter: str) -> bool:
    """Whether lines agree on one or two numbers of cells below a long header: a logger may be started again."""
    widths = [len(row) for row in rows_of(lines, delimiter)]
    agreed = {width for width, _ in Counter(width for width in widths if width > 1).most_common(2)}
    body = widths[next((i for i, width in enumerate(widths) if width in agreed), len(widths)) :]
    return len(body) > 1 and sum({width, width - 1} & agreed != set() for width in body) >= AGREEMENT * len(body)


def _fits_better(lines: Sequence[str], runs: str, plain: str) -> bool:
    """Whether all lines have the same number of cells when several delimiters are one, and only then."""
    together, apart = (Counter(len(row) for row in rows_of(lines, d)) for d in (runs, plain))
    return len(together) == 1 and len(apart) > 1


def _are_numbers(lines: Sequence[str], delimiter: str) -> bool:
    """Whether most cells between blanks are numbers or times, as in a table of them; text has blanks, too."""
    kinds = kinds_of([cell for row in rows_of(lines, delimiter) for cell in row])
    return kinds.total() - kinds[Kind.TEXT] - kinds[None] >= kinds.total() / 2
