"""The SSD's pulses: Yokogawa WE7562 list mode, one line a pulse, in ticks since the start."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.header import KeyValueLines
from ...io.layout import Layout
from ...io.times import Elapsed
from .base import Recorder
from .parser import Parser
from .quantity import Quantity, SeenEvents, SourceKind

__all__ = ["SSDParser", "SSDRecorder"]


class SSDRecorder(Recorder):
    """Pulses of the SSD (and of the PMT on Slot2).

    Columns `TraceName` (running number), `Time_x` (ticks; `Time` is a key of the header), `PulseHeight` (counts).

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> table = SSDRecorder("beam/" + truth["files"]["ssd"]).get_table()
    >>> table.height == truth["rows"][truth["files"]["ssd"]], "PulseHeight" in table.columns
    (True, True)
    """

    layout = Layout(
        "SSD list mode",
        (
            Column("TraceName", Kind.INTEGER),
            Column("Time_x", Kind.INTEGER, in_file="Time"),
            Column("PulseHeight", Kind.INTEGER),
        ),
        encoding="cp932",
        header=KeyValueLines(names_line=True, required=("//StartDate", "//StartTime", "//TimeResolution")),
        time=Elapsed("Time_x", start_keys=("//StartDate", "//StartTime"), unit_key="//TimeResolution"),
    )
    join_as = SourceKind(
        "ssd",
        (Quantity("", "pulses", "count"), Quantity("", "rate_Hz", "rate", "Hz")),
        appends=True,
        has_bursts=True,
        events=SeenEvents("bursts"),
    )
    signature = rb"[^\0]*^TraceName,Time,PulseHeight\r?$"


class SSDParser(Parser, SSDRecorder):
    """`SSDRecorder` in chunks.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = SSDParser("beam/" + truth["files"]["ssd"], lines_per_update=20)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["ssd"]]
    True
    """
