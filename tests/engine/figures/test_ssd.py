"""The figures of the detector draw whatever there is, and say it when there is nothing."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib import image as matplotlib_image
from matplotlib import pyplot as plt

from utokyo.engine.figures.ssd import burst_figure, overview_figure
from utokyo.engine.fits.bursts.fit import find_bursts, fit_burst

START_NS = 1_663_504_000_000_000_000


@pytest.fixture(scope="module")
def pulses():
    """Two bursts over 50 pulses per s, in two lines and a continuum."""
    random = np.random.default_rng(51)
    parts = [
        random.uniform(0.0, 200.0, 10_000),
        60.0 + random.exponential(1.0, 900),
        130.0 + random.exponential(0.8, 300),
    ]
    times_ns = START_NS + np.sort((np.concatenate(parts) * 1e9).astype(np.int64))
    return times_ns, random.choice([700, 2470, 2860], times_ns.size) + random.integers(-20, 20, times_ns.size)


def pixels(figure):
    """Render, and return the pixels of the middle, without frame and labels."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=60)
    stream.seek(0)
    return matplotlib_image.imread(stream)[..., :3]


def texts(figure):
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return "\n".join([*found, *(axes.get_title(loc) for axes in figure.axes for loc in ("left", "right"))])


def colours(picture):
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def test_the_overview_shows_pulses_and_marks_every_burst(pulses):
    times_ns, heights = pulses
    bursts = find_bursts(times_ns)
    assert bursts.height == 2

    figure = overview_figure(times_ns, heights, bursts, title="slot1.csv")

    assert colours(pixels(figure)) > 100
    assert "slot1.csv" in texts(figure)
    assert f"{times_ns.size:,} pulses, 2 bursts" in texts(figure)
    rate = figure.axes[1]
    lines = {line.get_label(): line for line in rate.get_lines()}
    assert lines["bursts"].get_xdata().size == 2
    level = np.asarray(lines["background"].get_ydata())
    assert np.nanmean(level) == pytest.approx(50.0, rel=4.0 / np.sqrt(10_000) + 0.02)  # 2 %: tails outside the masks
    dated = rate.xaxis.get_major_formatter().format_ticks(rate.get_xticks())
    assert any(":" in label for label in dated)


def test_the_overview_counts_every_pulse_once(pulses):
    times_ns, heights = pulses
    figure = overview_figure(times_ns, heights)
    assert figure.axes[0].get_images()[0].get_array().sum() == times_ns.size


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_overview_of_hardly_any_pulses_is_drawn(pulses, number):
    times_ns, heights = pulses
    figure = overview_figure(times_ns[:number], heights[:number], find_bursts(times_ns[:number]), title="empty.csv")
    assert colours(pixels(figure)) > 2
    assert f"{number} pulse" in texts(figure)
    assert ("no pulses" in texts(figure)) == (number == 0)


def test_the_overview_takes_series_and_heights_that_are_not_numbers(pulses):
    times_ns, heights = pulses
    blank = np.full(times_ns.size, np.nan)
    assert "no pulse heights" in texts(overview_figure(times_ns, blank))
    pixels(overview_figure(pl.Series(times_ns), pl.Series(heights), None))


def test_a_burst_is_drawn_with_its_fit_and_its_numbers(pulses):
    times_ns, _ = pulses
    row = find_bursts(times_ns).row(0, named=True)
    fit = fit_burst(times_ns, row)
    assert fit.valid, fit.reason

    figure = burst_figure(times_ns, row, fit, title="slot1.csv")

    assert colours(pixels(figure)) > 50
    for said in ("half-life", "±", "pulses", "significance", "p = ", "slot1.csv", "2022-09-18 12:27"):
        assert said in texts(figure)
    assert "not valid" not in texts(figure)
    assert len(figure.axes) == 2
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert {"pulses", "fit", "background"} <= set(labels)


def test_the_curve_passes_through_the_counts(pulses):
    times_ns, _ = pulses
    row = find_bursts(times_ns).row(0, named=True)
    residual = burst_figure(times_ns, row, fit_burst(times_ns, row)).axes[1].containers[0].lines[0].get_ydata()
    assert residual.size > 20
    assert abs(np.std(residual) - 1.0) < 4.0 / np.sqrt(2.0 * residual.size)


def test_a_fit_that_is_not_valid_says_why(pulses):
    times_ns, _ = pulses
    cut = times_ns[times_ns < START_NS + 61_000_000_000]
    row = find_bursts(cut).row(0, named=True)
    figure = burst_figure(cut, row, fit_burst(cut, row))
    pixels(figure)
    assert "not valid" in texts(figure)
    assert "the data end" in texts(figure).replace("\n", " ")


@pytest.mark.parametrize("number", [0, 5])
def test_a_burst_without_enough_pulses_is_drawn_without_a_fit(pulses, number):
    times_ns, _ = pulses
    row = find_bursts(times_ns).row(0, named=True)
    figure = burst_figure(times_ns[:number], row, fit_burst(times_ns[:number], row))
    pixels(figure)
    assert "too few pulses" in texts(figure)
    assert "no fit" in texts(figure)


def test_figures_leave_no_trace_in_pyplot(pulses):
    times_ns, heights = pulses
    overview_figure(times_ns, heights)
    assert plt.get_fignums() == []
