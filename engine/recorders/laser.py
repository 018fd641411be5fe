"""The wavemeter's long-term measurement (HighFinesse ``.lta``): one signal a row, all signals in a sweep.

A frame of the wavemeter is a column of the file. Those that hold wavelengths are signals; others (a voltage, a
temperature, a linewidth) are readings beside them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from ...io.column import Column, Kind
from ...io.header import SectionLines
from ...io.layout import Layout
from ...io.times import Elapsed
from ...kernels.sweeps import number_sweeps
from .base import Recorder
from .frames import as_asked, as_polars
from .parser import Parser
from .quantity import SourceKind

__all__ = ["LaserParser", "LaserRecorder"]

log = logging.getLogger("utokyo")

TIME = "Time [ms]"
NUMBER = re.compile(r"(?:Signal|Channel|Wavelength|Frequency|Wave ?number)\s+(\d+)", re.IGNORECASE)
UNIT = re.compile(r"\[\s*([^\]]*?)\s*\]")
SHOWN_AS = {"wavelength": ("nm",), "frequency": ("THz", "GHz"), "wavenumber": ("1/cm", "cm-1", "cm^-1")}
"""In what units the wavemeter shows a wavelength."""
ABOUT_IT = re.compile(r"deviation|difference|set ?point|reference|course|error|width|std\.? ?dev", re.IGNORECASE)
"""What is said of a wavelength, and is none."""
IN_AIR = re.compile(r"\bair\b", re.IGNORECASE)


class LaserRecorder(Recorder):
    """Wavelengths in vacuum.

    `get_table` has a row for every single measurement of a wavelength: `time` (ms since ``StartTime``), `signal` (its
    number on the wavemeter), `wavelength` (nm), `frequency_THz`, then metadata and times. `get_sweeps` has a row for
    every sweep, in which all signals were measured once. `get_data` has the rows as they stand in the file.

    A frame that holds no wavelength is no signal. Its readings stand in columns of their own (``Temperature (C)``),
    each once: in the row of the next measurement, and of the next sweep. Of several readings between two, the last one
    is shown; all of them are in `get_data`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> sweeps = LaserRecorder("beam/" + truth["files"]["laser"]).get_sweeps()
    >>> abs(sweeps["wavelength_8"].mean() - truth["laser"]["signal_8_nm"]) < 1e-5
    True
    """

    layout = Layout(
        "wavemeter long-term measurement",
        (Column(TIME, Kind.FLOAT),),
        delimiter="\t",
        encoding="cp932",
        header=SectionLines("WLMLTA", data="Measurement data", plain=("General settings",)),
        time=Elapsed(TIME, start_keys=("StartTime",), unit_s=1e-3),
        others=Column("", Kind.FLOAT, nullable=True),
        short_rows=True,
    )
    signature = rb"WLMLTA"
    join_as = SourceKind("laser", others=True, others_unit="nm", others_unit_of="wavelength_")

    _told = False
    """Whether it was said that a wavelength is one in air."""

    _carried: Mapping[str, float] = MappingProxyType({})
    """Readings of the chunk before that no measurement followed there."""

    _sweeps: tuple[Hashable, pl.DataFrame] | None = None
    """The sweeps of so much of the file, which is looked at more often than it grows."""

    def get_sweeps(self) -> Any:
        """One row a sweep.

        Returns
        -------
        polars.DataFrame
            `wavelength_8`, ... (nm, one column a signal, by number), the readings of other frames, and the times of
            the sweep's last measurement. A signal that was left out is null; the sweep that is still being measured is
            not shown.
        """
        with self._lock:
            self.update()
            version = None if self.always_update else (self.version, self.bytes_read)
            if version is None or self._sweeps is None or self._sweeps[0] != version:
                self._sweeps = version, self._new_sweeps()
            return as_asked(self._sweeps[1].clone(), self.frame)

    def table_to_join(self) -> pl.DataFrame:
        """The sweeps: a measurement of one signal says nothing of the others."""
        return as_polars(self.get_sweeps())

    def _new_sweeps(self) -> pl.DataFrame:
        long = self._measurements()
        signals = long["signal"].unique(maintain_order=True).to_list() or [0]
        sweeps = np.empty(long.height, np.int64)
        place = long["signal"].replace_strict(signals, list(range(len(signals))), return_dtype=pl.Int64).cast(pl.Int64)
        complete = number_sweeps(place.to_numpy(), len(signals), sweeps)
        whole = (
            long.with_columns(sweep=pl.Series(sweeps, dtype=pl.Int64))
            .filter(pl.col("sweep") < complete)
            .group_by("sweep", maintain_order=True)
            .agg(
                *(pl.col("wavelength").filter(pl.col("signal") == s).first().alias(f"wavelength_{s}") for s in signals),
                *(pl.col(name).last() for name in ("row", "timestamp_ns", "timestamp", "datetime")),
            )
        )
        readings = self._readings(whole["row"])
        times = [whole[name] for name in ("timestamp_ns", "timestamp", "datetime")]
        return whole.drop("sweep", "row", "timestamp_ns", "timestamp", "datetime").with_columns(*readings, *times)

    def _measurements(self) -> pl.DataFrame:
        """Every measurement of a wavelength in the order of the file, with its `row`."""
        from scipy import constants  # noqa: PLC0415 (takes longer than all of our recorders)

        data = super()._rows_with_metadata()
        signals = {signal.column: signal for signal in self._signals()}
        frames = {column.name for column in self._reader.columns}
        keep = [name for name in data.columns if name not in frames]
        numbers = {name: signal.number for name, signal in signals.items()} or {"": 0}
        long = (
            data.with_row_index("row")
            .filter(pl.lit(bool(signals)))  # of none, polars takes all columns
            .unpivot(list(signals), index=["row", TIME, *keep], variable_name="column", value_name="value")
            .filter(pl.col("value").is_not_null())
            .sort("row", maintain_order=True)
        )
        column, value = pl.col("column"), pl.col("value")
        # c / wavelength: m/s over nm is GHz
        c_nm_THz = constants.c / 1e3
        units = {name: signal.unit for name, signal in signals.items()} or {"": ""}  # polars asks for one at least
        unit = column.replace_strict(units, return_dtype=pl.String)
        is_air = column.is_in([name for name, signal in signals.items() if signal.in_air])
        THz = pl.when(unit == "THz").then(value).when(unit == "GHz").then(value / 1e3)
        by_number = pl.when(unit.is_in(SHOWN_AS["wavenumber"])).then(1e7 / value).otherwise(c_nm_THz / THz)
        nm = pl.when(unit == "nm").then(value).otherwise(by_number)
        return long.select(
            pl.col("row"),
            pl.col(TIME).alias("time"),
            column.replace_strict(numbers, return_dtype=pl.Int64).alias("signal"),
            nm.alias("wavelength"),
            pl.when(~is_air).then(THz.otherwise(c_nm_THz / nm)).alias("frequency_THz"),
            *keep,
        )

    def _signals(self) -> list[_Signal]:
        """The frames that hold wavelengths; of two of one signal, the first."""
        signals: dict[int, _Signal] = {}
        for frame in (column.name for column in self._reader.columns if column.name != TIME):
            signal = _signal_of(frame)
            if signal is not None:
                signals.setdefault(signal.number, signal)
        in_air = [str(signal.number) for signal in signals.values() if signal.in_air]
        if in_air and not self._told:
            self._told = True
            log.warning(
                "%s: the wavelengths of signal %s are those in air, so they have no frequency; let the wavemeter show "
                "wavelengths in vacuum",
                *(self.filepath, ", ".join(in_air)),
            )
        return list(signals.values())

    def _readings(self, rows: pl.Series) -> list[pl.Series]:
        """What other frames read last between each of these rows of the file and the one before; null for nothing."""
        data, ends = self._reader.frame, rows.to_numpy().astype(np.int64)
        before = np.concatenate([[-1], ends[:-1]])
        found = []
        for name, frame in self._others().items():
            read = np.flatnonzero(data[frame].is_not_null().to_numpy())
            last = np.searchsorted(read, ends, side="right") - 1
            values = data[frame].to_numpy()[read]
            is_new = (last >= 0) & (read[last] > before) if read.size else np.zeros(ends.size, np.bool_)
            series = pl.Series(name, np.where(is_new, values[last] if read.size else np.nan, np.nan), pl.Float64)
            carried = self._carried.get(name)
            if carried is not None and ends.size and not is_new[0]:
                is_new[0], series[0] = True, carried
            found.append(series.set(~pl.Series(is_new, dtype=pl.Boolean), None))
        return found

    def _others(self) -> dict[str, str]:
        """The frames that are no signals, by the names of their columns."""
        signals = {signal.column for signal in self._signals()}
        others = [column.name for column in self._reader.columns if column.name not in {TIME, *signals}]
        return _named(others, {"time", "signal", "wavelength", "frequency_THz", *self._reader.metadata})

    def _make_table(self) -> pl.DataFrame:
        long = self._measurements()
        keep = long.columns[5:]  # metadata and times
        long = long.select(*long.columns[:5], *self._readings(long["row"]), *keep)
        return long.drop("row").sort("timestamp", maintain_order=True)


class LaserParser(Parser, LaserRecorder):
    """`LaserRecorder` in chunks of rows.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=0.5, seed=1)
    >>> parser = LaserParser("beam/" + truth["files"]["laser"], lines_per_update=100)
    >>> sum(chunk.height for chunk in parser) == truth["rows"][truth["files"]["laser"]]
    True
    """

    def update(self) -> int:
        """Go on to the next chunk; its rows."""
        with self._lock:
            self._carried = self._left_over()
            return super().update()

    def _left_over(self) -> dict[str, float]:
        """What was read after the last measurement so far: it belongs to the next one."""
        data = self._reader.frame
        if not data.height:
            return dict(self._carried)
        signals = [signal.column for signal in self._signals()]
        measured = np.flatnonzero(data.select(pl.any_horizontal(pl.col(signals).is_not_null())).to_series().to_numpy())
        left = {} if measured.size else dict(self._carried)
        for name, frame in self._others().items():
            read = data[frame][int(measured[-1]) + 1 if measured.size else 0 :].drop_nulls()
            if read.len():
                left[name] = read[-1]
        return left


class _Signal(NamedTuple):
    """A frame that holds the wavelengths of one signal."""

    column: str
    number: int
    unit: str
    in_air: bool


def _signal_of(frame: str) -> _Signal | None:
    """The signal whose wavelengths a frame holds, however the wavemeter shows them; None for other readings."""
    called, found = frame.lower().replace("wave number", "wavenumber"), UNIT.search(frame)
    shown = next((shown for shown in SHOWN_AS if shown in called), None)
    if shown is None or ABOUT_IT.search(frame):
        return None
    units = SHOWN_AS[shown]
    unit = units[0] if found is None else found[1]
    if unit not in units:
        return None
    number = NUMBER.search(frame)
    return _Signal(frame, int(number[1]) if number else 0, unit, IN_AIR.search(frame) is not None)


def _named(frames: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Frames by the names of their columns: ``Temperature [C]`` is ``Temperature (C)``."""
    named: dict[str, str] = {}
    for frame in frames:
        name = UNIT.sub(r"(\1)", frame)
        while name in taken or name in named:
            name += " (frame)"
        named[name] = frame
    return named
