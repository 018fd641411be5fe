"""What a referee asks of figures: intervals, units, times, reasons, legends; and pictures against first principles.

Baselines are no files: what stands at a place of a picture is computed from the data that are drawn there.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy import stats

from utokyo import CameraConstants, find_bad_pixels, find_bursts, fit_burst, fit_gaussian, fit_lifetime, gaussian_image
from utokyo.engine.figures import burst as burst_module
from utokyo.engine.figures import window as window_module
from utokyo.engine.figures.bad_pixels import bad_pixels_figure
from utokyo.engine.figures.dates import DayAndTime, set_dates
from utokyo.engine.figures.image import FittedImage, image_figure, image_figure_3d
from utokyo.engine.figures.image import draw_image as drawn_image
from utokyo.engine.figures.mot_number import draw_mot_number, mot_number_figure
from utokyo.engine.figures.pmt import COLOURS as PMT_COLOURS
from utokyo.engine.figures.pmt import draw_pmt, pmt_figure
from utokyo.engine.figures.ssd import burst_figure, draw_burst, draw_overview, overview_figure
from utokyo.engine.figures.window import draw_window, window_figure
from utokyo.engine.fits.bursts.fitted import fitted_bursts
from utokyo.engine.fits.counts import poisson_interval
from utokyo.engine.fits.result import Fit
from utokyo.engine.fits.rounding import rounded_moment, with_error

SECOND = 1_000_000_000
MIDNIGHT = 1_663_545_600 * SECOND
SPOT = {"A": 40_000.0, "x0": 30.0, "y0": 62.0, "sigma_x": 4.0, "sigma_y": 9.0, "theta": 0.5, "C": 20.0}


def pulses(*, seed: int = 1, rate: float = 20.0, begin_ns: int = MIDNIGHT - 60 * SECOND) -> np.ndarray:
    random = np.random.default_rng(seed)
    parts = [random.uniform(0.0, 120.0, round(120 * rate)), 60.0 + random.exponential(1.0, 500)]
    parts.append(60.0 - random.exponential(0.25, 125))
    return begin_ns + (np.sort(np.concatenate(parts)) * SECOND).astype(np.int64)


def picture_of(figure: Figure) -> np.ndarray:
    """Red, green and blue, from the top."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3] / 255.0


def around(picture: np.ndarray, axes: Axes, x: float, y: float, reach: int = 2) -> np.ndarray:
    """The pixels at a place in the units of the data, shape (n, 3)."""
    column, row = axes.transData.transform((x, y))
    i, j = picture.shape[0] - 1 - int(row), int(column)
    return picture[i - reach : i + reach + 1, j - reach : j + reach + 1].reshape(-1, 3)


def has_colour(pixels: np.ndarray, colour: object, tolerance: float = 0.12) -> bool:
    return bool((np.abs(pixels - to_rgb(colour)).max(axis=1) < tolerance).any())


@pytest.fixture(scope="module")
def spot():
    image = np.random.default_rng(3).poisson(gaussian_image(SPOT, (120, 90)))
    fit = fit_gaussian(image, rotated=True)
    assert fit.valid
    return image, fit


# Intervals and numbers.


def test_intervals_of_counts_cover_at_least_as_often_as_they_say():
    for mean in (0.3, 1.0, 4.0, 30.0):
        counts = np.arange(200)
        low, high = poisson_interval(counts)
        covered = stats.poisson.pmf(counts, mean)[(low <= mean) & (mean <= high)].sum()
        assert covered >= 0.6826
    low, high = poisson_interval(0)
    assert low == 0.0
    assert math.exp(-high) == pytest.approx(0.15866, rel=1e-4)


def test_empty_bins_of_a_burst_have_error_bars():
    times_ns = pulses(rate=1.0)
    row = find_bursts(times_ns).row(0, named=True)
    drawn = draw_burst(Figure().subplots(2, sharex=True), times_ns, row, fit_burst(times_ns, row))
    _, _, (bars,) = drawn.pulses.lines
    counts = drawn.pulses.lines[0].get_ydata()
    segments = bars.get_segments()
    assert (counts == 0).any()
    for count, segment in zip(counts, segments, strict=True):
        low, high = poisson_interval(count)
        np.testing.assert_allclose(segment[:, 1], [low, high], atol=1e-9)


@pytest.mark.parametrize("until_s", [60.4, 61.0, 63.0])
def test_nothing_is_drawn_where_there_are_no_data_yet(until_s):
    times_ns = pulses()
    times_ns = times_ns[times_ns < MIDNIGHT + (until_s - 60.0) * SECOND]
    row = find_bursts(times_ns).row(0, named=True)
    fit = fit_burst(times_ns, row)
    drawn = draw_burst(Figure().subplots(2, sharex=True), times_ns, row, fit)
    zero_ns = fit.values["t0_ns"] if fit.valid else row["timestamp_ns"]
    middles_ns = zero_ns + drawn.pulses.lines[0].get_xdata() * SECOND
    half_ns = 0.5 * np.diff(middles_ns[:2])
    assert middles_ns.max() + half_ns[0] <= times_ns[-1] + 2000
    assert drawn.residuals.lines[0].get_ydata().min() > -4.0


def test_the_title_of_a_burst_is_rounded_as_the_fit_rounds():
    times_ns = pulses()
    row = find_bursts(times_ns).row(0, named=True)
    fit = fit_burst(times_ns, row)
    when = burst_figure(times_ns, row, fit).axes[0].get_title(loc="right")
    moment, error = rounded_moment(int(fit.values["t0_ns"]), fit.errors["t0_ns"])
    assert when == f"t0 = {moment} ± {error}"
    assert f"{moment} ± {error}" in str(fit)


def test_a_moment_is_rounded_up_into_the_next_second():
    stamp = MIDNIGHT - 300_000
    assert rounded_moment(stamp, 12e6)[0] == rounded_moment(stamp, None)[0] == "2022-09-19 00:00:00.000"
    fit = Fit({"t0_ns": stamp}, {"t0_ns": 12e6}, np.eye(1), ("t0_ns",), 0.0)
    assert "2022-09-19 00:00:00.000 ± 0.012 s" in str(fit)  # and not 23:59:59.100


def test_one_sign_stands_between_values_and_errors(spot):
    _, fit = spot
    assert with_error(1.0, 0.1) == "1.00 ± 0.10"
    for text in (
        str(fit),
        fit._repr_html_().replace("&plusmn;", "±"),
        FittedImage(*spot, "x").description(in_short=False),
    ):
        assert "±" in text
        assert "+-" not in text


# Times.


def test_labels_of_times_have_the_day_of_the_first_one_seen_and_of_midnight():
    axes = Figure().subplots()
    begin = MIDNIGHT / 86400e9 - 0.01
    axes.set_xlim(begin, begin + 0.02)
    set_dates((axes,))
    labels = [t.get_text() for t in axes.get_xticklabels() if begin <= t.get_position()[0] <= begin + 0.02]
    days = [label.split("\n")[1] for label in labels if "\n" in label]
    assert days == ["2022-09-18", "2022-09-19"]
    assert "\n" in labels[0]
    assert "00:00\n2022-09-19" in labels


@pytest.mark.parametrize("span_s", [0.05, 2.0, 8.0, 100.0, 200.0, 3000.0, 4e4, 3e5, 3e6])
def test_labels_of_times_say_the_times_of_their_ticks(span_s):
    axes = Figure().subplots()
    begin = MIDNIGHT / 86400e9 - 0.3 * span_s / 86400
    axes.set_xlim(begin, begin + span_s / 86400)
    set_dates((axes,))
    ticks = axes.get_xticks()
    for tick, label in zip(ticks, axes.xaxis.get_major_formatter().format_ticks(ticks), strict=True):
        moment = datetime.fromtimestamp(round(tick * 86400, 4), UTC)
        clock = label.split("\n")[0]
        assert not clock or f"{moment:%H:%M:%S.%f}".startswith(clock) or f"{moment:%Y-%m-%d}" == clock
    assert DayAndTime()(begin).startswith("2022-09-")


def test_the_overview_marks_the_peaks_and_names_the_rate():
    times_ns = pulses()
    bursts = fitted_bursts(times_ns)
    drawn = draw_overview(Figure().subplots(2, sharex=True), times_ns, np.full(times_ns.size, 9), bursts)
    assert drawn.bursts.get_xdata()[0] * 86400e9 == pytest.approx(bursts["timestamp_ns"][0], abs=2e3)
    assert drawn.bursts.get_ydata()[0] == drawn.rate.get_data().values.max()
    assert [text.get_text() for text in drawn.legend.get_texts()] == ["rate in 0.25 s", "background", "bursts, at t0"]


# Images.


def test_a_turned_spot_has_turned_ellipses_which_are_named(spot):
    drawn = drawn_image(Figure().subplots(2, 3), *spot, "cmos.csv")
    for ellipse in (*drawn.ellipses, *drawn.zoom.ellipses):
        assert ellipse.get_angle() == pytest.approx(math.degrees(spot[1].values["theta"]))
    assert "1 sigma of the fitted spot" in [text.get_text() for text in drawn.legend.get_texts()]
    # By the second moments of the light: the long axis of what was drawn lies along that of the ellipse.
    y, x = np.indices(spot[0].shape)
    light = gaussian_image({**SPOT, "C": 0.0}, spot[0].shape)
    covariance = np.cov(np.stack((x.ravel(), y.ravel())), aweights=light.ravel())
    long = np.linalg.eigh(covariance)[1][:, 1]
    along = math.radians(drawn.ellipses[0].get_angle()) + math.pi / 2  # sigma_y is the larger one
    assert abs(long @ (math.cos(along), math.sin(along))) == pytest.approx(1.0, abs=1e-3)


def test_what_is_around_the_spot_is_shown_closer(spot):
    image, fit = spot
    drawn = drawn_image(Figure().subplots(2, 3), image, fit, "cmos.csv")
    left, right, bottom, top = drawn.zoom.camera.get_extent()
    assert left < fit.values["x0"] - 3 * fit.values["sigma_x"] < fit.values["x0"] + 3 * fit.values["sigma_x"] < right
    rows, columns = slice(int(top + 0.5), int(bottom + 0.5)), slice(int(left + 0.5), int(right + 0.5))
    np.testing.assert_array_equal(drawn.zoom.camera.get_array(), drawn.camera.get_array()[rows, columns])
    assert drawn.box.get_bbox().bounds == (left, top, right - left, bottom - top)


@pytest.mark.parametrize("place", [(0.0, 0.0), (89.0, 119.0), (45.0, 118.0)])
def test_a_spot_at_an_edge_is_shown_as_far_as_the_image_goes(place):
    values = {**SPOT, "x0": place[0], "y0": place[1]}
    image = np.random.default_rng(3).poisson(gaussian_image(values, (120, 90)))
    for figure in (image_figure(image, fit_gaussian(image), "a"), image_figure_3d(image, fit_gaussian(image), "a")):
        picture_of(figure)


def test_an_image_says_when_where_and_how_large(spot):
    camera = CameraConstants.read("cmos_fr_20220918")
    drawn = drawn_image(Figure().subplots(2, 3), *spot, "cmos.csv", camera=camera, taken="2022-09-18 12:26:01, run 3")
    assert drawn.title.get_text() == "cmos.csv\n2022-09-18 12:26:01, run 3"
    said = drawn.zoom.scale.length.get_text()
    mm, px = float(said.split()[0]), float(said.split()[3])
    assert mm == pytest.approx(px * camera.pixel_size_m * 1e3, rel=0.02)
    (left, right), axes = drawn.zoom.scale.bar.get_xdata(), drawn.zoom.camera.axes
    assert (right - left) * np.ptp(axes.get_xlim()) == pytest.approx(px, rel=0.02)
    assert "atoms" in drawn.description.get_text()
    unknown = drawn_image(Figure().subplots(2, 3), *spot, "cmos.csv")
    assert unknown.zoom.scale.length.get_text().endswith(" px")
    assert not unknown.scale.bar.get_visible()


def test_no_atoms_are_an_answer_and_no_failure():
    image = np.random.default_rng(1).poisson(20.0, (60, 50))
    fit = fit_gaussian(image)
    camera = CameraConstants.read("cmos_fr_20220918")
    drawn = drawn_image(Figure().subplots(2, 3), image, fit, "cmos.csv", camera=camera)
    text = drawn.description.get_text()
    assert text.startswith(f"no atoms,  A < {float(f'{fit.upper_limit:.2g}'):g} counts (95 %),  N < ")
    assert drawn.description.get_color() == "black"
    assert drawn.zoom.nothing.get_visible()
    assert len(np.unique(drawn.fit.get_array().reshape(-1, 4), axis=0)) == 1  # no spot where there are no atoms
    dark = drawn_image(Figure().subplots(2, 3), 0 * image, fit_gaussian(0 * image), "cmos.csv")
    assert dark.description.get_text() == "no atoms: every pixel is zero"


@pytest.mark.parametrize("width", [2.5, 9.0])
def test_surfaces_are_as_high_as_the_fit_and_say_what_they_are(width):
    values = {**SPOT, "sigma_x": width, "sigma_y": width, "x0": 80.0, "y0": 90.0}
    image = np.random.default_rng(1).poisson(gaussian_image(values, (200, 180)))
    fit = fit_gaussian(image)
    figure = image_figure_3d(image, fit, "cmos.csv")
    peak = gaussian_image(fit.values, image.shape).max()
    surface = figure.axes[1].collections[0]
    assert surface.get_array().max() == pytest.approx(peak, rel=0.09)  # of the corners of a face
    said = figure.get_supxlabel()
    assert f"peak of the fit: {peak:.4g} counts per pixel" in said
    assert ("every pixel" if width < 3.0 else "means over 2 x 2 pixels") in said


def test_bad_pixels_say_what_is_bad():
    image = np.random.default_rng(1).poisson(100.0, (60, 50))
    figure = bad_pixels_figure(find_bad_pixels(image), "cmos.csv")
    assert "median of its neighbours" in figure.axes[0].get_xlabel()
    assert "1e7" in figure.axes[0].get_xlabel()


# Atoms, currents, windows.


def test_images_without_atoms_are_arrows_from_their_limits():
    results = pl.DataFrame(
        {
            "timestamp_ns": MIDNIGHT + np.arange(3) * SECOND,
            "mot_number": [9e3, None, None],
            "mot_number_unc": [500.0, None, None],
            "mot_number_limit": [None, 1200.0, None],
            "fit_successful": [True, False, False],
        }
    )
    drawn = draw_mot_number(Figure().subplots(), results)
    assert drawn.limits.lines[0].get_ydata().tolist() == [1200.0]
    arrow = drawn.limits.lines[2][0].get_segments()[0]
    assert arrow[:, 1].min() < 1200.0 == arrow[:, 1].max()
    labels = [text.get_text() for text in drawn.legend.get_texts()]
    assert set(labels) == {"measured", "no atoms seen: less than this (95 %)", "no atoms seen"}
    assert drawn.measured.lines[0].axes.get_xlabel() == "time (wall clock)"


def test_a_lifetime_that_is_not_valid_is_no_number():
    times_ns = MIDNIGHT + np.arange(20) * SECOND
    numbers = 1e4 + np.random.default_rng(5).normal(0.0, 100.0, 20)
    lifetime = fit_lifetime(times_ns, numbers, np.full(20, 100.0))
    assert not lifetime.valid
    results = pl.DataFrame({"timestamp_ns": times_ns, "mot_number": numbers, "mot_number_unc": np.full(20, 100.0)})
    drawn = draw_mot_number(Figure().subplots(), results.with_columns(fit_successful=pl.lit(True)), "", lifetime)
    label = drawn.curve.get_label()
    assert label.startswith("no lifetime: ")
    assert "±" not in label
    assert drawn.curve.get_linestyle() == ":"


def currents(rows: int = 600, *, off: bool = True) -> tuple:
    random = np.random.default_rng(2)
    on = np.arange(rows) % 80 < 40 if off else np.ones(rows, bool)
    current_A = random.normal(1e-13, 8e-14, rows) + 3e-13 * on
    result = {"current_on_A": 4e-13, "current_on_error_A": 1e-14, "current_off_A": 1e-13, "current_off_error_A": 5e-15}
    result |= {"difference_A": 3e-13, "difference_error_A": 1.2e-14}
    return MIDNIGHT + np.arange(rows) * 400_000_000, current_A, on, result


def test_bins_of_the_current_are_round_stated_and_by_the_data():
    coarse, fine = (draw_pmt(Figure().subplots(1, 3), *currents(rows)) for rows in (100, 6000))
    widths = []
    for drawn in (coarse, fine):
        edges = drawn.on.histogram.get_data().edges
        widths.append(float(np.diff(edges)[0]))
        np.testing.assert_allclose(edges / widths[-1], np.round(edges / widths[-1]), atol=1e-6)
        assert f"readings per {widths[-1]:g} fA" == drawn.on.histogram.axes.get_xlabel()
        assert f"and {widths[-1]:g} fA" in drawn.on.bar.ax.get_ylabel()
        assert f"{widths[-1]:.0e}"[0] in "125"
    assert widths[0] > widths[1]


def test_the_bar_of_few_readings_has_whole_numbers_and_the_mean_its_error():
    drawn = draw_pmt(Figure().subplots(1, 3), *currents(80))
    ticks = drawn.on.bar.get_ticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))
    (low, _), (_, high) = (
        drawn.on.band.get_extents().transformed(drawn.on.band.axes.transData.inverted()).get_points()[:, ::-1]
    )
    assert (low + high) / 2 != 0.0
    box = drawn.on.band.get_extents().transformed(drawn.on.band.axes.transData.inverted())
    np.testing.assert_allclose([box.y0, box.y1], [390.0, 410.0], rtol=1e-6)


def test_an_empty_panel_of_the_pmt_says_why():
    panels = Figure().subplots(1, 3)
    drawn = draw_pmt(panels, *currents(200, off=False))
    assert drawn.off is None
    assert [text.get_text() for text in panels[1].texts] == ["the coil was never off"]


def window() -> tuple[pl.DataFrame, int, pl.DataFrame, dict[str, str], str]:
    second = np.arange(60.0)
    table = pl.DataFrame(
        {
            "timestamp": MIDNIGHT + second.astype(np.int64) * SECOND,
            "heater.target_percent": np.where(second > 20, 42.0, 10.0),
            "heater.measured_percent": np.where(second > 21, 42.0, 10.0),
            "coil.on": second > 30,
            "pmt.current_A": 2e-13 + 1e-14 * np.sin(second),
            "pmt.current_error_A": np.full(60, 1e-14),
            "ion.FC": 0.2 + 0.01 * np.sin(second / 9.0),
            "gauge.Neut.": np.full(60, 1e-8),
        }
    )
    return table, MIDNIGHT + 20 * SECOND, pl.DataFrame(), {"gauge.Neut.": "Pa"}, "number 1"


def test_a_window_has_units_everywhere_and_says_what_is_dashed():
    figure = window_figure(*window())
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["heater (%)", "coil on", "PMT current (fA)", "gauge (Pa)", "ion FC (pA)"]
    assert figure.axes[-1].get_xlabel() == "time (s) since 00:00:20 (dashed); shaded: coil on"
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["target", "measured"]
    figure.draw_without_rendering()
    assert legend.get_window_extent().x0 >= figure.axes[0].get_window_extent().x1 - 1.0  # beside the data
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_currents_of_a_window_are_divided_by_their_unit_with_their_errors():
    table, *rest = window()
    drawn = draw_window(Figure().subplots(5), table, *rest)
    pmt = next(p for panel, p in drawn.panels.items() if panel.label == "PMT current").columns["pmt.current_A"]
    np.testing.assert_allclose(pmt.points.get_ydata(), table["pmt.current_A"].to_numpy() * 1e15)
    np.testing.assert_allclose([np.ptp(s[:, 1]) for s in pmt.errors.get_segments()], 20.0)


# Pictures.


def figures(spot) -> dict[str, Figure]:
    times_ns = pulses()
    row = find_bursts(times_ns).row(0, named=True)
    results = pl.DataFrame({"timestamp_ns": MIDNIGHT + np.arange(9) * SECOND, "mot_number": 1e4 * 0.8 ** np.arange(9)})
    results = results.with_columns(mot_number_unc=pl.lit(300.0), fit_successful=pl.lit(True))
    return {
        "burst": burst_figure(times_ns, row, fit_burst(times_ns, row), title="ssd.csv"),
        "overview": overview_figure(times_ns, np.full(times_ns.size, 9), fitted_bursts(times_ns), title="ssd.csv"),
        "PMT": pmt_figure(*currents(), "all_data.csv"),
        "image": image_figure(*spot, "cmos.csv"),
        "MOT": mot_number_figure(results, "cmos"),
        "window": window_figure(*window()),
    }


def test_figures_are_legible_as_thumbnails(spot):
    """400 pixels wide, as in a folder or from the back of a room: no text below 5 pixels, half of it 6 or more."""
    for name, figure in figures(spot).items():
        scale = 400.0 / (figure.get_size_inches()[0] * 72.0)
        figure.draw_without_rendering()
        texts = [t for axes in figure.axes for t in (*axes.texts, axes.xaxis.label, axes.yaxis.label)]
        texts += [t for axes in figure.axes for t in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes.title)]
        sizes = [text.get_fontsize() * scale for text in texts if text.get_text()]
        assert min(sizes) > 5.0, name
        assert np.median(sizes) > 5.3, name


def test_the_picture_of_a_burst_is_its_counts_and_its_curve():
    times_ns = pulses(rate=40.0)
    row = find_bursts(times_ns).row(0, named=True)
    fit = fit_burst(times_ns, row)
    figure = burst_figure(times_ns, row, fit)
    picture, above = picture_of(figure), figure.axes[0]
    values = fit.values
    bin_s = float(above.get_ylabel().split()[2]) / 1e3
    seen = []
    for t_s in (-0.3, 0.4, 1.0, 1.9, 2.5):
        tau, n = ("tau_rise_s", "n_rise") if t_s < 0.0 else ("tau_decay_s", "n_decay")
        rate = values["background_Hz"] + values[n] / values[tau] * math.exp(-abs(t_s) / values[tau])
        seen.append(has_colour(around(picture, above, t_s, rate * bin_s), burst_module.CURVE))
    assert all(seen)
    edges_ns = values["t0_ns"] + np.arange(0, 6) * round(bin_s * 1e9)
    counts = np.diff(np.searchsorted(times_ns, edges_ns.astype(np.int64)))
    for k, count in enumerate(counts):
        assert has_colour(around(picture, above, (k + 0.5) * bin_s, count), burst_module.DATA)


def test_the_picture_of_an_image_is_its_counts_in_the_colours_of_the_bar(spot):
    image, fit = spot
    figure = image_figure(image, fit, "cmos.csv")
    picture, camera = picture_of(figure), figure.axes[0]
    low, high = figure.axes[3].get_ylim()
    values = fit.values
    model = figure.axes[1]
    for y, x in ((10, 10), (100, 70), (62, 30), (58, 26)):
        mean = gaussian_image(values, image.shape)[y, x]
        expected = colormaps["viridis"]((mean - low) / (high - low))[:3]
        assert has_colour(around(picture, model, x, y, reach=1), expected, tolerance=0.06)
    # The ends of the axes of the outer ellipse, on the camera's image.
    cos, sin = math.cos(values["theta"]), math.sin(values["theta"])
    for sign in (-1, 1):
        x = values["x0"] + sign * 2 * values["sigma_x"] * cos
        y = values["y0"] + sign * 2 * values["sigma_x"] * sin
        pixels = np.concatenate([around(picture, camera, x + d, y, reach=3) for d in (-1, 0, 1)])
        assert has_colour(pixels, "#ff7f00", tolerance=0.3)


def test_the_picture_of_an_overview_has_its_mark_on_the_peak():
    times_ns = pulses()
    bursts = fitted_bursts(times_ns)
    figure = overview_figure(times_ns, np.full(times_ns.size, 9), bursts)
    picture, below = picture_of(figure), figure.axes[1]
    marked = below.get_lines()[-1]
    (x,), (y,) = marked.get_xdata(), marked.get_ydata()
    up = below.transData.inverted().transform(below.transData.transform((x, y)) + np.array([0.0, 5.0]))
    assert has_colour(around(picture, below, *up), "#c8321e")


# Machado, Oliveira and Fernandes (2009): what is seen without one kind of cones, of linear red, green and blue.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(colour: object, blind: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(BLIND[blind]) @ linear, 0.0, 1.0)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    x, y, z = np.cbrt(np.maximum(xyz / (0.9505, 1.0, 1.089), 0.0))
    return np.array([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)])


@pytest.mark.parametrize("blind", BLIND)
def test_colours_are_told_apart_by_the_colour_blind(blind):
    sets = [
        (burst_module.DATA, burst_module.CURVE, burst_module.BACKGROUND),
        tuple(PMT_COLOURS.values()),
        window_module.COLOURS[:4],
        ("#1f4e9c", "#8a949e", "#c8321e"),
    ]
    for colours in sets:
        for i, one in enumerate(colours):
            for other in colours[:i]:
                assert np.linalg.norm(lab(one, blind) - lab(other, blind)) > 15.0, (one, other)


def test_marks_of_bursts_have_the_errors_of_their_t0():
    times_ns = pulses()
    bursts = fitted_bursts(times_ns)
    ((t0_ns, error_ns),) = bursts.select("timestamp_ns", "timestamp_error_ns").iter_rows()
    drawn = draw_overview(Figure().subplots(2, sharex=True), times_ns, np.full(times_ns.size, 9), bursts)
    (segment,) = drawn.burst_errors.get_segments()
    np.testing.assert_allclose(segment[:, 0] * 86400e9, [t0_ns - error_ns, t0_ns + error_ns], rtol=0.0, atol=2e3)
    table = pl.DataFrame({"timestamp": MIDNIGHT + np.arange(-9, 9) * SECOND, "ssd.rate_Hz": np.ones(18)})
    (panel,) = draw_window(Figure().subplots(), table, t0_ns, bursts, {}).panels.values()
    np.testing.assert_allclose(panel.burst_errors.get_segments()[0][:, 0] * 1e9, [-error_ns, error_ns], rtol=1e-6)
