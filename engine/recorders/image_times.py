"""When an image was taken: an image file does not say, so its neighbours are asked.

In this order: the ``all_data.csv`` three folders up, in the row whose ``No.`` is the number in the file's name; a
``timelog.csv`` beside the images (``File Name,Time``, a time without a day: the day is that of the modification
time); else the time of the last modification, as the wall clock of this PC shows it.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import polars as pl

from ...io.cells import datetime_ns, time_of_day_ns
from ...io.errors import MissingFileError
from ...io.reader import Reader
from ...kernels.units import DAY_NS
from .pmt import PMTRecorder

__all__ = ["ImageTimes", "modified_ns"]


class ImageTimes:
    """Times of image files; the indices beside them are read as they grow, each byte once."""

    def __init__(self) -> None:
        self._runs: dict[Path, tuple[PMTRecorder, dict[int, int]]] = {}
        self._logs: dict[Path, tuple[Reader, dict[str, int]]] = {}

    def timestamp_ns(self, path: Path) -> tuple[int, str]:
        """Wall-clock time of an image (ns since 1970), and who says so: all_data, timelog or modified."""
        number = re.search(r"(\d+)\D*$", path.stem)
        if number is not None:
            found = self._from_run(path.absolute().parents[2] / "all_data.csv", int(number[1]))
            if found is not None:
                return found, "all_data"
        found = self._from_log(path.with_name("timelog.csv"), path.name)
        if found is not None:
            return modified_ns(path) // DAY_NS * DAY_NS + found if found < DAY_NS else found, "timelog"
        return modified_ns(path), "modified"

    def _from_run(self, index: Path, number: int) -> int | None:
        recorder, times = self._runs.get(index, (None, {}))
        if number in times:
            return times[number]
        if recorder is None:
            if not index.exists():
                return None
            recorder = PMTRecorder(index)
        if recorder.update() or not times:
            table = recorder.get_table()
            times = dict(zip(table["No."].to_list(), table["timestamp"].to_list(), strict=True))
            self._runs[index] = (recorder, times)
        return times.get(number)

    def _from_log(self, log: Path, name: str) -> int | None:
        reader, times = self._logs.get(log, (None, {}))
        if name in times:
            return times[name]
        if reader is None:
            if not log.exists():  # as in most folders: asked for each of thousands of images
                return None
            reader = Reader(log)
        try:
            added = reader.update()
        except MissingFileError:  # gone in between
            return None
        if added:
            frame = reader.frame
            moments = frame.get_columns()[1]
            numbers = moments.to_physical() if moments.dtype.is_temporal() else moments.map_elements(_moment_ns)
            times = dict(zip(frame.get_columns()[0].cast(pl.String).to_list(), numbers.to_list(), strict=True))
        self._logs[log] = (reader, times)
        return times.get(name)


def modified_ns(path: Path) -> int:
    """Time of the last modification, by the wall clock of this PC; ns since 1970, without a zone."""
    modified = path.stat().st_mtime
    return datetime_ns(str(datetime.fromtimestamp(modified))) or 0


def _moment_ns(text: str) -> int | None:
    return datetime_ns(text) or time_of_day_ns(text)
