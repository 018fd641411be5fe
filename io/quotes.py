"""A line of text to its cells, as the kernels find them: delimiters, and quotes around what holds them."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["BLANKS", "TABS", "has_open_quote", "split_line", "unquoted"]

BLANKS = " \t"
"""In the place of a delimiter: any number of blanks and tabs."""
TABS = "\t\t"
"""In the place of a delimiter: any number of tabs."""
RUNS = (BLANKS, TABS)


def unquoted(cell: str) -> str:
    """The cell without its quotes and the blanks around it.

    Examples
    --------
    >>> from utokyo.io.quotes import unquoted
    >>> unquoted(' "a ""b"", c" ')
    'a "b", c'
    """
    cell = cell.rstrip(" \r").lstrip(" ")
    if len(cell) >= 2 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def split_line(line: str, delimiter: str) -> list[str]:
    """The cells of one line, without quotes, as the kernels find them.

    A quote begins a quoted cell where the cell begins, blanks apart, and nowhere else. One that is not closed is a
    letter like others.

    Parameters
    ----------
    line : str
        Without its end.
    delimiter : str
        One character, `BLANKS` or `TABS`.

    Examples
    --------
    >>> from utokyo.io.quotes import BLANKS, split_line
    >>> split_line('1, "a, ""b"" c",5" pipe,', ","), split_line('1,"a,2', ",")
    (['1', 'a, "b" c', '5" pipe', ''], ['1', '"a', '2'])
    >>> split_line("  1.0   2.0 ", BLANKS)
    ['1.0', '2.0']
    """
    if '"' in line:
        spans, is_open = _spans(line, delimiter)
        if not is_open:
            return [unquoted(line[start:stop]) for start, stop in spans]
    found = _apart(line, delimiter)
    return [unquoted(cell) if '"' in cell else cell for cell in found]


def _apart(line: str, delimiter: str) -> list[str]:
    """The cells of a line whose quotes, if any, are letters."""
    if delimiter not in RUNS:
        return line.split(delimiter)
    sign = delimiter[0]
    return [cell for cell in line.replace("\t", sign).replace("\r", sign).split(sign) if cell]


def has_open_quote(line: str, delimiter: str) -> bool:
    """Whether a cell of one line begins with a quote that is not closed.

    Examples
    --------
    >>> from utokyo.io.quotes import has_open_quote
    >>> has_open_quote('1,"a,2', ","), has_open_quote('1,"a",5" pipe', ",")
    (True, False)
    """
    return '"' in line and _spans(line, delimiter)[1]


def _spans(line: str, delimiter: str) -> tuple[list[tuple[int, int]], bool]:
    """Where the cells of one line stand, with their quotes; and whether a quote is not closed."""
    pattern = _pattern_of_cell(delimiter)
    spans = []
    is_open = False
    start = 0
    while start <= len(line):
        found = pattern.match(line, start)
        assert found is not None  # it may be empty
        if delimiter not in RUNS or found["cell"]:
            spans.append(found.span("cell"))
        is_open |= found["open"] is not None
        start = found.end() + 1
    return spans, is_open


@cache
def _pattern_of_cell(delimiter: str) -> re.Pattern[str]:
    """A cell, after the blanks before it, up to the next delimiter or the end of the line."""
    signs = re.escape(delimiter) + ("\r" if delimiter in RUNS else "")
    before = "" if delimiter == " " else f"[{signs} ]*" if delimiter in RUNS else " *"
    return re.compile(rf'{before}(?P<cell>"(?:[^"]|"")*+(?:"[^{signs}]*|(?P<open>\Z))|[^{signs}]*)')
