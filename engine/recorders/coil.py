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
    r"""Columns `Time`, `CoilOperation` (``ON`` or ``OFF``); the same state may be repeated.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("coil.txt").write_text("Time\tCoilOperation\n2022/03/14 12:09:23\tON\n2022/03/14 12:09:53\tOFF\n")
    >>> CoilRecorder("coil.txt").get_table()["CoilOperation"].to_list()
    ['ON', 'OFF']
    """

    layout = Layout(
        "coil",
        (Column("Time", Kind.DATETIME), Column("CoilOperation", Kind.TEXT)),
        delimiter="\t",
        time=ColumnTime("Time"),
    )
    signature = rb"Time\tCoilOperation"
    join_as = SourceKind(
        "coil",
        (Quantity("CoilOperation", "on", "last", is_on=True),),
        A_SHIFT_S,
        appends=True,
        events=SeenEvents("switches", "CoilOperation", "ON", whole_seconds=True),
    )


class CoilParser(Parser, CoilRecorder):
    r"""`CoilRecorder` in chunks.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("coil.txt").write_text("Time\tCoilOperation\n2022/03/14 12:09:23\tON\n2022/03/14 12:09:53\tOFF\n")
    >>> [chunk.height for chunk in CoilParser("coil.txt", lines_per_update=1)]
    [1, 1]
    """
