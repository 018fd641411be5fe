"""After a warm-up nothing is compiled any more, by whatever the works stand for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kernel_types import WORKS

from utokyo import InputError, PMTAnalysis, Runner, UtokyoError, simulate
from utokyo.engine.command.warmup import warm_up
from utokyo.engine.run import warmup
from utokyo.engine.run.terminal import SafeConsole
from utokyo.engine.run.warmup import compile_ahead, state_of_cache, works
from utokyo.kernels.ahead import Batch, all_batches

CODE = """
from pathlib import Path
from kernel_types import WORKS
from utokyo import simulate
from utokyo.engine.run.compiling import Compilations
truth = simulate("beam", minutes=2, seed=7)
for work in {works}:
    with Compilations() as compilations:
        WORKS[work](Path("beam"), truth, Path())
    print(work, compilations.functions)
"""
CHEAP = min(all_batches(), key=lambda batch: batch.seconds or 9.0)


def command(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "agg"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, cwd=cache.parent, check=True
    )


@pytest.fixture
def one_batch(monkeypatch) -> Batch:
    """The cheapest batch, as if it were all there are, and missing."""
    monkeypatch.setattr(warmup, "all_batches", lambda: (CHEAP,))
    monkeypatch.setattr(warmup, "_settled", set())
    monkeypatch.setattr(Batch, "is_kept", lambda batch: False)
    return CHEAP


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_warm_up_leaves_nothing_to_compile(tmp_path):
    cache = tmp_path / "cache"
    said = command("-m", "utokyo", "warmup", cache=cache).stderr
    assert "compiling for this machine, once: " in said
    assert f"kept in {cache}" in said
    answer = command("-c", CODE.format(works=list(WORKS)), cache=cache).stdout
    assert answer.split("\n")[:-1] == [f"{work} 0" for work in WORKS]
    assert "all are there" in command("-m", "utokyo", "--version", "--verbose", cache=cache).stdout
    assert "all was compiled before" in command("-m", "utokyo", "warmup", cache=cache).stderr


@pytest.mark.timeout(300)
def test_a_warm_up_of_tables_leaves_nothing_to_compile_for_them(tmp_path):
    cache = tmp_path / "cache"
    said = command("-m", "utokyo", "warmup", "tables", cache=cache).stderr
    assert "compiled what tables needs; kept in" in said
    assert re.search(r"once: (\d+) of \1 functions: done", said)
    assert command("-c", CODE.format(works=["tables"]), cache=cache).stdout.split() == ["tables", "0"]
    version = command("-m", "utokyo", "--version", "--verbose", cache=cache).stdout
    assert str(cache) in version
    assert "not all for images, pulses, joins yet" in version


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


def test_what_is_there_is_not_compiled_again(monkeypatch):
    monkeypatch.setattr(warmup, "_settled", set())
    monkeypatch.setattr(Batch, "is_kept", lambda batch: True)
    monkeypatch.setattr(warmup, "_process", lambda said: pytest.fail("a process was started"))
    assert compile_ahead(works()) == []
    monkeypatch.setattr(Batch, "is_kept", lambda batch: pytest.fail("it was looked for again"))
    assert compile_ahead(works()) == []


def test_a_batch_that_is_missing_is_compiled_and_then_there(monkeypatch, tmp_path):
    monkeypatch.setattr(warmup, "all_batches", lambda: (CHEAP,))
    monkeypatch.setattr(warmup, "_settled", set())
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # of the processes
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))  # of this one
    assert not CHEAP.is_kept()
    assert CHEAP.work in state_of_cache()
    assert compile_ahead([CHEAP.work]) == [CHEAP.work]
    assert CHEAP.is_kept()
    assert "all are there" in state_of_cache()


def test_works_of_others_are_left_to_the_first_use():
    assert compile_ahead({"a work of another package"}) == []
    with pytest.raises(InputError, match="not for 'plots'"):
        warm_up(["plots"], None, SafeConsole(stderr=True))


@pytest.mark.usefixtures("one_batch")
@pytest.mark.parametrize("code", ["import sys; sys.exit('no such luck')", "input(); raise ValueError('no such luck')"])
def test_a_process_that_fails_is_told_and_the_run_goes_on(tmp_path, monkeypatch, caplog, code):
    def fail(said: int) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=said, text=True)

    monkeypatch.setattr(warmup, "_process", fail)
    monkeypatch.setattr(PMTAnalysis, "compiles", (CHEAP.work,))
    with pytest.raises(UtokyoError, match=f"{CHEAP.name}: .*no such luck"):
        compile_ahead([CHEAP.work])
    warmup._settled.clear()
    truth = simulate(tmp_path / "beam", minutes=0.5, seed=1)
    analysis = PMTAnalysis(tmp_path / "beam" / truth["files"]["pmt"])
    assert Runner([analysis]).run(cycles=1).analyses[0].runs == 1
    assert "no such luck; they are compiled in the first cycle" in caplog.text


@pytest.mark.usefixtures("one_batch")
def test_where_nothing_can_be_kept_nothing_is_compiled_ahead(monkeypatch):
    def refuse() -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(warmup, "cache_folder", refuse)
    monkeypatch.setattr("utokyo.engine.command.warmup.cache_folder", refuse)
    monkeypatch.setattr(warmup, "_process", lambda said: pytest.fail("a process was started"))
    assert "cannot be kept" in state_of_cache()
    assert compile_ahead([CHEAP.work]) == []
    with pytest.raises(InputError, match="name a folder of yours in NUMBA_CACHE_DIR"):
        warm_up([], None, SafeConsole(stderr=True))
