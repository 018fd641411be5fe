"""Recorders: the table with all its metadata, and parser mode over a whole file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bench_files import SSD_HEADER, write_ssd
from test_bench_reader import sum_of_read_bytes

from utokyo import SSDParser, SSDRecorder

LINES = SSD_HEADER.count("\n") + 1
NAMES = ["TraceName", "Time_x", "PulseHeight"]
CHUNK = 100_000


def test_table_when_nothing_is_new(benchmark: Any, files: dict[str, Path]) -> None:
    benchmark.group = "table with 36 columns of metadata, nothing new"
    recorder = SSDRecorder(files["ssd"])
    first = recorder.get_table()
    assert benchmark(recorder.get_table) is first


def test_table_by_cross_join(benchmark: Any, files: dict[str, Path]) -> None:
    benchmark.group = "table with 36 columns of metadata, nothing new"
    recorder = SSDRecorder(files["ssd"])
    data, metadata = recorder.get_data(), recorder.get_metadata()
    joined = benchmark.pedantic(lambda: data.join(metadata, how="cross"), rounds=2)
    assert joined.height == data.height


def test_table_after_one_more_row(benchmark: Any, tmp_path: Path, rows: int) -> None:
    benchmark.group = "table after one more row"
    path = write_ssd(tmp_path / "ssd.csv", rows)
    recorder = SSDRecorder(path)
    recorder.get_table()

    def grow() -> None:
        with path.open("ab") as handle:
            handle.write(b"1,99999999999999,700\n")

    grow()
    assert recorder.get_table().height == rows + 1
    benchmark.pedantic(recorder.get_table, setup=grow, rounds=30)


def ours(path: Path) -> int:
    return sum(int(chunk["PulseHeight"].sum()) for chunk in SSDParser(path, lines_per_update=CHUNK))


def pandas_chunks(path: Path) -> int:
    pandas = pytest.importorskip("pandas")
    chunks = pandas.read_csv(path, skiprows=LINES, header=None, names=NAMES, chunksize=CHUNK)
    return sum(int(chunk["PulseHeight"].sum()) for chunk in chunks)


def polars_batches(path: Path) -> int:
    lazy = pl.scan_csv(path, skip_rows=LINES, has_header=False, new_columns=NAMES)
    return sum(int(chunk["PulseHeight"].sum()) for chunk in lazy.collect_batches(chunk_size=CHUNK))


def polars_batches_with_times(path: Path) -> int:
    """The same with the times that our chunks have; the metadata is still left out."""
    lazy = pl.scan_csv(path, skip_rows=LINES, has_header=False, new_columns=NAMES)
    timestamp = pl.col("Time_x") * 1000 + 1_647_252_474_000_000_000
    timed = lazy.with_columns(timestamp=timestamp, datetime=timestamp.cast(pl.Datetime("ns")))
    return sum(int(chunk["PulseHeight"].sum()) for chunk in timed.collect_batches(chunk_size=CHUNK))


def limit(path: Path) -> int:
    """The machine's own: to read the bytes and sum them."""
    return sum_of_read_bytes(path, "ssd")


@pytest.mark.parametrize(
    "read", [ours, pandas_chunks, polars_batches, polars_batches_with_times, limit], ids=lambda peer: peer.__name__
)
def test_parser(benchmark: Any, files: dict[str, Path], read: Any) -> None:
    benchmark.group = f"whole file in chunks of {CHUNK}"
    if read in {polars_batches, polars_batches_with_times} and not hasattr(pl.LazyFrame, "collect_batches"):
        pytest.skip("this polars has no batches of a lazy frame")
    assert read is limit or read(files["ssd"]) == ours(files["ssd"])
    benchmark.pedantic(read, args=(files["ssd"],), rounds=3)
