"""The output of a run in the terminal: a few lines while it is running, a table at its end.

All of it fits the width of the terminal: names lose their middles, a narrow table has fewer columns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ...io.errors import without_middle
from ...kernels.units import DAY_NS, SECOND_NS
from .summary import HEADINGS, AnalysisReport, RunSummary
from .waiting import waiting_text

__all__ = ["LiveLines", "lag_text", "summary_table"]

WIDE = 100
"""Columns of a terminal from which the facts of an analysis stand in one line with its name."""
ENDLESS = 1_000_000
"""Cycles of a run that something else ends; their number says nothing."""
NAME_PART = 0.4
"""Part of the width that a name may take beside other columns."""


@dataclass(eq=False)
class LiveLines:
    """What is shown while a run goes on; it is asked again several times a second.

    Parameters
    ----------
    summary : RunSummary
    cycles : int
        Of all of the run.
    cycle : int
        The one that is running or comes next, from 0.
    next_s : float or None
        When it starts, by `time.monotonic`; None while it is running.
    """

    summary: RunSummary
    cycles: int
    cycle: int = 0
    next_s: float | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, for this width."""
        del console
        now_s = time.monotonic()
        width = options.max_width
        for line in self.lines(width, now_s, _wall_clock_ns()):
            yield Text(line.plain, style=line.style, no_wrap=True, overflow="ellipsis")

    def lines(self, width: int, now_s: float, now_ns: int) -> Iterator[Text]:
        """The lines for a terminal of some columns, at a moment of `time.monotonic` and of the wall clock (ns)."""
        reports = self.summary.analyses
        doing = waiting_text(now_s) or "running"
        if self.next_s is not None:
            doing = f"next in {max(0.0, self.next_s - now_s):.0f} s"
        added, per_s = sum(a.rows_added for a in reports), sum(a.rows_per_s for a in reports)
        many = f"/{self.cycles}" if self.cycles < ENDLESS else ""
        head = f"cycle {self.cycle + 1}{many} | +{added} rows, {_rate(per_s)}/s | "
        yield Text(head + without_middle(doing, max(12, width - len(head))))
        name_width = min(max((len(a.name) for a in reports), default=0), int(NAME_PART * width))
        for report in reports:
            facts = " | ".join(fact for fact in _facts(report, now_s, now_ns) if fact)
            style = "yellow" if report.failure else ""
            if width >= WIDE:
                name = without_middle(report.name, name_width)
                for line in _folded(facts, width - name_width - 2) if facts else ("",):
                    yield Text(f"{name:<{name_width}}  {line}", style=style)
                    name = ""
                continue
            yield Text(without_middle(report.name, width), style=style)
            yield from (Text(f"  {line}", style=style) for line in _folded(facts, width - 2))
        outputs = dict.fromkeys(path for report in reports for path in report.outputs)
        if outputs:
            said = "output: " + ", ".join(map(_shown, outputs))
            yield Text(said if len(said) <= width else "output: " + ", ".join(path.name for path in outputs))


def summary_table(summary: RunSummary, width: int = WIDE) -> Table:
    """The summary as a table for `rich`; on a terminal of fewer columns than `WIDE`, with the most needed ones."""
    is_wide = width >= WIDE
    outputs = ", ".join(dict.fromkeys(_shown(path) for a in summary.analyses for path in a.outputs))
    notes = [f"{without_middle(a.name, width)}: {a.newest}" for a in summary.analyses if a.newest and not is_wide]
    notes += [f"output: {outputs}"] if outputs else []
    table = Table(
        title=summary.title,
        title_justify="left",
        caption=Text("\n".join(notes)) if notes else None,
        caption_justify="left",
    )
    failed = any(a.failure for a in summary.analyses)
    columns = [is_wide or heading in {"analysis", "rows", "results"} for heading in HEADINGS]
    columns[HEADINGS.index("last failure")] = failed
    columns[HEADINGS.index("newest")] &= any(a.newest for a in summary.analyses)
    names = [without_middle(a.name, int(NAME_PART * width)) for a in summary.analyses]
    for heading in (h for h, shown in zip(HEADINGS, columns, strict=True) if shown):
        is_text = heading in {"analysis", "last failure", "newest"}
        least = max(map(len, names if heading == "analysis" else heading.split()))
        table.add_column(heading, justify="left" if is_text else "right", min_width=least, no_wrap=not is_text)
    for name, report in zip(names, summary.analyses, strict=True):
        cells = (name, *map(str, report.cells[1:]))
        table.add_row(*(Text(cell) for cell, shown in zip(cells, columns, strict=True) if shown))
    return table


def lag_text(report: AnalysisReport, now_s: float, now_ns: int) -> str:
    """How far behind the present a source is.

    Data of a day ago or more are those of an archive or a simulation: then it is said how far they go, and when the
    last row came.

    Examples
    --------
    >>> report = AnalysisReport("pmt", latest_ns=1_663_502_400_000_000_000, grown_s=10.0)
    >>> lag_text(report, 12.0, 1_663_502_402_500_000_000)
    'lag 2.5 s'
    >>> lag_text(report, 12.0, 1_700_000_000_000_000_000)
    'data to 2022-09-18 12:00:00, last row 2 s ago'
    """
    if report.latest_ns is None:
        return ""
    lag_ns = now_ns - report.latest_ns
    if abs(lag_ns) < DAY_NS:
        return f"lag {lag_ns / SECOND_NS:.1f} s"
    moment = datetime.fromtimestamp(report.latest_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S")
    ago = "" if report.grown_s is None else f", last row {now_s - report.grown_s:.0f} s ago"
    return f"data to {moment}{ago}"


def _facts(report: AnalysisReport, now_s: float, now_ns: int) -> Iterator[str]:
    if report.failure:
        yield f"no result: {report.failure}"
    if not report.runs:
        return
    if not report.failure:
        yield report.newest or f"{report.results} results"
        yield f"{report.results} in all" if report.newest else ""
    yield f"{_rate(report.rows_per_s)} rows/s"
    yield lag_text(report, now_s, now_ns)


def _rate(per_s: float) -> str:
    """Two digits of what is below ten, whole numbers above."""
    return f"{per_s:.0f}" if per_s >= 10.0 else f"{per_s:.2g}"


def _folded(text: str, width: int) -> Iterator[str]:
    """Facts in as many lines as they need, cut between them where possible."""
    line = ""
    for fact in text.split(" | "):
        if line and len(line) + 3 + len(fact) > width:
            yield line
            line = ""
        line += (" | " if line else "") + without_middle(fact, width)
    if line:
        yield line


def _shown(path: Path) -> str:
    """A path as short as it is from here."""
    here = Path.cwd()
    path = path.absolute()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def _wall_clock_ns() -> int:
    """The wall clock of this PC, ns since 1970 without a zone, as the times of files are."""
    return int(datetime.now().replace(tzinfo=UTC).timestamp() * SECOND_NS)
