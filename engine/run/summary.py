"""The outcome of a run, as data."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ...io.errors import without_middle

__all__ = ["HEADINGS", "AnalysisReport", "RunSummary"]

HEADINGS = ("analysis", "runs", "failures", "rows", "results", "last run (s)", "newest", "last failure")


@dataclass
class AnalysisReport:
    """The outcome of one analysis.

    Attributes
    ----------
    name : str
    runs, failures, waits : int
        Numbers of cycles in which it succeeded, failed, and waited for its file.
    rows, rows_added : int
        Number of rows of its source: in all, and new ones in the last cycle.
    results : int
        Number of rows of its result table (bursts, images, means).
    rows_per_s : float
        New rows since the cycle before, over the time since then.
    seconds : float
        Duration of its last run, s.
    newest : str
        Its newest result in a few words.
    latest_ns : int or None
        Time of the newest row of its source, ns since 1970.
    grown_s : float or None
        When its source last had new rows, by `time.monotonic`.
    outputs : tuple of path
        Where results and figures go.
    failure : str
        Reason why its last run failed; empty when it succeeded.

    Examples
    --------
    >>> print(AnalysisReport("PMTAnalysis(all_data.csv)", runs=3, results=1))
    PMTAnalysis(all_data.csv) 1 result
    """

    name: str
    runs: int = 0
    failures: int = 0
    waits: int = 0
    rows: int = 0
    rows_added: int = 0
    results: int = 0
    seconds: float = 0.0
    failure: str = ""
    rows_per_s: float = 0.0
    newest: str = ""
    latest_ns: int | None = None
    grown_s: float | None = None
    outputs: tuple[Path, ...] = ()
    ended_s: float | None = field(default=None, repr=False)

    def __str__(self) -> str:
        results = f"{self.results} result{'' if self.results == 1 else 's'}"
        return f"{self.name} {self.failure or results}"

    @property
    def cells(self) -> tuple[str | int, ...]:
        """The row of this analysis in the table of the summary, under `HEADINGS`."""
        numbers = (self.runs, self.failures, self.rows, self.results)
        return self.name, *numbers, f"{self.seconds:.2f}", self.newest, self.failure


@dataclass(repr=False)
class RunSummary:
    """The outcome of a run.

    Attributes
    ----------
    cycles, skipped : int
        Numbers of cycles that were run, and that were skipped because an earlier one took too long.
    interrupted : bool
        Whether the run was ended by Ctrl-C.
    analyses : list of AnalysisReport
        In the order of the Runner's analyses.

    Examples
    --------
    >>> RunSummary(cycles=3, skipped=1, analyses=[AnalysisReport("PMTAnalysis(all_data.csv)", results=1)])
    RunSummary(3 cycles, 1 skipped: PMTAnalysis(all_data.csv) 1 result)
    """

    cycles: int = 0
    skipped: int = 0
    interrupted: bool = False
    analyses: list[AnalysisReport] = field(default_factory=list)

    def __str__(self) -> str:
        """Lines that fit the terminal: the outcome, the newest result, and where it is."""
        width = max(20, shutil.get_terminal_size().columns)
        lines = [self.title]
        for report in self.analyses:
            lines.append(without_middle(report.name, width))
            result = f"{report.results} result{'s' * (report.results != 1)}"
            facts = [f"{result} of {report.rows} row{'s' * (report.rows != 1)}", report.newest, report.failure]
            facts += [f"{report.failures} failures" if report.failures else ""]
            facts += [f"in {', '.join(map(str, report.outputs))}" if report.outputs else ""]
            text = "; ".join(fact for fact in facts if fact)
            lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"RunSummary({self.title}: {', '.join(map(str, self.analyses))})"

    def _repr_html_(self) -> str:
        """A table with the outcome of each analysis, for a notebook."""
        headings = "".join(f"<th>{name}</th>" for name in HEADINGS)
        rows = ("".join(f"<td>{escape(str(cell))}</td>" for cell in report.cells) for report in self.analyses)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<p>{escape(self.title)}</p><table><tr>{headings}</tr>{body}</table>"

    @property
    def title(self) -> str:
        """Numbers of cycles that were run and skipped, and whether the run was interrupted, as text."""
        parts = [f"{self.cycles} cycle{'' if self.cycles == 1 else 's'}"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += ["interrupted"] if self.interrupted else []
        return ", ".join(parts)
