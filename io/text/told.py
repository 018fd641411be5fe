"""What is said of a table while it is read, each sentence once."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from .bad_rows import no_value
from .row_times import ClockStep, said_of_steps
from .table import TextTable

__all__ = ["clock_news", "clock_remarks", "note_as_said", "remarks_on", "report", "report_text"]

log = logging.getLogger("utokyo")

MOST_STEPS = 20
"""One row in so many may go back in time where a clock was set; more are rows that stand in another order."""


def remarks_on(table: TextTable) -> list[str]:
    """What was understood of a table, and may be otherwise, a sentence each."""
    return [*table.opening.remarks, *table.notes, *(no_value(*found) for found in _words_of(table))]


def clock_remarks(table: TextTable, rows: int) -> list[str]:
    """Where the clock of a table went back in so many rows, or a counter began anew; none where many times go back."""
    table.compute_times()
    steps = table.times.steps
    said = said_of_steps(steps) if len(steps) <= 1 + rows // MOST_STEPS else []
    return [*said, *table.counters.remarks().values()]


def _words_of(table: TextTable) -> list[tuple[str, str, int]]:
    """Column, word for no value, and count, in the order of the columns."""
    place = {column.name: i for i, column in enumerate(table.columns)}
    found = [(column, word, count) for (column, word), count in table.words.items()]
    return sorted(found, key=lambda of: (place.get(of[0], len(place)), of[1]))


def clock_news(table: TextTable, rows: int) -> list[str]:
    """The same of what was not said yet; it counts as said from now on."""
    if not clock_remarks(table, rows):
        return []
    new = [step for step in table.times.steps if _mark(step) not in table.said]
    counters = {name: said for name, said in table.counters.remarks().items() if f"counter: {name}" not in table.said}
    table.said.update((*map(_mark, new), *(f"counter: {name}" for name in counters)))
    return [*said_of_steps(new), *counters.values()]


def report(name: str, table: TextTable) -> None:
    """Log what was found in a file of this name and not said yet."""
    table.bad_rows.report()
    for note in table.notes:
        _tell(table, logging.WARNING, note, note)
    for remark in table.opening.remarks:
        _tell(table, logging.INFO, remark, f"{name}: {remark}")
    for column, word, count in _words_of(table):
        _tell(table, logging.WARNING, f"{column}: {word}", f"{name}: {no_value(column, word, count)}")


def report_text(name: str, table: TextTable, column: str) -> None:
    """Log that a file of this name is read anew, for a column turns out to hold text."""
    _tell(table, logging.WARNING, f"text: {column}", f"{name}: column {column!r} holds text; it is read anew")


def note_as_said(table: TextTable) -> None:
    """Take all that `report` and `clock_news` would say for said: another process read the rows, and did."""
    table.said.update(_marks(table))


def _marks(table: TextTable) -> Iterator[str]:
    yield from table.notes
    yield from table.opening.remarks
    yield from (f"{column}: {word}" for column, word in table.words)
    yield from map(_mark, table.times.steps)
    yield from (f"counter: {name}" for name in table.counters.remarks())


def _mark(step: ClockStep) -> str:
    """By what a step is said once: further ones of its kind are counted."""
    return f"clock: {step.is_wrap}"


def _tell(table: TextTable, level: int, mark: str, sentence: str) -> None:
    if mark not in table.said:
        table.said.add(mark)
        log.log(level, "%s", sentence)
