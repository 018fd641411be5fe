"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console

from ...io.errors import InputError, UtokyoError
from ..analyses.base import Analysis
from ..analyses.image import ImageAnalysis
from ..analyses.pmt import PMTAnalysis
from ..analyses.ssd import SSDAnalysis
from ..recorders.base import Recorder
from ..recorders.detect import recorder_for
from ..recorders.image import ImageRecorder
from ..recorders.pmt import PMTRecorder
from ..recorders.ssd import SSDRecorder
from .tables import columns_table, results_table, when

__all__ = ["analyze_files"]

PIPE_WIDTH = 250  # columns: a pipe has no edge to wrap at

SPECIAL: tuple[tuple[type[Recorder], type[Analysis]], ...] = (
    (SSDRecorder, SSDAnalysis),
    (PMTRecorder, PMTAnalysis),
    (ImageRecorder, ImageAnalysis),
)


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
    recorder_class = ImageRecorder if path.is_dir() else recorder_for(path)
    special = next((a for r, a in SPECIAL if issubclass(recorder_class, r)), None)
    if special is None:
        recorder = recorder_class(path)
        table = pl.DataFrame(recorder.get_table())
        _expect_rows(path, recorder.rows)
        span = ""
        if {"timestamp", "datetime"} <= set(table.columns):
            span = f", {when(table['timestamp'][0])} to {when(table['timestamp'][-1])}"
        metadata = pl.DataFrame(recorder.get_metadata()).columns
        columns = [name for name in table.columns if name not in {*metadata, "timestamp", "datetime"}]
        output.print(columns_table(table, f"{path}: {recorder_class.__name__}, {table.height} rows{span}", columns))
        return _is_clean(recorder, path, console)
    analysis = special(path, image_src=plots, result_filepath=results)
    analysis.run()
    _expect_rows(path, analysis.recorder.rows)
    if not analysis.results.is_empty():
        output.print(results_table(analysis))
    for line in analysis.remarks():
        console.print(line, markup=False, soft_wrap=True)
    for figure in analysis.figures:
        console.print(f"figure: {figure}", markup=False, soft_wrap=True)
    unreadable = analysis.unreadable()
    return _is_clean(analysis.recorder, path, console) and not unreadable


def _expect_rows(path: Path, rows: int) -> None:
    if rows:
        return
    if path.is_dir():
        raise InputError(f"{path}: no images in this folder (.csv or .xlsx)")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    raise InputError(f"{path}: no complete row behind the header yet")


def _is_clean(recorder: object, path: Path, console: Console) -> bool:
    if getattr(recorder, "has_unfinished_line", False):
        console.print(f"{path}: the last line has no end yet; it is left out", markup=False, soft_wrap=True)
    bad = int(getattr(recorder, "bad_rows", 0))
    if bad:
        rows = int(getattr(recorder, "rows", 0))
        console.print(
            f"utokyo: {path}: {bad} bad row{'s' * (bad != 1)} skipped, {rows} good ones kept",
            markup=False,
            soft_wrap=True,
        )
    return bad == 0
