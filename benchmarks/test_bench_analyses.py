"""A cycle of the analyses as the Runner does it, and what a user waits for at the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from bench_files import SSD_HEADER

from utokyo import ImageAnalysis, PMTAnalysis, SSDAnalysis, simulate
from utokyo.io.store import ResultTable


@pytest.fixture(scope="module")
def beam(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("beam") / "data"
    return folder, simulate(folder, minutes=15, seed=1)


@pytest.mark.parametrize("figures", [False, True], ids=["figures off", "figures on"])
@pytest.mark.parametrize("kind", ["ssd", "pmt"])
def test_first_run(benchmark: Any, beam: tuple[Path, dict[str, Any]], tmp_path: Path, kind: str, figures: bool) -> None:
    folder, truth = beam
    benchmark.group = f"first run of {kind} on 15 minutes"
    analysis = {"ssd": SSDAnalysis, "pmt": PMTAnalysis}[kind]
    plots = tmp_path if figures else None
    assert analysis(folder / truth["files"][kind], image_src=plots).run().height > 0
    benchmark.pedantic(lambda: analysis(folder / truth["files"][kind], image_src=plots).run(), rounds=3)


def test_later_cycle_of_the_ssd(benchmark: Any, beam: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, truth = beam
    benchmark.group = "later cycle of ssd, 2000 new pulses, figures off"
    content = (folder / truth["files"]["ssd"]).read_bytes()
    path = tmp_path / "ssd.csv"
    position = len(content) // 2
    path.write_bytes(content[:position])
    analysis = SSDAnalysis(path, result_filepath=tmp_path / "results.csv")
    analysis.run()

    def grow() -> None:
        nonlocal position
        with path.open("ab") as handle:
            handle.write(content[position : position + 40_000])
        position += 40_000

    grow()
    before = analysis.recorder.rows
    analysis.run()
    assert analysis.recorder.rows > before
    benchmark.pedantic(analysis.run, setup=grow, rounds=10)


@pytest.mark.parametrize("every_s", [0.0, 36.0], ids=["no bursts", "3 bursts"])
def test_cycle_of_100_000_new_pulses(benchmark: Any, tmp_path: Path, every_s: float) -> None:
    benchmark.group = "cycle of ssd, 100 000 new pulses at 1000 per s, figures off"
    random = np.random.default_rng(1)
    times = [random.uniform(0.0, 2000.0, 2_000_000)]
    for t0 in np.arange(18.0, 2000.0, every_s) if every_s else ():
        times += [t0 + random.exponential(1.2, 1700), t0 - random.exponential(0.2, 300)]
    ticks = np.sort(np.concatenate(times) * 1e6).astype(np.int64)
    lines = pl.DataFrame({"n": np.arange(ticks.size), "t": ticks, "h": 2500}).write_csv(include_header=False)
    content = f"{SSD_HEADER}\n{lines}".encode()
    position = content.index(b"\n1300000,")
    path = tmp_path / "ssd.csv"
    path.write_bytes(content[:position])
    analysis = SSDAnalysis(path, result_filepath=tmp_path / "results.csv")
    analysis.run()

    def grow() -> None:
        nonlocal position
        end = content.index(b"\n", position + 100_000 * (len(content) - position) // (ticks.size - 1_300_000))
        with path.open("ab") as handle:
            handle.write(content[position:end])
        position = end

    grow()
    before = analysis.recorder.rows
    analysis.run()
    assert 90_000 < analysis.recorder.rows - before < 110_000
    assert (analysis.results.height > 0) == (every_s > 0.0)
    benchmark.pedantic(analysis.run, setup=grow, rounds=5)


@pytest.mark.parametrize("draw", ["never", "always"])
def test_images(benchmark: Any, beam: tuple[Path, dict[str, Any]], tmp_path: Path, draw: Any) -> None:
    folder, truth = beam
    benchmark.group = f"a folder of {len(truth['images'])} images, figures {draw}"
    images = (folder / truth["images"][0]["file"]).parent

    def run() -> pl.DataFrame:
        return ImageAnalysis(images, image_src=tmp_path, draw=draw).run()

    if draw == "never":
        assert run().height == len(truth["images"])
    benchmark.pedantic(run, rounds=1)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_result_table(benchmark: Any, tmp_path: Path, ending: str) -> None:
    benchmark.group = "ten results into a table of 10 000"
    table = ResultTable(tmp_path / f"r{ending}")
    many = pl.DataFrame({"source": ["a"] * 10_000, "timestamp_ns": range(10_000), "value": [0.5] * 10_000})
    table.replace(many, pl.col("source") == "a")
    values = iter(range(10_000))

    def replace() -> int:
        few = pl.DataFrame({"source": ["b"] * 10, "timestamp_ns": range(10), "value": [float(next(values))] * 10})
        return table.replace(few, pl.col("source") == "b")

    assert replace() == 10
    benchmark.pedantic(replace, rounds=20)


START = {
    "python": [sys.executable, "-c", "pass"],
    "import utokyo": [sys.executable, "-c", "import utokyo"],
    "utokyo --help": [sys.executable, "-m", "utokyo", "--help"],
}


@pytest.mark.parametrize("what", START)
def test_start(benchmark: Any, tmp_path: Path, what: str) -> None:
    benchmark.group = "start"
    benchmark.pedantic(subprocess.run, args=(START[what],), kwargs={"check": True, "capture_output": True}, rounds=5)


@pytest.mark.parametrize("cache", ["fresh machine: compiles", "later start: from the cache", "imports alone"])
def test_first_table(benchmark: Any, beam: tuple[Path, dict[str, Any]], tmp_path: Path, cache: str) -> None:
    """Compile time, apart from run time: the first table of a new process."""
    folder, truth = beam
    benchmark.group = "first table of a new process"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    path = str(folder / truth["files"]["ssd"])
    code = "from utokyo import SSDRecorder"
    if cache != "imports alone":
        code += f"; assert SSDRecorder({path!r}).get_table().height > 0"

    def first_table() -> None:
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)

    if cache.startswith("later"):
        first_table()
    benchmark.pedantic(first_table, rounds=1 if cache.startswith("fresh") else 3)
