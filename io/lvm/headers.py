"""The lines of a LabVIEW measurement file that are no rows: they say how the rows behind them read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ..column import Kind
from ..errors import FormatError, shortened
from ..guess.letters import likely_encoding
from ..header import as_value
from .segment import Segment, segment_of
from .state import UNKNOWN, LVMState
from .tags import (
    END_OF_HEADER,
    END_SPECIAL,
    OF_COLUMNS,
    START_SPECIAL,
    TITLE,
    X_VALUE,
    decimal_of,
    fields_of,
    separator_of,
    start_ns,
)

__all__ = ["HeaderLines"]

log = logging.getLogger("utokyo")

LONGEST_HEADER_BYTES = 4 << 20
"""Of a header; one of 30 channels has 20 kB."""
LONGEST_QUOTE = 60
"""Characters of a line that a message shows."""
ABOUT_THE_FORMAT = frozenset({TITLE, "Writer_Version", "Reader_Version", "Separator", "Decimal_Separator"})
"""Tags that say nothing of the measurement."""


class HeaderLines:
    """Takes lines that are no rows, and keeps in a state what they say.

    Parameters
    ----------
    path : path
        For messages.
    state : LVMState
    report : callable
        ``report(line, reason)`` is called for a row that stands where a header should; lines are counted from 0.

    Attributes
    ----------
    segment : Segment or None
        That of the rows that come; None while its decimal sign is not known.
    """

    def __init__(self, path: Path, state: LVMState, report: Callable[[int, str], None]) -> None:
        self.segment: Segment | None = None
        self._path, self.state, self._report = path, state, report
        if state.mode == "rows" and state.decimal:
            self.segment = self._new_segment()

    def segment_with(self, first_row: str) -> Segment:
        """The segment, of which the first row is this one (as Latin-1)."""
        if self.segment is None:
            state = self.state
            state.decimal = decimal_of(state.file_tags, state.tags, first_row, state.separator) or "."
            self.segment = self._new_segment()
        return self.segment

    def take(self, line: bytes) -> None:
        """Take a line that is no row."""
        state = self.state
        state.lines += 1
        text = line.removeprefix(b"\xef\xbb\xbf").decode("latin-1") if state.lines == 1 else line.decode("latin-1")
        fields = fields_of(text.rstrip("\r\n"), state.separator)
        tag = fields[0]
        if state.mode == "special":
            state.mode = state.after_special if tag == END_SPECIAL else "special"
            return
        if fields == [""]:
            return
        state.header_bytes += len(line)
        if state.header_bytes > LONGEST_HEADER_BYTES:
            raise self._mismatch("rows", f"no row in {LONGEST_HEADER_BYTES >> 20} MB")
        if tag == START_SPECIAL:
            state.mode, state.after_special = "special", state.mode
            self.tell_once("special", "blocks between ***Start_Special*** and ***End_Special*** are passed over")
        elif text.startswith(TITLE):
            self._begin_block_of_file(fields)
        elif state.mode == "title":
            raise self._mismatch(repr(TITLE), repr(shortened(text.strip(), LONGEST_QUOTE)))
        elif state.mode == "file" and tag != X_VALUE:
            self._take_tag_of_file(text, fields)
        elif state.mode == "names" or tag == X_VALUE:
            self._begin_segment(fields)
        elif tag == END_OF_HEADER:
            state.mode = "names" if state.tags else "between"
        elif tag[:1].isdigit() or not tag:
            self._refuse_row(text)
        else:
            state.tags[tag] = fields

    def _begin_block_of_file(self, fields: list[str]) -> None:
        """A title: the first line, or that of a logger that was started again."""
        state = self.state
        if state.mode != "title":
            log.warning(
                "%s, line %d: a second header, the logger was started again; the rows behind it go by it",
                self._path.name,
                state.lines,
            )
        state.mode, state.separator, state.decimal = "file", "", ""
        state.file_tags, state.tags, state.names = {TITLE: fields}, {}, []
        state.header_bytes = 0

    def _take_tag_of_file(self, text: str, fields: list[str]) -> None:
        state = self.state
        if fields[0] == END_OF_HEADER:
            state.mode = "between"
            state.separator = state.separator or "\t"
            return
        separator = separator_of(text)
        if separator is None or len(separator.encode("latin-1", "replace")) > 1 or separator > "\x7f":
            raise self._mismatch("one character as Separator", repr(shortened(text.strip(), LONGEST_QUOTE)))
        state.separator = separator or state.separator
        state.file_tags[fields[0]] = fields_of(text.rstrip("\r\n"), state.separator)
        if state.separator == "," and text.startswith("Decimal_Separator,,"):
            raise self._mismatch("another decimal sign than the separator", "a comma for both")

    def _refuse_row(self, text: str) -> None:
        """A row where a header should be: of the whole file, or one to pass over."""
        found = f"the row {shortened(text.strip(), LONGEST_QUOTE)!r}"
        if not self.state.columns:
            raise self._mismatch(f"the names of the columns ({X_VALUE}, ...)", found)
        self._report(self.state.lines - 1, f"expected a header, found {found}")

    def _begin_segment(self, fields: list[str]) -> None:
        """The names of the columns: rows come next."""
        state = self.state
        state.mode, state.names, state.header_bytes = "rows", fields, 0
        state.rows_of_segment, state.absolute_ns = 0, UNKNOWN
        header = "\n".join("\t".join(row) for row in [*state.file_tags.values(), *state.tags.values(), fields])
        if not state.encoding and not header.isascii():
            state.encoding = likely_encoding(header.encode("latin-1"))
        state.decimal = decimal_of(state.file_tags, state.tags, "", state.separator)
        segment = self._new_segment()
        self.segment = segment if state.decimal else None  # else the first row decides
        starts = [axis.start_ns for axis in segment.axes.values()]
        start = segment.axis.start_ns
        if start is None:
            start = next((known for known in starts if known is not None), None)
        if start is None:
            date, time = ("".join(state.file_tags.get(tag, ())[1:2]) for tag in ("Date", "Time"))
            start = start_ns(date, time)
        if state.has_times is None:
            state.has_times = start is not None
        elif start is None and state.has_times:
            self.tell_once("no date", "a segment without Date and Time; its times go on from the start before it")
        state.last_start_ns = state.last_start_ns if start is None else start
        self._add_columns(segment)
        self._add_metadata(segment)

    def _new_segment(self) -> Segment:
        state = self.state
        return segment_of(
            {tag: self._read(fields) for tag, fields in state.file_tags.items()},
            {tag: self._read(fields) for tag, fields in state.tags.items()},
            self._read(state.names),
            state.separator,
            state.decimal or ".",
        )

    def _read(self, fields: list[str]) -> list[str]:
        """Fields in the encoding of the file."""
        return [field.encode("latin-1").decode(self.state.encoding or "utf-8", "replace") for field in fields]

    def _add_columns(self, segment: Segment) -> None:
        state = self.state
        if state.columns and not {column.name for column in segment.columns} <= set(state.columns):
            new = [column.name for column in segment.columns if column.name not in state.columns]
            log.warning("%s, line %d: a header with new columns: %s", self._path.name, state.lines, ", ".join(new))
        for column in segment.columns:
            if column.name not in state.columns:
                state.columns.append(column.name)
                if column.kind is Kind.TEXT:
                    state.texts.append(column.name)
        state.columns.sort(key=lambda name: name in state.texts)  # comments last; the others in their order

    def _add_metadata(self, segment: Segment) -> None:
        """What the first headers say, and the units of the channels."""
        state = self.state
        tags = {**state.file_tags, **{tag: fields for tag, fields in state.tags.items() if tag not in OF_COLUMNS}}
        said = {
            self._read([tag])[0]: as_value(self._read(fields[1:]))
            for tag, fields in tags.items()
            if tag not in ABOUT_THE_FORMAT
        }
        said |= {f"{name} (unit)": unit for name, unit in segment.units.items()}
        if not set(said) <= set(state.metadata):
            state.metadata = {**said, **state.metadata}

    def tell_once(self, what: str, sentence: str) -> None:
        """Warn of something at its first time."""
        if what not in self.state.told:
            self.state.told.append(what)
            log.warning("%s, line %d: %s", self._path.name, self.state.lines, sentence)

    def _mismatch(self, expected: str, found: str) -> FormatError:
        return FormatError(
            f"{self._path}, line {self.state.lines}: this is no LabVIEW measurement file: expected {expected}, "
            f"found {found}"
        )
