"""A burst has one time, that of its fit, in results, joins, windows and figures, and one figure and row as it grows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from utokyo import JoinedTable, SSDAnalysis, SSDRecorder, StaticRecorder, join, simulate, windows
from utokyo.engine.figures.events import EventFigures, moment_in_name
from utokyo.engine.figures.names import figure_name
from utokyo.engine.fits.bursts.dead_time import dead_time_of
from utokyo.engine.fits.bursts.fitted import fitted_bursts
from utokyo.engine.fits.rounding import rounded_moment
from utokyo.engine.join.events import events_of

SECOND = 1_000_000_000
START = 1_663_504_000 * SECOND
BURST = figure_name("ssd", "static", "burst_")


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "data"
    simulate(folder, minutes=60.0, seed=7)
    return folder


@pytest.fixture(scope="module")
def truth(beam) -> dict:
    return json.loads((beam / "truth.json").read_text())


@pytest.fixture(scope="module")
def ssd(beam, truth) -> Path:
    return beam / truth["files"]["ssd"]


@pytest.fixture(scope="module")
def results(ssd) -> pl.DataFrame:
    return SSDAnalysis(ssd).run()


def pulses(*t0_s: float, seed: int = 5, last_s: float = 120.0) -> np.ndarray:
    """Bursts of 900 pulses with a rise of 0.3 s, over 40 per s."""
    random = np.random.default_rng(seed)
    parts = [random.uniform(0.0, last_s, round(40 * last_s))]
    parts += [t0 - random.exponential(0.3, 240) for t0 in t0_s] + [t0 + random.exponential(0.9, 660) for t0 in t0_s]
    seconds = np.sort(np.concatenate(parts))
    return START + (seconds[seconds < last_s] * SECOND).astype(np.int64)


def table(times_ns: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame({"timestamp": times_ns, "PulseHeight": np.full(times_ns.size, 2470)})


class Growing(StaticRecorder):
    """A fixed table that can become a longer one."""

    def show(self, times_ns: np.ndarray) -> None:
        before = self.version if hasattr(self, "version") else 0
        super().__init__(table(times_ns))
        self._version = before + 1

    version = property(lambda self: getattr(self, "_version", 0))


def test_results_have_the_times_of_the_truth_within_their_errors(truth, results):
    t0_ns = np.array([burst["t0_ns"] for burst in truth["bursts"]])
    assert results.height == t0_ns.size >= 83
    off_s = (results["timestamp_ns"].to_numpy() - t0_ns) / SECOND
    apex_s = (results["apex_ns"].to_numpy() - t0_ns) / SECOND
    assert abs(off_s.mean()) < 0.03
    assert np.sqrt(np.mean(off_s**2)) < 0.1
    assert apex_s.mean() < -0.1  # the search's own place, which is early, is a column of its own

    valid = results["valid"].to_numpy()
    assert np.array_equal(results["timestamp_error_ns"].is_not_null(), valid)
    pulls = off_s[valid] * SECOND / results["timestamp_error_ns"].to_numpy()[valid]
    assert valid.sum() >= 80
    assert abs(pulls.mean()) < 3.5 / np.sqrt(pulls.size)
    assert 0.75 < np.percentile(np.abs(pulls), 68.3) < 1.25


def test_the_number_of_pulses_is_that_of_the_fit(truth, results):
    number = np.array([burst["n_rise"] + burst["n_decay"] for burst in truth["bursts"]])
    pulls = (results["pulses_peak"].to_numpy() - number) / results["pulses_peak_error"].to_numpy()
    assert abs(pulls.mean()) < 0.45
    assert 0.75 < pulls.std() < 1.3
    valid = results.filter("valid")
    assert (valid["pulses_counted"] != valid["pulses_peak"]).all()
    invalid = results.filter(~pl.col("valid"), overlapping=1)
    assert invalid["pulses_counted"].to_list() == invalid["pulses_peak"].to_list()
    width_ns = results["end_ns"] - results["onset_ns"]
    np.testing.assert_allclose(results["pulses_background"], results["background"] * width_ns)


def test_joins_windows_and_clocks_have_the_times_of_the_results(ssd, results):
    recorder = SSDRecorder(ssd)
    joined = join({"ssd": recorder}, on="ssd")
    assert joined["timestamp"].to_list() == results["timestamp_ns"].to_list()
    same = {"timestamp_error_ns": "timestamp_error_ns", "apex_ns": "apex_ns", "pulses_peak": "pulses_peak"}
    for name, column in same.items():
        assert joined[f"ssd.{name}"].to_list() == results[column].to_list()
    middle = results["timestamp_ns"][40]
    window = windows({"ssd": recorder}, around=[middle], before="30s", after="30s")[0]
    assert middle in window.bursts["timestamp_ns"].to_list()
    events = events_of(recorder)
    assert events.times_ns.tolist() == results["timestamp_ns"].to_list()
    assert np.median(events.resolution_s) < 0.1


def test_an_offset_moves_times_and_apexes_of_a_join_and_no_error(ssd, results):
    moved = join({"ssd": SSDRecorder(ssd)}, on="ssd", clock_offsets={"ssd": "10s"})
    assert (moved["timestamp"] - 10 * SECOND).to_list() == results["timestamp_ns"].to_list()
    assert (moved["ssd.apex_ns"] - 10 * SECOND).to_list() == results["apex_ns"].to_list()
    assert moved["ssd.timestamp_error_ns"].to_list() == results["timestamp_error_ns"].to_list()
    recorder = SSDRecorder(ssd, clock_offset="10s")
    window = windows({"ssd": recorder}, around=[moved["timestamp"][3]], clock_offsets={"ssd": "1s"})[0]
    table = recorder.get_table()
    fitted = fitted_bursts(table["timestamp"], dead_time_s=dead_time_of(table))
    assert set(window.bursts["timestamp_ns"] - SECOND) <= set(fitted["timestamp_ns"])


def test_a_table_and_the_figure_of_a_burst_say_the_same_numbers(results, ssd):
    analysis = SSDAnalysis(ssd)
    analysis.run()
    for drawing in analysis.findings.drawings[1:12]:
        above = drawing.figure().axes[0]
        said, when = above.texts[0].get_text(), above.get_title(loc="right")
        (row,) = (r for r in results.iter_rows(named=True) if moment_in_name(r["timestamp_ns"]) in drawing.name)
        if row["valid"]:
            assert when == "t0 = {} ± {}".format(*rounded_moment(row["timestamp_ns"], row["timestamp_error_ns"]))
        else:
            assert when == f"apex {rounded_moment(row['timestamp_ns'], None)[0]}"
        for label, scale, value, error in (
            ("half-life", 1e-9, row["half_life_time"], row["half_life_time_error"]),
            ("pulses", 1.0, row["pulses_peak"], row["pulses_peak_error"]),
            ("background", 1e9, row["background"], row["background_error"]),
        ):
            number, its_error = re.search(rf"{label}: ([\d.]+) ± ([\d.]+)", said).groups()
            assert float(its_error) == pytest.approx(error * scale, rel=0.06)
            assert abs(float(number) - value * scale) <= 0.51 * 10.0 ** -len(number.partition(".")[2]) * (
                1.0 if "." in number else 10.0
            )


def test_the_overview_marks_bursts_at_t0(results, ssd):
    analysis = SSDAnalysis(ssd)
    analysis.run()
    marks = {line.get_label(): line for line in analysis.findings.drawings[0].figure().axes[1].get_lines()}
    at_ns = np.asarray(next(m for label, m in marks.items() if "burst" in label).get_xdata()) * 86_400e9
    np.testing.assert_allclose(at_ns, results["timestamp_ns"], rtol=0.0, atol=1e3)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_burst_that_moves_while_it_grows_has_one_figure_and_one_row(tmp_path, restarts):
    """Of a burst that is only half there the fit is not valid: its time is the apex, a second before t0."""
    whole = pulses(30.1, 80.1)
    recorder = Growing(table(whole[:0]))
    options = {"image_src": tmp_path, "result_filepath": tmp_path / "bursts.csv"}
    analysis = SSDAnalysis(recorder=recorder, **options)
    names, seen = set(), set()
    for until_s in [10.0, 29.9, 30.1, 30.3, 30.7, 31.5, 60.0, 80.4, 120.0]:
        recorder.show(whole[whole < START + until_s * SECOND])
        if restarts:
            analysis = SSDAnalysis(recorder=recorder, **options)
        results = analysis.run()
        names = {path.stem for path in tmp_path.glob("*_burst_*.png")}
        expected = {f"{BURST}{moment_in_name(row)}" for row in results["timestamp_ns"]}
        assert names == expected
        seen |= names
    assert len(names) == 2 < len(seen)
    stored = pl.read_csv(tmp_path / "bursts.csv")
    assert stored["timestamp_ns"].to_list() == results["timestamp_ns"].to_list()


def test_figures_of_other_runs_and_of_people_stay(tmp_path):
    kept = [f"{BURST}20200101-000000.png", f"{BURST}20220918-122710 copy.png"]
    kept += ["ssd_other_burst_20220918-122710.png", f"{BURST}20220918-122710.pdf"]
    kept += [f"{BURST}20229999-999999.png"]
    for name in [*kept, f"{BURST}20220918-122710.png"]:
        (tmp_path / name).touch()
    SSDAnalysis(recorder=StaticRecorder(table(pulses(60.0))), image_src=tmp_path).run()
    found = {path.name for path in tmp_path.iterdir()}
    assert found >= set(kept)
    assert f"{BURST}20220918-122710.png" not in found


def test_a_figure_that_cannot_be_removed_is_told(tmp_path, caplog):
    name = "ssd_static_burst_20220918-122710.png"
    (tmp_path / name).mkdir()
    EventFigures("ssd_static_burst_", START, START + 120 * SECOND, frozenset()).remove_others(tmp_path, ".png")
    assert name in caplog.text


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(1.0, 119.0), min_size=1, max_size=5).map(sorted), st.integers(1, 3))
def test_an_update_of_a_join_gives_the_bursts_of_a_fresh_one(cuts_s, seed):
    whole = pulses(30.1, 62.3, 66.0, seed=seed)
    recorder = Growing(table(whole[:0]))
    grown = JoinedTable({"ssd": recorder}, on="ssd")
    for cut_s in [*cuts_s, 120.0]:
        now = whole[whole < START + cut_s * SECOND]
        recorder.show(now)
        grown.update()
        fresh = join({"ssd": StaticRecorder(table(now))}, on="ssd")
        assert_frame_equal(grown.frame, fresh)
