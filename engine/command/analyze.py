"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import os
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
from ..run.terminal import SafeConsole
from .tables import columns_table, results_table, when

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..recorders.base import Recorder

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
        Table for the results of those files that have results; of files of several kinds, one table a kind, with the
        kind in its name.
    console : rich.console.Console
        For warnings and remarks.

    Returns
    -------
    int
        Exit code: 0 when all files were sound, 2 when none was (not readable, without rows, or with bad ones), else 3.
    """
    output = SafeConsole(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    tables = _Tables(results, files, console)
    codes = set()
    for path in files:
        try:
            codes.add(_analyze(path, plots, tables, output, console))
        except UtokyoError as error:
            console.print(f"utokyo: {error}", style="bold red", markup=False, soft_wrap=True)
            codes.add(EXIT_NONE)
    return codes.pop() if len(codes) == 1 else EXIT_SOME


class _Tables:
    """Where the results of each kind of analysis go: rows of several kinds in one table are no table."""

    def __init__(self, path: Path | None, files: Sequence[Path], console: Console) -> None:
        self._path = path
        self._paths: dict[str, Path] = {}
        if path is None:
            return
        kinds = dict.fromkeys(made for file in files if (made := _analysis_of(file)) is not None)
        for made in kinds:
            kind = made.short_name
            named = path.with_name(f"{path.stem}_{kind}{path.suffix}")
            self._paths[kind] = named if len(kinds) > 1 or _is_of_another_kind(path, made) else path
        if named_so := [str(table) for table in self._paths.values() if table != path]:
            said = "files of several kinds" if len(kinds) > 1 else "there are results of another kind"
            console.print(f"{path}: {said}; results go to {' and '.join(named_so)}", markup=False, soft_wrap=True)

    def of(self, made: type[Analysis]) -> Path | None:
        """The table of one kind."""
        return self._paths.get(made.short_name, self._path)


def _analysis_of(path: Path) -> type[Analysis] | None:
    """The analysis of a file; None where there is none, or the file cannot be read, which is told in its turn."""
    try:
        made: type[Analysis] | None = analysis_for(_recorder_of(path))
    except UtokyoError:
        return None
    return made


def _recorder_of(path: Path) -> type[Recorder]:
    return FileRecorder if os.path.isdir(path) else class_for(path)


def _is_of_another_kind(path: Path, made: type[Analysis]) -> bool:
    """Whether a table is there that has fewer than half of the columns of an analysis."""
    if not path.exists():
        return False
    from ...io.store import read_results  # noqa: PLC0415 (nothing else here reads results)

    columns, wanted = set(read_results(path).columns), {p.name for p in made.parameters}
    return bool(columns) and 2 * len(columns & wanted) < len(wanted)


def _analyze(path: Path, plots: Path | None, tables: _Tables, output: Console, console: Console) -> int:
    recorder_class = _recorder_of(path)
    made = analysis_for(recorder_class)
    if made is None:
        return _show_columns(recorder_class(path), path, output, console)
    analysis: Analysis = made(path, image_src=plots, result_filepath=tables.of(made))
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
    columns = [name for name in table.columns if name not in {*metadata, "timestamp_ns", "timestamp", "datetime"}]
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
