"""The reader: whole files, updates of a growing file, and images, each beside its peers on the same bytes.

Peers read what our reader reads: typed columns, times parsed. The row `sum of bytes` is the machine's own limit: the
time to touch every byte once. Kernels are warm; the first use on a fresh machine is in `test_bench_start`.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from bench_files import SSD_HEADER, ssd_table, write_ssd

from utokyo.engine.recorders.gauge import GaugeRecorder
from utokyo.engine.recorders.ion import IonRecorder
from utokyo.engine.recorders.pmt import PMTRecorder
from utokyo.engine.recorders.ssd import SSDRecorder
from utokyo.io.image import read_image
from utokyo.io.reader import Reader
from utokyo.io.text.rest import Access

LAYOUTS = {
    "ssd": SSDRecorder.layout,
    "ion": IonRecorder.layout,
    "gauge": GaugeRecorder.layout,
    "pmt": PMTRecorder.layout,
}
TIME = {"ion": "Timestamp", "gauge": "Timestamp", "pmt": "Time"}
SSD_NAMES = ["TraceName", "Time_x", "PulseHeight"]
SSD_LINES = SSD_HEADER.count("\n") + 1
DATES = "%Y/%m/%d %H:%M:%S"


def ours(path: Path, kind: str, access: Access = "read") -> pl.DataFrame:
    reader = Reader(path, LAYOUTS[kind], access=access)
    reader.update()
    return reader.frame


def ours_mapped(path: Path, kind: str) -> pl.DataFrame:
    return ours(path, kind, "map")


def with_polars(path: Path, kind: str) -> pl.DataFrame:
    if kind == "ssd":
        return pl.read_csv(path, skip_rows=SSD_LINES, has_header=False, new_columns=SSD_NAMES)
    table = pl.read_csv(path)
    return table.with_columns(
        pl.col(TIME[kind]).str.to_datetime(DATES + ("%.3f" if kind == "pmt" else ""), time_unit="ns")
    )


def with_pyarrow(path: Path, kind: str) -> pl.DataFrame:
    csv = pytest.importorskip("pyarrow.csv")
    names = SSD_NAMES if kind == "ssd" else None
    read = csv.ReadOptions(skip_rows=SSD_LINES if kind == "ssd" else 0, column_names=names)
    convert = csv.ConvertOptions(timestamp_parsers=[DATES])
    table = pl.from_arrow(csv.read_csv(path, read_options=read, convert_options=convert))
    assert isinstance(table, pl.DataFrame)
    if kind == "pmt":
        return table.with_columns(pl.col("Time").str.to_datetime(DATES + "%.3f", time_unit="ns"))
    return table


def with_duckdb(path: Path, kind: str) -> pl.DataFrame:
    duckdb = pytest.importorskip("duckdb")
    if kind == "ssd":
        names = ", ".join(f"'{n}': 'BIGINT'" for n in SSD_NAMES)
        source = f"read_csv('{path}', skip={SSD_LINES}, header=false, columns={{{names}}}, delim=',')"
    else:
        date = "%Y/%m/%d %H:%M:%S" + (".%g" if kind == "pmt" else "")
        source = f"read_csv('{path}', timestampformat='{date}', header=true, delim=',')"
    table: pl.DataFrame = duckdb.sql(f"SELECT * FROM {source}").pl()
    return table


def with_pandas(path: Path, kind: str, engine: str = "c") -> pl.DataFrame:
    pandas = pytest.importorskip("pandas")
    if kind == "ssd":
        return pl.DataFrame(pandas.read_csv(path, skiprows=SSD_LINES, header=None, names=SSD_NAMES, engine=engine))
    return pl.DataFrame(pandas.read_csv(path, parse_dates=[TIME[kind]], engine=engine))


def with_pandas_pyarrow(path: Path, kind: str) -> pl.DataFrame:
    return with_pandas(path, kind, "pyarrow")


def sum_of_bytes(path: Path, kind: str) -> int:
    del kind
    return int(np.fromfile(path, np.uint8).sum())


def sum_of_read_bytes(path: Path, kind: str) -> int:
    """The same through a buffer that is used again, as our reader reads."""
    del kind
    buffer = np.empty(1 << 20, np.uint8)
    total = 0
    with path.open("rb", buffering=0) as handle:
        while got := handle.readinto(buffer.data):
            total += int(buffer[:got].sum())
    return total


def sum_of_mapped_bytes(path: Path, kind: str) -> int:
    """The same through a map: what a reader that maps would save."""
    del kind
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, np.uint8)
        total = sum(int(data[k : k + (1 << 20)].sum()) for k in range(0, data.size, 1 << 20))
        del data
    return total


LIMITS = [sum_of_bytes, sum_of_read_bytes, sum_of_mapped_bytes]
PEERS = [ours, ours_mapped, with_polars, with_pyarrow, with_duckdb, with_pandas, with_pandas_pyarrow, *LIMITS]


def assert_same(table: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Equal values: integers and times exactly, doubles to the last digits that pandas keeps."""
    assert table.shape == expected.shape
    for ours_, theirs in zip(expected.get_columns(), table.get_columns(), strict=True):
        if ours_.dtype.is_temporal():
            assert theirs.cast(pl.Datetime("ns")).equals(ours_)
        else:
            np.testing.assert_allclose(theirs.to_numpy(), ours_.to_numpy(), rtol=1e-14)


@pytest.mark.parametrize("read", PEERS, ids=lambda peer: peer.__name__)
@pytest.mark.parametrize("kind", ["ssd", "ion", "gauge", "pmt"])
def test_whole_file(benchmark: Any, files: dict[str, Path], kind: str, read: Callable[[Path, str], Any]) -> None:
    benchmark.group = f"whole file: {kind}"
    path = files[kind]
    if read not in LIMITS:
        assert_same(read(path, kind), ours(path, kind))
    benchmark.extra_info["MB"] = path.stat().st_size / 1e6
    benchmark.pedantic(read, args=(path, kind), rounds=5, warmup_rounds=1)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system cannot be told to forget a file")
@pytest.mark.parametrize("read", [ours, ours_mapped], ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("kind", ["ssd", "gauge"])
def test_whole_file_from_the_disk(
    benchmark: Any, files: dict[str, Path], kind: str, read: Callable[[Path, str], Any]
) -> None:
    """As the system reads it after a restart, or from an archive."""
    benchmark.group = f"whole file from the disk: {kind}"
    path = files[kind]

    def forget() -> tuple[tuple[Path, str], dict[str, Any]]:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return (path, kind), {}

    read(path, kind)
    benchmark.extra_info["MB"] = path.stat().st_size / 1e6
    benchmark.pedantic(read, setup=forget, rounds=5)


class Update:
    """A file that grows by some rows before every round."""

    def __init__(self, path: Path, rows: int, new: int) -> None:
        self.path = write_ssd(path, rows)
        table = ssd_table(new)
        self.lines = table.write_csv(include_header=False).encode()
        self.new = new
        self.rows_before = rows
        self.offset = self.path.stat().st_size
        self.reader = Reader(self.path, SSDRecorder.layout)
        self.reader.update()

    def grow(self) -> None:
        self.offset = self.path.stat().st_size
        with self.path.open("ab") as handle:
            handle.write(self.lines)

    def ours(self) -> int:
        return self.reader.update()

    def seek_and_polars(self) -> int:
        with self.path.open("rb") as handle:
            handle.seek(self.offset)
            return pl.read_csv(handle, has_header=False, new_columns=SSD_NAMES).height

    def pandas_skipping(self) -> int:
        pandas = pytest.importorskip("pandas")
        rows = SSD_LINES + self.rows_before
        self.rows_before += self.new
        return len(pandas.read_csv(self.path, skiprows=rows, header=None, names=SSD_NAMES))

    def polars_again(self) -> int:
        return with_polars(self.path, "ssd").height

    def pandas_again(self) -> int:
        return with_pandas(self.path, "ssd").height


@pytest.mark.parametrize("how", ["ours", "seek_and_polars", "pandas_skipping", "polars_again", "pandas_again"])
@pytest.mark.parametrize("new", [100, 10_000])
@pytest.mark.parametrize("share", [0.01, 1.0], ids=["hundredth", "whole"])
def test_update(benchmark: Any, tmp_path: Path, rows: int, how: str, new: int, share: float) -> None:
    benchmark.group = f"update by {new} rows of {int(rows * share)}"
    file = Update(tmp_path / "ssd.csv", int(rows * share), new)
    read = getattr(file, how)
    file.grow()
    assert read() in {new, int(rows * share) + new}
    rounds = 50 if how in {"ours", "seek_and_polars"} else 3
    benchmark.pedantic(read, setup=file.grow, rounds=rounds)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "cmos_000001.csv"
    counts = np.random.default_rng(1).poisson(25.0, (263, 228))
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in counts.tolist()))
    return path


def image_with_pandas(path: Path) -> Any:
    return pytest.importorskip("pandas").read_csv(path, header=None).to_numpy()


def image_with_numpy(path: Path) -> Any:
    return np.loadtxt(path, delimiter=",", dtype=np.int64)


def image_with_polars(path: Path) -> Any:
    return pl.read_csv(path, has_header=False).to_numpy()


@pytest.mark.parametrize(
    "read", [read_image, image_with_pandas, image_with_numpy, image_with_polars], ids=lambda p: p.__name__
)
def test_image(benchmark: Any, image: Path, read: Callable[[Path], Any]) -> None:
    benchmark.group = "image of 263 x 228"
    np.testing.assert_array_equal(read(image), read_image(image))
    benchmark(read, image)
