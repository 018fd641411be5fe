"""Figures of many runs in one folder: each has its own, and none is painted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from utokyo import Fit, ImageAnalysis, PMTAnalysis, simulate
from utokyo.engine.figures.drawing import Drawing
from utokyo.engine.figures.manifest import MANIFEST, Digests, Manifest
from utokyo.engine.figures.names import figure_name, title_of
from utokyo.engine.figures.save import save_drawings

PARTS = st.text("ab/._-あ :*?\n", min_size=1, max_size=300)


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("run") / "beam"
    return folder, simulate(folder, minutes=1.0, seed=3)


@given(st.sets(PARTS, min_size=2, max_size=5))
def test_each_source_has_a_name_of_its_own_that_every_drive_takes(sources):
    names = {source: figure_name("ssd", f"/data/{source}", "overview") for source in sources}
    assert len({name.lower() for name in names.values()}) == len(sources)
    for source, name in names.items():
        assert figure_name("ssd", f"/data/{source}", "overview") == name
        assert len(f"{name}.png".encode()) <= 200
        assert not set(name) & set('/\\:*?"<>|\n')
        assert name.startswith("ssd_")


def test_names_and_titles_tell_the_run():
    assert figure_name("pmt", "/data/20220918/all_data.csv", "current").startswith("pmt_20220918_all_data_")
    assert figure_name("pmt", "/x/pmt_today.csv", "current").startswith("pmt_x_today_")
    assert title_of("/data/20220918/all_data.csv") == "20220918/all_data.csv"
    assert title_of("static") == "static"
    assert len(title_of(f"/data/{'a' * 200}/{'b' * 200}")) <= 64


def test_two_runs_may_draw_into_one_folder(beam, tmp_path):
    data, truth = beam
    content = (data / truth["files"]["pmt"]).read_bytes()
    for run in ("a", "b"):
        (tmp_path / run / "PMT").mkdir(parents=True)
        (tmp_path / run / "PMT" / "all_data.csv").write_bytes(content)
    drawn = []
    for run in ("a", "b"):  # also where the folders have one name
        analysis = PMTAnalysis(tmp_path / run / "PMT" / "all_data.csv", image_src=tmp_path / "plots")
        analysis.run()
        drawn += analysis.figures
    assert len(set(drawn)) == 2
    assert all(path.is_file() for path in drawn)


def test_images_of_two_folders_may_be_drawn_into_one(beam, tmp_path):
    data, truth = beam
    content = (data / truth["images"][0]["file"]).read_bytes()
    drawn = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "cmos_000001.csv").write_bytes(content)
        analysis = ImageAnalysis(tmp_path / run, image_src=tmp_path / "plots")
        analysis.run()
        drawn += analysis.figures
    assert len(set(drawn)) == len(drawn) >= 4
    titles = {drawing.arguments[-1] for drawing in analysis.findings.drawings if "bad_pixels" in drawing.name}
    assert titles <= {"b/cmos_000001.csv"}


def test_a_source_has_one_name_from_every_folder(beam, tmp_path, monkeypatch):
    data, truth = beam
    image = data / truth["images"][0]["file"]
    names = []
    for folder in (data, data.parent):
        monkeypatch.chdir(folder)
        for path in (image, Path(os.path.relpath(image)), Path("..") / folder.name / os.path.relpath(image)):
            analysis = ImageAnalysis(path, image_src=tmp_path / "plots", mask=None)
            analysis.run()
            names.append((analysis.source, [figure.name for figure in analysis.figures]))
    assert all(name == names[0] for name in names)


painted: list[str] = []


def paint(text: str, *numbers: object) -> Figure:
    painted.append(text)
    return Figure()


def save(folder: Path, *drawings: Drawing) -> list[str]:
    """What was painted anew."""
    painted.clear()
    paths = save_drawings(drawings, folder, ".png", {})
    assert all(path.is_file() for path in paths)
    assert len(paths) == len(drawings)
    return list(painted)


def test_a_restart_paints_what_is_missing_or_other(tmp_path):
    one, two = Drawing("one", paint, ("1", np.arange(5))), Drawing("two", paint, ("2",))
    assert save(tmp_path, one, two) == ["1", "2"]
    assert save(tmp_path, one, two) == []
    (tmp_path / "two.png").unlink()
    assert save(tmp_path, one, two) == ["2"]
    (tmp_path / "one.png").write_bytes(b"of somebody else")
    assert save(tmp_path, one, two) == ["1"]
    assert save(tmp_path, Drawing("one", paint, ("1", np.arange(6))), two) == ["1"]
    assert save(tmp_path, Drawing("one", paint, ("1", np.arange(6.0))), two) == ["1"]


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b"\xff\0", *(b'{"figures": %s}' % b for b in (b"3", b'{"one.png": 5}'))]
)
def test_without_the_manifest_all_are_painted_once_more(tmp_path, content):
    one = Drawing("one", paint, ("1",))
    save(tmp_path, one)
    if content is None:
        (tmp_path / MANIFEST).unlink()
    else:
        (tmp_path / MANIFEST).write_bytes(content)
    assert save(tmp_path, one) == ["1"]
    assert save(tmp_path, one) == []


def test_a_figure_of_a_file_that_changed_is_painted_anew(tmp_path):
    path = tmp_path / "image.csv"
    path.write_text("1,2\n")
    drawing = Drawing("one", paint, ("1",), reads=(str(path),))
    assert save(tmp_path, drawing) == ["1"]
    assert save(tmp_path, drawing) == []
    path.write_text("1,2\n3,4\n")
    assert save(tmp_path, drawing) == ["1"]


def test_what_cannot_be_digested_is_always_painted(tmp_path):
    drawing = Drawing("one", paint, ("1", object()))
    assert save(tmp_path, drawing) == save(tmp_path, drawing) == ["1"]


def test_programs_that_share_a_folder_keep_each_others_notes(tmp_path):
    one, two = Manifest(tmp_path), Manifest(tmp_path)
    for manifest, name in ((one, "one.png"), (two, "two.png")):
        (tmp_path / name).write_bytes(b"x")
        manifest.note(tmp_path / name, name)
    one.write()
    two.write()
    assert set(json.loads((tmp_path / MANIFEST).read_bytes())["figures"]) == {"one.png", "two.png"}


DIGEST = """
import numpy as np, polars as pl
from utokyo import Fit
from utokyo.engine.figures.drawing import Drawing
from utokyo.engine.figures.manifest import Digests
fit = Fit({"a": 1.5}, {"a": 0.1}, np.eye(1), ("a",), nll=1.0, profile=lambda name, value: 0.0)
table = pl.DataFrame({"t": [1, None], "s": ["x", "é"], "f": [0.1, float("nan")]})
given = (np.arange(4), table, fit, {"x": None, "y": (1, [2.5])}, np.float64(0.1))
print(Digests().of(Drawing("n", print, given, {"title": "T"})))
"""


def test_a_digest_is_the_same_in_every_process():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().strip()) == 32


def test_other_data_have_another_digest():
    fits = [Fit({"a": a}, {"a": 0.1}, np.eye(1), ("a",), nll=1.0) for a in (1.0, 2.0)]
    given = [1, "1", 1.0, True, None, b"1", [1], [[1]], [1, 1], *fits, {"a": 1}, {"b": 1}]
    given += [
        np.arange(2),
        np.arange(2.0),
        pl.DataFrame({"a": [1]}),
        pl.DataFrame({"a": [1.0]}),
        pl.DataFrame({"b": [1]}),
        Path("1"),
        np.eye(1),
        print,
    ]
    digests = {Digests().of(Drawing("n", print, (each,))) for each in given}
    assert len(digests) == len(given)
    assert "" not in digests


def test_tables_and_figures_that_were_deleted_come_again(beam, tmp_path):
    data, truth = beam
    results, plots = tmp_path / "r.csv", tmp_path / "plots"
    analysis = PMTAnalysis(data / truth["files"]["pmt"], image_src=plots, result_filepath=results)
    analysis.run()
    content = results.read_bytes()
    results.unlink()
    for path in plots.iterdir():
        path.unlink()
    plots.rmdir()
    analysis.run()
    assert results.read_bytes() == content
    assert [path.is_file() for path in analysis.figures] == [True]
    results.write_bytes(content.splitlines(keepends=True)[0])  # the rows alone
    analysis.run()
    assert results.read_bytes() == content
