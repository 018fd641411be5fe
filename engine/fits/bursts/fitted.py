"""Bursts with the numbers of their fits: what tables, figures, joins and windows say of one.

The search places a burst at its apex, the fit at t0, which is nearer to the truth and has an error: where the fit is
valid, time, pulses and background are its own. What the search counted stays beside them. `best_numbers` decides this,
once for all who write a burst down or draw it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ....kernels.units import SECOND_NS
from ..result import Fit
from .fit import fit_overlapping
from .kind import kind_of
from .search import SCHEMA, find_bursts, sorted_times_ns

__all__ = ["BurstKey", "Fits", "best_numbers", "fit_bursts", "fitted_bursts", "fitted_rows", "nearest_fit", "with_fits"]

Integers = NDArray[np.int64]

ADDED = {
    "timestamp_error_ns": pl.Float64,
    "apex_ns": pl.Int64,
    "pulses_counted": pl.Float64,
    "pulses_counted_error": pl.Float64,
    "overlapping": pl.Int64,
    "valid": pl.Boolean,
    "kind": pl.String,
}
"""Columns that a table of fitted bursts has beyond those of `find_bursts`."""


class BurstKey(NamedTuple):
    """What the fit of a burst depends on: its place, its window, and which pulses are in it."""

    timestamp_ns: int
    onset_ns: int
    end_ns: int
    window_begin_ns: int
    window_end_ns: int
    first: int
    last: int

    @classmethod
    def of(cls, times_ns: Integers, burst: Mapping[str, Any]) -> BurstKey:
        """That of a row of the table of `find_bursts`."""
        first, last = np.searchsorted(times_ns, [burst["window_begin_ns"], burst["window_end_ns"]])
        return cls(**{name: burst[name] for name in cls._fields[:-2]}, first=int(first), last=int(last))

    def pulses(self, times_ns: Integers) -> Integers:
        """Those of the window with one before and one after, which show that the data go on."""
        return times_ns[max(0, self.first - 1) : self.last + 1]


Fits = Mapping[BurstKey, Sequence[Fit]]
"""The fits of each burst that the search found, in its order: more than one where bursts overlap."""


def fit_bursts(times_ns: Integers, bursts: pl.DataFrame, known: Fits | None = None, *, dead_time_s: float) -> Fits:
    """Fit all bursts that the search found.

    Parameters
    ----------
    times_ns : int64, shape (n,)
        All pulses that were searched.
    bursts : polars.DataFrame
        As `find_bursts` gives them.
    known : mapping, optional
        Fits of an earlier call: a burst is fitted again only when pulses came into its window.
    dead_time_s : float
        As for `fit_burst`.
    """
    known = {} if known is None else known
    rows = {BurstKey.of(times_ns, burst): burst for burst in bursts.iter_rows(named=True)}
    missing = [key for key in rows if key not in known]

    def fit(key: BurstKey) -> list[Fit]:
        return fit_overlapping(key.pulses(times_ns), rows[key], dead_time_s=dead_time_s)

    # Nearly all of a fit is kernels, which let other threads run.
    threads = min(len(missing), os.cpu_count() or 1)
    if threads > 1:
        with ThreadPoolExecutor(threads, thread_name_prefix="bursts") as pool:
            new = dict(zip(missing, pool.map(fit, missing), strict=True))
    else:
        new = {key: fit(key) for key in missing}
    return {key: new[key] if key in new else known[key] for key in rows}


def fitted_bursts(
    timestamps_ns: ArrayLike | pl.Series, *, false_alarms_per_hour: float = 0.01, dead_time_s: float = 0.0
) -> pl.DataFrame:
    """Find the bursts in a list of pulse times, and fit each.

    Parameters
    ----------
    timestamps_ns, false_alarms_per_hour
        As for `find_bursts`.
    dead_time_s : float
        As for `fit_burst`.

    Returns
    -------
    polars.DataFrame, one row a burst, in order of time
        As `with_fits` makes it.

    Raises
    ------
    InputError
        As `find_bursts`.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(1)
    >>> rise, decay = 60.0 - random.exponential(0.2, 160), 60.0 + random.exponential(1.0, 800)
    >>> seconds = np.concatenate([random.uniform(0.0, 120.0, 2400), rise, decay])
    >>> burst = fitted_bursts(np.sort(seconds * 1e9).astype(np.int64)).row(0, named=True)
    >>> abs(burst["timestamp_ns"] / 1e9 - 60.0) < 3.0 * burst["timestamp_error_ns"] / 1e9
    True
    """
    times_ns = sorted_times_ns(timestamps_ns)
    bursts = find_bursts(times_ns, false_alarms_per_hour=false_alarms_per_hour)
    return with_fits(bursts, fit_bursts(times_ns, bursts, dead_time_s=dead_time_s))


def with_fits(bursts: pl.DataFrame, fits: Fits) -> pl.DataFrame:
    """The table of bursts with the numbers of their fits.

    Parameters
    ----------
    bursts : polars.DataFrame
        As `find_bursts` gives them.
    fits : mapping
        As `fit_bursts` gives them.

    Returns
    -------
    polars.DataFrame, one row a burst, in order of time
        The columns of `find_bursts`, of the best numbers that there are (`best_numbers`), and ``timestamp_error_ns``,
        null where `timestamp_ns` is the apex; ``apex_ns``; ``pulses_counted`` and its error; ``overlapping``: bursts
        that were fitted together; ``valid``; ``kind``: "burst", or what the pulses are instead (`kind`).
    """
    rows = [row for found, each in _pairs(bursts, fits) for row in fitted_rows(found, each)]
    schema = {**SCHEMA, **ADDED}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("timestamp_ns", maintain_order=True)


def fitted_rows(burst: Mapping[str, Any], fits: Sequence[Fit]) -> list[dict[str, Any]]:
    """What is said of each of the bursts that the search took for one: a row for each of its fits."""
    onset_ns, end_ns = burst["onset_ns"], burst["end_ns"]
    begins = [int(fit.values["t0_ns"] - 3.0 * fit.values["tau_rise_s"] * SECOND_NS) for fit in fits[1:]]
    edges = [onset_ns, *(max(begin, onset_ns) for begin in begins), end_ns]
    rows = []
    for fit, begin, end in zip(fits, edges, edges[1:], strict=False):
        numbers = best_numbers(burst, fit)
        if len(fits) > 1 and not fit.valid and fit is not nearest_fit(burst, fits):
            numbers["timestamp_ns"] = int(fit.values["t0_ns"])  # the search saw no apex of its own
        row = {**burst, **numbers, "apex_ns": burst["timestamp_ns"], "onset_ns": begin, "end_ns": end}
        row["pulses_background"] = row["background_Hz"] * (end - begin) / SECOND_NS
        # Pulses that were counted together are not told apart.
        counted = len(fits) == 1
        row["pulses_counted"] = burst["pulses_peak"] if counted else None
        row["pulses_counted_error"] = burst["pulses_peak_error"] if counted else None
        rows.append(row | {"overlapping": len(fits), "valid": fit.valid, "kind": kind_of(fit.flags)})
    return rows


def best_numbers(burst: Mapping[str, Any], fit: Fit) -> dict[str, Any]:
    """The numbers of a burst that tables and figures say: those of the fit where it is valid, else of the search.

    Parameters
    ----------
    burst : mapping
        A row of the table of `find_bursts`.
    fit : Fit
        Of this burst; of bursts that overlap, the pulses are always those of the fit.

    Returns
    -------
    dict
        ``timestamp_ns``, ``timestamp_error_ns`` (None for an apex), ``pulses_peak``, ``pulses_peak_error``,
        ``background_Hz``, ``background_error_Hz``; nan for what a bare row does not say.
    """
    values, errors = fit.values, fit.errors
    names = ("pulses_peak", "pulses_peak_error", "background_Hz", "background_error_Hz")
    numbers: dict[str, Any] = {name: burst.get(name, math.nan) for name in names}
    apex_ns = burst.get("apex_ns", burst["timestamp_ns"])
    numbers |= {"timestamp_ns": int(apex_ns), "timestamp_error_ns": None}
    if fit.valid or "t0_2_ns" in values:
        numbers |= {"pulses_peak": values["n_total"], "pulses_peak_error": errors["n_total"]}
    if fit.valid:
        error_ns = errors["t0_ns"]
        numbers |= {"timestamp_ns": int(values["t0_ns"])}
        numbers |= {"timestamp_error_ns": error_ns if math.isfinite(error_ns) else None}
        numbers |= {"background_Hz": values["background_Hz"], "background_error_Hz": errors["background_Hz"]}
    return numbers


def nearest_fit(burst: Mapping[str, Any], fits: Sequence[Fit]) -> Fit:
    """Of bursts that were fitted together, the one that the search found."""
    return min(fits, key=lambda fit: abs(fit.values["t0_ns"] - burst["timestamp_ns"]))


def _pairs(bursts: pl.DataFrame, fits: Fits) -> Iterator[tuple[dict[str, Any], Sequence[Fit]]]:
    return zip(bursts.iter_rows(named=True), fits.values(), strict=True)
