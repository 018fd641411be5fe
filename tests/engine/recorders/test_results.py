"""Result tables as sources: what was written comes back, and joins what it came from."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from utokyo import (
    CoilRecorder,
    FileRecorder,
    ImageAnalysis,
    ImageResultsRecorder,
    LaserRecorder,
    ParameterParser,
    ParameterRecorder,
    PMTAnalysis,
    SSDAnalysis,
    SSDRecorder,
    SSDResultsRecorder,
    StaticRecorder,
    simulate,
)
from utokyo.engine.join.files import write_joined


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("run") / "beam"
    return folder, simulate(folder, minutes=2.0, seed=11)


@pytest.fixture(scope="module")
def stored(beam, tmp_path_factory) -> tuple[pl.DataFrame, Path]:
    """Bursts, and the table that they were written to."""
    folder, truth = beam
    path = tmp_path_factory.mktemp("results") / "bursts.csv"
    return SSDAnalysis(folder / truth["files"]["ssd"], result_filepath=path).run(), path


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_truth_comes_back_as_truth(beam, tmp_path, ending):
    folder, truth = beam
    path = tmp_path / f"images{ending}"
    images = (folder / truth["images"][0]["file"]).parent
    results = ImageAnalysis(images, result_filepath=path).run()
    for table in (ImageResultsRecorder(path).get_table(), ImageResultsRecorder(path).get_data()):
        for name in ("detected", "fit_successful"):
            assert table.schema[name] == pl.Boolean
            assert table[name].to_list() == results[name].to_list()


def test_parsers_hand_out_truth_in_every_chunk(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(
        "timestamp_ns,valid,note\n" + "".join(f"{10**18 + i},{'TRUE' if i % 3 else ''},x\n" for i in range(9))
    )
    chunks = list(ParameterParser(path, lines_per_update=1))
    assert [chunk.schema["valid"] for chunk in chunks] == [pl.Boolean] * 9
    assert_frame_equal(pl.concat(chunks), ParameterRecorder(path).get_table())


def test_names_that_look_like_formulas_come_back(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("timestamp_ns,name\n1663503939000000000,'=cmd.csv\n1663503940000000000,'-a\n")
    assert ParameterRecorder(path).get_table()["name"].to_list() == ["=cmd.csv", "-a"]
    assert ParameterRecorder(path).get_data()["name"].to_list() == ["=cmd.csv", "-a"]


def test_text_in_a_joined_table_is_no_formula_and_comes_back(tmp_path):
    frame = pl.DataFrame({"timestamp": [10**18, 10**18 + 1], "a.name": ["=1+1", "x"], "a.n": [-1.5, None]})
    path = write_joined(frame, tmp_path / "joined.csv")
    assert path.read_text().splitlines()[1] == "1000000000000000000,'=1+1,-1.5"
    assert ParameterRecorder(path).get_table()["a.name"].to_list() == ["=1+1", "x"]


def test_results_and_tables_have_their_times_by_both_names(beam, stored):
    folder, truth = beam
    results, path = stored
    files = truth["files"]
    static = StaticRecorder({"timestamp": [5, 3], "x": [1.0, 2.0]})
    laser = LaserRecorder(folder / files["laser"])
    tables = {
        "ssd": SSDRecorder(folder / files["ssd"]).get_table(),
        "coil": CoilRecorder(folder / files["coil"], clock_offset="-3min").get_table(),
        "laser": laser.get_table(),
        "sweeps": laser.get_sweeps(),
        "files": FileRecorder(folder).get_table(),
        "static": static.get_table(),
        "results": SSDResultsRecorder(path).get_table(),
        "pmt": PMTAnalysis(folder / files["pmt"]).run(),
        "bursts": results,
    }
    for name, table in tables.items():
        assert table.height, name
        assert table.schema["timestamp_ns"] == table.schema["timestamp"] == pl.Int64, name
        assert table["timestamp_ns"].to_list() == table["timestamp"].to_list(), name
    by_name = results.join_asof(tables["ssd"].select("timestamp_ns", "PulseHeight"), on="timestamp_ns")
    by_other = results.join_asof(tables["ssd"].select("timestamp", "PulseHeight"), on="timestamp")
    assert by_name["PulseHeight"].to_list() == by_other["PulseHeight"].to_list()
    assert tables["results"].join(results, on="timestamp_ns").height == results.height
    assert tables["results"].join(results, on="timestamp").height == results.height


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(seconds=90)])
def test_results_that_a_spreadsheet_rounded_have_their_times(stored, tmp_path, offset):
    results, path = stored
    rows = list(csv.reader(path.read_text().splitlines()))
    rounded = [[f"{float(c):.5E}" if c.isdigit() and len(c) > 12 else c for c in row] for row in rows[1:]]
    saved = tmp_path / "saved.csv"
    saved.write_text("\n".join(";".join(row) for row in [rows[0], *rounded[::-1]]) + "\n")
    table = SSDResultsRecorder(saved, clock_offset=offset).get_table()
    moved = [t + offset // timedelta(microseconds=1) * 1000 for t in results["timestamp_ns"]]
    assert table["timestamp"].to_list() == table["timestamp_ns"].to_list() == moved
    assert table["datetime"].to_physical().to_list() == moved
    assert table["half_life_time"].to_list() == results["half_life_time"].to_list()
