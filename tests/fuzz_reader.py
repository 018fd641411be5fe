"""A fuzz target for the reader: no bytes, however they arrive, crash it or change the table.

    python -m pip install ".[fuzz]"
    python tests/fuzz_reader.py -max_total_time=60 -timeout=10

`atheris` makes the bytes, guided by the branches that they reach in `utokyo.io`. The first bytes choose a layout, where
to cut, after which looks another process goes on from a checkpoint, and how much of a file a guess is made from; the
rest is the file. It is read at once, in pieces, and in chunks; all must give the same table and the same bad rows, and
of a file that nobody described the same layout and the same remarks, too.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import pkgutil
import sys
import tempfile
from pathlib import Path

import atheris

import utokyo.kernels

# Compiled from their bytecode, kernels must not be instrumented.
for kernels in pkgutil.walk_packages(utokyo.kernels.__path__, "utokyo.kernels."):
    importlib.import_module(kernels.name)

with atheris.instrument_imports(include=["utokyo.io"]):
    from utokyo.io.column import Column, Kind
    from utokyo.io.errors import UtokyoError
    from utokyo.io.header import KeyValueLines, NoHeader
    from utokyo.io.layout import BLANKS, Layout
    from utokyo.io.reader import Reader
    from utokyo.io.text import opening
    from utokyo.io.times import Elapsed, TimeOfDay

LAYOUTS = [
    None,
    Layout("all", tuple(Column(kind.name, kind, nullable=kind is Kind.FLOAT) for kind in Kind), header=NoHeader()),
    Layout("short", (Column("a", Kind.INTEGER), Column("b", Kind.FLOAT), Column("c", Kind.TEXT, nullable=True)),
           delimiter="\t", header=NoHeader(), short_rows=True, decimal=","),
    Layout("times", (Column("t", Kind.TIME),), header=NoHeader(), time=TimeOfDay("t", 0), trailing_delimiter=True),
    Layout("ssd", (Column("n", Kind.INTEGER), Column("t", Kind.INTEGER)), encoding="cp932",
           header=KeyValueLines(required=("Start",)), time=Elapsed("t", start_keys=("Start",), unit_s=1e-6)),
    Layout("blanks", tuple(Column(kind.name, kind, kind is Kind.TEXT) for kind in Kind if kind is not Kind.DATETIME),
           delimiter=BLANKS, header=NoHeader()),
]  # fmt: skip
FOLDER = Path(tempfile.mkdtemp())
SAMPLES = (1 << 16, 40, 120, 300)
"""Bytes from which a layout is guessed: small ones, so that rows behind them come, too."""
FOLDER = Path(tempfile.mkdtemp())
SEEDS = [
    b"\0\5\11\20\40\0time,value\n2022-03-14 10:00:00,1.5\n2022-03-14 10:00:01,2\n",
    b"\1\5\11\20\40\0-12,1.5e-3,2022/03/14 10:07:54.553,2022/03/14,10:07:54,abc\r\n7,,2022-03-14T10:07:54,",
    b'\2\5\11\20\40\0001\t1,5\t"a"\n2\n\n3\t1e400\n',
    b"\3\5\11\20\40\00023:59:59,\n00:00:00\n",
    b"\4\5\11\20\40\0Start,2022/03/14 10:00:00\nn,t\n0,1234567\n1,123456789012345\n",
    b"\4\5\11\20\40\0Start,2022/03/14 10:00:00\nn,t\n0,12\nStart,2022/03/14 11:00:00\nn,t\n1,4294967295\n2,7\n",
    b'\1\5\11\20\40\0"-12"," 1.5e-3 ","2022/03/14 10:07:54",2022/03/14,"10:07:54","a ""b"""\r'
    b'1,"",2022-03-14T10:07:54\r',
    b'\5\5\11\20\40\0 12\t 18446744073709551616.5   2022/03/14 10:07:54 "a b"\r\n7 1 2022-03-14 10:07:54 x\0\n',
    b"\0\20\60\120\160\3Zeit;Strom\r\n09.05.2023 11:20:05;1.019,5\r\n09.05.2023 11:20:06;OL\r\n# by hand\r\n"
    b"09.05.2023 11:20:07;2.155\r\n",
    b"\0\20\60\120\160\25t,a,b\n1683631205,1,2\n1683631206,1,N/A\nt,b,a,c\n1683631207,3,4,5\n1683631208,3,4.5,5\n",
    b"\0\20\60\120\160\37Date\tTime\tp (mbar)\n05/09/23\t11:20:05 PM\t1e-6\n05/13/23\t11:20:06 PM\t-\n\nMean\t1.5\n",
    b"\0\20\60\120\160\12# x y\n 1.0  2.0\n 1.5  x\n\n 2.0 \t3.0\r\n",
    b"\0\20\60\120\160\21n,x\n(s),(V)\n1,\n2,\n3,17\n4,18.5\n5,run\n6,stop\nn,x\n(s),(V)\n7,7\n",
]  # fmt: skip
logging.getLogger("utokyo").setLevel(logging.CRITICAL)


def outcome(reader: Reader) -> object:
    """What a user would see."""
    times = reader.time_frame()
    stamps = None if times is None else times["timestamp"].to_list()
    return repr(reader.frame.to_dict(as_series=False)), stamps, reader.bad_rows, reader.bad_row_messages


def test_one_input(data: bytes) -> None:
    """Read the same bytes in several ways."""
    if len(data) < 7:
        return
    layout, content = LAYOUTS[data[0] % len(LAYOUTS)], data[6:]
    cuts = sorted(cut if len(content) < 1 << 8 else cut * len(content) >> 8 for cut in data[1:5])
    path = FOLDER / "f.csv"
    if layout is None:
        if b"\0" in content:
            return  # they may be a page that a share did not get yet: a look at them is not for nothing
        restarts = [bool(data[5] >> k & 1) for k in range(4)]
        compare_guesses(path, content, list(zip(cuts, restarts, strict=True)), SAMPLES[data[5] >> 4 & 3])
        return
    path.write_bytes(content)
    try:
        whole = Reader(path, layout)
        whole.finish()
        expected = outcome(whole)
    except UtokyoError:
        return

    growing = Reader(path, layout)
    for cut in [*cuts, len(content)]:
        path.write_bytes(content[:cut])
        growing.update()
    growing.finish()
    assert outcome(growing) == expected

    chunked = Reader(path, layout)
    rows = sum(chunk.height for chunk in chunked.chunks(1 + data[1] % 7))
    rows += chunked.finish()
    assert (rows, chunked.bad_rows) == (whole.rows, whole.bad_rows)


def compare_guesses(path: Path, content: bytes, looks: list[tuple[int, bool]], sample_bytes: int) -> None:
    """A file that nobody described, looked at as it grows, by one process and by several, is the one at its end."""
    opening.SAMPLE_BYTES = sample_bytes
    mark = FOLDER / "checkpoint"
    mark.unlink(missing_ok=True)
    path.write_bytes(b"")
    growing = Reader(path, checkpoint=mark)
    is_restarted = False
    for cut, restarts in looks:
        path.write_bytes(content[:cut])
        with contextlib.suppress(UtokyoError):
            growing.update()
            if restarts:
                growing.checkpoint()
                growing, is_restarted = Reader(path, checkpoint=mark), True
    path.write_bytes(content)
    found = everything(growing, None)
    expected = everything(Reader(path), growing.frame.height if is_restarted else None)
    assert found == expected, f"{content!r}, {looks}, {sample_bytes}"


def everything(reader: Reader, last: int | None) -> object:
    """What was understood of a file, its last rows, and what is said of it; or why it is refused."""
    try:
        reader.finish()
    except UtokyoError as error:
        return str(error)
    times = reader.time_frame()
    stamps = None if times is None else times["timestamp"]
    rows = reader.frame if last is None else reader.frame.tail(last)
    if stamps is not None and last is not None:
        stamps = stamps.tail(last)
    return (
        reader.layout, reader.columns, rows.schema, repr(rows.to_dict(as_series=False)),
        None if stamps is None else stamps.to_list(), reader.rows, reader.bad_rows, reader.is_sorted,
        reader.has_unfinished_line, sorted(reader.remarks()),
    )  # fmt: skip


if __name__ == "__main__":
    seeds = FOLDER / "seeds"
    seeds.mkdir()
    for k, seed in enumerate(SEEDS):
        (seeds / str(k)).write_bytes(seed)
        test_one_input(seed)  # compiles what it needs, which may take longer than an input is allowed to
    atheris.Setup([*sys.argv, str(seeds)], test_one_input)
    atheris.Fuzz()
