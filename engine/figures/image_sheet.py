"""Camera image, fit and residual side by side: the artists, and the sheet that keeps them for all images of a folder.

The colours of pixels are computed here: matplotlib would resample the numbers first, which takes twice as long. The
colours of the bar of counts do not change, so that only the numbers beside it are painted for each image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse
from matplotlib.text import Text
from numpy.typing import NDArray

from .fitted_image import FittedImage, Image, common_limits
from .labels import as_name
from .sheet import DOTS_PER_INCH, Sheet

__all__ = [
    "COLOURS",
    "NAMES",
    "PLAIN_DECADES",
    "DrawnImage",
    "ImageSheet",
    "figure_texts",
    "prepare",
    "show",
    "show_texts",
]

FARTHEST_PULL = 5.0
"""Limits of the colours of residuals, in standard deviations."""
WIDTHS = ((1, "-"), (2, "--"))
"""Ellipses: size in standard deviations of the spot, and style of the line."""
PLACES = ((0.055, 0.2, 0.25, 0.68), (0.325, 0.2, 0.25, 0.68), (0.67, 0.2, 0.25, 0.68))
BARS = ((0.585, 0.25, 0.012, 0.58), (0.93, 0.25, 0.012, 0.58))
"""Left, bottom, width and height of the images and of the colour bars, in units of the size of the figure."""
NAMES = ("camera", "fit", "camera - fit")
COLOURS, PULL_COLOURS = "viridis", "RdBu_r"
ELLIPSE, TEXT, WARNING = "#ff7f00", "black", "#b00020"
PLAIN_DECADES = (-3, 4)
"""Decades in which numbers beside the bar are written without a common power of ten."""


class DrawnImage(NamedTuple):
    """The artists that `draw_image` drew."""

    camera: AxesImage
    fit: AxesImage
    residual: AxesImage
    ellipses: tuple[Ellipse, Ellipse, Ellipse, Ellipse]
    """At one and two widths of the spot, on the camera image and on the fit; invisible when the fit is not valid."""
    bar: AxesImage
    """The colour bar of counts, as an image in its own axes."""
    pull_bar: Colorbar
    title: Text
    description: Text


class ImageSheet(Sheet):
    """Sheet for figures of `image_figure`, for images of one shape.

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
    (594, 1320, 4)
    (594, 1320, 4)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(12.0, 5.4), dpi=DOTS_PER_INCH)
        # Fixed places: computing a layout takes more time than painting the images.
        panels = [figure.add_axes(place) for place in PLACES]
        bars = [figure.add_axes(place) for place in BARS]
        self._drawn = prepare(panels, bars, shape, *figure_texts(figure))
        self._bar = bars[0]
        frames = [spine for axes in panels for spine in axes.spines.values()]
        camera, fit, residual, ellipses, _, _, title, description = self._drawn
        super().__init__(figure, [camera, fit, residual, *ellipses, *frames, self._bar.yaxis, title, description])

    def show(self, fitted: FittedImage) -> None:
        """Show this image."""
        show(self._drawn, fitted)

    def _paint_ground(self) -> Any:
        limits = self._bar.get_ylim()
        self._bar.set_ylim(0.0, 1.0)  # other limits would move the edge of the bar by rounding
        try:
            return super()._paint_ground()
        finally:
            self._bar.set_ylim(limits)


def prepare(
    panels: Sequence[Axes], bars: Sequence[Axes], shape: tuple[int, ...], title: Text, description: Text
) -> DrawnImage:
    """Draw everything except the data of an image of this shape, into three axes and two for the colour bars."""
    camera, fit, residual = (_empty_image(axes, name, shape) for axes, name in zip(panels, NAMES, strict=True))
    panels[0].set_ylabel("y (px)")
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)
    bar = _draw_bar(bars[0])
    pulls = ScalarMappable(Normalize(-FARTHEST_PULL, FARTHEST_PULL), PULL_COLOURS)
    figure = bars[1].get_figure()
    assert figure is not None
    pull_bar = figure.colorbar(pulls, cax=bars[1], label="standard deviations", extend="both")
    a, b, c, d = (_ellipse(axes, style) for axes in panels[:2] for _, style in WIDTHS)
    return DrawnImage(camera, fit, residual, (a, b, c, d), bar, pull_bar, title, description)


def show(drawn: DrawnImage, fitted: FittedImage, *, width: int | None = None) -> None:
    """Show an image in the prepared artists; `width` is the number of letters in a line of the description."""
    low, high = common_limits(fitted.image, fitted.model, fitted.fit)
    bar = drawn.bar.axes
    assert bar is not None
    bar.set_ylim(low, high)
    drawn.camera.set_data(_colours_of(fitted.image, low, high, COLOURS))
    drawn.fit.set_data(_colours_of(fitted.model, low, high, COLOURS))
    drawn.residual.set_data(_colours_of(fitted.pulls, -FARTHEST_PULL, FARTHEST_PULL, PULL_COLOURS))
    for ellipse, (sigmas, _) in zip(drawn.ellipses, 2 * WIDTHS, strict=True):
        ellipse.set_visible(fitted.fit.valid)
        if fitted.fit.valid:
            values = fitted.fit.values
            ellipse.set_center((values["x0"], values["y0"]))
            ellipse.set_width(2 * sigmas * values["sigma_x"])
            ellipse.set_height(2 * sigmas * values["sigma_y"])
    show_texts(drawn.title, drawn.description, fitted, in_short=False, width=width)


def figure_texts(figure: Figure) -> tuple[Text, Text]:
    """Title and description of a figure, without formulas: the name of a file may contain a dollar sign."""
    title = figure.suptitle(" ", parse_math=False)
    return title, figure.supxlabel(" ", y=0.015, fontsize="medium", parse_math=False)


def show_texts(
    title: Text, description: Text, fitted: FittedImage, *, in_short: bool, width: int | None = None
) -> None:
    """Write the title of an image and the description of its fit."""
    title.set_text(fitted.title)
    as_name(title)
    description.set_text(fitted.description(in_short=in_short, width=width))
    description.set_color(TEXT if fitted.fit.valid else WARNING)


@cache
def _palette(colours: str) -> NDArray[np.uint8]:
    """Red, green, blue and opacity of a colour map, shape (n + 1, 4); the last colour, for nan, is transparent."""
    steps = mpl.colormaps[colours](np.arange(mpl.colormaps[colours].N), bytes=True)
    return np.concatenate((steps, np.zeros((1, 4), np.uint8)))


def _colours_of(values: Image, low: float, high: float, colours: str) -> NDArray[np.uint8]:
    """Colours (red, green, blue, opacity) of values, shape (ny, nx, 4)."""
    palette = _palette(colours)
    known = len(palette) - 1
    steps = np.clip((values - low) * (known / (high - low)), 0, known - 1)
    return palette[np.where(np.isnan(steps), known, steps).astype(np.intp)]


def _empty_image(axes: Axes, name: str, shape: tuple[int, ...]) -> AxesImage:
    image = axes.imshow(np.zeros((*shape, 4), np.uint8), interpolation="nearest")
    axes.set_title(name)
    axes.set_xlabel("x (px)")
    return image


def _draw_bar(axes: Axes) -> AxesImage:
    """A colour bar whose colours do not change; only the limits, and the numbers beside it, do."""
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
