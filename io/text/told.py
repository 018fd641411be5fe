"""What is said of a table while it is read, each sentence once."""

from __future__ import annotations

import logging

from .bad_rows import no_value
from .table import TextTable

__all__ = ["remarks_on", "report"]

log = logging.getLogger("utokyo")


def remarks_on(table: TextTable) -> list[str]:
    """What was understood of a table, and may be otherwise, a sentence each."""
    words = (no_value(column, word, count) for (column, word), count in table.words.items())
    return [*table.opening.remarks, *table.notes, *words]


def report(name: str, table: TextTable, said: set[str]) -> None:
    """Log what was found and not said yet; `said` is what was.

    Parameters
    ----------
    name : str
        Of the file.
    table : TextTable
    said : set of str
        Is filled.
    """

    def tell(level: int, mark: str, sentence: str) -> None:
        if mark not in said:
            said.add(mark)
            log.log(level, "%s", sentence)

    table.bad_rows.report()
    for note in table.notes:
        tell(logging.WARNING, note, note)
    for remark in table.opening.remarks:
        tell(logging.INFO, remark, f"{name}: {remark}")
    for (column, word), count in table.words.items():
        tell(logging.WARNING, f"{column}: {word}", f"{name}: {no_value(column, word, count)}")
