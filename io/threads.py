"""The threads beside the one that asks: a block of text is read and parsed in as many parts as there are cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

__all__ = ["THREADS", "shared"]

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


THREADS = min(_cores(), 4)  # more would wait for the memory


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS - 1, thread_name_prefix="utokyo-io")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # threads do not live on in a forked process


def shared(work: Callable[[Part], Answer], parts: Sequence[Part]) -> list[Answer]:
    """``[work(part) for part in parts]``, the first part in this thread and the others beside it.

    All parts have ended when it returns or raises.
    """
    if len(parts) == 1 or THREADS == 1:
        return [work(part) for part in parts]
    others = [_helpers().submit(work, part) for part in parts[1:]]
    try:
        first = work(parts[0])
    finally:
        for other in others:
            other.exception()  # waits; what went wrong is raised below
    return [first, *(other.result() for other in others)]
