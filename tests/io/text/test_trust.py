"""What a file may do while it is read, and what it may hold: nothing is lost, nothing is taken twice, nothing dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError
from utokyo.io.header import NoHeader
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.text import growing

PULSES = Layout("pulses", tuple(Column(name, Kind.INTEGER) for name in ("n", "t", "h")), header=NoHeader())


def pulses(start: int, count: int) -> bytes:
    table = pl.DataFrame({"n": np.arange(start, start + count)}).with_columns(
        t=pl.col("n") * 7919, h=pl.col("n") % 4096
    )
    return table.write_csv(include_header=False).encode()


def read(path: Path, layout: Layout | None = None) -> Reader:
    reader = Reader(path, layout)
    reader.update()
    return reader


# --- A file that changes while it is read.

READ_AGAIN_AND_AGAIN = """
import sys, warnings
from utokyo.io.reader import Reader
from tests_layout import PULSES
Reader(sys.argv[1], PULSES).update()  # compiles: what follows is to be reading
print("ready", flush=True)
while True:
    reader = Reader(sys.argv[1], PULSES)
    reader.update()
    rows = reader.frame["n"].to_list()[:3]
    assert rows == list(range(len(rows))), rows
    print(reader.rows, flush=True)
"""

LAYOUT_MODULE = """
from utokyo.io.header import NoHeader
from utokyo.io.column import Column, Kind
from utokyo.io.layout import Layout
PULSES = Layout("pulses", tuple(Column(name, Kind.INTEGER) for name in ("n", "t", "h")), header=NoHeader())
"""


def child(folder: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    (folder / "tests_layout.py").write_text(LAYOUT_MODULE)
    (folder / "script.py").write_text(script)
    command = [sys.executable, str(folder / "script.py"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses to truncate a file that another program maps")
def test_a_file_truncated_in_the_middle_of_a_bulk_read_does_not_kill_the_reader(tmp_path):
    path = tmp_path / "f.csv"
    content = pulses(0, 3_000_000)
    path.write_bytes(content)
    reader = child(tmp_path, READ_AGAIN_AND_AGAIN, str(path))
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    answers: list[str] = []
    listener = threading.Thread(target=lambda: answers.extend(iter(reader.stdout.readline, "")))
    listener.start()
    dice = random.Random(1)
    truncations = 0
    try:
        while truncations < 30 or len(answers) <= 5:
            time.sleep(dice.uniform(0.0, 0.05))
            os.truncate(path, dice.randrange(len(content)))
            time.sleep(dice.uniform(0.0, 0.02))
            with path.open("r+b") as handle:
                handle.write(content)
            truncations += 1
            assert reader.poll() is None, reader.stderr.read()
            assert truncations < 1000, "the reader does not come to an end"
    finally:
        reader.kill()
        listener.join()
        reader.communicate()


COUNT_WITH_CHECKPOINTS = """
import sys
import polars as pl
from utokyo.io.errors import MissingFileError
from utokyo.io.reader import Reader
from utokyo.io.store import ResultTable
from tests_layout import PULSES
path, state, results = sys.argv[1:4]
reader = Reader(path, PULSES, checkpoint=state)
table = ResultTable(results)
print("ready", flush=True)
while True:
    first = reader.rows
    chunk = reader.next_chunk(20_000)
    if chunk is None:
        continue
    row = pl.DataFrame({"first": [first], "rows": [chunk.height], "sum": [int(chunk["n"].sum())]})
    table.replace(row, pl.col("first") >= first)
    reader.checkpoint()
"""


def killed_and_restarted(folder: Path, kills: int, seed: int) -> None:
    """Kill a process that counts rows, while they are written, and compare what it stored with what was written."""
    folder.mkdir(exist_ok=True)
    path, results = folder / "f.csv", folder / "results.csv"
    path.write_bytes(b"")
    written, stop = [0], threading.Event()

    def write() -> None:
        dice = random.Random(seed)
        with path.open("ab", buffering=0) as handle:
            while not stop.is_set():
                count = dice.randrange(1, 4000)
                data = pulses(written[0], count)
                cut = dice.randrange(len(data))
                handle.write(data[:cut])
                time.sleep(0.002)
                handle.write(data[cut:])
                written[0] += count

    writer = threading.Thread(target=write)
    writer.start()
    dice = random.Random(seed + 1)
    arguments = [str(path), str(folder / "state"), str(results)]
    try:
        for _ in range(kills):
            process = child(folder, COUNT_WITH_CHECKPOINTS, *arguments)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
            time.sleep(dice.expovariate(8.0))
            process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
            process.communicate()
    finally:
        stop.set()
        writer.join()
    process = child(folder, COUNT_WITH_CHECKPOINTS, *arguments)
    try:
        deadline = time.monotonic() + 60
        table = pl.DataFrame()
        while time.monotonic() < deadline:
            table = pl.read_csv(results) if results.exists() else pl.DataFrame({"rows": [0]})
            if table["rows"].sum() >= written[0]:
                break
            time.sleep(0.1)
    finally:
        process.kill()
        process.communicate()
    table = table.sort("first")
    assert table["rows"].sum() == written[0]
    assert table["first"].to_list() == [0, *table["rows"].cum_sum().to_list()[:-1]]
    assert table["sum"].sum() == written[0] * (written[0] - 1) // 2


def test_every_row_counts_once_though_the_reading_process_is_killed(tmp_path):
    killed_and_restarted(tmp_path / "a", 4, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_row_counts_once_over_two_hundred_kills(tmp_path):
    for part in range(10):  # ten files, so that none grows beyond what a test may write
        killed_and_restarted(tmp_path / str(part), 20, seed=10 + part)


WRITE_AT_50_MB_PER_S = """
import sys, time
block = open(sys.argv[2], "rb").read()
seconds = float(sys.argv[3])
with open(sys.argv[1], "ab", buffering=0) as handle:
    start, written = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        if written < 50e6 * now:
            handle.write(block)
            written += len(block)
        else:
            time.sleep(0.005)
print(written)
"""


def resident_bytes() -> int:
    status = Path("/proc/self/statm")
    if not status.is_file():
        pytest.skip("this system does not tell the memory of a process")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def follow(folder: Path, seconds: float) -> None:
    path, block = folder / "f.csv", folder / "block.csv"
    block.write_bytes(pulses(1_000_000, 20_000))
    path.write_bytes(pulses(0, 100))
    warm = read(path, PULSES)
    assert list(warm.chunks(1000)) == []
    writer = child(folder, WRITE_AT_50_MB_PER_S, str(path), str(block), str(seconds))
    reader = Reader(path, PULSES)
    lags, rows = [], 0
    settled = None
    started = time.monotonic()
    while writer.poll() is None:
        time.sleep(0.5)
        behind = path.stat().st_size - reader.bytes_read
        for chunk in reader.chunks(200_000):
            rows += chunk.height
        lags.append(behind / 50e6)
        if settled is None and time.monotonic() - started > 2.5:
            settled = resident_bytes()
    rows += sum(chunk.height for chunk in reader.chunks(200_000))
    written = int(writer.communicate()[0])
    assert reader.bytes_read == path.stat().st_size == written + len(pulses(0, 100))
    assert rows == 100 + 20_000 * (written // block.stat().st_size)
    assert written > 40e6 * seconds
    assert np.median(lags) < 1.0  # seconds of data that wait at the start of a cycle of 0.5 s
    if settled is not None:
        assert resident_bytes() - settled < 128e6


def test_the_reader_keeps_up_with_50_mb_per_s(tmp_path):
    follow(tmp_path, 4.0)


@pytest.mark.slow
def test_the_reader_keeps_up_with_50_mb_per_s_for_a_minute(tmp_path):
    follow(tmp_path, 60.0)


def test_memory_grows_by_the_columns_alone(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(pulses(0, 100))
    reader = read(path, PULSES)
    assert reader.frame.height == 100
    before = resident_bytes()
    for k in range(20):
        with path.open("ab") as handle:
            handle.write(pulses(100 + k * 100_000, 100_000))
        reader.update()

    columns = 4 * 8 * reader.rows  # and the timestamps
    assert resident_bytes() - before < 2 * columns + 32e6  # room for twice as many rows is reserved


HIGHEST_MEMORY_OF_CHUNKS = """
import os, sys
from pathlib import Path
from tests_layout import PULSES
from utokyo.io.reader import Reader

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

small, large, rows = sys.argv[1:]
for chunk in Reader(small, PULSES).chunks(10):
    pass
before = highest = resident_bytes()
count = 0
for chunk in Reader(large, PULSES).chunks(int(rows)):
    count += chunk.height
    assert chunk["h"].sum() > 0
    highest = max(highest, resident_bytes())
print(count, highest - before)
"""


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_chunks_of_a_long_file_grow_memory_by_less_than_64_mb(tmp_path, rows):
    resident_bytes()  # or skip
    (tmp_path / "small.csv").write_bytes(pulses(0, 100))
    with (tmp_path / "large.csv").open("wb") as handle:
        for k in range(40):
            handle.write(pulses(k * 100_000, 100_000))
    reader = child(
        tmp_path, HIGHEST_MEMORY_OF_CHUNKS, str(tmp_path / "small.csv"), str(tmp_path / "large.csv"), str(rows)
    )

    count, growth = map(int, reader.communicate()[0].split())

    assert count == 4_000_000
    assert growth < 64e6  # the columns of the whole file are 96 MB, its text is nearly as much


def test_an_append_within_the_same_time_stamp_is_read(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(pulses(0, 10))
    stamp = path.stat().st_mtime_ns
    reader = read(path, PULSES)
    with path.open("ab") as handle:
        handle.write(pulses(10, 5))
    os.utime(path, ns=(stamp, stamp))

    assert reader.update() == 5


def test_an_old_size_from_a_share_is_no_truncation(tmp_path, monkeypatch):
    path = tmp_path / "f.csv"
    path.write_bytes(pulses(0, 1000))
    reader = read(path, PULSES)
    real = os.fstat

    def old(descriptor: int) -> Any:
        return SimpleNamespace(st_size=real(descriptor).st_size - 5000, st_mtime=0.0)

    monkeypatch.setattr(growing, "os", SimpleNamespace(**{**vars(os), "fstat": old}))
    assert reader.update() == 0
    monkeypatch.undo()
    with path.open("ab") as handle:
        handle.write(pulses(1000, 5))
    assert reader.update() == 5
    assert reader.generation == 0


def test_a_page_of_nuls_is_looked_at_again_before_it_is_passed_on(tmp_path):
    path = tmp_path / "f.csv"
    whole = pulses(0, 1000)
    path.write_bytes(whole[:2000])
    reader = read(path, PULSES)
    late = whole[:4000] + b"\0" * 4096 + whole[8096:]
    path.write_bytes(late)
    assert reader.update() > 0
    assert reader.bad_rows == 0

    path.write_bytes(whole)  # the share has got the page
    reader.update()
    assert reader.frame["n"].to_list() == list(range(1000))

    path.write_bytes(whole + b"1,\0\0\0,3\n" + pulses(1000, 3))  # and these stay
    reader.update()
    reader.update()
    assert reader.frame["n"].to_list() == list(range(1003))
    assert reader.bad_rows == 1
    assert reader.generation == 0


# --- What a file may hold.


def test_a_hundred_megabytes_without_a_line_end_wait_for_it(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(pulses(0, 10) + b"7" * 100_000_000)
    reader = read(path, PULSES)
    assert reader.rows == 10
    with path.open("ab") as handle:
        handle.write(b",1,2\n" + pulses(10, 5))

    assert reader.update() == 5
    assert reader.bad_rows == 1
    assert len(reader.bad_row_messages[0]) < 200
    assert reader.bytes_read == path.stat().st_size


def test_ten_thousand_columns(tmp_path):
    path = tmp_path / "f.csv"
    table = np.random.default_rng(3).normal(0, 1, (30, 10_000)).round(6)
    names = [f"c{i}" for i in range(10_000)]
    pl.DataFrame(table, schema=names).write_csv(path)

    layout = Layout("wide", others=Column("", Kind.FLOAT, nullable=True))
    np.testing.assert_array_equal(read(path, layout).frame.to_numpy(), table)
    np.testing.assert_array_equal(read(path).frame.to_numpy(), table)


def test_decimal_commas(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("time;p\n" + "".join(f"2022-03-14 10:00:{k:02d};{k},{k:03d}E-3\n" for k in range(60)))

    assert read(path).frame["p"].to_list() == [float(f"{k}.{k:03d}E-3") for k in range(60)]


def test_a_binary_file_is_told_in_one_sentence(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(np.random.default_rng(1).bytes(100_000))

    for layout in (None, PULSES):
        with pytest.raises(InputError, match=r"line [12]: (NUL bytes|neither UTF-8)"):
            Reader(path, layout).update()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_looks_like_a_number_is_one_or_a_bad_row(tmp_path, end):
    path = tmp_path / "f.csv"
    cells = [
        "1e400",
        "nan",
        "-inf",
        "1.#QNAN",
        "-0",
        "+5",
        " 7 ",
        "99999999999999999999",
        "0x10",
        "1_000",
        "१",
        "1e",
        ".",
    ]
    path.write_text(end.join(cells) + end, encoding="utf-8", newline="")

    reader = read(path, Layout("x", (Column("x", Kind.FLOAT),), header=NoHeader()))

    assert [str(x) for x in reader.frame["x"]] == ["inf", "nan", "-inf", "nan", "-0.0", "5.0", "7.0", "1e+20"]
    assert reader.bad_rows == 5
