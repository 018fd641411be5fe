"""A simulated beam time has the formats of the real files, the truth that it states, and the same bytes live."""

from __future__ import annotations

import json
import math
import threading
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from utokyo.engine.simulate.beam_time import simulate
from utokyo.engine.simulate.files import _integer_csv
from utokyo.io.errors import InputError

SEED = 20220918
MINUTES = 4.0


@pytest.fixture(scope="module")
def beam_time(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("simulated") / "run"
    return folder, simulate(folder, minutes=MINUTES, seed=SEED)


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ssd_lines(beam_time: tuple[Path, dict[str, Any]]) -> list[str]:
    folder, truth = beam_time
    path: str = truth["files"]["ssd"]
    return (folder / path).read_text("ascii").splitlines()


def ssd_pulses(beam_time: tuple[Path, dict[str, Any]]) -> NDArray[np.int64]:
    return np.array([line.split(",") for line in ssd_lines(beam_time)[38:]], dtype=np.int64)


def pmt_rows(beam_time: tuple[Path, dict[str, Any]]) -> list[list[str]]:
    folder, truth = beam_time
    return [line.split(",") for line in (folder / truth["files"]["pmt"]).read_text("ascii").splitlines()[1:]]


# Formats


def test_the_ssd_header_has_the_keys_of_the_real_file_in_their_order(
    beam_time: tuple[Path, dict[str, Any]], real_files: Path
) -> None:
    real = (real_files / "ssd_long.csv").read_text("ascii").splitlines()[:38]

    assert [line.split(",")[0] for line in ssd_lines(beam_time)[:38]] == [line.split(",")[0] for line in real]


def test_the_ssd_header_has_38_lines_and_37_keys(beam_time: tuple[Path, dict[str, Any]]) -> None:
    header = ssd_lines(beam_time)[:38]
    keys = {line.split(",")[0] for line in header if line != "TraceName,Time,PulseHeight"}

    assert len(keys) == 37
    assert header[3] == "TraceName,Time,PulseHeight"
    assert header[2] == f"BlockSize,{len(ssd_pulses(beam_time))}".ljust(29)
    assert '"HUnit",?' in header
    assert "//TimeResolution,1.000000e-006" in header
    assert "//StartDate,2022/09/18" in header
    assert "//StartTime,12:25:39" in header


def test_pulses_are_counted_from_zero_in_strictly_increasing_ticks_between_the_discriminators(
    beam_time: tuple[Path, dict[str, Any]],
) -> None:
    number, ticks, height = ssd_pulses(beam_time).T

    assert (number == np.arange(len(number))).all()
    assert (np.diff(ticks) > 0).all()
    assert 0 <= ticks[0] < ticks[-1] < MINUTES * 60e6
    assert (height >= 500).all()
    assert (height <= 4031).all()


@pytest.mark.parametrize(
    ("kind", "real_name"),
    [("ion", "ion_short.csv"), ("gauge", "gauge_short.csv"), ("pmt", "pmt_short.csv"), ("coil", "coil_short.txt")],
)
def test_tables_have_the_header_and_the_number_of_fields_of_the_real_file(
    beam_time: tuple[Path, dict[str, Any]], real_files: Path, kind: str, real_name: str
) -> None:
    folder, truth = beam_time
    ours = (folder / truth["files"][kind]).read_text("cp932").splitlines()
    real = (real_files / real_name).read_text("cp932").splitlines()

    assert ours[0] == real[0]
    assert {line.count(",") + line.count("\t") for line in ours[1:]} == {real[1].count(",") + real[1].count("\t")}


def test_the_heater_file_is_shift_jis_with_the_items_of_the_real_file_and_rises_at_each_heating(
    beam_time: tuple[Path, dict[str, Any]], real_files: Path
) -> None:
    folder, truth = beam_time
    lines = (folder / "heater.csv").read_bytes().decode("cp932").split("\r\n")
    real = (real_files / "heater_short.csv").read_text("cp932").splitlines()
    target = [int(line.split(",")[3]) for line in lines[6:-1]]

    assert [lines[0], *lines[2:6]] == [real[0], *real[2:6]]
    assert len(target) == MINUTES * 60
    assert sum(b > a for a, b in pairwise(target)) == len(truth["heatings"])


def test_the_laser_file_has_one_signal_a_row_and_times_that_increase(beam_time: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = beam_time
    lines = (folder / "laser.lta").read_text("cp932").splitlines()
    rows = [line.split("\t") for line in lines[lines.index("[Measurement data]") + 3 :]]
    times = [float(row[0]) for row in rows]

    assert sum(line.startswith("[Frame ") for line in lines) == 6
    assert f"Measurements\t{len(rows)}" in lines
    assert "StartTime\t18.09.2022, 12:25:39.387" in lines
    assert {len(row) for row in rows[:-1]} == {7}
    assert all(sum(field != "" for field in row) == 2 for row in rows)
    assert times == sorted(times)


def test_the_heating_log_has_time_heating_and_coil(beam_time: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = beam_time
    lines = (folder / "20220918BT.csv").read_text("ascii").splitlines()

    clocks = [datetime.fromtimestamp(row["time_ns"] // 10**9, UTC).strftime("%H:%M:%S") for row in truth["heatings"]]
    expected = [
        f"{clock}\t{row['text']}\t{'ON' if row['coil'] else 'OFF'}"
        for clock, row in zip(clocks, truth["heatings"], strict=True)
    ]
    assert lines == expected


# Truth


def test_every_file_stands_in_the_truth_with_its_rows(beam_time: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = beam_time
    headers = {"ssd": 38, "heater": 6, "heating_log": 0, "coil": 1, "gauge": 1, "ion": 1, "pmt": 1}
    headers = {truth["files"][kind]: lines for kind, lines in headers.items()}
    written = all_bytes(folder)

    assert set(written) == {"truth.json", *truth["rows"]}
    assert set(truth["files"].values()) | {image["file"] for image in truth["images"]} == set(truth["rows"])
    for path, rows in truth["rows"].items():
        if path != "laser.lta":
            assert written[path].count(b"\n") == headers.get(path, 0) + rows, path


def test_the_truth_returned_is_the_truth_on_disk(beam_time: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = beam_time

    assert json.loads((folder / "truth.json").read_text("utf-8")) == truth


def test_the_truth_is_there_before_any_stream(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    simulate(tmp_path, minutes=0.1, stop=stop)

    assert set(all_bytes(tmp_path)) == {"truth.json"}


def test_rise_and_decay_of_every_burst_meet(beam_time: tuple[Path, dict[str, Any]]) -> None:
    _, truth = beam_time

    assert len(truth["bursts"]) >= 4
    for burst in truth["bursts"]:
        assert burst["n_rise"] / burst["tau_rise_s"] == pytest.approx(burst["n_decay"] / burst["tau_decay_s"])
        assert burst["half_life_s"] == pytest.approx(math.log(2) * burst["tau_decay_s"])


def test_counts_in_and_between_bursts_agree_with_poisson(beam_time: tuple[Path, dict[str, Any]]) -> None:
    """Chi-square of the counts in rises, decays and gaps; a right program fails for 2 seeds in 1000."""
    _, truth = beam_time
    ns = truth["start_ns"] + ssd_pulses(beam_time)[:, 1] * 1000
    edges: list[float] = [truth["start_ns"]]
    for burst in truth["bursts"]:
        t0 = burst["t0_ns"]
        edges += [t0 - 1e9 * burst["tau_rise_s"], t0, t0 + 1e9 * burst["tau_decay_s"], t0 + 5e9 * burst["tau_decay_s"]]
    edges.append(truth["start_ns"] + MINUTES * 60e9)

    expected = np.diff([expected_pulses_before(edge, truth) for edge in edges])
    counted = np.histogram(ns, edges)[0]
    chi_square = float(((counted - expected) ** 2 / expected).sum())

    assert 1e-3 < stats.chi2.sf(chi_square, len(counted)) < 1 - 1e-3, f"seed {SEED}: {chi_square} of {len(counted)}"


def expected_pulses_before(edge_ns: float, truth: dict[str, Any]) -> float:
    t = (edge_ns - truth["start_ns"]) * 1e-9
    pulses = float(truth["background"]["rate_Hz"] * (t + truth["background"]["drift_per_hour"] / 3600 * t**2 / 2))
    for burst in truth["bursts"]:
        dt = (edge_ns - burst["t0_ns"]) * 1e-9
        pulses += float(burst["n_rise"] * math.exp(min(dt, 0) / burst["tau_rise_s"]))
        pulses -= float(burst["n_decay"] * math.expm1(-max(dt, 0) / burst["tau_decay_s"]))
    return pulses


def test_alpha_lines_stand_where_the_truth_says(beam_time: tuple[Path, dict[str, Any]]) -> None:
    """The tail moves the median of a line down by 0.8 of its length; 5 channels allow for counts and continuum."""
    _, truth = beam_time
    heights = ssd_pulses(beam_time)[:, 2]
    for line in truth["alpha_lines"]:
        begin, end = line["position"] - 80, line["position"] + 60
        inside = heights[(heights >= begin) & (heights <= end)]

        assert len(inside) > 0.95 * line["pulses"]
        assert np.median(inside) == pytest.approx(line["position"] - 0.8 * line["tail"], abs=5)


def test_the_pmt_means_differ_as_stated(beam_time: tuple[Path, dict[str, Any]]) -> None:
    """Two means of Gaussian noise; a right program fails for 6 seeds in 100 000 (four standard errors, two sides)."""
    _, truth = beam_time
    current = np.array([float(row[2]) for row in pmt_rows(beam_time)])
    coil = np.array([int(row[4]) for row in pmt_rows(beam_time)])

    for state, name in ((1, "mean_on_A"), (0, "mean_off_A")):
        error = truth["pmt"]["noise_A"] / math.sqrt((coil == state).sum())
        assert abs(current[coil == state].mean() - truth["pmt"][name]) < 4 * error
    assert truth["pmt"]["mean_on_A"] > truth["pmt"]["mean_off_A"]


def test_every_image_stands_in_all_data_at_its_true_time(beam_time: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = beam_time
    rows = {row[0]: row for row in pmt_rows(beam_time)}

    assert truth["images"][0]["file"] == "20220918-122539_data/cmos_roidata/0918122554/cmos_000257.csv"
    for spot in truth["images"]:
        row = rows[spot["file"][-10:-4]]
        image = np.loadtxt(folder / spot["file"], delimiter=",", dtype=np.int64)
        moment = np.datetime64(row[1].replace("/", "-").replace(" ", "T"), "ns").astype(np.int64)

        assert image.shape == (263, 228)
        assert moment == spot["time_ns"]
        assert image.sum() == int(row[3])


def test_atoms_are_seen_where_they_are_and_only_with_the_coil_on(beam_time: tuple[Path, dict[str, Any]]) -> None:
    """The excess over the background, and the centre of the spot, within five standard errors."""
    folder, truth = beam_time
    coil = {row[0]: row[4] for row in pmt_rows(beam_time)}
    assert {spot["A"] > 0 for spot in truth["images"]} == {True, False}

    for spot in truth["images"]:
        image = np.loadtxt(folder / spot["file"], delimiter=",") - spot["C"]
        error = math.sqrt(spot["C"] * image.size + spot["A"])

        assert abs(image.sum() - spot["A"]) < 5 * error
        assert spot["A"] == 0 or coil[spot["file"][-10:-4]] == "1"
        if spot["A"] > 2e4:
            y, x = (int(value) for value in (spot["y0"], spot["x0"]))
            spread = 3 * max(spot["sigma_x"], spot["sigma_y"])
            rows, columns = np.indices(image.shape)
            near = (abs(rows - y) < spread) & (abs(columns - x) < spread)
            assert np.average(columns[near], weights=image[near]) == pytest.approx(spot["x0"], abs=1)
            assert np.average(rows[near], weights=image[near]) == pytest.approx(spot["y0"], abs=1)


# Writing


def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        simulate(tmp_path / name, minutes=0.3, seed=seed)

    assert all_bytes(tmp_path / "a") == all_bytes(tmp_path / "b")
    assert all_bytes(tmp_path / "a")["ion.csv"] != all_bytes(tmp_path / "c")["ion.csv"]


def test_a_live_run_ends_with_the_bytes_of_a_run_at_once_and_was_cut_within_lines(tmp_path: Path) -> None:
    simulate(tmp_path / "at once", minutes=0.6, seed=3)
    whole = all_bytes(tmp_path / "at once")
    cut: set[str] = set()
    fractions: list[float] = []

    def look(fraction: float) -> None:
        fractions.append(fraction)
        for name, data in all_bytes(tmp_path / "live").items():
            assert whole[name].startswith(data)
            if not data.endswith(b"\n"):
                cut.add(name)

    simulate(tmp_path / "live", minutes=0.6, seed=3, live_speed=60, progress=look)

    assert all_bytes(tmp_path / "live") == whole
    assert {"-20220918-122539-Slot1-In1.csv", "heater.csv", "ion.csv", "laser.lta"} <= cut
    assert len(fractions) > 5
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_live_run_writes_nothing_before_it_was_measured(tmp_path: Path) -> None:
    stop = threading.Event()
    seen: list[set[str]] = []

    def look(_: float) -> None:
        seen.append(set(all_bytes(tmp_path)))
        if len(seen) == 3:
            stop.set()

    simulate(tmp_path, minutes=10, seed=3, live_speed=1, stop=stop, progress=look)

    assert "heater.csv" in seen[0]
    assert "20220918BT.csv" not in seen[-1]
    assert not any("cmos_" in name for name in seen[-1])


def test_a_stopped_live_run_ends_with_whole_lines(tmp_path: Path) -> None:
    stop = threading.Event()
    truth = simulate(tmp_path, minutes=5, seed=3, live_speed=100, stop=stop, progress=lambda _: stop.set())

    assert all(data.endswith(b"\n") for data in all_bytes(tmp_path).values())
    assert len(all_bytes(tmp_path)) < len(truth["rows"])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "coil.txt").write_text("mine")

    with pytest.raises(InputError, match=r"holds coil\.txt already and nothing is overwritten: choose another folder"):
        simulate(tmp_path, minutes=0.1)
    assert all_bytes(tmp_path) == {"coil.txt": b"mine"}


def test_a_second_run_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    simulate(tmp_path, minutes=0.1)
    before = all_bytes(tmp_path)

    with pytest.raises(InputError, match=r"holds truth\.json already"):
        simulate(tmp_path, minutes=0.1, seed=2)
    assert all_bytes(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")

    with pytest.raises(InputError, match="is a file: give a folder"):
        simulate(tmp_path / "run", minutes=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"minutes": 0},
        {"minutes": -1},
        {"minutes": math.nan},
        {"live_speed": 0},
        {"live_speed": -2},
        {"seed": -1},
        {"start": datetime(2022, 9, 18, tzinfo=UTC)},
    ],
)
def test_settings_without_sense_are_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        simulate(tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("minutes", [1e-4, 0.01, 0.1])
def test_the_shortest_beam_times_leave_valid_files(tmp_path: Path, minutes: float) -> None:
    truth = simulate(tmp_path / "at once", minutes=minutes)
    simulate(tmp_path / "live", minutes=minutes, live_speed=100)

    assert set(all_bytes(tmp_path / "at once")) == {"truth.json", *truth["rows"]}
    assert all_bytes(tmp_path / "live") == all_bytes(tmp_path / "at once")


def test_integers_are_printed_as_python_prints_them() -> None:
    matrix = np.array([[0, 7, 10], [999, 1000, 12345], [0, 0, 0]])

    assert _integer_csv(matrix) == b"0,7,10\n999,1000,12345\n0,0,0\n"
