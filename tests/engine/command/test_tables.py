"""What a shift reads fits its terminal: no broken heading, no folded row, the digits that the data have."""

from __future__ import annotations

import io
import re
from pathlib import Path

import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console

from utokyo import ImageAnalysis, PMTAnalysis, SSDAnalysis, simulate
from utokyo.engine.command.analyze import analyze_files
from utokyo.engine.command.tables import columns_table, results_table

WIDTHS = (60, 80, 100, 140)


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("beam") / "data"
    return folder, simulate(folder, minutes=3.0, seed=2)


def printed(table: object, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def analysed(monkeypatch, capsys, width: int, *files: Path, table: bool = False) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    analyze_files(files, None, None, Console(file=io.StringIO()), table=table)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_of_results_fit_and_no_heading_breaks_in_a_word(width, beam):
    folder, truth = beam
    analyses = [
        SSDAnalysis(folder / truth["files"]["ssd"]),
        PMTAnalysis(folder / truth["files"]["pmt"]),
        ImageAnalysis((folder / truth["images"][0]["file"]).parent),
    ]
    for analysis in analyses:
        analysis.run()
        lines = printed(results_table(analysis, width), width)
        assert all(cell_len(line.rstrip()) <= width for line in lines)
        words = {word for p in analysis.parameters for word in p.name.split("_")}
        inside = [line for line in lines if line.startswith("┃")]
        for word in re.findall(r"[A-Za-z-]{3,}", " ".join(inside)):
            assert word in words | {"time", "counts", "pixels", "per", "pixel", "sigma"}, word
        text = "\n".join(lines)
        assert "…" not in text
        if isinstance(analysis, SSDAnalysis):
            rows = [line for line in lines if re.search(r"\d\d:\d\d:\d\d", line)]
            assert len(rows) == analysis.results.height  # none is folded
            assert "half life" in text
            assert "valid" in text
            assert ("left out" in text) == ("value" not in "".join(inside))


def test_many_images_are_a_summary_and_a_table_on_request(beam, monkeypatch, capsys):
    folder, truth = beam
    images = (folder / truth["images"][0]["file"]).parent
    said = analysed(monkeypatch, capsys, 60, images)
    assert len(said.splitlines()) < 12
    count = len(truth["images"])
    assert re.search(rf"\d+ of {count} images show atoms", said)
    assert re.search(r"\d+ ± \d+ to \d+ ± \d+ counts in \d+ images", " ".join(said.split()))
    assert re.search(r"images without atoms: A is below \d+ to \d+ counts \(95 %\)", " ".join(said.split()))
    assert "cmos_0" not in said
    assert analysed(monkeypatch, capsys, 140, images, table=True).count("cmos_0") == count


def test_why_images_are_refused_is_counted_and_times_of_modification_are_marked(tmp_path, monkeypatch, capsys):
    for number in range(3):
        (tmp_path / f"a_{number}.csv").write_text(("1," * 12 + "\n") * 2 + "x," * 6 + "3," * 6 + "\n")
    (tmp_path / "b_0.csv").write_text(("0," * 12 + "\n") * 12)
    said = " ".join(analysed(monkeypatch, capsys, 200, tmp_path).split())
    assert "0 of 1 image shows atoms" in said  # three cannot be read
    assert re.search(r"\b4 refused: 3 x [^;]+; 1 x", said)
    assert "4 of 4 times are those of the last modification (marked *)" in said
    assert len(re.findall(r"\d\d:\d\d\.\d{3}\*", analysed(monkeypatch, capsys, 200, tmp_path, table=True))) == 4


def test_numbers_of_a_file_keep_their_digits():
    table = pl.DataFrame({"wavelength": [718.136908, 817.098723], "large": [2e11, 3e-9], "n": [1, 2]})
    text = "\n".join(printed(columns_table(table, table.columns, 140), 140))
    assert "718.136908" in text
    assert "817.098723" in text
    assert "767.617816" in text or "767.617815" in text  # their mean, as finely
    assert "3e-09" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_of_data_fit_and_lose_the_middles_of_long_texts(width):
    table = pl.DataFrame(
        {
            "filepath": ["C:/Users/somebody/Desktop/Research/Data/mot/images/ccd_detuning01.xlsx"] * 2,
            "Laser intensity at the centre of the MOT region (mW/cm^2)": [1.25, 3.5],
            "timestamp_ns": [1_663_502_739_000_000_000, 1_663_502_740_000_000_000],
        }
    )
    lines = printed(columns_table(table, table.columns, width), width)
    assert all(cell_len(line) <= width for line in lines)
    assert "…" not in "".join(lines)
    text = "\n".join(lines)
    assert "01.xlsx" in text
    assert "cm^2)" in text
    assert "e+18" not in text


def test_real_files_fit_a_narrow_terminal(real_files, monkeypatch, capsys):
    for path in sorted(p for p in real_files.iterdir() if p.is_file() and p.suffix in {".csv", ".lta", ".txt"}):
        for line in analysed(monkeypatch, capsys, 60, path).splitlines():
            assert cell_len(line.rstrip()) <= max(60, len(str(path)) + 1), line
