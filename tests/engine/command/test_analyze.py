"""``utokyo analyze``: files of several kinds, and the tables that their results go to."""

from __future__ import annotations

from pathlib import Path

import pytest
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
