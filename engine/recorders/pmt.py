"""The PMT's current and the coil's state, ``all_data.csv``; also the index of the camera's images of that run."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.layout import Layout
from ...io.times import ColumnTime
from .base import Recorder
from .parser import Parser
from .quantity import Quantity, SeenEvents, SourceKind

__all__ = ["COIL", "CURRENT", "PMTParser", "PMTRecorder"]

CURRENT = "PMT Current (A)"
COIL = "Coil (1:ON 0:OFF)"


class PMTRecorder(Recorder):
    """Columns `No.` (number of the image), `Time`, `PMT Current (A)`, `ROI Sum` (counts), `Coil (1:ON 0:OFF)`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> table = PMTRecorder("beam/" + truth["files"]["pmt"]).get_table()
    >>> table.height == truth["rows"][truth["files"]["pmt"]], "ROI Sum" in table.columns
    (True, True)
    """

    layout = Layout(
        "PMT",
        (
            Column("No.", Kind.INTEGER),
            Column("Time", Kind.DATETIME),
            Column(CURRENT, Kind.FLOAT, nullable=True),
            Column("ROI Sum", Kind.FLOAT, nullable=True),
            Column(COIL, Kind.INTEGER),
        ),
        time=ColumnTime("Time"),
        others=Column("", Kind.FLOAT, nullable=True),
        trailing_delimiter=True,
    )
    signature = rb"No\.,Time,PMT Current"
    join_as = SourceKind(
        "pmt",
        (
            Quantity(CURRENT, "current_A", "mean", "A"),
            Quantity("ROI Sum", "roi_sum", "mean", "counts"),
            Quantity(COIL, "coil_on", "last", is_on=True),
        ),
        tolerance_s=5.0,
        appends=True,
        events=SeenEvents("switches", COIL),
    )


class PMTParser(Parser, PMTRecorder):
    """`PMTRecorder` in chunks.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = PMTParser("beam/" + truth["files"]["pmt"], lines_per_update=20)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["pmt"]]
    True
    """
