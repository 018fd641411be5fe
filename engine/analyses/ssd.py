"""The SSD's pulses: bursts of them, each with its half-life, over a background that drifts.

Bursts are searched among the new pulses by `BurstSearch` at a chosen rate of false alarms, and fitted by `fit_burst`. A
burst that was fitted is fitted again only when pulses came into its window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import polars as pl
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS
from ..figures.drawing import Drawing
from ..figures.events import EventFigures, moment_in_name
from ..figures.names import figure_name, title_of
from ..figures.ssd import burst_figure, overview_figure
from ..fits.bursts.dead_time import LONGEST_S, dead_time_of
from ..fits.bursts.fitted import Fits, best_numbers, fit_bursts, fitted_rows, nearest_fit, with_fits
from ..fits.bursts.search import MOST_FALSE_ALARMS_PER_HOUR, BurstSearch
from ..fits.bursts.sensitivity import what_was_searched
from ..fits.bursts.values import burst_rate_Hz
from ..fits.result import Fit
from ..fits.rounding import with_error
from ..options.settings import Settings
from ..recorders.results import BURSTS
from ..recorders.ssd import SSDRecorder
from .base import Analysis
from .findings import Findings, check_columns
from .parameters import ResultParameter, table_of

__all__ = ["SSDAnalysis", "SSDSettings", "newest_burst"]

LOSS_THAT_MATTERS = 0.01
"""Part of a burst's pulses that dead time hid, from which a remark says so."""
PARAMETERS = (
    ResultParameter("source", pl.String, "", "file", shown=False),
    ResultParameter("timestamp_ns", pl.Int64, "ns", "t0, or the apex, since 1970", error="timestamp_error_ns"),
    ResultParameter("timestamp_error_ns", pl.Float64, "ns", "standard error of t0; none of an apex", shown=False),
    ResultParameter("apex_ns", pl.Int64, "ns", "where the search placed it, since 1970", shown=False),
    ResultParameter("pulses_peak", pl.Float64, "", "pulses above background", error="pulses_peak_error"),
    ResultParameter("pulses_peak_error", pl.Float64, "", "its standard error", shown=False),
    ResultParameter(
        "pulses_counted", pl.Float64, "", "counted above background", shown=False, error="pulses_counted_error"
    ),
    ResultParameter("pulses_counted_error", pl.Float64, "", "its standard error", shown=False),
    ResultParameter("pulses_background", pl.Float64, "", "pulses of background from onset to end"),
    ResultParameter("overlapping", pl.Int64, "", "bursts that were fitted together, this one among them", shown=False),
    ResultParameter("dead_time_loss", pl.Float64, "", "part of the burst's pulses that dead time hid", shown=False),
    ResultParameter("half_life_time", pl.Float64, "ns", "half-life of the decay", error="half_life_time_error"),
    ResultParameter("half_life_time_error", pl.Float64, "ns", "its standard error", shown=False),
    ResultParameter("background", pl.Float64, "1/ns", "rate of the background", shown=False, error="background_error"),
    ResultParameter("background_error", pl.Float64, "1/ns", "its standard error", shown=False),
    ResultParameter("onset_ns", pl.Int64, "ns", "beginning, since 1970", shown=False),
    ResultParameter("end_ns", pl.Int64, "ns", "end, since 1970", shown=False),
    ResultParameter("open", pl.Boolean, "", "whether the data end before the burst does", shown=False),
    ResultParameter("significance", pl.Float64, "sigma", "of the best matched filter"),
    ResultParameter(
        "false_alarms_per_hour", pl.Float64, "1/h", "rate of places as significant in background alone", shown=False
    ),
    ResultParameter("n_rise", pl.Float64, "", "pulses of the rise", shown=False, error="n_rise_error"),
    ResultParameter("n_rise_error", pl.Float64, "", "its standard error", shown=False),
    ResultParameter("tau_rise_s", pl.Float64, "s", "time constant of the rise", shown=False, error="tau_rise_error_s"),
    ResultParameter("tau_rise_error_s", pl.Float64, "s", "its standard error", shown=False),
    ResultParameter("n_decay", pl.Float64, "", "pulses of the decay", shown=False, error="n_decay_error"),
    ResultParameter("n_decay_error", pl.Float64, "", "its standard error", shown=False),
    ResultParameter("deviance", pl.Float64, "", "of the fit", shown=False),
    ResultParameter("ndof", pl.Int64, "", "its degrees of freedom", shown=False),
    ResultParameter("p_value", pl.Float64, "", "probability of a larger deviance"),
    ResultParameter("kind", pl.String, "", "burst, or what the pulses are instead"),
    ResultParameter("valid", pl.Boolean, "", "whether the fit may be used"),
    ResultParameter("reason", pl.String, "", "why not"),
)

TAKEN = (
    *("timestamp_ns", "timestamp_error_ns", "apex_ns", "pulses_peak", "pulses_peak_error", "pulses_counted"),
    *("pulses_counted_error", "pulses_background", "overlapping", "onset_ns", "end_ns", "open", "significance"),
    *("false_alarms_per_hour", "kind"),
)
"""Columns of the results that are those of the table of fitted bursts."""


@dataclass(frozen=True)
class SSDSettings(Settings):
    """Options of `SSDAnalysis`.

    Parameters
    ----------
    false_alarms_per_hour : float
        Expected number of false bursts in an hour of background alone.
    dead_time_s : float, optional
        Time after each pulse in which none is seen (non-extending); by default the header's ``PulseWidth``. Fits are
        corrected for it, counted pulses are not.

    Examples
    --------
    >>> SSDSettings(false_alarms_per_hour=0)
    Traceback (most recent call last):
    utokyo.io.errors.InputError: false_alarms_per_hour should be above 0 and at most 1000, not 0
    """

    words = {  # noqa: RUF012 (a class variable of the base)
        "false_alarms_per_hour": f"above 0 and at most {MOST_FALSE_ALARMS_PER_HOUR:g}",
        "dead_time_s": f"at least 0 and less than {LONGEST_S:g} s",
    }

    false_alarms_per_hour: Annotated[float, Gt(0), Le(MOST_FALSE_ALARMS_PER_HOUR)] = 0.01
    dead_time_s: Annotated[float, Ge(0), Lt(LONGEST_S)] | None = None


class _Searched:
    """A search, and how many pulses were fed to it."""

    def __init__(self, settings: SSDSettings) -> None:
        self.search = BurstSearch(false_alarms_per_hour=settings.false_alarms_per_hour)
        self.pulses = 0

    def feed(self, times_ns: NDArray[np.int64]) -> None:
        self.search.feed(times_ns)
        self.pulses += times_ns.size


@dataclass(frozen=True, eq=False)
class _Progress:
    """How far pulses were searched, and the fits of their bursts."""

    searched: _Searched
    settings: SSDSettings
    first_ns: int
    last_ns: int
    pulses: int
    fits: Fits
    shown: Mapping[str, tuple[Any, ...]]
    """Of each figure of a burst, what it shows."""

    def is_continued_by(self, times_ns: NDArray[np.int64]) -> bool:
        """Whether these are the pulses that were searched, and more; a search can be continued once."""
        known = self.pulses
        if times_ns.size < known or self.searched.pulses != known:
            return False
        return not known or (times_ns[0] == self.first_ns and times_ns[known - 1] == self.last_ns)


def find_bursts_of(
    table: pl.DataFrame, settings: SSDSettings, *, source: str = "", earlier: Findings | None = None
) -> Findings:
    """Search pulses for bursts, and fit those that changed; see `Analysis.analyse`."""
    check_columns(table, ("timestamp", "PulseHeight"), "SSDAnalysis")
    times_ns, heights = table["timestamp"].to_numpy(), table["PulseHeight"].to_numpy()
    dead_time_s = dead_time_of(table) if settings.dead_time_s is None else settings.dead_time_s
    known = _known(earlier, settings, times_ns)
    searched = _Searched(settings) if known is None else known.searched
    searched.feed(times_ns[searched.pulses :])
    bursts = searched.search.bursts
    fits = fit_bursts(times_ns, bursts, None if known is None else known.fits, dead_time_s=dead_time_s)
    rows, events = [], {}
    for burst, each in zip(bursts.iter_rows(named=True), fits.values(), strict=True):
        loss = _dead_time_loss(times_ns, burst, each[0], dead_time_s)
        for row, fit in zip(fitted_rows(burst, each), each, strict=True):
            rows.append(_row(row, fit, source) | {"dead_time_loss": loss})
            events[int(row["timestamp_ns"])] = fit
    results = table_of(PARAMETERS, rows).with_columns(pl.selectors.float().fill_nan(None))
    title, fitted = title_of(source), with_fits(bursts, fits)
    results = results.sort("timestamp_ns", maintain_order=True)
    overview = Drawing(
        figure_name("ssd", source, "overview"), overview_figure, (times_ns, heights, fitted), {"title": title}
    )
    drawings, shown = _burst_drawings(times_ns, bursts, fits, source, dead_time_s)
    before = {} if known is None else known.shown
    first_ns, last_ns = (int(times_ns[0]), int(times_ns[-1])) if times_ns.size else (0, 0)
    series = EventFigures(figure_name("ssd", source, "burst_"), first_ns, last_ns, frozenset(shown))
    return Findings(
        results,
        fits=events,
        drawings=(overview, *(d for d in drawings if before.get(d.name) != shown[d.name])),
        events=() if known is not None and shown.keys() == before.keys() else (series,),
        remarks=tuple(_remarks(results, settings, title, times_ns)),
        # The bursts of the same file and time: those of an earlier file of the same name stay.
        replaces=(pl.col("source") == source) & pl.col("timestamp_ns").is_between(first_ns, last_ns + 1)
        if times_ns.size
        else pl.lit(value=False),
        progress=_Progress(searched, settings, first_ns, last_ns, times_ns.size, fits, shown),
    )


class SSDAnalysis(Analysis):
    """Bursts of SSD pulses, of one file; one result row a burst.

    Parameters
    ----------
    filepath : path, optional
        An SSD file; or give a `recorder`.
    **options
        As for `Analysis`, and the fields of `SSDSettings`: `false_alarms_per_hour`, `dead_time_s`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> results = SSDAnalysis("beam/" + truth["files"]["ssd"]).run()
    >>> results["half_life_time"].len() == len(truth["bursts"])
    True
    """

    recorder_class = SSDRecorder
    settings_class = SSDSettings
    short_name = "ssd"
    parameters = PARAMETERS
    join_as = BURSTS
    compiles = ("tables", "pulses")
    analyse = staticmethod(find_bursts_of)

    def newest(self) -> str:
        """The last burst: its half-life with the error, or its pulses where that cannot be used."""
        return newest_burst(self.results)


def newest_burst(rows: pl.DataFrame) -> str:
    """The last burst of some rows, in a few words."""
    if rows.is_empty():
        return "no burst yet"
    row = rows.sort("timestamp_ns").row(-1, named=True)
    moment = str(pl.Series([row["timestamp_ns"]]).cast(pl.Datetime("ns")).dt.strftime("%H:%M:%S")[0])
    if row["valid"] and row["half_life_time_error"] is not None:
        of_s = row["half_life_time"] / SECOND_NS, row["half_life_time_error"] / SECOND_NS
        return f"half-life {with_error(*of_s, 's')} at {moment}"
    return f"{with_error(row['pulses_peak'], row['pulses_peak_error'])} pulses at {moment}, no half-life"


def _known(earlier: Findings | None, settings: SSDSettings, times_ns: NDArray[np.int64]) -> _Progress | None:
    progress = None if earlier is None else earlier.progress
    if not isinstance(progress, _Progress) or progress.settings != settings:
        return None
    return progress if progress.is_continued_by(times_ns) else None


def _burst_drawings(
    times_ns: NDArray[np.int64], bursts: pl.DataFrame, fits: Fits, source: str, dead_time_s: float
) -> tuple[list[Drawing], dict[str, tuple[Any, ...]]]:
    """A figure of each burst, named by its time, and by its number where others are in the same second."""
    drawings: list[Drawing] = []
    shown: dict[str, tuple[Any, ...]] = {}
    for burst, (key, each) in zip(bursts.iter_rows(named=True), fits.items(), strict=True):
        fit = nearest_fit(burst, each)
        numbers = best_numbers(burst, fit)
        name = figure_name("ssd", source, f"burst_{moment_in_name(numbers['timestamp_ns'])}")
        same = sum(d.name == name or d.name.startswith(f"{name}_") for d in drawings)
        name = f"{name}_{same + 1}" if same else name
        options = {"title": title_of(source), "dead_time_s": dead_time_s}
        drawings.append(Drawing(name, burst_figure, (key.pulses(times_ns), burst, fit), options))
        shown[name] = (key, *numbers.values(), f"{burst['significance']:.1f}")
    return drawings, shown


def _row(burst: dict[str, Any], fit: Fit, source: str) -> dict[str, Any]:
    values, errors = fit.values, fit.errors
    row = {"source": source} | {name: burst[name] for name in TAKEN}
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


def _dead_time_loss(times_ns: NDArray[np.int64], burst: dict[str, Any], fit: Fit, dead_time_s: float) -> float:
    """Part of the pulses between onset and end that dead time hid."""
    if dead_time_s == 0.0:
        return 0.0
    first, last = np.searchsorted(times_ns, [burst["onset_ns"], burst["end_ns"]])
    unseen = dead_time_s * float(np.sum(burst_rate_Hz(fit.values, times_ns[first:last])))
    return unseen / max(unseen + float(last - first), 1.0)


def _remarks(results: pl.DataFrame, settings: SSDSettings, title: str, times_ns: NDArray[np.int64]) -> Iterator[str]:
    """What the search can say when it found nothing, and where dead time matters."""
    if results.is_empty():
        yield f"{title}: no burst {what_was_searched(times_ns, settings.false_alarms_per_hour)}."
        return
    lossy = results.filter(pl.col("dead_time_loss") > LOSS_THAT_MATTERS)
    if not lossy.is_empty():
        most = f"{lossy['dead_time_loss'].to_numpy().max():.1%}"
        yield (
            f"{title}: in {lossy.height} of {results.height} bursts dead time hid more than "
            f"{LOSS_THAT_MATTERS:.0%} of the pulses (up to {most}); fits are corrected, counted pulses are not."
        )
