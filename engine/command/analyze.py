"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ...io.errors import InputError, UtokyoError
from ..analyses.base import Analysis
from ..analyses.known import analysis_for
from ..recorders.base import Recorder
from ..recorders.file import FileRecorder
from ..recorders.frames import as_polars
from ..recorders.known import class_for
from ..recorders.source import Source
from ..run.terminal import SafeConsole
from .tables import columns_table, results_table, when

__all__ = ["analyze_files"]

EXIT_NONE, EXIT_SOME = 2, 3
PIPE_WIDTH = 250  # columns: a pipe has no edge to wrap at


def analyze_files(files: Sequence[Path], plots: Path | None, results: Path | None, console: Console) -> int:
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
    int
        Exit code: 0 when all files were sound, 2 when none was (not readable, without rows, or with bad ones), else 3.
    """
    output = SafeConsole(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    codes = set()
    for path in files:
        try:
            codes.add(_analyze(path, plots, results, output, console))
        except UtokyoError as error:
            console.print(f"utokyo: {error}", style="bold red", markup=False, soft_wrap=True)
            codes.add(EXIT_NONE)
    return codes.pop() if len(codes) == 1 else EXIT_SOME


def _analyze(path: Path, plots: Path | None, results: Path | None, output: Console, console: Console) -> int:
    recorder_class = FileRecorder if os.path.isdir(path) else class_for(path)
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
    if analysis.unreadable():
        reasons = analysis.results["reason"].drop_nulls() if "reason" in analysis.results.columns else ()
        for reason in reasons:
            if reason.startswith(str(path)):  # a sentence of the reader, which names the file; others are of the fit
                console.print(f"utokyo: {reason}", style="bold red", markup=False, soft_wrap=True)
        return EXIT_SOME if not analysis.results.is_empty() else EXIT_NONE
    return 0 if _is_clean(analysis.recorder, path, console) else EXIT_NONE


def _show_columns(recorder: Recorder, path: Path, output: Console, console: Console) -> int:
    """Say what the columns of a file hold that no analysis is for."""
    table = as_polars(recorder.get_table())
    _expect_rows(path, recorder.rows)
    span = ""
    if {"timestamp", "datetime"} <= set(table.columns):
        span = f", {when(table['timestamp'][0])} to {when(table['timestamp'][-1])}"
    metadata = as_polars(recorder.get_metadata()).columns
    columns = [name for name in table.columns if name not in {*metadata, "timestamp", "datetime"}]
    output.print(columns_table(table, f"{path}: {type(recorder).__name__}, {table.height} rows{span}", columns))
    return 0 if _is_clean(recorder, path, console) else EXIT_NONE


def _expect_rows(path: Path, rows: int) -> None:
    if rows:
        return
    if os.path.isdir(path):
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
