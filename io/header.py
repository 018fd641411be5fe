"""How the headers of the formats read.

A header style turns the first lines of a file into a `Header`: how many bytes and lines it takes, its metadata, and the
names of the columns where it gives them. A file may be caught while its header is being written: then `read` returns
None, and is asked again when more lines have come. For a file of another format it raises `HeaderMismatch`, which holds
the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from . import cells
from .column import Column
from .errors import shortened
from .quotes import split_line

__all__ = [
    "CountedLines",
    "Header",
    "HeaderFormat",
    "HeaderMismatch",
    "HeaderStyle",
    "KeyValueLines",
    "NamesLine",
    "NoHeader",
    "SectionLines",
    "distinct",
]

Value = str | int | float
UTF8_MARK = b"\xef\xbb\xbf"
LONGEST_QUOTE = 60
"""Characters of a header that a message shows."""


class HeaderMismatch(Exception):  # noqa: N818 (not an error yet: the reader words it for the user)
    r"""The file does not begin as its format does.

    Parameters
    ----------
    line : int
        Of the file, from 1.
    expected, found : str
        For the user's message.

    Examples
    --------
    >>> from utokyo import Column, Kind, Layout
    >>> from utokyo.io.header import HeaderMismatch, NamesLine
    >>> try:
    ...     NamesLine().read([b"t,p\n"], Layout("log", (Column("time", Kind.TIME),)))
    ... except HeaderMismatch as mismatch:
    ...     print(mismatch.line, mismatch.expected, "/", mismatch.found)
    1 a line that names the columns 'time' / one without 'time'
    """

    def __init__(self, line: int, expected: str, found: str) -> None:
        super().__init__(line, expected, found)
        self.line, self.expected, self.found = line, expected, found


@dataclass(frozen=True)
class Header:
    """What stands before the first row.

    Parameters
    ----------
    size, lines : int
        Its length in bytes and in lines.
    metadata : mapping of str to str, int or float
        What its keys say.
    names : tuple of str, optional
        The columns, in order, where the header names them.

    Examples
    --------
    >>> from utokyo.io.header import Header
    >>> Header(size=9, lines=1, names=("time", "p"))
    Header(size=9, lines=1, metadata={}, names=('time', 'p'))
    """

    size: int
    lines: int
    metadata: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, ...] | None = None


class HeaderFormat(Protocol):
    r"""What a header style must know of the format: a `Layout` has it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from utokyo import Column, Kind
    >>> from utokyo.io.header import NamesLine
    >>> plain = SimpleNamespace(delimiter=";", encoding="utf-8", columns=(), others=Column("", Kind.FLOAT))
    >>> NamesLine().read([b"time;p\n"], plain).names
    ('time', 'p')
    """

    @property
    def delimiter(self) -> str:
        """One ASCII character, or `BLANKS`."""
        ...

    @property
    def encoding(self) -> str:
        """As Python calls it."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """The known columns."""
        ...

    @property
    def others(self) -> Column | None:
        """What further columns are; None where there must be none."""
        ...


class HeaderStyle(Protocol):
    r"""A way in which headers are written.

    Examples
    --------
    A style of one's own is a frozen dataclass with this method: here a line of comment before the rows.

    >>> from dataclasses import dataclass
    >>> from utokyo import Layout
    >>> from utokyo.io.header import Header
    >>> @dataclass(frozen=True)
    ... class CommentLine:
    ...     def read(self, lines, layout):
    ...         return Header(len(lines[0]), 1, {"comment": lines[0].decode().strip("# \n")}) if lines else None
    >>> Layout("run", header=CommentLine()).header.read([b"# shutter open\n", b"1,2\n"], None)
    Header(size=15, lines=1, metadata={'comment': 'shutter open'}, names=None)
    """

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Read a header from whole `lines` (with their line ends); None while it is not complete.

        Raises
        ------
        HeaderMismatch
            When the file is of another format.
        """
        ...


@dataclass(frozen=True)
class NoHeader:
    r"""Rows from the first line on.

    Examples
    --------
    >>> from utokyo import Layout
    >>> from utokyo.io.header import NoHeader
    >>> NoHeader().read([b"1,2\n"], Layout("plain"))
    Header(size=0, lines=0, metadata={}, names=None)
    """

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Answer at once: there is nothing to read."""
        del layout
        return Header(len(UTF8_MARK) if lines and lines[0].startswith(UTF8_MARK) else 0, 0)


@dataclass(frozen=True)
class CountedLines:
    r"""So many lines before the rows; what they say was understood when they were seen first.

    Parameters
    ----------
    lines : int
    names_line : int, optional
        The one of them, from 0, that names the columns.
    metadata : tuple of pairs of str
        Keys and values that were understood of the file.

    Examples
    --------
    >>> from utokyo import Layout
    >>> from utokyo.io.header import CountedLines
    >>> CountedLines(2).read([b"run 12\n", b"a,b\n", b"1,2\n"], Layout("table"))
    Header(size=11, lines=2, metadata={}, names=None)
    """

    lines: int
    names_line: int | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Pass over them."""
        del layout
        if len(lines) < self.lines:
            return None
        mark = len(UTF8_MARK) if not self.lines and lines and lines[0].startswith(UTF8_MARK) else 0
        return Header(mark + sum(map(len, lines[: self.lines])), self.lines, dict(self.metadata))


@dataclass(frozen=True)
class NamesLine:
    r"""One line with the names of the columns, after `skip` lines that say nothing.

    Names that repeat are numbered: ``NC,NC,NC`` becomes ``NC1, NC2, NC3``. A delimiter at its end names no column.

    Parameters
    ----------
    skip : int
        Lines before the names.

    Examples
    --------
    >>> from utokyo import Column, Kind, Layout
    >>> from utokyo.io.header import NamesLine
    >>> gauges = Layout("gauges", (Column("time", Kind.DATETIME),), others=Column("", Kind.FLOAT))
    >>> NamesLine().read([b"time,NC,NC\n"], gauges).names
    ('time', 'NC1', 'NC2')
    """

    skip: int = 0

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Read the names; all known columns must be there, and others only where the layout takes them."""
        if len(lines) <= self.skip:
            return None
        row = fields(lines[self.skip], layout)
        names = list(distinct(row))
        if row[-1] == "":
            names.pop()
        known = {column.header_name for column in layout.columns}
        missing = [c.header_name for c in layout.columns if c.header_name not in names]
        unknown = [] if layout.others is not None else [n for n in names if n not in known]
        if missing or unknown:
            wrong = f"without {missing[0]!r}" if missing else f"with the unknown column {unknown[0]!r}"
            expected = layout.delimiter.join(c.header_name for c in layout.columns)
            raise HeaderMismatch(self.skip + 1, f"a line that names the columns {_quoted(expected)}", f"one {wrong}")
        return Header(sum(map(len, lines[: self.skip + 1])), self.skip + 1, names=tuple(names))


@dataclass(frozen=True)
class KeyValueLines:
    r"""Lines of ``key,value`` up to the first line that begins with a digit, as rows do.

    A line that names the columns is no metadata. Several values in a line are joined by commas, empty ones left out.

    Parameters
    ----------
    names_line : bool
        Whether one of the lines must name the columns.
    required : tuple of str
        Keys without which the file is of another format.

    Examples
    --------
    >>> from utokyo import Layout
    >>> from utokyo.io.header import KeyValueLines
    >>> lines = [b"Model,WE7562\n", b"Channels,1,2\n", b"Resolution,1e-6\n", b"0,17\n"]
    >>> header = KeyValueLines(required=("Model",)).read(lines, Layout("pulses"))
    >>> header.lines, header.metadata
    (3, {'Model': 'WE7562', 'Channels': '1,2', 'Resolution': 1e-06})
    """

    names_line: bool = False
    required: tuple[str, ...] = ()

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Read keys until a line begins with a digit."""
        metadata: dict[str, Value] = {}
        names = [column.header_name for column in layout.columns]
        named = not self.names_line
        size = 0
        for number, line in enumerate(lines, start=1):
            row = fields(line, layout)
            if row[0][:1].isdigit():  # keys begin with letters or slashes, rows with numbers or dates
                for key in self.required:
                    if key not in metadata:
                        raise HeaderMismatch(number, f"a header with the key {key!r}", "the first row without it")
                if not named:
                    expected = layout.delimiter.join(names)
                    raise HeaderMismatch(number, f"a line {_quoted(expected)} before it", "the first row")
                return Header(size, number - 1, metadata)
            size += len(line)
            if row == names:
                named = True
            elif len(row) == 1 and row[0]:
                raise HeaderMismatch(number, f"a line key{_quoted(layout.delimiter)}value", _quoted(row[0]))
            elif row[0]:
                metadata[row[0]] = as_value(row[1:])
        return None


@dataclass(frozen=True)
class SectionLines:
    r"""Sections in brackets, the last of which holds the rows after a line of indices and a line of names.

    Keys before the first section and of the sections in `plain` stand alone; those of the others are led by the
    section's name, because sections repeat the same keys: ``Frame 1 Caption``.

    Parameters
    ----------
    title : str
        How the first line begins.
    data : str
        Name of the section that holds the rows.
    plain : tuple of str
        Sections whose keys stand alone.

    Examples
    --------
    >>> from utokyo import Column, Kind, Layout
    >>> from utokyo.io.header import SectionLines
    >>> lines = [b"LOG v1\n", b"[General]\n", b"Start\t10:00\n", b"[Frame 1]\n", b"Caption\tA\n"]
    >>> lines += [b"[Data]\n", b"0\t1\n", b"Time\tSignal 1\n", b"5\t7\n"]
    >>> layout = Layout("log", (Column("Time", Kind.FLOAT),), delimiter="\t", others=Column("", Kind.FLOAT))
    >>> header = SectionLines("LOG", data="Data", plain=("General",)).read(lines, layout)
    >>> header.metadata, header.names
    ({'Start': '10:00', 'Frame 1 Caption': 'A'}, ('Time', 'Signal 1'))
    """

    title: str
    data: str
    plain: tuple[str, ...] = ()

    def read(self, lines: Sequence[bytes], layout: HeaderFormat) -> Header | None:
        """Read all sections up to the names of the columns."""
        metadata: dict[str, Value] = {}
        prefix = ""
        size = 0
        for number, line in enumerate(lines, start=1):
            size += len(line)
            row = fields(line, layout)
            if number == 1:
                if not row[0].startswith(self.title):
                    raise HeaderMismatch(1, f"a title that begins with {self.title}", _quoted(row[0]))
            elif row[0] == f"[{self.data}]":
                if len(lines) < number + 2:
                    return None
                names = distinct([" ".join(name.split()) for name in fields(lines[number + 1], layout) if name])
                missing = [c.header_name for c in layout.columns if c.header_name not in names]
                if missing:
                    raise HeaderMismatch(number + 2, f"a column {missing[0]!r}", _quoted(", ".join(names)))
                size += len(lines[number]) + len(lines[number + 1])
                return Header(size, number + 2, metadata, names)
            elif row[0].startswith("["):
                section = row[0].strip("[]")
                prefix = "" if section in self.plain else f"{section} "
            elif row[0]:
                metadata[prefix + row[0]] = as_value(row[1:])
        return None


def fields(line: bytes, layout: HeaderFormat) -> list[str]:
    """The fields of a header's line, without quotes and the blanks around them."""
    decoded = line.removeprefix(UTF8_MARK).decode(layout.encoding, errors="replace").rstrip("\r\n")
    return [cell.strip() for cell in split_line(decoded, layout.delimiter)] or [""]


def as_value(values: Sequence[str]) -> Value:
    """One value of a key: a number where it is one alone, otherwise text, several joined by commas."""
    given = [value for value in values if value]
    return cells.as_number(given[0]) if len(given) == 1 else ",".join(given)


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names with those that repeat numbered from 1, and the nameless ones called by their place.

    Examples
    --------
    >>> from utokyo.io.header import distinct
    >>> distinct(["NC", "", "NC", "Time"])
    ('NC1', 'column_2', 'NC2', 'Time')
    """
    named = [name or f"column_{i}" for i, name in enumerate(names, start=1)]
    counts = Counter(named)
    taken = {name for name in named if counts[name] == 1}
    numbers: Counter[str] = Counter()
    result = []
    for name in named:
        answer = name
        while counts[name] > 1 and (answer == name or answer in taken):
            numbers[name] += 1
            answer = f"{name}{numbers[name]}"
        taken.add(answer)
        result.append(answer)
    return tuple(result)


def _quoted(text: str) -> str:
    return repr(shortened(text.replace("\t", "<TAB>"), LONGEST_QUOTE))
