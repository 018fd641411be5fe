"""The package of docs/contributing.md, built from the page, is a full member: TOML, join, command, pickles."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from utokyo import gaussian_image

ROOT = Path(__file__).resolve().parents[1]
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
RANDOM = np.random.default_rng(1)
FIELD_MT = 1.25 + 0.002 * np.arange(60) + RANDOM.normal(0.0, 0.0005, 60)
MAGNET = "Time\tField (mT)\n" + "".join(f"2022/09/18 12:00:{s:02d}\t{b:.5f}\n" for s, b in enumerate(FIELD_MT))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The package `magnet`, as pip would have installed it, with the page's tests beside it."""
    folder = tmp_path_factory.mktemp("site")
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    for name, content in FILE.findall(page):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "magnet" / "__init__.py").touch()
    told = folder / "magnet-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: magnet\nVersion: 1.0\n")
    entries = re.findall(
        r'\[project\.entry-points\."([\w.]+)"\]\n(\S+) = "(\S+)"', (folder / "pyproject.toml").read_text()
    )
    assert len(entries) == 3
    (told / "entry_points.txt").write_text("".join(f"[{group}]\n{kind} = {place}\n" for group, kind, place in entries))
    return folder


def run(site: Path, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(ROOT / "tests" / "tools"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *map(str, arguments)]
    answer = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer


def write_laboratory(folder: Path) -> Path:
    (folder / "magnet.txt").write_text(MAGNET)
    (folder / "run.toml").write_text(
        'cycles = 1\n[recorders.field]\nkind = "magnet"\nfilepath = "magnet.txt"\nclock_offset = "-3min"\n'
        '[[analyses]]\nkind = "magnet"\nrecorder = "field"\nscale = 2.0\nresult_filepath = "drift.csv"\n'
        'image_src = "plots"\n[join]\nevery = "10s"\n'
    )
    return folder


@pytest.fixture
def laboratory(tmp_path) -> Path:
    return write_laboratory(tmp_path)


COMMANDS = {
    "run": ("run", "run.toml"),
    "join": ("join", "run.toml", "--out", "joined.csv"),
    "analyze": ("analyze", "magnet.txt", "--no-figures"),
    "schema": ("run", "--schema"),
}
SAY = """
import json, sys
from pathlib import Path
from commands import here
for name, arguments in json.loads(sys.argv[1]).items():
    answer = here(*arguments, folder=Path())
    assert answer.returncode == 0, answer.stdout + answer.stderr
    Path(name).write_text(answer.stdout, encoding="utf-8")
"""


@pytest.fixture(scope="module")
def done(site, tmp_path_factory) -> Path:
    """A laboratory where one process, which finds the installed package, has given all commands; what they said."""
    folder = write_laboratory(tmp_path_factory.mktemp("laboratory"))
    run(site, "-c", SAY, json.dumps(COMMANDS), folder=folder)
    return folder


def test_the_tests_of_the_recipes_pass(site, tmp_path):
    answer = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", site / "tests", folder=tmp_path)
    assert re.search(r"\d+ passed", answer.stdout)
    assert "skipped" not in answer.stdout


def test_recorder_and_analysis_are_named_in_toml(done):
    (row,) = pl.read_csv(done / "drift.csv").to_dicts()
    assert row["valid"]
    assert row["drift_mT_per_s"] == pytest.approx(0.004, rel=0.05)
    (figure,) = (done / "plots").glob("*.png")
    assert figure.name.startswith("magnet_")
    assert figure.name.endswith("_drift.png")


def test_the_recorder_is_joined(done):
    table = pl.read_csv(done / "joined.csv")
    assert table.columns == ["timestamp", "datetime", "field.field_mT", "field.field_mT_error"]
    assert table.height == 6
    assert table["datetime"][0].startswith("2022-09-18T11:57:00")


def test_its_files_are_recognised_and_analysed(done):
    assert "MagnetAnalysis" in (done / "analyze").read_text(encoding="utf-8")


def raw(counts: np.ndarray) -> bytes:
    """A picture of the camera of the page."""
    return np.array(counts.shape[::-1], "<u4").tobytes() + counts.astype("<u2").tobytes()


def test_its_format_of_images_is_one_wherever_a_csv_is(site, tmp_path):
    truth = {"A": 30_000.0, "x0": 24.0, "y0": 19.0, "sigma_x": 5.0, "sigma_y": 4.0, "C": 20.0}
    counts = RANDOM.poisson(gaussian_image(truth, (40, 50)))
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "whole.raw").write_bytes(raw(counts))
    (folder / "part.RAW").write_bytes(raw(counts)[:999])
    (tmp_path / "run.toml").write_text(
        'cycles = 1\n[[analyses]]\nkind = "image"\nfilepath = "images"\nresult_filepath = "atoms.csv"\n'
    )
    run(site, "-m", "utokyo", "run", "run.toml", folder=tmp_path)
    rows = {row["filename"]: row for row in pl.read_csv(tmp_path / "atoms.csv").to_dicts()}
    assert abs(rows["whole.raw"]["x0"] - truth["x0"]) < 0.2
    assert rows["whole.raw"]["fit_successful"]
    assert "part.RAW: cannot be read as raw by magnet.picture:read_raw" in rows["part.RAW"]["reason"]
    code = "from utokyo import open_recorder; print(open_recorder('images/whole.raw').get_image().shape)"
    assert run(site, "-c", code, folder=tmp_path).stdout.strip() == "(40, 50)"
    (folder / "part.RAW").unlink()
    answer = run(site, "-m", "utokyo", "analyze", "images", "--no-figures", folder=tmp_path)
    assert "ImageAnalysis" in answer.stdout


def test_its_options_are_described_to_editors(done):
    assert "What a reading has to be multiplied by" in (done / "schema").read_text(encoding="utf-8")


def test_a_pickle_finds_it_in_another_process(site, laboratory):
    code = (
        "import pickle, sys; from utokyo import open_recorder; from magnet.analysis import MagnetAnalysis;"
        "pickle.dump(MagnetAnalysis(recorder=open_recorder('magnet.txt'), scale=2.0), open('analysis.pickle', 'wb'))"
    )
    run(site, "-c", code, folder=laboratory)
    code = "import pickle; print(pickle.load(open('analysis.pickle', 'rb')).run()['valid'][0])"
    assert run(site, "-c", code, folder=laboratory).stdout.strip() == "True"


def test_entry_points_that_cannot_be_used_are_named_and_passed_over(site, laboratory, tmp_path_factory):
    broken = tmp_path_factory.mktemp("broken")
    (broken / "broken-1.0.dist-info").mkdir()
    (broken / "broken-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "broken-1.0.dist-info" / "entry_points.txt").write_text(
        "[utokyo.recorders]\ngone = nowhere:Recorder\nwrong = json:loads\n[utokyo.analyses]\nssd = nowhere:Analysis\n"
        "[utokyo.images]\ntxt = nowhere:read\n"
    )
    code = (
        f"import sys; sys.path.insert(0, {str(broken)!r}); from utokyo import open_recorder;"
        "from utokyo.engine.analyses.known import ANALYSES;"
        "from utokyo.io.image import read_image; open('i.txt', 'w').write('1,2\\n'); read_image('i.txt');"
        "read_image('i.txt');"
        "print(type(open_recorder('magnet.txt')).__name__, type(open_recorder('magnet.txt')).__name__);"
        "print(ANALYSES['ssd'].__name__, ANALYSES['ssd'].__name__)"
    )
    answer = run(site, "-c", code, folder=laboratory)
    assert answer.stdout.split() == ["MagnetRecorder", "MagnetRecorder", "SSDAnalysis", "SSDAnalysis"]
    assert answer.stderr.count("gone = 'nowhere:Recorder' cannot be loaded") == 1
    assert answer.stderr.count("utokyo.images: txt = 'nowhere:read' cannot be loaded") == 1
    assert answer.stderr.count("wrong = 'json:loads' is no subclass of Recorder") == 1
    assert answer.stderr.count("ssd = 'nowhere:Analysis' cannot be loaded") == 1
