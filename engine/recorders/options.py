"""The options of recorders: what their constructors and TOML files take beside the path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from annotated_types import Gt

from ...io.cells import datetime_ns
from ...io.errors import InputError
from ...io.text.growing import LONGEST_LINE_BYTES
from ...kernels.units import DAY_NS
from ..options.durations import duration_ns
from ..options.sentences import in_toml, option, shown
from ..options.settings import Converted, Settings

__all__ = ["PATTERN", "FileSettings", "HeatTimeSettings", "RecorderSettings"]


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

    Examples
    --------
    >>> RecorderSettings(clock_offset="-3min").clock_offset
    datetime.timedelta(days=-1, seconds=86220)
    """

    always_update: bool = False
    clock_offset: Annotated[timedelta, Converted(_offset, {"type": "string"})] = timedelta(0)
    longest_line_bytes: Annotated[int, Gt(0)] = LONGEST_LINE_BYTES


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
