"""The signals that end a run as Ctrl-C does: of a service that is stopped, of a terminal that is closed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["Interruption", "exit_code", "interruptions"]

NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that this system has: SIGBREAK is Ctrl-Break of Windows, and what closes its window."""
FIRST_EXIT_CODE = 128


class Interruption(KeyboardInterrupt):
    """One of these signals; its number is the argument.

    Examples
    --------
    >>> from utokyo.engine.run.signals import Interruption
    >>> issubclass(Interruption, KeyboardInterrupt)
    True
    """


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """Exit code after an interruption, as shells count: 128 and the number of the signal.

    Examples
    --------
    >>> from utokyo.engine.run.signals import Interruption, exit_code
    >>> exit_code(KeyboardInterrupt()), exit_code(Interruption(15))
    (130, 143)
    """
    number = interrupt.args[0] if isinstance(interrupt, Interruption) else signal.SIGINT
    return FIRST_EXIT_CODE + int(number)


@contextlib.contextmanager
def interruptions() -> Iterator[None]:
    """Raise `Interruption` in the main thread when one of the signals comes.

    A signal that is ignored (`nohup`) or has a handler of somebody else is left alone; other threads get no signals.

    Examples
    --------
    >>> import signal
    >>> from utokyo.engine.run.signals import Interruption, interruptions
    >>> try:
    ...     with interruptions():
    ...         signal.raise_signal(signal.SIGTERM)
    ... except Interruption as stopped:
    ...     print(signal.Signals(stopped.args[0]).name)
    SIGTERM
    """
    ours = []
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        ours = [number for number in known if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    raise Interruption(number)
