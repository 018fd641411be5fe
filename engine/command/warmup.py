"""``utokyo warmup``: compile all kernels for this machine, in as many processes as there are cores."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from ...io.errors import InputError
from ...kernels.cache import cache_folder
from ..run.waiting import Waiting
from ..run.warmup import compile_ahead, works

__all__ = ["warm_up"]


def warm_up(wanted: Iterable[str], processes: int | None, console: Console) -> None:
    """Compile what is missing, and say what became of it.

    Parameters
    ----------
    wanted : iterable of str
        Of `engine.run.warmup.works`; all where there is none.
    processes : int, optional
        At most so many at a time; by default one for each core.
    console : rich.console.Console

    Raises
    ------
    InputError
        When there is no such work, or nothing can be kept.
    UtokyoError
        When a process failed.
    """
    known = works()
    asked = list(wanted) or known
    for work in asked:
        if work not in known:
            raise InputError(f"kernels are compiled for {', '.join(known)}, not for {work!r}")
    try:
        folder = cache_folder()
    except OSError as error:
        raise InputError(
            f"compiled kernels cannot be kept ({error}): name a folder of yours in NUMBA_CACHE_DIR"
        ) from None
    with Waiting(console):
        done = compile_ahead(asked, most_processes=processes)
    said = f"compiled what {', '.join(done)} need{'s' * (len(done) == 1)}" if done else "all was compiled before"
    console.print(f"{said}; kept in {folder}", markup=False, highlight=False, soft_wrap=True)
