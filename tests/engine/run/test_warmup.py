"""After a warm-up nothing is compiled any more, by whatever the works stand for."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from utokyo import PMTAnalysis, Runner, UtokyoError, simulate
from utokyo.engine.run import warmup
from utokyo.engine.run.warmup import FUNCTIONS, compile_ahead, state_of_cache

USES = {
    "pulses": "SSDAnalysis(beam / truth['files']['ssd'], image_src='plots', result_filepath='r.csv').run()",
    "images": "ImageAnalysis((beam / truth['images'][0]['file']).parent, image_src='plots').run()",
    "logs": "PMTAnalysis(beam / truth['files']['pmt'], image_src='plots').run(); "
    "[open_recorder(beam / truth['files'][kind]).get_table() for kind in ('coil', 'heater', 'gauge', 'ion')]",
    "joins": "join({k: open_recorder(beam / truth['files'][k]) for k in ('ssd', 'pmt', 'coil')}, every='1s')",
}
CODE = """
from pathlib import Path
from utokyo import *
from utokyo.engine.run.compiling import Compilations
beam = Path("beam")
truth = simulate(beam, minutes=2, seed=7)
with Compilations() as compilations:
    {use}
print(compilations.functions)
"""


def command(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=cache.parent, check=True
    )


def test_a_warm_up_of_logs_leaves_nothing_to_compile_for_them(tmp_path):
    cache = tmp_path / "cache"
    said = command("-m", "utokyo", "warmup", "logs", cache=cache)
    assert "compiled logs; kept in" in said.stderr
    assert command("-c", CODE.format(use=USES["logs"]), cache=cache).stdout.split() == ["0"]
    begin_s = time.monotonic()
    assert "all was compiled before" in command("-m", "utokyo", "warmup", "logs", cache=cache).stderr
    assert time.monotonic() - begin_s < 10.0
    version = command("-m", "utokyo", "--version", "--verbose", cache=cache).stdout
    assert str(cache) in version
    assert "not all of pulses, images, joins yet" in version


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_warm_up_leaves_nothing_to_compile(tmp_path):
    cache = tmp_path / "cache"
    command("-m", "utokyo", "warmup", cache=cache)
    for work, use in USES.items():
        (tmp_path / work).mkdir()
        answer = command("-c", f"import os; os.chdir({work!r}){CODE.format(use=use)}", cache=cache)
        assert answer.stdout.split() == ["0"], work
    assert "all are there" in command("-m", "utokyo", "--version", "--verbose", cache=cache).stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("work", FUNCTIONS)
def test_the_progress_knows_about_how_many_functions_there_are(work, tmp_path):
    answer = command("-m", "utokyo", "warmup", "--here", work, cache=tmp_path / "cache")
    assert answer.stdout.count("\n") == pytest.approx(FUNCTIONS[work], rel=0.15)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_first_run_skips_no_cycle(tmp_path):
    simulate(tmp_path / "beam", minutes=1.0, seed=1)
    code = """
import json
from utokyo import Runner, SSDAnalysis
truth = json.load(open("beam/truth.json"))
summary = Runner([SSDAnalysis("beam/" + truth["files"]["ssd"])]).run(cycles=3, period_s=5.0)
print(summary.cycles, summary.skipped)
"""
    answer = command("-c", code, cache=tmp_path / "cache")
    assert answer.stdout.split() == ["3", "0"]
    assert "compiling for this machine, once" in answer.stderr


def test_works_of_others_are_left_to_the_first_use():
    assert compile_ahead({"a work of another package"}) == []


def test_a_process_that_fails_is_told_and_the_run_goes_on(tmp_path, monkeypatch, caplog):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 3\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(warmup, "is_warm", lambda work: False)
    with pytest.raises(UtokyoError, match="logs: no such luck"):
        compile_ahead(["logs"])
    truth = simulate(tmp_path / "beam", minutes=0.5, seed=1)
    analysis = PMTAnalysis(tmp_path / "beam" / truth["files"]["pmt"])
    assert Runner([analysis]).run(cycles=1).analyses[0].runs == 1
    assert "no such luck; they are compiled in the first cycle" in caplog.text


def test_a_cache_that_cannot_be_is_told(monkeypatch):
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(warmup, "cache_folder", refuse)
    assert "cannot be kept" in state_of_cache()
