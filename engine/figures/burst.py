"""One burst, drawn into two axes: pulses per bin with the fitted curve, and the residuals."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
from ..fits.bursts.search import sorted_times_ns
from ..fits.bursts.values import burst_rate_Hz, expected_pulses, numbered
from ..fits.result import Fit
from .axes import SeveralAxes, checked_axes, say_nothing, set_x_limits
from .labels import as_name, with_error

__all__ = ["DrawnBurst", "draw_burst"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RISE_TIMES, DECAY_TIMES = 4.0, 5.0
"""Time constants of the fit that are shown before and after the maximum."""
MARGIN, MARGIN_S = 1.3, 1.0
"""Shown on either side: the length of the burst times `MARGIN`, plus `MARGIN_S` seconds of background."""
PULSES_PER_BIN = 8.0
FEWEST_BINS, MOST_BINS = 30, 120
CURVE_POINTS = 2000
ROOM_FOR_LEGEND = 1.35
"""Upper limit of the axis of counts, in units of the highest count with its error."""
LEAST_REACH = 3.5
"""Smallest range of the axis of residuals on either side of zero, in standard deviations."""
REASON_WIDTH = 46  # letters in a line of the reason why a fit is not valid
NUMBERS = (("half-life", "half_life_s", "s"), ("pulses", "n_total", ""), ("background", "background_Hz", "/s"))
DATA, CURVE, BACKGROUND, WARNING = "#3b3b3b", "#c8321e", "#1f6fb4", "#a01818"


class DrawnBurst(NamedTuple):
    """The artists that `draw_burst` drew; None for those without data."""

    pulses: ErrorbarContainer
    """Pulses per bin, with errors."""
    curve: Line2D | None
    """Pulses per bin that the fit expects."""
    background: Line2D | None
    background_error: Patch | None
    residuals: ErrorbarContainer | None
    zero: Line2D | None
    """Line at zero among the residuals."""
    numbers: Text
    warning: Text | None
    """The reason why the fit is not valid."""
    legend: Legend


class _Curve(NamedTuple):
    curve: Line2D | None = None
    background: Line2D | None = None
    background_error: Patch | None = None
    residuals: ErrorbarContainer | None = None
    zero: Line2D | None = None


@dataclass(frozen=True, eq=False)
class _Bins:
    """Pulses per bin around a burst; times in s are relative to `t0_ns`."""

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
        The upper axes, for pulses and curve, and the lower ones, for residuals. They should share x.
    timestamps_ns, burst, fit, title, dead_time_s
        As for `burst_figure`.

    Returns
    -------
    DrawnBurst

    Raises
    ------
    InputError
        When there are not two axes, or the times are not sorted integers.

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
    t0_ns = int(fit.values["t0_ns"]) if fitted else int(burst["timestamp_ns"])
    edges_ns = _edges_around(times_ns, burst, fit if fitted else None, t0_ns)
    bins = _Bins(edges_ns, t0_ns, np.diff(np.searchsorted(times_ns, edges_ns)))
    clock = datetime.fromtimestamp(t0_ns // SECOND_NS, tz=UTC)
    as_name(above.set_title(title, loc="left", fontsize="medium"))
    above.set_title(f"{clock:%Y-%m-%d %H:%M:%S}.{t0_ns % SECOND_NS // 1_000_000:03d}", loc="right", fontsize="medium")
    pulses = _draw_pulses(above, bins)
    below.set_xlabel("time since the maximum (s)" if fitted else "time since the apex (s)")
    below.set_ylabel(r"residual ($\sigma$)")
    set_x_limits((above, below), bins.edges_s[0], bins.edges_s[-1])
    if fitted:
        curve = _draw_fit(above, below, fit, bins, dead_time_s)
    else:
        say_nothing(below, "no fit")
        curve = _Curve()
    numbers = above.text(
        0.985, 0.97, "\n".join(_numbers(burst, fit, fitted)),
        transform=above.transAxes, ha="right", va="top", fontsize="small", linespacing=1.4,
    )  # fmt: skip
    warning = None
    if not fit.valid:
        reason = textwrap.fill(f"not valid: {fit.reason}", REASON_WIDTH)
        warning = above.text(
            0.015, 0.80, reason, transform=above.transAxes, ha="left", va="top", fontsize="small", color=WARNING
        )
    legend = above.legend(loc="upper left", fontsize="small", ncols=3)
    return DrawnBurst(pulses, *curve, numbers, warning, legend)


def _edges_around(times_ns: Integers, burst: Mapping[str, Any], fit: Fit | None, t0_ns: int) -> Integers:
    """Edges of equal bins that cover the burst with some background before and after it, inside the window."""
    onset, end = int(burst["onset_ns"]), int(burst["end_ns"])
    before, after = max(t0_ns - onset, 0) / SECOND_NS, max(end - t0_ns, 0) / SECOND_NS
    if fit is not None:
        before = min(max(before, RISE_TIMES * fit.values["tau_rise_s"]), 3.0 * before + 2.0)
        after = min(max(after, DECAY_TIMES * fit.values["tau_decay_s"]), 3.0 * after + 5.0)
    before, after = MARGIN * before + MARGIN_S, MARGIN * after + MARGIN_S
    low, high = t0_ns - int(before * SECOND_NS), t0_ns + int(after * SECOND_NS)
    low = max(low, int(burst.get("window_begin_ns", low)))
    high = max(min(high, int(burst.get("window_end_ns", high))), low + SECOND_NS // 10)
    pulses = int(np.diff(np.searchsorted(times_ns, [low, high]))[0])
    bins = int(np.clip(pulses / PULSES_PER_BIN, FEWEST_BINS, MOST_BINS))
    width = (high - low) / bins / 1e6  # ms, rounded to a number that reads well
    power = 10.0 ** math.floor(math.log10(width))
    width_ns = int(min((m for m in (1, 2, 5, 10) if m * power >= 0.999 * width), default=10) * power * 1e6)
    bins_before = max(1, (t0_ns - low) // width_ns)
    bins_after = max(1, (high - t0_ns) // width_ns)
    return np.asarray(t0_ns + width_ns * np.arange(-bins_before, bins_after + 1), dtype=np.int64)


def _draw_pulses(axes: Axes, bins: _Bins) -> ErrorbarContainer:
    errors = np.sqrt(bins.counts)
    axes.set_ylabel(f"pulses per {bins.width_s * 1e3:.0f} ms")
    pulses = axes.errorbar(
        bins.middles_s, bins.counts, errors, fmt=".", color=DATA, markersize=4, linewidth=0.8, label="pulses"
    )
    axes.set_ylim(0.0, ROOM_FOR_LEGEND * float((bins.counts + errors).max(initial=1.0)))
    return pulses


def _draw_fit(above: Axes, below: Axes, fit: Fit, bins: _Bins, dead_time_s: float) -> _Curve:
    """Draw curve and background in the upper axes, and residuals in the lower ones."""
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


def _numbers(burst: Mapping[str, Any], fit: Fit, fitted: bool) -> Iterator[str]:
    """The numbers that are written beside the pulses, one for each line."""
    if fitted:
        for label, name, unit in NUMBERS:
            for place in (1, 2, 3):
                one = numbered(name, place)
                if one in fit.values:
                    value = with_error(fit.values[one], fit.errors[one], unit, sign="±")
                    yield f"{label}{f' ({place})' if place > 1 else ''}: {value}"
    elif "pulses_peak" in burst:
        yield f"pulses above background: {burst['pulses_peak']:.0f}"
    if math.isfinite(fit.significance):
        yield f"significance: {fit.significance:.1f} $\\sigma$"
    if math.isfinite(fit.p_value):
        yield f"goodness of fit: p = {fit.p_value:.2g}"
