"""The SSD's pulses: bursts of them, each with its half-life, over a background that drifts.

Bursts are searched among the new pulses by `BurstSearch` at a chosen rate of false alarms, and fitted by `fit_burst`. A
burst that was fitted is fitted again only when pulses came into its window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS
from ..figures.ssd import burst_figure, overview_figure
from ..fits.bursts.dead_time import LONGEST_S
from ..fits.bursts.fit import fit_overlapping
from ..fits.bursts.search import BurstSearch
from ..fits.bursts.values import burst_rate_Hz
from ..fits.result import Fit
from ..recorders.ssd import SSDRecorder
from .base import Analysis, ResultParameter

__all__ = ["SSDAnalysis"]

LOSS_THAT_MATTERS = 0.01


class SSDAnalysis(Analysis):
    """Bursts of SSD pulses, of one file; one result row a burst.

    Parameters
    ----------
    filepath : path, optional
        An SSD file; or give a `recorder`.
    false_alarms_per_hour : float
        Expected number of false bursts in an hour of background alone.
    dead_time_s : float, optional
        Time behind each pulse in which none is seen (non-extending); by default the header's ``PulseWidth``. Fits are
        corrected for it, counted pulses are not.
    **options
        As for `Analysis`.
    """

    recorder_class = SSDRecorder
    short_name = "ssd"
    parameters = (
        ResultParameter("source", pl.String, "", "file", shown=False),
        ResultParameter("timestamp_ns", pl.Int64, "ns", "apex, since 1970"),
        ResultParameter("pulses_peak", pl.Float64, "", "pulses above background"),
        ResultParameter("pulses_peak_error", pl.Float64, "", "its standard error", shown=False),
        ResultParameter("pulses_background", pl.Float64, "", "pulses of background from onset to end"),
        ResultParameter(
            "overlapping", pl.Int64, "", "bursts that were fitted together, this one among them", shown=False
        ),
        ResultParameter("dead_time_loss", pl.Float64, "", "part of the burst's pulses that dead time hid", shown=False),
        ResultParameter("half_life_time", pl.Float64, "ns", "half-life of the decay"),
        ResultParameter("half_life_time_error", pl.Float64, "ns", "its standard error", shown=False),
        ResultParameter("background", pl.Float64, "1/ns", "rate of the background", shown=False),
        ResultParameter("background_error", pl.Float64, "1/ns", "its standard error", shown=False),
        ResultParameter("onset_ns", pl.Int64, "ns", "beginning, since 1970", shown=False),
        ResultParameter("end_ns", pl.Int64, "ns", "end, since 1970", shown=False),
        ResultParameter("open", pl.Boolean, "", "whether the data end before the burst does", shown=False),
        ResultParameter("significance", pl.Float64, "sigma", "of the best matched filter"),
        ResultParameter(
            "false_alarms_per_hour", pl.Float64, "1/h", "rate of places as significant in background alone", shown=False
        ),
        ResultParameter("n_rise", pl.Float64, "", "pulses of the rise", shown=False),
        ResultParameter("n_rise_error", pl.Float64, "", "its standard error", shown=False),
        ResultParameter("tau_rise_s", pl.Float64, "s", "time constant of the rise", shown=False),
        ResultParameter("tau_rise_error_s", pl.Float64, "s", "its standard error", shown=False),
        ResultParameter("n_decay", pl.Float64, "", "pulses of the decay", shown=False),
        ResultParameter("n_decay_error", pl.Float64, "", "its standard error", shown=False),
        ResultParameter("deviance", pl.Float64, "", "of the fit", shown=False),
        ResultParameter("ndof", pl.Int64, "", "its degrees of freedom", shown=False),
        ResultParameter("p_value", pl.Float64, "", "probability of a larger deviance"),
        ResultParameter("valid", pl.Boolean, "", "whether the fit may be used"),
        ResultParameter("reason", pl.String, "", "why not"),
    )

    def __init__(
        self,
        filepath: str | Path | None = None,
        *,
        false_alarms_per_hour: float = 0.01,
        dead_time_s: float | None = None,
        **options: Any,
    ) -> None:
        self.false_alarms_per_hour = false_alarms_per_hour
        self.dead_time_s = dead_time_s
        self._fits: dict[tuple[int, ...], list[Fit]] = {}
        self._drawn_bursts: set[tuple[int, ...]] = set()
        self._bursts = pl.DataFrame()
        self._search = BurstSearch(false_alarms_per_hour=false_alarms_per_hour)
        self._searched: tuple[int, int, int] | None = None  # generation, pulses, and when the last of them was
        super().__init__(filepath, **options)

    def analyse(self) -> pl.DataFrame:
        """Search the new pulses, and fit the bursts that changed."""
        times_ns, _ = self._pulses()
        self._bursts = self._searched_bursts(times_ns)
        dead_time_s = self._dead_time_s()
        known, self._fits = self._fits, {}
        rows = []
        for burst in self._bursts.iter_rows(named=True):
            key = self._key(times_ns, burst)
            fits = known.get(key) or fit_overlapping(_around(times_ns, key), burst, dead_time_s=dead_time_s)
            self._fits[key] = fits
            loss = _dead_time_loss(times_ns, burst, fits[0], dead_time_s)
            rows += [
                self._row(each, fit) | {"overlapping": len(fits), "dead_time_loss": loss}
                for each, fit in zip(_each_of(burst, fits), fits, strict=True)
            ]
        return self.table(rows).with_columns(pl.selectors.float().fill_nan(None))

    def draw(self) -> Iterator[tuple[str, Figure]]:
        """The overview, and a figure of every burst that is new or changed."""
        times_ns, heights = self._pulses()
        yield f"{self.file_stem}_overview", overview_figure(times_ns, heights, self._bursts, title=self.source_name)
        for burst in self._bursts.iter_rows(named=True):
            key = self._key(times_ns, burst)
            if key not in self._drawn_bursts:
                fit, dead_time_s = _nearest(burst, self._fits[key]), self._dead_time_s()
                figure = burst_figure(times_ns, burst, fit, title=self.source_name, dead_time_s=dead_time_s)
                yield self._burst_name(burst), figure
                self._drawn_bursts.add(key)

    def remarks(self) -> list[str]:
        """What the search can say when it found nothing, and where dead time matters."""
        if not self.results.is_empty():
            lossy = self.results.filter(pl.col("dead_time_loss") > LOSS_THAT_MATTERS)
            if lossy.is_empty():
                return []
            most = f"{lossy['dead_time_loss'].to_numpy().max():.1%}"
            return [
                f"{self.source_name}: in {lossy.height} of {self.results.height} bursts dead time hid more than "
                f"{LOSS_THAT_MATTERS:.0%} of the pulses (up to {most}); fits are corrected, counted pulses are not."
            ]
        return [
            f"{self.source_name}: no burst (at most {self.false_alarms_per_hour:g} false ones an hour are allowed)."
        ]

    def replaced_by(self, results: pl.DataFrame) -> pl.Expr:
        """The bursts of the same file and time: those of an earlier file of the same name stay."""
        del results
        times_ns, _ = self._pulses()
        if times_ns.size == 0:
            return pl.lit(value=False)
        stamps = pl.col("timestamp_ns")
        return (pl.col("source") == self.source) & stamps.is_between(int(times_ns[0]), int(times_ns[-1]))

    def _dead_time_s(self) -> float:
        """As given, or as the header says; 0 where nothing does."""
        if self.dead_time_s is not None:
            return self.dead_time_s
        metadata = pl.DataFrame(self.recorder.get_metadata())
        told = next((metadata[name][0] for name in metadata.columns if name.lstrip("/") == "PulseWidth"), None)
        return float(told) if isinstance(told, int | float) and 0.0 <= told < LONGEST_S else 0.0

    def _searched_bursts(self, times_ns: NDArray[np.int64]) -> pl.DataFrame:
        """The bursts, after the pulses that are new; all pulses are, when the file is another one or times changed."""
        generation, known, last_ns = self._searched or (0, 0, 0)
        if (
            self.recorder.generation != generation
            or times_ns.size < known
            or (known and times_ns[known - 1] != last_ns)
        ):
            self._search, known = BurstSearch(false_alarms_per_hour=self.false_alarms_per_hour), 0
        self._search.feed(times_ns[known:])
        if times_ns.size:
            self._searched = self.recorder.generation, times_ns.size, int(times_ns[-1])
        return self._search.bursts

    def _pulses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        table = self._rows_of("timestamp", "PulseHeight")
        return table["timestamp"].to_numpy(), table["PulseHeight"].to_numpy()

    def _key(self, times_ns: NDArray[np.int64], burst: dict[str, Any]) -> tuple[int, ...]:
        """What the fit of a burst depends on: its place, its window, and how many pulses are in it."""
        edges = [burst[name] for name in ("timestamp_ns", "onset_ns", "end_ns", "window_begin_ns", "window_end_ns")]
        first, last = np.searchsorted(times_ns, edges[-2:])
        return (*edges, int(first), int(last))

    def _burst_name(self, burst: dict[str, Any]) -> str:
        moment = pl.Series([burst["timestamp_ns"]]).cast(pl.Datetime("ns")).dt.strftime("%Y%m%d-%H%M%S")[0]
        return f"{self.file_stem}_burst_{moment}"

    def _row(self, burst: dict[str, Any], fit: Fit) -> dict[str, Any]:
        values, errors = fit.values, fit.errors
        taken = ("timestamp_ns", "onset_ns", "end_ns", "open", "significance", "false_alarms_per_hour")
        row = {"source": self.source} | {name: burst[name] for name in taken}
        row |= {name: burst[name] for name in ("pulses_peak", "pulses_peak_error", "pulses_background")}
        row |= {
            "background": burst["background_Hz"] / SECOND_NS,
            "background_error": burst["background_error_Hz"] / SECOND_NS,
        }
        half_life_s, error_s = values.get("half_life_s", math.nan), errors.get("half_life_s", math.nan)
        row |= {"half_life_time": half_life_s * SECOND_NS, "half_life_time_error": error_s * SECOND_NS}
        for name in ("n_rise", "n_decay"):
            row |= {name: values.get(name), f"{name}_error": errors.get(name)}
        row |= {"tau_rise_s": values.get("tau_rise_s"), "tau_rise_error_s": errors.get("tau_rise_s")}
        row |= {"deviance": fit.deviance, "ndof": fit.ndof, "p_value": fit.p_value}
        return row | {"valid": fit.valid, "reason": fit.reason or None}


def _around(times_ns: NDArray[np.int64], key: tuple[int, ...]) -> NDArray[np.int64]:
    """The pulses of a window with one before and one behind, which tell that the data go on."""
    first, last = key[-2:]
    return times_ns[max(0, first - 1) : last + 1]


def _nearest(burst: dict[str, Any], fits: list[Fit]) -> Fit:
    """Of bursts fitted together, the one that the search found."""
    return min(fits, key=lambda fit: abs(fit.values["t0_ns"] - burst["timestamp_ns"]))


def _each_of(burst: dict[str, Any], fits: list[Fit]) -> Iterator[dict[str, Any]]:
    """What the search says of a burst, for each of those that it took for one."""
    if len(fits) == 1:
        yield burst
        return
    begins = [int(fit.values["t0_ns"] - 3.0 * fit.values["tau_rise_s"] * SECOND_NS) for fit in fits]
    edges = [burst["onset_ns"], *(max(b, burst["onset_ns"]) for b in begins[1:]), burst["end_ns"]]
    for i, fit in enumerate(fits):
        length_s = (edges[i + 1] - edges[i]) / SECOND_NS
        yield burst | {
            "timestamp_ns": burst["timestamp_ns"] if fit is _nearest(burst, fits) else fit.values["t0_ns"],
            "onset_ns": edges[i],
            "end_ns": edges[i + 1],
            "pulses_peak": fit.values["n_total"],
            "pulses_peak_error": fit.errors["n_total"],
            "pulses_background": burst["background_Hz"] * length_s,
        }


def _dead_time_loss(times_ns: NDArray[np.int64], burst: dict[str, Any], fit: Fit, dead_time_s: float) -> float:
    """Part of the pulses between onset and end that dead time hid."""
    if dead_time_s == 0.0:
        return 0.0
    first, last = np.searchsorted(times_ns, [burst["onset_ns"], burst["end_ns"]])
    unseen = dead_time_s * float(np.sum(burst_rate_Hz(fit.values, times_ns[first:last])))
    return unseen / max(unseen + float(last - first), 1.0)
