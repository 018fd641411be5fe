"""Compiling ahead: all kernels that some works need, in as many processes as there are cores.

A process compiles one kernel at a time (numba holds a lock), so that the first start of a run would take half a minute
of one core. Other processes do works of each kind on small data (`engine.command.warmup`), and keep what they compile
in the cache of kernels, from which this one then takes it. They are started by the command, not forked and not by
`multiprocessing`, which would run the script of the user a second time.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

import numba

from ...io.errors import UtokyoError
from ...io.progress import Task, progress
from ...kernels.cache import cache_folder, is_warm, note_warm

__all__ = ["FUNCTIONS", "compile_ahead", "state_of_cache"]

FUNCTIONS: Mapping[str, int] = MappingProxyType({"pulses": 95, "images": 75, "logs": 30, "joins": 30})
"""About how many functions each work compiles, for the progress that is shown; longest works first."""


def compile_ahead(works: Iterable[str], *, most_processes: int | None = None) -> list[str]:
    """Compile what these works need and is not in the cache of kernels yet.

    Parameters
    ----------
    works : iterable of str
        Of `FUNCTIONS`; others, as those of analyses of other packages, are compiled when they are used.
    most_processes : int, optional
        By default, as many as this process may use cores.

    Returns
    -------
    list of str
        Works that were done now.

    Raises
    ------
    UtokyoError
        When a process did not do its work; what it said is in the message.

    Examples
    --------
    >>> compile_ahead(["a work of another package"])
    []
    """
    wanted = set(works)
    missing = [work for work in FUNCTIONS if work in wanted and not is_warm(work)]
    if not missing or not _can_start():
        return []
    with progress("compiling for this machine, once") as task:
        _Processes(missing, task).run(most_processes or len(_cores()))
    for work in missing:
        note_warm(work)
    return missing


def state_of_cache() -> str:
    """Where compiled kernels are kept, and what is compiled, in a few lines.

    Examples
    --------
    >>> print(state_of_cache().splitlines()[0].partition(":")[0])
    compiled kernels
    """
    try:
        folder = str(cache_folder())
    except OSError as error:
        return f"compiled kernels: cannot be kept ({error}); every start compiles them anew"
    missing = [work for work in FUNCTIONS if not is_warm(work)]
    whole = f"not all of {', '.join(missing)} yet; `utokyo warmup` compiles them" if missing else "all are there"
    versions = f"Python {platform.python_version()}, numba {numba.__version__}"
    return f"compiled kernels: {folder}\n  {whole}\n  {versions}"


class _Processes:
    """Processes that do works, and how far they are."""

    def __init__(self, works: list[str], task: Task) -> None:
        self._left = list(works)
        self._total = sum(FUNCTIONS[work] for work in works)
        self._task = task
        self._compiled = 0
        self._failed: list[str] = []
        self._running: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def run(self, most: int) -> None:
        """Do all works, some at a time."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(most, len(self._left)))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():  # in steps: on Windows Ctrl-C does not interrupt a wait without an end
                    thread.join(0.2)
        finally:
            with self._lock:
                self._left.clear()
                for process in self._running:
                    process.terminate()
        if self._failed:
            raise UtokyoError(f"kernels could not be compiled ahead: {self._failed[0]}")

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._left:
                    return
                work = self._left.pop(0)
                process = subprocess.Popen(
                    [sys.executable, "-m", __package__.partition(".")[0], "warmup", "--here", work],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    env=os.environ | {"MPLBACKEND": "agg"},
                )  # fmt: skip
                self._running.append(process)
            assert process.stdout is not None
            for _ in process.stdout:  # a line a function
                with self._lock:
                    self._compiled += 1
                    self._task.update(min(self._compiled / self._total, 0.99))
                    self._task.what = f"compiling for this machine, once ({self._compiled} of about {self._total})"
            _, said = process.communicate()
            with self._lock:
                self._running.remove(process)
                if process.returncode:
                    self._failed.append(f"{work}: {(said.strip().splitlines() or ['no reason given'])[-1]}")


def _can_start() -> bool:
    """Whether another process of this program can be started, and would keep what it compiles."""
    return bool(sys.executable) and not getattr(sys, "frozen", False) and not os.environ.get("NUMBA_DISABLE_JIT")


def _cores() -> set[int]:
    with suppress(AttributeError):  # not on Windows
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
