"""The examples of the specification run word for word, from any folder, on files where they expect them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).with_name("examples")


@pytest.fixture
def laboratory(tmp_path, monkeypatch) -> Path:
    """A folder two levels down from where the data are, as the examples have it."""
    from utokyo import simulate  # noqa: PLC0415

    truth = simulate(tmp_path / "beam", minutes=1.5, seed=3)
    data = tmp_path / "data"
    (data / "20220829").mkdir(parents=True)
    (data / "sample").mkdir()
    ssd = tmp_path / "beam" / truth["files"]["ssd"]
    work = tmp_path / "analysis" / "notebooks"
    work.mkdir(parents=True)
    (data / "20220829" / "-20220829-144945-Slot1-In1.csv").write_bytes(ssd.read_bytes())
    (work / "my_filepath.csv").write_bytes(ssd.read_bytes())
    (data / "sample" / "all_data.csv").write_bytes((tmp_path / "beam" / truth["files"]["pmt"]).read_bytes())
    monkeypatch.chdir(work)
    return tmp_path


def test_track_your_own_csv_file(laboratory):
    names = runpy.run_path(str(EXAMPLES / "recorder.py"))
    assert names["df"].height > 1000
    assert {"TraceName", "Time_x", "PulseHeight", "timestamp", "datetime"} <= set(names["df"].columns)
    assert names["metadata_df"].shape == (1, 37)


def test_set_up_an_analysis(laboratory):
    runpy.run_path(str(EXAMPLES / "analysis.py"))
    assert any((laboratory / "plots").glob("*.png"))


def test_perform_many_analyses_in_real_time(laboratory, monkeypatch):
    from utokyo import Runner  # noqa: PLC0415

    run, asked = Runner.run, []

    def one_cycle(self: Runner, cycles: int, period_s: float) -> object:
        asked.append((cycles, period_s))
        return run(self, cycles=1, period_s=0.1)  # three hours are too long for a test

    monkeypatch.setattr(Runner, "run", one_cycle)
    names = runpy.run_path(str(EXAMPLES / "runner.py"))
    assert asked == [(180, 60)]
    assert len(names["runner"].analyses) == 2
    assert any((laboratory / "plots" / "mock").glob("ssd*.png"))
    assert any((laboratory / "plots" / "mock").glob("pmt*.png"))


def test_the_short_imports_give_the_same_objects():
    import utokyo  # noqa: PLC0415
    from analyses.runner import Runner  # noqa: PLC0415
    from analyses.ssd_analyses import SSDAnalysis  # noqa: PLC0415
    from recorders.ssd_recorder import SSDRecorder  # noqa: PLC0415

    assert utokyo.SSDRecorder is SSDRecorder
    assert utokyo.SSDAnalysis is SSDAnalysis
    assert utokyo.Runner is Runner
