"""The command as a person and as a script use it: what it prints, and how it exits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from commands import here as utokyo
from commands import in_a_process

from utokyo import SSDAnalysis, simulate
from utokyo.engine.analyses.known import ANALYSES
from utokyo.engine.command.config import EXAMPLE
from utokyo.engine.recorders.known import RECORDERS

SSD_FILE = """Model,WE7562
BlockSize,3
TraceName,Time,PulseHeight
//StartDate,2022/03/14
//StartTime,10:07:54
//TimeResolution,1.000000e-006
//LLD,500
//ULD,4031
0,553786,2463
1,865236,2855
2,2486115,2516
"""


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "data"
    simulate(folder, minutes=1.5, seed=2)
    return folder


def test_help_names_the_commands(tmp_path):
    answer = in_a_process("--help", folder=tmp_path)
    assert answer.returncode == 0
    assert all(command in answer.stdout for command in ("demo", "analyze", "run", "simulate"))


def test_analyze_finds_out_what_every_file_is(beam, tmp_path):
    truth = json.loads((beam / "truth.json").read_text())
    files = [beam / name for name in truth["files"].values()]
    images = (beam / truth["images"][0]["file"]).parent

    answer = in_a_process("analyze", *files, images, folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    for name in ("SSDAnalysis", "PMTAnalysis", "ImageAnalysis", "HeaterRecorder", "GaugeRecorder", "IonRecorder"):
        assert name in answer.stdout
    assert len(list((tmp_path / "utokyo-plots").glob("*.png"))) >= len(truth["bursts"]) + 3


SENTENCES = {
    "empty": (b"", "the file is empty"),
    "header only": (SSD_FILE[: SSD_FILE.index("0,553786")].encode(), "no complete row after the header yet"),
    "letter in a number": (
        SSD_FILE.replace("865236", "86S236").encode(),
        "line 10: Time_x should be an integer",
    ),
    "a field too many": (SSD_FILE.replace("865236,", "865236,7,").encode(), "line 10: expected 3 fields"),
    "a field too few": (SSD_FILE.replace("865236,", "").encode(), "line 10: expected 3 fields"),
    "a start that is none": (SSD_FILE.replace("//StartTime,10:07:54", "//StartTime,noon").encode(), "should be a date"),
    "UTF-16 without its mark": (SSD_FILE.encode("utf-16-le"), "NUL bytes"),
    "binary": (bytes(range(256)) * 10, "NUL bytes"),
    "letters that nobody reads": (b"caf\xe9 \x81\x20,b\n1,2\n2,3\n", "neither UTF-8, Shift-JIS nor Windows-1252"),
}


def test_a_file_whose_name_begins_with_a_dash_is_a_file(beam):
    answer = utokyo("analyze", next(beam.glob("*Slot1*.csv")).name, "--no-figures", folder=beam)
    assert answer.returncode == 0, answer.stderr
    assert "SSDAnalysis" in answer.stdout
    assert not (beam / "utokyo-plots").exists()


@pytest.mark.parametrize("what", SENTENCES)
def test_bad_input_gets_one_sentence_and_exit_code_2(what, tmp_path):
    content, sentence = SENTENCES[what]
    (tmp_path / "ssd.csv").write_bytes(content)

    answer = utokyo("analyze", "ssd.csv", folder=tmp_path)

    assert answer.returncode == 2
    assert sentence in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


def test_missing_files_and_folders_get_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    for name, sentence in (("nix.csv", "nix.csv: no such file"), ("empty", "no images in this folder")):
        answer = utokyo("analyze", name, folder=tmp_path)
        assert answer.returncode == 2
        assert sentence in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_bad_file_does_not_keep_the_others_from_being_analysed(beam, tmp_path):
    good = next(beam.glob("*Slot1*.csv"))
    answer = utokyo("analyze", "nix.csv", good, folder=tmp_path)
    assert answer.returncode == 3
    assert "SSDAnalysis" in answer.stdout


def test_the_shipped_example_is_a_configuration_that_runs(tmp_path):
    example = utokyo("run", "--example", folder=tmp_path)
    assert example.returncode == 0
    simulate(tmp_path / "data", minutes=1.0, seed=1)
    (tmp_path / "run.toml").write_text(example.stdout)

    answer = in_a_process("run", "run.toml", "--cycles", 1, folder=tmp_path)

    assert answer.returncode == 0, answer.stderr
    assert pl.read_csv(tmp_path / "results" / "ssd.csv").height >= 1
    assert pl.read_parquet(tmp_path / "results" / "images.parquet").height >= 1
    assert list((tmp_path / "plots").glob("pmt*.png"))


def test_the_shipped_example_names_every_kind():
    text = EXAMPLE.read_text(encoding="utf-8").replace("\n# ", " ")
    for what, registry in (("recorders", RECORDERS), ("analyses", ANALYSES)):
        (named,) = re.findall(rf"Kinds of {what}: ([\w, ]+)", text)
        assert named.split(", ") == list(registry.kinds)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("cycles = ", "run.toml, line 1: `cycles =` is no TOML: there is no value"),
        ("cycles = 3", "no [[analyses]]"),
        ("cycls = 3", "unknown key 'cycls'"),
        ("cycles = 'three'\n[[analyses]]\nkind='ssd'", "cycles should be a whole number, 1 cycle or more, not 'three'"),
        ("[[analyses]]\nkind = 'sdd'\nfilepath = 'x'", "kind should be one of ssd, ssd_folder, pmt, image, not 'sdd'"),
        ("[[analyses]]\nkind = 'ssd'", "takes a filepath or a recorder"),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = 'x'\nresult_file = 'y'", "unknown key 'result_file'"),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = 'x'\nresult_filepath = 'y.xls'", "ends in .csv or .parquet"),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = 'x'\ndraw = 'never'", "unknown key 'draw'"),
        ("[[analyses]]\nkind = 'ssd'\nrecorder = 'a'", "no [recorders.a]"),
        ("[recorders.a]\nkind = 'ssd'\n[[analyses]]\nkind = 'ssd'\nrecorder = 'a'", "[recorders.a]: no filepath"),
        ("[recorders.a]\nkind = 'ssd'\nfilepath = 'x'\nclock_offset_s = nan", "clock_offset_s should be a number"),
        (
            "[recorders.a]\nkind = 'ssd'\nfilepath = 'x'\nclock_offset_s = 1e300",
            "clock_offset_s should be 36600d at most",
        ),
        (  # 64 bits of ns end in 2262: these times came out as some of 1723
            "[recorders.a]\nkind = 'ssd'\nfilepath = 'x'\nclock_offset_s = 9e9",
            "clock_offset_s should be 36600d at most",
        ),
        (
            "[recorders.a]\nkind = 'ssd'\nfilepath = 'x'\nclock_offset_s = 1\nclock_offset = '1s'",
            "clock_offset and clock_offset_s say the same; give one of them",
        ),
        (
            2 * "[[analyses]]\nkind = 'ssd'\nfilepath = 'x'\nresult_filepath = 'r.csv'\n",
            "number 2: number 1 writes rows of the same source into r.csv",
        ),
        ("[[analyses]]\nkind = 'pmtt'\nfilepath = 'x'", "did you mean 'pmt'?"),
        ("[[analyses]]\nkind = 'pmt'\nfilepath = 'x'\nresult_filpath = 'y'", "did you mean 'result_filepath'?"),
        ("[[analyses]]\nfilepath = 'x'", "no kind; it should be one of ssd"),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = ''", "filepath should be the path of a file or folder, not ''"),
        ("[analyses]\nkind = 'ssd'\nfilepath = 'x'", "write [[analyses]] above each analysis"),
        ('[[analyses]]\nkind = "ssd"\nfilepath = "C:\\data\\ssd.csv"', "write paths with forward slashes"),
        ("cycles = 0\n[[analyses]]\nkind = 'ssd'\nfilepath = 'x'", "1 cycle or more"),
    ],
)
def test_a_wrong_configuration_gets_one_sentence(config, sentence, tmp_path):
    (tmp_path / "run.toml").write_text(config)
    answer = utokyo("run", "run.toml", folder=tmp_path)
    assert answer.returncode == 2
    assert sentence in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


def test_no_cycle_is_refused_and_the_version_is_told(tmp_path):
    (tmp_path / "run.toml").write_text("[[analyses]]\nkind = 'ssd'\nfilepath = 'x'")
    assert utokyo("run", "run.toml", "--cycles", 0, folder=tmp_path).returncode == 2
    assert utokyo("--version", folder=tmp_path).stdout.startswith("utokyo ")


def test_a_last_line_without_its_end_is_told(tmp_path):
    (tmp_path / "k.csv").write_text("a,b\n1,2\n3,4")
    answer = utokyo("analyze", "k.csv", folder=tmp_path)
    assert "the last line has no end yet; it is left out" in answer.stderr


def test_a_column_called_timestamp_that_is_no_time_is_shown_as_others(tmp_path):
    (tmp_path / "k.csv").write_text("timestamp,p\n1000,1.5\n5096,2.5\n9192,3.5\n")
    answer = utokyo("analyze", "k.csv", folder=tmp_path)
    assert "9192" in answer.stdout


def test_a_run_without_its_file_waits_and_then_says_so(tmp_path):
    (tmp_path / "run.toml").write_text("cycles = 2\nperiod_s = 0.1\n[[analyses]]\nkind = 'ssd'\nfilepath = 'ssd.csv'")
    answer = utokyo("run", "run.toml", folder=tmp_path)
    assert answer.returncode == 2
    assert "waiting for it" in " ".join(answer.stderr.split())


def test_simulate_refuses_to_overwrite(tmp_path):
    assert utokyo("simulate", "data", "--minutes", 0.2, folder=tmp_path).returncode == 0
    again = utokyo("simulate", "data", "--minutes", 0.2, folder=tmp_path)
    assert again.returncode == 2
    assert "Traceback" not in again.stderr


def test_the_demonstration_meets_the_truth(tmp_path):
    answer = in_a_process("demo", "--minutes", 1.2, "--speed", 24, folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "waiting for it" not in answer.stderr  # no word about files that it writes itself
    assert "no header" not in answer.stderr
    assert "as the PCs of the experiment would write them" in " ".join(answer.stderr.split())
    assert "between -2 and 2 in 19 of 20 cases" in " ".join(answer.stderr.split())
    assert list((tmp_path / "utokyo-demo" / "plots").glob("ssd*burst*.png"))
    assert (tmp_path / "utokyo-demo" / "results" / "pmt.csv").exists()


def _was_written(path: Path, since_s: float) -> bool:
    return path.exists() and path.stat().st_mtime > since_s


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_kill_9_in_mid_cycle_and_a_restart_neither_loses_nor_doubles_a_row(tmp_path):
    truth = simulate(tmp_path / "data", minutes=1.5, seed=4)
    ssd = tmp_path / "data" / truth["files"]["ssd"]
    whole = ssd.read_bytes()
    (tmp_path / "run.toml").write_text(
        "cycles = 1000\nperiod_s = 0.05\n[[analyses]]\nkind = 'ssd'\n"
        f"filepath = 'data/{ssd.name}'\nresult_filepath = 'results/ssd.csv'\nimage_src = 'plots'\n"
    )
    for part in (0.4, 0.7, 0.9, 1.0):
        ssd.write_bytes(whole[: int(len(whole) * part)])
        process = subprocess.Popen(
            [sys.executable, "-m", "utokyo", "run", "run.toml"], cwd=tmp_path, stderr=subprocess.DEVNULL
        )
        begun_s = time.time()
        while time.time() < begun_s + 4.0 and not _was_written(tmp_path / "results" / "ssd.csv", begun_s):
            time.sleep(0.02)
        time.sleep(0.3 * part)  # somewhere in a cycle
        process.send_signal(signal.SIGKILL)
        process.wait()

    answer = utokyo("run", "run.toml", "--cycles", 1, folder=tmp_path)

    assert answer.returncode == 0, answer.stderr
    table = pl.read_csv(tmp_path / "results" / "ssd.csv")
    expected = SSDAnalysis(ssd).run()
    assert table["timestamp_ns"].to_list() == expected["timestamp_ns"].to_list()
    assert table["half_life_time"].to_list() == expected["half_life_time"].to_list()
    assert not [p for p in (tmp_path / "plots").glob("*.png") if p.stat().st_size < 1000]
