"""Joins: ours beside pandas' `merge_asof` and `groupby`, of the same streams to the same table in the same run.

``--sizes large`` takes 1e8 pulses, a day of logs with a row a second or a row a burst beside them, and reports the peak
memory of a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from bench_files import write_ssd
from numpy.typing import NDArray

from utokyo import (
    CoilRecorder,
    GaugeRecorder,
    HeaterRecorder,
    ImageAnalysis,
    JoinedTable,
    PMTRecorder,
    SSDRecorder,
    StaticRecorder,
    heater_on,
    join,
    simulate,
    windows,
)

SECOND_NS = 1_000_000_000
START_NS = 1_647_216_000 * SECOND_NS
DAY_S = 86_400
HEATINGS = 144
WITHIN_S, WITHIN_MB = {"every": 5.0, "on": 20.0}, 2000.0
"""The second with a fit of every burst, over 1157 pulses of background a second."""
CURRENT, COIL = "PMT Current (A)", "Coil (1:ON 0:OFF)"


def tables(pulses: int, bursts: int = 0) -> dict[str, pl.DataFrame]:
    """Pulses over a day, and logs: heater, gauge and PMT once a second, a coil that switches every ten minutes.

    A burst is a decay of a thousand pulses more, with a time constant of a second.
    """
    random = np.random.default_rng(1)
    gaps = random.integers(0, 2 * DAY_S * SECOND_NS // pulses, pulses, dtype=np.int64)
    for burst in range(bursts):
        begin = (2 * burst + 1) * pulses // (2 * bursts)
        _make_burst(gaps[begin : begin + 1000 + 20 * pulses // DAY_S], DAY_S * SECOND_NS / pulses)
    np.cumsum(gaps, out=gaps)
    gaps += START_NS
    stamps = START_NS + np.arange(DAY_S, dtype=np.int64) * SECOND_NS + 200_000_000
    switches = START_NS + np.arange(0, DAY_S, 600, dtype=np.int64) * SECOND_NS
    return {
        "ssd": pl.DataFrame({"timestamp": pl.Series(gaps).set_sorted()}),
        "heater": pl.DataFrame(
            {"timestamp": stamps, "TargetPercentage": random.random(DAY_S), "MeasuredPercentage": random.random(DAY_S)}
        ),
        "gauge": pl.DataFrame({"timestamp": stamps, "Rb disp.": random.random(DAY_S), "Neut.": random.random(DAY_S)}),
        "pmt": pl.DataFrame(
            {
                "timestamp": stamps,
                CURRENT: random.normal(0, 1e-13, DAY_S),
                "ROI Sum": random.normal(1e6, 1e3, DAY_S),
                COIL: random.integers(0, 2, DAY_S),
            }
        ),
        "coil": pl.DataFrame({"timestamp": switches, "CoilOperation": ["ON", "OFF"] * (switches.size // 2)}),
    }


def _make_burst(gaps: NDArray[np.int64], usual_ns: float) -> None:
    """Shorten distances of pulses so that their rate decays: time runs slower by 1 + k exp(-t / tau)."""
    tau_ns = float(SECOND_NS)
    t_ns = np.linspace(0.0, 40.0 * tau_ns, 40_000)  # twice as long as the distances are
    without_ns = t_ns + 1000.0 * usual_ns * (1.0 - np.exp(-t_ns / tau_ns))
    gaps[:] = np.diff(np.interp(np.cumsum(gaps), without_ns, t_ns).astype(np.int64), prepend=0)


def recorders(made: dict[str, pl.DataFrame]) -> dict[str, StaticRecorder]:
    return {name: StaticRecorder(table) for name, table in made.items()}


def ours(sources: dict[str, StaticRecorder]) -> pl.DataFrame:
    return join(sources, every="1s", tolerance="1h")


def with_pandas(frames: dict[str, Any]) -> Any:
    """The same columns: as-of with `merge_asof`, means and counts with `groupby`."""
    pandas = pytest.importorskip("pandas")
    first = min(int(frame["timestamp"].iloc[0]) for frame in frames.values()) // SECOND_NS
    last = max(int(frame["timestamp"].iloc[-1]) for frame in frames.values()) // SECOND_NS
    rows = pandas.DataFrame({"timestamp": np.arange(first, last + 1, dtype=np.int64) * SECOND_NS})
    rows["asked"] = rows["timestamp"] + SECOND_NS - 1
    tolerance = 3600 * SECOND_NS + SECOND_NS - 1
    states = (("heater", ["TargetPercentage", "MeasuredPercentage"]), ("pmt", [COIL]), ("coil", ["CoilOperation"]))
    for name, columns in states:
        right = frames[name][["timestamp", *columns]].rename(columns={"timestamp": "asked"})
        rows = pandas.merge_asof(rows, right, on="asked", tolerance=tolerance)
    for name, columns in (("gauge", ["Rb disp.", "Neut."]), ("pmt", [CURRENT, "ROI Sum"])):
        groups = frames[name].groupby(frames[name]["timestamp"] // SECOND_NS * SECOND_NS)[columns].agg(["mean", "sem"])
        groups.columns = [f"{column}_{what}" for column, what in groups.columns]
        rows = rows.merge(groups, left_on="timestamp", right_index=True, how="left")
    counts = (frames["ssd"]["timestamp"] // SECOND_NS * SECOND_NS).value_counts()
    rows["pulses"] = rows["timestamp"].map(counts).fillna(0).astype(np.int64)
    return rows


def test_join_of_a_day(benchmark: Any, rows: int) -> None:
    benchmark.group = "a day of logs and pulses, a row a second"
    made = tables(rows)
    sources = recorders(made)
    table = benchmark.pedantic(ours, (sources,), rounds=7, warmup_rounds=1)
    assert table["ssd.pulses"].sum() == rows


def test_join_of_a_day_with_pandas(benchmark: Any, rows: int) -> None:
    benchmark.group = "a day of logs and pulses, a row a second"
    pytest.importorskip("pandas")
    made = tables(rows)
    frames = {name: table.to_pandas() for name, table in made.items()}
    table = benchmark.pedantic(with_pandas, (frames,), rounds=7, warmup_rounds=1)
    own = ours(recorders(made))
    # The peer makes the same table.
    assert table["pulses"].to_list() == own["ssd.pulses"].fill_null(0).to_list()
    np.testing.assert_allclose(table[f"{CURRENT}_mean"].to_numpy(), own["pmt.current_A"].cast(pl.Float64).to_numpy())
    assert (table["CoilOperation"] == "ON").to_list() == own["coil.on"].fill_null(value=False).to_list()


STATES = (("heater", ["TargetPercentage", "MeasuredPercentage"]), ("pmt", [COIL]), ("coil", ["CoilOperation"]))
PMT_OF = {"pmt": [CURRENT, "ROI Sum", COIL]}


def events_of(made: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return made["ssd"].with_columns(x=pl.lit(1.0))


def test_as_of_join_of_pulses(benchmark: Any, rows: int) -> None:
    benchmark.group = "states of heater, PMT and coil at every pulse"
    made = tables(rows)
    sources = recorders({"events": events_of(made), **{name: made[name] for name, _ in STATES}})
    states = {"pmt": "last", "events": "last"}
    table = benchmark.pedantic(
        lambda: join(sources, on="events", tolerance="1h", how=states), rounds=7, warmup_rounds=1
    )
    assert table.height == rows


def test_as_of_join_of_pulses_with_pandas(benchmark: Any, rows: int) -> None:
    benchmark.group = "states of heater, PMT and coil at every pulse"
    pandas = pytest.importorskip("pandas")
    made = tables(rows)
    left = events_of(made).to_pandas()
    right = {name: made[name].select("timestamp", *PMT_OF.get(name, columns)).to_pandas() for name, columns in STATES}

    def merge() -> Any:
        table = left
        for frame in right.values():
            table = pandas.merge_asof(table, frame, on="timestamp", tolerance=3600 * SECOND_NS)
        return table

    table = benchmark.pedantic(merge, rounds=7, warmup_rounds=1)
    sources = recorders({"events": events_of(made), **{name: made[name] for name, _ in STATES}})
    own = join(sources, on="events", tolerance="1h", how={"pmt": "last", "events": "last"})
    np.testing.assert_array_equal(table["TargetPercentage"].to_numpy(), own["heater.target_percent"].to_numpy())
    np.testing.assert_array_equal(table[CURRENT].to_numpy(), own["pmt.current_A"].to_numpy())


def test_update_after_one_more_second(benchmark: Any, rows: int) -> None:
    benchmark.group = "joined table after one more second of a day"
    made = tables(rows)

    class Growing(StaticRecorder):
        """The PMT's log, a reading longer at every look."""

        shown = DAY_S - 1000

        def get_table(self) -> Any:
            return super().get_table().head(self.shown)

    sources: dict[str, Any] = recorders(made) | {"pmt": Growing(made["pmt"])}
    table = JoinedTable(sources, every="1s", tolerance="1h")
    table.update()

    def grow() -> None:
        sources["pmt"].shown += 1

    grow()
    assert table.update() < 2000
    benchmark.pedantic(table.update, setup=grow, rounds=20)


def test_update_after_one_more_pulse_in_a_file(benchmark: Any, tmp_path: Path, rows: int) -> None:
    benchmark.group = "joined table after one more pulse in a file"
    path = write_ssd(tmp_path / "ssd.csv", rows)
    table = JoinedTable([SSDRecorder(path)], every="1s")
    table.update()
    tick = int(table.frame["timestamp"][-1] - table.frame["timestamp"][0]) // 1000 + 10_000_000

    def grow() -> None:
        with path.open("ab") as handle:
            handle.write(f"1,{tick},700\n".encode())

    grow()
    assert table.update() < 60
    benchmark.pedantic(table.update, setup=grow, rounds=20)


def test_update_when_nothing_is_new(benchmark: Any, rows: int) -> None:
    benchmark.group = "joined table of a day when nothing is new"
    table = JoinedTable(recorders(tables(rows)), every="1s", tolerance="1h")
    table.update()
    assert benchmark.pedantic(table.update, rounds=20) == 0


def test_figures_and_tables_of_windows(benchmark: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Of every heating of a simulated beam time; 103 of them with large sizes."""
    benchmark.group = "figures and tables of windows around heatings, six panels"
    minutes = 62.0 if request.config.getoption("--sizes") == "large" else 3.0
    simulate(tmp_path / "beam", minutes=minutes, seed=3)
    truth = json.loads((tmp_path / "beam" / "truth.json").read_text())
    kinds = {
        "heater": HeaterRecorder,
        "ssd": SSDRecorder,
        "coil": CoilRecorder,
        "pmt": PMTRecorder,
        "gauge": GaugeRecorder,
    }
    sources: dict[str, Any] = {n: kind(tmp_path / "beam" / truth["files"][n]) for n, kind in kinds.items()}
    images = (tmp_path / "beam" / truth["images"][0]["file"]).parent
    sources["image"] = ImageAnalysis(images, camera="cmos_fr_20220918")
    found = windows(sources, around=heater_on)
    benchmark.extra_info["windows"] = len(found)
    paths = benchmark.pedantic(found.save, (tmp_path / "windows",), rounds=1)
    assert len(paths) == len(truth["heatings"])


MEASURED = """
import json, sys, time
from test_bench_join import HEATINGS, recorders, tables
from utokyo import JoinedTable
options = json.loads(sys.argv[2])
JoinedTable(recorders(tables(1_000_000, HEATINGS)), **options).update()  # kernels are compiled
sources = recorders(tables(int(sys.argv[1]), HEATINGS))
before = time.perf_counter()
table = JoinedTable(sources, **options)
table.update()
seconds = time.perf_counter() - before
try:
    # What getrusage tells begins with the memory of the process that started this one; this does not.
    status = open("/proc/self/status").read()
    peak_MB = int(status.split("VmHWM:")[1].split()[0]) / 1e3
except (OSError, IndexError):
    peak_MB = None
pulses = int(table.frame["ssd.pulses"].sum())
print(json.dumps({"seconds": seconds, "peak_MB": peak_MB, "rows": table.frame.height, "pulses": pulses}))
"""


@pytest.mark.parametrize("options", [{"every": "1s"}, {"on": "ssd"}], ids=lambda options: next(iter(options)))
def test_pulses_of_a_day_in_time_and_memory(request: pytest.FixtureRequest, options: dict[str, str]) -> None:
    """1e8 pulses (1e6 in the small size) join in time and in under 2 GB, pulses and interpreter included."""
    pulses = 100_000_000 if request.config.getoption("--sizes") == "large" else 1_000_000
    command = [sys.executable, "-c", MEASURED, str(pulses), json.dumps(options)]
    answer = subprocess.run(command, cwd=request.path.parent, capture_output=True, text=True, check=True)
    told = json.loads(answer.stdout)
    print(f"\n{pulses:.0e} pulses, {options}: {told['seconds']:.2f} s, peak {told['peak_MB']} MB, {told['rows']} rows")
    if "every" in options:
        assert told["pulses"] == pulses
    else:
        assert told["rows"] == HEATINGS
    assert told["seconds"] < WITHIN_S[next(iter(options))]
    assert told["peak_MB"] is None or told["peak_MB"] < WITHIN_MB
