"""Around every heating, one table and one figure hold what all sources saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from utokyo import (
    CoilRecorder,
    GaugeRecorder,
    HeaterRecorder,
    HeatTimeRecorder,
    ImageAnalysis,
    InputError,
    IonRecorder,
    PMTRecorder,
    SSDRecorder,
    StaticRecorder,
    coil_on,
    heater_on,
    join,
    simulate,
    windows,
)
from utokyo.engine.figures.window import panels_of, window_figure

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def beam(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "data"
    simulate(folder, minutes=2.0, seed=3)
    return folder


def sources_of(folder: Path) -> dict[str, Any]:
    truth = json.loads((folder / "truth.json").read_text())
    files = truth["files"]
    images = (folder / truth["images"][0]["file"]).parent
    return {
        "heater": HeaterRecorder(folder / files["heater"]),
        "ssd": SSDRecorder(folder / files["ssd"]),
        "coil": CoilRecorder(folder / files["coil"]),
        "pmt": PMTRecorder(folder / files["pmt"]),
        "image": ImageAnalysis(images, camera="cmos_fr_20220918"),
        "gauge": GaugeRecorder(folder / files["gauge"]),
    }


def test_every_heating_has_a_window_with_its_burst(beam):
    truth = json.loads((beam / "truth.json").read_text())

    found = windows(sources_of(beam), around=heater_on, before="5s", after="10s")

    assert len(found) == len(truth["heatings"])
    for window, heating, burst in zip(found, truth["heatings"], truth["bursts"], strict=True):
        assert abs(window.timestamp_ns - heating["time_ns"]) <= SECOND
        assert 14 <= window.table.height <= 15
        assert (
            window.table["timestamp"]
            .is_between(window.timestamp_ns - 5 * SECOND, window.timestamp_ns + 10 * SECOND)
            .all()
        )
        assert np.min(np.abs(window.bursts["timestamp_ns"].to_numpy() - burst["t0_ns"])) < SECOND


def test_a_window_is_a_part_of_the_join(beam):
    sources = sources_of(beam)
    window = windows(sources, before="5s", after="10s")[1]
    whole = join(sources, every="1s")
    stamps = window.table["timestamp"]
    assert_frame_equal(window.table, whole.filter(pl.col("timestamp").is_between(stamps[0], stamps[-1])))


def test_the_figure_has_a_panel_for_every_source_on_one_axis(beam):
    window = windows(sources_of(beam), before="10s", after="20s")[1]

    figure = window.figure()

    labels = [axes.get_ylabel() for axes in figure.axes]
    expected = ["heater (%)", "SSD (1/s)", "coil on", "PMT current (fA)", "MOT (atoms)", "gauge\n(unit unknown)"]
    assert labels == expected
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert "burst" in figure.axes[1].get_title(loc="right")


def test_a_window_is_drawn_into_given_axes_and_shows_itself(beam):
    window = windows(sources_of(beam), around=heater_on, before="5s", after="10s")[0]
    figure = Figure()
    axes = figure.subplots(len(panels_of(window.table)), sharex=True)

    assert window.figure(axes) is figure
    assert axes[0].get_title(loc="left").startswith("number 1, ")
    assert window._repr_png_().startswith(b"\x89PNG")


def test_figures_and_tables_are_written(beam, tmp_path):
    done: list[float] = []
    found = windows(sources_of(beam), before="5s", after="10s")

    paths = found.save(tmp_path, progress=done.append)

    assert len(paths) == len(found)
    assert done[-1] == 1.0
    for path, window in zip(paths, found, strict=True):
        assert path.stat().st_size > 10_000
        assert_frame_equal(pl.read_parquet(path.with_suffix(".parquet")), window.table)


def test_windows_around_switches_and_given_times(beam):
    truth = json.loads((beam / "truth.json").read_text())
    sources = sources_of(beam)
    on = [c["time_ns"] // SECOND * SECOND for c in truth["coil"] if c["state"]]

    assert [w.timestamp_ns for w in windows(sources, around=coil_on)] == on
    assert [w.timestamp_ns for w in windows(sources, around=[on[1], on[0]])] == sorted(on[:2])
    assert [w.number for w in windows(sources, around=on)[-1:]] == [len(on)]


def test_a_heating_log_tells_heatings_where_there_is_no_heater(beam):
    truth = json.loads((beam / "truth.json").read_text())
    log = HeatTimeRecorder(beam / truth["files"]["heating_log"])
    assert len(windows({"heating": log})) == len(truth["heatings"])
    with pytest.raises(InputError, match="needs a heater"):
        windows({"ssd": SSDRecorder(beam / truth["files"]["ssd"])})


def heated_at(*seconds: int) -> StaticRecorder:
    """A heater's log of ten minutes, whose target is raised at these seconds."""
    time_s = np.arange(600)
    target = np.sum([time_s >= s for s in seconds], axis=0)
    return StaticRecorder({"timestamp": time_s * SECOND, "TargetPercentage": target, "MeasuredPercentage": target})


@pytest.mark.parametrize(
    ("merge_within", "heatings"),
    [(None, [100, 130, 160, 400]), ("10s", [100, 130, 160, 400]), ("30s", [100, 400]), (0, [100, 108, 130, 160, 400])],
)
def test_steps_within_a_time_are_one_heating(merge_within, heatings):
    found = windows({"heater": heated_at(100, 108, 130, 160, 400)}, merge_within=merge_within)

    # 30 s merges step upon step, although the last of them comes a minute behind the first.
    assert [w.timestamp_ns // SECOND for w in found] == heatings


def test_lines_of_a_heating_log_are_merged_when_that_is_asked_for():
    times = [t * SECOND for t in (100, 105, 400)]
    log = StaticRecorder({"timestamp": times, "VoltageDurationPower": ["a", "b", "c"], "Coil": [0, 0, 0]})

    assert len(windows({"heating": log})) == 3
    assert [w.timestamp_ns // SECOND for w in windows({"heating": log}, merge_within="1min")] == [100, 400]


def test_merging_goes_with_heatings_alone():
    sources = {"heater": heated_at(100)}
    with pytest.raises(InputError, match="around=heater_on alone"):
        windows(sources, around=[5], merge_within="1min")
    with pytest.raises(InputError, match="merge_within should be a duration"):
        windows(sources, merge_within="often")


def test_a_window_in_which_nothing_happened_says_so():
    source = StaticRecorder({"timestamp": [0, 10**12], "CoilOperation": ["ON", "OFF"]})
    window = windows({"coil": source}, around=[5 * 10**11], before="1s", after="2s", tolerance="1s")[0]
    assert "nothing known" in window.figure().axes[0].texts[0].get_text()

    empty = window_figure(pl.DataFrame({"timestamp": []}, schema={"timestamp": pl.Int64}), 0, pl.DataFrame(), {})
    assert "no source" in empty.axes[0].texts[0].get_text()


def test_the_heatings_of_the_beam_time_are_drawn(real_files, tmp_path):
    sources = [
        SSDRecorder(real_files / "ssd_long.csv"),
        HeaterRecorder(real_files / "heater_long.csv"),
        CoilRecorder(real_files / "coil_long.txt"),
        IonRecorder(real_files / "ion_long.csv"),
    ]
    between = ("2022-03-14 11:00", "2022-03-14 12:00")

    found = windows(sources, around=heater_on, before="2min", after="5min", between=between)

    assert found[0].timestamp_ns == 1_647_257_571 * SECOND  # 11:32:51, the first line in which the target is 10 again
    assert sum(w.bursts.height for w in found) == 0  # this run has none
    assert len(found.save(tmp_path)) == len(found)
