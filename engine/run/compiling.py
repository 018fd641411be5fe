"""Whether kernels are being compiled, which the first use on a machine has to wait for.

Numba tells of every function that it compiles because it is not in its cache. Listening costs nothing. Whoever wants to
compile ahead, or to count, takes a `Compilations` of its own.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from threading import get_ident
from typing import Any, Self

from numba.core import event

from ...io.progress import progress

__all__ = ["Compilations"]


class Compilations(event.Listener):
    """What was compiled since it was made: each function is a task of `io.progress` while it is being compiled.

    Attributes
    ----------
    functions : int
        Functions that were compiled for themselves or as a part of others; each set of types counts.
    seconds : float
        How long it took in all threads together, s.

    Examples
    --------
    >>> import numba
    >>> with Compilations() as compilations:
    ...     _ = numba.njit(lambda x: x + 1)(2)
    >>> compilations.functions, compilations.seconds > 0.0
    (1, True)
    """

    def __init__(self) -> None:
        self.functions = 0
        self.seconds = 0.0
        self._begun: dict[int, list[tuple[ExitStack, float]]] = {}

    def __enter__(self) -> Self:
        event.register("numba:compile", self)  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: object) -> None:
        event.unregister("numba:compile", self)  # type: ignore[no-untyped-call]

    def on_start(self, event: Any) -> None:
        """A function is going to be compiled."""
        stack = ExitStack()
        stack.enter_context(progress("compiling for this machine, once", is_one_of_many=True))
        self._begun.setdefault(get_ident(), []).append((stack, time.monotonic()))

    def on_end(self, event: Any) -> None:
        """It was compiled, or could not be."""
        begun = self._begun.get(get_ident())
        if not begun:  # it began before anybody listened
            return
        stack, begun_s = begun.pop()
        stack.close()
        self.functions += 1  # one at a time: numba compiles under a lock
        if not begun:  # parts count within what they are part of
            self.seconds += time.monotonic() - begun_s
