"""``utokyo warmup``: compile all kernels for this machine, in as many processes as there are cores.

Each work does on a minute of simulated beam time what users do, so that what it compiles is what they would wait for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console

from ...kernels.cache import cache_folder
from ..analyses.image import ImageAnalysis
from ..analyses.pmt import PMTAnalysis
from ..analyses.ssd import SSDAnalysis
from ..join.table import join
from ..join.windows import windows
from ..recorders.detect import open_recorder
from ..run.compiling import Compilations
from ..run.waiting import Waiting
from ..run.warmup import FUNCTIONS, compile_ahead
from ..simulate.beam_time import simulate

__all__ = ["WORKS", "do_work", "warm_up"]

MINUTES = 1.0
"""Of simulated beam time: two bursts, a handful of images."""


def warm_up(works: Iterable[str], processes: int | None, console: Console) -> None:
    """Compile what is missing, and say what became of it.

    Parameters
    ----------
    works : iterable of str
        Of `WORKS`.
    processes : int, optional
        At most so many at a time; by default one for each core.
    console : rich.console.Console

    Raises
    ------
    UtokyoError
        When a work failed.
    """
    with Waiting(console):
        done = compile_ahead(works, most_processes=processes)
    kept = f"kept in {cache_folder()}"
    said = f"compiled {', '.join(done)}" if done else "all was compiled before"
    console.print(f"{said}; {kept}", markup=False, highlight=False, soft_wrap=True)


def do_work(work: str, on_function: Callable[[], Any]) -> int:
    """Do a work in this process, and return how many functions were compiled; after each, something is called."""
    with tempfile.TemporaryDirectory() as folder, _Counted(on_function) as compilations:
        WORKS[work](Path(folder))
    return compilations.functions


class _Counted(Compilations):
    """Tells of each function."""

    def __init__(self, on_function: Callable[[], Any]) -> None:
        super().__init__()
        self._on_function = on_function

    def on_end(self, event: Any) -> None:
        super().on_end(event)
        self._on_function()


def _pulses(folder: Path) -> None:
    truth = simulate(folder / "beam", minutes=MINUTES, seed=1)
    path = folder / "beam" / truth["files"]["ssd"]
    for dead_time_s in (0.0, 1e-6):
        SSDAnalysis(path, image_src=folder, result_filepath=folder / "results.csv", dead_time_s=dead_time_s).run()


def _images(folder: Path) -> None:
    truth = simulate(folder / "beam", minutes=MINUTES, seed=1)
    images = (folder / "beam" / truth["images"][0]["file"]).parent
    ImageAnalysis(images, image_src=folder, result_filepath=folder / "results.csv").run()


def _logs(folder: Path) -> None:
    truth = simulate(folder / "beam", minutes=MINUTES, seed=1)
    files = truth["files"]
    for kind in ("coil", "heater", "gauge", "ion", "laser"):
        if kind in files:
            open_recorder(folder / "beam" / files[kind]).get_table()
    PMTAnalysis(folder / "beam" / files["pmt"], image_src=folder, result_filepath=folder / "results.csv").run()


def _joins(folder: Path) -> None:
    truth = simulate(folder / "beam", minutes=MINUTES, seed=1)
    kinds = ("ssd", "pmt", "coil", "heater", "gauge")
    sources = {kind: open_recorder(folder / "beam" / truth["files"][kind]) for kind in kinds}
    join(sources, every="1s")
    join(sources, on="ssd")
    join(sources, on="pmt")
    windows(sources, before="5s", after="10s").save(folder)


WORKS: Mapping[str, Callable[[Path], None]] = MappingProxyType(
    {"pulses": _pulses, "images": _images, "logs": _logs, "joins": _joins}
)
assert WORKS.keys() == FUNCTIONS.keys()
