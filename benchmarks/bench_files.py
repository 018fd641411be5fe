"""Files in the formats of the experiment, of any size, written at full speed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["SSD_HEADER", "WRITERS", "ssd_table", "write_ssd"]

SSD_HEADER = "\n".join(
    ["Model,WE7562", "BlockNumber,1", "BlockSize,15262              ", "TraceName,Time,PulseHeight", "Date,2022/03/14"]
    + ["//StartDate,2022/03/14", "//StartTime,10:07:54", "//TimeResolution,1.000000e-006"]
    + [f"//Key{i},{i}.5" for i in range(29)]
)


def _times(rows: int) -> pl.Series:
    stamps = 1_647_250_000_000_000_000 + np.arange(rows, dtype=np.int64) * 400_000_000
    return pl.Series(stamps).cast(pl.Datetime("ns"))


def ssd_table(rows: int) -> pl.DataFrame:
    """Pulses as the SSD writes them, at 1e5 per s and in ticks of 1 us: 23 bytes a line."""
    random = np.random.default_rng(1)
    ticks = np.cumsum(random.integers(1, 20, rows))
    return pl.DataFrame({"n": np.arange(rows), "t": ticks, "h": random.integers(500, 4031, rows)})


def write_ssd(path: Path, rows: int) -> Path:
    """An SSD file with 37 header lines of metadata."""
    with path.open("wb") as handle:
        handle.write((SSD_HEADER + "\n").encode())
        ssd_table(rows).write_csv(handle, include_header=False)
    return path


def write_ion(path: Path, rows: int) -> Path:
    """An ion log: a time and 33 decimals."""
    random = np.random.default_rng(2)
    names = ["Be Bypass", "Fr Beamline", "Center", "Surrounding", "FC", *(f"Value {i}" for i in range(28))]
    table = pl.DataFrame({name: random.normal(0, 10, rows) for name in names})
    time = _times(rows).dt.strftime("%Y/%m/%d %H:%M:%S").alias("Timestamp")
    table.insert_column(0, time).write_csv(path, float_precision=8)
    return path


def write_gauge(path: Path, rows: int) -> Path:
    """A gauge log: a time and six pressures."""
    random = np.random.default_rng(3)
    names = ["Rb disp.", "Neut.", "Surf. Ref.", "NC1", "NC2", "NC3"]
    table = pl.DataFrame({name: random.uniform(1e-9, 1e-6, rows) for name in names})
    time = _times(rows).dt.strftime("%Y/%m/%d %H:%M:%S").alias("Timestamp")
    table.insert_column(0, time).write_csv(path, float_precision=9)
    return path


def write_pmt(path: Path, rows: int) -> Path:
    """A PMT file: currents with exponents."""
    random = np.random.default_rng(4)
    current = [f"{x:.6E}" for x in random.normal(1e-13, 2e-13, min(rows, 100_000))]
    table = pl.DataFrame(
        {
            "No.": np.arange(rows),
            "Time": _times(rows).dt.strftime("%Y/%m/%d %H:%M:%S%.3f"),
            "PMT Current (A)": pl.Series(np.resize(np.array(current), rows)),
            "ROI Sum": random.integers(1_400_000, 1_600_000, rows),
            "Coil (1:ON 0:OFF)": random.integers(0, 2, rows),
        }
    )
    table.write_csv(path, quote_style="never")
    return path


WRITERS: dict[str, Callable[[Path, int], Path]] = {
    "ssd": write_ssd,
    "ion": write_ion,
    "gauge": write_gauge,
    "pmt": write_pmt,
}
