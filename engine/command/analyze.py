"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ...io.errors import InputError, UtokyoError
from ..analyses.known import analysis_for
from ..recorders.file import FileRecorder
from ..recorders.frames import as_polars
from ..recorders.known import class_for
from ..recorders.source import Source
from .tables import columns_table, results_table, when

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..recorders.base import Recorder

__all__ = ["analyze_files"]

PIPE_WIDTH = 250  # columns: a pipe has no edge to wrap at


def analyze_files(files: Sequence[Path], plots: Path | None, results: Path | None, console: Console) -> bool:
    """Analyse files and print what they hold; results to the standard output, all else to the console.

    Parameters
    ----------
    files : sequence of path
    plots : path, optional
        Folder for the figures; None draws none.
    results : path, optional
        Table for the results of those files that have results.
    console : rich.console.Console
        For warnings and remarks.

    Returns
    -------
    bool
        Whether all files were sound: readable, with rows, and without bad ones.
    """
    output = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    sound = True
    for path in files:
        try:
            sound &= _analyze(path, plots, results, output, console)
        except UtokyoError as error:
            console.print(f"utokyo: {error}", style="bold red", markup=False, soft_wrap=True)
            sound = False
    return sound


def _analyze(path: Path, plots: Path | None, results: Path | None, output: Console, console: Console) -> bool:
    recorder_class = FileRecorder if path.is_dir() else class_for(path)
    made = analysis_for(recorder_class)
    if made is None:
        return _show_columns(recorder_class(path), path, output, console)
    analysis: Analysis = made(path, image_src=plots, result_filepath=results)
    analysis.run()
    _expect_rows(path, analysis.recorder.rows)
    if not analysis.results.is_empty():
        output.print(results_table(analysis))
    for line in [*analysis.remarks(), *(f"figure: {figure}" for figure in analysis.figures)]:
        console.print(line, markup=False, soft_wrap=True)
    return _is_clean(analysis.recorder, path, console) and not analysis.unreadable()


def _show_columns(recorder: Recorder, path: Path, output: Console, console: Console) -> bool:
    """Say what the columns of a file hold that no analysis is for."""
    table = as_polars(recorder.get_table())
    _expect_rows(path, recorder.rows)
    span = ""
    if {"timestamp", "datetime"} <= set(table.columns):
        span = f", {when(table['timestamp'][0])} to {when(table['timestamp'][-1])}"
    metadata = as_polars(recorder.get_metadata()).columns
    columns = [name for name in table.columns if name not in {*metadata, "timestamp", "datetime"}]
    output.print(columns_table(table, f"{path}: {type(recorder).__name__}, {table.height} rows{span}", columns))
    return _is_clean(recorder, path, console)


def _expect_rows(path: Path, rows: int) -> None:
    if rows:
        return
    if path.is_dir():
        raise InputError(f"{path}: no images in this folder (.csv or .xlsx)")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    raise InputError(f"{path}: no complete row after the header yet")


def _is_clean(recorder: Source, path: Path, console: Console) -> bool:
    if recorder.has_unfinished_line:
        console.print(f"{path}: the last line has no end yet; it is left out", markup=False, soft_wrap=True)
    bad = recorder.bad_rows
    if bad:
        console.print(
            f"utokyo: {path}: {bad} bad row{'s' * (bad != 1)} skipped, {recorder.rows} good ones kept",
            markup=False,
            soft_wrap=True,
        )
    return bad == 0
