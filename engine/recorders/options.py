"""The options of recorders: what their constructors and TOML files take beside the path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from annotated_types import Ge, Gt

from ...io.cells import datetime_ns
from ...io.errors import InputError
from ...io.guess.asked import Asked
from ...io.quotes import BLANKS, TABS
from ...io.text.growing import LONGEST_LINE_BYTES
from ...io.text.rest import Access
from ...kernels.units import DAY_NS
from ..options.durations import duration_ns
from ..options.sentences import in_toml, option, shown
from ..options.settings import Converted, Settings

__all__ = ["PATTERN", "FileSettings", "HeatTimeSettings", "RecorderSettings", "TableSettings"]


def _offset(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        duration_ns(value, "clock_offset")  # beyond a century, times would not fit into their 64 bits
        return value
    if isinstance(value, str):
        return timedelta(microseconds=duration_ns(value, "clock_offset") / 1000)
    wanted = "a text, as '-3min'" if in_toml() else "a timedelta, as timedelta(seconds=-180), or a text, as '-3min'"
    raise InputError(f"clock_offset should be {wanted}, not {shown(value)}")


def _pattern(value: Any) -> Any:
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            raise InputError(
                f"{option('match', value)} is no regular expression: {error}{_pattern_for(value)}"
            ) from None
    return value


def _pattern_for(shell: str) -> str:
    """The end of a sentence: what ``*.csv`` is as a regular expression."""
    return f"; write '.*{re.escape(shell[1:])}'" if re.fullmatch(r"\*[\w.-]+", shell) else ""


PATTERN = Converted(_pattern)
"""Mark of a field that holds a regular expression."""


def _day(value: Any) -> Any:
    text = value.isoformat() if isinstance(value, date) else value
    day_ns = datetime_ns(text) if isinstance(text, str) else None
    if text is not None and (day_ns is None or day_ns % DAY_NS):
        raise InputError(f"day should be one like '2022-09-18', without a time, not {shown(value)}")
    return text


@dataclass(frozen=True)
class RecorderSettings(Settings):
    """Options of every recorder.

    Parameters
    ----------
    always_update : bool
        Read the whole file anew at every call, for files that are changed elsewhere than at their end.
    clock_offset : timedelta or str
        Added to all times: ``"-3min"`` for the clock of a PC that is three minutes fast.
    longest_line_bytes : int
        A file with a longer line is refused, before memory is full of it; lines have hundreds of bytes.
    access : {"auto", "map", "read"}
        How a long file comes into memory: mapped where it is at rest; always mapped; always read. The table is the
        same.

    Examples
    --------
    >>> from utokyo.engine.recorders.options import RecorderSettings
    >>> RecorderSettings(clock_offset="-3min").clock_offset
    datetime.timedelta(days=-1, seconds=86220)
    """

    always_update: bool = False
    clock_offset: Annotated[timedelta, Converted(_offset, {"type": "string"})] = timedelta(0)
    longest_line_bytes: Annotated[int, Gt(0)] = LONGEST_LINE_BYTES
    access: Access = "auto"


def _delimiter(value: Any) -> Any:
    if isinstance(value, str) and value and value not in DELIMITERS_ASKED and (len(value) != 1 or not value.isascii()):
        raise InputError(
            f"{option('delimiter', value)} should be one ASCII character, 'blanks' for any number of blanks and tabs, "
            "or 'tabs' for any number of tabs"
        )
    return DELIMITERS_ASKED.get(value, value) if isinstance(value, str) else value


def _decimal(value: Any) -> Any:
    if isinstance(value, str) and value not in {"", ".", ","}:
        raise InputError(f"{option('decimal', value)} should be '.' or ','")
    return value


def _time_format(value: Any) -> Any:
    if isinstance(value, str) and value:
        try:
            datetime.strptime(datetime(2022, 9, 18, 12, 25, 39).strftime(value), value)
        except ValueError as error:
            raise InputError(
                f"{option('time_format', value)} is no format of a date and time ({error}); write '%d.%m.%Y %H:%M:%S'"
            ) from None
        if re.search(r"%Y[-/]%d[-/]%m", value):  # the kernels take a day behind a year for a month
            raise InputError(f"{option('time_format', value)}: year, day, month is an order that is not read")
    return value


DELIMITERS_ASKED = {"blanks": BLANKS, "tabs": TABS, "tab": "\t"}
"""Delimiters that have names."""


@dataclass(frozen=True)
class TableSettings(RecorderSettings):
    """Options of a table that nobody described: what the file means, where it is not what is found out.

    Parameters
    ----------
    delimiter : str
        One character; ``"blanks"`` for any number of blanks and tabs, ``"tabs"`` for any number of tabs.
    decimal : str
        The decimal sign, ``"."`` or ``","``.
    header_line : int, optional
        The line that names the columns, from 1; 0 where none does.
    units_row : bool, optional
        Whether the line under the names says units.
    time : str
        The column that holds the times; ``"none"`` for none.
    time_format : str
        How they are written, as `datetime.datetime.strptime` has it: ``"%d.%m.%Y %H:%M:%S"``.

    Examples
    --------
    >>> from utokyo.engine.recorders.options import TableSettings
    >>> TableSettings(delimiter=";", decimal=",", time="Zeit").asked().decimal
    ','
    """

    delimiter: Annotated[str, Converted(_delimiter)] = ""
    decimal: Annotated[str, Converted(_decimal)] = ""
    header_line: Annotated[int | None, Ge(0)] = None
    units_row: bool | None = None
    time: str = ""
    time_format: Annotated[str, Converted(_time_format)] = ""

    def asked(self) -> Asked:
        """The same for the reader."""
        return Asked(self.time, self.time_format, self.delimiter, self.decimal, self.header_line, self.units_row)


@dataclass(frozen=True)
class FileSettings(RecorderSettings):
    """Options of a folder of files.

    Parameters
    ----------
    match : str
        Regular expression that the whole name of a file matches; by default every file.
    """

    match: Annotated[str, PATTERN] = r".*"


@dataclass(frozen=True)
class HeatTimeSettings(RecorderSettings):
    """Options of a log of heatings.

    Parameters
    ----------
    day : str or date, optional
        ``"2022-09-18"``, the day of the first line; without, the file's name begins with it: ``20220918BT.csv``.
    """

    day: Annotated[str | None, Converted(_day)] = None
