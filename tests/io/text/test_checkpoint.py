"""Reading goes on where the checkpoint says: every row once, whatever happened to the file in between."""

from __future__ import annotations

import logging

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError, MissingFileError
from utokyo.io.header import KeyValueLines, NoHeader
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.times import TimeOfDay

LAYOUT = Layout("log", (Column("t", Kind.TIME), Column("n", Kind.INTEGER)), header=NoHeader(), time=TimeOfDay("t", 0))


def lines(start: int, count: int) -> bytes:
    """A row in seven minutes: many midnights, which a checkpoint must know."""
    return b"".join(b"%02d:%02d:00,%d\n" % (7 * k // 60 % 24, 7 * k % 60, k) for k in range(start, start + count))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(0, 400),
    later=st.integers(0, 400),
    cut=st.integers(0, 12),
    chunk=st.integers(1, 200),
    taken=st.integers(0, 5),
)
def test_rows_before_and_after_a_checkpoint_are_all_rows(tmp_path, rows, later, cut, chunk, taken):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    state.unlink(missing_ok=True)
    content = lines(0, rows + later)
    seen = len(lines(0, rows)) - (cut if rows else 0)
    path.write_bytes(content[:seen])
    reader = Reader(path, LAYOUT, checkpoint=state)
    before = []
    for _ in range(taken):
        frame = reader.next_chunk(chunk)
        before += [] if frame is None else frame["n"].to_list()
    if taken and b"\n" in content[:seen]:
        reader.checkpoint()

    path.write_bytes(content)
    later_reader = Reader(path, LAYOUT, checkpoint=state)
    assert later_reader.rows == len(before)
    assert later_reader.update() == rows + later - len(before)

    assert before + later_reader.frame["n"].to_list() == list(range(rows + later))
    assert later_reader.rows == rows + later
    whole = Reader(path, LAYOUT)
    whole.update()
    times, all_times = later_reader.time_frame(), whole.time_frame()
    assert times is not None
    assert all_times is not None
    assert times.equals(all_times.tail(times.height))
    assert later_reader.generation == 0


def test_a_file_that_is_missing_at_the_restart_is_gone_on_with_later(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    path.write_bytes(lines(0, 50))
    first = Reader(path, LAYOUT, checkpoint=state)
    first.update()
    first.checkpoint()
    path.rename(tmp_path / "away.csv")

    reader = Reader(path, LAYOUT, checkpoint=state)
    with pytest.raises(MissingFileError):
        reader.update()
    (tmp_path / "away.csv").rename(path)
    with path.open("ab") as handle:
        handle.write(lines(50, 3))

    assert reader.update() == 3
    assert (reader.rows, reader.generation) == (53, 0)


def test_bad_rows_and_their_lines_go_on(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    path.write_bytes(lines(0, 3) + b"bad\n" + lines(3, 2))
    reader = Reader(path, LAYOUT, checkpoint=state)
    reader.update()
    reader.checkpoint()

    with path.open("ab") as handle:
        handle.write(b"worse\n")
    later = Reader(path, LAYOUT, checkpoint=state)
    later.update()

    assert later.bad_rows == 2
    assert later.bad_row_messages[0].startswith("f.csv, line 7: ")


@pytest.mark.parametrize("longer", [-3, 0, 3])
def test_another_file_is_read_from_its_start_and_told(tmp_path, caplog, longer):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    path.write_bytes(lines(100, 20))
    reader = Reader(path, LAYOUT, checkpoint=state)
    reader.update()
    reader.checkpoint()

    path.write_bytes(lines(500, 20 + longer))
    later = Reader(path, LAYOUT, checkpoint=state)
    with caplog.at_level(logging.WARNING, "utokyo"):
        later.update()

    assert later.frame["n"].to_list() == list(range(500, 520 + longer))
    assert later.generation == reader.generation + 1
    assert "not the file of its checkpoint any more" in caplog.text


def test_a_header_caught_while_it_is_rewritten_is_looked_at_again(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    layout = Layout("log", (Column("n", Kind.INTEGER),), header=KeyValueLines(required=("Start",)))
    path.write_bytes(b"Start,10:00\n0\n1\n")
    first = Reader(path, layout, checkpoint=state)
    first.update()
    first.checkpoint()

    path.write_bytes(b"Sta\0\0,10:00\n0\n1\n2\n")
    reader = Reader(path, layout, checkpoint=state)
    with pytest.raises(InputError, match="NUL bytes"):
        reader.update()
    path.write_bytes(b"Start,10:07\n0\n1\n2\n")

    assert reader.update() == 1
    assert (reader.rows, reader.generation, reader.metadata["Start"]) == (3, 0, "10:07")


def test_a_guess_that_was_widened_stays_so(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    rows = "".join(f"2022-03-14 10:00:{k:02d},{k}\n" for k in range(40))
    path.write_text("time,value\n" + rows)
    reader = Reader(path, checkpoint=state)
    reader.update()
    with path.open("a") as handle:
        handle.write("2022-03-14 10:01:00,2.5\n")
    reader.update()
    assert reader.frame["value"].dtype == pl.Float64
    reader.checkpoint()

    with path.open("a") as handle:
        handle.write("2022-03-14 10:01:01,3\n")
    later = Reader(path, checkpoint=state)
    later.update()

    assert later.frame["value"].dtype == pl.Float64
    assert later.frame["value"].to_list() == [3.0]


def test_mistakes_are_told_in_one_sentence(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    path.write_bytes(lines(0, 3))
    reader = Reader(path, LAYOUT)
    with pytest.raises(InputError, match="no checkpoint file was given"):
        reader.checkpoint()
    with pytest.raises(InputError, match="nothing was read yet"):
        Reader(path, LAYOUT, checkpoint=state).checkpoint()
    state.write_text("{}")
    with pytest.raises(InputError, match="this is no checkpoint; delete it"):
        Reader(path, LAYOUT, checkpoint=state)


def test_a_layout_is_printed_for_people():
    assert str(LAYOUT) == (
        "log: delimiter ',', utf-8, header NoHeader(), time TimeOfDay(column='t', day_ns=0)\n  t: time\n  n: integer"
    )
