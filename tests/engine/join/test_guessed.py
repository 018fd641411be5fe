"""Files that nobody described, and headers in the middle, under those who use their tables."""

from __future__ import annotations

import logging
from collections import Counter
from io import StringIO

import numpy as np
import polars as pl
import pytest
from commands import here as utokyo
from polars.testing import assert_frame_equal
from rich.console import Console

from utokyo import JoinedTable, PMTAnalysis, Recorder, Runner, SSDAnalysis, SSDRecorder, join

HEADER = "No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n"
OTHER = "No.,Time,Coil (1:ON 0:OFF),PMT Current (A),Shutter,\n"


def pmt_log() -> list[str]:
    """Lines with a bad row, words for no value, a clock that goes back, and a header in the middle."""
    first = [f"{n},2022/03/14 12:{n // 60:02d}:{n % 60:02d},{1 + n % 5}E-13,{n},{n // 30 % 2}\n" for n in range(100)]
    first[17] = "17,2022/03/14 12:00:17,OL,17,0\n"
    first[40] = "40,2022/03/14 12:00:40,OL,40,1\n"
    first[50] = "garbage\n"
    second = [f"{n},2022/03/14 12:0{n // 60}:{n % 60:02d},{n // 30 % 2},{1 + n % 5}E-13,7\n" for n in range(30, 130)]
    return [HEADER, *first, OTHER, *second]


def ssd_log() -> list[str]:
    """Two runs with starts of their own, with a burst in each."""
    lines = []
    for start in ("10:00:00", "10:05:00"):
        lines += ["Model,WE7562\n", "BlockSize,3\n", "TraceName,Time,PulseHeight\n", "//StartDate,2022/03/14\n"]
        lines += [f"//StartTime,{start}\n", "//TimeResolution,1.000000e-006\n"]
        ticks = [int(k * 0.8e6) for k in range(150)] + [int(60e6 + k * 3e4) for k in range(200)]
        lines += [f"0,{tick},{2000 + tick % 900}\n" for tick in sorted(ticks)]
    return lines


@pytest.mark.parametrize(
    ("made", "lines"), [(PMTAnalysis, pmt_log()), (SSDAnalysis, ssd_log())], ids=["PMTAnalysis", "SSDAnalysis"]
)
def test_an_analysis_that_saw_a_header_come_is_one_of_the_final_file(tmp_path, made, lines):
    path, whole = tmp_path / "log.csv", tmp_path / "whole" / "log.csv"
    whole.parent.mkdir()
    whole.write_text("".join(lines))
    path.write_text("")
    analysis = made(path)
    cuts = iter([40, len(lines) // 2 - 1, len(lines) // 2 + 4, len(lines) - 1, len(lines)])

    def grow(_summary: object) -> bool:
        cut = next(cuts, None)
        if cut is not None:
            path.write_text("".join(lines[:cut]))
        return cut is not None

    Runner([analysis], console=Console(file=StringIO())).run(cycles=10**6, period_s=0.01, on_cycle=grow)
    analysis.run()
    final = made(whole)
    final.run()
    apart = [name for name in final.results.columns if name in {"source", "figure", "id"}]
    assert final.results.height > 0
    found, expected = analysis.results.drop(apart), final.results.drop(apart)
    decimals = [name for name, dtype in expected.schema.items() if dtype == pl.Float64]
    assert_frame_equal(found.drop(decimals), expected.drop(decimals))
    for name in decimals:  # fits that began elsewhere
        np.testing.assert_allclose(found[name].to_numpy(), expected[name].to_numpy(), rtol=1e-4, err_msg=name)


def test_the_two_runs_of_an_ssd_are_five_minutes_apart(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("".join(ssd_log()))
    table = join({"ssd": SSDRecorder(path)}, every="1min")
    assert table["ssd.pulses"].sum() == 700
    assert table["datetime"][-1] - table["datetime"][0] >= pl.select(pl.duration(minutes=5)).item()


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("late evidence of dates", ["When;I\n", *(f"0{d}/0{3 + d}/2023 10:00:00;{d},5\n" for d in (1, 2)),
                                    "05/13/2023 10:00:00;3,5\n", "05/14/2023 10:00:00;4,5\n"]),
        ("late decimals", ["t;n\n", "2023-05-09 10:00:00;2,155\n", "2023-05-09 10:00:01;1,003\n",
                           "2023-05-09 10:00:02;1,5\n"]),
        ("a late column", ["t,n\n", "2023-05-09 10:00:00,2\n", "2023-05-09 10:00:01,3\n", "t,m,n\n",
                           "2023-05-09 10:00:02,7.5,4\n", "2023-05-09 10:00:03,8.5,5\n"]),
        ("late text", ["t,n\n", *(f"2023-05-09 10:00:0{s},{s}\n" for s in range(4)),
                       *(f"2023-05-09 10:00:0{s},run {s}\n" for s in range(4, 9))]),
        ("no value, then one", ["t,n\n", "2023-05-09 10:00:00,\n", "2023-05-09 10:00:01,OL\n",
                                "2023-05-09 10:00:02,3.5\n"]),
    ],
)  # fmt: skip
def test_a_join_over_a_layout_that_changed_is_a_join_of_the_final_file(tmp_path, name, lines):
    del name
    path = tmp_path / "any.csv"
    path.write_text(lines[0])
    recorder = Recorder(path)
    joined = JoinedTable({"any": recorder}, every="1s")
    for cut in range(1, len(lines) + 1):
        path.write_text("".join(lines[:cut]))
        joined.update()
    final = join({"any": Recorder(path)}, every="1s")
    assert final.height > 0
    assert joined.frame.columns == final.columns
    assert joined.frame.equals(final)


@pytest.mark.parametrize("column", ["timestamp", "datetime", "timestamp_ns", "Timestamp"])
def test_a_table_whose_timestamp_is_none_is_refused_in_one_sentence(tmp_path, column):
    path = tmp_path / "any.csv"
    path.write_text(f"{column},I\n17,1.5\n18,2.5\n")
    (tmp_path / "run.toml").write_text('[recorders.any]\nkind = "table"\nfilepath = "any.csv"\n[join]\nevery = "1s"\n')
    answer = utokyo("join", "run.toml", folder=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert "Traceback" not in answer.stderr
    sentence = " ".join(answer.stderr.split())
    assert sentence.count("utokyo:") == 1
    assert "any: its table has no times, so it cannot be joined" in sentence
    assert Recorder(path).get_table().height == 2  # and analyze shows it
    assert utokyo("analyze", "any.csv", folder=tmp_path).returncode == 0


# --- Nothing twice.


def test_the_log_of_a_run_says_each_thing_once(tmp_path, caplog):
    lines = pmt_log()
    path = tmp_path / "log.csv"
    path.write_text("")
    analysis, cuts = PMTAnalysis(path), iter(range(10, len(lines) + 10, 10))

    def grow(_summary: object) -> bool:
        cut = next(cuts, None)
        if cut is not None:
            path.write_text("".join(lines[:cut]))
        return cut is not None

    with caplog.at_level(logging.INFO, "utokyo"):
        Runner([analysis], console=Console(file=StringIO())).run(cycles=10**6, period_s=0.005, on_cycle=grow)
        analysis.run()
    counts = Counter(
        record.getMessage() for record in caplog.records if "longer than the period" not in record.getMessage()
    )
    assert [message for message, count in counts.items() if count > 1] == []
    for what in ("line 52: ", "'OL'", "another header", "the clock goes back"):
        assert sum(what in message for message in counts) == 1, (what, counts)


@pytest.mark.parametrize("command", ["analyze", "run", "join"])
def test_the_commands_say_each_thing_once(tmp_path, command):
    (tmp_path / "log.csv").write_text("".join(pmt_log()))
    (tmp_path / "run.toml").write_text(
        'cycles = 3\nperiod_s = 0.2\n[recorders.pmt]\nkind = "pmt"\nfilepath = "log.csv"\n'
        '[[analyses]]\nkind = "pmt"\nrecorder = "pmt"\n[join]\nevery = "10s"\n'
    )
    answer = utokyo(command, "log.csv" if command == "analyze" else "run.toml", folder=tmp_path)
    assert "Traceback" not in answer.stderr
    text = " ".join((answer.stdout + answer.stderr).split())
    for what in ("line 52: expected 5 fields", "'OL'", "another header", "the clock goes back"):
        assert text.count(what) == 1, (what, text)
