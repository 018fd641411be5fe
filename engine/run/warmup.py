"""Compiling ahead: all kernels that some works need, in as many processes as there are cores.

A process compiles one kernel at a time (numba holds a lock), so that the first start of a run would take half a minute
of one core. Other processes compile a batch each (`kernels/ahead.py`) until none is left, and keep them in the cache of
kernels, from which this one then takes them. They are started anew, not forked and not by `multiprocessing`, which
would run the script of the user a second time.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress

import numba

from ...io.errors import UtokyoError
from ...io.progress import Task, progress
from ...kernels.ahead import DONE, Batch, all_batches
from ...kernels.cache import cache_folder

__all__ = ["compile_ahead", "state_of_cache", "works"]

WHAT = "compiling for this machine, once"

_settled: set[str] = set()
"""Batches that were there, or were compiled: this process looks for them no more, and compiles none in vain twice."""


def works() -> list[str]:
    """What kernels can be compiled ahead for.

    Examples
    --------
    >>> sorted(works())
    ['images', 'joins', 'pulses', 'tables']
    """
    return list(dict.fromkeys(batch.work for batch in all_batches()))


def compile_ahead(works: Iterable[str], *, most_processes: int | None = None) -> list[str]:
    """Compile what these works need and is not in the cache of kernels yet.

    Parameters
    ----------
    works : iterable of str
        Of `works`; others, as those of analyses of other packages, are compiled when they are used.
    most_processes : int, optional
        By default, as many as this process may use cores.

    Returns
    -------
    list of str
        Works of which something was compiled now.

    Raises
    ------
    UtokyoError
        When a process did not do what it should; what it said is in the message.

    Examples
    --------
    >>> compile_ahead(["a work of another package"])
    []
    """
    wanted = set(works)
    batches = [batch for batch in all_batches() if batch.work in wanted and batch.name not in _settled]
    missing = [batch for batch in batches if not batch.is_kept()] if batches and _can_be_kept() else []
    _settled.update(batch.name for batch in batches)
    if missing:
        with progress(WHAT) as task:
            _Processes(missing, task).run(most_processes or len(_cores()))
    return list(dict.fromkeys(batch.work for batch in missing))


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
    missing = dict.fromkeys(batch.work for batch in all_batches() if not batch.is_kept())
    whole = f"not all for {', '.join(missing)} yet; `utokyo warmup` compiles them" if missing else "all are there"
    versions = f"Python {platform.python_version()}, numba {numba.__version__}"
    return f"compiled kernels: {folder}\n  {whole}\n  {versions}"


class _Processes:
    """Processes that compile batches, and how far they are."""

    def __init__(self, batches: list[Batch], task: Task) -> None:
        self._left = list(batches)
        self._total = sum(batch.functions for batch in batches)
        self._task = task
        self._compiled = 0
        self._failed: list[str] = []
        self._running: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def run(self, most: int) -> None:
        """Compile all batches, some at a time."""
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
        # Other releases of numba have other helpers inside kernels: the list tells about how many there are.
        self._task.what = f"{WHAT}: {self._compiled} of {self._compiled} functions"

    def _work(self) -> None:
        """Let one process compile batches until none is left."""
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
            _process(said.fileno()) as process,
        ):
            with self._lock:
                self._running.append(process)
            name = ""
            with suppress(OSError):  # a process that ended takes no names; how it ended is what counts
                while batch := self._next():
                    name = batch.name
                    if not self._compile(batch, process):
                        break
            with suppress(OSError):
                process.communicate()  # which closes what it reads, so that it ends
            said.seek(0)
            lines = said.read().strip().splitlines()
            with self._lock:
                self._running.remove(process)
                if process.returncode:
                    self._failed.append(f"{name}: {lines[-1] if lines else f'exit code {process.returncode}'}")

    def _next(self) -> Batch | None:
        with self._lock:
            return self._left.pop(0) if self._left else None

    def _compile(self, batch: Batch, process: subprocess.Popen[str]) -> bool:
        """Whether it was compiled; meanwhile, functions are counted."""
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{batch.name}\n")
        process.stdin.flush()
        for line in process.stdout:
            if line.strip() == DONE:
                return True
            with self._lock:
                self._compiled = min(self._compiled + 1, self._total)  # two may compile the same as a part of theirs
                self._task.update(self._compiled / (self._total + 1))
                self._task.what = f"{WHAT}: {self._compiled} of {self._total} functions"
        return False


def _process(said: int) -> subprocess.Popen[str]:
    """A process that imports what this one would, wherever that is found."""
    package = __package__.partition(".")[0]
    code = f"import sys; sys.path[:] = {sys.path!r}; from {package}.kernels.ahead import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
    )


def _can_be_kept() -> bool:
    """Whether another process of this program can be started, and what it compiles would be found again."""
    if not sys.executable or getattr(sys, "frozen", False) or os.environ.get("NUMBA_DISABLE_JIT"):
        return False
    try:
        return os.access(cache_folder(), os.W_OK)
    except OSError:
        return False


def _cores() -> set[int]:
    with suppress(AttributeError):  # not on Windows
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
