"""Odd cells that are alike: what `OL` means in the column of a gauge is found once, not for each of a million rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.odd import COLUMN, LINE, ROW, alike_cells
from ..column import Kind
from ..guess.comments import is_comment
from ..guess.kinds import kind_of
from .buffer import ColumnBuffer
from .second_look import Context, Found, SecondLook

__all__ = ["AlikeCells"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

FEW_CELLS = 64
"""So many are judged one by one."""
MOST_GROUPS = 32
"""Different cells that are looked for among the odd ones of a part."""


class AlikeCells:
    """Those odd cells whose value, or whose lack of one, does not depend on their line.

    Lines of which a cell needs a look of its own, or of which no cell was read, are not among them: they may be bad
    rows, comments or headers.

    Parameters
    ----------
    data : uint8, shape (n,)
        What was parsed.
    odd : int64, shape (count, `ODD_FIELDS`)
        Those that are left after the kernels.
    is_missing : bool, shape (count,)
        Which of them are empty cells of columns that may have such.
    look : SecondLook
        Says what a cell is.
    context : Context
    lines : int
        That were parsed.

    Attributes
    ----------
    taken : bool, shape (count,)
        Which of the odd cells these are.
    absent : dict of int to int64 array
        Rows whose cell says that there is no value, by column.
    """

    def __init__(
        self,
        data: Bytes,
        odd: Integers,
        is_missing: NDArray[np.bool_],
        look: SecondLook,
        context: Context,
        lines: int,
    ) -> None:
        self.taken = np.zeros(odd.shape[0], np.bool_)
        self.absent: dict[int, Integers] = {}
        self._context = context
        self._odd, self._groups, self._found = odd, np.empty(0, np.int64), list[Found | None]()
        if odd.shape[0] < FEW_CELLS or any(kind_of(name) is not Kind.TEXT for name in context.segment.names):
            return
        shown = np.empty(MOST_GROUPS, np.int64)
        self._groups = np.empty(odd.shape[0], np.int64)
        count = alike_cells(data, odd, self._groups, shown)
        self._found = [self._judged(look, entry) for entry in odd[shown[:count]].tolist()]
        known = np.array([found is not None for found in self._found] + [False])  # of group -1
        self.taken = known[self._groups]
        needs_look = np.zeros(lines, np.bool_)
        needs_look[odd[~self.taken & ~is_missing, LINE]] = True
        needs_look |= np.bincount(odd[:, LINE], minlength=lines) >= len(context.segment.columns)
        self.taken &= ~needs_look[odd[:, LINE]]

    def take(self, rows: int, first: int, buffer: ColumnBuffer) -> None:
        """Put the values of cells in the first `rows` rows into the buffer, where these begin at row `first`."""
        taken = self.taken & (self._odd[:, ROW] < rows) if self._found else self.taken
        for group, found in enumerate(self._found):
            entries = self._odd[taken & (self._groups == group)]
            if found is None or not entries.size:
                continue
            place, at = int(entries[0, COLUMN]), entries[:, ROW]
            if found.value is not None:
                buffer.put(self._context.segment.places[place], first + at, found.value)
                continue
            self.absent[place] = np.concatenate([self.absent.get(place, at[:0]), at])
            if found.word:
                self._context.words[self._context.segment.columns[place].name, found.word] += at.size

    def _judged(self, look: SecondLook, entry: list[int]) -> Found | None:
        """What a cell is, in whatever line; None where that depends on the line."""
        cell = look.text_of(entry)
        found = look.cell(entry[COLUMN], cell, entry[LINE])
        is_sure = found.value is not None or (found.word is not None and not found.is_odd)
        may_be_comment = entry[COLUMN] == 0 and is_comment(cell.lstrip(' "'), self._context.layout.delimiter)
        return found if is_sure and not may_be_comment else None
