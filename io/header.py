"""How the headers of the formats read.

A header style turns the first lines of a file into a `Header`: how many bytes and lines it takes, its metadata, and the
names of the columns where it gives them. A file may be caught while its header is being written: then `read` answers
None, and is asked again when more lines have come. A file of another format is a `HeaderMismatch`, which says the line.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from . import cells

if TYPE_CHECKING:
    from .layout import Layout

__all__ = [
    "Header",
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


class HeaderMismatch(Exception):  # noqa: N818 (not an error yet: the reader words it for the user)
    """The file does not begin as its format does."""

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
    names : tuple of str, optional
        The columns, in order, where the header names them.
    """

    size: int
    lines: int
    metadata: Mapping[str, Value] = field(default_factory=dict)
    names: tuple[str, ...] | None = None


class HeaderStyle(Protocol):
    """A way in which headers are written."""

    def read(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        """Read a header from whole `lines` (with their line ends); None while it is not complete.

        Raises
        ------
        HeaderMismatch
            When the file is of another format.
        """
        ...


@dataclass(frozen=True)
class NoHeader:
    """Rows from the first line on."""

    def read(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        """Answer at once: there is nothing to read."""
        del layout
        return Header(len(UTF8_MARK) if lines and lines[0].startswith(UTF8_MARK) else 0, 0)


@dataclass(frozen=True)
class NamesLine:
    """One line with the names of the columns, behind `skip` lines that say nothing.

    Names that repeat are numbered: ``NC,NC,NC`` becomes ``NC1, NC2, NC3``. A delimiter at its end names no column.
    """

    skip: int = 0

    def read(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        """Read the names; all known columns must be there, and others only where the layout takes them."""
        if len(lines) <= self.skip:
            return None
        names = list(distinct(fields(lines[self.skip], layout)))
        if fields(lines[self.skip], layout)[-1] == "":
            names.pop()
        known = {column.header_name for column in layout.columns}
        missing = [c.header_name for c in layout.columns if c.header_name not in names]
        unknown = [] if layout.others is not None else [n for n in names if n not in known]
        if missing or unknown:
            wrong = f"without {missing[0]!r}" if missing else f"with the unknown column {unknown[0]!r}"
            expected = layout.delimiter.join(c.header_name for c in layout.columns)
            raise HeaderMismatch(self.skip + 1, f"a line that names the columns {_shown(expected)}", f"one {wrong}")
        return Header(sum(map(len, lines[: self.skip + 1])), self.skip + 1, names=tuple(names))


@dataclass(frozen=True)
class KeyValueLines:
    """Lines of ``key,value`` up to the first line that begins with a digit, as rows do.

    A line that names the columns is no metadata. Several values in a line are joined by commas, empty ones left out.

    Parameters
    ----------
    names_line : bool
        Whether one of the lines must name the columns.
    required : tuple of str
        Keys without which the file is of another format.
    """

    names_line: bool = False
    required: tuple[str, ...] = ()

    def read(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
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
                    raise HeaderMismatch(number, f"a line {_shown(expected)} before it", "the first row")
                return Header(size, number - 1, metadata)
            size += len(line)
            if row == names:
                named = True
            elif len(row) == 1 and row[0]:
                raise HeaderMismatch(number, f"a line key{_shown(layout.delimiter)}value", _shown(row[0]))
            elif row[0]:
                metadata[row[0]] = as_value(row[1:])
        return None


@dataclass(frozen=True)
class SectionLines:
    """Sections in brackets, the last of which holds the rows behind a line of indices and a line of names.

    Keys before the first section and of the sections in `plain` stand alone; those of the others are led by the
    section's name, because sections repeat the same keys: ``Frame 1 Caption``.
    """

    title: str
    data: str
    plain: tuple[str, ...] = ()

    def read(self, lines: Sequence[bytes], layout: Layout) -> Header | None:
        """Read all sections up to the names of the columns."""
        metadata: dict[str, Value] = {}
        prefix = ""
        size = 0
        for number, line in enumerate(lines, start=1):
            size += len(line)
            row = fields(line, layout)
            if number == 1:
                if not row[0].startswith(self.title):
                    raise HeaderMismatch(1, f"a title that begins with {self.title}", _shown(row[0]))
            elif row[0] == f"[{self.data}]":
                if len(lines) < number + 2:
                    return None
                names = distinct([" ".join(name.split()) for name in fields(lines[number + 1], layout) if name])
                missing = [c.header_name for c in layout.columns if c.header_name not in names]
                if missing:
                    raise HeaderMismatch(number + 2, f"a column {missing[0]!r}", _shown(", ".join(names)))
                size += len(lines[number]) + len(lines[number + 1])
                return Header(size, number + 2, metadata, names)
            elif row[0].startswith("["):
                section = row[0].strip("[]")
                prefix = "" if section in self.plain else f"{section} "
            elif row[0]:
                metadata[prefix + row[0]] = as_value(row[1:])
        return None


def fields(line: bytes, layout: Layout) -> list[str]:
    """The fields of a header's line, without quotes and the blanks around them."""
    decoded = line.removeprefix(UTF8_MARK).decode(layout.encoding, errors="replace").rstrip("\r\n")
    try:
        row = next(csv.reader([decoded], delimiter=layout.delimiter), [])
    except csv.Error:  # a field larger than the csv module takes
        row = decoded.split(layout.delimiter)
    return [cell.strip() for cell in row] or [""]


def as_value(values: Sequence[str]) -> Value:
    """One value of a key: a number where it is one alone, else text, several joined by commas."""
    given = [value for value in values if value]
    return cells.as_number(given[0]) if len(given) == 1 else ",".join(given)


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """The names with those that repeat numbered from 1, and the nameless ones called by their place."""
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


def _shown(text: str) -> str:
    text = text.replace("\t", "<TAB>")
    return repr(text if len(text) <= 60 else text[:57] + "...")
