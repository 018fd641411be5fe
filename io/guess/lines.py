"""A text into a table of cells: the delimiter, comments, and where the rows begin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .. import cells
from ..absent import says_no_value
from ..cells import Notation
from ..column import Kind
from ..header import distinct
from ..quotes import BLANKS, TABS, has_open_quote, split_line
from .shapes import by_shape

__all__ = [
    "AGREEMENT",
    "COMMENTS",
    "Body",
    "body_behind",
    "body_of",
    "delimiter_of",
    "is_comment",
    "kind_of",
    "kinds_of",
]

DELIMITERS = "\t;|,"
"""In the order in which they are tried: a comma may also be the decimal sign, so the others are believed first."""
COMMENTS = ("#", "%", "//", "!")
"""How lines of comment begin."""
AGREEMENT = 0.8
"""Part of the sample that must follow a guess; the rest are bad rows, reported one by one."""
PLAIN_NUMBER = re.compile(r"[-+0.,'eE]+")
"""The shape of a number without words."""
SURE_DIGITS = 18
"""Of integers that 64 bits hold, whatever the digits."""
_MOMENTS = {Kind.DATE, Kind.DATETIME, Kind.TIME}
Rows = list[list[str]]


def is_comment(line: str) -> bool:
    """Whether a line is no row but a comment.

    Examples
    --------
    >>> from utokyo.io.guess.lines import is_comment
    >>> is_comment("# valve opened"), is_comment("1,2")
    (True, False)
    """
    return line.lstrip().startswith(COMMENTS)


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
    >>> from utokyo.io.guess.lines import delimiter_of
    >>> delimiter_of(["t;p", "10:00:00;1,5"]), delimiter_of(["1 2  3", "4  5 6"])
    (';', ' \t')
    """
    filled = [line for line in lines if line.strip()]
    for sign in DELIMITERS:
        several = sign == "\t" and any("\t\t" in line for line in filled)
        if _agreed_width(filled, sign) > 1:
            return TABS if several and _fits_better(filled, TABS, sign) else sign
        if several and _agreed_width(filled, TABS) > 1:
            return TABS
    if _agreed_width(filled, BLANKS) > 1 and _are_numbers(filled, BLANKS):
        return BLANKS
    return ","


def rows_of(lines: Sequence[str], delimiter: str) -> Rows:
    """The cells of each line, as the parser finds them; none of a blank line."""
    return [split_line(line, delimiter) if line.strip(" \r") else [] for line in lines]


def _agreed_width(lines: Sequence[str], delimiter: str) -> int:
    """The number of cells that the lines agree on; 0 where they do not."""
    counts = Counter(_width(line, delimiter) for line in lines)
    width = counts.most_common(1)[0][0]
    # A header may be one field wider than the rows: a delimiter at its end.
    alike = counts[width] + counts[width + 1]
    rows = counts.total()
    return width if alike >= min(AGREEMENT * rows, rows - 1) else 0


def _width(line: str, delimiter: str) -> int:
    """The number of cells of a line that is not blank."""
    if len(delimiter) > 1 or ('"' in line and delimiter in line):
        return len(split_line(line, delimiter))
    return line.count(delimiter) + 1


def _fits_better(lines: Sequence[str], runs: str, plain: str) -> bool:
    """Whether all lines have the same number of cells when several delimiters are one, and only then."""
    together, apart = ({_width(line, d) for line in lines} for d in (runs, plain))
    return len(together) == 1 and len(apart) > 1


def _are_numbers(lines: Sequence[str], delimiter: str) -> bool:
    """Whether most cells between blanks are numbers or times, as in a table of them; text has blanks, too."""
    kinds = kinds_of([cell for row in rows_of(lines, delimiter) for cell in row])
    return kinds.total() - kinds[Kind.TEXT] - kinds[None] >= kinds.total() / 2


@lru_cache(1 << 14)
def kind_of(cell: str, notation: Notation = cells.PLAIN) -> Kind | None:
    """The narrowest kind that a cell is; None for an empty one, and for a word that says that there is no value.

    Examples
    --------
    >>> from utokyo.io.guess.lines import kind_of
    >>> kind_of("17"), kind_of("12:00"), kind_of("N/A")
    (<Kind.INTEGER: 0>, <Kind.TIME: 4>, None)
    """
    if not cell.strip() or says_no_value(cell):
        return None
    for kind in (Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME, Kind.TIME):
        if cells.cell_value(cell, kind, notation) is not None:
            return kind
    return Kind.TEXT


def kinds_of(found: Sequence[str], notation: Notation = cells.PLAIN) -> Counter[Kind | None]:
    """How many cells are of which kind, as `kind_of` says of each.

    Examples
    --------
    >>> from utokyo.io.guess.lines import kinds_of
    >>> sorted(kinds_of(["17", "4", "18"]).items())
    [(<Kind.INTEGER: 0>, 3)]
    """
    kinds: Counter[Kind | None] = Counter()
    for shape, alike in by_shape(found).items():
        kind = kind_of(alike[0], notation)
        fits = len(shape) <= SURE_DIGITS or notation.decimal in shape  # no integer beyond 64 bits
        if kind in {Kind.INTEGER, Kind.FLOAT} and fits and PLAIN_NUMBER.fullmatch(shape):
            kinds[kind] += len(alike)
            continue
        for cell, count in Counter(alike).items():
            is_alike = kind in _MOMENTS and cells.cell_value(cell, kind, notation) is not None
            kinds[kind if is_alike else kind_of(cell, notation)] += count
    return kinds


class Body(NamedTuple):
    """A sample of a table, split into its header and its rows."""

    first: int
    """Lines before the first row."""
    names_line: int | None
    """Where the columns are named; None where they are not."""
    names: tuple[str, ...]
    units: tuple[str, ...]
    """Of each column, where a line under the names says them; else empty."""
    rows: Rows
    closes: bool
    """Whether a delimiter stands behind the last cell of rows."""


def body_of(lines: Sequence[str], delimiter: str, notation: Notation) -> Body | None:
    """What of the sample is header and what rows; None where there are names and no row yet.

    Parameters
    ----------
    lines : sequence of str
        All lines of the sample, comments and blank ones too: what stands before the rows is counted in lines.
    delimiter : str
    notation : Notation

    Examples
    --------
    >>> from utokyo.io.guess.lines import body_of
    >>> from utokyo.io.cells import Notation
    >>> body = body_of(["run 12", "t,p", "s,Pa", "1,2.5"], ",", Notation())
    >>> body.names_line, body.first, body.names, body.units
    (1, 3, ('t', 'p'), ('s', 'Pa'))
    """
    rows = rows_of(["" if is_comment(line) else line for line in lines], delimiter)
    filled = [i for i, row in enumerate(rows) if row]
    # Lines with NUL bytes, or a quote that is not closed, are no rows; the first one may name the columns.
    filled = [i for i in filled if i == filled[0] or not _is_damaged(lines[i], delimiter)]
    if not filled:
        return None
    counts = Counter(len(rows[i]) for i in filled)
    width = max(counts, key=lambda n: (counts[n], n))
    wide = [rows[i] for i in filled if len(rows[i]) == width]
    closed = width > 1 and sum(not row[-1].strip() for row in wide) > AGREEMENT * len(wide)
    width -= closed  # a delimiter after the last cell, which the names may lack
    first = next((i for i in filled if len(rows[i]) >= width and not _are_words(rows[i], notation)), None)
    head = [i for i in filled if (first is None or i < first) and _can_be_names(rows[i], width)]
    if first is None:  # a table of text
        if len(head) < 2:
            return None
        head, first = head[:1], head[1]
        begin = head[0] + 1
    elif head:
        begin, first = first, _first_row(rows, [i for i in filled if i >= first], notation)
        # What is neither names nor units is a row, if a bad one, but for a line of words over numbers.
        begin = head[-1] + 1 if begin == first else first
    else:
        body = [rows[i] for i in filled if i >= first]
        closes = closed or _some_close(body, width)
        above = _comment_above(lines, first, delimiter)
        if above is not None and len(above) == width and _are_words(above, notation):
            return Body(first, first - 1, distinct(above), (), body, closes)
        return Body(first, None, distinct([""] * width), (), body, closes)
    with_units = len(head) > 1 and _are_units(rows[head[-1]]) and len(rows[head[-2]]) >= len(rows[head[-1]])
    names = head[-1 - with_units]
    body = [rows[i] for i in filled if i >= first]
    given = [cell.strip() for cell in rows[names]]
    if given[-1] and not closed and _has_numbers_of_rows(body, len(given)):
        return Body(begin, names, distinct(["row", *given]), (), body, False)
    last = len(given) - 1
    closes = not given[last] and all(len(row) <= last or not row[last].strip() for row in body)
    called = distinct(given)[: len(given) - closes]
    under = next((rows[i] for i in range(names + 1, first) if len(rows[i]) >= len(called) > 0), [])
    units = tuple(cell.strip(" []()") for cell in (*under, *[""] * len(called))[: len(called)]) if under else ()
    return Body(begin, names, called, units, body, closes or _some_close(body, len(called)))


def body_behind(
    lines: Sequence[str], delimiter: str, names_line: int | None, first: int, *, units_row: bool
) -> Body | None:
    """What of the sample is header and what rows, where the user says it; None while there is no row.

    Parameters
    ----------
    lines : sequence of str
    delimiter : str
    names_line : int or None
        From 0.
    first : int
        The first line that may be a row.
    units_row : bool
        Whether the line before it says units.

    Examples
    --------
    >>> from utokyo.io.guess.lines import body_behind
    >>> body = body_behind(["x;y", "1;2", "a;b", "s;Pa", "3;4"], ";", 2, 4, units_row=True)
    >>> body.names, body.units, body.rows
    (('a', 'b'), ('s', 'Pa'), [['3', '4']])
    """
    rows = rows_of(["" if is_comment(line) else line for line in lines], delimiter)
    body = [
        row for row, line in zip(rows[first:], lines[first:], strict=True) if row and not _is_damaged(line, delimiter)
    ]
    if not body:
        return None
    counts = Counter(map(len, body))
    width = max(counts, key=lambda n: (counts[n], n))
    closed = width > 1 and all(not row[-1].strip() for row in body if len(row) == width)
    given = [""] * width if names_line is None else [cell.strip() for cell in rows[names_line]]
    closes = len(given) > 1 and not given[-1] and closed
    names = distinct(given)[: len(given) - closes]
    under = rows[first - 1] if units_row and first else []
    units = tuple(cell.strip(" []()") for cell in (*under, *[""] * len(names))[: len(names)]) if under else ()
    return Body(first, names_line, names, units, body, closes or closed or _some_close(body, len(names)))


def _is_damaged(line: str, delimiter: str) -> bool:
    return "\0" in line or has_open_quote(line, delimiter)


def _some_close(body: Rows, count: int) -> bool:
    return any(len(row) == count + 1 for row in body)


def _are_words(row: Sequence[str], notation: Notation) -> bool:
    """Whether no cell is a number or a time, and some are words."""
    kinds = {kind_of(cell, notation) for cell in row}
    return kinds <= {None, Kind.TEXT} and Kind.TEXT in kinds


def _can_be_names(row: Sequence[str], width: int) -> bool:
    """Whether a line of words may name so many columns; rows may have one cell more, their number."""
    return len(row) >= max(1, width - 1) and any(kind_of(cell) is Kind.TEXT for cell in row)


def _are_units(row: Sequence[str]) -> bool:
    """Whether a line holds units and nothing else."""
    given = [cell.strip() for cell in row if cell.strip()]
    return bool(given) and all(UNIT.fullmatch(cell) for cell in given)


def _first_row(rows: Rows, body: Sequence[int], notation: Notation) -> int:
    """The first row behind the names: no line of words over numbers, as an oscilloscope writes under the names."""
    row, rest = rows[body[0]], [rows[i] for i in body[1:]]
    words = [place for place, cell in enumerate(row) if kind_of(cell, notation) is Kind.TEXT]
    if not rest or not words or words[0] != 0:
        return body[0]
    for place in words:
        below = kinds_of([other[place] for other in rest if place < len(other)], notation)
        if below.total() - below[None] - below[Kind.TEXT] < AGREEMENT * below.total():
            return body[0]
    return body[1]


def _has_numbers_of_rows(body: Rows, names: int) -> bool:
    """Whether rows begin with a cell more than there are names: their number, or a name of theirs."""
    return sum(len(row) == names + 1 and bool(row[-1].strip()) for row in body) > AGREEMENT * len(body)


def _comment_above(lines: Sequence[str], first: int, delimiter: str) -> list[str] | None:
    """The cells of a line of comment directly above the first row."""
    if first == 0 or not is_comment(lines[first - 1]):
        return None
    text = lines[first - 1].strip().lstrip("#%/! ")
    return [cell.strip() for cell in split_line(text, delimiter)] if text else None


UNIT = re.compile(
    r"\(.{1,12}\)|\[.{1,12}\]|-|%|1/[a-zµ]{1,3}|([numkµμMGcdph]|f|T)?(s|A|V|W|K|m|g|Hz|Pa|bar|Torr|T|G|J|eV|N|L|l|F|H|C"
    r"|Ohm|Ω|rad|cps|dB|dBm|sccm)([/ ·*^²³-]?[\w²³-]{1,4})?|°[CF]?|deg|min|h|d|a\.?u\.?|arb\.? ?units?|count(s|ing)?"
    r"|cts|ch(annels?)?|volts?|amps?|amperes?|sec(onds?)?|kelvin|pascal|watts?|hertz|bits?|adc|rpm|ppm|sequence|pixels?|px",
    re.IGNORECASE,
)
"""What stands in a line of units."""
