"""What takes long, for those who wait: whoever works says what it does, whoever has a screen looks.

Work that may take seconds stands in a ``with progress("reading ssd.csv") as task``, and says how far it is by
``task.update(0.4)``. Nothing is printed here, and it costs a microsecond. A screen asks for `running_tasks` a few times
a second (`engine/run/waiting.py`, in the command and the Runner). Other reasons to wait, such as a compiler, open tasks
of their own in the same way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Task", "Waited", "progress", "running_tasks"]

_running: dict[int, list[Task]] = {}
"""By thread, the tasks in it: each one within the one before."""
_lock = threading.Lock()


class Task:
    """Work that is being done.

    Parameters
    ----------
    what : str
        What is done, and with what: "reading ssd.csv".
    is_one_of_many : bool
        Whether more of the same will follow, so that a log need not tell the end of each.

    Attributes
    ----------
    begun_s : float
        When it began, by `time.monotonic`.
    part : float or None
        How much of it is done, from 0 to 1; None when that is not known.
    """

    def __init__(self, what: str, *, is_one_of_many: bool = False) -> None:
        self.what = what
        self.is_one_of_many = is_one_of_many
        self.begun_s = time.monotonic()
        self.part: float | None = None

    def __repr__(self) -> str:
        return f"Task({self.what!r})" if self.part is None else f"Task({self.what!r}, {self.part:.0%})"

    def update(self, part: float) -> None:
        """Say how much of it is done, from 0 to 1."""
        self.part = min(max(part, 0.0), 1.0)


class Waited(NamedTuple):
    """What one thread is at: its work, a part of that, a part of that part, ..."""

    tasks: tuple[Task, ...]

    @property
    def whole(self) -> Task:
        """All of its work."""
        return self.tasks[0]

    @property
    def now(self) -> Task:
        """The innermost part."""
        return self.tasks[-1]


@contextmanager
def progress(what: str, *, is_one_of_many: bool = False) -> Iterator[Task]:
    """Say that something is being done that may take long.

    Parameters
    ----------
    what, is_one_of_many
        As for `Task`.

    Yields
    ------
    Task

    Examples
    --------
    >>> with progress("reading ssd.csv") as task:
    ...     task.update(0.4)
    ...     print([waited.now for waited in running_tasks()])
    [Task('reading ssd.csv', 40%)]
    """
    task, thread = Task(what, is_one_of_many=is_one_of_many), threading.get_ident()
    with _lock:
        _running.setdefault(thread, []).append(task)
    try:
        yield task
    finally:
        with _lock:
            tasks = _running[thread]
            tasks.remove(task)
            if not tasks:
                del _running[thread]


def running_tasks() -> list[Waited]:
    """What is being done at this moment, a thread each, the longest first."""
    with _lock:
        waited = [Waited(tuple(tasks)) for tasks in _running.values()]
    return sorted(waited, key=lambda each: each.whole.begun_s)
