"""What is said of a table while it is read, each sentence once."""

from __future__ import annotations

import logging
from pathlib import Path

from .bad_rows import no_value
from .table import TextTable

__all__ = ["remarks_on", "report"]

log = logging.getLogger("utokyo")


def remarks_on(table: TextTable) -> list[str]:
    """What was understood of a table, and may be otherwise, a sentence each."""
    return [*table.opening.remarks, *table.notes, *(no_value(*found) for found in _words_of(table))]


def _words_of(table: TextTable) -> list[tuple[str, str, int]]:
    """Column, word for no value, and count, in the order of the columns."""
    place = {column.name: i for i, column in enumerate(table.columns)}
    found = [(column, word, count) for (column, word), count in table.words.items()]
    return sorted(found, key=lambda of: (place.get(of[0], len(place)), of[1]))


def report(path: Path, table: TextTable, said: set[str]) -> None:
    """Log what was found and not said yet; `said` is what was.

    Parameters
    ----------
    path : path
        The file.
    table : TextTable
    said : set of str
        Is filled.
    """

    def tell(level: int, mark: str, sentence: str) -> None:
        if mark not in said:
            said.add(mark)
            log.log(level, "%s", sentence)

    table.bad_rows.report()
    if not (table.notes or table.opening.remarks or table.words):
        return
    name = path.name
    for note in table.notes:
        tell(logging.WARNING, note, note)
    for remark in table.opening.remarks:
        tell(logging.INFO, remark, f"{name}: {remark}")
    for column, word, count in _words_of(table):
        tell(logging.WARNING, f"{column}: {word}", f"{name}: {no_value(column, word, count)}")
