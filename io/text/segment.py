"""`Segment`: the columns that the rows have from one header to the next.

A logger that is started again writes its header again, into the same file: with the same columns, with others, or in
another order. The rows behind it go by their own header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..column import Column, Kind
from .buffer import ColumnBuffer

__all__ = ["Segment"]


class Segment:
    """Which columns of a buffer the cells of a row go to.

    Parameters
    ----------
    buffer : ColumnBuffer
    names : sequence of str
        Columns of the buffer, in the order of the cells.
    first_row : int
        Of the buffer.
    metadata : mapping
        What the header says.

    Attributes
    ----------
    places : list of int
        The column of the buffer for each cell.
    absent : list of int
        Columns of the buffer that these rows have not.
    """

    def __init__(
        self,
        buffer: ColumnBuffer,
        names: Sequence[str],
        first_row: int = 0,
        metadata: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.first_row = first_row
        self.metadata = metadata if metadata is not None else {}
        of_buffer = {column.name: i for i, column in enumerate(buffer.columns)}
        self.places = [of_buffer[name] for name in names]
        self._buffer = buffer
        self.renew()

    def renew(self) -> None:
        """Take over what the columns of the buffer are now."""
        there = set(self.places)
        self.absent = [i for i in range(len(self._buffer.columns)) if i not in there]
        self.columns: tuple[Column, ...] = tuple(self._buffer.columns[i] for i in self.places)
        self.kinds: NDArray[np.int64] = self._buffer.kinds[self.places]
        self.slots: NDArray[np.int64] = self._buffer.slots[self.places]
        self.texts = [i for i, column in enumerate(self.columns) if column.kind in {Kind.TEXT, Kind.NONE}]
        self.slots[self.texts] = np.arange(len(self.texts))  # in the list of spans
