"""Nobody waits in silence: what takes more than a second is told, on a terminal and in a log."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest
from rich.cells import cell_len
from rich.console import Console

from utokyo import ImageAnalysis, PMTAnalysis, Runner, SSDAnalysis, simulate
from utokyo.engine.run import waiting
from utokyo.engine.run.compiling import Compilations
from utokyo.engine.run.screen import LiveLines, lag_text, summary_table
from utokyo.engine.run.summary import AnalysisReport, RunSummary
from utokyo.engine.run.waiting import Waiting, waiting_text
from utokyo.io.progress import progress

NOW_NS = 1_663_502_700_000_000_000


def screen(width: int = 80, *, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal)


def said(console: Console) -> str:
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def impatient(monkeypatch):
    """All waits are a quarter as long."""
    for name in ("SILENT_S", "AGAIN_S", "LOOK_S"):
        monkeypatch.setattr(waiting, name, getattr(waiting, name) / 4.0)


@pytest.mark.usefixtures("impatient")
def test_a_log_gets_a_line_at_begin_and_end_and_none_for_what_is_quick():
    console = screen()
    with Waiting(console):
        with progress("quick"):
            time.sleep(0.05)
        with progress("long"), progress("its part"):
            time.sleep(0.5)
    lines = said(console).splitlines()
    assert len(lines) == 2
    assert lines[0] == "long ..."
    assert re.match(r"long: done in \d\.\d s", lines[1])


@pytest.mark.usefixtures("impatient")
def test_the_cycles_of_a_night_do_not_fill_a_log():
    console = screen()
    with Waiting(console):
        for _ in range(3):
            with progress("analysing ssd.csv"):
                time.sleep(0.4)
    assert said(console).count("analysing ssd.csv ...") == 1
    assert said(console).count("done in") == 1


@pytest.mark.usefixtures("impatient")
def test_what_takes_very_long_is_told_again_with_its_parts(monkeypatch):
    monkeypatch.setattr(waiting, "AGAIN_S", 0.4)
    console = screen()
    with Waiting(console), progress("whole"), progress("part"):
        time.sleep(0.7)
    assert said(console).splitlines()[:2] == ["whole ...", "part ..."]


@pytest.mark.usefixtures("impatient")
def test_one_of_many_alike_is_told_once():
    console = screen()
    with Waiting(console):
        for _ in range(2):
            with progress("compiling", is_one_of_many=True):
                time.sleep(0.4)
    assert said(console) == "compiling ...\n"


def test_the_time_of_many_alike_does_not_begin_anew_with_each():
    with progress("analysing ssd.csv"):
        time.sleep(1.1)
        with progress("compiling", is_one_of_many=True):
            assert waiting_text(time.monotonic()) == "compiling: 1 s"
        with progress("painting"):
            assert waiting_text(time.monotonic()) == "painting: 0 s"


def test_a_terminal_gets_a_line_that_goes_away():
    console = screen(60, terminal=True)
    with Waiting(console), progress("reading -20220918-122539-Slot1-In1-of-a-very-long-name.csv") as task:
        task.update(0.25)
        time.sleep(1.5)
    text = said(console)
    assert "25 %, 1 s" in text  # the end of the line, which changes, is never cut
    assert "reading -2022" in text
    assert text.rstrip().endswith("\x1b[2K")  # the last line is erased


def test_compiling_is_told_and_counted():
    def double(x: int) -> int:
        return 2 * x

    seen = []
    with Compilations() as compilations:
        compile_it = numba.njit(double)
        original = compilations.on_end

        def look(event: object) -> None:
            seen.append(waiting_text(time.monotonic(), at_least_s=0.0))
            original(event)

        compilations.on_end = look  # type: ignore[method-assign]
        assert compile_it(3) == 6
        assert compile_it(4) == 8  # is there already
    assert compilations.functions == 1
    assert "compiling for this machine, once" in seen[0]


def reports() -> RunSummary:
    ssd = AnalysisReport("SSDAnalysis(-20220918-122539-Slot1-In1.csv)", runs=3, rows=4000, rows_added=120, results=7)
    ssd.newest, ssd.rows_per_s, ssd.latest_ns, ssd.grown_s = "half-life 0.68 ± 0.02 s at 12:04:58", 24.0, NOW_NS, 9.0
    ssd.outputs = (Path("results/ssd.csv"), Path("plots"))
    late = AnalysisReport("PMTAnalysis(all_data.csv)", failures=1, failure="all_data.csv: no such file")
    return RunSummary(cycles=3, analyses=[ssd, late])


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_live_lines_say_what_is_new_how_fast_how_late_and_where(width):
    lines = [line.plain for line in LiveLines(reports(), 100, 3, 15.0).lines(width, 10.0, NOW_NS + 2_500_000_000)]
    assert all(cell_len(line) <= width for line in lines)
    text = "\n".join(lines)
    assert lines[0] == "cycle 4/100 | +120 rows, 24/s | next in 5 s"
    for fact in ("half-life 0.68 ± 0.02 s", "24 rows/s", "lag 2.5 s", "results/ssd.csv", "plots", "no such file"):
        assert fact in text
    assert "In1.csv)" in text  # a name that is cut keeps its end
    assert len(lines) <= 8


def test_no_fact_is_cut_from_the_live_lines_of_a_wide_terminal():
    summary = reports()
    summary.analyses[0].latest_ns = NOW_NS - 10**18
    lines = [line.plain for line in LiveLines(summary, 100, 3).lines(110, 10.0, NOW_NS)]
    assert all(cell_len(line) <= 110 for line in lines)
    assert any("last row 1 s ago" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_summary_fits_its_terminal_as_a_table_and_as_text(width, monkeypatch):
    console = screen(width)
    console.print(summary_table(reports(), width))
    text = said(console)
    assert all(cell_len(line.rstrip()) <= width for line in text.splitlines())
    assert "half-life 0.68" in text
    assert "results" in text
    assert "In1.csv)" in text
    monkeypatch.setenv("COLUMNS", str(width))
    lines = str(reports()).splitlines()
    assert max(map(len, lines)) <= width
    assert "half-life 0.68 ± 0.02 s" in " ".join(" ".join(lines).split())
    assert "no such file" in str(reports())


def test_the_lag_is_that_of_the_clock_or_since_the_last_row():
    report = AnalysisReport("ssd", latest_ns=NOW_NS, grown_s=5.0)
    assert lag_text(report, 6.0, NOW_NS + 1_000_000_000) == "lag 1.0 s"
    assert lag_text(report, 8.0, NOW_NS + 10**18) == "data to 2022-09-18 12:05:00, last row 3 s ago"
    assert lag_text(AnalysisReport("ssd"), 8.0, NOW_NS) == ""


def test_a_run_notes_the_newest_result_of_every_analysis(tmp_path):
    truth = simulate(tmp_path / "beam", minutes=1.0, seed=1)
    analyses = [
        SSDAnalysis(tmp_path / "beam" / truth["files"]["ssd"], result_filepath=tmp_path / "ssd.csv"),
        PMTAnalysis(tmp_path / "beam" / truth["files"]["pmt"]),
        ImageAnalysis((tmp_path / "beam" / truth["images"][0]["file"]).parent, camera="cmos_fr_20220918"),
    ]
    ssd, pmt, image = Runner(analyses, console=screen()).run(cycles=1, period_s=0.1).analyses
    assert "half-life" in ssd.newest or "no half-life" in ssd.newest
    assert "±" in ssd.newest
    assert "fA" in pmt.newest
    assert image.newest.startswith(("N = ", "no atoms, A < "))
    assert ssd.outputs == (tmp_path / "ssd.csv",)
    assert ssd.rows_per_s > 0.0
    assert ssd.latest_ns is not None
    assert abs(ssd.latest_ns - truth["bursts"][0]["t0_ns"]) < 3600 * 10**9


def test_simulating_live_is_told_in_a_log(tmp_path):
    command = [sys.executable, "-m", "utokyo", "simulate", "beam", "--minutes", "0.5", "--live", "12"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "writing 0.5 minutes of beam time into beam, 12 times as fast as real time" in answer.stderr
    assert "done in" in answer.stderr


def test_compiling_anew_is_told_by_the_command(tmp_path):
    (tmp_path / "a.csv").write_text("t,x\n" + "2022-09-18 12:00:00,1.5\n" * 5)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "utokyo", "analyze", "a.csv"]
    options = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 300, "env": environment}
    answer = subprocess.run(command, check=False, **options)  # type: ignore[call-overload]
    assert answer.returncode == 0, answer.stderr
    assert re.search(r"compiling for this machine, once(: \d+ of \d+ functions)? \.\.\.\n", answer.stderr)
    assert re.search(r"compiling for this machine, once: (\d+) of \1 functions: done in", answer.stderr)
    again = subprocess.run(command, check=False, **options)  # type: ignore[call-overload]
    assert "compiling" not in again.stderr
