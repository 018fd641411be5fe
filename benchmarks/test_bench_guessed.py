"""Tables that nobody described, beside the same files with their layout given: each read in a process of its own.

A guess costs some milliseconds once, and what it finds (dates in another order, words for no value, headers in the
middle, blanks) must be read as fast as what was described. Reads alternate, and the middle of their ratios counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import pytest

from utokyo.io.column import Column, Kind
from utokyo.io.header import NoHeader
from utokyo.io.layout import BLANKS, Layout
from utokyo.io.times import ColumnTime

NAMES = ("a", "b", "c", "d")
BAR = 0.8
"""Speed of a guessed file, at least, in units of the same one described; files of 200 MB."""
GUESS_S = 0.1
"""Beside that, what a guess may cost of small files, which are read as fast as a guess is made."""
MORE_MB = 30
"""Memory that a guess may take more, at its peak."""
ROUNDS = 9


def _log(rows: int, format_: str) -> pl.DataFrame:
    random = np.random.default_rng(5)
    stamps = pl.Series(1_795_000_000_789_000_000 + np.arange(rows, dtype=np.int64) * 100_000_000)
    table = pl.DataFrame({name: random.normal(0, 10, rows).round(6) for name in NAMES})
    return table.insert_column(0, stamps.cast(pl.Datetime("ns")).dt.strftime(format_).alias("time"))


def write_plain(path: Path, rows: int) -> None:
    _log(rows, "%Y-%m-%d %H:%M:%S%.3f").write_csv(path, float_precision=6)


def write_unix(path: Path, rows: int) -> None:
    _log(rows, "%s%.3f").write_csv(path, float_precision=6)


def write_european(path: Path, rows: int) -> None:
    table = _log(rows, "%d.%m.%Y %H:%M:%S,%3f")
    commas = [pl.col(name).cast(pl.String).str.replace(".", ",", literal=True) for name in NAMES]
    table.with_columns(commas).write_csv(path, separator=";", quote_style="never")


def write_american(path: Path, rows: int) -> None:
    _log(rows, "%m/%d/%Y %I:%M:%S%.3f %p").write_csv(path, float_precision=6)


def write_words(path: Path, rows: int) -> None:
    """A gauge that is off for a quarter of the time."""
    table = _log(rows, "%Y-%m-%d %H:%M:%S%.3f")
    is_off = pl.Series(np.arange(rows) % 4000 >= 3000)
    table = table.with_columns(b=pl.when(is_off).then(pl.lit("OL")).otherwise(pl.col("b").cast(pl.String)))
    table.write_csv(path, float_precision=6)


def write_headers(path: Path, rows: int) -> None:
    """A logger that was started again every 100 000 rows."""
    table = _log(rows, "%Y-%m-%d %H:%M:%S%.3f")
    with path.open("wb") as handle:
        for first in range(0, rows, 100_000):
            table.slice(first, 100_000).write_csv(handle, float_precision=6)


def write_blanks(path: Path, rows: int) -> None:
    """As `numpy.savetxt` writes."""
    table = _log(rows, "%s%.3f").with_columns(time=np.arange(rows) * 0.001)
    table.write_csv(path, separator=" ", include_header=False, float_precision=9)


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "plain": write_plain,
    "unix": write_unix,
    "european": write_european,
    "american": write_american,
    "words": write_words,
    "headers": write_headers,
    "blanks": write_blanks,
}


def described(kind: str) -> Layout:
    """The layout of the files of one writer."""
    values = tuple(Column(name, Kind.FLOAT, nullable=True) for name in NAMES)
    if kind == "blanks":
        return Layout("log", (Column("time", Kind.FLOAT), *values), delimiter=BLANKS, header=NoHeader())
    if kind == "unix":
        return Layout("log", (Column("time", Kind.FLOAT), *values), time=ColumnTime("time", 1_000_000_000))
    columns = (Column("time", Kind.DATETIME), *values)
    if kind == "european":
        return Layout("log", columns, delimiter=";", decimal=",", time=ColumnTime("time"))
    return Layout("log", columns, time=ColumnTime("time"), dates="mdy" if kind == "american" else "")


READ = """
import json, logging, sys, time
from pathlib import Path
from test_bench_guessed import WRITERS, described
from utokyo import Reader
logging.disable(logging.CRITICAL)
path, kind, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
layout = described(kind) if how == "described" else None

def read(path):
    reader = Reader(path, layout)
    reader.update()
    reader.time_frame()
    return reader.frame

read(path.with_name("short_" + path.name))  # kernels are loaded
before = time.perf_counter()
table = read(path)
seconds = time.perf_counter() - before
try:
    status = open("/proc/self/status").read()
    peak_MB = int(status.split("VmHWM:")[1].split()[0]) / 1e3
except (OSError, IndexError):
    peak_MB = None
sums = [repr(float(column.cast(float).sum())) for column in table.get_columns()]
print(json.dumps({"seconds": seconds, "peak_MB": peak_MB, "rows": table.height, "sums": sums}))
"""


def read(folder: Path, path: Path, kind: str, how: str) -> dict[str, Any]:
    command = [sys.executable, "-c", READ, str(path), kind, how]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", WRITERS)
def test_guessed_tables_are_read_as_fast_as_described_ones(
    benchmark: Any, request: pytest.FixtureRequest, tmp_path: Path, rows: int, kind: str
) -> None:
    benchmark.group = f"guessed: {kind}"
    path, folder = tmp_path / f"{kind}.csv", request.path.parent
    WRITERS[kind](path, rows // 6)
    WRITERS[kind](tmp_path / f"short_{kind}.csv", 5_000)
    for how in ("described", "guessed"):
        read(folder, path, kind, how)  # the file is in the memory of the system, kernels are compiled
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def pair() -> None:
        found.append((read(folder, path, kind, "described"), read(folder, path, kind, "guessed")))

    benchmark.pedantic(pair, rounds=ROUNDS)
    allowance_s = 0.0 if request.config.getoption("--sizes") == "large" else GUESS_S
    slower = median(two["seconds"] / (one["seconds"] + allowance_s) for one, two in found)
    fastest = [min(told[k]["seconds"] for told in found) for k in range(2)]
    benchmark.extra_info |= {"MB": path.stat().st_size / 1e6, "described_s": fastest[0], "guessed_s": fastest[1]}
    one, two = found[0]
    assert (one["rows"], one["sums"]) == (two["rows"], two["sums"])
    assert one["rows"] == rows // 6
    assert slower <= 1 / BAR
    if one["peak_MB"] is not None:
        assert median(two["peak_MB"] for _, two in found) <= median(one["peak_MB"] for one, _ in found) + MORE_MB
