"""What a first start compiles: each kernel with its types and seconds, by work, in a process with an empty cache.

    python benchmarks/compile_times.py                  # totals of all works; 2 min
    python benchmarks/compile_times.py log --kernels    # and every kernel of one of them

Seconds are processor time of the thread that compiles. *Own* leaves out what a kernel has other kernels compiled for;
numpy's functions within a kernel are such kernels, of numba.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["WORKS", "Compiled", "Times", "measure"]

START = "2022/03/14 10:07:"


@dataclass(frozen=True)
class Compiled:
    """One kernel for one set of types."""

    module: str
    name: str
    types: str
    own_s: float
    with_callees_s: float


@dataclass(frozen=True)
class Times:
    """What a work took from the start of its process on, and what it compiled."""

    work: str
    wall_s: float
    cpu_s: float
    imports_s: float
    kernels: list[Compiled] = field(default_factory=list)

    @property
    def compiling_s(self) -> float:
        """Processor time of all that was compiled."""
        return sum(kernel.own_s for kernel in self.kernels)

    def __str__(self) -> str:
        names = {(kernel.module, kernel.name) for kernel in self.kernels}
        numba = [kernel for kernel in self.kernels if not kernel.module.startswith("utokyo")]
        return (
            f"{self.work:14} {self.wall_s:6.2f} s wall {self.cpu_s:6.2f} s cpu, of which imports {self.imports_s:5.2f} "
            f"and compiling {self.compiling_s:6.2f}: {len(names)} kernels, {len(self.kernels)} with their types, "
            f"{len(numba)} of them numba's own ({sum(kernel.own_s for kernel in numba):.2f} s)"
        )


def read_log(folder: Path) -> None:
    """Read the first table of a log of times and decimals."""
    from utokyo import GaugeRecorder  # noqa: PLC0415 (imports are measured)

    lines = "".join(f"{START}{s:02d},{s + 1}.25E-7,1.5E-8,2.5E-8,-1.0,0.5,0.25\n" for s in range(50))
    path = folder / "gauge.txt"
    path.write_text("Timestamp,Rb disp.,Neut.,Surf. Ref.,NC1,NC2,NC3\n" + lines, encoding="utf-8")
    _first_table(GaugeRecorder(path), 50)


def read_ssd(folder: Path) -> None:
    """Read the first table of an SSD file."""
    from utokyo import SSDRecorder  # noqa: PLC0415

    _first_table(SSDRecorder(_write_ssd(folder, 1000)), 1000)


def analyse_ssd(folder: Path) -> None:
    """Read, search and fit an SSD file with a burst, and draw it."""
    from utokyo import SSDAnalysis  # noqa: PLC0415

    analysis = SSDAnalysis(_write_ssd(folder, 1000), image_src=folder, result_filepath=folder / "results.csv")
    analysis.run()
    if analysis.results.height != 1:
        raise AssertionError(f"{analysis.results.height} bursts instead of one")


def analyse_image(folder: Path) -> None:
    """Read, fit and draw an image with a spot."""
    from utokyo import ImageAnalysis  # noqa: PLC0415

    random = np.random.default_rng(1)
    y, x = np.mgrid[:120, :100]
    counts = random.poisson(20.0 + 40.0 * np.exp(-0.5 * (((x - 50.0) / 8.0) ** 2 + ((y - 60.0) / 12.0) ** 2)))
    images = folder / "images"
    images.mkdir()
    np.savetxt(images / "20220314-100754.csv", counts, fmt="%d", delimiter=",")
    analysis = ImageAnalysis(images, image_src=folder, result_filepath=folder / "results.csv")
    analysis.run()
    if analysis.results.height != 1:
        raise AssertionError(f"{analysis.results.height} images instead of one")


def demonstrate(folder: Path) -> None:
    """Do what `utokyo demo` does, faster and in a shorter beam time."""
    from rich.console import Console  # noqa: PLC0415

    from utokyo.engine.command.demo import run_demo  # noqa: PLC0415

    run_demo(folder / "demo", minutes=3.0, speed=36.0, seed=1, console=Console(stderr=True))


WORKS: dict[str, Callable[[Path], None]] = {
    "log": read_log,
    "ssd": read_ssd,
    "ssd-analysis": analyse_ssd,
    "image": analyse_image,
    "demo": demonstrate,
}


def measure(work: str) -> Times:
    """Do a work in a process of its own, with an empty cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache"), "MPLBACKEND": "agg"}
        answer = folder / "answer.json"
        command = [sys.executable, __file__, work, "--inside", str(folder), "--answer", str(answer)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        found = json.loads(answer.read_text(encoding="utf-8"))
    kernels = [Compiled(**kernel) for kernel in found.pop("kernels")]
    return Times(**found, kernels=kernels)


def measure_here(work: str, folder: Path) -> Times:
    """Do a work in this process."""
    begin = time.perf_counter()
    from numba.core import event  # noqa: PLC0415

    compiled: list[Compiled] = []
    event.register("numba:compile", _listener(compiled))
    imports_s = time.perf_counter() - begin
    WORKS[work](folder)
    return Times(work, time.perf_counter() - begin, time.process_time(), imports_s, compiled)


def _listener(compiled: list[Compiled]) -> Any:
    from numba.core import event  # noqa: PLC0415

    class Stacks(threading.local):
        """Begun kernels of each thread: when, and the seconds of what they called."""

        def __init__(self) -> None:
            self.begun: list[list[float]] = []

    stacks = Stacks()

    class Recorder(event.Listener):  # type: ignore[misc]
        def on_start(self, event: Any) -> None:
            del event
            stacks.begun.append([time.thread_time(), 0.0])

        def on_end(self, event: Any) -> None:
            begin_s, callees_s = stacks.begun.pop()
            total_s = time.thread_time() - begin_s
            if stacks.begun:
                stacks.begun[-1][1] += total_s
            function = event.data["dispatcher"].py_func
            types = ", ".join(map(str, event.data["args"]))
            name = function.__qualname__.replace("<locals>.", "")
            compiled.append(Compiled(function.__module__, name, types, total_s - callees_s, total_s))

    return Recorder()


def _first_table(recorder: Any, rows: int) -> None:
    recorder.update()
    if recorder.get_table().height != rows:
        raise AssertionError(f"{recorder.get_table().height} rows instead of {rows}")


def _write_ssd(folder: Path, pulses: int) -> Path:
    """Pulses of an even background and of one burst."""
    random = np.random.default_rng(1)
    ticks = np.sort(
        np.concatenate([random.uniform(0.0, 60e6, pulses - pulses // 2), 20e6 + random.exponential(3e6, pulses // 2)])
    ).astype(np.int64)
    header = [
        "Model,WE7562",
        "//StartDate,2022/03/14",
        "//StartTime,10:07:54",
        "//TimeResolution,1e-6",
    ]
    lines = [f"{i},{t},{h}" for i, (t, h) in enumerate(zip(ticks, random.integers(500, 4031, pulses), strict=True))]
    path = folder / "-001-2022_0314_100754.csv"
    path.write_text("\n".join([*header, "TraceName,Time,PulseHeight", *lines, ""]), encoding="utf-8")
    return path


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", metavar="work", help=", ".join(WORKS))
    parser.add_argument("--kernels", action="store_true", help="print every kernel")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.inside is not None:
        times = measure_here(wanted.works[0], wanted.inside)
        wanted.answer.write_text(json.dumps(asdict(times)), encoding="utf-8")
        return
    for work in wanted.works or WORKS:
        times = measure(work)
        print(times, flush=True)
        if wanted.kernels:
            for kernel in sorted(times.kernels, key=lambda kernel: -kernel.own_s):
                seconds = f"{kernel.own_s:7.3f} own {kernel.with_callees_s:7.3f} with callees"
                print(f"    {seconds}  {kernel.module}.{kernel.name}({kernel.types})")


if __name__ == "__main__":
    main()
