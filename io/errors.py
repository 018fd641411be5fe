"""What a user can do wrong, and the one sentence that says so.

Everything that a user can mend (a path, a format, a full disk) is raised as a `UtokyoError` whose text says what, where
and what to do. The command prints that text alone and leaves with exit code 2; any other exception is a fault of the
program and keeps its traceback.
"""

from __future__ import annotations

import logging
import re

__all__ = [
    "LONGEST_CELL",
    "FormatError",
    "InputError",
    "MissingFileError",
    "OutputError",
    "UtokyoError",
    "printable",
    "shortened",
    "without_middle",
]

LONGEST_CELL = 40
"""Characters of a cell that a message shows."""
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # of terminals: ESC, BEL, CR, ...; not tab and line end
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # which change the direction of what follows
    "\u2028\u2029\ufeff\ud800-\udfff]"  # other line ends, marks, and bytes that are no text
)


def printable(text: str) -> str:
    r"""A text of a file, or a name of one, without characters that steer a terminal: they are written as escapes.

    Examples
    --------
    >>> from utokyo.io.errors import printable
    >>> print(printable("run\x1b[2J.csv"))
    run\x1b[2J.csv
    """
    return CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _make_printable(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    if CONTROL.search(text):
        record.msg, record.args = printable(text), ()
    return True


logging.getLogger("utokyo").addFilter(_make_printable)


class UtokyoError(Exception):
    """A mistake that the user can mend; its text is one sentence for a person.

    Examples
    --------
    >>> import utokyo
    >>> try:
    ...     utokyo.SSDRecorder("nowhere.csv").get_table()
    ... except utokyo.UtokyoError as mistake:
    ...     print(mistake)
    nowhere.csv: no such file
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(printable(argument) if isinstance(argument, str) else argument for argument in arguments))


class InputError(UtokyoError, ValueError):
    """A file or a setting is not what was asked for.

    Examples
    --------
    >>> import utokyo
    >>> utokyo.SSDRecorder("pulses.csv", frame="dask")
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: frame should be 'polars' or 'pandas', not 'dask'
    """


class FormatError(InputError):
    """A file does not begin as its format does.

    Examples
    --------
    >>> from utokyo.io.errors import FormatError, InputError
    >>> issubclass(FormatError, InputError)
    True
    """


class MissingFileError(InputError, FileNotFoundError):
    """A file does not exist, or not yet: the Runner waits for it.

    Examples
    --------
    >>> import utokyo
    >>> try:
    ...     utokyo.Recorder("nowhere.csv").get_table()
    ... except FileNotFoundError as missing:
    ...     print(missing)
    nowhere.csv: no such file
    """

    def __str__(self) -> str:
        return str(self.args[0])


class OutputError(UtokyoError, OSError):
    """A result or a figure cannot be written.

    Examples
    --------
    >>> from utokyo import OutputError
    >>> isinstance(OutputError("results.csv: cannot be written"), OSError)
    True
    """

    def __str__(self) -> str:
        return str(self.args[0])


def shortened(text: str, most: int) -> str:
    """A text of a file as a message shows it: with dots at its end where it is longer than `most` characters.

    Examples
    --------
    >>> from utokyo.io.errors import shortened
    >>> shortened("Frequency Wavelength", 12)
    'Frequency...'
    """
    return text if len(text) <= most else text[: most - 3] + "..."


def without_middle(text: str, most: int) -> str:
    """A name of at most `most` characters: what is longer loses its middle, for names differ at their ends.

    Examples
    --------
    >>> without_middle("-20220918-122539-Slot1-In1.csv", 20)
    '-20220918...-In1.csv'
    """
    if len(text) <= most:
        return text
    front = max(0, most - 3 + 1) // 2
    back = max(0, most - 3) - front
    return text[:front] + "..."[:most] + text[len(text) - back :]
