"""Counters that begin anew, in tables that nobody described and that have no times.

Nothing says since when such a counter counts, so no times are made of it and its values stay as they are; that it began
anew is told, with place and size.
"""

from __future__ import annotations

import re

import numpy as np

from ..column import Kind
from .buffer import ColumnBuffer
from .row_times import COUNTER_PART

__all__ = ["Counters"]

NAMES = re.compile(
    r"(^|[^a-z])(ticks?|counter|time ?stamp|time ?tag|clock|timer?|millis|uptime)([^a-z]|$)", re.IGNORECASE
)
WIDTHS = (16, 24, 31, 32, 48)
"""Bits of counters, which begin anew at that power of two."""


class Counters:
    """The counters of one table, as far as they were looked at: each row once."""

    def __init__(self) -> None:
        self._rows = self._dropped = 0
        self._last: dict[str, int] = {}
        self._wraps: dict[str, list[tuple[int, int]]] = {}
        self._others: set[str] = set()

    def look(self, buffer: ColumnBuffer) -> None:
        """Look at the rows that are new."""
        for column in buffer.columns:
            if column.kind is Kind.INTEGER and NAMES.search(column.name.replace("_", " ")):
                self._look_at(buffer, column.name)
        self._rows = buffer.rows

    def drop(self, rows: int) -> None:
        """Let go of the first rows."""
        self._rows -= rows
        self._dropped += rows

    def remarks(self) -> dict[str, str]:
        """A sentence on each counter that only rises, but for where it begins anew; by its column."""
        answers = {}
        for name, found in self._wraps.items():
            if name in self._others:
                continue
            row, bits = found[0]
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            said = f"after row {row} the counter begins anew at 2^{bits}{more}"
            answers[name] = f"column {name!r}: {said}; its values stay as they are"
        return answers

    def _look_at(self, buffer: ColumnBuffer, name: str) -> None:
        values = buffer.column(name, self._rows)[buffer.is_valid(name, self._rows, buffer.rows)]
        if not values.size:
            return
        steps = np.diff(values, prepend=self._last.get(name, int(values[0])))
        self._last[name] = int(values[-1])
        for row in np.flatnonzero(steps < 0).tolist():
            bits = next((n for n in WIDTHS if abs(int(steps[row]) + (1 << n)) < (1 << n) // COUNTER_PART), None)
            if bits is None:
                self._others.add(name)
            else:
                self._wraps.setdefault(name, []).append((self._dropped + self._rows + row, bits))
