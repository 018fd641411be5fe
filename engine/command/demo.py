"""``utokyo demo``: a beam time is simulated while the Runner analyses it; the results are held against the truth."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ...io.errors import InputError
from ...io.progress import progress
from ..analyses.image import ImageAnalysis
from ..analyses.pmt import PMTAnalysis
from ..analyses.ssd import SSDAnalysis
from ..fits.rounding import with_error
from ..run.runner import Runner
from ..run.summary import RunSummary
from ..run.waiting import Waiting
from ..simulate.beam_time import simulate
from .tables import when

__all__ = ["run_demo"]

PERIOD_S = 3.0
NARROW = 80  # columns of a terminal that do not hold all of a table
FARTHEST_PULL = 5.0  # beyond it an estimate has missed the truth
SAME_BURST_NS = 2_000_000_000
FIRST_LINES = 50  # of a file: its header is there, and rows
LONGEST_WAIT_S = 20.0  # for them; then the run waits, and says so
STORY = """\
1. {minutes:g} minutes of beam time that never were are written into {data}, as the PCs of the experiment would \
write them, {speed:g} times as fast: {seconds:.0f} s.
2. Meanwhile, every {period_s:g} s, what is new in the files is read and analysed: half-lives of bursts of SSD pulses, \
PMT current with the coil on and off, atoms on the camera's images. Figures and result tables are brought up to date.
3. In the end the results are held against the truth."""
PULL = "pull: (estimate - truth) / error, between -2 and 2 in 19 of 20 cases when the errors are right."


def run_demo(folder: Path, minutes: float, speed: float, seed: int, console: Console) -> bool:
    """Simulate, analyse live, compare.

    Parameters
    ----------
    folder : path
        Gets `data`, `plots` and `results`; where it exists already, the next free name is taken.
    minutes, speed : float
        Length of the beam time, and how much faster than real time it is played.
    seed : int
    console : rich.console.Console

    Returns
    -------
    bool
        Whether every burst was found once, nothing else was, and no estimate is far from the truth.
    """
    folder = _free(folder)
    data, plots, results = folder / "data", folder / "plots", folder / "results"
    story = STORY.format(minutes=minutes, speed=speed, data=data, period_s=PERIOD_S, seconds=60.0 * minutes / speed)
    console.print(story, markup=False, highlight=False)
    stop = threading.Event()
    simulation = _Simulation(data, minutes, speed, seed, stop)
    simulation.start()
    try:
        truth = simulation.truth_plan()
        files = truth["files"]
        image_folder = next((data / i["file"]).parent for i in truth["images"]) if truth["images"] else None
        ssd = SSDAnalysis(data / files["ssd"], image_src=plots, result_filepath=results / "ssd.csv")
        pmt = PMTAnalysis(data / files["pmt"], image_src=plots, result_filepath=results / "pmt.csv")
        analyses: list[Any] = [ssd, pmt]
        if image_folder is not None:
            image = ImageAnalysis(
                image_folder, image_src=plots, draw="detections", result_filepath=results / "images.csv"
            )
            analyses.append(image)
        with Waiting(console), progress("waiting for the first lines of the simulated files"):
            _wait_for_files([data / files["ssd"], data / files["pmt"]], image_folder, simulation)
        last = False

        def more(summary: RunSummary) -> bool:
            nonlocal last
            del summary
            was_last, last = last, not simulation.is_alive()
            return not was_last

        Runner(analyses, console=console).run(cycles=1_000_000, period_s=PERIOD_S, on_cycle=more)
    finally:
        stop.set()
        simulation.join()
    if simulation.error is not None:
        raise simulation.error
    good = _show_bursts(ssd, truth, console)
    good &= _show_pmt(pmt, truth, console)
    if image_folder is not None:
        good &= _show_images(image, truth, console)
    console.print(PULL, markup=False, highlight=False)
    console.print(f"Figures: {plots}\nResults: {results}\nTruth:   {data / 'truth.json'}", markup=False, soft_wrap=True)
    console.print("With files of yours: utokyo analyze FILE..., or utokyo run --example > run.toml", markup=False)
    return good


def _wait_for_files(paths: list[Path], folder: Path | None, simulation: _Simulation) -> None:
    """Until the files that are analysed have their first rows, so that the run need not begin with waiting."""
    until_s = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < until_s and simulation.is_alive():
        if all(path.exists() and path.read_bytes().count(b"\n") >= FIRST_LINES for path in paths) and (
            folder is None or folder.exists()
        ):
            return
        time.sleep(0.05)


class _Simulation(threading.Thread):
    """The PCs of the experiment."""

    def __init__(self, folder: Path, minutes: float, speed: float, seed: int, stop: threading.Event) -> None:
        super().__init__(name="simulation", daemon=True)
        self.error: Exception | None = None
        self._folder, self._stop_event = folder, stop
        self._options: dict[str, Any] = {"minutes": minutes, "seed": seed, "live_speed": speed, "stop": stop}

    def run(self) -> None:
        """Write until the beam time is over."""
        try:
            simulate(self._folder, **self._options)
        except Exception as error:  # noqa: BLE001 (whatever it is, the main thread raises it)
            self.error = error

    def truth_plan(self) -> dict[str, Any]:
        """The truth, which is written before anything else."""
        path = self._folder / "truth.json"
        while not path.exists():
            if not self.is_alive():
                raise self.error or InputError(f"{path}: the simulation wrote no truth")
            time.sleep(0.01)
        truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return truth


def _free(folder: Path) -> Path:
    numbered = (folder if i == 1 else folder.with_name(f"{folder.name}-{i}") for i in range(1, 10_000))
    return next(f for f in numbered if not f.exists())


def _pull(estimate: float | None, error: float | None, truth: float) -> float:
    return float("nan") if estimate is None or not error else (estimate - truth) / error


def _verdict(pull: float) -> str:
    return f"{pull:+.1f}" if abs(pull) < FARTHEST_PULL else f"[bold red]{pull:+.1f}[/]"


def _show_bursts(analysis: SSDAnalysis, truth: dict[str, Any], console: Console) -> bool:
    table = Table(title="Bursts of SSD pulses: half-life against the truth", title_justify="left")
    rows = analysis.results.to_dicts()
    good = True
    hidden = {4, 5} if console.width < NARROW else set()
    headings = ("burst", "true half-\nlife (s)", "half-\nlife (s)", "pull", "true\npulses", "pulses", "sigma")
    for heading in (heading for i, heading in enumerate(headings) if i not in hidden):
        table.add_column(heading, justify="right", no_wrap=True)

    def add(*cells: str) -> None:
        table.add_row(*(cell for i, cell in enumerate(cells) if i not in hidden))

    for burst in truth["bursts"]:
        near = [r for r in rows if abs(r["timestamp_ns"] - burst["t0_ns"]) < SAME_BURST_NS]
        rows = [r for r in rows if r not in near]
        shown = [when(burst["t0_ns"]).split()[1][:-2], f"{burst['half_life_s']:.3f}"]
        true_pulses = burst["n_rise"] + burst["n_decay"]
        if len(near) != 1:
            add(*shown, f"[bold red]found {len(near)} times[/]", "", f"{true_pulses:.0f}", "", "")
            good = False
            continue
        found = near[0]
        half_life_s, error_s = found["half_life_time"] / 1e9, (found["half_life_time_error"] or 0.0) / 1e9
        pull = _pull(half_life_s, error_s, burst["half_life_s"])
        # Where the data do not determine it, the fit says so, and its number does not count.
        fitted = with_error(half_life_s, error_s) if found["valid"] else "not valid"
        good &= not found["valid"] or abs(pull) < FARTHEST_PULL
        pulses = with_error(found["pulses_peak"], found["pulses_peak_error"])
        numbers = (f"{true_pulses:.0f}", pulses, f"{found['significance']:.1f}")
        add(*shown, fitted, _verdict(pull) if found["valid"] else "", *numbers)
    for false_alarm in rows:
        add(when(false_alarm["timestamp_ns"]), "[bold red]no burst[/]", "", "", "", "", "")
    console.print(table)
    return good and not rows


def _show_pmt(analysis: PMTAnalysis, truth: dict[str, Any], console: Console) -> bool:
    if analysis.results.is_empty():
        return False
    found, true = analysis.results.to_dicts()[0], truth["pmt"]
    table = Table(title="PMT current against the truth", title_justify="left")
    for heading in ("coil", "true mean (fA)", "mean (fA)", "pull"):
        table.add_column(heading, justify="right")
    good = True
    for state in ("on", "off"):
        mean, error, true_mean = found[f"current_{state}_A"], found[f"current_{state}_error_A"], true[f"mean_{state}_A"]
        if mean is None or true_mean is None:
            continue
        pull = _pull(mean, error, true_mean)
        good &= not abs(pull) > FARTHEST_PULL
        values = with_error(mean * 1e15, (error or float("nan")) * 1e15)
        table.add_row(state, f"{true_mean * 1e15:.1f}", values, _verdict(pull))
    console.print(table)
    return good


def _show_images(analysis: ImageAnalysis, truth: dict[str, Any], console: Console) -> bool:
    table = Table(title="Images: counts of the trapped atoms against the truth", title_justify="left")
    for heading in ("image", "true\ncounts", "counts", "pull", "sigma"):
        table.add_column(heading, justify="right")
    rows = {r["filename"]: r for r in analysis.results.iter_rows(named=True)}
    good, empty, quiet = True, 0, 0
    for image in truth["images"]:
        name = Path(image["file"]).name
        found = rows.get(name)
        if found is None:
            table.add_row(name, f"{image['A']:.0f}", "[bold red]not analysed[/]", "", "")
            good = False
            continue
        if not found["fit_successful"]:
            quiet += image["A"] == 0
            empty += image["A"] == 0
            if image["A"] > 0:
                table.add_row(name, f"{image['A']:.0f}", "not seen", "", "")
            continue
        pull = _pull(found["A"], found["A_unc"], image["A"])
        empty += image["A"] == 0
        good &= abs(pull) < FARTHEST_PULL
        values = with_error(found["A"], found["A_unc"])
        table.add_row(name, f"{image['A']:.0f}", values, _verdict(pull), f"{found['significance']:.1f}")
    console.print(table)
    console.print(f"Images without atoms: {empty}, of which {quiet} rightly show none.", markup=False)
    return good
