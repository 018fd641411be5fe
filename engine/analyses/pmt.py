"""The PMT's current with the coil on and off: its two means, their difference, and their histograms.

Atoms that the trap holds shine, and the trap holds them while the coil is on, so the difference of the means is the
sign of trapped atoms. Blocks are compared with their neighbours, so that drifts cancel (`switched_difference`). The
errors of the means know that neighbouring readings are correlated (`mean_with_error`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..figures.drawing import Drawing
from ..figures.names import figure_name, title_of
from ..figures.pmt import pmt_figure
from ..fits.mean import mean_with_error
from ..fits.rounding import with_error
from ..fits.switched import switched_difference
from ..options.settings import Settings
from ..recorders.pmt import COIL, CURRENT, PMTRecorder
from .base import Analysis
from .findings import Findings, check_columns
from .parameters import ResultParameter, table_of

__all__ = ["PMTAnalysis", "PMTSettings"]

PARAMETERS = (
    ResultParameter("source", pl.String, "", "file", shown=False),
    ResultParameter("timestamp_ns", pl.Int64, "ns", "first row, since 1970"),
    ResultParameter("end_ns", pl.Int64, "ns", "last row, since 1970", shown=False),
    ResultParameter("rows_on", pl.Int64, "", "readings with the coil on"),
    ResultParameter("rows_off", pl.Int64, "", "readings with the coil off"),
    ResultParameter("current_on_A", pl.Float64, "A", "mean current with the coil on", error="current_on_error_A"),
    ResultParameter("current_on_error_A", pl.Float64, "A", "its standard error", shown=False),
    ResultParameter("current_off_A", pl.Float64, "A", "mean current with the coil off", error="current_off_error_A"),
    ResultParameter("current_off_error_A", pl.Float64, "A", "its standard error", shown=False),
    ResultParameter(
        "difference_A", pl.Float64, "A", "on minus off, of neighbouring blocks", error="difference_error_A"
    ),
    ResultParameter("difference_error_A", pl.Float64, "A", "its standard error", shown=False),
    ResultParameter("switches", pl.Int64, "", "switches of the coil between readings"),
    ResultParameter("valid", pl.Boolean, "", "whether the difference may be used"),
    ResultParameter("reason", pl.String, "", "why not", shown=False),
)


@dataclass(frozen=True)
class PMTSettings(Settings):
    """Options of `PMTAnalysis`: there are none.

    Examples
    --------
    >>> PMTSettings()
    PMTSettings()
    """


def mean_currents(
    table: pl.DataFrame, settings: PMTSettings, *, source: str = "", earlier: Findings | None = None
) -> Findings:
    """Means of the current with the coil on and off; see `Analysis.analyse`."""
    del settings, earlier
    check_columns(table, ("timestamp", CURRENT, COIL), "PMTAnalysis")
    readings = table.select("timestamp", CURRENT, COIL).drop_nulls()
    rows = table_of(PARAMETERS, [] if readings.is_empty() else [_row(readings, source)])
    rows = rows.with_columns(pl.selectors.float().fill_nan(None))
    drawing = Drawing(
        figure_name("pmt", source, "current"),
        pmt_figure,
        (
            readings["timestamp"].to_numpy(),
            readings[CURRENT].to_numpy(),
            (readings[COIL] == 1).to_numpy(),
            rows.row(0, named=True) if rows.height else None,
            title_of(source),
        ),
    )
    # A file of the same name from another run keeps its row: it begins at another time.
    replaces = (pl.col("source") == source) & pl.col("timestamp_ns").is_in(rows["timestamp_ns"].to_list())
    return Findings(rows, drawings=(drawing,), replaces=replaces)


class PMTAnalysis(Analysis):
    """Current with coil on and off, of one PMT file; one result row a file.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> results = PMTAnalysis("beam/" + truth["files"]["pmt"]).run()
    >>> abs(results["current_on_A"][0] - truth["pmt"]["mean_on_A"]) < 5 * results["current_on_error_A"][0]
    True
    """

    recorder_class = PMTRecorder
    settings_class = PMTSettings
    short_name = "pmt"
    compiles = ("tables",)
    parameters = PARAMETERS
    analyse = staticmethod(mean_currents)

    def newest(self) -> str:
        """The difference of the currents with the coil on and off, or the one of them that is there."""
        row = self.results.row(-1, named=True) if self.results.height else {}
        if row and row.get("valid") is False and row.get("difference_A") is not None:
            return f"no on - off: {row['reason']}"
        for name, what in (("difference", "on - off"), ("current_on", "coil on"), ("current_off", "coil off")):
            if row.get(f"{name}_A") is not None and row[f"{name}_error_A"] is not None:
                return f"{what} {with_error(row[f'{name}_A'] * 1e15, row[f'{name}_error_A'] * 1e15, 'fA')}"
        return ""


def _row(readings: pl.DataFrame, source: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source": source,
        "timestamp_ns": readings["timestamp"][0],
        "end_ns": readings["timestamp"][-1],
    }
    on, off = (mean_with_error(readings.filter(pl.col(COIL) == state)[CURRENT].to_numpy()) for state in (1, 0))
    for name, mean in (("on", on), ("off", off)):
        row |= {f"rows_{name}": mean.count}
        row |= {f"current_{name}_A": mean.value, f"current_{name}_error_A": mean.error}
    current_A, is_on = readings[CURRENT].to_numpy(), (readings[COIL] == 1).to_numpy()
    found = switched_difference(readings["timestamp"].to_numpy(), current_A, is_on)
    row |= {"difference_A": found.value, "difference_error_A": found.error, "switches": found.switches}
    return row | {"valid": found.valid, "reason": "; ".join(found.reasons) or None}
