"""The coil's relay: one line a switch."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.layout import Layout
from ...io.times import ColumnTime
from .base import Parser, Recorder

__all__ = ["CoilParser", "CoilRecorder"]


class CoilRecorder(Recorder):
    """Columns `Time`, `CoilOperation` (``ON`` or ``OFF``); the same state may be repeated."""

    layout = Layout(
        "coil",
        (Column("Time", Kind.DATETIME), Column("CoilOperation", Kind.TEXT)),
        delimiter="\t",
        time=ColumnTime("Time"),
    )
    signature = rb"Time\tCoilOperation"


class CoilParser(Parser, CoilRecorder):
    """`CoilRecorder` in chunks."""
