"""`Reader`: a growing file and its layout to columns.

Each `update` parses the bytes that are new and nothing else. However they arrive, in one piece or one by one, the table
is the same. What is promised of files that are cut, replaced, damaged or late stands in docs/reader.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from .column import Column
from .errors import InputError
from .forks import check_not_forked
from .guess.asked import NOTHING_ASKED, Asked
from .layout import Layout
from .paths import user_path
from .text.ahead import RowsAhead
from .text.checkpoint import Checkpoint
from .text.growing import LONGEST_LINE_BYTES, GrowingFile
from .text.rest import Access
from .text.told import clock_news, clock_remarks, remarks_on

__all__ = ["Reader"]


class Reader:
    r"""Columns of a growing file.

    Parameters
    ----------
    path : path
        The file; it need not exist before the first `update`.
    layout : Layout, optional
        Its format; without, delimiter, header, types and the time column are guessed from the file.
    clock_offset_ns : int
        Added to every timestamp, to correct the clock of that PC.
    checkpoint : path, optional
        Where `checkpoint` writes down how far the rows were read. If there is such a file, reading goes on from there:
        `frame` then holds the rows after it, and `rows` counts those before it too.
    longest_line_bytes : int
        A file with a longer line is refused, before memory is full of it; 256 MiB by default.
    access : {"auto", "map", "read"}
        How a long file comes into memory: mapped where it is at rest; always mapped; always read. The table is the
        same.
    asked : Asked, optional
        What is known of a format that is to be guessed.

    Raises
    ------
    InputError
        When the checkpoint file holds something else.

    Examples
    --------
    A plain table needs no layout, and no recorder.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.reader import Reader
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "pressures.csv")
    >>> _ = path.write_text("time,p\n2022-03-14 10:00:00,1.5e-6\n")
    >>> reader = Reader(path)
    >>> reader.update()
    1
    >>> with path.open("a") as file:
    ...     _ = file.write("2022-03-14 10:00:01,1.4e-6\n2022-03-14 10:00:02,1.3e-6\n2022")
    >>> reader.update()  # what is new, and whole lines alone
    2
    >>> reader.frame["p"].to_list()
    [1.5e-06, 1.4e-06, 1.3e-06]

    For a file larger than memory, the rows come in chunks that are not kept.

    >>> [chunk.height for chunk in Reader(path).chunks(2)]
    [2, 1]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | Path,
        layout: Layout | None = None,
        *,
        clock_offset_ns: int = 0,
        checkpoint: str | Path | None = None,
        longest_line_bytes: int = LONGEST_LINE_BYTES,
        access: Access = "auto",
        asked: Asked = NOTHING_ASKED,
    ) -> None:
        self.path = user_path(path)
        self.clock_offset_ns = clock_offset_ns
        self._checkpoint_path = None if checkpoint is None else user_path(checkpoint)
        resume_at = None if self._checkpoint_path is None else Checkpoint.read(self._checkpoint_path)
        self._file = GrowingFile(self.path, longest_line_bytes, layout.encoding if layout else "utf-8", access)
        self._rows = RowsAhead(self._file, layout, clock_offset_ns, resume_at, asked)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, rows={self.rows}, bad_rows={self.bad_rows})"

    @property
    def generation(self) -> int:
        """How often the file turned out to be another one and was read anew."""
        return self._rows.table.generation

    @property
    def encoding(self) -> str:
        """Of the file, as Python calls it; empty while it is not known."""
        return self._file.said_encoding or (self.layout.encoding if self.layout else "")

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped."""
        return self._rows.table.bad_rows.count

    @property
    def bad_row_messages(self) -> list[str]:
        """The first of them, a sentence each."""
        return self._rows.table.bad_rows.messages

    @property
    def bytes_read(self) -> int:
        """Bytes read from the file so far."""
        return self._file.bytes_read

    @property
    def rows(self) -> int:
        """Rows read so far, with those before the checkpoint and those that `chunks` did not keep."""
        return self._rows.count

    @property
    def has_unfinished_line(self) -> bool:
        """Whether bytes wait for the end of their line."""
        return bool(self._file.unfinished().strip(b"\0\r\n "))

    @property
    def layout(self) -> Layout | None:
        """The layout in use; None while it is to be guessed."""
        return self._rows.table.layout

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the file; those that the layout knows while there is no header."""
        return self._rows.table.columns

    @property
    def metadata(self) -> Mapping[str, str | int | float]:
        """What the header says."""
        return self._rows.table.metadata

    @property
    def frame(self) -> pl.DataFrame:
        """All rows read so far, in the order of the file."""
        return self._rows.frame()

    def metadata_of_rows(self) -> list[tuple[int, Mapping[str, str | int | float]]]:
        """What the headers of the file say, and for how many of the rows in `frame`, one after another."""
        return self._rows.metadata_of_rows()

    @property
    def is_sorted(self) -> bool:
        """Whether the timestamps never decrease."""
        self._rows.table.compute_times()
        return self._rows.table.times.are_sorted

    def remarks(self) -> list[str]:
        r"""What of the file may be otherwise than was understood, a sentence each.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from utokyo.io.reader import Reader
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "cup.csv")
        ...     _ = path.write_text("Time (s),Cup (nA)\n3766476005,2.4\n3766476006,OL\n")
        ...     reader = Reader(path)
        ...     _ = reader.update()
        ...     for remark in reader.remarks():
        ...         print(remark)
        column 'Time (s)' is taken for seconds since 1904 (LabVIEW)
        column 'Cup (nA)': a cell holds 'OL', which is no value; it stays empty
        """
        return [*remarks_on(self._rows.table), *self.clock_remarks()]

    def guess_remarks(self) -> list[str]:
        """Those on what was found out and may be otherwise; the others are logged as warnings."""
        return list(self._rows.table.opening.remarks)

    def clock_remarks(self) -> list[str]:
        """Where the clock went back or a counter began anew; none for times of which many go back."""
        return clock_remarks(self._rows.table, self.rows)

    def clock_news(self) -> list[str]:
        """Those of `clock_remarks` that were not asked for yet: where times went back or began anew the first time."""
        return clock_news(self._rows.table, self.rows)

    def time_frame(self) -> pl.DataFrame | None:
        """The columns `timestamp` (Int64, ns) and `datetime` (ns) of the rows; None for a format without times."""
        without_times = self.layout is not None and self.layout.time is None
        return None if without_times else self._rows.time_frame()

    def update(self, max_rows: int | None = None) -> int:
        """Read what is new.

        Parameters
        ----------
        max_rows : int, optional
            Show so many rows at the most; the rest waits.

        Returns
        -------
        int
            Rows added.

        Raises
        ------
        InputError
            When the file is missing, unreadable or of another format. What was read before stays.
        """
        check_not_forked()
        return self._rows.show(max_rows)

    def finish(self) -> int:
        """Take the last line although its end is missing: for a file that grows no more. Returns rows added."""
        added = self.update()
        if self._file.has_news():  # NUL bytes that were to be looked at again
            added += self.update()
        return added + self._rows.show_unfinished()

    def is_up_to_date(self) -> bool:
        """Whether the file holds nothing that was not read; false while there is no such file."""
        return self.path.exists() and not self._rows.waiting and not self._file.has_news()

    def chunks(self, rows: int) -> Iterator[pl.DataFrame]:
        """Frames of up to `rows` new rows until it has caught up; memory holds a block of the file at a time."""
        while (frame := self.next_chunk(rows)) is not None:
            yield frame

    def next_chunk(self, rows: int) -> pl.DataFrame | None:
        """The next up to `rows` rows alone; None when there are no new ones."""
        self.forget_rows()
        return self.frame if self.update(rows) else None

    def forget_rows(self) -> None:
        """Let go of the rows read so far: `frame` then holds only what comes."""
        self._rows.forget()

    def checkpoint(self) -> Checkpoint:
        """Write down how far the rows were read, to the file that was given as `checkpoint`.

        A reader that is made with it later goes on with the first row that was not read yet, if the file still is the
        one of the checkpoint. What was derived from the rows before should be stored first.

        Raises
        ------
        InputError
            When no file for it was given, or there was nothing to read yet.
        OutputError
            When it cannot be written.
        """
        if self._checkpoint_path is None:
            raise InputError(f"{self.path}: no checkpoint file was given; say Reader(path, checkpoint=...)")
        if self._rows.table.buffer is None:
            raise InputError(f"{self.path}: nothing was read yet, so there is nothing to write down")
        checkpoint = self._rows.checkpoint()
        checkpoint.write(self._checkpoint_path)
        return checkpoint
