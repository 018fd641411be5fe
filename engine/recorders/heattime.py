"""The log of heatings: time, what was done, and the coil; the day stands in the file's name alone."""

from __future__ import annotations

import re

from ...io.cells import datetime_ns
from ...io.column import Column, Kind
from ...io.errors import InputError
from ...io.header import NoHeader
from ...io.layout import Layout
from ...io.times import TimeOfDay
from ..options.sentences import option
from .base import Recorder
from .options import HeatTimeSettings
from .parser import Parser
from .quantity import Quantity, SeenEvents, SourceKind

__all__ = ["HeatTimeParser", "HeatTimeRecorder"]


class HeatTimeRecorder(Recorder):
    r"""Columns `Time` (of day), `VoltageDurationPower` (``2V8s 1kW``), `Coil`.

    Parameters
    ----------
    filepath : path
    **options
        As for `Recorder`, and ``day="2022-09-18"`` (or a date): that of the first line; without, the file's name holds
        it, as ``20220918BT.csv``.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("heating.csv").write_text("14:30:52\t2V8s 1kW\tON\n")
    >>> HeatTimeRecorder("heating.csv", day="2022-09-18").get_table()["datetime"].item().isoformat()
    '2022-09-18T14:30:52'
    """

    signature = rb"\d{2}:\d{2}:\d{2}\t[^\t\r\n]*\t(ON|OFF)"
    join_as = SourceKind(
        "heating",
        (
            Quantity("", "count", "count"),
            Quantity("VoltageDurationPower", "what", "last"),
            Quantity("Coil", "coil_on", "last", is_on=True),
        ),
        tolerance_s=60.0,
        appends=True,
        events=SeenEvents("rows"),
    )
    settings_class = HeatTimeSettings
    settings: HeatTimeSettings

    @property
    def day(self) -> str | None:
        """The day of the first line, as it was given."""
        return self.settings.day

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
            where = "the file's name holds no day like 20220918"
            raise InputError(f"{self.filepath}: {where}; give the day, as {option('day', '2022-09-18')}")
        return day_ns


class HeatTimeParser(Parser, HeatTimeRecorder):
    r"""`HeatTimeRecorder` in chunks.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("20220918BT.csv").write_text("14:30:52\t2V8s 1kW\tON\n14:31:30\t2V8s 1kW\tOFF\n")
    >>> [chunk["Coil"].to_list() for chunk in HeatTimeParser("20220918BT.csv", lines_per_update=1)]
    [['ON'], ['OFF']]
    """
