"""A process that was forked from one that had read tables: polars would wait there for threads that are not there."""

from __future__ import annotations

import os
import threading

from .errors import InputError

__all__ = ["OwnLock", "check_not_forked"]

_users: list[int] = []


def check_not_forked() -> None:
    """Note that this process uses polars, whose threads do not live on in a forked one.

    Raises
    ------
    InputError
        In a process that was forked from one that had done so; it would wait for ever.

    Examples
    --------
    >>> from utokyo.io.forks import check_not_forked
    >>> check_not_forked()
    """
    process = os.getpid()
    if not _users:
        _users.append(process)
    elif _users[0] != process:
        raise InputError(
            "this process was forked from one that had read tables, whose threads did not come along: it would wait "
            "for ever; start it before anything is read, or with multiprocessing.get_context('spawn')"
        )


class OwnLock:
    """A lock that a thread may take again, and that a forked process does not wait for.

    Examples
    --------
    >>> from utokyo.io.forks import OwnLock
    >>> lock = OwnLock()
    >>> with lock, lock:
    ...     pass
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        check_not_forked()
        self._lock.acquire()

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
