"""The heater's power: what the PROTEM logging tool writes, with a Japanese header in Shift-JIS."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.header import KeyValueLines
from ...io.layout import Layout
from ...io.times import DateAndTime
from .base import Recorder
from .parser import Parser
from .quantity import Quantity, SeenEvents, SourceKind

__all__ = ["HeaterParser", "HeaterRecorder"]


class HeaterRecorder(Recorder):
    """Columns `Date`, `Time`, `Unknown` (text), `TargetPercentage`, `MeasuredPercentage`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> table = HeaterRecorder("beam/" + truth["files"]["heater"]).get_table()
    >>> table.height == truth["rows"][truth["files"]["heater"]], "TargetPercentage" in table.columns
    (True, True)
    """

    layout = Layout(
        "PROTEM heater log",
        (
            Column("Date", Kind.DATE),
            Column("Time", Kind.TIME),
            Column("Unknown", Kind.TEXT),
            Column("TargetPercentage", Kind.FLOAT, nullable=True),
            Column("MeasuredPercentage", Kind.FLOAT, nullable=True),
        ),
        encoding="cp932",
        header=KeyValueLines(required=("PROTEM Logging Tool File Format Version.",)),
        time=DateAndTime("Date", "Time"),
    )
    signature = rb"PROTEM"
    join_as = SourceKind(
        "heater",
        (
            Quantity("TargetPercentage", "target_percent", "last", "%"),
            Quantity("MeasuredPercentage", "measured_percent", "last", "%"),
        ),
        appends=True,
        events=SeenEvents("rises", "TargetPercentage"),
    )


class HeaterParser(Parser, HeaterRecorder):
    """`HeaterRecorder` in chunks.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = HeaterParser("beam/" + truth["files"]["heater"], lines_per_update=20)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["heater"]]
    True
    """
