"""`Runner`: runs the analyses of an experiment every cycle.

Cycle k starts at start + k * period on a monotonic clock: starts do not drift, and do not jump when the time of the PC
is corrected. When a cycle takes longer than the period, this is reported, and the cycles that should have started
meanwhile are skipped, but never the last one. The analyses of a cycle run in parallel in threads, since kernels and
file reading release the GIL. When an analysis fails, the reason is logged and it is tried again in the next cycle,
while the others continue. An analysis whose file does not exist yet waits for it. Ctrl-C waits for the running
analyses, prints the summary, and exits with code 130; SIGTERM, SIGHUP and Ctrl-Break do the same, with the codes of
`signals`.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence, Sized
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.console import Console

from ...io.errors import InputError, MissingFileError, UtokyoError
from ..recorders.source import Source
from .screen import LiveLines, summary_table
from .signals import exit_code, interruptions
from .summary import AnalysisReport, RunSummary
from .terminal import SafeConsole
from .waiting import Waiting
from .warmup import compile_ahead

__all__ = ["Runner"]

log = logging.getLogger("utokyo")

LATE_START = 0.1  # of a period: a cycle may start this late; one that would start later is skipped


class Runnable(Protocol):
    """An object that the Runner can run: an `Analysis`, or another one whose method `run` returns a table."""

    def run(self) -> Any:
        """Analyse what is new."""
        ...


@runtime_checkable
class Named(Protocol):
    """An object with a name for people and a source whose rows are counted, as an `Analysis` has them."""

    name: str
    recorder: Source


@runtime_checkable
class Telling(Protocol):
    """An object that tells its newest result, how far its source is, and where its output goes."""

    latest_ns: int | None
    outputs: tuple[Path, ...]

    def newest(self) -> str:
        """The newest result in a few words."""
        ...


@runtime_checkable
class Compiling(Protocol):
    """An object that says which kernels it uses."""

    compiles: tuple[str, ...]


class Runner:
    """Runs analyses every cycle.

    Parameters
    ----------
    analyses : sequence of Analysis
    console : rich.console.Console, optional
        Console on which the live line and the summary are printed; by default the standard error stream.

    Raises
    ------
    InputError
        When `analyses` is empty, or not a list of objects with a method `run`.

    Examples
    --------
    >>> from utokyo import PMTAnalysis, Runner, simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> runner = Runner([PMTAnalysis("beam/" + truth["files"]["pmt"])])
    >>> runner
    Runner(PMTAnalysis(all_data.csv))
    >>> runner.run(cycles=2, period_s=0.1)
    RunSummary(2 cycles: PMTAnalysis(all_data.csv) 1 result)
    """

    def __init__(self, analyses: Sequence[Runnable], *, console: Console | None = None) -> None:
        if not isinstance(analyses, Iterable) or not all(hasattr(a, "run") for a in analyses):
            raise InputError("a Runner takes a list of analyses: Runner(analyses=[SSDAnalysis(...), ...])")
        self.analyses = list(analyses)
        if not self.analyses:
            raise InputError("a Runner needs at least one analysis")
        self.console = console or SafeConsole(stderr=True)

    def __repr__(self) -> str:
        return f"Runner({', '.join(_name(analysis) for analysis in self.analyses)})"

    def run(
        self,
        cycles: int = 100,
        period_s: float = 5.0,
        *,
        on_cycle: Callable[[RunSummary], bool | None] | None = None,
    ) -> RunSummary:
        """Run all analyses every `period_s` seconds, `cycles` times.

        Parameters
        ----------
        cycles : int
            Number of cycles, skipped ones included: the last one starts at start + (cycles - 1) * period_s, or later
            when the one before takes so long; it is never skipped.
        period_s : float
            Time from the start of one cycle to that of the next, s.
        on_cycle : callable, optional
            Called with the `RunSummary` after every cycle. When it returns False, the run ends.

        Returns
        -------
        RunSummary
            Numbers of cycles, runs, failures and results.

        Raises
        ------
        InputError
            When `cycles` or `period_s` is not positive.
        SystemExit
            With code 130, after Ctrl-C and the end of the running analyses; with 143 after SIGTERM, 129 after SIGHUP,
            149 after Ctrl-Break. In a notebook the summary is returned instead.
        """
        if cycles < 1 or not 0.0 < period_s < float("inf"):
            raise InputError(f"a run needs 1 cycle or more and a period above 0 s, not {cycles} and {period_s}")
        summary = RunSummary(analyses=[AnalysisReport(_name(a)) for a in self.analyses])
        workers = min(len(self.analyses), max(2, os.cpu_count() or 1))
        pool = ThreadPoolExecutor(workers, thread_name_prefix="analysis")
        code = 0
        with interruptions():
            try:
                lines = LiveLines(summary, cycles)
                with Waiting(self.console, lines):
                    self._compile_ahead()
                    self._run_cycles(cycles, period_s, summary, pool, lines, on_cycle)
            except KeyboardInterrupt as interrupt:
                summary.interrupted, code = True, exit_code(interrupt)
                self.console.print("Interrupted: the running analyses are finished first.")
            finally:
                # Analyses that have not started are dropped; running ones are waited for.
                pool.shutdown(wait=True, cancel_futures=True)
            self.console.print(summary_table(summary, self.console.width))
        if summary.interrupted and not _is_notebook():
            raise SystemExit(code)
        return summary

    def _compile_ahead(self) -> None:
        """Compile what the analyses need before the schedule starts, so that no cycle is skipped for it."""
        works = {work for analysis in self.analyses if isinstance(analysis, Compiling) for work in analysis.compiles}
        try:
            compile_ahead(works)
        except UtokyoError as error:
            log.warning("%s; they are compiled in the first cycle", error)

    def _run_cycles(
        self,
        cycles: int,
        period_s: float,
        summary: RunSummary,
        pool: ThreadPoolExecutor,
        lines: LiveLines,
        on_cycle: Callable[[RunSummary], bool | None] | None,
    ) -> None:
        start = time.monotonic()
        cycle = 0
        while cycle < cycles:
            _sleep_until(start + cycle * period_s)
            lines.cycle, lines.next_s = cycle, None
            self._run_once(summary, pool)
            summary.cycles += 1
            if on_cycle is not None and on_cycle(summary) is False:
                return
            elapsed_s = time.monotonic() - start
            following = max(cycle + 1, math.ceil(elapsed_s / period_s - LATE_START))
            # The last one is never skipped: it reads what came during the one before.
            following = min(following, cycles - 1 if cycle + 1 < cycles else cycles)
            missed = following - cycle - 1
            if missed > 0:
                took_s = elapsed_s - cycle * period_s
                log.warning(
                    "cycle %d took %.2f s, longer than the period of %g s; %d cycle%s skipped",
                    *(cycle + 1, took_s, period_s, missed, "" if missed == 1 else "s"),
                )
                summary.skipped += missed
            cycle = following
            if cycle < cycles:
                lines.cycle, lines.next_s = cycle, start + cycle * period_s

    def _run_once(self, summary: RunSummary, pool: ThreadPoolExecutor) -> None:
        """Run all analyses of one cycle in parallel, and note the outcome in their reports."""
        futures = [
            pool.submit(_run_analysis, analysis, report)
            for analysis, report in zip(self.analyses, summary.analyses, strict=True)
        ]
        _wait_for(futures)


def _run_analysis(analysis: Runnable, report: AnalysisReport) -> None:
    begin = time.monotonic()
    try:
        results = analysis.run()
    except MissingFileError as error:
        if not report.waits:
            log.warning("%s: %s yet; waiting for it", report.name, error)
        report.waits += 1
        report.rows_added, report.rows_per_s = 0, 0.0
        report.failure = str(error)
    except UtokyoError as error:
        if _note_failure(report, str(error)):
            log.warning("%s: %s; it is tried again in every cycle", report.name, error)
    except Exception as error:
        # A fault of the program: logged with its traceback, and no reason to stop the other analyses.
        if _note_failure(report, f"{type(error).__name__}: {error}"):
            log.exception("%s failed; it is tried again in every cycle", report.name)
    else:
        _note_source(analysis, report, begin)
        report.results = len(results) if isinstance(results, Sized) else 0
        report.runs += 1
        report.failure = ""
    report.seconds = time.monotonic() - begin


def _note_source(analysis: Runnable, report: AnalysisReport, begin_s: float) -> None:
    """Note how far the source is, and what is new of its results."""
    now_s = time.monotonic()
    rows = analysis.recorder.rows if isinstance(analysis, Named) else 0
    report.rows_added, report.rows = rows - report.rows, rows
    since_s = now_s - (begin_s if report.ended_s is None else report.ended_s)
    report.rows_per_s, report.ended_s = report.rows_added / max(since_s, 1e-3), now_s
    if report.rows_added or report.grown_s is None:
        report.grown_s = now_s
    if isinstance(analysis, Telling):
        report.newest, report.latest_ns, report.outputs = analysis.newest(), analysis.latest_ns, analysis.outputs


def _note_failure(report: AnalysisReport, reason: str) -> bool:
    """Count a failure, and return whether its reason differs from that of the cycle before: only then it is logged."""
    is_new = report.failure != reason
    report.failures += 1
    report.rows_added, report.rows_per_s = 0, 0.0
    report.failure = reason
    return is_new


def _wait_for(futures: list[Future[None]]) -> None:
    # In steps of 0.5 s: on Windows, Ctrl-C does not interrupt a wait without a timeout.
    while wait(futures, timeout=0.5).not_done:
        pass
    for future in futures:
        future.result()


def _sleep_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0.0:
        time.sleep(min(left, 0.5))


def _is_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter, which must not exit at the end of the run."""
    return "ipykernel" in sys.modules


def _name(analysis: Runnable) -> str:
    return analysis.name if isinstance(analysis, Named) else type(analysis).__name__
