"""A layout that was guessed is that of the whole file, however the file came and whenever somebody looked."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo import InputError
from utokyo.io.reader import Reader
from utokyo.io.text import opening

EXAMPLES, MANY_EXAMPLES = 60, 1000
WORDS = ("N/A", "Overrange", "Sensor off", "OFF", "abc", "", "-", "1,5", "0x1f")
NAMES = ("Time", "Cup (nA)", "Oven", "Count", "note", "P [mbar]", "Laser")


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    decimal: str
    line_end: str
    time: str
    quotes: bool


DIALECTS = st.builds(
    Dialect,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([".", ","]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(
        ["%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "unix", ""]
    ),
    st.booleans(),
)
CELLS = st.one_of(
    st.integers(-10, 30_000).map(str),
    st.integers(-99_999, 99_999).map(lambda n: f"{n / 1000:.3f}"),
    st.floats(1e-12, 1e12).map(lambda x: f"{x:.3e}"),
)


@st.composite
def tables(draw) -> bytes:
    """A log with late channels, words for no value, comments, headers in the middle, bad lines and a summary."""
    dialect = draw(DIALECTS.filter(lambda d: d.delimiter != "," or d.decimal == "."))
    columns = draw(st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=4, unique=True))
    named, lines, moment = draw(st.booleans()), [], 1_683_631_205
    kinds = {name: draw(st.sampled_from(["number", "integer", "late", "words", "text"])) for name in NAMES}
    head = [*(["Time"] if dialect.time else []), *columns]
    if draw(st.booleans()):
        lines.append("# run 12")
    if named:
        lines.append(dialect.delimiter.join(head))
    count = draw(st.integers(1, 14))
    for row in range(count):
        event = draw(st.sampled_from([""] * 12 + ["comment", "header", "others", "bad", "blank", "odd"]))
        moment += draw(st.integers(0, 90_000))
        if event == "comment":
            lines.append("# by hand")
        if event == "header" and named:
            other = st.lists(st.sampled_from(NAMES[1:]), min_size=1, max_size=5, unique=True)
            columns = draw(st.one_of(st.permutations(columns), other))
            head = [*(["Time"] if dialect.time else []), *columns]
            lines.append(dialect.delimiter.join(head))
        if event == "others" and named:
            columns = [f"{name} again" for name in columns]
            kinds |= {name: kinds.get(name, "number") for name in columns}
            lines.append(dialect.delimiter.join([*(["Zeit"] if dialect.time else []), *columns]))
        if event == "blank":
            lines.append("")
        if event == "bad":
            lines.append(draw(st.sampled_from(["garbage", "Mean", "1", "a;b,c\td"])))
        cells = []
        for name in columns:
            kind = "words" if event == "odd" else kinds[name]
            cell = draw(CELLS)
            if kind == "integer":
                cell = str(draw(st.integers(0, 999)))
            elif kind == "text" or (kind == "words" and draw(st.booleans())):
                cell = draw(st.sampled_from(WORDS if kind == "words" else ["run", "stop", "12", "x y"]))
            elif kind == "late" and row < count // 2:
                cell = ""
            cell = cell.replace(".", dialect.decimal)
            cells.append(f'"{cell}"' if dialect.quotes or dialect.delimiter in cell else cell)
        if dialect.time:
            stamp = pl.Series([moment * 1000]).cast(pl.Datetime("ms")).dt.strftime(dialect.time)[0]
            cells.insert(0, str(moment) if dialect.time == "unix" else stamp)
        lines.append(dialect.delimiter.join(cells))
    if draw(st.booleans()):
        lines += ["", dialect.delimiter.join(["Mean", *["1.5"] * len(columns)])]
    return (dialect.line_end.join(lines) + dialect.line_end).encode()


def state(reader: Reader, last: int | None = None) -> tuple[object, ...]:
    """All that a user sees of a file; of the rows, the last so many."""
    times = reader.time_frame()
    frame = reader.frame if last is None else reader.frame.tail(last)
    if times is not None and last is not None:
        times = times.tail(last)
    seen = frame.schema, [column.to_list() for column in frame.get_columns()]
    return (
        reader.layout, reader.columns, str(seen), None if times is None else times.to_dict(as_series=False),
        reader.bad_rows, reader.is_sorted, reader.rows,
    )  # fmt: skip


def last_state(reader: Reader, last: int | None = None) -> tuple[object, ...]:
    """The state after a last look; the sentence where the file is refused."""
    try:
        reader.update()
        return state(reader, last)
    except InputError as error:
        return (str(error),)


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


FILES = given(tables(), st.data(), st.sampled_from([1 << 16, 40, 120, 300]), st.booleans())


@examples(EXAMPLES)
@FILES
def test_a_file_that_grew_is_the_file_that_was_there(content, data, sample_bytes, with_restarts):
    look_at_it_growing(content, data, sample_bytes, with_restarts)


@pytest.mark.slow
@examples(MANY_EXAMPLES)
@FILES
def test_many_more_files(content, data, sample_bytes, with_restarts):
    look_at_it_growing(content, data, sample_bytes, with_restarts)


def look_at_it_growing(content, data, sample_bytes, with_restarts):
    steps = data.draw(st.lists(st.tuples(st.integers(0, len(content)), st.booleans()), max_size=12))
    before, opening.SAMPLE_BYTES = opening.SAMPLE_BYTES, sample_bytes
    try:
        with tempfile.TemporaryDirectory() as folder:
            path, mark = Path(folder, "log.csv"), Path(folder, "checkpoint")
            path.write_bytes(b"")
            reader, at = Reader(path, checkpoint=mark), 0
            for cut, restarts in sorted(steps):
                with path.open("ab") as file:
                    file.write(content[at:cut])
                at = cut
                with contextlib.suppress(InputError):
                    reader.update()
                    if restarts and with_restarts:
                        reader.checkpoint()
                        reader = Reader(path, checkpoint=mark)
            path.write_bytes(content)
            found = last_state(reader)
            height = reader.frame.height if len(found) > 1 else 0
            assert found == last_state(Reader(path), height)
            if not with_restarts and len(found) > 1:
                assert height == reader.rows
    finally:
        opening.SAMPLE_BYTES = before


def finished(reader: Reader) -> tuple[object, ...]:
    """The state of a file that grows no more, with what is said of it."""
    reader.finish()
    return (*state(reader), reader.has_unfinished_line, sorted(reader.remarks()))


@pytest.mark.parametrize(
    "content",
    [
        # A column of a later header holds text, and a last line without end turns the guess over.
        "x;OL\r\n# by hand\r\n09.05$2023~0:06;OL\r\n# by hand\r\n04.00.2023~1:20:07;2.155\r+",
        "t,a\n1,2\n2,3\nt,a,note\n3,4,\n3,4,on",
        # With its last line, there would be no table.
        ",N/A\n40Pp\x15t,a\x10,bt&",
        "5\n66836312t3,80A,b,a,c",
        # Rows above a wider header.
        "t,a\n2022-03-14 10:00:00,1\nt,a,b\n2022-03-14 10:00:01,2,3\n2022-03-14 10:00:02,2,3\n",
        # A first row that only its signs make one.
        'n,I\n"2,003.4",1.5\n"812.5",2.5\n',
        "n;I\n1.003.400;1,5\n7;2,5\n",
        "t,a,b\n1683631205,1,2\n1683631206,1,N/A\nt,brun\n6,stot,a\n",
    ],
)
@pytest.mark.parametrize("with_restarts", [False, True])
def test_what_turned_a_guess_over_does_so_however_the_file_came(tmp_path, content, with_restarts):
    data = content.encode()
    path, whole = tmp_path / "log.csv", tmp_path / "whole" / "log.csv"
    whole.parent.mkdir()
    whole.write_bytes(data)
    expected = finished(Reader(whole))
    for step in (1, 5, len(data)):
        mark = tmp_path / f"mark{step}"
        path.write_bytes(b"")
        reader = Reader(path, checkpoint=mark)
        for cut in range(0, len(data) + step, step):
            path.write_bytes(data[:cut])
            reader.update()
            if with_restarts and reader.columns and reader.layout is not None:
                with contextlib.suppress(InputError):
                    reader.checkpoint()
                    reader = Reader(path, checkpoint=mark)
        found = finished(reader)
        assert reader.rows == expected[6]
        if not with_restarts:
            assert found == expected
        else:
            assert (found[0], found[1], found[4:]) == (expected[0], expected[1], expected[4:])
