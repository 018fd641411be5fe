"""The coil's relay: one line a switch."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.layout import Layout
from ...io.times import ColumnTime
from .base import Recorder
from .parser import Parser
from .quantity import Quantity, SeenEvents, SourceKind

__all__ = ["CoilParser", "CoilRecorder"]

A_SHIFT_S = 12 * 3600.0
"""The log has a line a switch: a state holds until the next one, but not into the next day."""


class CoilRecorder(Recorder):
    """Columns `Time`, `CoilOperation` (``ON`` or ``OFF``); the same state may be repeated."""

    layout = Layout(
        "coil",
        (Column("Time", Kind.DATETIME), Column("CoilOperation", Kind.TEXT)),
        delimiter="\t",
        time=ColumnTime("Time"),
    )
    signature = rb"Time\tCoilOperation"
    joined = SourceKind(
        "coil",
        (Quantity("CoilOperation", "on", "last", is_on=True),),
        A_SHIFT_S,
        appends=True,
        events=SeenEvents("switches", "CoilOperation", "ON", whole_seconds=True),
    )


class CoilParser(Parser, CoilRecorder):
    """`CoilRecorder` in chunks."""
