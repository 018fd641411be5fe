"""A file format, described as data.

A `Layout` says what stands in a file: the delimiter, the encoding, how the header reads, which columns follow and of
what kind, and how a row gets its time. It holds no code of its own; `Reader` interprets it. A format that differs
little from another is ``dataclasses.replace(layout, ...)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .cells import DateOrder, Notation
from .column import Column
from .header import HeaderStyle, NamesLine
from .quotes import BLANKS, TABS
from .times import TimeRule

__all__ = ["BLANKS", "TABS", "Layout"]


@dataclass(frozen=True)
class Layout:
    r"""A file format.

    Layouts can be compared, hashed and pickled.

    Parameters
    ----------
    name : str
        For people: "SSD list mode".
    columns : tuple of Column
        Known columns. With a header that names them, the order is that of the file; without, it is this one.
    delimiter : str
        One ASCII character; or `BLANKS`, which is ``" \t"``: any number of blanks and tabs, which count for nothing at
        the beginning and the end of a line; or `TABS`, which is two tabs: any number of them.
    encoding : str
        Of header and text cells, as Python calls it.
    header : HeaderStyle
        How the header reads and where it ends.
    time : TimeRule, optional
        How a row gets its time; without, tables have no `timestamp`.
    others : Column, optional
        Kind of columns that the header names and `columns` does not; without, such a file is of another format.
    short_rows : bool
        Whether cells may be missing at the end of a row.
    trailing_delimiter : bool
        Whether a delimiter may follow the last cell of a row.
    decimal : str
        The decimal sign, `.` or `,`.
    guessed : bool
        Whether this layout was guessed from the file, so that an integer column may turn out to hold decimals.
    thousands : str
        What may stand between groups of three digits.
    dates : {"", "dmy", "mdy", "ymd"}
        The order of dates that do not begin with a year of four digits; see `Notation`.
    time_format : str
        Of dates and times that nothing else reads, as `datetime.datetime.strptime` has it.
    comments : bool
        Whether lines that begin with ``#``, ``%``, ``!`` or ``//`` are no rows.

    Examples
    --------
    >>> from utokyo import Column, Kind, Layout
    >>> from utokyo.io.times import ColumnTime
    >>> layout = Layout(
    ...     "magnet log",
    ...     (Column("Time", Kind.DATETIME), Column("Field (mT)", Kind.FLOAT, nullable=True)),
    ...     delimiter="\t",
    ...     time=ColumnTime("Time"),
    ... )
    >>> print(layout)
    magnet log: delimiter '\t', utf-8, header NamesLine(skip=0), time ColumnTime(column='Time')
      Time: datetime
      Field (mT): float, may be empty

    A table as `numpy.savetxt` writes it, in columns that blanks fill up:

    >>> from utokyo.io.header import NoHeader
    >>> from utokyo.io.layout import BLANKS
    >>> columns = Column("t_s", Kind.FLOAT), Column("counts", Kind.FLOAT)
    >>> print(Layout("scan", columns, delimiter=BLANKS, header=NoHeader()))
    scan: delimiter ' \t', utf-8, header NoHeader(), no times
      t_s: float
      counts: float
    """

    name: str
    columns: tuple[Column, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    header: HeaderStyle = field(default_factory=NamesLine)
    time: TimeRule | None = None
    others: Column | None = None
    short_rows: bool = False
    trailing_delimiter: bool = False
    decimal: str = "."
    guessed: bool = False
    thousands: str = ""
    dates: DateOrder = ""
    time_format: str = ""
    comments: bool = False

    @cached_property
    def notation(self) -> Notation:
        """How numbers and dates are written."""
        return Notation(self.decimal, self.thousands, self.dates, self.time_format)

    def __str__(self) -> str:
        """For people: what differs from a plain table, and a line for every column."""
        notes = [f"delimiter {self.delimiter!r}", self.encoding, f"header {self.header}"]
        notes += [f"time {self.time}"] if self.time is not None else ["no times"]
        notes += [f"decimal sign {self.decimal!r}"] if self.decimal != "." else []
        notes += [f"sign between thousands {self.thousands!r}"] if self.thousands else []
        notes += [f"dates {self.dates}"] if self.dates else []
        notes += ["short rows"] if self.short_rows else []
        notes += ["a delimiter may end a row"] if self.trailing_delimiter else []
        notes += ["found out from the file"] if self.guessed else []
        lines = [f"{self.name}: {', '.join(notes)}"]
        for column in self.columns:
            called = f", {column.in_file!r} in the file" if column.in_file else ""
            lines.append(f"  {column.name}: {column.kind.name.lower()}{', may be empty' * column.nullable}{called}")
        if self.others is not None:
            lines.append(f"  others: {self.others.kind.name.lower()}{', may be empty' * self.others.nullable}")
        return "\n".join(lines)
