"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ...io.errors import InputError, UtokyoError
from ...io.progress import progress
from ..analyses.base import Analysis
from ..analyses.image import ImageAnalysis
from ..analyses.known import analysis_for
from ..recorders.base import Recorder
from ..recorders.file import FileRecorder
from ..recorders.frames import as_polars
from ..recorders.known import class_for
from ..recorders.source import Source
from ..run.waiting import Waiting
from .tables import columns_table, results_table, when

__all__ = ["analyze_files"]

PIPE_WIDTH = 250  # columns: a pipe has no edge to wrap at
MOST_ROWS = 200
"""Results that are printed without being asked for; of images, one."""
MOST_FIGURES = 5
"""Figures that are named one by one."""


@dataclass(frozen=True)
class _Wanted:
    """What is to be done with each file, and where it is said."""

    plots: Path | None
    results: Path | None
    table: bool
    output: Console
    console: Console

    def say(self, line: str, style: str | None = None) -> None:
        """A line for people, which is no result."""
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def analyze_files(
    files: Sequence[Path], plots: Path | None, results: Path | None, console: Console, *, table: bool = False
) -> bool:
    """Analyse files and print what they hold; results to the standard output, all else to the console.

    Parameters
    ----------
    files : sequence of path
    plots : path, optional
        Folder for the figures; None draws none.
    results : path, optional
        Table for the results of those files that have results.
    console : rich.console.Console
        For warnings, and for what is waited for.
    table : bool
        Whether all results are printed as a table, also those of many images.

    Returns
    -------
    bool
        Whether all files were sound: readable, with rows, and without bad ones.
    """
    output = Console(file=sys.stdout, width=None if sys.stdout.isatty() else _pipe_width())
    wanted = _Wanted(plots, results, table, output, console)
    sound = True
    for path in files:
        try:
            sound &= _analyze(path, wanted)
        except UtokyoError as error:
            wanted.say(f"utokyo: {error}", style="bold red")
            sound = False
    return sound


def _pipe_width() -> int:
    """Of what is no terminal: what the environment says, as for a terminal."""
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() and int(said) else PIPE_WIDTH


def _analyze(path: Path, wanted: _Wanted) -> bool:
    recorder_class = FileRecorder if path.is_dir() else class_for(path)
    made = analysis_for(recorder_class)
    if made is None:
        return _show_columns(recorder_class(path), path, wanted)
    analysis: Analysis = made(path, image_src=wanted.plots, result_filepath=wanted.results)
    with Waiting(wanted.console):
        analysis.run()
    _expect_rows(path, analysis.recorder.rows)
    _show_results(analysis, path, wanted)
    return _is_clean(analysis.recorder, path, wanted) and not analysis.unreadable()


def _show_results(analysis: Analysis, path: Path, wanted: _Wanted) -> None:
    """The table where it is short or asked for; the remarks, which are all there is to say where there is no table."""
    output, rows = wanted.output, analysis.results.height
    many = rows > (1 if isinstance(analysis, ImageAnalysis) else MOST_ROWS)
    if rows and (wanted.table or not many):
        output.print(results_table(analysis, output.width))
    elif rows:
        output.print(f"{type(analysis).__name__} of {path}:", markup=False, highlight=False, soft_wrap=True)
    for remark in analysis.remarks():
        output.print(remark, markup=False, highlight=False)
    if rows and many and not wanted.table:
        output.print(f"--table prints all {rows} rows, --results FILE writes them.", highlight=False)
    figures = analysis.figures
    if len(figures) > MOST_FIGURES:
        wanted.say(f"{len(figures)} figures in {figures[0].parent}")
    else:
        for figure in figures:
            wanted.say(f"figure: {figure}")


def _show_columns(recorder: Recorder, path: Path, wanted: _Wanted) -> bool:
    """Say what the columns of a file hold that no analysis is for."""
    with Waiting(wanted.console), progress(f"reading {path.name}"):
        table = as_polars(recorder.get_table())
        metadata = as_polars(recorder.get_metadata()).columns
    _expect_rows(path, recorder.rows)
    rows = f"{type(recorder).__name__}, {table.height} row{'s' * (table.height != 1)}"
    if {"timestamp", "datetime"} <= set(table.columns):
        rows += f", {when(table['timestamp'][0])} to {when(table['timestamp'][-1])}"
    wanted.output.print(f"{path}:", markup=False, highlight=False, soft_wrap=True)
    wanted.output.print(rows, markup=False, highlight=False)
    columns = [name for name in table.columns if name not in {*metadata, "timestamp", "datetime"}]
    wanted.output.print(columns_table(table, columns, wanted.output.width))
    return _is_clean(recorder, path, wanted)


def _expect_rows(path: Path, rows: int) -> None:
    if rows:
        return
    if path.is_dir():
        raise InputError(f"{path}: no images in this folder (.csv or .xlsx)")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    raise InputError(f"{path}: no complete row after the header yet")


def _is_clean(recorder: Source, path: Path, wanted: _Wanted) -> bool:
    if recorder.has_unfinished_line:
        wanted.say(f"{path}: the last line has no end yet; it is left out")
    bad = recorder.bad_rows
    if bad:
        wanted.say(f"utokyo: {path}: {bad} bad row{'s' * (bad != 1)} skipped, {recorder.rows} good ones kept")
    return bad == 0
