"""The runs of a folder, an SSD file each: `SSDAnalysis` of every one, and of new ones as they appear.

One file after another is read, searched, fitted, stored and drawn, so that the memory is that of one file; those that
still grow are kept open, and only their new pulses are looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from ...io.errors import InputError
from ..recorders.base import Recorder
from ..recorders.file import FileRecorder
from .base import Analysis
from .ssd import SSDAnalysis

__all__ = ["SSDFolderAnalysis"]

log = logging.getLogger("utokyo")

SSD_NAMES = r"(?i).*\.csv"


class SSDFolderAnalysis(Analysis):
    """Bursts of SSD pulses in all files of a folder; one result row a burst.

    Parameters
    ----------
    filepath : path, optional
        The folder; or give a `recorder` whose table has the columns `filepath` and `size_bytes`.
    match : str
        Regular expression that the whole names of the SSD files match; by default all ``.csv``. A file of another
        format is left out, and told.
    false_alarms_per_hour : float
        Expected number of false bursts in an hour of background alone.
    **options
        As for `Analysis`.
    """

    recorder_class = FileRecorder
    short_name = "ssd"
    parameters = SSDAnalysis.parameters

    def __init__(
        self,
        filepath: str | Path | None = None,
        match: str = SSD_NAMES,
        *,
        false_alarms_per_hour: float = 0.01,
        recorder: Any = None,
        **options: Any,
    ) -> None:
        self.match = match
        self._options = {"false_alarms_per_hour": false_alarms_per_hour, **options}
        self._growing: dict[str, SSDAnalysis] = {}
        self._sizes: dict[str, int] = {}
        self._found: dict[str, pl.DataFrame] = {}
        self._unread: dict[str, str] = {}
        self._figures: list[Path] = []
        # Each file's own analysis stores and draws; what is wrong with the options is told now.
        inner = SSDAnalysis(filepath or "unnamed.csv", **self._options)
        super().__init__(filepath, recorder=recorder, image_src=inner.image_src, image_extension=inner.image_extension)

    def analyse(self) -> pl.DataFrame:
        """Analyse the files that are new or have grown."""
        table = self._rows_of("filepath", "size_bytes")
        table = table.sort("timestamp", maintain_order=True) if "timestamp" in table.columns else table
        sizes = dict(table.select("filepath", "size_bytes").iter_rows())
        grown = [path for path, size in sizes.items() if self._sizes.get(path) != size]
        self._figures = []
        for path in grown:
            analysis = self._growing.get(path) or SSDAnalysis(path, **self._options)
            self._analyse_file(path, analysis)
            # A run that is over is not kept in memory: the latest may grow, and those that do.
            over = [old for old in self._growing if old not in grown or old not in self._sizes]
            for old in over:
                del self._growing[old]
            self._growing[path] = analysis
        self._sizes = sizes
        there = [self._found[path] for path in sizes if path in self._found]
        return pl.concat([self.no_results(), *there])

    def draw(self) -> Iterable[tuple[str, Figure]]:
        """Nothing: the files' own analyses drew."""
        return []

    def remarks(self) -> list[str]:
        """How many files there were, and which could not be read."""
        told = [f"{self.source_name}: {self.results.height} bursts in {len(self._found)} files."]
        return told + list(self._unread.values())

    def unreadable(self) -> int:
        """Files that could not be read."""
        return len(self._unread)

    def _analyse_file(self, path: str, analysis: SSDAnalysis) -> None:
        try:
            self._found[path] = analysis.run()
        except InputError as error:
            if path not in self._unread:
                log.warning("%s", error)
            self._unread[path] = str(error)
        else:
            self._unread.pop(path, None)
            self._figures += analysis.figures

    def _recorder_of(self, filepath: Path) -> Recorder:
        return FileRecorder(filepath, self.match)

    def _drawn(self) -> list[Path]:
        return self._figures.copy()
