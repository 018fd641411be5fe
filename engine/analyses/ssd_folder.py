"""The runs of a folder, an SSD file each: `SSDAnalysis` of every one, and of new ones as they appear.

One file after another is read, searched, fitted, stored and drawn, so that the memory is that of one file; those that
still grow are kept open, and only their new pulses are looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

import polars as pl

from ...io.errors import InputError
from ..figures.drawing import Drawing
from ..recorders.file import FileRecorder
from ..recorders.frames import as_polars
from ..recorders.options import PATTERN
from ..recorders.ssd import SSDRecorder
from .base import Analysis, absolute
from .findings import Findings, check_columns
from .ssd import SSDAnalysis, SSDSettings, newest_burst

__all__ = ["SSDFolderAnalysis", "SSDFolderSettings"]

log = logging.getLogger("utokyo")

SSD_NAMES = r"(?i).*\.csv"


@dataclass(frozen=True)
class SSDFolderSettings(SSDSettings):
    """Options of `SSDFolderAnalysis`: those of `SSDAnalysis`, and which files.

    Parameters
    ----------
    match : str
        Regular expression that the whole names of the SSD files match; by default all ``.csv``. A file of another
        format is left out, and a warning says so.

    Examples
    --------
    >>> SSDFolderSettings(match="ssd.*").for_one == SSDSettings()
    True
    """

    match: Annotated[str, PATTERN] = SSD_NAMES

    @property
    def for_one(self) -> SSDSettings:
        """Of the analysis of one file."""
        return SSDSettings(self.false_alarms_per_hour, self.dead_time_s)


class _Run(NamedTuple):
    """A file that may still grow."""

    recorder: SSDRecorder
    findings: Findings


@dataclass(frozen=True, eq=False)
class _Progress:
    """What is known of the files of a folder, by path."""

    sizes: dict[str, int] = field(default_factory=dict)
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    growing: dict[str, _Run] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def find_bursts_of_runs(
    table: pl.DataFrame, settings: SSDFolderSettings, *, source: str = "", earlier: Findings | None = None
) -> Findings:
    """Search all files of a table; see `Analysis.analyse`. The figures of all of them hold all their pulses."""
    progress = _progress_of(earlier)
    drawings = [d for one in each_run(table, settings, progress) for d in one.drawings]
    return _together(table, progress, source, tuple(drawings))


def each_run(table: pl.DataFrame, settings: SSDFolderSettings, progress: _Progress) -> Iterator[Findings]:
    """The findings of each file that is new or has grown, one after another; `progress` goes on with each."""
    check_columns(table, ("filepath", "size_bytes"), "SSDFolderAnalysis")
    table = table.sort("timestamp", maintain_order=True) if "timestamp" in table.columns else table
    sizes = dict(table.select("filepath", "size_bytes").iter_rows())
    grown = [path for path, size in sizes.items() if progress.sizes.get(path) != size]
    for path in grown:
        known = progress.growing.get(path)
        recorder = SSDRecorder(path) if known is None else known.recorder
        generation = recorder.generation
        try:
            pulses = as_polars(recorder.get_table())
            earlier = None if known is None or recorder.generation != generation else known.findings
            where = absolute(path)
            findings = SSDAnalysis.analyse(pulses, settings.for_one, source=where, earlier=earlier)
        except InputError as error:
            if path not in progress.unread:
                log.warning("%s", error)
            progress.unread[path] = str(error)
            continue
        progress.unread.pop(path, None)
        progress.rows[path] = findings.rows
        yield findings
        # A run that is over is not kept in memory: the latest may grow, and those that do.
        for over in [old for old in progress.growing if old not in grown or old not in progress.sizes]:
            del progress.growing[over]
        progress.growing[path] = _Run(recorder, findings)
    progress.sizes.clear()
    progress.sizes.update(sizes)


class SSDFolderAnalysis(Analysis):
    """Bursts of SSD pulses in all files of a folder; one result row a burst.

    Parameters
    ----------
    filepath : path, optional
        The folder; or give a `recorder` whose table has the columns `filepath` and `size_bytes`.
    **options
        As for `Analysis`, and the fields of `SSDFolderSettings`: `match`, `false_alarms_per_hour`, `dead_time_s`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> SSDFolderAnalysis("beam", match=r".*Slot1.*").run().height == len(truth["bursts"])
    True
    """

    recorder_class = FileRecorder
    settings_class = SSDFolderSettings
    settings: SSDFolderSettings
    short_name = "ssd"
    compiles = ("tables", "pulses")
    parameters = SSDAnalysis.parameters
    takes = ()
    analyse = staticmethod(find_bursts_of_runs)

    def newest(self) -> str:
        """The last burst, as `SSDAnalysis` says it."""
        return newest_burst(self.results)

    def recorder_for(self, filepath: Path) -> FileRecorder:
        """Of those files of the folder whose names match."""
        return FileRecorder(filepath, self.settings.match)

    def find(self, table: pl.DataFrame, earlier: Findings | None) -> Findings:
        """Search one file after another, and store and draw what is in it before the next one is read."""
        progress = _progress_of(earlier)
        self._figures: list[Path] = []
        for findings in each_run(table, self.settings, progress):
            self._figures += super().publish(findings)
        return _together(table, progress, self.source)

    def publish(self, findings: Findings) -> list[Path]:
        """All is stored and drawn, file by file."""
        del findings
        return self._figures


def _progress_of(earlier: Findings | None) -> _Progress:
    known = None if earlier is None else earlier.progress
    if not isinstance(known, _Progress):
        return _Progress()
    return _Progress(dict(known.sizes), dict(known.rows), dict(known.growing), dict(known.unread))


def _together(table: pl.DataFrame, progress: _Progress, source: str, drawings: tuple[Drawing, ...] = ()) -> Findings:
    """Findings of all files that are there."""
    there = [progress.rows[path] for path in table["filepath"] if path in progress.rows]
    rows = pl.concat([SSDAnalysis.no_results(), *there])
    remark = f"{Path(source).name}: {rows.height} bursts in {len(progress.rows)} files."
    return Findings(
        rows,
        drawings=drawings,
        remarks=(remark, *progress.unread.values()),
        replaces=pl.col("source").is_in(rows["source"].unique().to_list()),
        unreadable=len(progress.unread),
        progress=progress,
    )
