"""What the instruments of a simulated beam time see of what happens in it, and the files that they write.

Each function of `SOURCES` draws what its instrument makes of the `Plan`, and returns the files and its part of the
truth. No dead time, no dark corners, no hot pixels and no clock errors are simulated: the truth is the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from . import files
from .files import Floats, Integers, Stream
from .plan import PULSES_OF_A_DECAY, Plan, heating_texts

__all__ = ["SOURCES", "Source"]

Source = Callable[[Plan, np.random.Generator], tuple[list[Stream], dict[str, Any]]]

# The background of the SSD.
BACKGROUND_HZ = (90.0, 110.0)
BACKGROUND_DRIFT_PER_HOUR = 0.2

# Pulse heights in channels: Gaussian lines, each convolved with one exponential towards low energy.
LINE_POSITIONS = (2470.0, 2860.0, 3035.0)
LINE_SHARES = (0.5, 0.3, 0.2)
LINE_SIGMA = 15.0
LINE_TAIL = 20.0
CONTINUUM_SCALE = 700.0
CONTINUUM_SHARE_OF_BACKGROUND = 0.3
CONTINUUM_SHARE_OF_BURSTS = 0.05

# The trap, and what sees it.
TRAP_COUNTS = (3e4, 2e5)
TRAP_LIFETIME_S = 10.0
TRAP_EMPTY_AFTER_S = 30.0
PMT_FIRST_S = 0.3
PMT_PERIOD_S = 0.4
PMT_OFFSET_A = 5e-14
PMT_NOISE_A = 1.5e-13
PMT_A_PER_COUNT = 4e-18

IMAGE_SHAPE = (263, 228)
IMAGE_FOLDER_S = 15
IMAGE_FIRST_S = 15.5
IMAGE_FIRST_NUMBER = 257
IMAGE_PERIOD_S = 10.0
IMAGE_BACKGROUND = 25.0
IMAGE_SIGMA_PX = (6.0, 15.0)
IMAGE_SCATTER_PX = 0.2
IMAGE_X_PX = (95.0, 135.0)
IMAGE_Y_PX = (110.0, 150.0)
IMAGE_CUT_PROBABILITY = 0.3

# Gauge: the three pressures that mean something, an idle head, and two that are not connected.
PRESSURES = (9e-7, 1.3e-6, 8e-7, 1e-9, 0.05009, 0.05009)
PRESSURE_SPREAD = (3e-3, 3e-3, 3e-3, 0.0, 0.0, 0.0)
SURFACE_PRESSURE_RISE = 0.4
SURFACE_PUMPING_S = 12.0

# Ion source: nominal values of its 33 columns, and their noise. The cups are set during the run.
ION_CUPS = slice(2, 5)
ION_NOMINAL = (
    *(0.002, 4e-5, 0.0, 0.0, 0.0, 0.0, 1e-4, 3.0, 0.7, 0.2),
    *(100.0, 95.0, 95.0, -250.0, -40.0, -50.0, -20.0, -180.0, -670.0),
    *(0.0, -3e-6, 8e-7, 8e-7, 2e-7, 3e-7, -2e-7, -2e-7, -3e-7, -1e-7),
    *(0.0, 0.0, 0.0, 0.0),
)
ION_NOISE = (
    *(2e-5, 2e-7, 0.0, 0.0, 0.0, 0.0, 0.0, 5e-4, 2e-5, 0.0),
    *(0.02,) * 9,
    *(0.0, *(2e-8,) * 9),
    *(0.0, 0.0, 0.0, 0.0),
)
CUP_PERIOD_S = 60.0
CUP_RELAY_V = 24.0
CUP_CENTER_NA = 0.9
CUP_SURROUNDING_NA = 0.15
CUP_NOISE_NA = 0.02

LASER_BEGIN_S = 0.387
LASER_SWEEP_MS = 500.0
LASER_NOISE_NM = 2e-6


def _ssd(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    rate_Hz = random.uniform(*BACKGROUND_HZ)
    background_s = _background_times(plan.duration_s, rate_Hz, random)
    burst_s = _burst_times(plan, random)
    times_s = np.concatenate([background_s, burst_s])
    # Line 0 stands for the continuum.
    shares = np.where(
        np.arange(len(times_s)) < len(background_s), CONTINUUM_SHARE_OF_BACKGROUND, CONTINUUM_SHARE_OF_BURSTS
    )
    lines = np.where(
        random.random(len(times_s)) < shares,
        0,
        random.choice(np.arange(1, 1 + len(LINE_POSITIONS)), size=len(times_s), p=LINE_SHARES),
    )
    heights = _pulse_heights(lines, random)

    order = np.argsort(times_s, kind="stable")
    number = np.arange(len(order))
    # Pulses of one tick move on by a tick: they stay countable, and ticks strictly increase.
    ticks = np.floor(times_s[order] * files.TICKS_PER_S).astype(np.int64)
    ticks = np.maximum.accumulate(ticks - number) + number
    path = f"-{plan.start:%Y%m%d-%H%M%S}-Slot1-In1.csv"
    stream = files.ssd_stream(path, plan.start_ns, plan.duration_s, ticks, heights[order])
    pulses = np.bincount(lines, minlength=1 + len(LINE_POSITIONS)).tolist()
    truth = {
        "background": {"rate_Hz": rate_Hz, "drift_per_hour": BACKGROUND_DRIFT_PER_HOUR},
        "alpha_lines": [
            {"position": position, "sigma": LINE_SIGMA, "tail": LINE_TAIL, "pulses": count}
            for position, count in zip(LINE_POSITIONS, pulses[1:], strict=True)
        ],
        "continuum": {"scale": CONTINUUM_SCALE, "pulses": pulses[0]},
    }
    return [stream], truth


def _background_times(duration_s: float, rate_Hz: float, random: np.random.Generator) -> Floats:
    """Draw from ``rate (1 + k t)`` by inverting its integral ``rate (t + k t^2 / 2)``."""
    drift = BACKGROUND_DRIFT_PER_HOUR / 3600.0
    area_s = duration_s + drift * duration_s**2 / 2
    at_s = area_s * random.random(random.poisson(rate_Hz * area_s))
    return (np.sqrt(1 + 2 * drift * at_s) - 1) / drift


def _burst_times(plan: Plan, random: np.random.Generator) -> Floats:
    """Draw all bursts at once: pulse by pulse, how long before or after its t0."""
    rises = np.repeat(np.arange(len(plan.t0_s)), random.poisson(plan.n_rise))
    decays = np.repeat(np.arange(len(plan.t0_s)), random.poisson(plan.n_decay))
    before_s = plan.t0_s[rises] - random.exponential(plan.tau_rise_s[rises])
    after_s = plan.t0_s[decays] + random.exponential(plan.tau_decay_s[decays])
    times_s = np.concatenate([before_s, after_s])
    return times_s[(times_s >= 0) & (times_s < plan.duration_s)]


def _pulse_heights(lines: Integers, random: np.random.Generator) -> Integers:
    lowest, highest = files.SSD_LLD - 0.5, files.SSD_ULD + 0.5
    kept = -math.expm1(-(highest - lowest) / CONTINUUM_SCALE)
    continuum = lowest - CONTINUUM_SCALE * np.log1p(-kept * random.random(len(lines)))
    peak = np.array([0.0, *LINE_POSITIONS])[lines] + random.normal(0.0, LINE_SIGMA, len(lines))
    heights = np.where(lines == 0, continuum, peak - random.exponential(LINE_TAIL, len(lines)))
    return np.clip(np.rint(heights), files.SSD_LLD, files.SSD_ULD).astype(np.int64)


def _heater(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    times_s = _every_second(plan)
    target = np.where(plan.heating(times_s), random.integers(40, 45), 10)
    measured = np.concatenate([target[:1], target[:-1]])
    return [files.heater_stream("heater.csv", plan.start_ns, times_s, target, measured)], {}


def _heating_log(plan: Plan, _: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    path = f"{plan.start:%Y%m%d}BT.csv"
    texts, coil = heating_texts(plan.volts), plan.coil(plan.heated_s)
    return [files.heating_log_stream(path, plan.start_ns, plan.heated_s, texts, coil)], {}


def _coil(plan: Plan, _: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    states = plan.coil(plan.switched_s)
    return [files.coil_stream("coil.txt", plan.start_ns, plan.switched_s, states)], {}


def _gauge(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    times_s = _every_second(plan)
    spread = 1 + np.array(PRESSURE_SPREAD) * random.standard_normal((len(times_s), len(PRESSURES)))
    pressures = np.array(PRESSURES) * spread
    pressures[:, 2] *= 1 + SURFACE_PRESSURE_RISE * _decays_after(plan.heated_s, times_s, SURFACE_PUMPING_S)
    return [files.gauge_stream("gauge.csv", plan.start_ns, times_s, pressures)], {}


def _ion(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    times_s = _every_second(plan)
    values = np.array(ION_NOMINAL) + np.array(ION_NOISE) * random.standard_normal((len(times_s), len(ION_NOMINAL)))
    center = (times_s // CUP_PERIOD_S) % 2 == 0
    current_nA = np.where(center, CUP_CENTER_NA, CUP_SURROUNDING_NA) + random.normal(0, CUP_NOISE_NA, len(times_s))
    values[:, ION_CUPS] = np.column_stack([CUP_RELAY_V * center, CUP_RELAY_V * ~center, current_nA])
    truth = {"ion": {"center_nA": CUP_CENTER_NA, "surrounding_nA": CUP_SURROUNDING_NA, "noise_nA": CUP_NOISE_NA}}
    return [files.ion_stream("ion.csv", plan.start_ns, times_s, values)], truth


def _laser(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    signals = len(files.LASER_SIGNALS)
    sweeps = max(0, int((plan.duration_s - LASER_BEGIN_S) * 1e3 / LASER_SWEEP_MS))
    # The wavemeter goes through its switch in the same order in every sweep, never quite in step.
    slots = np.arange(signals) + random.uniform(0.2, 0.8, (sweeps, signals))
    times_ms = (LASER_SWEEP_MS * (np.arange(sweeps)[:, np.newaxis] + slots / signals)).ravel()
    column = np.tile(np.array([3, 0, 1, 5, 4, 2]), sweeps)
    nm = np.array(list(files.LASER_SIGNALS.values()))[column] + random.normal(0, LASER_NOISE_NM, len(column))
    stream = files.laser_stream("laser.lta", plan.start_ns, LASER_BEGIN_S, times_ms, column, nm)
    wavelengths = {f"signal_{signal}_nm": wavelength for signal, wavelength in files.LASER_SIGNALS.items()}
    return [stream], {"laser": {**wavelengths, "noise_nm": LASER_NOISE_NM}}


def _camera_and_pmt(plan: Plan, random: np.random.Generator) -> tuple[list[Stream], dict[str, Any]]:
    """Draw `all_data.csv` and the images, which share its numbers and its clock."""
    folder = f"{plan.start:%Y%m%d-%H%M%S}_data"
    rows = max(0, int((plan.duration_s - PMT_FIRST_S) / PMT_PERIOD_S))
    # Whole milliseconds, as in the file, so that truth and file name the same moment.
    times_s = np.round(PMT_FIRST_S + PMT_PERIOD_S * np.arange(rows) + random.uniform(0, 2e-3, rows), 3)
    coil = plan.coil(times_s)
    counts = _trapped_counts(plan, times_s)
    expected_A = PMT_OFFSET_A + PMT_A_PER_COUNT * counts
    current_A = expected_A + random.normal(0, PMT_NOISE_A, rows)
    pixels = math.prod(IMAGE_SHAPE)
    roi_sum = random.poisson(IMAGE_BACKGROUND * pixels + counts)

    first = round((IMAGE_FIRST_S - PMT_FIRST_S) / PMT_PERIOD_S)
    imaged = np.arange(first, rows, round(IMAGE_PERIOD_S / PMT_PERIOD_S))
    numbers = _frame_numbers(rows, first, random)
    images: list[Stream] = []
    spots: list[dict[str, Any]] = []
    image_folder = f"{folder}/cmos_roidata/{plan.start + timedelta(seconds=IMAGE_FOLDER_S):%m%d%H%M%S}"
    trap = _draw_trap(random)
    for row in imaged.tolist():
        spot = _draw_spot(trap, float(counts[row]), random)
        image = random.poisson(_expected_counts(spot))
        roi_sum[row] = image.sum()
        path = f"{image_folder}/cmos_{numbers[row]:06d}.csv"
        images.append(files.image_stream(path, float(times_s[row]), image, IMAGE_CUT_PROBABILITY))
        spots.append({"file": path, "time_ns": int(plan.ns(times_s[row : row + 1])[0]), **spot})

    all_data = files.pmt_stream(
        f"{folder}/all_data.csv",
        plan.start_ns,
        times_s,
        numbers=numbers,
        current_A=current_A,
        roi_sum=roi_sum,
        coil=coil,
    )
    truth = {
        "pmt": {
            "mean_on_A": _mean(expected_A[coil == 1]),
            "mean_off_A": _mean(expected_A[coil == 0]),
            "offset_A": PMT_OFFSET_A,
            "noise_A": PMT_NOISE_A,
            "A_per_count": PMT_A_PER_COUNT,
        },
        "trap": {"lifetime_s": TRAP_LIFETIME_S, "empty_after_s": TRAP_EMPTY_AFTER_S},
        "images": spots,
    }
    return [all_data, *images], truth


def _trapped_counts(plan: Plan, times_s: Floats) -> Floats:
    """Return what a camera sees of the trapped atoms: those released while the coil was on, until it goes off."""
    counts = np.zeros(len(times_s))
    low, high = np.log(PULSES_OF_A_DECAY)
    loaded = np.exp(np.interp(np.log(plan.n_decay), (low, high), np.log(TRAP_COUNTS))) * plan.coil(plan.t0_s)
    off = np.searchsorted(plan.switched_s, plan.t0_s, side="right")
    lost_s = np.minimum(np.append(plan.switched_s, np.inf)[off], plan.t0_s + TRAP_EMPTY_AFTER_S)
    for t0_s, end_s, number in zip(plan.t0_s, lost_s, loaded, strict=True):
        begin, end = np.searchsorted(times_s, (t0_s, end_s))
        counts[begin:end] += number * np.exp(-(times_s[begin:end] - t0_s) / TRAP_LIFETIME_S)
    return counts


def _frame_numbers(rows: int, first_image: int, random: np.random.Generator) -> Integers:
    """Return numbers that skip: four frames of the camera a row, now and then five, and a late start."""
    steps = np.where(random.random(rows) < 0.03, 5, 4)
    steps[: first_image + 1] = 4
    numbers = IMAGE_FIRST_NUMBER + np.cumsum(steps) - 4 * (first_image + 1)
    numbers[:1] = 1
    return numbers.astype(np.int64)


def _draw_trap(random: np.random.Generator) -> dict[str, float]:
    """Return where the atoms are trapped, and how wide: of one run."""
    return {
        "x0": random.uniform(*IMAGE_X_PX),
        "y0": random.uniform(*IMAGE_Y_PX),
        "sigma_x": random.uniform(*IMAGE_SIGMA_PX),
        "sigma_y": random.uniform(*IMAGE_SIGMA_PX),
    }


def _draw_spot(trap: dict[str, float], counts: float, random: np.random.Generator) -> dict[str, float]:
    """Return the spot of one image: the trap hardly moves from one to the next."""
    moved = {name: value + random.normal(0.0, IMAGE_SCATTER_PX) for name, value in trap.items()}
    return {"A": counts, **moved, "C": IMAGE_BACKGROUND}


def _expected_counts(spot: dict[str, float]) -> Floats:
    """Return the Gaussian spot, integrated over each pixel, on the background: a matrix of IMAGE_SHAPE."""
    rows = _pixel_integrals(IMAGE_SHAPE[0], spot["y0"], spot["sigma_y"])
    columns = _pixel_integrals(IMAGE_SHAPE[1], spot["x0"], spot["sigma_x"])
    return spot["C"] + spot["A"] * np.outer(rows, columns)


def _pixel_integrals(pixels: int, centre: float, sigma: float) -> Floats:
    edges = (np.arange(pixels + 1) - 0.5 - centre) / (sigma * math.sqrt(2))
    return np.diff([math.erf(edge) for edge in edges.tolist()]) / 2


def _decays_after(events_s: Floats, times_s: Floats, tau_s: float) -> Floats:
    """Return ``exp(-(t - last event) / tau)``, 0 before the first event."""
    last_s = np.concatenate([[-np.inf], events_s])[np.searchsorted(events_s, times_s, side="right")]
    return np.exp((last_s - times_s) / tau_s)


def _every_second(plan: Plan) -> Floats:
    return np.arange(0.5, plan.duration_s)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


# The files in the order in which they are written; a new instrument goes to the end, where it moves no one's seed.
SOURCES: dict[str, Source] = {
    "ssd": _ssd,
    "heater": _heater,
    "heating_log": _heating_log,
    "coil": _coil,
    "gauge": _gauge,
    "ion": _ion,
    "laser": _laser,
    "pmt": _camera_and_pmt,
}
