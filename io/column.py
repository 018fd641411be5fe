"""The columns of a file: what they are called, and what their cells hold.

A `Kind` is one of the things that a cell may be, for the kernels a number; `Column` gives it a name. Formats
(`layout`), headers (`header`) and the memory of the rows (`text.buffer`) are all described in these two.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import polars as pl

from ..kernels.text import cells

__all__ = ["Column", "Kind"]


class Kind(IntEnum):
    """What the cells of a column hold, and the polars type that they become.

    ``INTEGER``, ``FLOAT`` and ``TEXT`` are what they are called. ``DATE`` is a day (2022/09/18, 18.09.2022),
    ``TIME`` a time of day (12:00:05.25), and ``DATETIME`` both, with a blank, comma or T between them. ``NONE`` is a
    column of a table that nobody described, in which no value was seen yet.

    Examples
    --------
    >>> from utokyo import Kind
    >>> Kind.DATETIME.dtype
    Datetime(time_unit='ns', time_zone=None)
    """

    INTEGER = cells.INTEGER
    FLOAT = cells.FLOAT
    DATETIME = cells.DATETIME
    DATE = cells.DATE
    TIME = cells.TIME
    TEXT = cells.TEXT
    NONE = cells.TEXT + 1

    @property
    def dtype(self) -> pl.DataType:
        """The polars type: Int64, Float64, Datetime (ns), Date, Time, String or Null."""
        return _DTYPES[self]


_DTYPES: dict[Kind, pl.DataType] = {
    Kind.INTEGER: pl.Int64(),
    Kind.FLOAT: pl.Float64(),
    Kind.DATETIME: pl.Datetime("ns"),
    Kind.DATE: pl.Date(),
    Kind.TIME: pl.Time(),
    Kind.TEXT: pl.String(),
    Kind.NONE: pl.Null(),
}


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Parameters
    ----------
    name : str
        What the table calls it.
    kind : Kind
        What its cells hold.
    nullable : bool
        Whether an empty cell is a missing value; otherwise its row is a bad one.
    in_file : str, optional
        What the header of the file calls it, where that differs.
    unit : str
        What the header says of its unit beside the name.

    Examples
    --------
    >>> from utokyo import Column, Kind
    >>> pressure = Column("pressure_Pa", Kind.FLOAT, nullable=True, in_file="P [Pa]")
    >>> pressure.name, pressure.header_name
    ('pressure_Pa', 'P [Pa]')
    """

    name: str
    kind: Kind
    nullable: bool = False
    in_file: str | None = None
    unit: str = ""

    @property
    def header_name(self) -> str:
        """The name in the header of the file."""
        return self.name if self.in_file is None else self.in_file
