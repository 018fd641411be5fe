"""`utokyo join` writes what its configuration says, and tells mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from commands import here as utokyo
from commands import in_a_process

from utokyo import read_units, simulate


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam")
    truth = simulate(folder / "data", minutes=1.0, seed=2)
    images = Path(truth["images"][0]["file"]).parent.as_posix()
    lines = [
        f'[recorders.{name}]\nkind = "{name}"\nfilepath = "data/{truth["files"][name]}"\n'
        for name in ("ssd", "pmt", "coil", "heater", "gauge", "ion", "laser")
    ]
    lines += ['[recorders.late]\nkind = "gauge"\nfilepath = "data/not_yet.csv"\nclock_offset_s = -180\n']
    lines += [f'[[analyses]]\nkind = "image"\nfilepath = "data/{images}"\ncamera = "cmos_fr_20220918"\n']
    lines += ['[join]\nevery = "2s"\n[join.tolerance]\ncoil = "10min"\n[join.clock_offsets]\nheater = "1500ms"\n']
    (folder / "beam.toml").write_text("\n".join(lines))
    (folder / "folder.csv").mkdir()
    (folder / "short.toml").write_text("\n".join(lines).replace('every = "2s"', 'every = "1ns"'))
    (folder / "how.toml").write_text("\n".join(lines) + '[join.how]\n"pmt.curent_A" = "max"\n')
    return folder


def test_every_source_of_the_configuration_is_in_the_table(beam, tmp_path):
    answer = in_a_process("join", "beam.toml", "--every", "1s", "--out", tmp_path / "joined.parquet", folder=beam)

    assert answer.returncode == 0, answer.stderr
    table = pl.read_parquet(tmp_path / "joined.parquet")
    assert (table["timestamp"].diff().drop_nulls() == 1_000_000_000).all()
    truth = json.loads((beam / "data" / "truth.json").read_text())
    assert table["ssd.pulses"].sum() == truth["rows"][truth["files"]["ssd"]]
    assert table["image.mot_number"].max() > 0
    units, offsets = read_units(tmp_path / "joined.parquet")
    assert units["image.mot_number"] == "atoms"
    assert offsets["heater"] == 1_500_000_000
    assert offsets["late"] == -180_000_000_000
    assert "joined from ssd, pmt" in answer.stdout


def test_the_file_says_what_the_command_line_does_not_and_csv_on_request(beam, tmp_path):
    answer = utokyo("join", "beam.toml", "--out", tmp_path / "joined.csv", folder=beam)
    assert answer.returncode == 0, answer.stderr
    table = pl.read_csv(tmp_path / "joined.csv")
    assert (table["timestamp"].diff().drop_nulls() == 2_000_000_000).all()

    options = ("--on", "ssd", "--out", tmp_path / "bursts.csv", "--windows", tmp_path / "heatings")
    bursts = utokyo("join", "beam.toml", *options, folder=beam)
    assert bursts.returncode == 0, bursts.stderr
    assert list((tmp_path / "heatings").glob("window_001_*.png"))
    assert "ssd.significance" in pl.read_csv(tmp_path / "bursts.csv").columns


def test_steps_are_merged_as_the_file_or_the_command_line_says(beam, tmp_path):
    truth = json.loads((beam / "data" / "truth.json").read_text())
    assert len(truth["heatings"]) > 1
    (beam / "merged.toml").write_text(
        (beam / "beam.toml").read_text().replace("[join]\n", '[join]\nmerge_within = "1h"\n')
    )
    for number, (config, options) in enumerate([("merged.toml", ()), ("beam.toml", ("--merge-within", "1h"))]):
        folder = tmp_path / f"heatings_{number}"
        arguments = ("--out", tmp_path / "joined.csv", "--windows", folder, *options)
        answer = utokyo("join", config, *arguments, folder=beam)
        assert answer.returncode == 0, answer.stderr
        assert len(list(folder.glob("*.png"))) == 1


def test_the_lengths_of_windows_are_those_of_the_file_or_of_the_command_line(beam, tmp_path):
    (beam / "lengths.toml").write_text(
        (beam / "beam.toml").read_text().replace("[join]\n", '[join]\nbefore = "4s"\nafter = "8s"\n')
    )
    for config, options, seconds in (
        ("lengths.toml", (), 12),
        ("beam.toml", ("--before", "3s", "--after", "7s"), 10),
        ("lengths.toml", ("--after", "16s"), 20),
    ):
        folder = tmp_path / f"heatings_{seconds}"
        answer = utokyo("join", config, "--out", tmp_path / "j.csv", "--windows", folder, *options, folder=beam)
        assert answer.returncode == 0, answer.stderr
        tables = [pl.read_parquet(path) for path in folder.glob("*.parquet")]
        assert max(table.height for table in tables) == seconds  # one that the ends of the data do not cut


@pytest.mark.parametrize("on", [(), ("--on", "ssd"), ("--on", "pmt")])
def test_a_time_without_a_row_is_told_and_leaves_the_earlier_table(on, beam, tmp_path):
    for ending in (".parquet", ".csv"):
        out = tmp_path / f"joined{ending}"
        assert utokyo("join", "beam.toml", "--out", out, folder=beam).returncode == 0
        earlier = out.read_bytes()
        day = ("--begin", "2021-01-01", "--end", "2021-01-02")
        answer = utokyo("join", "beam.toml", *on, *day, "--out", out, folder=beam)
        assert answer.returncode == 2
        said = " ".join(answer.stderr.split())
        what = {"": "row", "ssd": "burst of ssd", "pmt": "reading of pmt"}["".join(on[1:])]
        assert f"no {what} from 2021-01-01 00:00:00.000 until 2021-01-02 00:00:00.000: the data of" in said
        assert "2022-09-18 12:25" in said
        assert "is left as it was" in said
        assert out.read_bytes() == earlier


def test_sources_without_any_data_make_no_table(tmp_path):
    (tmp_path / "late.toml").write_text('[recorders.late]\nkind = "gauge"\nfilepath = "not_yet.csv"\n')
    answer = utokyo("join", "late.toml", folder=tmp_path)
    assert answer.returncode == 2
    assert "the sources had no data yet" in answer.stderr
    assert not (tmp_path / "joined.parquet").exists()


MISTAKES = {
    "before without windows": (["beam.toml", "--before", "1min"], "--before says how the windows around heatings"),
    "no length": (["beam.toml", "--windows", "w", "--after", "long"], "after should be a duration"),
    "a window without an end": (["beam.toml", "--windows", "w", "--after", "0s"], "after"),
    "no file": (["nix.toml"], "no such file"),
    "a folder": (["beam.toml", "--out", "folder.csv"], "folder.csv: this is a folder; give the path of a file"),
    "below a file": (
        ["beam.toml", "--windows", "beam.toml/heatings"],
        "cannot be made: beam.toml is a file",
    ),
    "another ending": (["beam.toml", "--out", "joined.xlsx"], "ends in .parquet or .csv"),
    "no duration": (["beam.toml", "--every", "often"], "a duration like"),
    "both": (["beam.toml", "--every", "1s", "--on", "ssd"], "one of them"),
    "no source": (["beam.toml", "--on", "thermometer"], "none of the sources"),
    "merged without windows": (["beam.toml", "--merge-within", "1h"], "give --windows FOLDER"),
    "no moment": (["beam.toml", "--begin", "noon"], "a moment like"),
    "too many rows": (["beam.toml", "--every", "1ns"], "utokyo: the sources span"),
    "both on the command line": (["beam.toml", "--every", "1s", "--on", "ssd"], "--on ssd (a row a burst"),
    "too many rows in the file": (["short.toml"], "short.toml, [join]: the sources span"),
    "no such column": (["how.toml"], "how.toml, [join]: how: pmt has no column 'curent_A'"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_mistakes_get_one_sentence_and_exit_code_2(what, beam):
    arguments, sentence = MISTAKES[what]
    answer = utokyo("join", *arguments, folder=beam)
    assert answer.returncode == 2
    assert sentence in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
