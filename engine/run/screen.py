"""The output of a run in the terminal: a line while it is running, a table at its end."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from .summary import HEADINGS, RunSummary

__all__ = ["live_line", "summary_table"]


def live_line(summary: RunSummary, cycle: int, cycles: int, what: str) -> Text:
    """The live line: cycle, time to the next start, new rows, results of each analysis, and analyses without result."""
    parts = [f"cycle {cycle + 1}/{cycles}", what]
    parts.append(f"+{sum(a.rows_added for a in summary.analyses)} rows")
    parts += [f"{a.name}: {a.results}" for a in summary.analyses if a.runs]
    line = Text(" | ".join(parts))
    waiting = [a.name for a in summary.analyses if a.failure]
    if waiting:
        line.append(f" | without result: {', '.join(waiting)}", style="yellow")
    return line


def summary_table(summary: RunSummary) -> Table:
    """The summary as a table for `rich`."""
    table = Table(title=summary.title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in {"analysis", "last failure"} else "right")
    for report in summary.analyses:
        table.add_row(*map(str, report.cells))
    return table
