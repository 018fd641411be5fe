"""Mistakes in a configuration: each is one sentence that says what is wrong, where, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from utokyo import InputError
from utokyo.engine.command.config import read_config

RECORDERS = """
[recorders.heater]
kind = "heater"
filepath = "heater.csv"
[recorders.ssd]
kind = "ssd"
filepath = "ssd.csv"
[recorders.picture]
kind = "picture"
filepath = "cmos_1.csv"
[recorders.images]
kind = "files"
filepath = "images"
[recorders.any]
kind = "table"
filepath = "any.csv"
"""
SSD = '[[analyses]]\nkind = "ssd"\nfilepath = "x.csv"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder that a configuration is written to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(content: str | bytes, read=read_config) -> str:
    """The sentence by which a configuration is refused."""
    path = Path("run.toml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        read(path)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert sentence.startswith("run.toml")
    return sentence


@pytest.mark.parametrize(
    ("kind", "recorder", "wanted"),
    [
        ("ssd", "heater", '"ssd"'),
        ("ssd", "images", '"ssd"'),
        ("pmt", "ssd", '"pmt"'),
        ("image", "picture", '"files"'),
        ("ssd_folder", "ssd", '"files"'),
    ],
)
def test_a_recorder_of_another_kind_is_refused_when_the_file_is_read(kind, recorder, wanted, folder):
    sentence = refused(f'{RECORDERS}[[analyses]]\nkind = "{kind}"\nrecorder = "{recorder}"\n')
    assert f"run.toml, [[analyses]] number 1: [recorders.{recorder}] is a " in sentence
    assert sentence.endswith(f"give it a recorder of kind {wanted}")


def test_recorders_of_files_that_do_not_exist_yet_are_taken(folder):
    Path("run.toml").write_text(
        RECORDERS
        + "".join(
            f'[[analyses]]\nkind = "{kind}"\nrecorder = "{recorder}"\n'
            for kind, recorder in (("ssd", "ssd"), ("image", "images"), ("ssd_folder", "images"), ("ssd", "any"))
        )
    )
    assert len(read_config("run.toml").analyses) == 4


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('result_filepath = "taken.csv"', "taken.csv: this is a folder; a result table needs"),
        ('result_filepath = "file/results/r.csv"', "file/results: this folder cannot be made: file is a file"),
        ('result_filepath = "x.csv"', "x.csv: the results would replace the data"),
        ('image_src = "file"', "file: this is a file, no folder; choose another path"),
        ('image_src = "file/plots"', "file/plots: this folder cannot be made: file is a file"),
        ('image_src = "new.csv"\nresult_filepath = "new.csv"', "result_filepath and a folder of image_src"),
    ],
)
def test_figures_and_results_that_can_never_be_written_are_refused(line, sentence, folder):
    Path("taken.csv").mkdir()
    Path("file").write_text("")
    said = refused(SSD + line)
    assert said.startswith("run.toml, [[analyses]] number 1: ")
    assert sentence in said.replace("\\", "/")
    assert not Path("x.csv").exists()


def test_a_folder_without_permission_is_refused_and_nothing_is_made(folder, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "plots/new: no permission to write in ." in refused(SSD + 'image_src = "plots/new"').replace("\\", "/")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    read_config("run.toml")
    assert not Path("plots").exists()
