"""The PMT's current with the coil on and off: its two means, their difference, and their histograms.

Atoms that the trap holds shine, and the trap holds them while the coil is on, so the difference of the means is what
tells of trapped atoms. The errors of the means know that neighbouring readings are correlated (`mean_with_error`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from ..figures.pmt import pmt_figure
from ..fits.mean import mean_with_error
from ..recorders.pmt import COIL, CURRENT, PMTRecorder
from .base import Analysis, ResultParameter

__all__ = ["PMTAnalysis"]


class PMTAnalysis(Analysis):
    """Current with coil on and off, of one PMT file; one result row a file."""

    recorder_class = PMTRecorder
    short_name = "pmt"
    parameters = (
        ResultParameter("source", pl.String, "", "file", shown=False),
        ResultParameter("timestamp_ns", pl.Int64, "ns", "first row, since 1970"),
        ResultParameter("end_ns", pl.Int64, "ns", "last row, since 1970", shown=False),
        ResultParameter("rows_on", pl.Int64, "", "readings with the coil on"),
        ResultParameter("rows_off", pl.Int64, "", "readings with the coil off"),
        ResultParameter("current_on_A", pl.Float64, "A", "mean current with the coil on"),
        ResultParameter("current_on_error_A", pl.Float64, "A", "its standard error", shown=False),
        ResultParameter("current_off_A", pl.Float64, "A", "mean current with the coil off"),
        ResultParameter("current_off_error_A", pl.Float64, "A", "its standard error", shown=False),
        ResultParameter("difference_A", pl.Float64, "A", "on minus off"),
        ResultParameter("difference_error_A", pl.Float64, "A", "its standard error", shown=False),
    )

    _row: dict[str, Any] | None = None

    def analyse(self) -> pl.DataFrame:
        """Means of all rows so far."""
        table = self._readings()
        if table.is_empty():
            return self.no_results()
        row: dict[str, Any] = {
            "source": self.source,
            "timestamp_ns": table["timestamp"][0],
            "end_ns": table["timestamp"][-1],
        }
        means = {}
        for state, name in ((1, "on"), (0, "off")):
            mean = means[name] = mean_with_error(table.filter(pl.col(COIL) == state)[CURRENT].to_numpy())
            row |= {f"rows_{name}": mean.count}
            row |= {f"current_{name}_A": mean.value, f"current_{name}_error_A": mean.error}
        row["difference_A"] = means["on"].value - means["off"].value
        row["difference_error_A"] = math.hypot(means["on"].error, means["off"].error)
        results = self.table([row]).with_columns(pl.selectors.float().fill_nan(None))
        self._row = results.row(0, named=True)
        return results

    def draw(self) -> Iterator[tuple[str, Figure]]:
        """One figure: both 2D histograms, and the 1D histograms beside them."""
        table = self._readings()
        on = (table[COIL] == 1).to_numpy()
        row = self._row
        yield (
            f"{self.file_stem}_current",
            pmt_figure(table["timestamp"].to_numpy(), table[CURRENT].to_numpy(), on, row, self.source_name),
        )

    def replaced_by(self, results: pl.DataFrame) -> pl.Expr:
        """The row of the same file and the same beginning: a file of the same name from another run keeps its row."""
        stamps = results["timestamp_ns"].to_list()
        return (pl.col("source") == self.source) & pl.col("timestamp_ns").is_in(stamps)

    def _readings(self) -> pl.DataFrame:
        table = self._rows_of("timestamp", CURRENT, COIL)
        return table.select("timestamp", CURRENT, COIL).drop_nulls()
