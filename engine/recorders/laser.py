"""The wavemeter's long-term measurement (HighFinesse ``.lta``): one signal a row, all signals in a sweep."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

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

TIME = "Time [ms]"


class LaserRecorder(Recorder):
    """Wavelengths in vacuum.

    `get_table` has a row for every single measurement: `time` (ms since ``StartTime``), `signal` (its number on the
    wavemeter), `wavelength` (nm), `frequency_THz`, then metadata and times. `get_sweeps` has a row for every sweep,
    in which all signals were measured once. `get_data` has the rows as they stand in the file.

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
    join_as = SourceKind("laser", others=True, others_unit="nm")

    _sweeps: tuple[Hashable, pl.DataFrame] | None = None
    """The sweeps of so much of the file, which is looked at more often than it grows."""

    def get_sweeps(self) -> Any:
        """One row a sweep.

        Returns
        -------
        polars.DataFrame
            `wavelength_8`, ... (nm, one column a signal, by number), and the times of the sweep's last
            measurement. A signal that was left out is null; the sweep that is still being measured is not shown.
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
        signals = long["signal"].unique(maintain_order=True).to_list()
        sweeps = np.empty(long.height, np.int64)
        place = long["signal"].replace_strict(signals, range(len(signals)), return_dtype=pl.Int64)
        complete = number_sweeps(place.to_numpy(), len(signals), sweeps)
        return (
            long.with_columns(sweep=pl.Series(sweeps, dtype=pl.Int64))
            .filter(pl.col("sweep") < complete)
            .group_by("sweep", maintain_order=True)
            .agg(
                *(pl.col("wavelength").filter(pl.col("signal") == s).first().alias(f"wavelength_{s}") for s in signals),
                *(pl.col(name).last() for name in ("timestamp_ns", "timestamp", "datetime")),
            )
            .drop("sweep")
        )

    def _measurements(self) -> pl.DataFrame:
        """Every measurement in the order of the file."""
        from scipy import constants  # noqa: PLC0415 (takes longer than all of our recorders)

        data = super()._rows_with_metadata()
        signals = [c.name for c in self._reader.columns if c.name != TIME]
        keep = [name for name in data.columns if name not in signals and name != TIME]
        return (
            data.with_row_index("row")
            .unpivot(signals, index=["row", TIME, *keep], variable_name="signal", value_name="wavelength")
            .filter(pl.col("wavelength").is_not_null())
            .sort("row", maintain_order=True)
            .select(
                pl.col(TIME).alias("time"),
                pl.col("signal").replace_strict({name: _number(name) for name in signals}, return_dtype=pl.Int64),
                pl.col("wavelength"),
                # c / wavelength: m/s over nm is GHz
                (constants.c / pl.col("wavelength") / 1e3).alias("frequency_THz"),
                *keep,
            )
        )

    def _make_table(self) -> pl.DataFrame:
        return self._measurements().sort("timestamp", maintain_order=True)


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


def _number(name: str) -> int:
    found = re.search(r"Signal\s+(\d+)", name)
    return int(found[1]) if found else 0
