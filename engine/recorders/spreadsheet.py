"""Tables in Excel files, as a shift keeps them beside a run: what was set, what was read, a remark."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl

from ...io.errors import InputError, shortened
from ...io.sheet import SheetTable, read_sheet
from .frames import FrameKind, as_asked, times_of, with_distinct_names
from .options import RecorderSettings
from .parser import FrameParser
from .quantity import SourceKind
from .whole import WholeRecorder

__all__ = ["SpreadsheetParser", "SpreadsheetRecorder", "SpreadsheetSettings"]

log = logging.getLogger("utokyo")

EMPTY = SheetTable(pl.DataFrame(), None, {}, {})
MOST_WORDS, LONGEST_WORD = 5, 40
"""Words in a message, and characters of each."""


@dataclass(frozen=True)
class SpreadsheetSettings(RecorderSettings):
    """Options of a table in an Excel file.

    Parameters
    ----------
    sheet : str, optional
        Name of the sheet; without, the only one that holds anything.

    Examples
    --------
    >>> SpreadsheetSettings(sheet="MOT").sheet
    'MOT'
    """

    sheet: str | None = None


class SpreadsheetRecorder(WholeRecorder):
    r"""The table in a sheet of an ``.xlsx`` file.

    The first filled row names the columns, one below it may give their units, which are metadata: ``P (unit)``. A
    column of moments, or one of days and perhaps one of times of day, gives the times; rows without one come last.
    Excel writes the file anew whenever it saves: then it is read anew, as another generation.

    Parameters
    ----------
    filepath : path
    **options
        Those of `SpreadsheetSettings`: `sheet`, and those of `Recorder`.

    Examples
    --------
    >>> from datetime import datetime
    >>> scan = {"time": [datetime(2022, 9, 18, 12, 0, 5)], "detuning (MHz)": [-10.5]}
    >>> _ = pl.DataFrame(scan).write_excel("scan.xlsx", worksheet="scan")
    >>> SpreadsheetRecorder("scan.xlsx", sheet="scan").get_table().columns
    ['time', 'detuning (MHz)', 'timestamp_ns', 'timestamp', 'datetime']
    """

    settings_class = SpreadsheetSettings
    settings: SpreadsheetSettings

    _sheet: SheetTable = EMPTY
    _seen: tuple[int, int] | None = None
    _generation = 0
    _bytes_read = 0
    _told: frozenset[tuple[str, str]] = frozenset()

    def __init__(
        self,
        filepath: str | Path,
        *,
        frame: FrameKind = "polars",
        settings: RecorderSettings | None = None,
        **options: Any,
    ) -> None:
        if settings is not None and not isinstance(settings, SpreadsheetSettings):
            # Those of a plain recorder, as which it was opened: a table is a table, whatever wrote it.
            shared = {field.name: getattr(settings, field.name) for field in fields(RecorderSettings)}
            settings = SpreadsheetSettings(**shared)
        super().__init__(filepath, frame=frame, settings=settings, **options)

    def update(self) -> int:
        """Read the sheet if the file was written since; its rows when it was."""
        with self._lock:
            seen = self._stat()
            if seen == self._seen and seen is not None and not self.always_update:
                return 0
            sheet = read_sheet(self.filepath, self.settings.sheet)
            self._generation += self._seen is not None and self._seen != seen
            self._sheet, self._seen, self._table = sheet, seen, None
            self._bytes_read += 0 if seen is None else seen[0]
            self._tell(sheet.words)
            return sheet.data.height

    def get_data(self) -> Any:
        """The rows as they stand in the sheet, without empty ones."""
        with self._lock:
            self.update()
            return as_asked(self._sheet.data, self.frame)

    def get_metadata(self) -> Any:
        """The units of the columns, where a row gives them: one row."""
        with self._lock:
            self.update()
            return as_asked(pl.DataFrame({key: [unit] for key, unit in self._units().items()}), self.frame)

    def is_up_to_date(self) -> bool:
        """Whether the file is as it was when it was read."""
        return self._seen is not None and self._stat() == self._seen

    @property
    def version(self) -> Hashable:
        """Size and time of the file when it was read."""
        return self._seen

    @property
    def rows(self) -> int:
        """Rows that are not empty."""
        return self._sheet.data.height

    @property
    def generation(self) -> int:  # type: ignore[override]
        """How often the file turned out to be written again."""
        return self._generation

    @property
    def is_sorted(self) -> bool:  # type: ignore[override]
        """Whether the rows stand in the sheet in the order of their times."""
        times = self._sheet.times_ns
        return times is None or bool(times.drop_nulls().is_sorted())

    @property
    def bytes_read(self) -> int:  # type: ignore[override]
        """Bytes of the files read so far."""
        return self._bytes_read

    def source_kind(self, name: str = "") -> SourceKind:
        """By the types of its columns; a value that was set holds until the next one."""
        del name
        return SourceKind(self.filepath.stem.strip("-_. ") or "table", others=True)

    def _tell(self, words: Mapping[str, Mapping[str, int]]) -> None:
        """Warn of words in the place of values, each at its first time."""
        for column, counts in words.items():
            new = {word: count for word, count in counts.items() if (column, word) not in self._told}
            if new:
                said = [
                    f"{shortened(word, LONGEST_WORD)!r} ({count} cell{'s' * (count > 1)})"
                    for word, count in new.items()
                ]
                more = [f"{len(said) - MOST_WORDS} other words"] if len(said) > MOST_WORDS else []
                log.warning("%s: left empty in %r: %s", self.filepath.name, column, ", ".join(said[:MOST_WORDS] + more))
            self._told |= {(column, word) for word in new}

    def _units(self) -> dict[str, str]:
        return {f"{name} (unit)": unit for name, unit in self._sheet.units.items()}

    def _make_table(self) -> pl.DataFrame:
        data, times = self._sheet.data, self._sheet.times_ns
        units = [pl.lit(unit).alias(key) for key, unit in self._units().items()]
        if times is None:
            return data.with_columns(units)
        stamps = times_of(times + self.clock_offset_ns)
        if not set(data.columns).isdisjoint(stamps.columns):
            data, stamps = with_distinct_names(data, stamps, self.clock_offset_ns)
        table = pl.concat([data.with_columns(units), stamps], how="horizontal")
        return table.sort("timestamp", maintain_order=True, nulls_last=True)

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.filepath.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{self.filepath}: cannot be read ({error.strerror or error})") from error
        return found.st_size, found.st_mtime_ns


class SpreadsheetParser(FrameParser, SpreadsheetRecorder):
    r"""`SpreadsheetRecorder` in chunks of rows.

    Examples
    --------
    >>> _ = pl.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6]}).write_excel("scan.xlsx")
    >>> [chunk["x"].to_list() for chunk in SpreadsheetParser("scan.xlsx", lines_per_update=2)]
    [[1, 2], [3]]
    """

    def row_keys(self, table: pl.DataFrame) -> pl.Series:
        """Rows of a sheet may be alike: they are distinguished by their place."""
        return pl.Series(range(table.height))
