"""What became of a run, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

__all__ = ["HEADINGS", "AnalysisReport", "RunSummary"]

HEADINGS = ("analysis", "runs", "failures", "rows", "results", "last run (s)", "last failure")


@dataclass
class AnalysisReport:
    """What became of one analysis.

    Attributes
    ----------
    name : str
    runs, failures, waits : int
        Cycles in which it ran through, failed, and waited for its file.
    rows, rows_added : int
        Rows of its source: all, and those that came in the last cycle.
    results : int
        Rows of its result table: peaks, images, means.
    seconds : float
        What its last run took.
    failure : str
        Why its last run failed; empty when it did not.

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

    def __str__(self) -> str:
        results = f"{self.results} result{'' if self.results == 1 else 's'}"
        return f"{self.name} {self.failure or results}"

    @property
    def cells(self) -> tuple[str | int, ...]:
        """What a table of the summary shows, under `HEADINGS`."""
        numbers = (self.runs, self.failures, self.rows, self.results)
        return self.name, *numbers, f"{self.seconds:.2f}", self.failure


@dataclass(repr=False)
class RunSummary:
    """What became of a run.

    Attributes
    ----------
    cycles, skipped : int
        Cycles that were run, and those that were skipped because an earlier one took too long.
    interrupted : bool
        Whether Ctrl-C ended it.
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

    def __repr__(self) -> str:
        return f"RunSummary({self.title}: {', '.join(map(str, self.analyses))})"

    def _repr_html_(self) -> str:
        """What became of each analysis, for a notebook."""
        headings = "".join(f"<th>{name}</th>" for name in HEADINGS)
        rows = ("".join(f"<td>{escape(str(cell))}</td>" for cell in report.cells) for report in self.analyses)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<p>{escape(self.title)}</p><table><tr>{headings}</tr>{body}</table>"

    @property
    def title(self) -> str:
        """How many cycles there were, and whether they were interrupted."""
        parts = [f"{self.cycles} cycle{'' if self.cycles == 1 else 's'}"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += ["interrupted"] if self.interrupted else []
        return ", ".join(parts)
