"""The vacuum gauges: pressures of a TPG256, once a second for days."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.layout import Layout
from ...io.times import ColumnTime
from .base import Recorder
from .parser import Parser
from .quantity import SourceKind

__all__ = ["GaugeParser", "GaugeRecorder"]


class GaugeRecorder(Recorder):
    """Columns `Timestamp` and one a gauge, named as in the file; three of the name NC become NC1, NC2, NC3.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> table = GaugeRecorder("beam/" + truth["files"]["gauge"]).get_table()
    >>> table.height == truth["rows"][truth["files"]["gauge"]], "NC3" in table.columns
    (True, True)
    """

    layout = Layout(
        "gauge",
        (Column("Timestamp", Kind.DATETIME),),
        time=ColumnTime("Timestamp"),
        others=Column("", Kind.FLOAT, nullable=True),
        trailing_delimiter=True,
    )
    signature = rb"Timestamp,Rb disp\."
    join_as = SourceKind("gauge", others=True, omit=("Timestamp", "NC1", "NC2", "NC3"), appends=True)


class GaugeParser(Parser, GaugeRecorder):
    """`GaugeRecorder` in chunks.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = GaugeParser("beam/" + truth["files"]["gauge"], lines_per_update=20)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["gauge"]]
    True
    """
