"""A text into a table of cells: names, units, and where the rows begin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from .. import cells
from ..absent import is_summary, says_no_value_among_numbers
from ..cells import Notation
from ..column import Kind
from ..header import distinct
from ..quotes import has_open_quote, split_line
from .comments import cells_of_comment, is_comment
from .kinds import kind_of, kinds_of
from .units import are_units

__all__ = [
    "AGREEMENT",
    "Body",
    "are_names_again",
    "are_other_names",
    "are_words",
    "body_behind",
    "body_of",
    "headers_again",
    "rows_of",
]

AGREEMENT = 0.8
"""Part of the sample that must follow a guess; the rest are bad rows, reported one by one."""
SAME_NAMES = 0.5
"""Part of the cells of a line, at least, that are names of columns, where the line is a header in the middle."""
VALUE = re.compile(
    r"\s*[\[(]?(\d{1,4}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|[+-]?\d+([.,']\d+)+([eE][+-]?\d+)?\s*$|\d{1,2}:\d{2})"
)
"""What begins as a date or a time of day, or is a number, in one notation or another."""
LONGEST_CELL_LINES = 10
"""Lines in which a quoted cell with line breaks is closed, if it ever is."""
LONGEST_PREFACE = 12
"""Lines above the names, at most, that look like rows and do not fit those below."""
Rows = list[list[str]]


def rows_of(lines: Sequence[str], delimiter: str) -> Rows:
    """The cells of each line, as the parser finds them; none of a blank line."""
    return [split_line(line, delimiter) if line.strip(" \r") else [] for line in lines]


def are_names_again(found: Sequence[str], known: Collection[str]) -> bool:
    """Whether cells of a line name columns that are known: most are such names, or all such names are there.

    Examples
    --------
    >>> from utokyo.io.guess.lines import are_names_again
    >>> are_names_again(["t", "b", "a"], ["t", "a"]), are_names_again(["t", "x", "y"], ["t", "a"])
    (True, False)
    """
    shared = sum(name in known for name in found)
    return shared >= max(1, SAME_NAMES * len(found)) or 1 < shared == len(known)


def are_other_names(found: Sequence[str], kinds: Sequence[Kind | None]) -> bool:
    """Whether a line names other columns than there were: words alone, each another, where numbers and times were.

    Parameters
    ----------
    found : sequence of str
        The cells of the line.
    kinds : sequence of Kind or None
        Of the columns so far; None for one without a value yet.

    Examples
    --------
    >>> from utokyo.io.column import Kind
    >>> from utokyo.io.guess.lines import are_other_names
    >>> kinds = [Kind.DATETIME, Kind.FLOAT]
    >>> are_other_names(["Zeit", "Ofen"], kinds), are_other_names(["Error", "off"], kinds)
    (True, False)
    """
    found = [cell.strip() for cell in found]
    known = [kind for kind in kinds if kind not in {None, Kind.NONE}]
    if len(found) != len(kinds) or len(known) < 2 or Kind.TEXT in known or len(set(found)) < len(found):
        return False
    return all(
        kind_of(cell) is Kind.TEXT and not (VALUE.match(cell) or says_no_value_among_numbers(cell) or is_summary(cell))
        for cell in found
    )


def headers_again(rows: Rows) -> list[int]:
    """Where a header that stands above rows stands again, with its columns or others; rows behind it go by it."""
    filled = [i for i, row in enumerate(rows) if row]
    first = next((k for k, i in enumerate(filled) if not are_words(rows[i], cells.PLAIN)), len(filled))
    heads = [
        {cell.strip() for cell in rows[i]} - {""} for i in filled[:first] if sum(bool(c.strip()) for c in rows[i]) > 1
    ]
    given = {i: [cell.strip() for cell in rows[i] if cell.strip()] for i in filled[first:]}
    named = [i for i in given if any(are_names_again(given[i], head) for head in heads)]
    return [i for i in named if are_words(rows[i], cells.PLAIN)]


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

    The names are the first ones: a logger that is started again may name more columns, and have more rows of them.

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
    >>> body_of(["t,p", "1,2.5", "t,p,q", "2,2.5,7", "3,2.5,7"], ",", Notation()).names
    ('t', 'p')
    """
    found = _body_of(lines, delimiter, notation)
    if found is None or not found.names_line:
        return found
    before = body_of(lines[: found.names_line], delimiter, notation)
    if before is None or before.names_line is None or set(before.names).isdisjoint(found.names):
        return found
    rows = rows_of(["" if is_comment(line, delimiter) else line for line in lines[before.first :]], delimiter)
    return before._replace(rows=[row for row in rows if row])


def _body_of(lines: Sequence[str], delimiter: str, notation: Notation) -> Body | None:
    """As `body_of`, by the number of cells that most lines have."""
    rows = rows_of(["" if is_comment(line, delimiter) else line for line in lines], delimiter)
    filled = [i for i, row in enumerate(rows) if row]
    # Lines with NUL bytes, or a quote that is not closed, are no rows; the first one may name the columns.
    broken = _lines_of_broken_cells(lines, filled, delimiter)
    filled = [i for i in filled if i == filled[0] or (i not in broken and not _is_damaged(lines[i], delimiter))]
    if not filled:
        return None
    every, again = filled, headers_again(rows)
    if again:
        filled = [i for i in filled if i < again[0]]
    counts = Counter(len(rows[i]) for i in filled)
    width = max(counts, key=lambda n: (counts[n], n))
    wide = [rows[i] for i in filled if len(rows[i]) == width]
    closed = width > 1 and sum(not row[-1].strip() for row in wide) > AGREEMENT * len(wide)
    width -= closed  # a delimiter after the last cell, which the names may lack
    first = next((i for i in filled if len(rows[i]) >= width and not are_words(rows[i], notation)), None)
    if first is not None:
        below = _names_below(rows, filled, first, width, notation)
        if below >= 0:
            first = next((i for i in filled if i > below and not are_words(rows[i], notation)), first)
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
        body, own = ([rows[i] for i in lines_of_rows if i >= first] for lines_of_rows in (every, filled))
        closes = closed or _some_close(own, width)
        if first == filled[0] and _is_word_over_numbers(own, notation):
            return Body(first + 1, first, distinct(body[0][:width]), (), body[1:], closes)
        above = _comment_above(lines, first, delimiter)
        if above is not None and len(above) == width and are_words(above, notation):
            body = _with_comments_that_name(lines, rows, [i for i in filled if i >= first], above, delimiter)
            return Body(first, first - 1, distinct(above), (), body, closes)
        return Body(first, None, distinct([""] * width), (), body, closes)
    with_units = len(head) > 1 and are_units(rows[head[-1]], rows[head[-2]])
    if len(head) > 2 and are_units(rows[head[-2]]) and not are_units(rows[head[-1]]):  # a line of comments below both
        with_units, head = True, head[:-1]
    names = head[-1 - with_units]
    body, own = ([rows[i] for i in lines_of_rows if i >= first] for lines_of_rows in (every, filled))
    given = [cell.strip() for cell in rows[names]]
    if given[-1] and not closed and _has_numbers_of_rows(own, len(given)):
        return Body(begin, names, distinct(["row", *given]), (), body, False)
    last = len(given) - 1
    closes = not given[last] and all(len(row) <= last or not row[last].strip() for row in own)
    called = distinct(given)[: len(given) - closes]
    under = next((rows[i] for i in range(names + 1, first) if len(rows[i]) >= len(called) > 0), [])
    units = tuple(cell.strip(" []()") for cell in (*under, *[""] * len(called))[: len(called)]) if under else ()
    return Body(begin, names, called, units, body, closes or _some_close(own, len(called)))


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
    rows = rows_of(["" if is_comment(line, delimiter) else line for line in lines], delimiter)
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


def _lines_of_broken_cells(lines: Sequence[str], filled: Sequence[int], delimiter: str) -> set[int]:
    """Lines that go on with a quoted cell of the line before, up to the one that closes it."""
    answer: set[int] = set()
    for k, i in enumerate(filled):
        if i not in answer and '"' in lines[i] and has_open_quote(lines[i], delimiter):
            behind = filled[k + 1 : k + 1 + LONGEST_CELL_LINES]
            closing = next((n for n, j in enumerate(behind) if '"' in lines[j]), None)
            answer |= set(behind[: closing + 1]) if closing is not None else set()
    return answer


def _some_close(body: Rows, count: int) -> bool:
    return any(len(row) == count + 1 for row in body)


def are_words(row: Sequence[str], notation: Notation) -> bool:
    """Whether no cell is a number or a time, in whatever notation, and some are words."""
    some = False
    for cell in row:
        kind = kind_of(cell, notation)
        if kind not in {None, Kind.TEXT} or VALUE.match(cell):
            return False
        some |= kind is Kind.TEXT
    return some


def _can_be_names(row: Sequence[str], width: int) -> bool:
    """Whether a line of words may name so many columns; rows may have one cell more, their number."""
    return len(row) >= max(1, width - 1) and any(kind_of(cell) is Kind.TEXT for cell in row)


def _first_row(rows: Rows, body: Sequence[int], notation: Notation) -> int:
    """The first row behind the names: no line of words over numbers, as an oscilloscope writes under the names."""
    row, rest = rows[body[0]], [rows[i] for i in body[1:]]
    words = [place for place, cell in enumerate(row) if kind_of(cell, notation) is Kind.TEXT]
    if not rest or not words or words[0] != 0 or any(letter.isdigit() for place in words for letter in row[place]):
        return body[0]
    for place in words:
        below = kinds_of([other[place] for other in rest if place < len(other)], notation)
        if below.total() - below[None] - below[Kind.TEXT] < AGREEMENT * below.total():
            return body[0]
    return body[1]


def _is_word_over_numbers(body: Rows, notation: Notation) -> bool:
    """Whether the first line names columns by numbers, as channels or wavelengths: a word stands over the first one."""
    first, rest = body[0], body[1:]
    word = first[0].strip()
    if not rest or kind_of(word, notation) is not Kind.TEXT or says_no_value_among_numbers(word) or VALUE.match(word):
        return False
    if not all(cell.strip() for cell in first) or len(set(first)) < len(first):
        return False
    below = Counter(kind_of(row[0], notation) for row in rest)
    return below.total() - below[None] - below[Kind.TEXT] >= AGREEMENT * below.total()


def _has_numbers_of_rows(body: Rows, names: int) -> bool:
    """Whether rows begin with a cell more than there are names: their number, or a name of theirs."""
    return sum(len(row) == names + 1 and bool(row[-1].strip()) for row in body) > AGREEMENT * len(body)


def _comment_above(lines: Sequence[str], first: int, delimiter: str) -> list[str] | None:
    """The cells of a line of comment directly above the first row."""
    if first == 0 or not is_comment(lines[first - 1], delimiter):
        return None
    return cells_of_comment(lines[first - 1], delimiter) or None


def _names_below(rows: Rows, filled: Sequence[int], first: int, width: int, notation: Notation) -> int:
    """The line of names below lines that look like rows and do not fit those below, as padded keys do; else -1."""
    likely = (i for i in filled if i > first and len(rows[i]) >= width and all(rows[i][:width]))
    names = next((i for i in likely if are_words(rows[i], notation)), None)
    if names is None:
        return -1
    above, below = [rows[i] for i in filled if first <= i < names], [rows[i] for i in filled if i > names]
    if len(above) > LONGEST_PREFACE or len(above) >= len(below):
        return -1
    if any(set(rows[i]) & set(rows[names]) - {""} for i in filled if i < names and are_words(rows[i], notation)):
        return -1  # a header in the middle
    kinds = []
    for place in range(width):
        found = Counter(_family(row[place], notation) for row in below if place < len(row))
        kinds.append(max(found, key=lambda kind: (found[kind], kind is not None)) if found else None)
    return -1 if any(_fits(row, kinds, notation) for row in above) else names


def _fits(row: Sequence[str], kinds: Sequence[Kind | None], notation: Notation) -> bool:
    """Whether the cells of a row are of these kinds; text is anything."""
    return all(
        kind in {None, Kind.TEXT} or _family(cell, notation) in {None, kind}
        for cell, kind in zip(row, kinds, strict=False)
    )


def _family(cell: str, notation: Notation) -> Kind | None:
    """The kind of a cell: integers are decimals, and dates are those with a time."""
    kind = kind_of(cell, notation)
    return {Kind.INTEGER: Kind.FLOAT, Kind.DATE: Kind.DATETIME}.get(kind, kind) if kind is not None else None


def _with_comments_that_name(
    lines: Sequence[str], rows: Rows, body: Sequence[int], names: Sequence[str], delimiter: str
) -> Rows:
    """The rows, and between them the comments that name columns again, as those above the rows do."""
    again = {
        i: cells_of_comment(lines[i], delimiter) for i in range(body[0], len(lines)) if is_comment(lines[i], delimiter)
    }
    headers = {i for i, called in again.items() if set(called) & set(names) and are_words(called, cells.PLAIN)}
    return [again[i] if i in headers else rows[i] for i in sorted({*body, *headers})]
