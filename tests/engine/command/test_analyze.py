"""``utokyo analyze``: files of several kinds, and the tables that their results go to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import here
from PIL import Image
from rich.console import Console

from utokyo import simulate
from utokyo.engine.command.analyze import analyze_files
from utokyo.io.store import read_results


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("run") / "beam"
    return folder, simulate(folder, minutes=1.0, seed=3)


def said(files: list[Path], results: Path) -> str:
    console = Console(record=True, width=400, quiet=False)
    assert analyze_files(files, None, results, console) == 0
    return console.export_text()


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_files_of_several_kinds_have_a_table_each(beam, tmp_path, ending):
    folder, truth = beam
    files = [folder / truth["files"][kind] for kind in ("ssd", "pmt", "coil")]
    results = tmp_path / f"results{ending}"
    text = said(files, results)
    assert not results.exists()
    assert f"results_ssd{ending} and {tmp_path / f'results_pmt{ending}'}" in text
    assert "half_life_time" in read_results(tmp_path / f"results_ssd{ending}").columns
    pmt = read_results(tmp_path / f"results_pmt{ending}")
    assert pmt["difference_A"].len() == 1
    assert "half_life_time" not in pmt.columns


def test_one_kind_has_the_table_that_was_asked_for(beam, tmp_path):
    folder, truth = beam
    text = said([folder / truth["files"]["pmt"]], tmp_path / "results.csv")
    assert read_results(tmp_path / "results.csv").height == 1
    assert "results go to" not in text


def test_a_table_of_another_kind_is_left_alone(beam, tmp_path):
    folder, truth = beam
    results = tmp_path / "results.csv"
    said([folder / truth["files"]["pmt"]], results)
    before = results.read_bytes()
    text = said([folder / truth["files"]["ssd"]], results)
    assert "there are results of another kind; results go to" in text
    assert results.read_bytes() == before
    assert read_results(tmp_path / "results_ssd.csv").height == len(truth["bursts"])
    assert "results go to" not in said([folder / truth["files"]["pmt"]], results)


def test_each_file_of_a_folder_is_analysed_by_what_it_holds(beam, tmp_path, capsys):
    folder, truth = beam
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for kind in ("ssd", "pmt", "gauge", "coil"):
        (mixed / f"{kind}.csv").write_bytes((folder / truth["files"][kind]).read_bytes())
    image = folder / truth["images"][0]["file"]
    pixels = np.loadtxt(image, delimiter=",", dtype=np.int64)
    (mixed / "cmos_1.csv").write_bytes(image.read_bytes())
    np.savetxt(mixed / "spot.txt", pixels - 10.5, fmt="%.1f")
    Image.fromarray(pixels.clip(0, 65535).astype(np.uint16)).save(mixed / "spot.tif")
    (mixed / "note.md").write_text("a note")
    (mixed / "image_run_cmos_1_abcdef_fit.png").write_bytes(b"a figure of ours")
    (mixed / "more").mkdir()
    text = said([mixed], tmp_path / "results.csv")
    out = " ".join(capsys.readouterr().out.split())
    for kind in ("ssd", "pmt", "image"):
        assert f"results_{kind}.csv" in text
    assert sorted(read_results(tmp_path / "results_image.csv")["filename"]) == ["cmos_1.csv", "spot.tif", "spot.txt"]
    assert read_results(tmp_path / "results_ssd.csv").height == len(truth["bursts"])
    assert read_results(tmp_path / "results_pmt.csv").height == 1
    for recorder in ("GaugeRecorder, ", "CoilRecorder, "):
        assert recorder in out
    assert "not looked into: note.md and 1 folder in it" in text
    assert "figure" not in text


def test_a_file_that_cannot_be_read_does_not_stop_the_folder(beam, tmp_path, capsys):
    folder, truth = beam
    (tmp_path / "a.csv").write_bytes(b"T (K)\0\0\n1\n" * 3)
    (tmp_path / "pmt.csv").write_bytes((folder / truth["files"]["pmt"]).read_bytes())
    console = Console(record=True, width=400)
    assert analyze_files([tmp_path], None, None, console) == 3
    assert "a.csv" in console.export_text()
    assert "PMTAnalysis" in capsys.readouterr().out


def test_the_command_is_told_what_a_table_means(tmp_path):
    (tmp_path / "log.csv").write_text("N,Time\n1,05/06/2024 10:00:00\n2,05/06/2024 10:00:01\n")
    guessed = here("analyze", "log.csv", folder=tmp_path)
    assert "2024-06-05 10:00:00.000" in guessed.stdout
    assert "to say it otherwise: --delimiter, --decimal" in guessed.stdout
    told = here("analyze", "log.csv", "--time-format", "%m/%d/%Y %H:%M:%S", folder=tmp_path)
    assert (told.returncode, "2024-05-06 10:00:00.000" in told.stdout) == (0, True)
    (tmp_path / "cup.csv").write_text("a;b\nx;K\n1,001;2\n1,002;3\n")
    told = here("analyze", "cup.csv", "--decimal", ",", "--header-line", 1, "--units-row", folder=tmp_path)
    assert "Float64" in told.stdout
    assert "decimal sign ','" in told.stdout


def test_an_option_that_no_file_takes_is_refused(tmp_path):
    (tmp_path / "coil.txt").write_text("Time\tCoilOperation\n2022/09/18 12:00:00\tON\n")
    told = here("analyze", "coil.txt", "--decimal", ",", folder=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "--decimal: without effect" in told.stderr
