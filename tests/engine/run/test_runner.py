"""The Runner keeps its schedule, lets no analysis stop the others, and ends cleanly."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from utokyo import InputError, MissingFileError, PMTAnalysis, Runner


class Counting:
    """An analysis that notes when it was run."""

    def __init__(self, takes_s: float = 0.0, error: Exception | None = None) -> None:
        self.takes_s, self.error = takes_s, error
        self.started: list[float] = []

    def run(self) -> list[int]:
        self.started.append(time.monotonic())
        time.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        return [1, 2]


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_cycles_start_on_schedule_without_drift():
    analysis = Counting(takes_s=0.02)
    Runner([analysis], console=quiet()).run(cycles=20, period_s=0.05)
    late = [t - analysis.started[0] - 0.05 * k for k, t in enumerate(analysis.started)]
    assert len(late) == 20
    assert abs(late[-1]) < 0.05
    assert sorted(abs(x) for x in late)[10] < 0.01


def test_a_late_cycle_is_told_and_the_missed_ones_are_skipped(caplog):
    class Slow(Counting):
        def run(self) -> list[int]:
            self.takes_s = 0.35 if not self.started else 0.0
            return super().run()

    analysis = Slow()
    with caplog.at_level(logging.WARNING, "utokyo"):
        summary = Runner([analysis], console=quiet()).run(cycles=8, period_s=0.1)

    assert summary.skipped == 3
    assert summary.cycles == 5
    assert "cycle 1 took 0.3" in caplog.text
    assert "longer than the period of 0.1 s; 3 cycles skipped" in caplog.text
    assert analysis.started[1] - analysis.started[0] == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("cycles", [2, 3])
def test_the_last_cycle_is_run_however_long_the_first_took(cycles):
    class Slow(Counting):
        def run(self) -> list[int]:
            self.takes_s = 0.5 if not self.started else 0.0
            return super().run()

    analysis = Slow()
    summary = Runner([analysis], console=quiet()).run(cycles=cycles, period_s=0.1)
    assert (summary.cycles, summary.skipped) == (2, cycles - 2)
    assert len(analysis.started) == 2


def test_the_analyses_of_a_cycle_run_side_by_side():
    first, second = Counting(0.3), Counting(0.3)
    begin = time.monotonic()
    Runner([first, second], console=quiet()).run(cycles=1, period_s=1)
    assert time.monotonic() - begin < 0.5


def test_one_that_fails_is_tried_again_while_the_others_go_on(caplog):
    failing, faulty, good = Counting(error=InputError("a.csv, line 1: no")), Counting(error=KeyError("x")), Counting()
    with caplog.at_level(logging.WARNING, "utokyo"):
        summary = Runner([failing, faulty, good], console=quiet()).run(cycles=3, period_s=0.02)

    assert [len(a.started) for a in (failing, faulty, good)] == [3, 3, 3]
    assert [a.failures for a in summary.analyses] == [3, 3, 0]
    assert summary.analyses[0].failure == "a.csv, line 1: no"
    assert "a.csv, line 1: no; it is tried again in every cycle" in caplog.text
    assert "Traceback" in caplog.text  # of the KeyError alone: a fault of the program
    assert summary.analyses[2].results == 2


def test_a_file_that_does_not_exist_yet_is_waited_for(tmp_path, caplog):
    path = tmp_path / "all_data.csv"
    analysis = PMTAnalysis(path)

    def appear(summary: object) -> None:
        del summary
        path.write_text(
            "No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n1,2022/09/18 12:25:54.500,-1.5E-13,1491678,1\n"
        )

    with caplog.at_level(logging.WARNING, "utokyo"):
        summary = Runner([analysis], console=quiet()).run(cycles=3, period_s=0.05, on_cycle=appear)

    report = summary.analyses[0]
    assert (report.waits, report.failures) == (1, 0)
    assert report.runs >= 1
    assert report.rows == 1
    assert caplog.text.count("no such file yet; waiting for it") == 1


def test_nothing_to_do_is_refused():
    with pytest.raises(InputError, match="at least one analysis"):
        Runner([])
    with pytest.raises(InputError, match="1 cycle or more"):
        Runner([Counting()]).run(cycles=0)
    with pytest.raises(InputError, match="period above 0"):
        Runner([Counting()]).run(period_s=0)


def test_missing_files_are_failures_a_script_can_see():
    summary = Runner([Counting(error=MissingFileError("x.csv: no such file"))], console=quiet()).run(1, 0.01)
    assert summary.analyses[0].failure == "x.csv: no such file"


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_finishes_the_running_analysis_prints_the_summary_and_exits_130(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import time\n"
        "from utokyo import Runner\n"
        "class Slow:\n"
        "    def run(self):\n"
        "        print('begun', flush=True)\n"
        "        time.sleep(1.0)\n"
        "        print('finished', flush=True)\n"
        "Runner([Slow()]).run(cycles=100, period_s=5)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert output == "finished\n"
    assert "interrupted" in errors
    assert "Slow" in errors
    assert "Traceback" not in errors


def _resident_bytes() -> int:
    fields = Path("/proc/self/statm")
    if not fields.exists():
        pytest.skip("this system does not tell the memory of a process")
    return int(fields.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_memory_stays_flat_over_ten_thousand_cycles(tmp_path):
    path = tmp_path / "all_data.csv"
    path.write_text("No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n")
    analysis = PMTAnalysis(path, image_src=tmp_path / "plots", result_filepath=tmp_path / "r.csv")
    cycle = 0
    sizes: list[int] = []

    def grow(summary: object) -> bool:
        nonlocal cycle
        del summary
        cycle += 1
        if cycle % 50 == 0:  # new rows, results and a figure
            with path.open("a") as handle:
                second = cycle // 50
                handle.write(f"{cycle},2022/09/18 12:{second // 60:02d}:{second % 60:02d},1.5E-13,1,{second % 2}\n")
        if cycle % 1000 == 0:
            sizes.append(_resident_bytes())
        return cycle < 10_000

    # The schedule skips cycles while a figure is drawn; what counts is those that were run. One Runner for all: the
    # threads of another would take memory of their own from the allocator.
    Runner([analysis], console=quiet()).run(cycles=10**9, period_s=0.001, on_cycle=grow)

    assert len(analysis.results) == 1
    growth = sizes[-1] - sizes[1]
    assert growth < 20 << 20, f"memory grew by {growth >> 20} MB: {[s >> 20 for s in sizes]}"
    assert threading.active_count() < 10


def test_results_of_a_killed_run_are_made_up_for(tmp_path):
    path, results = tmp_path / "all_data.csv", tmp_path / "r.csv"
    lines = [f"{i},2022/09/18 12:00:{i:02d},{i}E-13,1,{i % 2}\n" for i in range(40)]
    path.write_text("No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n" + "".join(lines[:20]))
    PMTAnalysis(path, result_filepath=results).run()
    with path.open("a") as handle:
        handle.writelines(lines[20:])
    PMTAnalysis(path, result_filepath=results).run()  # as a new process would
    again = PMTAnalysis(path, result_filepath=results).run()

    table = pl.read_csv(results)
    assert table.height == 1
    assert table["rows_on"][0] + table["rows_off"][0] == 40
    assert again["current_on_A"].to_list() == table["current_on_A"].to_list()
