"""Rows that were skipped, and cells that were taken for no value, in sentences."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ..errors import LONGEST_CELL, shortened

__all__ = ["BadRows", "Report", "no_value"]

Report = Callable[[int, str], None]
"""``report(line, reason)`` is called for every bad row; lines are counted from 0."""

log = logging.getLogger("utokyo")

MESSAGES = 20
"""Bad rows that are reported one by one; the others are counted."""


def no_value(column: str, word: str, count: int) -> str:
    """A sentence on cells that were taken for no value."""
    cells_hold, stay = (f"{count} cells hold", "they stay") if count > 1 else ("a cell holds", "it stays")
    return f"column {column!r}: {cells_hold} {shortened(word, LONGEST_CELL)!r}, which is no value; {stay} empty"


class BadRows:
    """Counts bad rows, and reports the first of them one by one.

    Parameters
    ----------
    path : path
        The file, for messages.
    count : int
        How many there were before.
    said : set of str, optional
        What was logged already of this file, when it was read in another way.

    Attributes
    ----------
    count : int
    messages : list of str
        A sentence each: file, line, and what was expected and found.
    """

    def __init__(self, path: Path, count: int = 0, said: set[str] | None = None) -> None:
        self.count = count
        self.said: set[str] = set() if said is None else said
        self.messages: list[str] = []
        self._path = path
        self._reported = 0  # of the messages
        self._reported_more = count > MESSAGES

    def add(self, line: int, reason: str) -> None:
        """Take one more, in `line` from 0."""
        self.count += 1
        if len(self.messages) < MESSAGES:
            self.messages.append(f"{self._path.name}, line {line + 1}: {reason}; the row was skipped")

    def report(self) -> None:
        """Log those that were not logged yet."""
        for message in self.messages[self._reported :]:
            if message not in self.said:
                log.warning("%s", message)
                self.said.add(message)
        if self.count > MESSAGES and not self._reported_more:
            log.warning("%s: %d bad rows so far; further ones are only counted", self._path.name, self.count)
            self._reported_more = True
        self._reported = len(self.messages)
