"""The ion source: 33 voltages, currents and temperatures, once a second."""

from __future__ import annotations

from ...io.column import Column, Kind
from ...io.layout import Layout
from ...io.times import ColumnTime
from .base import Recorder
from .parser import Parser
from .quantity import Quantity, SourceKind

__all__ = ["IonParser", "IonRecorder"]


class IonRecorder(Recorder):
    """Columns `Timestamp` and those of the file, with `FC` (Faraday cup, nA) and its relays `Center`, `Surrounding`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> table = IonRecorder("beam/" + truth["files"]["ion"]).get_table()
    >>> table.height == truth["rows"][truth["files"]["ion"]], "FC" in table.columns
    (True, True)
    """

    layout = Layout(
        "ion source",
        (Column("Timestamp", Kind.DATETIME), Column("FC", Kind.FLOAT, nullable=True)),
        encoding="cp932",
        time=ColumnTime("Timestamp"),
        others=Column("", Kind.FLOAT, nullable=True),
        trailing_delimiter=True,
    )
    join_as = SourceKind(
        "ion",
        (
            Quantity("FC", "FC", "mean", "nA"),
            Quantity("Center", "Center", "last", "V"),
            Quantity("Surrounding", "Surrounding", "last", "V"),
        ),
        others=True,
        omit=("Timestamp",),
        appends=True,
    )
    signature = rb"Timestamp,(?=[^\r\n]*\bFC\b)(?=[^\r\n]*Surrounding)"


class IonParser(Parser, IonRecorder):
    """`IonRecorder` in chunks.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = IonParser("beam/" + truth["files"]["ion"], lines_per_update=20)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["ion"]]
    True
    """
