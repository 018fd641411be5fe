"""``~`` is the home folder of the user wherever a path is given, and a name that begins with it is a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import utokyo
from utokyo import ImageSettings, InputError, SSDAnalysis, SSDRecorder, join, simulate
from utokyo.io.image import read_image
from utokyo.io.paths import user_path
from utokyo.io.store import ResultTable


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_everything_that_takes_a_path_takes_one_of_the_home_folder(home):
    truth = simulate("~/beam", minutes=0.5, seed=1)
    assert (home / "beam" / "truth.json").exists()
    ssd = f"~/beam/{truth['files']['ssd']}"
    assert SSDRecorder(ssd).get_table().height == truth["rows"][truth["files"]["ssd"]]
    assert isinstance(utokyo.open_recorder(ssd), SSDRecorder)
    SSDAnalysis(ssd, image_src="~/plots", result_filepath="~/results/ssd.csv").run()
    assert list((home / "plots").glob("*.png"))
    assert ResultTable("~/results/ssd.csv").path == home / "results" / "ssd.csv"
    image = next(path for path in truth["rows"] if "cmos" in Path(path).name)
    assert read_image(f"~/beam/{image}").ndim == 2
    assert ImageSettings(references=f"~/beam/{image}").references.given == (home / "beam" / image,)
    table = utokyo.JoinedTable([SSDRecorder(ssd)], every="1s")
    table.update()
    assert table.write("~/joined.csv") == home / "joined.csv"
    assert (home / "joined.csv").exists()
    assert join([SSDRecorder(ssd)], every="1s").height == table.frame.height


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20))
def test_other_paths_stay_as_they_are(text):
    is_home = text == "~" or text.startswith(("~/", "~\\"))
    assert is_home or user_path(text) == Path(text)
    assert user_path("~$" + text) == Path("~$" + text)
    assert user_path(Path("beam") / "~") == Path("beam/~")


def test_without_a_home_folder_a_sentence_says_so(monkeypatch):
    def unknown(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)
    with pytest.raises(InputError, match="write the path in full"):
        user_path("~/ssd.csv")
