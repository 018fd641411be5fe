"""`Source`: what analyses, the join, the Runner and the command may ask of a recorder, whatever it reads.

`Recorder` and all that is made of it keep it, as does `StaticRecorder`. Every answer is about what was really read: a
folder has no bad rows because it has no rows of text, not because a reader that never read counted none.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from .quantity import SourceKind

__all__ = ["Joinable", "Source"]


class Joinable(Protocol):
    """What a join asks: of a recorder, or of an analysis whose results are joined."""

    @property
    def generation(self) -> int:
        """How often the source turned out to be another one, so that all rows were read anew: a file was replaced."""
        ...

    @property
    def only_grows(self) -> bool:
        """Whether the rows of one generation stay as they are, and new ones come at the end of the table."""
        ...

    @property
    def clock_offset_ns(self) -> int:
        """What is added to all times, ns."""
        ...

    def get_metadata(self) -> Any:
        """What the header says: one row."""
        ...

    def source_kind(self, name: str = "") -> SourceKind:
        """How it is joined; `name` is what the user calls it, if anything."""
        ...

    def table_to_join(self) -> pl.DataFrame:
        """The table that is joined."""
        ...


@runtime_checkable
class Source(Joinable, Protocol):
    """A source of data.

    Examples
    --------
    >>> from utokyo import StaticRecorder
    >>> isinstance(StaticRecorder({"x": [1]}), Source), isinstance("ssd.csv", Source)
    (True, False)
    """

    @property
    def filepath(self) -> Path | None:
        """File or folder; None for a source without one."""
        ...

    @property
    def rows(self) -> int:
        """Rows read so far."""
        ...

    @property
    def version(self) -> Hashable:
        """A mark of the data: it is equal at two moments if nothing was read between them."""
        ...

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped because they are not as their format says."""
        ...

    @property
    def bad_row_messages(self) -> tuple[str, ...]:
        """One sentence for each of the first bad rows."""
        ...

    @property
    def has_unfinished_line(self) -> bool:
        """Whether a last line without its end was left out."""
        ...

    @property
    def is_sorted(self) -> bool:
        """Whether the rows came in the order of their times, so far."""
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes read so far."""
        ...

    def update(self) -> int:
        """Read what is new; rows added."""
        ...

    def get_table(self) -> Any:
        """All rows with metadata, `timestamp` and `datetime`, sorted by time."""
        ...

    def get_data(self) -> Any:
        """All rows as they stand in the file."""
        ...

    def is_up_to_date(self) -> bool:
        """Whether all that there is was read."""
        ...
