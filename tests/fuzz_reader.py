"""A fuzz target for the reader: no bytes, however they arrive, crash it or change the table.

    python -m pip install ".[fuzz]"
    python tests/fuzz_reader.py -max_total_time=60 -timeout=10

`atheris` makes the bytes, guided by the branches that they reach in `utokyo.io`. The first bytes choose a layout and
where to cut; the rest is the file. It is read at once, in pieces, and in chunks; all three must give the same table and
the same bad rows.
"""

from __future__ import annotations

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
SEEDS = [
    b"\0\5\11\20\40time,value\n2022-03-14 10:00:00,1.5\n2022-03-14 10:00:01,2\n",
    b"\1\5\11\20\40-12,1.5e-3,2022/03/14 10:07:54.553,2022/03/14,10:07:54,abc\r\n7,,2022-03-14T10:07:54,",
    b'\2\5\11\20\401\t1,5\t"a"\n2\n\n3\t1e400\n',
    b"\3\5\11\20\4023:59:59,\n00:00:00\n",
    b"\4\5\11\20\40Start,2022/03/14 10:00:00\nn,t\n0,1234567\n1,123456789012345\n",
    b'\1\5\11\20\40"-12"," 1.5e-3 ","2022/03/14 10:07:54",2022/03/14,"10:07:54","a ""b"""\r1,"",2022-03-14T10:07:54\r',
    b'\5\5\11\20\40 12\t 18446744073709551616.5   2022/03/14 10:07:54 "a b"\r\n7 1 2022-03-14 10:07:54 x\0\n',
]
logging.getLogger("utokyo").setLevel(logging.ERROR)


def outcome(reader: Reader) -> object:
    """What a user would see."""
    times = reader.time_frame()
    stamps = None if times is None else times["timestamp"].to_list()
    return repr(reader.frame.to_dict(as_series=False)), stamps, reader.bad_rows, reader.bad_row_messages


def test_one_input(data: bytes) -> None:
    """Read the same bytes in three ways."""
    if len(data) < 6:
        return
    layout, cuts, content = LAYOUTS[data[0] % len(LAYOUTS)], sorted(data[1:5]), data[5:]
    path = FOLDER / "f.csv"
    path.write_bytes(content)
    try:
        whole = Reader(path, layout)
        whole.finish()
        expected = outcome(whole)
    except UtokyoError:
        return
    if layout is None:
        return  # a guess depends on how much of the file it sees

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


if __name__ == "__main__":
    seeds = FOLDER / "seeds"
    seeds.mkdir()
    for k, seed in enumerate(SEEDS):
        (seeds / str(k)).write_bytes(seed)
        test_one_input(seed)  # compiles what it needs, which may take longer than an input is allowed to
    atheris.Setup([*sys.argv, str(seeds)], test_one_input)
    atheris.Fuzz()
