"""Figures of a camera image and its fit: signal beside fit beside residual, and the view in three dimensions.

Each is the figure of a sheet for images of one shape, which an analysis keeps for all its images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Ellipse
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullLocator
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from numpy.typing import NDArray

from ..fits.images.fit import gaussian_image
from ..fits.result import Fit, rounded
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["FittedImage", "ImageSheet", "SurfaceSheet", "image_figure", "image_figure_3d"]

FARTHEST_PULL = 5.0
PLACES = ((0.055, 0.2, 0.25, 0.68), (0.325, 0.2, 0.25, 0.68), (0.67, 0.2, 0.25, 0.68))
BARS = ((0.585, 0.25, 0.012, 0.58), (0.93, 0.25, 0.012, 0.58))
"""Left, bottom, width and height of the images and of the bars of colours, in parts of the figure."""
NAMES = ("camera", "fit", "camera - fit")
COLOURS, PULL_COLOURS = "viridis", "RdBu_r"
PLAIN_DECADES = (-3, 4)  # larger and smaller numbers beside the bar have a power of ten in common
MOST_TICKS = 5
MOST_SURFACE_POINTS = 40  # along a side of the surface: more are slow and no clearer
COMMON, THEIR_VARIANCE = 0.99, 0.925
"""Part of the pixels, those with the smallest residuals, that tell how wide residuals are; and the variance of such a
part of a standard normal distribution."""
SHOWN = (
    ("A", "counts"),
    ("x0", "px"),
    ("y0", "px"),
    ("sigma_x", "px"),
    ("sigma_y", "px"),
    ("C", "counts/px"),
    ("s", ""),
)

Image = NDArray[np.int64] | NDArray[np.float64]
Floats = NDArray[np.float64]


def image_figure(image: Image, fit: Fit, title: str, *, reference: Image | None = None) -> Figure:
    """Draw camera signal, fit and residual side by side.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    fit : Fit
        Of `fit_gaussian`.
    title : str
    reference : array, optional
        The one that was fitted with it.

    Returns
    -------
    Figure
    """
    sheet = ImageSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference))
    return sheet.figure


def image_figure_3d(image: Image, fit: Fit, title: str, *, reference: Image | None = None) -> Figure:
    """Draw camera signal and fit as surfaces over the image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts; averaged over blocks of pixels where it is large.
    fit : Fit
    title : str
    reference : array, optional
        The one that was fitted with it.

    Returns
    -------
    Figure
    """
    sheet = SurfaceSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference))
    return sheet.figure


@dataclass(frozen=True, eq=False)
class FittedImage:
    """What the figures of one image share; see `image_figure`."""

    image: Image
    fit: Fit
    title: str
    reference: Image | None = None

    @cached_property
    def model(self) -> Floats:
        """Mean counts as fitted."""
        return gaussian_image(self.fit.values, self.image.shape, self.reference)

    @cached_property
    def pulls(self) -> Floats:
        """Residuals in standard deviations."""
        pulls = (self.image - self.model) / np.sqrt(np.maximum(self.model, 1e-9))
        # Gain and the noise of references make all of them wider; hot pixels say nothing of that.
        squares = np.sort(np.square(pulls), axis=None)[: math.ceil(COMMON * pulls.size)]
        spread = math.sqrt(float(np.mean(squares)) / THEIR_VARIANCE)
        return np.asarray(pulls / spread if spread > 0.0 else pulls)

    def description(self, *, in_short: bool) -> str:
        """The fit in words: all of it, or how many counts."""
        fit = self.fit
        if not fit.valid:
            return f"NOT VALID: {fit.reason}"
        significance = f"significance {fit.significance:.1f}"
        shown = SHOWN[:1] if in_short else [(name, unit) for name, unit in SHOWN if name in fit.values]
        parts = [f"{name} = {_told(fit.values[name], fit.errors[name])} {unit}".rstrip() for name, unit in shown]
        if in_short:
            return f"{parts[0]},  {significance}"
        quality = f"{significance}, deviance / ndof = {fit.deviance / fit.ndof:.3f}"
        return f"{',  '.join(parts[:3])},  {quality}\n{',  '.join(parts[3:])}"


def _told(value: float, error: float) -> str:
    """A number with its error; place and widths may have been given."""
    return f"{value:.2f} (given)" if error == 0.0 else " +- ".join(rounded(value, error))


class ImageSheet(Sheet):
    """Sheet of `image_figure`, for images of one shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(12.0, 5.4), dpi=DOTS_PER_INCH)
        # Fixed places: a layout that is computed costs more time than the pictures.
        panels = [figure.add_axes(place) for place in PLACES]
        self._bar, pull_bar = (figure.add_axes(place) for place in BARS)
        self._images = [_empty_image(axes, name, shape) for axes, name in zip(panels, NAMES, strict=True)]
        panels[0].set_ylabel("y (px)")
        for axes in panels[1:]:
            axes.set_yticklabels([])
        _draw_bar(self._bar)
        pulls = ScalarMappable(Normalize(-FARTHEST_PULL, FARTHEST_PULL), PULL_COLOURS)
        figure.colorbar(pulls, cax=pull_bar, label="standard deviations", extend="both")
        self._ellipses = [
            (sigmas, _ellipse(axes, style)) for axes in panels[:2] for sigmas, style in ((1, "-"), (2, "--"))
        ]
        self._title, self._description = _texts(figure)
        frames = [spine for axes in panels for spine in axes.spines.values()]
        ellipses = [ellipse for _, ellipse in self._ellipses]
        changing = [*self._images, *ellipses, *frames, self._bar.yaxis, self._title, self._description]
        super().__init__(figure, changing)

    def show(self, fitted: FittedImage) -> None:
        """Make this the picture."""
        low, high = _limits(fitted.image, fitted.model, fitted.fit)
        self._bar.set_ylim(low, high)
        camera, fit, residual = self._images
        camera.set_data(_coloured(fitted.image, low, high, COLOURS))
        fit.set_data(_coloured(fitted.model, low, high, COLOURS))
        residual.set_data(_coloured(fitted.pulls, -FARTHEST_PULL, FARTHEST_PULL, PULL_COLOURS))
        for sigmas, ellipse in self._ellipses:
            ellipse.set_visible(fitted.fit.valid)
            if fitted.fit.valid:
                values = fitted.fit.values
                ellipse.set_center((values["x0"], values["y0"]))
                ellipse.set_width(2 * sigmas * values["sigma_x"])
                ellipse.set_height(2 * sigmas * values["sigma_y"])
        _tell(self._title, self._description, fitted)

    def _painted_ground(self) -> Any:
        limits = self._bar.get_ylim()
        self._bar.set_ylim(0.0, 1.0)  # rounding of others would move the bar's edge
        try:
            return super()._painted_ground()
        finally:
            self._bar.set_ylim(limits)


class SurfaceSheet(Sheet):
    """Sheet of `image_figure_3d`, for images of one shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(12.0, 6.0), dpi=DOTS_PER_INCH)
        figure.subplots_adjust(left=0.0, right=0.95, bottom=0.13, top=0.92, wspace=0.05)
        self._block = (-(-shape[0] // MOST_SURFACE_POINTS), -(-shape[1] // MOST_SURFACE_POINTS))
        y, x = (
            np.arange(n // step, dtype=np.float64) * step + 0.5 * (step - 1)
            for n, step in zip(shape, self._block, strict=True)
        )
        self._x, self._y = np.meshgrid(x, y)
        self._views = [_empty_view(figure, place, name, x, y) for place, name in enumerate(NAMES[:2], start=1)]
        self._title, self._description = _texts(figure)
        super().__init__(figure, [*(surface for _, surface in self._views), self._title, self._description])

    def show(self, fitted: FittedImage) -> None:
        """Make this the picture."""
        heights = _averaged(fitted.image, self._block), _averaged(fitted.model, self._block)
        low, high = _limits(*heights, fitted.fit)
        for (axes, surface), z in zip(self._views, heights, strict=True):
            axes.set_zlim(low, high)
            quads = _quads(np.stack((self._x, self._y, z), axis=-1))
            surface.set_verts(quads)
            surface.set_array(quads[..., 2].mean(axis=1))
            surface.set_clim(low, high)
        _tell(self._title, self._description, fitted, in_short=True)

    def _painted_ground(self) -> Any:
        axes_of_z = [axes.zaxis for axes, _ in self._views]
        locators = [axis.get_major_locator() for axis in axes_of_z]
        # An axis in space is drawn even where it is not visible. Its label does not move.
        try:
            for axis in axes_of_z:
                axis.set_major_locator(NullLocator())
                axis.line.set_visible(False)
            return super()._painted_ground()
        finally:
            for axis, locator in zip(axes_of_z, locators, strict=True):
                axis.set_major_locator(locator)
                axis.line.set_visible(True)

    def _paint_changes(self, renderer: Any) -> None:
        for axes, surface in self._views:
            axes.M = axes.get_proj()  # as in the drawing of the axes: the limits of z have changed
            axes.invM = np.linalg.inv(axes.M)
            axes.zaxis.draw_grid(renderer)
            axes.zaxis.label.set_visible(False)
            try:
                axes.zaxis.draw(renderer)
            finally:
                axes.zaxis.label.set_visible(True)
            surface.do_3d_projection()
            surface.draw(renderer)
        for text in (self._title, self._description):
            text.draw(renderer)


def _limits(image: Image, model: Floats, fit: Fit) -> tuple[float, float]:
    """Common scale: of the spot where there is one, else of the image without its hot pixels."""
    low, high = np.quantile(image, (0.001, 0.999))
    top = max(float(high), float(model.max())) if fit.valid else float(high)
    return float(low), max(top, float(low) + 1.0)


def _averaged(image: Image, block: tuple[int, int]) -> Floats:
    """Means over blocks of pixels; what is left over at the ends is left out."""
    rows, columns = (n // step for n, step in zip(image.shape, block, strict=True))
    blocks = image[: rows * block[0], : columns * block[1]].reshape(rows, block[0], columns, block[1])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def _quads(points: Floats) -> Floats:
    """Faces between neighbouring points, shape (n, 4, 3)."""
    corners = (points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:])
    return np.stack(corners, axis=2).reshape(-1, 4, 3)


@cache
def _palette(colours: str) -> NDArray[np.uint8]:
    """Red, green, blue and opacity of the colours of a map, shape (n + 1, 4); the last one, that of nan, is none."""
    steps = mpl.colormaps[colours](np.arange(mpl.colormaps[colours].N), bytes=True)
    return np.concatenate((steps, np.zeros((1, 4), np.uint8)))


def _coloured(values: Image, low: float, high: float, colours: str) -> NDArray[np.uint8]:
    """Colours of values, shape (ny, nx, 4): half of the time that matplotlib takes for numbers, which it resamples."""
    palette = _palette(colours)
    known = len(palette) - 1
    steps = np.clip((values - low) * (known / (high - low)), 0, known - 1)
    return palette[np.where(np.isnan(steps), known, steps).astype(np.intp)]


def _empty_image(axes: Axes, name: str, shape: tuple[int, ...]) -> AxesImage:
    image = axes.imshow(np.zeros((*shape, 4), np.uint8), interpolation="nearest")
    axes.set_title(name)
    axes.set_xlabel("x (px)")
    return image


def _empty_view(figure: Figure, place: int, name: str, x: Floats, y: Floats) -> tuple[Axes3D, Poly3DCollection]:
    axes = figure.add_subplot(1, 2, place, projection="3d")
    assert isinstance(axes, Axes3D)
    surface = Poly3DCollection(np.zeros((1, 4, 3)), cmap=COLOURS, linewidth=0, antialiased=False)
    axes.add_collection3d(surface)
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")
    axes.set_zlabel("counts per pixel")
    axes.set_title(name)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(MOST_TICKS))
    axes.ticklabel_format(axis="z", scilimits=PLAIN_DECADES)
    axes.view_init(elev=32, azim=-60)
    return axes, surface


def _draw_bar(bar: Axes) -> None:
    """A bar of colours that stays as it is while the numbers beside it change."""
    gradient = _palette(COLOURS)[:-1, np.newaxis]
    bar.imshow(gradient, aspect="auto", origin="lower", extent=(0, 1, 0, 1), transform=bar.transAxes)
    bar.set_xticks([])
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_ylabel("counts per pixel")
    bar.ticklabel_format(axis="y", scilimits=PLAIN_DECADES)


def _ellipse(axes: Axes, style: str) -> Ellipse:
    ellipse = Ellipse((0.0, 0.0), 1.0, 1.0, fill=False, edgecolor="#ff7f00", linewidth=1.0, linestyle=style)
    axes.add_patch(ellipse)
    return ellipse


def _texts(figure: Figure) -> tuple[Text, Text]:
    """Title and description: as they are, for the name of a file may hold a dollar."""
    title = figure.suptitle(" ", parse_math=False)
    return title, figure.supxlabel(" ", y=0.015, fontsize="medium", parse_math=False)


def _tell(title: Text, description: Text, fitted: FittedImage, *, in_short: bool = False) -> None:
    title.set_text(fitted.title)
    description.set_text(fitted.description(in_short=in_short))
    description.set_color("black" if fitted.fit.valid else "#b00020")
