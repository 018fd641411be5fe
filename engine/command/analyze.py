"""``utokyo analyze``: each file by what it is, with one sentence for each that cannot be."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ...io.errors import InputError, UtokyoError
from ...io.progress import progress
from ...io.sheet import is_spreadsheet
from ...io.text.growing import AT_REST_S
from ..recorders.frames import as_polars
from ..recorders.source import Source
from ..run.terminal import SafeConsole
from ..run.waiting import Waiting
from ..run.warmup import compile_ahead
from .folder import Job, jobs_of
from .tables import columns_table, results_table, when

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..recorders.base import Recorder

__all__ = ["analyze_files"]

EXIT_NONE, EXIT_SOME = 2, 3
NOTHING_ASKED: Mapping[str, Any] = MappingProxyType({})
OTHERWISE = "--delimiter, --decimal, --header-line, --units-row, --time, --time-format"
"""How one says to the command what a file means."""
PIPE_WIDTH = 250  # columns: a pipe has no edge to wrap at
MOST_FIGURES = 5
"""Figures that are named one by one."""


@dataclass(frozen=True)
class _Wanted:
    """What is to be done with each file, and where it is said."""

    plots: Path | None
    tables: _Tables
    table: bool
    asked: Mapping[str, Any]
    output: Console
    console: Console

    def say(self, line: str, style: str | None = None) -> None:
        """A line for people, which is no result."""
        self.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def analyze_files(
    files: Sequence[Path],
    plots: Path | None,
    results: Path | None,
    console: Console,
    *,
    table: bool = False,
    asked: Mapping[str, Any] = NOTHING_ASKED,
) -> int:
    """Analyse files and print what they hold; results to the standard output, all else to the console.

    Parameters
    ----------
    files : sequence of path
        Files, or folders, of which each file is looked at.
    plots : path, optional
        Folder for the figures; None draws none.
    results : path, optional
        Table for the results of those files that have results; of files of several kinds, one table a kind, with the
        kind in its name.
    console : rich.console.Console
        For warnings, and for what is waited for.
    table : bool
        Whether all results are printed as a table, also those of many images.
    asked : mapping, optional
        Options of recorders, by name, for those files whose recorder has them: what a table means, which sheet.

    Returns
    -------
    int
        Exit code: 0 when all files were sound, 2 when none was (not readable, without rows, or with bad ones), else 3.
    """
    output = SafeConsole(file=sys.stdout, width=None if sys.stdout.isatty() else _pipe_width())
    jobs: list[Job | UtokyoError] = []
    codes: set[int] = set()
    for path in files:
        try:
            with Waiting(console):  # a long spreadsheet is looked at whole
                found, left_out = jobs_of(path)
        except UtokyoError as error:
            jobs.append(error)
            continue
        jobs += found
        if left_out:
            console.print(left_out, markup=False, highlight=False, soft_wrap=True)
    tables = _Tables(results, [job for job in jobs if isinstance(job, Job)], console)
    if asked and jobs and not any(isinstance(job, Job) and _taken(job, asked) for job in jobs):
        said = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        jobs = [InputError(f"{said}: without effect, for none of the files is a table whose meaning is found out")]
    wanted = _Wanted(plots, tables, table, asked, output, console)
    for job in jobs:
        try:
            if isinstance(job, UtokyoError):
                raise job
            codes.add(_analyze(job, wanted))
        except UtokyoError as error:
            wanted.say(f"utokyo: {error}", style="bold red")
            codes.add(EXIT_NONE)
    return codes.pop() if len(codes) == 1 else EXIT_SOME


def _pipe_width() -> int:
    """Of what is no terminal: what the environment says, as for a terminal."""
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() and int(said) else PIPE_WIDTH


class _Tables:
    """Where the results of each kind of analysis go: rows of several kinds in one table are no table."""

    def __init__(self, path: Path | None, jobs: Sequence[Job], console: Console) -> None:
        self._path = path
        self._paths: dict[str, Path] = {}
        if path is None:
            return
        kinds = dict.fromkeys(made for job in jobs if (made := job.made) is not None)
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


def _is_of_another_kind(path: Path, made: type[Analysis]) -> bool:
    """Whether a table is there that has fewer than half of the columns of an analysis."""
    if not path.exists():
        return False
    from ...io.store import read_results  # noqa: PLC0415 (nothing else here reads results)

    columns, wanted = set(read_results(path).columns), {p.name for p in made.parameters}
    return bool(columns) and 2 * len(columns & wanted) < len(wanted)


def _analyze(job: Job, wanted: _Wanted) -> int:
    path, made = job.path, job.made
    if made is None:
        return _show_columns(job.recorder_class(path, **_taken(job, wanted.asked)), path, wanted)
    analysis: Analysis = made(path, image_src=wanted.plots, result_filepath=wanted.tables.of(made), **job.options)
    with Waiting(wanted.console):
        compile_ahead(analysis.compiles)
        analysis.run()
    _expect_rows(path, analysis.recorder.rows)
    _show_results(analysis, path, wanted)
    if analysis.unreadable():
        reasons = analysis.results["reason"].drop_nulls() if "reason" in analysis.results.columns else ()
        for reason in reasons:
            if reason.startswith(str(path)):  # a sentence of the reader, which names the file; others are of the fit
                wanted.say(f"utokyo: {reason}", style="bold red")
        return EXIT_SOME if not analysis.results.is_empty() else EXIT_NONE
    return 0 if _is_clean(analysis.recorder, path, wanted) else EXIT_NONE


def _taken(job: Job, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the recorder of a file has."""
    names = job.recorder_class.settings_class.names() if job.made is None else ()
    return {name: value for name, value in asked.items() if name in names}


def _show_results(analysis: Analysis, path: Path, wanted: _Wanted) -> None:
    """The table where it is short or asked for; the remarks, which are all there is to say where there is no table."""
    output, rows = wanted.output, analysis.results.height
    many = rows > analysis.most_rows_printed
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


def _show_columns(recorder: Recorder, path: Path, wanted: _Wanted) -> int:
    """Say what the columns of a file hold that no analysis is for."""
    with Waiting(wanted.console):
        compile_ahead(["tables"])
        with progress(f"reading {path.name}"):
            table = as_polars(recorder.get_table())
            if recorder.has_unfinished_line and _is_at_rest(path) and recorder.finish():
                table = as_polars(recorder.get_table())
            metadata = as_polars(recorder.get_metadata()).columns
    _expect_rows(path, recorder.rows)
    rows = f"{type(recorder).__name__}, {table.height} row{'s' * (table.height != 1)}"
    if {"timestamp", "datetime"} <= set(table.columns):
        times = table["timestamp"].drop_nulls()  # rows of a sheet may have none
        rows += f", {when(times[0])} to {when(times[-1])}" if len(times) else ", without times"
    wanted.output.print(f"{path}:", markup=False, highlight=False, soft_wrap=True)
    wanted.output.print(rows, markup=False, highlight=False)
    ours = {"timestamp_ns", "timestamp", "datetime"}
    own = set(metadata) | (ours if ours <= set(table.columns) else set())  # without times they are columns of the file
    columns = [name for name in table.columns if name not in own]
    facts, remarks = recorder.understood(OTHERWISE)
    for line in facts:
        wanted.output.print(line, markup=False, highlight=False)
    wanted.output.print(columns_table(table, columns, wanted.output.width))
    for line in remarks:
        wanted.output.print(line, markup=False, highlight=False)
    return 0 if _is_clean(recorder, path, wanted) else EXIT_NONE


def _is_at_rest(path: Path) -> bool:
    """Whether nobody wrote to a file of late: then its last line is whole, though its end is missing."""
    return time.time() - path.stat().st_mtime > AT_REST_S


def _expect_rows(path: Path, rows: int) -> None:
    if rows:
        return
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if is_spreadsheet(path):
        raise InputError(f"{path}: the sheet has no row yet")
    raise InputError(f"{path}: no complete row after the header yet")


def _is_clean(recorder: Source, path: Path, wanted: _Wanted) -> bool:
    if recorder.has_unfinished_line:
        wanted.say(f"{path}: the last line has no end yet; it is left out")
    bad = recorder.bad_rows
    if bad:
        wanted.say(f"utokyo: {path}: {bad} bad row{'s' * (bad != 1)} skipped, {recorder.rows} good ones kept")
    return bad == 0
