"""A beam time that never was, in the files that a real one leaves, with the truth beside them.

Analyses, demonstrations and tests are measured against the ``truth.json`` of such a folder. The physics is drawn in
`plan` and `instruments`, the bytes are made in `files`; here they are written, at once or in live mode: as the PCs
of the experiment would, a few bytes at a time and cut anywhere, also inside a number or a two-byte character.

It promises: one seed gives one set of bytes, however they are written; every source has random numbers of its own, so
that a change of one leaves the others as they were; the truth is written before anything else; nothing is overwritten.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ...io.errors import InputError, OutputError
from ...io.paths import user_path
from .files import Stream
from .instruments import SOURCES
from .plan import draw_plan

__all__ = ["simulate"]

APPEND_PERIOD_S = 0.05
TRUTH_NAME = "truth.json"


def simulate(
    folder: str | Path,
    *,
    minutes: float = 15.0,
    seed: int = 1,
    live_speed: float | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[float], None] | None = None,
    start: datetime = datetime(2022, 9, 18, 12, 25, 39),
) -> dict[str, Any]:
    """Write a simulated beam time into a folder, in the formats of the experiment.

    Parameters
    ----------
    folder : str or Path
        Where to write; made if missing. Other files in it are left alone.
    minutes : float
        Length of the beam time in minutes. All of it is held in memory: about 1 MB a minute.
    seed : int
        Of all random numbers, not negative. The same seed, length and start give the same bytes.
    live_speed : float, optional
        Seconds of beam time in one second of wall time. The files then grow as they would during a run: every 50 ms
        each one gets what has been measured since, up to a random byte. None writes everything at once.
    stop : threading.Event, optional
        Ends the writing early when it is set; every file then ends with a whole line.
    progress : callable, optional
        Called with the fraction that is done (0 to 1) after each round of writing.
    start : datetime
        Wall clock at the start, without a time zone; fractions of a second are dropped, since the SSD file has none.

    Returns
    -------
    dict
        The truth, the same as in ``truth.json``. Times ``*_ns`` are ns since 1970 by the wall clock. ``bursts`` holds
        one mapping each, named as in `fit_burst` (expected numbers of pulses; s), ``images`` likewise as in
        `fit_gaussian` (counts and pixels; the centre of the first pixel is 0, 0 and x counts the columns);
        ``background`` (Hz), ``alpha_lines`` and ``continuum`` (channels), ``pmt`` (true means in A), ``heatings``,
        ``coil``, ``ion`` (nA) and ``laser`` (nm) hold the rest, ``files`` the file of each source and ``rows`` the
        data rows of each file, images too.

    Raises
    ------
    InputError
        If a number makes no sense, if `folder` is a file, or if one of the files is there already.
    OutputError
        If a file cannot be written.

    Examples
    --------
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> sorted(truth["files"])[:4], Path("beam", truth["files"]["ssd"]).exists()
    (['coil', 'gauge', 'heater', 'heating_log'], True)
    """
    folder = user_path(folder)
    _check_settings(minutes, seed, live_speed, start)
    _refuse_to_overwrite(folder, [TRUTH_NAME])

    start = start.replace(microsecond=0)
    seeds = np.random.SeedSequence(seed).spawn(2 + len(SOURCES))
    plan_random, cut_random, *source_random = map(np.random.default_rng, seeds)
    plan = draw_plan(start, 60.0 * minutes, plan_random)
    truth: dict[str, Any] = {"seed": seed, "start": start.isoformat(), "duration_s": plan.duration_s, **plan.truth()}
    streams: list[Stream] = []
    paths: dict[str, str] = {}
    for (name, source), random in zip(SOURCES.items(), source_random, strict=True):
        made, facts = source(plan, random)
        # A log without an entry is a file that never came into being.
        made = [stream for stream in made if stream.data]
        if made:
            paths[name] = str(made[0].path)
        streams += made
        truth |= facts
    truth |= {"files": paths, "rows": {str(stream.path): stream.rows for stream in streams}}
    _refuse_to_overwrite(folder, truth["rows"])

    stop = threading.Event() if stop is None else stop
    report = _say_nothing if progress is None else progress
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_truth(folder, truth)
        if live_speed is None:
            _write_at_once(folder, streams, stop, report)
        else:
            _write_live(folder, streams, plan.duration_s, live_speed, stop, report, cut_random)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{folder}: the simulated files cannot be written ({reason}): choose another folder"
        ) from error
    return truth


def _check_settings(minutes: float, seed: int, live_speed: float | None, start: datetime) -> None:
    if not (math.isfinite(minutes) and minutes > 0):
        raise InputError(f"minutes is {minutes}: a beam time needs a positive number of minutes")
    if live_speed is not None and not (math.isfinite(live_speed) and live_speed > 0):
        raise InputError(
            f"live_speed is {live_speed}: give beam seconds per wall second above 0, or None for no waiting"
        )
    if seed < 0:
        raise InputError(f"seed is {seed}: give a whole number of 0 or more")
    if start.tzinfo is not None:
        raise InputError(f"start is {start}: give the local wall clock without a time zone, as the files have it")


def _refuse_to_overwrite(folder: Path, paths: Sequence[str] | dict[str, int]) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder for the simulated files")
    for path in paths:
        if (folder / path).exists():
            raise InputError(
                f"{folder} holds {path} already and nothing is overwritten: choose another folder, or empty this one"
            )


def _say_nothing(_: float) -> None:
    pass


def _write_truth(folder: Path, truth: dict[str, Any]) -> None:
    """Write the truth so that a reader finds all of it or none."""
    part = folder / f"{TRUTH_NAME}.part"
    part.write_bytes((json.dumps(truth, indent=2, allow_nan=False) + "\n").encode("utf-8"))
    os.replace(part, folder / TRUTH_NAME)


def _write_at_once(folder: Path, streams: list[Stream], stop: threading.Event, report: Callable[[float], None]) -> None:
    for number, stream in enumerate(streams, start=1):
        if stop.is_set():
            return
        _append(folder, stream, 0, len(stream.data))
        report(number / len(streams))


def _write_live(
    folder: Path,
    streams: list[Stream],
    duration_s: float,
    speed: float,
    stop: threading.Event,
    report: Callable[[float], None],
    random: np.random.Generator,
) -> None:
    growing = [_Growing(folder, stream) for stream in streams]
    begun = time.monotonic()
    while growing and not stop.wait(APPEND_PERIOD_S):
        beam_s = (time.monotonic() - begun) * speed
        for file in growing:
            file.grow(beam_s, random)
        growing = [file for file in growing if not file.complete]
        report(min(beam_s / duration_s, 0.999) if growing else 1.0)
    for file in growing:
        file.finish_the_line()


@dataclass
class _Growing:
    """A file of a live run: the bytes before `owed` have been measured, those before `written` are on the disk."""

    folder: Path
    stream: Stream
    owed: int = 0
    written: int = 0

    @property
    def complete(self) -> bool:
        return self.written == len(self.stream.data)

    def grow(self, beam_s: float, random: np.random.Generator) -> None:
        """Append what was left over last time, and what is new up to a random byte."""
        if beam_s < self.stream.times_s[0]:
            return
        left_over, self.owed = self.owed, self.stream.bytes_due(beam_s)
        cut = self.owed > left_over and random.random() < self.stream.cut_probability
        self._write_until(int(random.integers(left_over, self.owed)) if cut else self.owed)

    def finish_the_line(self) -> None:
        """Append what was left over."""
        self._write_until(self.owed)

    def _write_until(self, end: int) -> None:
        if end > self.written:
            _append(self.folder, self.stream, self.written, end)
            self.written = end


def _append(folder: Path, stream: Stream, begin: int, end: int) -> None:
    """Open, append and close, as the programs of the PCs do, so that a reader may replace or map the file between."""
    path = folder / stream.path
    if begin == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab" if begin else "wb") as file:
        file.write(stream.data[begin:end])
