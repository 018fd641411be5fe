"""Camera image and fit as surfaces: the artists, and the sheet that keeps them for all images of a folder.

Images are averaged over blocks of pixels: more points along a side take longer, and show no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullLocator
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from .fitted_image import FittedImage, Floats, Image, common_limits
from .image_sheet import COLOURS, NAMES, PLAIN_DECADES, figure_texts, show_texts
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["DrawnSurfaces", "SurfaceSheet", "prepare", "show"]

MOST_POINTS = 40
"""Most points along a side of the surface."""
MOST_TICKS = 5
ELEVATION_DEG, AZIMUTH_DEG = 32, -60
"""Direction from which the surfaces are seen, degrees."""


class DrawnSurfaces(NamedTuple):
    """The artists that `draw_image_3d` drew."""

    camera: Poly3DCollection
    fit: Poly3DCollection
    title: Text
    description: Text


class SurfaceSheet(Sheet):
    """Sheet for figures of `image_figure_3d`, for images of one shape.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> sheet = SurfaceSheet((40, 30))
    >>> sheet.show(FittedImage(image, fit_gaussian(image), "cmos_000001.csv"))
    >>> sheet
    SurfaceSheet(1320 x 660 pixels, 4 of its artists change)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(12.0, 6.0), dpi=DOTS_PER_INCH)
        figure.subplots_adjust(left=0.0, right=0.95, bottom=0.13, top=0.92, wspace=0.05)
        self._views = [figure.add_subplot(1, 2, place, projection="3d") for place in (1, 2)]
        self._drawn = prepare(self._views, shape, *figure_texts(figure))
        super().__init__(figure, self._drawn)

    def show(self, fitted: FittedImage) -> None:
        """Show this image."""
        show(self._drawn, fitted)

    def _paint_ground(self) -> Any:
        axes_of_z = [axes.zaxis for axes in self._views]
        locators = [axis.get_major_locator() for axis in axes_of_z]
        # An axis in three dimensions is drawn even when it is invisible. Its label does not change.
        try:
            for axis in axes_of_z:
                axis.set_major_locator(NullLocator())
                axis.line.set_visible(False)
            return super()._paint_ground()
        finally:
            for axis, locator in zip(axes_of_z, locators, strict=True):
                axis.set_major_locator(locator)
                axis.line.set_visible(True)

    def _paint_changes(self, renderer: Any) -> None:
        for axes, surface in zip(self._views, self._drawn[:2], strict=True):
            axes.M = axes.get_proj()  # as matplotlib does when it draws the axes: the limits of z have changed
            axes.invM = np.linalg.inv(axes.M)
            axes.zaxis.draw_grid(renderer)
            axes.zaxis.label.set_visible(False)
            try:
                axes.zaxis.draw(renderer)
            finally:
                axes.zaxis.label.set_visible(True)
            surface.do_3d_projection()
            surface.draw(renderer)
        for text in self._drawn[2:]:
            text.draw(renderer)


def prepare(views: Sequence[Axes3D], shape: tuple[int, ...], title: Text, description: Text) -> DrawnSurfaces:
    """Draw everything except the surfaces of an image of this shape, into two axes."""
    x, y = _places(shape)
    camera, fit = (_empty_surface(axes, name, x, y) for axes, name in zip(views, NAMES[:2], strict=True))
    return DrawnSurfaces(camera, fit, title, description)


def show(drawn: DrawnSurfaces, fitted: FittedImage, *, width: int | None = None) -> None:
    """Show an image in the prepared artists; `width` is the number of letters in a line of the description."""
    x, y = np.meshgrid(*_places(fitted.image.shape))
    block = _block(fitted.image.shape)
    heights = _block_means(fitted.image, block), _block_means(fitted.model, block)
    low, high = common_limits(*heights, fitted.fit)
    for surface, z in zip((drawn.camera, drawn.fit), heights, strict=True):
        surface.axes.set_zlim(low, high)
        quads = _quads(np.stack((x, y, z), axis=-1))
        surface.set_verts(quads)
        surface.set_array(quads[..., 2].mean(axis=1))
        surface.set_clim(low, high)
    show_texts(drawn.title, drawn.description, fitted, in_short=True, width=width)


def _block(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a block of pixels, whose mean is one point."""
    rows, columns = (-(-n // MOST_POINTS) for n in shape)
    return rows, columns


def _places(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """X and y of the points, pixels: the middles of the blocks."""
    y, x = (
        np.arange(n // step, dtype=np.float64) * step + 0.5 * (step - 1)
        for n, step in zip(shape, _block(shape), strict=True)
    )
    return x, y


def _block_means(image: Image, block: tuple[int, int]) -> Floats:
    """Means over blocks of pixels; pixels at the ends that do not fill a block are left out."""
    rows, columns = (n // step for n, step in zip(image.shape, block, strict=True))
    blocks = image[: rows * block[0], : columns * block[1]].reshape(rows, block[0], columns, block[1])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def _quads(points: Floats) -> Floats:
    """Faces between neighbouring points: n faces of 4 corners in 3 dimensions, shape (n, 4, 3)."""
    corners = (points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:])
    return np.stack(corners, axis=2).reshape(-1, 4, 3)


def _empty_surface(axes: Axes3D, name: str, x: Floats, y: Floats) -> Poly3DCollection:
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
    axes.view_init(elev=ELEVATION_DEG, azim=AZIMUTH_DEG)
    return surface
