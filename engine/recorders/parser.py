"""Parser mode, for files larger than memory: every table is the next chunk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import polars as pl

from ...io.errors import InputError
from ...io.reader import Reader
from .base import Recorder
from .frames import as_asked, as_polars
from .quantity import SourceKind

__all__ = ["FrameParser", "Parser"]


class _Chunks(Recorder):
    """What both kinds of parsers share: the size of a chunk, and that they cannot be joined."""

    def __init__(self, filepath: str | Path, *args: Any, lines_per_update: int = 100_000, **options: Any) -> None:
        if lines_per_update < 1:
            raise InputError(f"lines_per_update should be 1 or more, not {lines_per_update}")
        self.lines_per_update = lines_per_update
        super().__init__(filepath, *args, **options)

    def source_kind(self, name: str = "") -> SourceKind:
        """Refuse: a chunk is no source.

        Raises
        ------
        InputError
        """
        called = name or type(self).__name__
        raise InputError(f"{called} is a parser, which hands out every chunk once; join its recorder instead")

    def __iter__(self) -> Iterator[Any]:
        while len(table := self.get_table()):
            yield table

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        """Nothing is open between calls; `with` is for those who like it."""


class Parser(_Chunks):
    r"""A recorder for files larger than memory: every table is the next chunk.

    Mixed in before a recorder (``class SSDParser(Parser, SSDRecorder)``). Each `get_table` or `get_data` returns the
    next rows alone, sorted by time within the chunk, and an empty table when it has caught up; iterating yields tables
    until then. Memory holds one chunk.

    Parameters
    ----------
    filepath : path
    lines_per_update : int
        Rows of a chunk at the most.
    checkpoint : path, optional
        Where `checkpoint` writes down how far it came; if there is such a file, the first chunk is the one after it.
    **options
        As for the recorder.

    Examples
    --------
    >>> _ = Path("numbers.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    >>> class NumbersParser(Parser, Recorder):
    ...     pass
    >>> [chunk.height for chunk in NumbersParser("numbers.csv", lines_per_update=2)]
    [2, 1]
    """

    def __init__(
        self,
        filepath: str | Path,
        lines_per_update: int = 100_000,
        *,
        checkpoint: str | Path | None = None,
        **options: Any,
    ) -> None:
        self._checkpoint_path = checkpoint
        super().__init__(filepath, lines_per_update=lines_per_update, **options)

    def checkpoint(self) -> None:
        """Write down that all chunks so far were taken, after what was derived from them was stored.

        Raises
        ------
        InputError
            When no file for it was given, or no chunk was taken yet.
        OutputError
            When it cannot be written.
        """
        with self._lock:
            self._reader.checkpoint()

    def _new_reader(self) -> Reader:
        return Reader(
            self.filepath,
            self.make_layout(),
            clock_offset_ns=self.clock_offset_ns,
            checkpoint=self._checkpoint_path,
            longest_line_bytes=self.settings.longest_line_bytes,
            access=self.settings.access,
            asked=self._asked(),
        )

    def get_table(self) -> Any:
        """The next rows joined with the metadata; empty when it has caught up."""
        with self._lock:
            # Rows of the file may give no row of the table: then go on, for an empty table means the end.
            while True:
                added = self.update()
                table = self._make_table()
                if len(table) or not added:
                    return as_asked(table, self.frame)

    def update(self) -> int:
        """Go on to the next chunk; its rows."""
        with self._lock:
            self._reader.forget_rows()
            self._table = None
            return self._read(self.lines_per_update)


class FrameParser(_Chunks):
    r"""Parser mode for recorders whose table is made whole: each `get_table` hands out the next rows of it.

    Parameters
    ----------
    filepath : path
    *args, **options
        As for the recorder.
    lines_per_update : int
        Rows of a chunk at the most.

    Examples
    --------
    >>> from utokyo import FileParser
    >>> for i in range(3):
    ...     _ = Path(f"cmos_{i:06d}.csv").write_text("1,2\n3,4\n")
    >>> [files["filename"].to_list() for files in FileParser(".", r"cmos.*", lines_per_update=2)]
    [['cmos_000000.csv', 'cmos_000001.csv'], ['cmos_000002.csv']]
    """

    def __init__(self, filepath: str | Path, *args: Any, lines_per_update: int = 100_000, **options: Any) -> None:
        super().__init__(filepath, *args, lines_per_update=lines_per_update, **options)
        self._handed_out: set[Any] = set()

    def get_table(self) -> Any:
        """The next rows of the table; empty when it has caught up."""
        return self._next(super().get_table())

    def get_data(self) -> Any:
        """The next rows of the data; empty when it has caught up."""
        return self._next(super().get_data())

    def _next(self, whole: Any) -> Any:
        table = as_polars(whole)
        keys = self.row_keys(table).to_list()
        new = [i for i, key in enumerate(keys) if key not in self._handed_out][: self.lines_per_update]
        self._handed_out.update(keys[i] for i in new)
        return as_asked(table[new], self.frame)

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """What distinguishes the rows of a table when it is made again: their content."""
        return table.hash_rows()
