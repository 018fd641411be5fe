"""`exclusive`: one at a time, of all threads and processes that write a file, also over a network drive.

The lock is one of the operating system on an empty file beside the other one, ``.NAME.lock``: it ends with the process
that holds it, however that ends. The file stays, for whoever removed it would take it from under one who waits; it may
be deleted while no program runs. Where a drive has no locks, its mere existence is the lock.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..errors import OutputError
from ..whole import output_error

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["exclusive"]

log = logging.getLogger("utokyo")

SAID_AFTER_S = 1.0
"""A wait as long as this is told."""
LONGEST_WAIT_S = 10.0
"""Writing takes milliseconds: who has not got the lock by then lets the next cycle write."""
ASKED_EVERY_S = 0.02
SHARED_MODE = 0o666  # whoever may write the table may hold its lock


class _Lock:
    """A lock that a weak dictionary can hold."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


# Locks of a file keep processes apart, on some drives not threads. The dictionary forgets the locks that nobody holds.
_locks: WeakValueDictionary[str, _Lock] = WeakValueDictionary()
_locks_lock = threading.Lock()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep all others, who ask likewise, from a file.

    Raises
    ------
    OutputError
        When another one holds it for longer than `LONGEST_WAIT_S`, or the lock cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.results.lock import exclusive
    >>> with tempfile.TemporaryDirectory() as folder, exclusive(Path(folder, "bursts.csv")):
    ...     [file.name for file in Path(folder).iterdir()]
    ['.bursts.csv.lock']
    """
    target = Path(os.path.realpath(path))
    lock_path = target.with_name(f".{target.name.lstrip('.')}.lock")
    with _locks_lock:
        among_threads = _locks.setdefault(os.path.normcase(target), _Lock())
    begin = time.monotonic()
    if not among_threads.lock.acquire(timeout=LONGEST_WAIT_S):
        raise _too_long(path, lock_path)
    try:
        held = _acquired(path, lock_path, begin)
        try:
            yield
        finally:
            held.release()
    finally:
        among_threads.lock.release()


def _acquired(path: Path, lock_path: Path, begin: float) -> BaseFileLock:
    """The lock between processes."""
    from filelock import FileLock, SoftFileLock  # noqa: PLC0415 (takes a while, and only writing needs it)

    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        lock: BaseFileLock = FileLock(lock_path, mode=SHARED_MODE)
        try:
            _wait_for(lock, path, begin)
        except NotImplementedError:  # a drive without locks
            lock = SoftFileLock(lock_path)
            _wait_for(lock, path, begin)
    except TimeoutError:
        raise _too_long(path, lock_path) from None
    except OSError as error:
        raise output_error(path, error) from error
    return lock


def _wait_for(lock: BaseFileLock, path: Path, begin: float) -> None:
    try:
        lock.acquire(timeout=SAID_AFTER_S, poll_interval=ASKED_EVERY_S)
    except TimeoutError:
        log.warning("%s: another program writes it (it holds %s); waiting for it", path, Path(lock.lock_file).name)
        left_s = max(0.0, begin + LONGEST_WAIT_S - time.monotonic())
        lock.acquire(timeout=left_s, poll_interval=ASKED_EVERY_S)


def _too_long(path: Path, lock_path: Path) -> OutputError:
    return OutputError(
        f"{path}: another program has been writing it for {LONGEST_WAIT_S:g} s; the next cycle or run tries again (if "
        f"no other program runs, delete {lock_path})"
    )
