"""One burst, drawn into two axes: pulses per bin with the fitted curve, and the residuals."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from ...kernels.units import SECOND_NS
from ..fits.bursts.dead_time import measured_rate_Hz
from ..fits.bursts.fitted import best_numbers
from ..fits.bursts.search import sorted_times_ns
from ..fits.bursts.values import burst_rate_Hz, expected_pulses, numbered
from ..fits.counts import poisson_interval
from ..fits.result import Fit
from ..fits.rounding import PLUS_MINUS, rounded_moment, with_error
from .axes import SeveralAxes, checked_axes, say_nothing, set_x_limits
from .labels import as_name

__all__ = ["DrawnBurst", "draw_burst"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RISE_TIMES, DECAY_TIMES = 4.0, 5.0
"""Time constants of the fit that are shown before and after the maximum."""
MARGIN, MARGIN_S = 1.3, 1.0
"""Of background on both sides: that much longer than the burst, and that much more."""
PULSES_PER_BIN = 8.0
FEWEST_BINS, MOST_BINS = 30, 120
CURVE_POINTS = 2000
ROOM_FOR_LEGEND = 1.35
"""Upper limit of the axis of counts, in parts of the highest count with its error."""
LEAST_REACH = 3.5
"""Standard deviations that the axis of residuals shows on either side of zero, and more where residuals are larger."""
REASON_WIDTH = 46  # letters in a line of why a fit is not valid
NUMBERS = (("half-life", "half_life_s", "s"), ("pulses", "n_total", ""), ("background", "background_Hz", "/s"))
DATA, CURVE, BACKGROUND, WARNING = "#3b3b3b", "#c8321e", "#1f6fb4", "#a01818"


class DrawnBurst(NamedTuple):
    """What `draw_burst` drew; None is what there was nothing to draw of."""

    pulses: ErrorbarContainer | None
    """Pulses per bin, with Garwood's intervals of 68 %."""
    curve: Line2D | None
    """What the fit expects."""
    background: Line2D | None
    background_error: Patch | None
    residuals: ErrorbarContainer | None
    zero: Line2D | None
    """Through the residuals."""
    numbers: Text
    warning: Text | None
    """Why the fit is not valid."""
    legend: Legend | None


class _Curve(NamedTuple):
    curve: Line2D | None = None
    background: Line2D | None = None
    background_error: Patch | None = None
    residuals: ErrorbarContainer | None = None
    zero: Line2D | None = None


@dataclass(frozen=True, eq=False)
class _Bins:
    """Pulses per bin around a burst, whose zero of time is `t0_ns`."""

    edges_ns: Integers
    t0_ns: int
    counts: NDArray[np.intp]

    @cached_property
    def edges_s(self) -> Floats:
        return np.asarray((self.edges_ns - self.t0_ns) / SECOND_NS)

    @cached_property
    def middles_s(self) -> Floats:
        return np.asarray(0.5 * (self.edges_s[1:] + self.edges_s[:-1]))

    @property
    def width_s(self) -> float:
        return float(self.edges_s[1] - self.edges_s[0])


def draw_burst(
    axes: SeveralAxes,
    timestamps_ns: ArrayLike | pl.Series,
    burst: Mapping[str, Any],
    fit: Fit,
    *,
    title: str = "",
    dead_time_s: float = 0.0,
) -> DrawnBurst:
    """Draw one burst: pulses per bin, fitted curve, background, residuals and the numbers.

    Parameters
    ----------
    axes : two Axes
        Above, for the pulses and the curve; below, for the residuals. They should share x.
    timestamps_ns, burst, fit, title, dead_time_s
        As for `burst_figure`.

    Returns
    -------
    DrawnBurst

    Raises
    ------
    InputError
        If there are not two axes, or the times are not sorted integers.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from utokyo import find_bursts, fit_burst
    >>> random = np.random.default_rng(1)
    >>> times_s = np.sort(np.append(random.uniform(0.0, 60.0, 3000), 20.0 + random.exponential(1.0, 500)))
    >>> times_ns = (times_s * 1e9).astype(np.int64)
    >>> burst = find_bursts(times_ns).row(0, named=True)
    >>> drawn = draw_burst(Figure().subplots(2, sharex=True), times_ns, burst, fit_burst(times_ns, burst))
    >>> drawn.curve.set_linewidth(3.0)  # for a talk
    >>> drawn.curve.get_label()
    'fit'
    """
    above, below = checked_axes(axes, ("pulses", "residuals"), "a burst")
    times_ns = sorted_times_ns(timestamps_ns)
    fitted = math.isfinite(fit.values["background_Hz"])
    numbers = best_numbers(burst, fit)
    t0_ns = numbers["timestamp_ns"]
    edges_ns = _edges_around(times_ns, burst, fit if fitted else None, t0_ns)
    bins = _Bins(edges_ns, t0_ns, np.diff(np.searchsorted(times_ns, edges_ns)))
    as_name(above.set_title(title, loc="left", fontsize="medium"))
    above.set_title(_moment(numbers), loc="right", fontsize="medium")
    pulses = _draw_pulses(above, bins) if edges_ns[0] < edges_ns[-1] else None
    below.set_xlabel("time since t0 (s)" if fit.valid else "time since the apex (s)")
    below.set_ylabel(r"residual ($\sigma$)")
    if pulses is not None:
        set_x_limits((above, below), bins.edges_s[0], bins.edges_s[-1])
    if fitted and pulses is not None:
        curve = _draw_fit(above, below, fit, bins, dead_time_s)
    else:
        say_nothing(below, "no fit" if not fitted else "no pulses here")
        curve = _Curve()
    text = above.text(
        0.985, 0.97, "\n".join(_lines(burst, fit, numbers)),
        transform=above.transAxes, ha="right", va="top", fontsize="medium", linespacing=1.3,
    )  # fmt: skip
    warning = None
    if not fit.valid:
        reason = textwrap.fill(f"not valid: {fit.reason}", REASON_WIDTH)
        warning = above.text(
            0.015, 0.80, reason, transform=above.transAxes, ha="left", va="top", fontsize="small", color=WARNING
        )
    legend = above.legend(loc="upper left", fontsize="small", ncols=3) if pulses is not None else None
    return DrawnBurst(pulses, *curve, text, warning, legend)


def _edges_around(times_ns: Integers, burst: Mapping[str, Any], fit: Fit | None, t0_ns: int) -> Integers:
    """Edges of even bins that show the burst with some background, within the data."""
    onset, end = int(burst["onset_ns"]), int(burst["end_ns"])
    before, after = max(t0_ns - onset, 0) / SECOND_NS, max(end - t0_ns, 0) / SECOND_NS
    if fit is not None:
        before = min(max(before, RISE_TIMES * fit.values["tau_rise_s"]), 3.0 * before + 2.0)
        after = min(max(after, DECAY_TIMES * fit.values["tau_decay_s"]), 3.0 * after + 5.0)
    before, after = MARGIN * before + MARGIN_S, MARGIN * after + MARGIN_S
    low, high = t0_ns - int(before * SECOND_NS), t0_ns + int(after * SECOND_NS)
    low = max(low, int(burst.get("window_begin_ns", low)))
    high = min(high, int(burst.get("window_end_ns", high)))
    if times_ns.size:  # where there are no data, no pulses is not what was counted
        low, high = max(low, int(times_ns[0])), min(high, int(times_ns[-1]))
    if low >= high:
        return np.full(2, t0_ns, dtype=np.int64)
    pulses = int(np.diff(np.searchsorted(times_ns, [low, high]))[0])
    bins = int(np.clip(pulses / PULSES_PER_BIN, FEWEST_BINS, MOST_BINS))
    width = (high - low) / bins / 1e6  # ms, rounded to a number that reads well
    power = 10.0 ** math.floor(math.log10(width))
    width_ns = int(min((m for m in (1, 2, 5, 10) if m * power >= 0.999 * width), default=10) * power * 1e6)
    edges = t0_ns + width_ns * np.arange(-((t0_ns - low) // width_ns), (high - t0_ns) // width_ns + 1)
    return np.asarray(edges if edges.size > 1 else (low, high), dtype=np.int64)


def _draw_pulses(axes: Axes, bins: _Bins) -> ErrorbarContainer:
    low, high = poisson_interval(bins.counts)
    axes.set_ylabel(f"pulses per {bins.width_s * 1e3:.4g} ms")
    errors = (bins.counts - low, high - bins.counts)
    pulses = axes.errorbar(
        bins.middles_s, bins.counts, errors, fmt=".", color=DATA, markersize=4, linewidth=0.8, label="pulses"
    )
    axes.set_ylim(0.0, ROOM_FOR_LEGEND * float(high.max(initial=1.0)))
    return pulses


def _draw_fit(above: Axes, below: Axes, fit: Fit, bins: _Bins, dead_time_s: float) -> _Curve:
    """Curve and background among the pulses, and what the fit leaves of them below."""
    values, edges_ns, bin_s = fit.values, bins.edges_ns, bins.width_s
    fine_ns = np.linspace(0, int(edges_ns[-1] - edges_ns[0]), CURVE_POINTS).astype(np.int64) + edges_ns[0]
    style = "-" if fit.valid else "--"
    rate_Hz = measured_rate_Hz(burst_rate_Hz(values, fine_ns), dead_time_s)
    (curve,) = above.plot((fine_ns - bins.t0_ns) / SECOND_NS, rate_Hz * bin_s, style, color=CURVE, label="fit")
    level, error = values["background_Hz"] * bin_s, fit.errors["background_Hz"] * bin_s
    background = above.axhline(level, color=BACKGROUND, linewidth=1.0, label="background")
    band: Patch | None = None
    if math.isfinite(error):
        band = above.axhspan(level - error, level + error, color=BACKGROUND, alpha=0.25, linewidth=0.0)
    expected = expected_pulses(values, edges_ns)
    expected *= 1.0 - bins.counts * dead_time_s / bin_s
    residual = (bins.counts - expected) / np.sqrt(expected)
    residuals = below.errorbar(bins.middles_s, residual, 1.0, fmt=".", color=DATA, markersize=4, linewidth=0.7)
    zero = below.axhline(0.0, color=CURVE, linewidth=1.0)
    reach = max(LEAST_REACH, 1.0 + 1.1 * float(np.abs(residual).max()))
    below.set_ylim(-reach, reach)
    return _Curve(curve, background, band, residuals, zero)


def _moment(numbers: Mapping[str, Any]) -> str:
    """When the burst was, as its table says it."""
    moment, error = rounded_moment(numbers["timestamp_ns"], numbers["timestamp_error_ns"])
    return f"apex {moment}" if numbers["timestamp_error_ns"] is None else f"t0 = {moment} {PLUS_MINUS} {error}"


def _lines(burst: Mapping[str, Any], fit: Fit, numbers: Mapping[str, Any]) -> Iterator[str]:
    """What stands beside the pulses, a line each: the numbers of the table of results."""
    shown = {
        "pulses": (numbers["pulses_peak"], numbers["pulses_peak_error"]),
        "background": (numbers["background_Hz"], numbers["background_error_Hz"]),
    }
    for label, name, unit in NUMBERS:
        for place in (1, 2, 3):
            one = numbered(name, place)
            value, error = fit.values.get(one, math.nan), fit.errors.get(one, math.nan)
            value, error = shown.get(label, (value, error)) if place == 1 else (value, error)
            if math.isfinite(value):
                yield f"{label}{f' ({place})' if place > 1 else ''}: {with_error(value, error, unit)}"
    significance = burst.get("significance", fit.significance)
    if math.isfinite(significance):
        yield f"significance: {significance:.1f} $\\sigma$"
    if math.isfinite(fit.p_value):
        yield f"goodness of fit: p = {fit.p_value:.2g}"
