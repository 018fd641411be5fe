"""The layout of a table that nobody described, from its first lines.

The result is a `Layout` like any other, and is a function of these lines alone: however they came and whenever somebody
looked, the same lines give the same layout. Known formats do not pass here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .. import cells
from ..absent import is_summary, says_no_value_among_numbers
from ..cells import Notation
from ..column import Column, Kind
from ..errors import LONGEST_CELL, InputError, shortened
from ..header import UTF8_MARK, CountedLines, distinct
from ..layout import Layout
from .asked import NO_TIMES, NOTHING_ASKED, Asked
from .comments import SAYS_DELIMITER, without_comments
from .delimiters import delimiter_of
from .kinds import MOMENTS, SURE_DIGITS, kind_of, kinds_of
from .letters import encoding_of
from .lines import AGREEMENT, Body, are_names_again, are_other_names, body_behind, body_of
from .moments import Times, kind_in, order_in, order_of, times_of
from .signs import signs_of
from .units import are_units

__all__ = ["Guess", "guess_layout"]


class Guess(NamedTuple):
    """What was understood."""

    layout: Layout
    remarks: tuple[str, ...] = ()
    """Sentences on what may be otherwise, and what to say then."""


WHOLE = re.compile(r"[+-]?\d{1,100}")
MOST_TURNS = 3
"""How often rows and notation are found out from each other."""
NOTHING_KNOWN: Mapping[str, Kind] = MappingProxyType({})


def guess_layout(
    path: Path, lines: Sequence[bytes], asked: Asked = NOTHING_ASKED, known: Mapping[str, Kind] = NOTHING_KNOWN
) -> Guess | None:
    r"""Guess the layout of a table from its first whole lines; None while there is no row to learn from.

    Parameters
    ----------
    path : path
        For messages.
    lines : sequence of bytes
        With their ends.
    asked : Asked, optional
        What the user says.
    known : mapping of str to Kind, optional
        Columns of which later rows showed that they are no numbers or times.

    Raises
    ------
    InputError
        When the lines are text in no encoding that is known.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.guess.layout import guess_layout
    >>> lines = [b"Zeit;Strom\r\n", b"09.05.2023 11:20:05;19,47\r\n"]
    >>> layout = guess_layout(Path("ion.csv"), lines).layout
    >>> layout.delimiter, layout.decimal, layout.header.lines, layout.time.column
    (';', ',', 1, 'Zeit')
    >>> [(column.name, column.kind.name) for column in layout.columns]
    [('Zeit', 'DATETIME'), ('Strom', 'FLOAT')]
    """
    sample = b"".join(lines).removeprefix(UTF8_MARK)
    encoding = encoding_of(path, sample)
    text = [line.rstrip("\r") for line in sample.decode(encoding).split("\n")[:-1]]
    plain = without_comments(text)
    if not any(line.strip() for line in plain):
        return None
    said = SAYS_DELIMITER.fullmatch(text[0])
    delimiter = asked.delimiter or (said["delimiter"] if said else delimiter_of(plain))
    notation = Notation(decimal=asked.decimal or ".", time_format=asked.time_format)
    body = _body(text, delimiter, notation, asked)
    if body is None:
        return None
    table = _columns_of(body)
    for _ in range(MOST_TURNS):
        signs, order = signs_of(table, asked.decimal), order_in(asked.time_format) or order_of(table)
        before, notation = notation, Notation(signs.decimal, signs.thousands, order.dates, asked.time_format)
        if notation == before:
            break
        # What is a name and what a row may be another question now, and then again what the rows say.
        body = _body(text, delimiter, notation, asked) or body
        table = _columns_of(body)
    columns = [
        Column(name, known.get(name) or _kind(name, found, notation, asked), unit=unit)
        for name, unit, found in zip(body.names, body.units or [""] * len(body.names), table, strict=True)
    ]
    times = times_of(columns, table, notation, asked.time)
    if asked.time and asked.time != NO_TIMES and times.rule is None:
        raise _no_times(path, asked, columns, table)
    ambiguous = [
        f"column {body.names[i]!r}: {next(c for c in table[i] if ',' in c)!r} may be a decimal or thousands; it is "
        "kept as text, and decimal=',' or decimal='.' says which"
        for i in signs.undecided
    ]
    layout = Layout(
        "table",
        tuple(replace(column, nullable=column.name not in times.mandatory) for column in columns),
        delimiter=delimiter,
        encoding=encoding,
        header=CountedLines(body.first, body.names_line, _zone(times)),
        time=times.rule,
        trailing_delimiter=body.closes,
        decimal=signs.decimal,
        thousands=signs.thousands,
        dates=order.dates if _has_dates(columns) else "",
        time_format=asked.time_format,
        comments=True,
        guessed=True,
    )
    dates = (order.remark,) if order.remark and layout.dates else ()
    ambiguous += _beyond_64_bits(columns, table)
    ambiguous += [] if asked.delimiter else _perhaps_decimals(body, columns, delimiter)
    return Guess(layout, (*dates, *times.remarks, *ambiguous))


def _perhaps_decimals(body: Body, columns: Sequence[Column], delimiter: str) -> list[str]:
    """A sentence on lines `0,5` without names, which are two integers or one decimal."""
    if delimiter != "," or body.names_line is not None or [c.kind for c in columns] != [Kind.INTEGER, Kind.INTEGER]:
        return []
    shown = next((",".join(row) for row in body.rows if len(row) == len(columns) and not row[1].startswith(" ")), "")
    said = f"{shown!r} is taken for two columns; where it is a decimal, say delimiter=';', decimal=','"
    return [said] if shown else []


def _beyond_64_bits(columns: Sequence[Column], table: Sequence[Sequence[str]]) -> Iterator[str]:
    """A sentence on each column of whole numbers that are too large to be kept exactly."""
    for column, found in zip(columns, table, strict=True):
        large = (cell for cell in found if len(cell) > SURE_DIGITS and column.kind is Kind.FLOAT)
        shown = next((cell for cell in large if WHOLE.fullmatch(cell) and abs(int(cell)) >= 1 << 63), "")
        if shown:
            yield f"column {column.name!r}: {shortened(shown, LONGEST_CELL)!r} is beyond 64 bits; 16 digits are kept"


def _zone(times: Times) -> tuple[tuple[str, str], ...]:
    """The zone of the times for the metadata."""
    return ((f"{times.mandatory[0]} (zone)", times.zone),) if times.zone else ()


def _body(text: Sequence[str], delimiter: str, notation: Notation, asked: Asked) -> Body | None:
    """The header and the rows, as the user says or as they look."""
    if asked.header_line is None and asked.units_row is None:
        return body_of(text, delimiter, notation)
    if asked.header_line is None:
        found = body_of(text, delimiter, notation)
        if found is None or found.names_line is None:
            return found
        names_line: int | None = found.names_line
    else:
        names_line = asked.header_line - 1 if asked.header_line else None
    if names_line is not None and names_line >= len(text):
        return None
    first = 0 if names_line is None else names_line + 1
    if asked.units_row is None and names_line is not None:
        found = body_of(text[names_line:], delimiter, notation)
        return (
            None
            if found is None
            else body_behind(text, delimiter, names_line, names_line + max(1, found.first), units_row=bool(found.units))
        )
    return body_behind(text, delimiter, names_line, first + bool(asked.units_row), units_row=bool(asked.units_row))


def _no_times(path: Path, asked: Asked, columns: Sequence[Column], table: Sequence[Sequence[str]]) -> InputError:
    """What is said of a column that the user names and that holds no times."""
    names = [column.name for column in columns]
    if asked.time not in names:
        return InputError(
            f"{path}: there is no column {asked.time!r} for time=; there are {', '.join(map(repr, names))}"
        )
    shown = next((cell for cell in table[names.index(asked.time)] if cell), "")
    how = f"does not follow time_format={asked.time_format!r}" if asked.time_format else "is no time that is known"
    instead = "" if asked.time_format else "; say how it is written: time_format='%d.%m.%Y %H:%M:%S'"
    return InputError(f"{path}: column {asked.time!r}: {shortened(shown, LONGEST_CELL)!r} {how}{instead}")


def _columns_of(body: Body) -> list[list[str]]:
    """The cells of each column, from the rows that the parser will take: others are bad ones, and say nothing.

    Behind a header in the middle, as a logger writes that is started again, rows go by that.
    """
    place = {name: i for i, name in enumerate(body.names)}
    columns: list[list[str]] = [[] for _ in body.names]
    width, places = len(body.names), list(range(len(body.names)))
    taken = 0
    is_below_names = False
    stems = _stems_of(body.names)
    for row in body.rows:
        if is_below_names and body.units and are_units(row):
            continue
        may_name = (
            body.names_line is not None
            and row[0]
            and (row[0].strip()[:1].isalpha() or not stems.isdisjoint(map(str.strip, row)))
        )
        called = distinct([cell.strip() for cell in row]) if may_name else ()
        is_below_names = bool(called) and _is_header(called, row, body.names, columns)
        if is_below_names:
            width = len(called) - (not row[-1].strip())
            places = [place.get(name, -1) for name in called[:width]]
            if set(places) == {-1}:  # but for the times, which may have another name now
                last = [kind_of(found[-1]) if found else None for found in columns]
                places = [i if last[i] in MOMENTS else -1 for i in range(width)]
        elif len(row) in {width, width + body.closes}:
            taken += 1
            for i, cell in zip(places, row, strict=False):
                if i >= 0:
                    columns[i].append(cell.strip())
    if taken:
        return columns
    return [[row[i].strip() for row in body.rows if i < len(row)] for i in range(len(body.names))]


def _is_header(
    called: Sequence[str], row: Sequence[str], names: Sequence[str], columns: Sequence[Sequence[str]]
) -> bool:
    """Whether a row names columns: by half of its cells, or by the name of one that holds numbers or times so far."""
    if are_names_again(called, names):
        return True
    if are_other_names(row, [kind_of(found[-1]) if found else None for found in columns]):
        return True
    below = [found for cell, name, found in zip(called, names, columns, strict=False) if cell == name]
    if not any(found and kind_of(found[-1]) not in {None, Kind.TEXT} for found in below):
        return False
    return all(kind_of(cell) in {None, Kind.TEXT} for cell in called)


def _kind(name: str, column: Sequence[str], notation: Notation, asked: Asked) -> Kind:
    """What the cells of a column are: times where the user says so and how they are written, else as they look."""
    if asked.time_format and name == asked.time:
        kind = kind_in(asked.time_format)
        filled = [cell for cell in column if cell]
        follow = sum(cells.cell_value(cell, kind, notation) is not None for cell in filled)
        if filled and follow >= AGREEMENT * len(filled):
            return kind
    return column_kind(column, notation)


def _stems_of(names: Sequence[str]) -> frozenset[str]:
    """What stands in a line that `distinct` makes one of these names of: the name, without its number, or nothing."""
    stems = set(names)
    for name in names:
        stems |= {name[:end] for end in range(len(name.rstrip("0123456789")), len(name))}
        stems |= {""} if name.startswith("column_") else set()
    return frozenset(stems)


def column_kind(column: Sequence[str], notation: Notation) -> Kind:
    """What the cells of a column are, when most of them agree; NONE where there is no value yet."""
    found = kinds_of(column, notation)
    del found[None]
    if not found:
        return Kind.NONE
    if found[Kind.TEXT]:  # some may be no value among numbers
        texts = (cell for cell in column if kind_of(cell, notation) is Kind.TEXT)
        found[Kind.TEXT] -= sum(says_no_value_among_numbers(cell) or is_summary(cell) for cell in texts)
        if not found.total():
            return Kind.TEXT
    if found[Kind.TEXT] == found.total():
        return Kind.TEXT
    numbers = found[Kind.INTEGER] + found[Kind.FLOAT]
    if numbers >= AGREEMENT * found.total():
        return Kind.FLOAT if found[Kind.FLOAT] else Kind.INTEGER
    dates = found[Kind.DATE] + found[Kind.DATETIME]
    if dates >= AGREEMENT * found.total():
        return Kind.DATETIME if found[Kind.DATETIME] else Kind.DATE
    kind, count = found.most_common(1)[0]
    return kind if kind is not None and count >= AGREEMENT * found.total() else Kind.TEXT


def _has_dates(columns: Sequence[Column]) -> bool:
    return any(column.kind in {Kind.DATE, Kind.DATETIME} for column in columns)
