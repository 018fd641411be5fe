"""An update compares what may have changed, misses nothing that did, and costs the new rows where nothing did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from utokyo import JoinedTable, LaserRecorder, Recorder, StaticRecorder, join, simulate
from utokyo.engine.join.same_rows import same_first_rows

SECOND = 1_000_000_000
START = 1_647_252_474 * SECOND
ROWS = 50


def table_of(rows: int = ROWS) -> pl.DataFrame:
    """Columns of all sorts, in memory of their own."""
    numbers = np.arange(rows)
    return pl.DataFrame(
        {
            "timestamp": START + numbers * SECOND,
            "value": numbers * 0.5,
            "count": pl.Series([None if n % 7 == 3 else n for n in range(rows)], dtype=pl.Int32),
            "flag": [n % 3 == 0 for n in range(rows)],
            "text": [str(n) for n in range(rows)],
            "day": pl.Series([datetime(2022, 3, 14, 12, 0, n % 60) for n in range(rows)]),
        }
    )


class Shown(StaticRecorder):
    """A table that is other at every look, without saying so."""

    def show(self, table: pl.DataFrame) -> None:
        super().__init__(table)


def with_cell(table: pl.DataFrame, row: int, name: str, value: Any) -> pl.DataFrame:
    changed = table.clone()
    changed[row, name] = value
    return changed


CHANGES = {
    "a number in the middle": lambda t: with_cell(t, 20, "value", 99.0),
    "a number that becomes null": lambda t: with_cell(t, 20, "count", None),
    "a null that becomes a number": lambda t: with_cell(t, 24, "count", 5),
    "a state": lambda t: with_cell(t, 20, "flag", True),
    "a text": lambda t: with_cell(t, 20, "text", "other"),
    "a date": lambda t: with_cell(t, 20, "day", datetime(2022, 3, 15)),
    "the last row": lambda t: with_cell(t, ROWS - 1, "value", -1.0),
    "one row of which nothing else differs in number, begin and end": lambda t: pl.concat(
        [t.head(20), t.slice(21, 1), t.slice(21)]
    ),
    "a row that came into the middle": lambda t: pl.concat([t.head(20), t.slice(19, 1), t.slice(20)]),
    "a row that went": lambda t: pl.concat([t.head(20), t.slice(21)]),
    "the last rows that went": lambda t: t.head(30),
    "the first rows that went, the memory being the same": lambda t: t.slice(10),
    "all rows later by a second": lambda t: t.with_columns(pl.col("timestamp") + SECOND),
    "another order of equal rows": lambda t: t.with_columns(timestamp=pl.lit(START)).reverse(),
    "another type": lambda t: t.with_columns(pl.col("count").cast(pl.Int64)),
    "a column that went": lambda t: t.drop("flag"),
    "a new row in the same memory": lambda t: t,
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_is_missed(change):
    whole = table_of(ROWS + 1)
    before = whole.head(ROWS)
    after = whole if change.startswith("a new row") else CHANGES[change](before)
    source = Shown(before)
    table = JoinedTable({"log": source}, every="1s", how={"log": "last"})
    table.update()
    source.show(after)

    table.update()

    assert not after.equals(before) or after.schema != before.schema
    assert_frame_equal(table.frame, join({"log": StaticRecorder(after)}, every="1s", how={"log": "last"}))
    assert table.update() == 0


@given(st.integers(0, ROWS), st.integers(0, ROWS), st.integers(0, ROWS - 1), st.booleans(), st.booleans())
def test_first_rows_are_the_same_up_to_the_first_difference(before, now, row, other, chunks):
    whole = table_of()
    changed = with_cell(whole, row, "value", -1.0) if other else whole
    changed = pl.concat([changed.head(row), changed.slice(row)], rechunk=False) if chunks else changed

    same = same_first_rows(whole.head(before), changed.head(now))

    assert same == min(before, now, row if other else ROWS)


def test_a_table_that_lies_where_it_did_is_not_looked_through(monkeypatch):
    table = table_of().drop("text")  # text is always compared
    longer = pl.concat([table, table], rechunk=True)
    compared = []
    monkeypatch.setattr(pl.Series, "ne_missing", lambda a, b: compared.append(a.name) or (a != b))

    assert same_first_rows(longer.head(ROWS), longer) == ROWS
    assert same_first_rows(longer, longer.select(pl.all())) == 2 * ROWS
    assert compared == []
    assert same_first_rows(longer, with_cell(longer, 0, "value", 0.0)) == 2 * ROWS
    assert compared == ["value"]


def test_sweeps_are_made_anew_when_the_file_grew_and_not_otherwise(tmp_path, monkeypatch):
    truth = simulate(tmp_path / "beam", minutes=0.5, seed=3)
    content = (tmp_path / "beam" / truth["files"]["laser"]).read_bytes()
    recorder = LaserRecorder(tmp_path / "laser.lta")
    cut = content.index(b"\n", 3 * len(content) // 4) + 1
    recorder.filepath.write_bytes(content[:cut])
    first = recorder.get_sweeps()

    monkeypatch.setattr(LaserRecorder, "_new_sweeps", lambda recorder: pytest.fail("made again"))
    known = recorder.get_sweeps()
    assert_frame_equal(known, first)
    known.drop_in_place("datetime")  # what a user does to the table is the user's
    assert_frame_equal(recorder.get_sweeps(), first)
    monkeypatch.undo()
    with recorder.filepath.open("ab") as handle:
        handle.write(content[cut:])
    grown = recorder.get_sweeps()
    assert grown.height > first.height
    assert_frame_equal(grown, LaserRecorder(recorder.filepath).get_sweeps())
    recorder.filepath.write_bytes(content[:cut])  # the file is another one
    assert_frame_equal(recorder.get_sweeps(), first)


def test_rows_out_of_order_are_found_where_they_belong(tmp_path):
    path = tmp_path / "temperature.csv"
    line = "2022-03-14 12:00:{:02d},{}\n"
    path.write_text("time,T\n" + "".join(line.format(s, s) for s in (0, 1, 5, 3)))
    table = JoinedTable({"t": Recorder(path)}, every="1s")
    table.update()
    assert table.update() == 0
    with path.open("a") as handle:
        handle.write(line.format(4, 40))

    assert table.update() == 2
    assert_frame_equal(table.frame, join({"t": Recorder(path)}, every="1s"))
    assert table.frame["t.T"].to_list() == [0, 1, None, 3, 40, 5]


def seconds() -> st.SearchStrategy[list[int]]:
    """Of readings, with gaps, in order."""
    return st.lists(st.integers(0, 30), max_size=12).map(sorted)


def log_of(seconds: list[int]) -> pl.DataFrame:
    times = pl.Series([START + s * SECOND for s in seconds], dtype=pl.Int64)
    return pl.DataFrame({"timestamp": times, "value": pl.Series([s / 4 for s in seconds], dtype=pl.Float64)})


def lines_of(seconds: list[int]) -> str:
    return "".join(f"2022-03-14 10:{7 + (54 + s) // 60:02d}:{(54 + s) % 60:02d},{s}\n" for s in seconds)


@settings(deadline=None, max_examples=100)
@given(
    pulses=seconds(),
    log=seconds(),
    late=seconds(),
    shown=st.lists(st.tuples(*[st.integers(0, 12)] * 3, st.booleans()), min_size=2, max_size=4),
    rows=st.sampled_from([{"every": "1s"}, {"every": "3s"}, {"on": "log"}]),
)
def test_whatever_files_become_an_update_makes_what_a_join_would(tmp_path_factory, pulses, log, late, shown, rows):
    """Sources of which more or less is seen each time: pulses that are counted, means, and a file that comes late."""
    path = tmp_path_factory.mktemp("late") / "late.csv"
    sources = {"ssd": Shown(log_of([]).drop("value")), "log": Shown(log_of([])), "late": Recorder(path)}
    table = JoinedTable(sources, how={"late": "last"}, **rows)
    for counted, averaged, stated, written in shown:
        now = {"ssd": log_of(pulses[:counted]).drop("value"), "log": log_of(log[:averaged])}
        for name, frame in now.items():
            sources[name].show(frame)
        if written or path.exists():
            path.write_text("time,P\n" + lines_of(late[:stated]))

        table.update()

        fresh = {**{name: StaticRecorder(frame) for name, frame in now.items()}, "late": Recorder(path)}
        assert_frame_equal(table.frame, join(fresh, how={"late": "last"}, **rows))


@pytest.mark.parametrize(
    "rows", [{"on": "log"}, {"every": "1s", "between": ("2022-03-14 10:07:54", "2022-03-14 10:08:00")}]
)
def test_a_file_that_comes_with_readings_behind_all_rows_has_its_columns(tmp_path, rows):
    path = tmp_path / "late.csv"
    log = StaticRecorder(log_of([0, 1, 2, 3]))
    table = JoinedTable({"log": log, "late": Recorder(path)}, **rows)
    table.update()
    path.write_text("time,P\n" + lines_of([20, 21]))

    table.update()

    assert "late.P" in table.frame.columns
    assert_frame_equal(table.frame, join({"log": log, "late": Recorder(path)}, **rows))
