"""Figures are drawn into the axes that they are given, and leave everything else of their figure as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from utokyo import InputError, find_bad_pixels, find_bursts, fit_burst, fit_gaussian, fit_lifetime, gaussian_image
from utokyo.engine.figures.axes import figure_of
from utokyo.engine.figures.bad_pixels import bad_pixels_figure, draw_bad_pixels
from utokyo.engine.figures.dates import set_dates
from utokyo.engine.figures.image import draw_image, draw_image_3d, image_figure, image_figure_3d
from utokyo.engine.figures.mot_number import draw_mot_number, mot_number_figure
from utokyo.engine.figures.pmt import draw_pmt, pmt_figure
from utokyo.engine.figures.ssd import burst_figure, draw_burst, draw_overview, overview_figure
from utokyo.engine.figures.window import draw_window, panels_of, window_figure

START_NS = 1_663_504_000_000_000_000


@dataclass(frozen=True)
class Case:
    """A figure: how many axes it needs, and how it is drawn into them."""

    number: int
    figure: Callable[..., Figure]
    draw: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    projection: str | None = None


@cache
def pulses() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(51)
    times_s = np.append(random.uniform(0.0, 60.0, 3000), 20.0 + random.exponential(1.0, 500))
    return START_NS + np.sort((times_s * 1e9).astype(np.int64)), random.integers(2400, 2500, times_s.size)


@cache
def burst() -> tuple[Any, ...]:
    times_ns, _ = pulses()
    row = find_bursts(times_ns).row(0, named=True)
    return times_ns, row, fit_burst(times_ns, row)


def current(rows: int) -> tuple[Any, ...]:
    names = ("current_on", "current_off", "difference")
    result = {f"{n}_A": 2e-13 for n in names} | {f"{n}_error_A": 1e-14 for n in names}
    currents = np.random.default_rng(2).normal(1e-13, 1e-13, rows)
    return START_NS + np.arange(rows) * 400_000_000, currents, np.arange(rows) % 80 < 40, result, "all_data.csv"


def mot_numbers() -> tuple[Any, ...]:
    times_ns = START_NS + np.arange(30) * 1_000_000_000
    numbers = 1e5 * np.exp(-np.arange(30) / 12.0) + np.random.default_rng(4).normal(0.0, 3e3, 30)
    results = pl.DataFrame({"timestamp_ns": times_ns, "mot_number": numbers, "mot_number_unc": np.full(30, 3e3)})
    results = results.with_columns(fit_successful=pl.col("mot_number") > 2e4)
    unseen = pl.when(pl.int_range(pl.len()) % 7 == 6).then(None).otherwise(pl.col("mot_number"))
    lifetime = fit_lifetime(*results.select("timestamp_ns", "mot_number", "mot_number_unc"))
    return results.with_columns(mot_number=unseen), "cmos", lifetime


def bad_pixels() -> tuple[Any, ...]:
    image = np.random.default_rng(1).poisson(100.0, (60, 50))
    image[10, 20], image[40, 30] = 5000, 0
    return find_bad_pixels(image), "cmos_000001.csv"


@cache
def image(amplitude: float) -> tuple[Any, ...]:
    spot = {"A": amplitude, "x0": 20.0, "y0": 30.0, "sigma_x": 4.0, "sigma_y": 6.0, "C": 20.0}
    counts = np.random.default_rng(1).poisson(gaussian_image(spot, (60, 50)))
    return counts, fit_gaussian(counts), "cmos_$1$.csv"


def window() -> tuple[Any, ...]:
    """A minute in which all sources were joined."""
    second = np.arange(60.0)
    table = pl.DataFrame(
        {
            "timestamp": START_NS + second.astype(np.int64) * 1_000_000_000,
            "heater.target_percent": np.where(second > 20, 42.0, 10.0),
            "heater.measured_percent": np.where(second > 21, 42.0, 10.0),
            "ssd.rate_Hz": 50.0 + 200.0 * (second == 25.0),
            "coil.on": (second > 15) & (second < 50),
            "pmt.current_A": 1e-13 * np.sin(second),
            "pmt.current_error_A": np.full(60, 1e-14),
            "image.mot_number": np.where(second > 30, 14_000.0 - 100.0 * (second > 40), np.nan),
            "image.mot_number_unc": np.full(60, 900.0),
            "gauge.Neut.": 10.0 ** (-9.0 + second / 20.0),
            "gauge.Rb disp.": np.full(60, 1e-8),
            "ion.FC": 2.0 + np.sin(second / 9.0),
        }
    )
    event_ns = START_NS + 20_000_000_000
    return (
        table,
        event_ns,
        pl.DataFrame({"timestamp_ns": [event_ns + 5_000_000_000]}),
        {"gauge.Neut.": "Pa"},
        "number 1",
    )


def drawn_with_title(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Called as the figure is, with the title as the last argument."""
    return lambda axes, *arguments: draw(axes, *arguments[:-1], title=arguments[-1])


CASES = {
    "overview": Case(2, overview_figure, draw_overview, lambda: (*pulses(), find_bursts(pulses()[0]))),
    "overview of nothing": Case(2, overview_figure, draw_overview, lambda: ([], [])),
    "burst": Case(2, burst_figure, draw_burst, burst),
    "burst without a fit": Case(
        2, burst_figure, draw_burst, lambda: (burst()[0][:5], burst()[1], fit_burst(burst()[0][:5], burst()[1]))
    ),
    "PMT": Case(3, pmt_figure, drawn_with_title(draw_pmt), lambda: current(2000)),
    "PMT without readings": Case(3, pmt_figure, drawn_with_title(draw_pmt), lambda: current(0)),
    "MOT number": Case(1, mot_number_figure, draw_mot_number, mot_numbers),
    "MOT number of nothing": Case(
        1, mot_number_figure, draw_mot_number, lambda: (mot_numbers()[0][:0], "cmos", mot_numbers()[2])
    ),
    "image": Case(3, image_figure, draw_image, lambda: image(3e4)),
    "image and its spot": Case(6, image_figure, draw_image, lambda: image(3e4)),
    "image without atoms": Case(3, image_figure, draw_image, lambda: image(0.0)),
    "surfaces": Case(2, image_figure_3d, draw_image_3d, lambda: image(3e4), "3d"),
    "window": Case(7, window_figure, draw_window, window),
    "window without rows": Case(7, window_figure, draw_window, lambda: (window()[0][:0], *window()[1:])),
    "window of nothing": Case(
        1, window_figure, draw_window, lambda: (window()[0].select("timestamp"), 0, pl.DataFrame(), {}, "number 2")
    ),
    "bad pixels": Case(1, bad_pixels_figure, draw_bad_pixels, bad_pixels),
}


def page(number: int, projection: str | None) -> tuple[Figure, Axes, list[Axes]]:
    """Somebody's figure: a line of his in the left half, and empty axes in the right one."""
    figure = Figure(figsize=(14.0, 9.0))
    figure.suptitle("a page")
    other = figure.add_axes((0.05, 0.1, 0.3, 0.8))
    other.plot([0.0, 1.0], [0.0, 1.0], label="a line")
    other.legend()
    height = 0.85 / number
    places = [(0.55, 0.1 + (number - 1 - k) * height, 0.3, 0.6 * height) for k in range(number)]
    return figure, other, [figure.add_axes(place, projection=projection) for place in places]


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def artists_of(drawn: Any) -> Iterator[Artist]:
    """All artists that a drawing returned, however it names them."""
    if isinstance(drawn, Artist):
        yield drawn
    elif isinstance(drawn, Colorbar):
        yield drawn.ax
    elif isinstance(drawn, Mapping):
        yield from artists_of(tuple(drawn.values()))
    elif isinstance(drawn, tuple | list):
        for part in drawn:
            yield from artists_of(part)
    elif is_dataclass(drawn):
        yield from artists_of(tuple(getattr(drawn, field.name) for field in fields(drawn)))


@pytest.mark.parametrize("name", CASES)
def test_the_rest_of_the_figure_stays_as_it_is(name):
    case = CASES[name]
    figure, other, given = page(case.number, case.projection)
    for axes in given:
        axes.set_visible(False)
    before, children = pixels(figure), len(other.get_children())
    places = [axes.get_position(original=True).bounds for axes in given]

    assert case.figure(*case.arguments(), axes=given) is figure

    assert figure.axes == [other, *given]
    assert len(other.get_children()) == children
    assert [axes.get_position(original=True).bounds for axes in given] == places
    assert figure.get_size_inches().tolist() == [14.0, 9.0]
    assert figure.get_suptitle() == "a page"
    assert (figure.get_supxlabel(), figure.get_supylabel(), figure.legends) == ("", "", [])
    assert len(figure.texts) == 1
    assert figure.get_layout_engine() is None
    np.testing.assert_array_equal(pixels(figure), before)
    for axes in given:
        axes.set_visible(True)
    middle = before.shape[1] * 4 // 10
    after = pixels(figure)
    np.testing.assert_array_equal(after[:, :middle], before[:, :middle])
    assert np.any(after[:, middle:] != before[:, middle:])


@pytest.mark.parametrize("name", CASES)
def test_what_was_drawn_is_returned_and_stands_in_the_given_axes(name):
    case = CASES[name]
    _, _, given = page(case.number, case.projection)
    empty = {id(artist) for axes in given for artist in axes.get_children()}

    drawn = case.draw(given, *case.arguments())

    insets = [inset for axes in given for inset in axes.child_axes]
    found = list(artists_of(drawn))
    for artist in found:
        assert artist.axes in [*given, *insets]
    # Every line, image, surface and bar of colours has a name: only texts and lines of axes themselves need none.
    named = {id(artist) for artist in found}
    drawn_into = [artist for axes in given for artist in (*axes.lines, *axes.images, *axes.collections, *axes.patches)]
    unnamed = [artist for artist in drawn_into if id(artist) not in named | empty]
    assert not unnamed


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.projection is None])
def test_a_layout_makes_room_for_all_that_was_drawn(name):
    case = CASES[name]
    across = case.number <= 3
    shape, size = ((1, case.number), (14.0, 10.0)) if across else ((case.number, 1), (7.0, 3.0 * case.number))
    figure = Figure(figsize=size, layout="constrained")
    given = figure.subplots(*shape, squeeze=False)

    case.figure(*case.arguments(), axes=given)

    figure.draw_without_rendering()  # or it warns that there is no room
    extents = [axes.get_tightbbox() for axes in given.flat]
    assert all(a.x1 <= b.x0 + 1.0 if across else a.y0 >= b.y1 - 1.0 for a, b in pairwise(extents))
    assert all(figure.bbox.x0 <= e.x0 and e.x1 <= figure.bbox.x1 for e in extents)
    assert all(figure.bbox.y0 <= e.y0 and e.y1 <= figure.bbox.y1 for e in extents)


@pytest.mark.parametrize("name", CASES)
def test_another_number_of_axes_is_refused(name):
    case = CASES[name]
    _, _, given = page(case.number + 1, case.projection)
    with pytest.raises(InputError, match=rf"drawn into {case.number} axes \(.*\), not into {case.number + 1}"):
        case.figure(*case.arguments(), axes=given)


@pytest.mark.parametrize("given", ["axes", None, [Figure()], [None, None]])
def test_what_is_no_axes_is_refused(given):
    with pytest.raises(InputError, match="a burst is drawn into axes of a figure, not into"):
        draw_burst(given, *burst())


def test_axes_that_were_removed_are_refused():
    pair = Figure().subplots(2)
    pair[0].remove()
    with pytest.raises(InputError, match="axes of a figure"):
        draw_burst(pair, *burst())


def test_a_part_of_a_figure_and_an_array_of_axes_will_do():
    figure = Figure(layout="constrained")
    _, part = figure.subfigures(1, 2)
    pair = part.subplots(2, 1, squeeze=False)
    assert burst_figure(*burst(), axes=pair) is figure
    assert overview_figure(*pulses(), axes=part.subplots(2)) is figure
    assert figure_of(pair) is figure
    pixels(figure)


def test_axes_that_do_not_share_x_show_the_same_times():
    above, below = Figure().subplots(2)
    draw_burst((above, below), *burst())
    assert above.get_xlim() == below.get_xlim()
    above, below = Figure().subplots(2)
    draw_overview((above, below), *pulses())
    assert above.get_xlim() == below.get_xlim()
    panels = Figure().subplots(7)
    draw_window(panels, *window())
    assert {axes.get_xlim() for axes in panels} == {(-20.0, 40.0)}
    for axes in (above, below):
        assert any(":" in label for label in axes.xaxis.get_major_formatter().format_ticks(axes.get_xticks()))


def test_a_burst_in_axes_of_the_same_places_is_the_same_picture():
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    pair = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1.0))
    burst_figure(*burst(), title="ssd.csv", axes=pair)
    np.testing.assert_array_equal(pixels(figure), pixels(burst_figure(*burst(), title="ssd.csv")))


def test_axes_without_a_list_around_them_will_do():
    for name in ("MOT number", "bad pixels"):
        axes = Figure().subplots()
        assert CASES[name].figure(*CASES[name].arguments(), axes=axes) is axes.figure


def test_titles_go_on_the_given_axes():
    on, off, beside = Figure().subplots(3)
    pmt_figure(*current(200), axes=(on, off, beside))
    assert on.get_title(loc="left") == "PMT current, all_data.csv"
    axes = Figure().subplots(7)
    window_figure(*window(), axes=axes)
    assert axes[0].get_title(loc="left") == "number 1, 2022-09-18 12:27:00"
    axes = Figure().subplots()
    bad_pixels_figure(bad_pixels()[0], "cmos_$1$.csv", axes=axes)
    assert axes.title.get_parse_math() is False
    assert axes.get_title() == "bad pixels, cmos_$1$.csv"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["hot: 1", "dead: 1"]


def test_an_image_in_given_axes_has_the_name_of_the_file_and_says_what_was_fitted():
    panels = Figure().subplots(1, 3)
    drawn = draw_image(panels, *image(3e4))
    assert [axes.get_title() for axes in panels] == ["cmos_$1$.csv", "fit", "camera - fit"]
    assert drawn.title is panels[0].title
    assert drawn.description.axes is panels[1]
    assert "sigma_y = " in drawn.description.get_text()
    assert all(ellipse.get_visible() for ellipse in drawn.ellipses)
    assert draw_image(Figure().subplots(1, 3), *image(3e4)[:2]).title.get_text() == "camera"
    faint = draw_image(Figure().subplots(1, 3), *image(0.0))
    assert faint.description.get_text().startswith("no atoms,  A < ")
    assert faint.description.get_color() == "black"
    assert not any(ellipse.get_visible() for ellipse in faint.ellipses)


def test_given_axes_show_the_same_pixels_as_a_sheet():
    drawn = draw_image(Figure().subplots(1, 3), *image(3e4))
    own = image_figure(*image(3e4))
    for artist, axes in zip((drawn.camera, drawn.fit, drawn.residual), own.axes, strict=False):
        np.testing.assert_array_equal(artist.get_array(), axes.images[0].get_array())
    assert drawn.bar.axes.get_ylim() == own.axes[3].get_ylim()


def test_a_layout_takes_surfaces():
    figure = Figure(figsize=(22.0, 26.0), layout="constrained")
    part = figure.subfigures(4, 2)[0, 0]
    image_figure_3d(*image(3e4), axes=part.subplots(1, 2, subplot_kw={"projection": "3d"}))
    figure.draw_without_rendering()  # or it warns that there is no room


def test_surfaces_need_axes_in_three_dimensions():
    with pytest.raises(InputError, match="projection='3d'"):
        image_figure_3d(*image(3e4), axes=Figure().subplots(1, 2))


def test_the_panels_of_a_table_say_how_many_axes_a_window_needs():
    table, *rest = window()
    panels = panels_of(table)
    figure = Figure()
    axes = figure.subplots(len(panels), sharex=True, height_ratios=[panel.height for panel in panels])

    drawn = draw_window(axes, table, *rest)

    assert list(drawn.panels) == list(panels)
    for (panel, columns), one in zip(panels.items(), axes, strict=True):
        assert list(drawn.panels[panel].columns) == columns
        assert drawn.panels[panel].event.axes is one


def test_dates_are_written_along_every_axes():
    pair = Figure().subplots(2)
    for axes in pair:
        axes.plot(np.array([0, 3_600_000_000_000]).astype("datetime64[ns]"), [0.0, 1.0])
    set_dates(pair)
    for axes in pair:
        assert "00:30" in axes.xaxis.get_major_formatter().format_ticks(axes.get_xticks())
