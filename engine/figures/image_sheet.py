"""Camera signal, fit and residual of an image, side by side: the artists, and the sheet that keeps them for a folder.

Colours are looked up here, for matplotlib resamples numbers before it colours them, which takes twice as long. The bar
of counts keeps its colours, so that only the numbers beside it are painted anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray

from .fitted_image import FittedImage, Image, common_limits
from .labels import as_name
from .scale import DrawnScale, prepare_scale, show_scale
from .sheet import DOTS_PER_INCH, Sheet

__all__ = [
    "CLOSER",
    "COLOURS",
    "NAMES",
    "PLAIN_DECADES",
    "DrawnImage",
    "DrawnZoom",
    "ImageSheet",
    "figure_texts",
    "prepare",
    "show",
    "show_texts",
]

FARTHEST_PULL = 5.0
"""Standard deviations at the ends of the colours of residuals."""
WIDTHS: tuple[tuple[int, Literal["-", "--"]], ...] = ((1, "-"), (2, "--"))
"""Ellipses: how many standard deviations of the spot, and how they are drawn."""
LEFT, WIDE, HIGH = (0.08, 0.335, 0.68), 0.235, 0.335
WHOLE_AT, ZOOM_AT = 0.565, 0.165
"""Left, width and height of the panels, and bottoms of their rows, in parts of the figure."""
BARS = ((0.582, 0.575, 0.013, 0.315), (0.925, 0.575, 0.013, 0.315))
"""Left, bottom, width and height of the bars of colours."""
NAMES = ("camera", "fit", "camera - fit")
CLOSER = tuple(f"{name}, around the spot" for name in NAMES)
COLOURS, PULL_COLOURS = "viridis", "RdBu_r"
ELLIPSE, BOX, TEXT, WARNING, OUTSIDE = "#ff7f00", "#ff7f00", "black", "#b00020", "0.85"
PLAIN_DECADES = (-3, 4)
"""Larger and smaller numbers beside the bar have a power of ten in common."""
DESCRIPTION_POINTS = 9.5
LETTERS = 112
"""In a line of the description of a sheet."""


class DrawnZoom(NamedTuple):
    """What `draw_image` drew of the part around the spot; invisible without a spot."""

    camera: AxesImage
    fit: AxesImage
    residual: AxesImage
    ellipses: tuple[Ellipse, ...]
    scale: DrawnScale
    nothing: Text
    """That there is no spot."""


class DrawnImage(NamedTuple):
    """What `draw_image` drew."""

    camera: AxesImage
    fit: AxesImage
    residual: AxesImage
    ellipses: tuple[Ellipse, ...]
    """One and two widths of the spot, on the camera's image and on the fit; invisible while the fit is not valid."""
    bar: AxesImage
    """Colours of the counts, in axes of their own."""
    pull_bar: Colorbar
    title: Text
    description: Text
    legend: Legend
    scale: DrawnScale
    """Invisible while the camera is not known."""
    box: Rectangle
    """What is shown closer; invisible without a spot."""
    zoom: DrawnZoom | None
    """None where there are no axes for it."""


class ImageSheet(Sheet):
    """Sheet of `image_figure`, for images of one shape.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian
    >>> sheet = ImageSheet((40, 30))
    >>> for number in (1, 2):
    ...     image = np.random.default_rng(number).poisson(20.0, (40, 30))
    ...     sheet.show(FittedImage(image, fit_gaussian(image), f"cmos_{number}.csv"))
    ...     sheet.pixels().shape
    (770, 990, 4)
    (770, 990, 4)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(9.0, 7.0), dpi=DOTS_PER_INCH)
        # Fixed places: a layout that is computed costs more time than the pictures.
        panels = [figure.add_axes((left, WHOLE_AT, WIDE, HIGH)) for left in LEFT]
        bars = [figure.add_axes(place) for place in BARS]
        panels += [figure.add_axes((left, ZOOM_AT, WIDE, HIGH)) for left in LEFT]
        drawn = self._drawn = prepare(panels, bars, shape, *figure_texts(figure), figure)
        self._bar = bars[0]
        frames = [spine for axes in panels for spine in axes.spines.values()]
        changing: list[Artist] = [drawn.camera, drawn.fit, drawn.residual, *drawn.ellipses, drawn.box, *drawn.scale]
        if drawn.zoom is not None:
            zoom = drawn.zoom
            changing += [zoom.camera, zoom.fit, zoom.residual, *zoom.ellipses, *zoom.scale, zoom.nothing]
        super().__init__(figure, [*changing, *frames, self._bar.yaxis, drawn.title, drawn.description])

    def show(self, fitted: FittedImage) -> None:
        """Make this the picture."""
        show(self._drawn, fitted, width=LETTERS)

    def _paint_ground(self) -> Any:
        limits = self._bar.get_ylim()
        self._bar.set_ylim(0.0, 1.0)  # rounding of others would move the bar's edge
        try:
            return super()._paint_ground()
        finally:
            self._bar.set_ylim(limits)


def prepare(
    panels: Sequence[Axes],
    bars: Sequence[Axes],
    shape: tuple[int, ...],
    title: Text,
    description: Text,
    figure: Figure | None = None,
) -> DrawnImage:
    """Draw all but the data of an image of this shape into three axes or six, and two for the bars of colours.

    What the ellipses are stands below the panels of a `figure` of one's own, else in the first axes.
    """
    camera, fit, residual = (_empty_image(axes, name, shape) for axes, name in zip(panels[:3], NAMES, strict=True))
    for axes in panels[:3]:
        axes.set_xlabel("x (px)")
    panels[0].set_ylabel("y (px)")
    for axes in panels[1:3]:
        axes.tick_params(labelleft=False)
    bar = _draw_bar(bars[0])
    pulls = ScalarMappable(Normalize(-FARTHEST_PULL, FARTHEST_PULL), PULL_COLOURS)
    of_bars = bars[1].get_figure()
    assert of_bars is not None
    pull_bar = of_bars.colorbar(pulls, cax=bars[1], label="std. deviations", extend="both")
    ellipses = tuple(_ellipse(axes, style) for axes in panels[:2] for _, style in WIDTHS)
    box = Rectangle((0.0, 0.0), 1.0, 1.0, fill=False, edgecolor=BOX, linewidth=1.0, linestyle=":")
    panels[0].add_patch(box)
    zoom = _prepare_zoom(panels[3:]) if len(panels) > 3 else None
    handles = [Line2D([], [], color=ELLIPSE, linestyle=style, linewidth=1.2) for _, style in WIDTHS]
    labels = [f"{sigmas} sigma of the fitted spot" for sigmas, _ in WIDTHS]
    if zoom is not None:
        handles.append(Line2D([], [], color=BOX, linestyle=":", linewidth=1.2))
        labels.append("shown below")
    if figure is None:
        legend = panels[0].legend(handles, labels, loc="upper right", fontsize="x-small", framealpha=0.7)
    else:
        legend = figure.legend(
            handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.1), ncols=3, fontsize="small", frameon=False
        )
    return DrawnImage(
        camera, fit, residual, ellipses, bar, pull_bar, title, description, legend, prepare_scale(panels[0]), box, zoom
    )


def _prepare_zoom(panels: Sequence[Axes]) -> DrawnZoom:
    """Empty panels of what is around a spot; their scale is a bar, for ticks would be painted anew each time."""
    camera, fit, residual = (_empty_image(axes, "", (1, 1)) for axes in panels)
    for axes in panels:
        axes.set(xticks=[], yticks=[], facecolor=OUTSIDE)
    panels[0].set_ylabel("around the spot")
    ellipses = tuple(_ellipse(axes, style) for axes in panels[:2] for _, style in WIDTHS)
    nothing = panels[1].text(0.5, 0.5, "no spot", transform=panels[1].transAxes, ha="center", va="center")
    return DrawnZoom(camera, fit, residual, ellipses, prepare_scale(panels[0]), nothing)


def show(drawn: DrawnImage, fitted: FittedImage, *, width: int | None = None) -> None:
    """Make this image the one that is drawn, with a description of lines of this many letters."""
    low, high = common_limits(fitted.image, fitted.model, fitted.fit)
    bar = drawn.bar.axes
    assert bar is not None
    bar.set_ylim(low, high)
    coloured = (
        _colours_of(fitted.image, low, high, COLOURS),
        _colours_of(fitted.model, low, high, COLOURS),
        _colours_of(fitted.pulls, -FARTHEST_PULL, FARTHEST_PULL, PULL_COLOURS),
    )
    for shown, colours in zip((drawn.camera, drawn.fit, drawn.residual), coloured, strict=True):
        shown.set_data(colours)
    _place_ellipses(drawn.ellipses, fitted)
    drawn.legend.set_visible(fitted.fit.valid or drawn.zoom is not None)
    show_scale(drawn.scale, fitted.image.shape[1], fitted.pixel_mm, only_mm=True)
    drawn.box.set_visible(fitted.zoom is not None and drawn.zoom is not None)
    if drawn.zoom is not None:
        _show_zoom(drawn.zoom, drawn.box, fitted, coloured)
    show_texts(drawn.title, drawn.description, fitted, in_short=False, width=width)


def _show_zoom(drawn: DrawnZoom, box: Rectangle, fitted: FittedImage, coloured: Sequence[NDArray[np.uint8]]) -> None:
    images = (drawn.camera, drawn.fit, drawn.residual)
    for artist in (*images, *drawn.scale):
        artist.set_visible(fitted.zoom is not None)
    drawn.nothing.set_visible(fitted.zoom is None)
    _place_ellipses(drawn.ellipses, fitted)
    if fitted.zoom is None:
        return
    rows, columns = fitted.zoom
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    side = max(rows.stop - rows.start, columns.stop - columns.start)
    middle = 0.5 * (extent[0] + extent[1]), 0.5 * (extent[2] + extent[3])
    for shown, colours in zip(images, coloured, strict=True):
        shown.set_data(colours[rows, columns])
        shown.set_extent(extent)
        assert shown.axes is not None
        shown.axes.set(
            xlim=(middle[0] - side / 2, middle[0] + side / 2), ylim=(middle[1] + side / 2, middle[1] - side / 2)
        )
    box.set_bounds(extent[0], extent[3], extent[1] - extent[0], extent[2] - extent[3])
    show_scale(drawn.scale, side, fitted.pixel_mm)


def _place_ellipses(ellipses: Sequence[Ellipse], fitted: FittedImage) -> None:
    values = fitted.fit.values
    for ellipse, (sigmas, _) in zip(ellipses, 2 * WIDTHS, strict=True):
        ellipse.set_visible(fitted.fit.valid)
        if fitted.fit.valid:
            ellipse.set_center((values["x0"], values["y0"]))
            ellipse.set_width(2 * sigmas * values["sigma_x"])
            ellipse.set_height(2 * sigmas * values["sigma_y"])
            ellipse.set_angle(math.degrees(values.get("theta", 0.0)))


def figure_texts(figure: Figure) -> tuple[Text, Text]:
    """Title and description of a figure: as they are, for the name of a file may hold a dollar."""
    title = figure.suptitle(" ", parse_math=False, fontsize="medium", y=0.995)
    return title, figure.supxlabel(" ", y=0.012, fontsize=DESCRIPTION_POINTS, parse_math=False)


def show_texts(
    title: Text, description: Text, fitted: FittedImage, *, in_short: bool, width: int | None = None
) -> None:
    """Write the title of an image and the description of its fit."""
    title.set_text(fitted.heading)
    as_name(title)
    description.set_text(fitted.description(in_short=in_short, width=width))
    description.set_color(TEXT if fitted.fit.valid or fitted.shows_no_atoms else WARNING)


@cache
def _palette(colours: str) -> NDArray[np.uint8]:
    """Red, green, blue and opacity of the colours of a map, shape (n + 1, 4); the last one, that of nan, is none."""
    steps = mpl.colormaps[colours](np.arange(mpl.colormaps[colours].N), bytes=True)
    return np.concatenate((steps, np.zeros((1, 4), np.uint8)))


def _colours_of(values: Image, low: float, high: float, colours: str) -> NDArray[np.uint8]:
    """Colours of values, shape (ny, nx, 4)."""
    palette = _palette(colours)
    known = len(palette) - 1
    steps = np.clip((values - low) * (known / (high - low)), 0, known - 1)
    return palette[np.where(np.isnan(steps), known, steps).astype(np.intp)]


def _empty_image(axes: Axes, name: str, shape: tuple[int, ...]) -> AxesImage:
    image = axes.imshow(np.zeros((*shape, 4), np.uint8), interpolation="nearest")
    axes.set_title(name, fontsize="medium")
    return image


def _draw_bar(axes: Axes) -> AxesImage:
    """A bar of colours that stays as it is while the numbers beside it change."""
    gradient = _palette(COLOURS)[:-1, np.newaxis]
    bar = axes.imshow(gradient, aspect="auto", origin="lower", extent=(0, 1, 0, 1), transform=axes.transAxes)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.set_ylabel("counts per pixel")
    axes.ticklabel_format(axis="y", scilimits=PLAIN_DECADES)
    return bar


def _ellipse(axes: Axes, style: str) -> Ellipse:
    ellipse = Ellipse((0.0, 0.0), 1.0, 1.0, fill=False, edgecolor=ELLIPSE, linewidth=1.0, linestyle=style)
    axes.add_patch(ellipse)
    return ellipse
