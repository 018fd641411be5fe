"""What a user can do wrong, and the one sentence that says so.

Everything that a user can mend (a path, a format, a full disk) is raised as a `UtokyoError` whose text says what, where
and what to do. The command prints that text alone and leaves with exit code 2; any other exception is a fault of the
program and keeps its traceback.
"""

from __future__ import annotations

__all__ = ["FormatError", "InputError", "MissingFileError", "OutputError", "UtokyoError", "shortened", "without_middle"]


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
