"""`Reader` gives the same table however the bytes arrive, keeps the good rows, and says what is wrong with others."""

from __future__ import annotations

import csv
import io
import logging
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError, MissingFileError
from utokyo.io.header import KeyValueLines, NoHeader
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.times import ColumnTime, Elapsed, TimeOfDay

LAYOUT = Layout(
    "test",
    (
        Column("n", Kind.INTEGER),
        Column("x", Kind.FLOAT, nullable=True),
        Column("t", Kind.DATETIME),
        Column("s", Kind.TEXT, nullable=True),
    ),
    time=ColumnTime("t"),
)
HEADER = b"n,x,t,s\n"
# Hypothesis makes many files in one folder.
CUTTING = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False).map(repr) | st.decimals(allow_nan=False, allow_infinity=False).map(str)
moments = st.datetimes(min_value=pl.Series(["1970-01-01"]).str.to_datetime()[0]).filter(lambda t: t.year < 2262)
texts = st.text(st.characters(codec="utf-8", exclude_characters='\r\n\0"', exclude_categories=["Cc", "Cs", "Zl", "Zp"]))
rows = st.lists(st.tuples(integers, st.none() | floats, moments, texts.map(str.strip)), max_size=30)


def written(table: list[tuple[int, str | None, object, str]], end: str) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator=end)
    for n, x, t, s in table:
        writer.writerow([n, "" if x is None else x, str(t).replace("-", "/"), s])
    return target.getvalue().encode()


def fed(path: Path, content: bytes, cuts: list[int]) -> Reader:
    """A reader that looked after every append."""
    path.write_bytes(b"")
    reader = Reader(path, LAYOUT)
    for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True):
        with path.open("ab") as handle:
            handle.write(content[start:stop])
        reader.update()
    return reader


@CUTTING
@given(table=rows, end=st.sampled_from(["\n", "\r\n"]), data=st.data())
def test_any_cutting_of_the_bytes_gives_the_table_that_csv_and_float_give(tmp_path, table, end, data):
    content = HEADER + written(table, end)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))

    reader = fed(tmp_path / "f.csv", content, cuts)

    frame = reader.frame
    assert reader.bad_rows == 0
    assert frame["n"].to_list() == [n for n, *_ in table]
    expected = [None if x is None else float(x) for _, x, _, _ in table]
    assert [None if x is None else x.hex() for x in frame["x"]] == [None if x is None else x.hex() for x in expected]
    assert frame["t"].cast(pl.Datetime("us")).to_list() == [t for _, _, t, _ in table]
    assert [s or "" for s in frame["s"]] == [s for *_, s in table]


def test_one_byte_at_a_time_gives_the_same_table_as_all_at_once(tmp_path):
    content = HEADER + "1,2.5,2022/03/14 10:07:54.553,あ\r\n2,,2022/03/14 10:07:55,b\r\n".encode()

    piecewise = fed(tmp_path / "a.csv", content, list(range(len(content))))

    assert piecewise.frame.equals(fed(tmp_path / "b.csv", content, []).frame)
    assert piecewise.frame.height == 2


@pytest.mark.parametrize(
    "text",
    ["1", "-0", "1.", ".5", "+3", "1e5", "1E-5", "-1.519308E-13", "0.000000895", "123456789012345678901234567890",
     "9007199254740993", "1e400", "-1e-400", "2.2250738585072011e-308", "0.1e-22", "1e22", "1e23", "nan", "-inf"],
)  # fmt: skip
def test_a_double_equals_pythons_float_to_the_last_bit(tmp_path, text):
    path = tmp_path / "f.csv"
    path.write_text(f"{text}\n")

    reader = Reader(path, Layout("x", (Column("x", Kind.FLOAT),), header=NoHeader()))
    reader.update()

    assert reader.frame["x"][0].hex() == float(text).hex()


@pytest.mark.parametrize(("text", "value"), [("1.#QNAN", "nan"), ("-1.#INF", "-inf"), ("1.#INF00", "inf")])
def test_windows_spellings_of_what_is_not_a_number_are_read(tmp_path, text, value):
    path = tmp_path / "f.csv"
    path.write_text(f"{text}\n")

    reader = Reader(path, Layout("x", (Column("x", Kind.FLOAT),), header=NoHeader()))
    reader.update()

    assert str(reader.frame["x"][0]) == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,2022/03/14 10:00:00", "expected 4 fields (n,x,t,s), found 3"),
        ("1,2,2022/03/14 10:00:00,a,b", "expected 4 fields (n,x,t,s), found 5"),
        ("1a,2,2022/03/14 10:00:00,a", "n should be an integer, found '1a'"),
        ("1,2O,2022/03/14 10:00:00,a", "x should be a number, found '2O'"),
        ("1,2,2022/02/30 10:00:00,a", "t should be a date and time, found '2022/02/30 10:00:00'"),
        ("1" * 5000 + ",2,2022/03/14 10:00:00,a", f"n should be an integer, found '{'1' * 37}...'"),
        (",2,2022/03/14 10:00:00,a", "n should be an integer, found nothing"),
        ("99999999999999999999,2,2022/03/14 10:00:00,a", "n should be an integer, found '99999999999999999999'"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_good_ones_are_kept(tmp_path, caplog, line, reason):
    good = "7,0.5,2022/03/14 10:00:00,z\n"
    path = tmp_path / "f.csv"
    path.write_text(HEADER.decode() + good + line + "\n\n" + good)

    reader = Reader(path, LAYOUT)
    with caplog.at_level(logging.WARNING, "utokyo"):
        added = reader.update()

    assert added == 2
    assert reader.frame["n"].to_list() == [7, 7]
    assert reader.frame["s"].to_list() == ["z", "z"]
    assert reader.bad_rows == 1
    assert reader.bad_row_messages == [f"f.csv, line 3: {reason}; the row was skipped"]
    assert f"f.csv, line 3: {reason}; the row was skipped" in caplog.text


def test_bad_rows_keep_their_lines_apart_over_many_updates(tmp_path):
    lines = [b"%d,1.5,2022/03/14 10:00:00,a\n" % i if i % 3 else b"bad\n" for i in range(40)]
    content = HEADER + b"".join(lines)

    reader = fed(tmp_path / "f.csv", content, list(range(0, len(content), 17)))

    assert reader.bad_rows == 14
    assert [int(m.split("line ")[1].split(":")[0]) for m in reader.bad_row_messages] == list(range(2, 42, 3))
    assert reader.frame["n"].to_list() == [i for i in range(40) if i % 3]


def test_every_byte_is_read_once(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER)
    reader = Reader(path, LAYOUT)
    sizes = []

    for i in range(50):
        with path.open("ab") as handle:
            handle.write(b"%d,1.5,2022/03/14 10:00:%02d,abc\n%d,1." % (i, i % 60, i))
        reader.update()
        sizes.append(reader.bytes_read)
        with path.open("ab") as handle:
            handle.write(b"5,2022/03/14 10:00:%02d,abc\n" % (i % 60))

    reader.update()
    assert reader.bytes_read == path.stat().st_size
    assert sizes == sorted(sizes)
    assert reader.rows == 100
    assert reader.update() == 0
    assert reader.bytes_read == path.stat().st_size


def test_a_last_line_without_its_end_waits_and_is_taken_on_request(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"1,1.5,2022/03/14 10:00:00,a\n2,2.5,2022/03/14 10:00:01,b")
    reader = Reader(path, LAYOUT)

    assert reader.update() == 1
    assert reader.finish() == 1
    assert reader.frame["n"].to_list() == [1, 2]
    assert reader.finish() == 0


@pytest.mark.parametrize("size", [3, 5, 8])
def test_a_file_replaced_by_another_is_read_anew_whatever_its_size(tmp_path, caplog, size):
    def lines(start, count):
        return b"".join(b"%d,0.5,2022/03/14 10:00:00,a\n" % (start + i) for i in range(count))

    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + lines(100, 5))
    reader = Reader(path, LAYOUT)
    reader.update()

    path.write_bytes(HEADER + lines(500, size))
    with caplog.at_level(logging.WARNING, "utokyo"):
        added = reader.update()

    assert added == size
    assert reader.frame["n"].to_list() == list(range(500, 500 + size))
    assert reader.generation == 1
    assert "truncated or replaced" in caplog.text


def test_frames_that_were_shown_do_not_change(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"1,1.5,2022/03/14 10:00:00,a\n")
    reader = Reader(path, LAYOUT)
    reader.update()
    shown, copy = reader.frame, reader.frame.clone().to_dicts()

    for i in range(100):
        with path.open("ab") as handle:
            handle.write(b"%d,,2022/03/14 10:00:00,b\n" % i)
        reader.update()

    assert shown.to_dicts() == copy
    assert reader.frame["x"].null_count() == 100


def test_chunks_together_are_the_whole_table_and_bytes_are_read_once(tmp_path):
    path = tmp_path / "f.csv"
    content = HEADER + b"".join(b"%d,%d.25,2022/03/14 10:00:00,a%d\n" % (i, i, i) for i in range(1000))
    path.write_bytes(content)

    reader = Reader(path, LAYOUT)
    chunks = list(reader.chunks(64))

    assert [c.height for c in chunks] == [64] * 15 + [40]
    whole = Reader(path, LAYOUT)
    whole.update()
    assert pl.concat(chunks).equals(whole.frame)
    assert reader.bytes_read == len(content)
    assert reader.rows == 1000


@pytest.mark.parametrize("rows", [50, 7000])
def test_a_guess_that_turns_out_wrong_between_two_chunks_is_widened(tmp_path, rows):
    path = tmp_path / "f.csv"
    # More than the sample from which the format is guessed.
    values = [*range(9000), 0.5, *range(50)]
    path.write_text("n,x\n" + "".join(f"{i},{x}\n" for i, x in enumerate(values)))
    reader = Reader(path)

    chunks = list(reader.chunks(rows))
    chunks += [] if (frame := reader.next_chunk(rows)) is None else [frame]

    assert [x for chunk in chunks for x in chunk["x"].to_list()] == values
    assert [n for chunk in chunks for n in chunk["n"].to_list()] == list(range(len(values)))


def test_a_header_rewritten_in_place_shows_its_new_values_without_reading_rows_again(tmp_path):
    layout = Layout(
        "ssd",
        (Column("n", Kind.INTEGER), Column("ticks", Kind.INTEGER)),
        header=KeyValueLines(names_line=True, required=("Start",)),
        time=Elapsed("ticks", start_keys=("Start",), unit_key="Unit"),
    )
    path = tmp_path / "f.csv"
    header = "Size,{:<10}\nStart,2022/03/14 10:00:00\nUnit,1.0e-006\nn,ticks\n"
    path.write_text(header.format(0) + "0,5\n1,1000007\n")
    reader = Reader(path, layout)
    reader.update()
    assert reader.metadata["Size"] == 0

    with path.open("r+b") as handle:
        handle.write(header.format(77).encode())
    with path.open("ab") as handle:
        handle.write(b"2,2000000\n")

    assert reader.update() == 1
    assert reader.metadata["Size"] == 77
    assert reader.generation == 0
    times = reader.time_frame()
    assert times is not None
    clock = times["datetime"].dt.strftime("%H:%M:%S%.6f").to_list()
    assert clock == ["10:00:00.000005", "10:00:01.000007", "10:00:02.000000"]


@pytest.mark.parametrize("cut", [1, 30, 52, 55])
def test_a_header_seen_while_it_was_written_is_still_the_same_file(tmp_path, cut):
    path = tmp_path / "f.csv"
    whole = b"Size,7\r\nStart,2022/03/14 10:00:00\r\nUnit,1.0e-006\r\nn,ticks\r\n0,5\r\n"
    layout = Layout(
        "ssd", (Column("n", Kind.INTEGER), Column("ticks", Kind.INTEGER)), header=KeyValueLines(names_line=True)
    )
    path.write_bytes(whole[:cut])
    reader = Reader(path, layout)
    reader.update()
    path.write_bytes(whole)

    assert [reader.update() for _ in range(3)] == [1, 0, 0]
    assert reader.generation == 0


def test_times_of_day_go_on_over_midnight_however_they_are_cut(tmp_path):
    layout = Layout("log", (Column("t", Kind.TIME),), header=NoHeader(), time=TimeOfDay("t", 0))
    content = b"23:59:58\n23:59:59\n00:00:01\n00:00:00\n12:00:00\n23:00:00\n01:00:00\n"
    answers = []
    for cuts in ([], list(range(len(content)))):
        path = tmp_path / f"{len(cuts)}.csv"
        path.write_bytes(b"")
        reader = Reader(path, layout)
        for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True):
            with path.open("ab") as handle:
                handle.write(content[start:stop])
            reader.update()
        times = reader.time_frame()
        assert times is not None
        answers.append(times["datetime"].dt.strftime("%d %H:%M:%S").to_list())
    expected = ["01 23:59:58", "01 23:59:59", "02 00:00:01", "02 00:00:00", "02 12:00:00", "02 23:00:00", "03 01:00:00"]
    assert answers == [expected, expected]


def test_nul_bytes_at_the_end_are_space_that_is_not_written_yet(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"1,1.5,2022/03/14 10:00:00,a\n2,2" + b"\0" * 60)
    reader = Reader(path, LAYOUT)
    assert reader.update() == 1

    with path.open("r+b") as handle:
        handle.seek(len(HEADER + b"1,1.5,2022/03/14 10:00:00,a\n2,2"))
        handle.write(b".5,2022/03/14 10:00:00,b\n")

    assert reader.update() == 1
    assert reader.frame["x"].to_list() == [1.5, 2.5]


def test_what_is_no_such_file_is_told_in_one_sentence(tmp_path):
    with pytest.raises(MissingFileError, match=r"nix\.csv: no such file"):
        Reader(tmp_path / "nix.csv", LAYOUT).update()
    with pytest.raises(InputError, match="this is a folder, not a file"):
        Reader(tmp_path, LAYOUT).update()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"n,x,s\n1,2,3\n", "line 1: this is no test file: .* found one without 't'"),
        (b"n,x,t,s,extra\n", "found one with the unknown column 'extra'"),
        ("n,x,t,s\n1,2\n".encode("utf-16-le"), "line 1: NUL bytes"),
        (b"n,x,t,s\n\x00\x01\x02\n", "line 2: NUL bytes"),
    ],
)
def test_a_file_of_another_format_is_told_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "f.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match=sentence):
        Reader(path, LAYOUT).update()


def test_a_reader_says_at_a_prompt_what_it_reads(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"1,1.5,2022/03/14 10:00:00,a\nbad\n")
    reader = Reader(path, LAYOUT)
    reader.update()

    assert repr(reader) == f"Reader({str(path)!r}, rows=1, bad_rows=1)"


def test_no_file_stays_open_between_calls(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"1,1.5,2022/03/14 10:00:00,a\n")
    reader = Reader(path, LAYOUT)
    reader.update()
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("this system does not list open files")

    assert not [d for d in descriptors.iterdir() if d.is_symlink() and str(d.readlink()).startswith(str(tmp_path))]


@pytest.mark.parametrize("access", ["read", "map"])
def test_blocks_and_threads_give_the_table_of_one_piece(tmp_path, monkeypatch, access):
    lines = [b"%d,%d.25,2022/03/14 10:00:00,a%d\n" % (i, i, i) for i in range(3000)]
    for i in range(0, 3000, 37):
        lines[i] = [b"bad\n", b"\n", b'7,"1.5",2022/03/14 10:00:00,"a ""b"", c"\n', b"8,,2022/03/14 10:00:00,\n"][i % 4]
    path = tmp_path / "f.csv"
    path.write_bytes(HEADER + b"".join(lines) + b"500,1")
    one_piece = Reader(path, LAYOUT)
    one_piece.update()

    for name, size in (("BLOCK_BYTES", 999), ("PARTS_FROM_BYTES", 2000)):
        monkeypatch.setattr(f"utokyo.io.text.growing.{name}", size)
    for name, size in (("PART_BYTES", 700), ("EXTRA_BYTES", 20)):
        monkeypatch.setattr(f"utokyo.io.text.stretch.{name}", size)
    monkeypatch.setattr("utokyo.io.text.parts.THREADS", 4)
    parts = Reader(path, LAYOUT, access=access)
    parts.update()

    assert parts.frame.equals(one_piece.frame)
    assert parts.bad_row_messages == one_piece.bad_row_messages
    assert parts.bad_rows == one_piece.bad_rows > 15
    assert parts.bytes_read == path.stat().st_size
    with path.open("ab") as handle:
        handle.write(b".5,2022/03/14 10:00:00,end\n")
    assert parts.update() == 1
    assert parts.frame["x"][-1] == 1.5


@pytest.mark.parametrize("access", ["read", "map"])
@pytest.mark.parametrize("backwards_at", [None, 1234])
@pytest.mark.parametrize("bad", [[], [700, 701, 2500]])
def test_times_told_by_the_threads_that_parse_are_those_of_one_piece(tmp_path, monkeypatch, backwards_at, bad, access):
    layout = Layout(
        "ticks",
        (Column("n", Kind.INTEGER), Column("ticks", Kind.INTEGER)),
        header=KeyValueLines(names_line=True),
        time=Elapsed("ticks", start_keys=("Start",), unit_s=1e-6),
    )
    lines = [b"%d,%d\n" % (i, 10_000 + 7 * i - 20 * (i == backwards_at)) for i in range(4000)]
    for i in bad:
        lines[i] = b"%d,x\n" % i
    path = tmp_path / "f.csv"
    path.write_bytes(b"n,ticks\nStart,2022/03/14 10:00:00\n" + b"".join(lines))
    one_piece = Reader(path, layout, clock_offset_ns=5)
    one_piece.update()
    expected = one_piece.time_frame()
    assert expected is not None

    for name, size in (("BLOCK_BYTES", 999), ("PARTS_FROM_BYTES", 2000)):
        monkeypatch.setattr(f"utokyo.io.text.growing.{name}", size)
    monkeypatch.setattr("utokyo.io.text.stretch.PART_BYTES", 700)
    monkeypatch.setattr("utokyo.io.text.parts.THREADS", 4)
    monkeypatch.setattr("utokyo.io.text.ahead.AHEAD_BYTES", 9000)
    reader = Reader(path, layout, clock_offset_ns=5, access=access)
    times = []
    while reader.next_chunk(300) is not None:
        times.append(reader.time_frame())

    assert pl.concat(times).equals(expected)
    assert expected["timestamp"][0] == 1_647_252_000_000_000_005 + 10_000_000
    assert reader.is_sorted == one_piece.is_sorted == (backwards_at is None)


@CUTTING
@given(
    columns=st.integers(1, 3),
    lines=st.lists(st.tuples(st.integers(-50, 2000), *[st.booleans()] * 4), max_size=30),
)
def test_a_delimiter_behind_the_last_cell_is_taken_without_a_word(tmp_path, columns, lines):
    layout = Layout(
        "closed",
        tuple(Column(f"c{k}", Kind.INTEGER) for k in range(columns)),
        header=NoHeader(),
        trailing_delimiter=True,
    )
    content, values, bad_lines = [], [], []
    for number, (value, closed, quoted, returns, bad) in enumerate(lines, start=1):
        cells = [str(value + k) for k in range(columns)]
        if bad:
            cells[-1] = "x"
            bad_lines.append(number)
        else:
            values.append([value + k for k in range(columns)])
        if quoted:
            cells[0] = f'"{cells[0]}"'
        content.append(",".join(cells) + "," * closed + "\r" * returns + "\n")
    path = tmp_path / "f.csv"
    path.write_text("".join(content), newline="")
    reader = Reader(path, layout)
    reader.update()
    assert reader.frame.rows() == [tuple(row) for row in values]
    assert reader.bad_rows == len(bad_lines)
    told = [int(re.search(r"line (\d+)", message).group(1)) for message in reader.bad_row_messages]
    assert told == bad_lines[: len(told)]
