"""The line that says what is waited for, and how long already, from the first second on.

On a terminal it is one line that comes and goes. Elsewhere (a log, a pipe) it is a plain line when something has taken
a second, and one when it is done.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from ...io.errors import without_middle
from ...io.progress import Task, Waited, running_tasks

if TYPE_CHECKING:
    from .compiling import Compilations

__all__ = ["Waiting", "waiting_text"]

SILENT_S = 1.0
"""Whatever takes less is not worth a word."""
AGAIN_S = 10.0
"""From then on a log tells of a part of what it has told, or of the same as before: the cycles of a night are many."""
LOOK_S = 0.1
"""Time between two looks at what is being done."""


def waiting_text(now_s: float, at_least_s: float = SILENT_S) -> str:
    """What has been waited for longest by now, and how many more there are; empty where nothing has taken so long.

    Parameters
    ----------
    now_s : float
        By `time.monotonic`.
    at_least_s : float
        What has taken less is not told.

    Examples
    --------
    >>> import time
    >>> from utokyo.io.progress import progress
    >>> with progress("reading ssd.csv") as task:
    ...     task.update(0.4)
    ...     print(waiting_text(time.monotonic() + 3.0))
    reading ssd.csv: 40 %, 3 s
    """
    said = [_said(waited, now_s) for waited in running_tasks() if now_s - waited.whole.begun_s >= at_least_s]
    others = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    return f"{said[0]}{others}" if said else ""


class Waiting:
    """Says what is waited for, as long as it is open.

    Parameters
    ----------
    console : rich.console.Console
        Where; on one that is no terminal, in plain lines.
    lines : renderable of rich, optional
        Shown on a terminal all the time instead of the line; it says what is waited for, too.

    Examples
    --------
    >>> import io, time
    >>> from rich.console import Console
    >>> from utokyo.io.progress import progress
    >>> screen = Console(file=io.StringIO())
    >>> with Waiting(screen), progress("reading ssd.csv"):
    ...     time.sleep(1.2)
    >>> print(screen.file.getvalue(), end="")
    reading ssd.csv ...
    reading ssd.csv: done in 1.2 s
    """

    def __init__(self, console: Console, lines: RenderableType | None = None) -> None:
        self.console = console
        self._lines = lines
        self._closing = threading.Event()
        self._looks = threading.Thread(target=self._look_on, name="waiting", daemon=True)
        self._live: Live | None = None
        self._spinner = Spinner("line")
        self._told: set[Task] = set()
        self._named: set[str] = set()
        self._open = ExitStack()
        self._compilations: Compilations | None = None

    def __enter__(self) -> Self:
        self._listen()
        if self._lines is not None and self.console.is_terminal:
            self._live = Live(self._lines, console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        self._looks.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._closing.set()
        self._looks.join()
        self._open.close()
        if self._live is not None:
            self._live.stop()
        self._tell_ends([])
        compiled = self._compilations
        if compiled is not None and compiled.seconds > SILENT_S:
            said = f"compiled {compiled.functions} functions for this machine in {compiled.seconds:.0f} s, once"
            self.console.print(f"{said}: later starts are quick", markup=False, highlight=False, soft_wrap=True)

    def _listen(self) -> None:
        """Hear of what numba compiles, as soon as it was imported by somebody who needs it."""
        if self._compilations is None and "numba.core.event" in sys.modules:
            from .compiling import Compilations  # noqa: PLC0415 (imports numba, which takes a while)

            self._compilations = self._open.enter_context(Compilations())

    def _look_on(self) -> None:
        while not self._closing.wait(LOOK_S):
            self._listen()
            now_s = time.monotonic()
            if self.console.is_terminal and self._lines is None:
                self._show(waiting_text(now_s), now_s)
            elif not self.console.is_terminal:
                waited = running_tasks()
                self._tell_ends(waited)
                self._tell_begins(waited, now_s)

    def _show(self, text: str, now_s: float) -> None:
        if not text:
            if self._live is not None:
                self._live.stop()
                self._live = None
            return
        # The end of a long line is what changes: its middle goes.
        said = Text(without_middle(text, self.console.width - 3), no_wrap=True, overflow="ellipsis")
        if self._live is None:
            self._live = Live(console=self.console, refresh_per_second=8, transient=True)
            self._live.start()
        self._spinner.update(text=said)
        self._live.update(self._spinner)

    def _tell_begins(self, waited: list[Waited], now_s: float) -> None:
        for task, whole in ((task, each.whole) for each in waited for task in each.tasks):
            is_new = task.what not in self._named
            at_once = is_new and (task is whole or task.is_one_of_many)
            if task in self._told or now_s - task.begun_s < (SILENT_S if at_once else AGAIN_S):
                continue
            if is_new or not task.is_one_of_many:
                self._print(f"{task.what} ...")
            self._told.add(task)
            self._named.add(task.what)

    def _tell_ends(self, waited: list[Waited]) -> None:
        over = self._told - {task for each in waited for task in each.tasks}
        self._told -= over
        for task in sorted(over, key=lambda task: -task.begun_s):
            if not task.is_one_of_many:
                self._print(f"{task.what}: done in {time.monotonic() - task.begun_s:.1f} s")

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _said(waited: Waited, now_s: float) -> str:
    task = waited.now
    part = "" if task.part is None else f"{100.0 * task.part:.0f} %, "
    # Of many alike, each is over at once: all of it is what is waited for.
    begun_s = waited.whole.begun_s if task.is_one_of_many else task.begun_s
    return f"{task.what}: {part}{max(0.0, now_s - begun_s):.0f} s"
