"""Lines that are no rows but comments."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..quotes import split_line

__all__ = ["SAYS_DELIMITER", "cells_of_comment", "is_comment", "without_comments"]

COMMENTS = ("#", "%", "//", "!")
"""How lines of comment begin."""
ERROR_OF_SHEET = re.compile(r"#(N/A|NA|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)", re.IGNORECASE)
"""Begins no comment: Excel says that a cell has no value."""
SAYS_DELIMITER = re.compile(r"\"?sep=(?P<delimiter>.)\"?\s*", re.IGNORECASE)
"""A line for Excel, which names the delimiter."""


def is_comment(line: str, delimiter: str = ";") -> bool:
    """Whether a line is no row but a comment; a semicolon begins one where it is not the delimiter.

    Examples
    --------
    >>> from utokyo.io.guess.comments import is_comment
    >>> is_comment("# valve opened"), is_comment("1,2"), is_comment("; valve opened", ","), is_comment("#N/A,2")
    (True, False, True, False)
    """
    text = line.lstrip(" \t\ufeff")
    return (
        (text.startswith(COMMENTS) and ERROR_OF_SHEET.match(text) is None)
        or (delimiter != ";" and text[:1] == ";")
        or SAYS_DELIMITER.fullmatch(text) is not None
    )


def without_comments(lines: Sequence[str]) -> list[str]:
    """The lines that are no comments, while the delimiter is not known.

    Examples
    --------
    >>> from utokyo.io.guess.comments import without_comments
    >>> without_comments(["; by hand", "1,2"]), without_comments([";mbar", "1;2"])
    (['1,2'], [';mbar', '1;2'])
    """
    others = [line for line in lines if not line.lstrip().startswith(";")]
    sign = "," if others and not any(";" in line for line in others) else ";"
    return [line for line in lines if not is_comment(line, sign)]


def cells_of_comment(line: str, delimiter: str) -> list[str]:
    """The cells of a line of comment, which may name the columns; none where it is empty.

    Examples
    --------
    >>> from utokyo.io.guess.comments import cells_of_comment
    >>> cells_of_comment("# t, p", ",")
    ['t', 'p']
    """
    text = line.strip().lstrip("#%/!; ")
    return [cell.strip() for cell in split_line(text, delimiter)] if text else []
