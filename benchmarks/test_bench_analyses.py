"""A cycle of the analyses as the Runner does it, and what a user waits for at the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

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


@pytest.mark.parametrize("cache", ["fresh machine: compiles", "later start: from the cache"])
def test_first_table(benchmark: Any, beam: tuple[Path, dict[str, Any]], tmp_path: Path, cache: str) -> None:
    """Compile time, apart from run time: the first table of a new process."""
    folder, truth = beam
    benchmark.group = "first table of a new process"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    path = str(folder / truth["files"]["ssd"])
    code = f"from utokyo import SSDRecorder; assert SSDRecorder({path!r}).get_table().height > 0"

    def first_table() -> None:
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)

    if cache.startswith("later"):
        first_table()
    benchmark.pedantic(first_table, rounds=1 if cache.startswith("fresh") else 3)
