"""Result tables: every row once, whatever is run again, killed, or full."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo.io.errors import InputError, OutputError
from utokyo.io.store import ResultTable, read_results
from utokyo.io.whole import write_whole


def rows_of(source: str, *stamps: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"source": [source] * len(stamps), "timestamp_ns": stamps, "value": [s / 7 for s in stamps], "note": None},
        schema={"source": pl.String, "timestamp_ns": pl.Int64, "value": pl.Float64, "note": pl.String},
    )


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_rows_written_twice_are_there_once(tmp_path, ending):
    path = tmp_path / "deep" / f"r{ending}"
    of_a, of_b = pl.col("source") == "a", pl.col("source") == "b"

    assert ResultTable(path).replace(rows_of("a", 3, 1), of_a) == 2
    assert ResultTable(path).replace(rows_of("b", 2), of_b) == 1
    assert ResultTable(path).replace(rows_of("a", 1, 3, 4), of_a) == 1

    table = read_results(path)
    assert table["timestamp_ns"].to_list() == [1, 2, 3, 4]
    assert table["value"].to_list() == [s / 7 for s in (1, 2, 3, 4)]
    assert table["source"].to_list() == ["a", "b", "a", "a"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 20), unique=True), st.booleans()), max_size=8
    ),
    ending=st.sampled_from([".csv", ".parquet"]),
)
def test_the_table_is_what_the_last_run_of_every_source_said(tmp_path_factory, runs, ending):
    path = tmp_path_factory.mktemp("store") / f"r{ending}"
    expected: dict[str, set[int]] = {}
    for source, stamps, again in runs:
        for _ in range(1 + again):
            ResultTable(path).replace(rows_of(source, *stamps), pl.col("source") == source)
        expected[source] = set(stamps)

    table = ResultTable(path).read()
    found = set(zip(table["source"], table["timestamp_ns"], strict=True)) if table.width else set()
    assert found == {(source, stamp) for source, stamps in expected.items() for stamp in stamps}
    assert table.height == len(found)


def test_nothing_is_written_when_nothing_changed(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(rows_of("a", 1), pl.col("source") == "a")
    before = path.stat().st_mtime_ns
    os.utime(path, ns=(before - 10**10, before - 10**10))
    ResultTable(path).replace(rows_of("a", 1), pl.col("source") == "a")
    assert path.stat().st_mtime_ns == before - 10**10


def test_analyses_in_threads_share_a_table(tmp_path):
    path = tmp_path / "r.csv"

    def write(i: int) -> None:
        ResultTable(path).replace(rows_of(f"s{i}", i), pl.col("source") == f"s{i}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert read_results(path)["timestamp_ns"].to_list() == list(range(40))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, monkeypatch, step):
    path = tmp_path / "r.csv"
    table = ResultTable(path)
    table.replace(rows_of("a", 1), pl.col("source") == "a")
    before = path.read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync" if step == "fsync" else "pathlib.Path.replace", full)
    with pytest.raises(OutputError, match=r"r\.csv: cannot be written: no space left on the drive"):
        table.replace(rows_of("a", 1, 2), pl.col("source") == "a")

    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [".r.csv.lock", "r.csv"]


def test_a_real_full_device_is_one_sentence(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    link = tmp_path / "r.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.open", lambda self, mode: open("/dev/full", mode))  # noqa: SIM115
        with pytest.raises(OutputError, match="no space left"):
            write_whole(link, b"x" * 100_000)


def test_other_endings_and_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.csv or \.parquet"):
        ResultTable(tmp_path / "r.xlsx")
    path = tmp_path / "r.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="without the column 'source'"):
        ResultTable(path).replace(rows_of("a", 1), pl.col("source") == "a")
    path = tmp_path / "r.parquet"
    pl.DataFrame({"source": ["a"], "timestamp_ns": [1], "value": ["x"]}).write_parquet(path)
    with pytest.raises(InputError, match="its columns are not those of this analysis"):
        ResultTable(path).replace(rows_of("a", 1), pl.col("source") == "a")


def test_a_column_without_values_keeps_its_type(tmp_path):
    path = tmp_path / "r.csv"
    empty = rows_of("a", 1).with_columns(pl.lit(None, pl.Float64).alias("value"))
    ResultTable(path).replace(empty, pl.col("source") == "a")
    ResultTable(path).replace(rows_of("b", 2), pl.col("source") == "b")
    assert read_results(path)["value"].to_list() == [None, 2 / 7]
