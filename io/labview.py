"""`LVMReader`: a growing LabVIEW measurement file (``.lvm``) to columns.

Such a file has a header for itself and one for each of its segments, and rows between these. What is new is read and
nothing else, headers too; however it arrives, the table is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from .column import Column
from .errors import InputError
from .forks import check_not_forked
from .lvm.rows import LVMRows
from .lvm.state import LVMCheckpoint
from .reader import Reader
from .text.growing import LONGEST_LINE_BYTES
from .text.rest import Access

__all__ = ["LVMReader"]


class LVMReader(Reader):
    r"""Columns of a growing LabVIEW measurement file.

    Parameters
    ----------
    path : path
        The file; it need not exist before the first `update`.
    clock_offset_ns : int
        Added to every timestamp.
    checkpoint : path, optional
        As for `Reader`.
    longest_line_bytes, access
        As for `Reader`.

    Raises
    ------
    InputError
        When the checkpoint file holds something else.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.labview import LVMReader
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "run.lvm")
    >>> lines = ["LabVIEW Measurement", "Separator\tTab", "Decimal_Separator\t.", "X_Columns\tOne"]
    >>> lines += ["Date\t2023/05/09", "Time\t11:20:05.25", "***End_of_Header***", "", "Channels\t1"]
    >>> lines += ["***End_of_Header***", "X_Value\tCup\tComment", "0.0\t2.41", "1.5\t2.43\tvalve open", ""]
    >>> _ = path.write_text("\n".join(lines))
    >>> reader = LVMReader(path)
    >>> reader.update()
    2
    >>> reader.frame["Cup"].to_list(), reader.time_frame()["datetime"][1].isoformat()
    ([2.41, 2.43], '2023-05-09T11:20:06.750000')
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock_offset_ns: int = 0,
        checkpoint: str | Path | None = None,
        longest_line_bytes: int = LONGEST_LINE_BYTES,
        access: Access = "auto",
    ) -> None:
        super().__init__(path, clock_offset_ns=clock_offset_ns, longest_line_bytes=longest_line_bytes, access=access)
        self._state_path = None if checkpoint is None else Path(checkpoint)
        resume_at = None if self._state_path is None else LVMCheckpoint.read(self._state_path)
        self._lvm = LVMRows(self._file, clock_offset_ns, resume_at)

    def remarks(self) -> list[str]:
        """What of the file may be otherwise than was understood, a sentence each."""
        return self._lvm.remarks()

    def guess_remarks(self) -> list[str]:
        """None: the header says what the file means."""
        return []

    def clock_remarks(self) -> list[str]:
        """None: each segment has a start of its own."""
        return []

    def clock_news(self) -> list[str]:
        """None."""
        return []

    @property
    def generation(self) -> int:
        """How often the file turned out to be another one and was read anew."""
        return self._lvm.generation

    @property
    def bad_rows(self) -> int:
        """Lines that were skipped."""
        return self._lvm.bad_rows.count

    @property
    def bad_row_messages(self) -> list[str]:
        """The first of them, a sentence each."""
        return self._lvm.bad_rows.messages

    @property
    def rows(self) -> int:
        """Rows read so far, with those before the checkpoint and those that `chunks` did not keep."""
        return self._lvm.count

    @property
    def has_unfinished_line(self) -> bool:
        """Whether bytes wait for the end of their line."""
        return bool(self._file.unfinished().rpartition(b"\n")[2].strip(b"\0\r\n "))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of all segments so far."""
        return self._lvm.columns

    @property
    def metadata(self) -> Mapping[str, str | int | float]:
        """What the first headers say, and the units of the channels: ``Cup (unit)``."""
        return self._lvm.state.metadata

    def metadata_of_rows(self) -> list[tuple[int, Mapping[str, str | int | float]]]:
        """What the first headers say, for all rows in `frame`."""
        return [(self.frame.height, self.metadata)]

    @property
    def frame(self) -> pl.DataFrame:
        """All rows read so far, in the order of the file; null where a segment does not have a column."""
        return self._lvm.frame()

    @property
    def is_sorted(self) -> bool:
        """Whether the timestamps never decrease."""
        return self._lvm.state.is_sorted or not self._lvm.state.has_times

    @property
    def has_own_axes(self) -> bool:
        """Whether some values have other times than the rows that they stand in."""
        return self._lvm.state.has_own_axes and bool(self._lvm.state.has_times)

    def channels_apart(self) -> list[pl.DataFrame]:
        """For each channel with times of its own a frame of `timestamp` (ns) and its values, in the file's order."""
        return self._lvm.channels_apart() if self.has_own_axes else []

    def time_frame(self) -> pl.DataFrame | None:
        """The columns `timestamp` (Int64, ns) and `datetime` (ns) of the rows; None where no header has a date."""
        return None if self._lvm.state.has_times is False else self._lvm.time_frame()

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
        return self._lvm.show(max_rows)

    def finish(self) -> int:
        """Take the last line although its end is missing: for a file that grows no more. Returns rows added."""
        added = self.update()
        if self._file.has_news():
            added += self.update()
        return added + self._lvm.show_unfinished()

    def is_up_to_date(self) -> bool:
        """Whether the file holds nothing that was not read; false while there is no such file."""
        waiting = b"\n" in self._file.unfinished()
        return self.path.exists() and not waiting and not self._file.has_news()

    def forget_rows(self) -> None:
        """Let go of the rows read so far: `frame` then holds only what comes."""
        self._lvm.forget()

    def checkpoint(self) -> LVMCheckpoint:  # type: ignore[override]
        """Write down how far the rows were read, as `Reader.checkpoint`.

        Raises
        ------
        InputError
            When no file for it was given, or there was nothing to read yet.
        OutputError
            When it cannot be written.
        """
        if self._state_path is None:
            raise InputError(f"{self.path}: no checkpoint file was given; say LVMReader(path, checkpoint=...)")
        if not self.columns:
            raise InputError(f"{self.path}: nothing was read yet, so there is nothing to write down")
        checkpoint = self._lvm.checkpoint()
        checkpoint.write(self._state_path)
        return checkpoint
