"""Each habit of `dialects`, and random tables in all of them: read as they are meant, or told in a sentence, however
the bytes arrive."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError
from utokyo.io.header import KeyValueLines, NoHeader
from utokyo.io.layout import Layout
from utokyo.io.quotes import BLANKS, has_open_quote, split_line
from utokyo.io.reader import Reader
from utokyo.io.text.buffer import ColumnBuffer
from utokyo.io.text.parser import TextParser
from utokyo.io.text.second_look import Context
from utokyo.kernels.text.words import BACK, FRONT

from .dialects import DIALECTS, Dialect

# Hypothesis makes many files in one folder.
CUTTING = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
each_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])


def fed(path: Path, content: bytes, layout: Layout | None, cuts: list[int]) -> Reader:
    """A reader that looked after every append."""
    path.write_bytes(b"")
    reader = Reader(path, layout)
    for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True):
        with path.open("ab") as handle:
            handle.write(content[start:stop])
        reader.update()
    reader.finish()
    return reader


def told(reader: Reader) -> dict[int, str]:
    """What is said of bad lines."""
    said = [message.removeprefix("f.csv, line ").split(": ", 1) for message in reader.bad_row_messages]
    assert len(said) == reader.bad_rows
    return {int(line): words for line, words in said}


def assert_as_meant(reader: Reader, dialect: Dialect) -> None:
    assert [tuple(map(repr, row)) for row in reader.frame.rows()] == [tuple(map(repr, row)) for row in dialect.rows]
    said = told(reader)
    assert said.keys() == dialect.bad.keys()
    for line, words in dialect.bad.items():
        assert words in said[line]


@each_dialect
def test_a_described_table_is_read_as_it_is_meant(tmp_path, dialect):
    assert_as_meant(fed(tmp_path / "f.csv", dialect.content, dialect.layout, []), dialect)


@each_dialect
def test_a_described_table_that_grows_byte_by_byte_is_the_same(tmp_path, dialect):
    cuts = list(range(len(dialect.content)))

    assert_as_meant(fed(tmp_path / "f.csv", dialect.content, dialect.layout, cuts), dialect)


@pytest.mark.parametrize(
    "dialect", [d for d in DIALECTS if d.is_guessed], ids=[d.name for d in DIALECTS if d.is_guessed]
)
def test_a_table_that_nobody_described_is_read_as_it_is_meant(tmp_path, dialect):
    assert_as_meant(fed(tmp_path / "f.csv", dialect.content, None, []), dialect)


@each_dialect
def test_a_reader_that_begins_anew_at_each_line_reads_the_same(tmp_path, dialect):
    path, state = tmp_path / "f.csv", tmp_path / "f.checkpoint"
    ends = {i + 1 for i, byte in enumerate(dialect.content) if byte in b"\r\n"}
    rows = []
    for stop in sorted(ends - {len(dialect.content)}):
        path.write_bytes(dialect.content[:stop])
        reader = Reader(path, dialect.layout, checkpoint=state)
        reader.update()
        reader.update()  # NUL bytes are taken at the second look
        with contextlib.suppress(InputError):  # no line is sure to have ended yet
            reader.checkpoint()
            rows += reader.frame.rows()
    path.write_bytes(dialect.content)
    reader = Reader(path, dialect.layout, checkpoint=state)
    reader.finish()

    assert [repr(row) for row in [*rows, *reader.frame.rows()]] == [repr(row) for row in dialect.rows]


# --- Random tables.

MIXED = (Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.DATE, Kind.TIME, Kind.FLOAT)


@st.composite
def cells_of_a_row(draw, delimiter: str):
    """The cells of one row as they are written, and their values."""
    number, real = draw(st.integers(-(2**63), 2**63 - 1)), draw(st.none() | st.floats(allow_nan=False))
    letters = 'ab\f\x85\u2028温 "' + {BLANKS: "\t", ",": ";", "\t": ","}[delimiter]
    word = draw(st.text(letters, min_size=1, max_size=6))
    day, clock = draw(st.integers(1, 28)), draw(st.integers(0, 59))
    last = draw(st.integers(0, 10**25))
    plain = [
        str(number),
        "" if real is None else repr(real),
        "",
        f"2022/03/{day:02d}",
        f"10:00:{clock:02d}.5",
        f"{last}.{last}",
    ]
    must_quote = [False, delimiter == BLANKS and real is None, True, False, False, False]
    written = []
    for text, must in zip(plain, must_quote, strict=True):
        quoted = must or draw(st.booleans())
        padding = draw(st.sampled_from(["", " ", "   "]))
        written.append(f'"{padding}{text}{padding}"' if quoted else text)
    written[2] = '"' + word.replace('"', '""') + '"'
    return written, (number, None if real is None else real.hex(), word, day, clock, float(f"{last}.{last}").hex())


@CUTTING
@given(data=st.data(), delimiter=st.sampled_from([",", "\t", BLANKS]), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_cutting_of_any_dialect_gives_the_table_that_was_written(tmp_path, data, delimiter, end):
    table = data.draw(st.lists(cells_of_a_row(delimiter), min_size=1, max_size=12))
    layout = Layout(
        "x", tuple(Column(f"c{i}", kind, True) for i, kind in enumerate(MIXED)), delimiter, header=NoHeader()
    )
    between = st.sampled_from([" ", "\t", "  ", " \t "]) if delimiter == BLANKS else st.just(delimiter)
    lines = []
    for written, _ in table:
        line = written[0]
        for cell in written[1:]:
            line += data.draw(between) + cell
        lines.append(line + end)
    content = "".join(lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))

    reader = fed(tmp_path / "f.csv", content, layout, cuts)

    assert reader.bad_row_messages == []
    found = [
        (n, None if x is None else x.hex(), s, d.day, t.second, y.hex()) for n, x, s, d, t, y in reader.frame.rows()
    ]
    assert found == [values for _, values in table]
    assert reader.frame.equals(fed(tmp_path / "g.csv", content, layout, []).frame)


@CUTTING
@given(
    lines=st.lists(st.text('a1," \t\r\f\v\0\x85\u2028.', max_size=12), max_size=12),
    delimiter=st.sampled_from([",", "\t", BLANKS]),
    data=st.data(),
)
def test_any_cutting_of_any_lines_gives_the_same_rows_and_says_the_same(tmp_path, lines, delimiter, data):
    columns = (Column("x", Kind.FLOAT, True), Column("s", Kind.TEXT, True))
    layout = Layout("x", columns, delimiter, header=NoHeader(), short_rows=True)
    content = "\n".join(["1" if delimiter == BLANKS else f"1{delimiter}", *lines, ""]).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))

    whole, grown = fed(tmp_path / "f.csv", content, layout, []), fed(tmp_path / "f.csv", content, layout, cuts)

    assert grown.frame.equals(whole.frame)
    assert told(grown) == told(whole)


@settings(deadline=None, max_examples=300)
@given(st.text('ab1," \t\r\f\x85\u2028', max_size=30), st.sampled_from([",", "\t", BLANKS, " "]))
def test_a_line_of_a_sample_is_split_as_the_kernel_splits_it(line, delimiter):
    line = line.rstrip("\r") + "x"
    cells = split_line(line, delimiter)
    columns = tuple(Column(f"c{i}", Kind.TEXT, nullable=True) for i in range(len(cells)))
    layout, buffer, said = Layout("x", columns, delimiter, header=NoHeader()), ColumnBuffer(columns), []
    content = line.encode() + b"\n"
    data = np.frombuffer(bytes(FRONT) + content + bytes(BACK), np.uint8)
    TextParser(buffer, Context.of(layout, buffer), 0, lambda number, reason: said.append(reason)).append(
        data, FRONT, FRONT + len(content)
    )

    if said:
        assert has_open_quote(line, delimiter)
        assert "a quote that is not closed" in said[0]
    elif not has_open_quote(line, delimiter):
        (found,) = buffer.frame(0, 1).rows()
        trimmed = [cell if f'"{cell}"' in line else cell.rstrip(" \r").lstrip(" ") for cell in cells]
        assert [text or "" for text in found] == trimmed


# --- What is no table.


@pytest.mark.parametrize("layout", [None, Layout("x", (Column("a", Kind.INTEGER), Column("b", Kind.TEXT)))])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a,b\n\0\1\2\n1,x\n", 2),
        (b"a,b\n1\n\0\0,x\n1,x\n2,y\n", 3),
        (b"a,b\0\n1,x\n", 1),
        (b"\0\1\2\n\3\0\n", 1),
        ("a,b\n1,x\n".encode("utf-16-le"), 1),
    ],
)
def test_nul_bytes_before_any_row_are_no_text_whole_and_grown(tmp_path, layout, content, line):
    path = tmp_path / "f.csv"
    for steps in ([len(content)], range(1, len(content) + 1)):
        path.unlink(missing_ok=True)
        reader, said = Reader(path, layout), ""
        for stop in steps:
            path.write_bytes(content[:stop])
            try:
                reader.update()
            except InputError as error:
                said = str(error)
        assert f"f.csv, line {line}: NUL bytes, so this is no text table" in said
        with pytest.raises(InputError, match="NUL bytes"):  # and again
            reader.update()
        assert reader.rows == 0


def test_a_header_in_carriage_returns_that_is_rewritten_in_place_is_followed(tmp_path):
    path = tmp_path / "f.csv"
    layout = Layout("x", (Column("a", Kind.INTEGER), Column("b", Kind.INTEGER)), header=KeyValueLines())
    path.write_bytes(b"Size,0\rName,x\r1,2\r")
    reader = Reader(path, layout)
    reader.update()
    path.write_bytes(b"Size,7\rName,x\r1,2\r3,4\r")
    reader.update()

    assert reader.metadata == {"Size": 7, "Name": "x"}
    assert reader.frame.rows() == [(1, 2), (3, 4)]
    assert reader.generation == 0


def test_a_long_file_in_carriage_returns_is_read(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("a,b\r" + "".join(f"{i},{i}.5\r" for i in range(400_000)), newline="")
    reader = Reader(path)

    assert reader.update() == 400_000
    assert reader.frame["b"].sum() == sum(i + 0.5 for i in range(400_000))


def test_ten_thousand_columns_between_runs_of_blanks(tmp_path):
    path = tmp_path / "f.csv"
    table = np.random.default_rng(3).normal(0, 1, (7, 10_000)).round(6)
    names = [f"c{i}" for i in range(10_000)]
    lines = ["  ".join(f"{cell:9}" for cell in row) for row in (names, *table.tolist(), table[0, :-1].tolist())]
    path.write_text("\n".join(lines) + "\n")

    reader = Reader(path, Layout("wide", delimiter=BLANKS, others=Column("", Kind.FLOAT)))
    reader.update()

    np.testing.assert_array_equal(reader.frame.to_numpy(), table)
    assert told(reader).keys() == {9}
