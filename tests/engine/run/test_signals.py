"""Signals end a run as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from utokyo.engine.run.signals import Interruption, interruptions

RUN = """
import sys, signal
from utokyo import Runner
class Slow:
    def run(self):
        import time
        print("begun", flush=True)
        time.sleep(0.5)
        open("ended", "w").close()
        return [1]
if "ignore" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
Runner([Slow()]).run(cycles=int(sys.argv[1]), period_s=0.2)
"""
SIGNALS = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)] if os.name == "posix" else []


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_finishes_the_analysis_and_prints_the_summary(name, tmp_path):
    number = getattr(signal, name)
    process = started(tmp_path, "1000")
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert (tmp_path / "ended").exists()
    assert "interrupted" in told
    assert "Slow" in told


@pytest.mark.skipif("SIGHUP" not in SIGNALS, reason="Windows has no SIGHUP")
def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    """As under `nohup`."""
    process = started(tmp_path, "2", "ignore")
    process.send_signal(signal.SIGHUP)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "interrupted" not in told


def test_a_handler_of_somebody_else_is_left_alone():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with interruptions():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


def test_afterwards_all_is_as_before():
    with pytest.raises(Interruption), interruptions():
        signal.raise_signal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_another_thread_may_run():
    done = []

    def run() -> None:
        with interruptions():
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done
