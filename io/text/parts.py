"""A long file in parts through several threads: read and parsed side by side, placed and committed in their order.

Each thread reads a part into a buffer of its own, which stays in its cache, and parses it from there. What depends on
the parts before (where rows go, which line is bad) is done in turns.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["THREADS", "Sink", "Source", "run_parts"]

Bytes = NDArray[np.uint8]
Part = TypeVar("Part")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_own = threading.local()  # a buffer of each thread, used again: new memory costs as much as parsing
THREADS = min(_cores(), 4)
"""Threads that parse; more would wait for the memory."""


class Source(Protocol):
    """Where parts come from."""

    def room(self) -> int:
        """Bytes that the buffer of a thread needs."""
        ...

    def read(self, part: int, buffer: bytearray) -> tuple[Bytes, int, int] | None:
        """Read a part, into the buffer or elsewhere; None where the parts end early. Any thread.

        Its whole lines are ``data[start:stop]``, with `FRONT` bytes before and `BACK` after them.
        """
        ...

    def advance(self, part: int, data: Bytes, start: int, stop: int) -> None:
        """Go on after a part, which was committed. In order."""
        ...


class Sink(Protocol):
    """Where parts go."""

    def measure(self, data: Bytes, start: int, stop: int) -> int:
        """How much room a part needs. Any thread."""
        ...

    def place(self, size: int) -> int | None:
        """Where it goes; None where there is no room for it. In order."""
        ...

    def parse(self, data: Bytes, start: int, stop: int, place: int, size: int) -> Any:
        """Parse a part to its place. Any thread."""
        ...

    def commit(self, data: Bytes, parsed: Any) -> int | None:
        """Make it visible. In order. Where in the data it stopped, if that was before the end: it takes no more."""
        ...


def run_parts(count: int, source: Source, sink: Sink) -> int:
    """Take up to `count` parts from source to sink; how many were committed, which are the first ones."""
    run = _Run(count, source, sink)
    _in_threads(run.work)
    return run.committed


class _Run:
    """The parts that are at work, and where each thread waits for its turn."""

    def __init__(self, count: int, source: Source, sink: Sink) -> None:
        self.end = count  # goes down where a part cannot be taken
        self.source, self.sink = source, sink
        self.begun = self.placed = self.committed = 0
        self.changed = threading.Condition()

    def work(self) -> None:
        if len(getattr(_own, "buffer", b"")) < self.source.room():
            _own.buffer = bytearray(self.source.room())
        buffer = _own.buffer
        while True:
            with self.changed:
                part = self.begun
                self.begun += 1
            if part >= self.end:
                return
            done = False
            try:
                done = self._do(part, buffer)
            finally:
                if not done:  # or it failed: the other threads must not wait for it
                    self._stop_at(part)
            if not done:
                return

    def _do(self, part: int, buffer: bytearray) -> bool:
        """Take one part from source to sink; whether that could be done."""
        lines = self.source.read(part, buffer)
        if lines is None:
            return False
        data, start, stop = lines
        size = self.sink.measure(data, start, stop)
        with self.changed:
            # The part before was begun before this one, and its thread waits for none but earlier parts.
            self.changed.wait_for(lambda: self.placed == part or self.end <= part)
            place = self.sink.place(size) if self.end > part else None
            if place is None:
                return False
            self.placed += 1
            self.changed.notify_all()
        parsed = self.sink.parse(data, start, stop, place, size)
        with self.changed:
            self.changed.wait_for(lambda: self.committed == part or self.end <= part)
            if self.end <= part:
                return False
            stopped = self.sink.commit(data, parsed)
            self.source.advance(part, data, start, stop if stopped is None else stopped)
            self.committed += 1
            if stopped is not None:
                self.end = part + 1
            self.changed.notify_all()
        return stopped is None

    def _stop_at(self, part: int) -> None:
        with self.changed:
            self.end = min(self.end, part)
            self.changed.notify_all()


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, THREADS - 1), thread_name_prefix="utokyo-io")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not live on in a forked process


def _in_threads(work: Callable[[], None]) -> None:
    """Do the work in this thread and in helpers beside it; all have ended when it returns or raises."""
    others = [_helpers().submit(work) for _ in range(THREADS - 1)]
    try:
        work()
    finally:
        for other in others:
            other.exception()  # waits; what went wrong is raised below
    for other in others:
        other.result()
