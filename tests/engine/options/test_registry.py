"""Kinds of other packages, also where one of the installed packages is broken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from utokyo.engine.analyses.known import ANALYSES
from utokyo.engine.recorders.known import RECORDERS

BROKEN = "[pydantic\nplugin = \nmagnet\n[utokyo.recorders]\n= x\nmagnet\n"
SOUND = "[utokyo.recorders]\nmagnet = utokyo:CoilRecorder\n"


def install(folder: Path, name: str, entries: str) -> None:
    """A distribution that has nothing but its list of entry points."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder with a broken and a sound distribution, on the path."""
    install(tmp_path, "broken", BROKEN)
    install(tmp_path, "sound", SOUND)
    monkeypatch.syspath_prepend(tmp_path)
    for registry in (RECORDERS, ANALYSES):
        registry.forget()
    yield tmp_path
    monkeypatch.undo()
    for registry in (RECORDERS, ANALYSES):
        registry.forget()


def test_a_broken_list_of_entry_points_is_named_once_and_passed_over(packages, caplog):
    with caplog.at_level(logging.WARNING, "utokyo"):
        assert RECORDERS["magnet"].__name__ == "CoilRecorder"
        assert ANALYSES["pmt"].__name__ == "PMTAnalysis"
    assert caplog.text.count("the entry points of broken in ") == 1
    assert "sound" not in caplog.text


def test_the_command_runs_beside_a_broken_package(packages):
    (packages / "run.toml").write_text(
        "[recorders.m]\nkind = 'magnet'\nfilepath = 'm.txt'\n[[analyses]]\nkind = 'ssd'\nrecorder = 'm'\n"
    )
    path = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "utokyo", "run", "run.toml"]
    answer = subprocess.run(
        command, cwd=packages, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert '[recorders.m] is of kind "magnet"' in answer.stderr
    assert answer.stderr.count("the entry points of broken in ") == 1
    assert "Traceback" not in answer.stderr
