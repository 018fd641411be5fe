"""Analyses: what they find is there, however the files grew, and a result row is there once."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from bench_files import SSD_HEADER

from utokyo import (
    FileRecorder,
    HeaterRecorder,
    ImageAnalysis,
    ImageRecorder,
    InputError,
    OutputError,
    PMTAnalysis,
    Recorder,
    SSDAnalysis,
    SSDFolderAnalysis,
    SSDRecorder,
    StaticRecorder,
    simulate,
)
from utokyo.engine.fits.images.fit import gaussian_image

SPOT = {"A": 30_000.0, "x0": 40.0, "y0": 60.0, "sigma_x": 6.0, "sigma_y": 9.0, "C": 20.0}


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "data"
    simulate(folder, minutes=2.0, seed=11)
    return folder


@pytest.fixture(scope="module")
def truth(beam) -> dict:
    return json.loads((beam / "truth.json").read_text())


def write_image(path: Path, atoms: bool, seed: int) -> None:
    mean = gaussian_image({**SPOT, "A": SPOT["A"] * atoms}, (120, 90))
    image = np.random.default_rng(seed).poisson(mean)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in image.tolist()))


def test_every_burst_is_found_once_with_its_half_life(beam, truth):
    results = SSDAnalysis(beam / truth["files"]["ssd"]).run()

    assert results.height == len(truth["bursts"]) > 0
    for row, burst in zip(results.iter_rows(named=True), truth["bursts"], strict=True):
        assert abs(row["timestamp_ns"] - burst["t0_ns"]) < 1e9
        assert row["valid"], row["reason"]
        pull = (row["half_life_time"] / 1e9 - burst["half_life_s"]) / (row["half_life_time_error"] / 1e9)
        assert abs(pull) < 5


def test_the_columns_of_the_earlier_program_are_kept(beam, truth):
    columns = SSDAnalysis(beam / truth["files"]["ssd"]).run().columns
    assert {"timestamp_ns", "pulses_peak", "pulses_background", "half_life_time", "background"} <= set(columns)


def test_a_file_that_grew_in_pieces_gives_the_results_of_the_whole(beam, truth, tmp_path):
    content = (beam / truth["files"]["ssd"]).read_bytes()
    path, table = tmp_path / "ssd.csv", tmp_path / "results.csv"
    growing = SSDAnalysis(path, result_filepath=table)
    for stop in [*np.linspace(2000, len(content), 7).astype(int)]:
        path.write_bytes(content[:stop])
        results = growing.run()

    whole = SSDAnalysis(path).run()
    assert results.equals(whole)
    assert pl.read_csv(table)["timestamp_ns"].to_list() == whole["timestamp_ns"].to_list()
    assert growing.recorder.bytes_read == len(content)


def test_a_file_that_grows_during_a_run_waits_for_the_next_one(beam, truth, tmp_path):
    content = (beam / truth["files"]["ssd"]).read_bytes()
    path = tmp_path / "ssd.csv"
    # the first look ends in the first burst, whose window goes on behind the last pulse
    within = int(truth["bursts"][0]["t0_ns"]) + 100_000_000
    whole = SSDRecorder(beam / truth["files"]["ssd"]).get_table()["timestamp"]
    lines = content.splitlines(keepends=True)
    seen = len(lines) - whole.len() + int(whole.search_sorted(within))

    class Growing(SSDRecorder):
        """Longer at every look, as while kernels are compiled."""

        shown = seen

        def get_table(self):
            path.write_bytes(b"".join(lines[: self.shown]))
            self.shown += 200
            return super().get_table()

    path.write_bytes(b"".join(lines[:seen]))
    analysis = SSDAnalysis(recorder=Growing(path), image_src=tmp_path / "plots", result_filepath=tmp_path / "r.csv")
    for _ in range(4):
        assert analysis.run().height == 1
    analysis.recorder.shown = len(lines)
    assert analysis.run().equals(SSDAnalysis(path).run())


def test_nothing_is_done_when_nothing_is_new(beam, truth, tmp_path):
    analysis = SSDAnalysis(beam / truth["files"]["ssd"], image_src=tmp_path)
    results = analysis.run()
    drawn = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")}
    assert analysis.run() is results
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*.png")} == drawn
    assert len(drawn) == 1 + results.height


def test_results_of_an_earlier_file_of_the_same_name_stay(beam, truth, tmp_path):
    path, table = tmp_path / "ssd.csv", tmp_path / "results.csv"
    content = (beam / truth["files"]["ssd"]).read_bytes()
    path.write_bytes(content)
    SSDAnalysis(path, result_filepath=table).run()
    path.write_bytes(content.replace(b"2022/09/18", b"2022/09/19"))
    SSDAnalysis(path, result_filepath=table).run()
    assert pl.read_csv(table).height == 2 * len(truth["bursts"])


def test_a_failed_write_is_made_up_for_in_the_next_run(beam, truth, tmp_path):
    table = tmp_path / "results" / "ssd.csv"
    analysis = SSDAnalysis(beam / truth["files"]["ssd"], result_filepath=table)
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot be written"):
        analysis.run()
    (tmp_path / "results").unlink()
    analysis.run()
    assert pl.read_csv(table).height == len(truth["bursts"])


def test_dead_time_is_taken_from_the_header_and_told_where_it_matters(beam, truth, tmp_path):
    content = (beam / truth["files"]["ssd"]).read_text()
    assert "//PulseWidth,0" in content
    path = tmp_path / "ssd.csv"
    path.write_text(re.sub(r"(?m)^//PulseWidth,.*$", "//PulseWidth,1.0e-005", content))
    none = SSDAnalysis(beam / truth["files"]["ssd"])
    some = SSDAnalysis(path)
    given = SSDAnalysis(path, dead_time_s=1e-4, image_src=tmp_path)
    assert none.run()["dead_time_loss"].max() == 0.0
    assert 0.0 < some.run()["dead_time_loss"].max() < 0.05
    losses = given.run()["dead_time_loss"]
    assert losses.max() == pytest.approx(10.0 * some.results["dead_time_loss"].max(), rel=0.2)
    assert any("dead time hid" in remark for remark in given.remarks()) == bool(losses.max() > 0.01)
    assert not none.remarks()


def test_bursts_that_overlap_have_a_row_each(tmp_path):
    random = np.random.default_rng(7)
    parts = [random.uniform(0.0, 120.0, 2400)]
    for t0_s, pulses in ((60.0, 1000), (63.0, 800)):
        parts += [t0_s - random.exponential(0.2, pulses // 6), t0_s + random.exponential(1.0, pulses - pulses // 6)]
    ticks = np.sort(np.concatenate(parts) * 1e6).astype(np.int64)
    lines = pl.DataFrame({"n": np.arange(ticks.size), "t": ticks, "h": 2500}).write_csv(include_header=False)
    (tmp_path / "ssd.csv").write_text(f"{SSD_HEADER}\n{lines}")

    analysis = SSDAnalysis(tmp_path / "ssd.csv", image_src=tmp_path, result_filepath=tmp_path / "bursts.csv")
    results = analysis.run()

    assert results["overlapping"].to_list() == [2, 2]
    assert results["valid"].all()
    assert results["timestamp_ns"].diff()[1] == pytest.approx(3e9, rel=0.1)
    pulls = (results["half_life_time"] - np.log(2.0) * 1e9) / results["half_life_time_error"]
    assert pulls.abs().max() < 4.0
    assert results["end_ns"][0] == results["onset_ns"][1]
    np.testing.assert_allclose(results["pulses_peak"], [1000.0, 800.0], rtol=0.2)
    assert pl.read_csv(tmp_path / "bursts.csv").height == 2
    assert len(list(tmp_path.glob("*_burst_2*.png"))) == 1


def test_all_runs_of_a_folder_are_analysed_and_new_ones_as_they_appear(beam, truth, tmp_path):
    content = (beam / truth["files"]["ssd"]).read_bytes()
    folder, plots, stored = tmp_path / "runs", tmp_path / "plots", tmp_path / "bursts.csv"
    folder.mkdir()
    (folder / "a.csv").write_bytes(content)
    (folder / "note.csv").write_text("remark\nnothing to see\n")
    analysis = SSDFolderAnalysis(folder, image_src=plots, result_filepath=stored)

    first = analysis.run()

    assert first.height == len(truth["bursts"])
    assert first.drop("source").equals(SSDAnalysis(folder / "a.csv").run().drop("source"))
    assert analysis.unreadable() == 1
    assert any("note.csv" in remark for remark in analysis.remarks())
    assert analysis.figures
    assert all(figure.is_file() for figure in analysis.figures)
    (folder / "note.csv").unlink()

    # Another run begins, grows, and is over.
    cut = content.rindex(b"\n", 0, 2 * len(content) // 3) + 1
    (folder / "b.csv").write_bytes(content[:cut])
    between = analysis.run()
    assert first.height < between.height <= 2 * first.height
    assert not any(figure.name.startswith("ssd_runs_a_") for figure in analysis.figures)
    with (folder / "b.csv").open("ab") as handle:
        handle.write(content[cut:])
    assert analysis.run().height == 2 * first.height
    assert pl.read_csv(stored).height == 2 * first.height
    assert analysis.results["source"].n_unique() == 2
    assert analysis.run() is analysis.results


def test_only_runs_that_may_grow_are_kept_in_memory(beam, truth, tmp_path):
    content = (beam / truth["files"]["ssd"]).read_bytes()
    for i in range(5):
        (tmp_path / f"run{i}.csv").write_bytes(content)
    analysis = SSDFolderAnalysis(tmp_path, match=r"run\d\.csv")
    assert analysis.run().height == 5 * len(truth["bursts"])
    assert len(analysis.findings.progress.growing) == 1
    with pytest.raises(InputError, match="result table"):
        SSDFolderAnalysis(tmp_path, result_filepath="bursts.txt")


def test_the_real_background_has_no_burst(real_files):
    analysis = SSDAnalysis(real_files / "ssd_long.csv")
    assert analysis.run().is_empty()
    assert "no burst" in analysis.remarks()[0]


def test_the_difference_of_the_pmt_current_is_the_true_one(beam, truth):
    (row,) = PMTAnalysis(beam / truth["files"]["pmt"]).run().to_dicts()
    for state in ("on", "off"):
        pull = (row[f"current_{state}_A"] - truth["pmt"][f"mean_{state}_A"]) / row[f"current_{state}_error_A"]
        assert abs(pull) < 5
    true_A = truth["pmt"]["mean_on_A"] - truth["pmt"]["mean_off_A"]
    assert abs(row["difference_A"] - true_A) < 5 * row["difference_error_A"]
    assert (row["valid"], row["reason"]) == (True, None)
    assert row["switches"] >= 2


def test_every_image_is_one_row_and_a_corrupt_one_says_so(tmp_path):
    folder, table = tmp_path / "images", tmp_path / "r.parquet"
    folder.mkdir()
    write_image(folder / "cmos_000001.csv", True, 1)
    write_image(folder / "cmos_000002.csv", False, 2)
    (folder / "cmos_000003.csv").write_text("1,2,x\n4,5,6\n")
    (folder / "timelog.csv").write_text("File Name,Time\ncmos_000001.csv,12:00:00\n")

    analysis = ImageAnalysis(folder, image_src=tmp_path / "plots", draw="detections", result_filepath=table)
    rows = {r["filename"]: r for r in analysis.run().to_dicts()}

    assert sorted(rows) == ["cmos_000001.csv", "cmos_000002.csv", "cmos_000003.csv"]
    assert rows["cmos_000001.csv"]["fit_successful"]
    assert abs(rows["cmos_000001.csv"]["A"] - SPOT["A"]) < 5 * rows["cmos_000001.csv"]["A_unc"]
    assert rows["cmos_000001.csv"]["time_source"] == "timelog"
    assert "no atoms" in rows["cmos_000002.csv"]["reason"]
    assert "line 1: no image" in rows["cmos_000003.csv"]["reason"]
    drawn = sorted(p.name for p in (tmp_path / "plots").glob("*.png"))
    assert [re.sub(r"_\w{6}(?=_[^_]+$)", "", name) for name in drawn] == [
        "image_images_cmos_000001_3d.png",
        "image_images_cmos_000001_fit.png",
    ]
    assert analysis.unreadable() == 1
    assert pl.read_parquet(table).height == 3


def test_an_image_that_was_half_written_is_fitted_again_when_it_is_whole(tmp_path):
    write_image(tmp_path / "whole.csv", True, 1)
    content = (tmp_path / "whole.csv").read_bytes()
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "cmos_000001.csv").write_bytes(content[: len(content) // 2 + 1])
    analysis = ImageAnalysis(folder, result_filepath=tmp_path / "r.csv")
    analysis.run()

    (folder / "cmos_000001.csv").write_bytes(content)
    write_image(folder / "cmos_000002.csv", True, 2)

    assert analysis.run()["fit_successful"].to_list() == [True, True]
    assert pl.read_csv(tmp_path / "r.csv").height == 2


def test_one_image_a_recorder_and_a_fixed_table_are_sources_too(tmp_path):
    path = tmp_path / "cmos_000001.csv"
    write_image(path, True, 1)
    alone = ImageAnalysis(path).run()
    by_recorder = ImageAnalysis(recorder=FileRecorder(tmp_path, r"cmos.*")).run()
    static = ImageAnalysis(recorder=StaticRecorder({"filepath": [str(path)]})).run()
    for results in (alone, by_recorder, static):
        assert results["A"].to_list() == alone["A"].to_list()
        assert results["fit_successful"].to_list() == [True]


def test_a_recorder_may_be_shared_and_may_give_pandas(beam, truth):
    pytest.importorskip("pandas")
    recorder = SSDRecorder(beam / truth["files"]["ssd"], frame="pandas")
    first, second = SSDAnalysis(recorder=recorder), SSDAnalysis(recorder=recorder, false_alarms_per_hour=1.0)
    assert first.run().height == len(truth["bursts"])
    assert second.run().height >= first.results.height


@pytest.mark.parametrize("extension", [".svg", "pdf", ".PNG"])
def test_figures_are_written_in_the_format_asked_for(beam, truth, tmp_path, extension):
    analysis = PMTAnalysis(
        beam / truth["files"]["pmt"], image_src=tmp_path / "new" / "folder", image_extension=extension
    )
    analysis.run()
    (path,) = analysis.figures
    assert path.suffix == "." + extension.lstrip(".").lower()
    assert path.stat().st_size > 1000


def test_wrong_arguments_get_one_sentence(tmp_path):
    with pytest.raises(InputError, match="takes a filepath or a recorder"):
        SSDAnalysis()
    with pytest.raises(InputError, match="is none of"):
        SSDAnalysis("x.csv", image_extension=".docx")
    with pytest.raises(InputError, match=r"ends in \.csv or \.parquet"):
        SSDAnalysis("x.csv", result_filepath="x.xlsx")
    with pytest.raises(InputError, match="a path is given as filepath"):
        SSDAnalysis(recorder="x.csv")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a source whose table has the column 'timestamp'"):
        SSDAnalysis(recorder=StaticRecorder({"x": [1]})).run()
    with pytest.raises(InputError, match="draw should be"):
        ImageAnalysis(tmp_path, draw="sometimes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="needs a source whose table has the column"):
        ImageAnalysis(recorder=StaticRecorder({"x": [1]})).run()


@pytest.mark.parametrize(
    ("analysis", "recorder"),
    [
        (SSDAnalysis, HeaterRecorder("heater.csv")),
        (SSDAnalysis, FileRecorder("images")),
        (PMTAnalysis, SSDRecorder("ssd.csv")),
        (ImageAnalysis, ImageRecorder("cmos_1.csv")),
        (SSDFolderAnalysis, SSDRecorder("ssd.csv")),
    ],
)
def test_a_recorder_of_other_data_is_refused_before_its_file_exists(analysis, recorder):
    with pytest.raises(InputError, match=f"{analysis.__name__} takes {analysis.recorder_class.__name__}, not "):
        analysis(recorder=recorder)


def test_recorders_of_the_kind_and_those_that_nobody_knows_are_taken():
    class OtherCounter(Recorder):
        join_as = SSDRecorder.join_as

    class Unknown(Recorder):
        pass

    for recorder in (SSDRecorder("x"), OtherCounter("x"), Unknown("x"), Recorder("x"), StaticRecorder({"x": [1]})):
        assert SSDAnalysis(recorder=recorder).recorder is recorder
