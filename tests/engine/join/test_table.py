"""A join is what a plain loop over all readings makes of them, whatever the streams, and however they grow."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from utokyo import (
    CoilRecorder,
    GaugeRecorder,
    HeaterRecorder,
    ImageResultsRecorder,
    InputError,
    IonRecorder,
    JoinedTable,
    LaserRecorder,
    PMTRecorder,
    Recorder,
    SSDParser,
    SSDRecorder,
    StaticRecorder,
    join,
    read_units,
    simulate,
)
from utokyo.engine.fits.mean import student_factor
from utokyo.engine.join.values import ROWS_TOGETHER

SECOND = 1_000_000_000
START = 1_647_252_474 * SECOND

# Times with many ties and many places exactly on the edges of intervals, some far apart; in any order.
moments = st.lists(st.integers(-40, 40).map(lambda k: START + k * SECOND // 4), max_size=25)
numbers = st.none() | st.floats(-1e3, 1e3)
rarely = st.sampled_from([0, 1, SECOND // 4, SECOND // 2, SECOND, 3 * SECOND])
offsets = st.sampled_from([0, 1, -SECOND, 7 * SECOND // 4])


@st.composite
def streams(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Pulses, readings of a current, states of a coil: any number of each, none included."""
    tables = {}
    for name in ("ssd", "current", "coil"):
        times = draw(moments)
        columns: dict[str, Any] = {"timestamp": pl.Series(times, dtype=pl.Int64)}
        if name == "current":
            values = draw(st.lists(numbers, min_size=len(times), max_size=len(times)))
            columns["I (A)"] = pl.Series(values, dtype=pl.Float64)
        if name == "coil":
            states = draw(st.lists(st.sampled_from(["ON", "OFF"]), min_size=len(times), max_size=len(times)))
            columns["CoilOperation"] = pl.Series(states, dtype=pl.String)
        tables[name] = pl.DataFrame(columns)
    return tables


def recorders_of(tables: dict[str, pl.DataFrame]) -> dict[str, StaticRecorder]:
    return {name: StaticRecorder(table) for name, table in tables.items()}


def readings(table: pl.DataFrame, column: str | None, offset: int) -> list[tuple[int, Any]]:
    """Times and values, sorted by time, those of one time in the order of the file."""
    values = table[column].to_list() if column else [None] * table.height
    return sorted(
        ((t + offset, v) for t, v in zip(table["timestamp"].to_list(), values, strict=True)), key=lambda r: r[0]
    )


def last_state(rows: list[tuple[int, Any]], asked: int, oldest: int) -> bool | None:
    answer = None
    for time, value in rows:
        if oldest <= time <= asked:
            answer = value == "ON"
    return answer


def brute_force_row(
    tables: dict[str, pl.DataFrame], stamp: int, begin: int, end: int, asked: int, tolerance: int, offset: int
) -> dict[str, Any]:
    row: dict[str, Any] = {"timestamp": stamp}
    pulses = [t for t, _ in readings(tables["ssd"], None, offset)]
    inside = sum(begin <= t < end for t in pulses)
    touches = bool(pulses) and begin <= pulses[-1] and end > pulses[0]
    whole = bool(pulses) and begin >= pulses[0] and end <= pulses[-1] + 1
    length_s = (end - begin) / 1e9
    row["ssd.pulses"] = inside if touches else None
    row["ssd.rate_Hz"] = inside / length_s if whole else None
    row["ssd.rate_error_Hz"] = math.sqrt(max(inside, 1)) / length_s if whole else None
    values = [v for t, v in readings(tables["current"], "I (A)", offset) if begin <= t < end and v is not None]
    mean = sum(values) / len(values) if values else None
    row["current.I (A)"] = mean
    row["current.I (A)_error"] = None
    if len(values) > 1 and mean is not None:
        variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
        row["current.I (A)_error"] = math.sqrt(variance / len(values)) * float(student_factor(len(values)))
    row["coil.on"] = last_state(readings(tables["coil"], "CoilOperation", offset), asked, stamp - tolerance)
    return row


def assert_same(ours: pl.DataFrame, rows: list[dict[str, Any]]) -> None:
    theirs = pl.DataFrame(rows, schema=ours.drop("datetime").schema, orient="row")
    assert_frame_equal(ours.drop("datetime"), theirs, rel_tol=1e-9, abs_tol=1e-9)


@settings(deadline=None, max_examples=60)
@given(streams(), st.sampled_from([SECOND // 4, SECOND, 7 * SECOND]), rarely, offsets)
def test_intervals_are_those_of_a_plain_loop(tables, every, tolerance, offset):
    offsets_given = dict.fromkeys(tables, timedelta(microseconds=offset // 1000)) if offset != 1 else {}
    offset = offset if offset != 1 else 0

    ours = join(
        recorders_of(tables),
        every=every / 1e9,
        tolerance=timedelta(microseconds=tolerance // 1000),
        clock_offsets=offsets_given,
    )

    tolerance = tolerance // 1000 * 1000
    times = [t + offset for table in tables.values() for t in table["timestamp"].to_list()]
    begins = range(min(times) // every * every, max(times) + 1, every) if times else []
    rows = [brute_force_row(tables, b, b, b + every, b + every - 1, tolerance, offset) for b in begins]
    assert_same(ours, rows)


@settings(deadline=None, max_examples=60)
@given(streams(), st.sampled_from([SECOND // 2, SECOND, 5 * SECOND]), rarely)
def test_rows_on_a_source_are_those_of_a_plain_loop(tables, window, tolerance):
    ours = join(
        recorders_of(tables), on="current", window=window / 1e9, tolerance=f"{tolerance}ns", clock_offsets={"coil": 0}
    )

    before = window // 2
    times = sorted(tables["current"]["timestamp"].to_list())
    rows = [brute_force_row(tables, t, t - before, t - before + window, t, tolerance, 0) for t in times]
    assert_same(ours, rows)


@settings(deadline=None, max_examples=60)
@given(streams(), st.integers(-30, 30), st.integers(1, 60))
def test_between_gives_the_intervals_from_its_begin(tables, begin, length):
    begin_ns, every = START + begin * SECOND // 5, SECOND
    end_ns = begin_ns + length * SECOND // 3

    ours = join(recorders_of(tables), every="1s", tolerance="2s", between=(begin_ns, end_ns))

    rows = [
        brute_force_row(tables, b, b, b + every, b + every - 1, 2 * SECOND, 0) for b in range(begin_ns, end_ns, every)
    ]
    assert_same(ours, rows)


cells = {
    "text": st.none() | st.sampled_from(["a", "b", ""]),
    "number": st.none() | st.integers(-5, 5),
    "whole": st.integers(-5, 5),
    "value": st.none() | st.floats(-10, 10) | st.just(math.nan),
    "flag": st.none() | st.booleans(),
    "day": st.none() | st.datetimes(datetime(2022, 1, 1), datetime(2022, 1, 2)),
}
types = {"text": pl.String, "number": pl.Int32, "whole": pl.Int64, "value": pl.Float64, "flag": pl.Boolean}


@st.composite
def logs(draw: st.DrawFn) -> pl.DataFrame:
    """Readings of every type, nulls and NaN among them."""
    times = sorted(draw(moments))
    columns: dict[str, Any] = {"timestamp": pl.Series(times, dtype=pl.Int64)}
    for name, cell in cells.items():
        values = draw(st.lists(cell, min_size=len(times), max_size=len(times)))
        columns[name] = pl.Series(values, dtype=types.get(name, pl.Datetime("us")))
    return pl.DataFrame(columns)


@settings(max_examples=60)
@given(logs(), moments.filter(bool), rarely)
def test_states_of_every_type_are_those_of_an_as_of_join_by_polars(log, asked, tolerance):
    left = pl.DataFrame({"timestamp": sorted(asked)})
    sources = {"asked": StaticRecorder(left), "log": StaticRecorder(log)}

    ours = join(sources, on="asked", how={"log": "last"}, tolerance=f"{tolerance}ns")

    right = log.with_columns(pl.col("value").fill_nan(None)).rename({name: f"log.{name}" for name in cells})
    theirs = left.set_sorted("timestamp").join_asof(right.set_sorted("timestamp"), on="timestamp", tolerance=tolerance)
    assert_frame_equal(ours.drop("datetime"), theirs)


def test_states_of_very_many_rows_are_those_of_an_as_of_join_by_polars():
    random = np.random.default_rng(4)
    rows, readings = 2 * ROWS_TOGETHER + 5, 3000
    log = pl.DataFrame(
        {
            "timestamp": np.sort(random.integers(0, 3000 * SECOND, readings)),
            "value": random.random(readings),
            "flag": random.random(readings) > 0.5,
            "small": random.integers(-5, 5, readings).astype(np.int8),
            "some": pl.Series([None if n % 5 == 0 else n for n in range(readings)]),
            "text": [str(n) for n in range(readings)],
        }
    )
    # Some before the first reading, some behind the last, and a pause in which all are too old.
    log = log.filter(~pl.col("timestamp").is_between(1000 * SECOND, 1200 * SECOND))
    left = pl.DataFrame({"timestamp": np.sort(random.integers(-10 * SECOND, 3100 * SECOND, rows))})
    sources = {"asked": StaticRecorder(left), "log": StaticRecorder(log), "again": StaticRecorder(log)}

    ours = join(sources, on="asked", how={"log": "last", "again": "last"}, tolerance="2s")

    theirs = left.set_sorted("timestamp")
    for name in ("log", "again"):
        right = log.rename({column: f"{name}.{column}" for column in log.columns[1:]}).set_sorted("timestamp")
        theirs = theirs.join_asof(right, on="timestamp", tolerance=2 * SECOND)
    assert 0 < theirs["log.value"].null_count() < rows
    assert_frame_equal(ours.drop("datetime"), theirs)


@settings(max_examples=60)
@given(logs().filter(lambda log: log.height > 0), st.sampled_from([SECOND // 4, 3 * SECOND]))
def test_means_of_intervals_are_those_of_groups_by_polars(log, every):
    log = log.select("timestamp", "number", "whole", "value")

    ours = join({"log": StaticRecorder(log)}, every=every / 1e9)

    wanted = []
    for name in ("number", "whole", "value"):
        values = pl.col(name).cast(pl.Float64).fill_nan(None)
        error = values.std() / values.count().sqrt()
        wanted += [values.mean().alias(f"log.{name}"), error.alias(f"log.{name}_error"), values.count().alias(name)]
    groups = log.group_by_dynamic("timestamp", every=f"{every}i").agg(wanted)
    for name in ("number", "whole", "value"):
        factor = pl.Series(student_factor(groups[name].to_numpy())).fill_nan(None)
        groups = groups.with_columns(pl.col(f"log.{name}_error") * factor).drop(name)
    theirs = ours.select("timestamp").join(groups, on="timestamp", how="left", maintain_order="left")
    assert_frame_equal(ours.drop("datetime"), theirs, rel_tol=1e-9, abs_tol=1e-9)


def test_many_pulses_between_few_edges_are_counted_one_by_one():
    random = np.random.default_rng(2)
    times = START + np.sort(random.integers(0, 5 * SECOND, 20_000))

    table = join({"ssd": StaticRecorder({"timestamp": times})}, every="1s", clock_offsets={"ssd": "250ms"})

    counts = np.bincount((times + SECOND // 4 - START) // SECOND)
    assert counts.size == 6
    assert table["ssd.pulses"].to_list() == counts.tolist()


class Growing(StaticRecorder):
    """A table that is other at every look."""

    def show(self, table: pl.DataFrame) -> None:
        super().__init__(table)


@settings(deadline=None, max_examples=40)
@given(streams(), st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=6), st.booleans())
def test_streaming_equals_batch_in_any_order_of_arrival(tables, looks, on_readings):
    options: dict[str, Any] = {"on": "current"} if on_readings else {"every": "1s"}
    growing = {name: Growing(table.clear()) for name, table in tables.items()}
    table = JoinedTable(growing, tolerance="1s", **options)
    shown = dict.fromkeys(tables, 0)
    for look in [*looks, (1.0, 1.0, 1.0)]:
        for (name, whole), part in zip(tables.items(), look, strict=True):
            shown[name] = max(shown[name], round(part * whole.height))
            growing[name].show(whole.head(shown[name]))

        table.update()

        batch = join(recorders_of({n: t.head(shown[n]) for n, t in tables.items()}), tolerance="1s", **options)
        assert_frame_equal(table.frame, batch, rel_tol=1e-12)
    assert table.update() == 0


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "data"
    simulate(folder, minutes=2.0, seed=3)
    return folder


def opened(folder: Path) -> dict[str, Any]:
    files = json.loads((folder / "truth.json").read_text())["files"] if (folder / "truth.json").exists() else FILES
    return {
        "ssd": SSDRecorder(folder / files["ssd"]),
        "pmt": PMTRecorder(folder / files["camera_and_pmt" if "camera_and_pmt" in files else "pmt"]),
        "coil": CoilRecorder(folder / files["coil"]),
        "heater": HeaterRecorder(folder / files["heater"]),
        "gauge": GaugeRecorder(folder / files["gauge"]),
        "ion": IonRecorder(folder / files["ion"]),
        "laser": LaserRecorder(folder / files["laser"]),
    }


FILES = {k: f"{k}.csv" for k in ("ssd", "pmt", "coil", "heater", "gauge", "ion", "laser")}


@pytest.mark.parametrize("options", [{"every": "1s"}, {"on": "ssd"}, {"on": "pmt"}], ids=str)
def test_files_that_grow_give_the_table_of_files_that_are_whole(beam, tmp_path, options):
    whole = opened(beam)
    contents = {FILES[name]: recorder.filepath.read_bytes() for name, recorder in whole.items()}
    growing = opened(tmp_path)
    table = JoinedTable(growing, **options)
    cuts = dict.fromkeys(contents, 0)
    for part in (0.0, 0.1, 0.35, 0.36, 0.8, 1.0):
        for place, (name, content) in enumerate(contents.items()):
            # The sources are not there at once, nor do they keep step.
            stop = int(max(0.0, min(1.0, part * (1.0 + 0.1 * place) if part > 0.1 * place / 3 else 0.0)) * len(content))
            if stop > cuts[name]:
                with (tmp_path / name).open("ab") as handle:
                    handle.write(content[cuts[name] : stop])
                cuts[name] = stop
        table.update()

    batch = join(whole, **options)
    assert batch.height > 2
    assert_frame_equal(table.frame, batch, rel_tol=1e-12)


def test_an_update_makes_only_the_rows_that_new_readings_touch(tmp_path):
    lines = "".join(
        f"2022/03/14 {h:02d}:{m:02d}:{s:02d},1E-7,1E-7\n" for h in range(3) for m in range(60) for s in range(60)
    )
    path = tmp_path / "gauge.csv"
    path.write_text("Timestamp,Rb disp.,Neut.\n" + lines)
    table = JoinedTable([GaugeRecorder(path)], every="1s")
    assert table.update() == 3 * 3600
    with path.open("a") as handle:
        handle.write("2022/03/14 03:00:00,3E-7,1E-7\n")

    assert table.update() == 1
    assert table.frame["gauge.Rb disp."].to_list()[-2:] == [1e-7, 3e-7]


def test_bursts_are_rows_with_the_states_of_their_apex(beam):
    truth = json.loads((beam / "truth.json").read_text())

    table = join(opened(beam), on="ssd")

    assert table.height >= len(truth["bursts"]) - 1
    assert table["ssd.significance"].min() > 5
    assert (table["ssd.rate_Hz"] > table["ssd.background_Hz"]).all()
    switches = [(c["time_ns"], bool(c["state"])) for c in truth["coil"]]
    for stamp, on in table.select("timestamp", "coil.on").iter_rows():
        # The log is written to the second: a switch shortly after the apex is told of before it.
        known = [state for time, state in switches if time // SECOND * SECOND <= stamp]
        assert on == (known[-1] if known else None)


def test_a_state_that_is_too_old_is_null(tmp_path):
    path = tmp_path / "coil.txt"
    path.write_text("Time\tCoilOperation\n2022/03/14 12:00:00\tON\n2022/03/14 13:00:00\tOFF\n")

    table = join([CoilRecorder(path)], every="10min", tolerance="20min")

    assert table["coil.on"].to_list() == [True, True, True, None, None, None, False]


def test_sources_that_are_not_there_have_empty_columns(tmp_path, caplog):
    table = join([SSDRecorder(tmp_path / "nix.csv"), CoilRecorder(tmp_path / "nix.txt")], every="1s")

    assert table.height == 0
    assert table.columns[2:] == ["ssd.pulses", "ssd.rate_Hz", "ssd.rate_error_Hz", "coil.on"]
    assert "no such file yet" in caplog.text


def test_a_notebook_shows_the_table_with_its_units():
    pmt = StaticRecorder(
        {"timestamp": [0, 10**9], "PMT Current (A)": [1e-5, 2e-5], "ROI Sum": [1, 2], "Coil (1:ON 0:OFF)": [0, 1]}
    )
    table = JoinedTable({"pmt": pmt}, every="1s")
    table.update()

    shown = table._repr_html_()

    assert "<table" in shown
    assert "JoinedTable(pmt: a row each 1s, 2 so far)" in shown
    assert "pmt.current_A (A)" in shown


def test_a_failed_update_loses_nothing(tmp_path):
    class Broken(StaticRecorder):
        broken = True

        def get_table(self) -> Any:
            if self.broken:
                raise InputError("the file is torn")
            return super().get_table()

    first = Growing({"timestamp": [START], "x": [1.0]})
    second = Broken({"timestamp": [START + SECOND], "y": [2.0]})
    table = JoinedTable({"first": first, "second": second}, every="1s")
    with pytest.raises(InputError, match="torn"):
        table.update()
    second.broken = False

    assert table.update() == 2
    assert table.frame["first.x"].to_list() == [1.0, None]


def test_how_chooses_what_is_made_of_readings(tmp_path):
    source = StaticRecorder({"timestamp": [START, START + 1, START + 2], "x": [1.0, 5.0, 3.0]})

    answers = {
        h: join({"a": source}, every="1s", how={"a.x": h})["a.x"].item() for h in ("last", "min", "max", "median")
    }
    summed = join({"a": source}, every="1s", how={"a": "sum"})

    assert answers == {"last": 3.0, "min": 1.0, "max": 5.0, "median": 3.0}
    assert summed.columns == ["timestamp", "datetime", "a.x"]
    assert summed["a.x"].item() == 9.0


def test_results_of_images_give_mot_numbers(tmp_path):
    path = tmp_path / "images.csv"
    columns = "timestamp_ns,sigma_x,mot_number,mot_number_unc,A,A_unc,detected,fit_successful"
    path.write_text(f"{columns}\n{START},3,1000,10,5,1,true,true\n{START + 5 * SECOND},3,,,5,1,false,false\n")

    table = join([ImageResultsRecorder(path)], every="1s", tolerance="2s")

    assert table["image.mot_number"].to_list() == [1000, 1000, 1000, None, None, None]


def test_parquet_carries_units_and_offsets(beam, tmp_path):
    files = opened(beam)
    files["pmt"] = PMTRecorder(files["pmt"].filepath, clock_offset=timedelta(seconds=1))
    table = JoinedTable(files, every="1s", clock_offsets={"pmt": "-3min", "coil": 2})
    table.update()

    path = table.write(tmp_path / "joined.parquet")

    units, offsets = read_units(path)
    assert units["pmt.current_A"] == units["pmt.current_error_A"] == "A"
    assert units["heater.target_percent"] == "%"
    assert units["ion.FC"] == "nA"
    assert units["ion.He press (V)"] == "V"
    assert (offsets["pmt"], offsets["coil"]) == (-179 * SECOND, 2 * SECOND)
    assert_frame_equal(pl.read_parquet(path), table.frame)
    assert pl.read_csv(table.write(tmp_path / "joined.csv")).columns == table.frame.columns


MISTAKES = {
    "neither": ({}, "one of them"),
    "both": ({"on": "a", "every": "1s"}, "one of them"),
    "unknown source": ({"on": "image"}, "there are: a"),
    "no duration": ({"every": "often"}, "a duration like"),
    "no time": ({"every": "0s"}, "above 0"),
    "unknown offset": ({"every": "1s", "clock_offsets": {"pmt": "1s"}}, "clock_offsets: 'pmt'"),
    "unknown tolerance": ({"every": "1s", "tolerance": {"pmt": "1s"}}, "tolerance: 'pmt'"),
    "unknown how": ({"every": "1s", "how": {"a.x": "best"}}, "one of last, mean"),
    "unknown column": ({"every": "1s", "how": {"a.y": "last"}}, "no column 'y'"),
    "text has no mean": ({"every": "1s", "how": {"a.text": "mean"}}, "no mean"),
    "reversed": ({"every": "1s", "between": (5, 4)}, "not before the end"),
    "no moment": ({"every": "1s", "between": ("noon", None)}, "a moment like"),
    "too many rows": ({"every": "1ns"}, "every should be .* or longer, or give between"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_get_one_sentence(what):
    options, sentence = MISTAKES[what]
    source = StaticRecorder({"timestamp": [START, START + SECOND], "x": [1.0, 2.0], "text": ["a", "b"]})
    with pytest.raises(InputError, match=sentence):
        join({"a": source}, **options)


def test_what_cannot_be_joined_is_refused(beam, tmp_path):
    with pytest.raises(InputError, match="parser"):
        join([SSDParser(opened(beam)["ssd"].filepath)], every="1s")
    with pytest.raises(InputError, match="takes recorders"):
        join(["ssd.csv"], every="1s")
    with pytest.raises(InputError, match="a list of recorders"):
        join("ssd.csv", every="1s")  # type: ignore[arg-type]
    (tmp_path / "no_times.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(InputError, match="no times"):
        join([Recorder(tmp_path / "no_times.csv")], every="1s")


def test_the_day_of_the_beam_time_joins(real_files):
    sources = [
        SSDRecorder(real_files / "ssd_long.csv"),
        HeaterRecorder(real_files / "heater_long.csv"),
        CoilRecorder(real_files / "coil_long.txt"),
        IonRecorder(real_files / "ion_long.csv"),
    ]

    table = join(sources, every="1min")

    # Every pulse is in one interval, and a few things that can be read in the files.
    assert table["ssd.pulses"].sum() == 15262
    at = {row["datetime"]: row for row in table.iter_rows(named=True)}
    assert at[datetime(2022, 3, 14, 12, 8)]["coil.on"] is None
    assert at[datetime(2022, 3, 14, 12, 10)]["coil.on"] is False
    assert at[datetime(2022, 3, 14, 14, 8)]["coil.on"] is True
    assert at[datetime(2022, 3, 14, 14, 0)]["heater.target_percent"] == 39
    assert at[datetime(2022, 3, 14, 11, 45)]["ion.FC_error"] > 0
    assert at[datetime(2022, 3, 14, 13, 0)]["ssd.rate_Hz"] is None
