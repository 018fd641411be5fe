"""The log of heatings: time, what was done, and the coil; the day stands in the file's name alone."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from ...io.cells import datetime_ns
from ...io.column import Column, Kind
from ...io.errors import InputError
from ...io.header import NoHeader
from ...io.layout import Layout
from ...io.times import TimeOfDay
from .base import Parser, Recorder

__all__ = ["HeatTimeParser", "HeatTimeRecorder"]


class HeatTimeRecorder(Recorder):
    """Columns `Time` (of day), `VoltageDurationPower` (``2V8s 1kW``), `Coil`.

    Parameters
    ----------
    filepath : path
    day : str or date, optional
        ``"2022-09-18"``, the day of the first line; without, the file's name begins with it: ``20220918BT.csv``.
    **options
        As for `Recorder`.
    """

    signature = rb"\d{2}:\d{2}:\d{2}\t[^\t\r\n]*\t(ON|OFF)"

    def __init__(self, filepath: str | Path, *args: Any, day: str | date | None = None, **options: Any) -> None:
        self.day = day
        super().__init__(filepath, *args, **options)

    def make_layout(self) -> Layout:
        """The layout with this file's day in it."""
        return Layout(
            "heating log",
            (
                Column("Time", Kind.TIME),
                Column("VoltageDurationPower", Kind.TEXT),
                Column("Coil", Kind.TEXT, nullable=True),
            ),
            delimiter="\t",
            header=NoHeader(),
            time=TimeOfDay("Time", self._day_ns()),
        )

    def _day_ns(self) -> int:
        found = re.search(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?!\d)", self.filepath.name)
        text = "-".join(found.groups()) if self.day is None and found else str(self.day or "")
        day_ns = datetime_ns(text)
        if day_ns is None:
            where = "the file's name does not begin with a day" if self.day is None else f"day={self.day!r} is none"
            raise InputError(f"{self.filepath}: {where} like 20220918; give the day, as day='2022-09-18'")
        return day_ns


class HeatTimeParser(Parser, HeatTimeRecorder):
    """`HeatTimeRecorder` in chunks."""
