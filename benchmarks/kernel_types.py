"""Write the list of kernels that `utokyo warmup` compiles: `kernels/types.toml`.

    python benchmarks/kernel_types.py            # what it would be
    python benchmarks/kernel_types.py --write    # 2 min

Each work is what users do, on some minutes of simulated beam time. Which kernels it calls from Python, and for which
types, goes into the list; a work lists what the works before it do not have. Then an empty cache shows how long each
batch takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["WORKS", "kernels_of", "written"]

MINUTES, SEEDS = 3.0, (1, 7)
"""Of simulated beam time; some kernels are for what not every burst has."""
ROOM = "utokyo.kernels."
HEAD = """\
# What `utokyo warmup` compiles. Written by benchmarks/kernel_types.py, to be written again when kernels or their types
# change. Types are those of the arguments; arrays are contiguous.
"""


def tables(beam: Path, truth: Any, folder: Path) -> None:
    """Read logs, and take the mean of currents."""
    from utokyo import PMTAnalysis, open_recorder  # noqa: PLC0415 (each work in a process of its own)

    for kind in ("coil", "heater", "gauge", "ion", "laser"):
        if kind in truth["files"]:
            open_recorder(beam / truth["files"][kind]).get_table()
    PMTAnalysis(beam / truth["files"]["pmt"], image_src=folder, result_filepath=folder / "pmt.csv").run()


def pulses(beam: Path, truth: Any, folder: Path) -> None:
    """Find bursts and fit them, with and without dead time."""
    from utokyo import SSDAnalysis  # noqa: PLC0415

    path = beam / truth["files"]["ssd"]
    for dead_time_s in (0.0, 1e-6):
        SSDAnalysis(path, image_src=folder, result_filepath=folder / "ssd.csv", dead_time_s=dead_time_s).run()


def images(beam: Path, truth: Any, folder: Path) -> None:
    """Fit images and paint them."""
    import numpy as np  # noqa: PLC0415

    from utokyo import ImageAnalysis, fit_gaussian, gaussian_image  # noqa: PLC0415

    spot = {"A": 20_000.0, "x0": 70.0, "y0": 60.0, "sigma_x": 4.0, "sigma_y": 5.0, "C": 20.0}
    light = np.arange(160.0) / 5.0  # which is not even
    fit_gaussian(np.random.default_rng(1).poisson(gaussian_image(spot, (120, 160)) + light))
    of_camera = (beam / truth["images"][0]["file"]).parent
    ImageAnalysis(of_camera, image_src=folder, result_filepath=folder / "images.csv").run()


def joins(beam: Path, truth: Any, folder: Path) -> None:
    """Join sources in the ways that there are."""
    from utokyo import join, open_recorder, windows  # noqa: PLC0415

    sources = {kind: open_recorder(beam / truth["files"][kind]) for kind in ("ssd", "pmt", "coil", "heater", "gauge")}
    for options in ({"every": "1s"}, {"on": "ssd"}, {"on": "pmt"}):
        join(sources, **options)
    windows(sources, before="5s", after="10s").save(folder)


WORKS: dict[str, Callable[[Path, Any, Path], None]] = {
    "tables": tables,
    "pulses": pulses,
    "images": images,
    "joins": joins,
}


def kernels_of(work: str) -> list[tuple[str, str, str]]:
    """Do a work here, and return module, name and types of all kernels that this process has compiled or loaded."""
    from numba.core.dispatcher import Dispatcher  # noqa: PLC0415

    from utokyo import simulate  # noqa: PLC0415
    from utokyo.kernels.ahead import text_of  # noqa: PLC0415

    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as name:
            beam, folder = Path(name) / "beam", Path(name)
            truth = simulate(beam, minutes=MINUTES, seed=seed)
            WORKS[work](beam, truth, folder)
    found = []
    for home, module in sorted(sys.modules.items()):
        for name, kernel in vars(module).items() if home.startswith(ROOM) else ():
            ours = isinstance(kernel, Dispatcher) and kernel.py_func.__module__ == home
            if ours and not kernel.targetoptions.get("no_cpython_wrapper"):  # others are a part of those that call them
                found += [(home.removeprefix(ROOM), name, text_of(types)) for types in kernel.signatures]
    return found


def measured(batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compile batches here, one after another, and note how long each took and how many functions it compiled."""
    from numba.core import event  # noqa: PLC0415

    from utokyo.kernels.ahead import Batch  # noqa: PLC0415

    with event.install_recorder("numba:compile") as recorder:
        for batch in batches:
            before, begin_s = len(recorder.buffer), time.process_time()
            Batch(**batch, seconds=0.0, functions=0).compile()
            batch["functions"] = (len(recorder.buffer) - before) // 2  # a begin and an end
            batch["seconds"] = round(time.process_time() - begin_s, 1)
    return batches


def batches_of(found: dict[str, list[tuple[str, str, str]]]) -> Iterator[dict[str, Any]]:
    """Of each work what no work before has, by module."""
    seen: set[tuple[str, str, str]] = set()
    for work, kernels in found.items():
        mine = [kernel for kernel in kernels if kernel not in seen]
        seen |= set(mine)
        for module in dict.fromkeys(module for module, _, _ in mine):
            named: dict[str, list[str]] = {}
            for _, name, types in (kernel for kernel in mine if kernel[0] == module):
                named.setdefault(name, []).append(types)
            yield {"work": work, "module": module, "kernels": named}


def written(batches: list[dict[str, Any]]) -> str:
    """The list as a file."""
    lines = [HEAD]
    for batch in sorted(batches, key=lambda batch: -batch["seconds"]):
        lines.append("[[batches]]")
        lines += [f"{key} = {json.dumps(batch[key])}" for key in ("work", "module", "seconds", "functions")]
        for name, types in batch["kernels"].items():
            lines += [f"kernels.{name} = [", *(f"    {json.dumps(each)}," for each in types), "]"]
        lines.append("")
    return "\n".join(lines)


def _in_a_process(*arguments: str, cache: Path, given: str = "") -> Any:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"}
    command = [sys.executable, __file__, *arguments]
    answer = subprocess.run(command, check=True, env=environment, input=given, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="into kernels/types.toml")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.work:
        print(json.dumps(kernels_of(wanted.work)))
        return
    if wanted.measure:
        print(json.dumps(measured(json.load(sys.stdin))))
        return
    with tempfile.TemporaryDirectory() as name:
        works = Path(name) / "works"
        found = {work: [tuple(k) for k in _in_a_process("--work", work, cache=works)] for work in WORKS}
        batches = json.dumps(list(batches_of(found)))
        text = written(_in_a_process("--measure", cache=Path(name) / "empty", given=batches))
    if wanted.write:
        from utokyo.kernels.ahead import LIST  # noqa: PLC0415

        LIST.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
