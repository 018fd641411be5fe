"""Another process, as a pool or an archive has them: one for all tests, since each would take a second to begin."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any, TypeVar

__all__ = ["elsewhere"]

R = TypeVar("R")


def elsewhere(function: Callable[..., R], *arguments: Any, **options: Any) -> R:
    """What a function answers in another process, which works in another folder.

    Parameters
    ----------
    function : callable
        Like its arguments and its answer, something that travels by pickle.
    *arguments, **options
        Of the function.

    Examples
    --------
    >>> import os
    >>> elsewhere(os.getpid) == os.getpid()
    False
    """
    return _pool().submit(function, *arguments, **options).result()


@cache
def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=os.chdir, initargs=(os.sep,))
