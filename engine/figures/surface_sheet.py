"""Camera signal and fit of an image as surfaces: the artists, and the sheet that keeps them for a folder.

What is around the spot is shown, whose pixels are seldom too many; else they are averaged over blocks, which the
description says: more points along a side are slow and no clearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from .fitted_image import FittedImage, Floats, Image, common_limits
from .image_sheet import COLOURS, NAMES, PLAIN_DECADES, figure_texts, show_texts
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["DrawnSurfaces", "SurfaceSheet", "prepare", "show"]

MOST_POINTS = 40
"""Along a side of the surface."""
MOST_TICKS = 4
ELEVATION_DEG, AZIMUTH_DEG = 32, -60
"""From where the surfaces are seen."""


class DrawnSurfaces(NamedTuple):
    """What `draw_image_3d` drew."""

    camera: Poly3DCollection
    fit: Poly3DCollection
    title: Text
    description: Text


class SurfaceSheet(Sheet):
    """Sheet of `image_figure_3d`, for images of one shape.

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
    SurfaceSheet(1034 x 550 pixels, 4 of its artists change)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        del shape  # the surfaces of all images have as many points, or fewer
        figure = Figure(figsize=(9.4, 5.0), dpi=DOTS_PER_INCH)
        figure.subplots_adjust(left=0.0, right=0.95, bottom=0.15, top=0.88, wspace=0.05)
        self._views = [figure.add_subplot(1, 2, place, projection="3d") for place in (1, 2)]
        self._drawn = prepare(self._views, *figure_texts(figure))
        super().__init__(figure, self._drawn)

    def show(self, fitted: FittedImage) -> None:
        """Make this the picture."""
        show(self._drawn, fitted)

    def _paint_ground(self) -> Any:
        changing = self._axes()
        locators = [axis.get_major_locator() for _, axis in changing]
        # An axis in space is drawn even where it is not visible. Its label does not move.
        try:
            for _, axis in changing:
                axis.set_major_locator(NullLocator())
                axis.line.set_visible(False)
            return super()._paint_ground()
        finally:
            for (_, axis), locator in zip(changing, locators, strict=True):
                axis.set_major_locator(locator)
                axis.line.set_visible(True)

    def _paint_changes(self, renderer: Any) -> None:
        for axes in self._views:
            axes.M = axes.get_proj()  # as in the drawing of the axes: their limits have changed
            axes.invM = np.linalg.inv(axes.M)
        for _, axis in self._axes():
            axis.draw_grid(renderer)
            axis.label.set_visible(False)
            try:
                axis.draw(renderer)
            finally:
                axis.label.set_visible(True)
        for surface in self._drawn[:2]:
            surface.do_3d_projection()
            surface.draw(renderer)
        for text in self._drawn[2:]:
            text.draw(renderer)

    def _axes(self) -> list[tuple[Axes3D, Any]]:
        """Each axis in space."""
        return [(axes, axis) for axes in self._views for axis in (axes.xaxis, axes.yaxis, axes.zaxis)]


def prepare(views: Sequence[Axes3D], title: Text, description: Text) -> DrawnSurfaces:
    """Draw all but the surfaces into two axes."""
    camera, fit = (_empty_surface(axes, name) for axes, name in zip(views, NAMES[:2], strict=True))
    for axis in (views[1].xaxis, views[1].yaxis):  # the same as beside it, and slow to paint
        axis.set_major_formatter(NullFormatter())
    return DrawnSurfaces(camera, fit, title, description)


def show(drawn: DrawnSurfaces, fitted: FittedImage, *, width: int | None = None) -> None:
    """Make this image the one that is drawn, with a description of lines of this many letters."""
    part = fitted.zoom or tuple(slice(0, n) for n in fitted.image.shape)
    shape = tuple(piece.stop - piece.start for piece in part)
    block = _block(shape)
    ys, xs = (piece.start + places for piece, places in zip(part, _places(shape, block), strict=True))
    x, y = np.meshgrid(xs, ys)
    heights = _block_means(fitted.image[part], block), _block_means(fitted.model[part], block)
    low, high = common_limits(*heights, fitted.fit)
    for surface, z in zip((drawn.camera, drawn.fit), heights, strict=True):
        surface.axes.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]), zlim=(low, high))
        quads = _quads(np.stack((x, y, z), axis=-1))
        surface.set_verts(quads)
        surface.set_array(quads[..., 2].mean(axis=1))
        surface.set_clim(low, high)
    show_texts(drawn.title, drawn.description, fitted, in_short=True, width=width)
    said = [drawn.description.get_text(), *_said_of(fitted, block)]
    drawn.description.set_text("\n".join(said))


def _said_of(fitted: FittedImage, block: tuple[int, int]) -> list[str]:
    """What must be known of surfaces: what they are means of, and how high the fit is."""
    points = "every pixel" if block == (1, 1) else f"means over {block[1]} x {block[0]} pixels"
    if fitted.zoom is None:
        return [f"whole field, {points}"]
    return [f"around the spot, {points}; peak of the fit: {fitted.model[fitted.zoom].max():.4g} counts per pixel"]


def _block(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of pixels that become one point."""
    rows, columns = (-(-n // MOST_POINTS) for n in shape)
    return rows, columns


def _places(shape: tuple[int, ...], block: tuple[int, int]) -> tuple[Floats, Floats]:
    """Y and x of the points: the middles of the blocks."""
    y, x = (
        np.arange(n // step, dtype=np.float64) * step + 0.5 * (step - 1) for n, step in zip(shape, block, strict=True)
    )
    return y, x


def _block_means(image: Image, block: tuple[int, int]) -> Floats:
    """Means over blocks of pixels; what is left over at the ends is left out."""
    rows, columns = (n // step for n, step in zip(image.shape, block, strict=True))
    blocks = image[: rows * block[0], : columns * block[1]].reshape(rows, block[0], columns, block[1])
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def _quads(points: Floats) -> Floats:
    """Faces between neighbouring points, shape (n, 4, 3)."""
    corners = (points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:])
    return np.stack(corners, axis=2).reshape(-1, 4, 3)


def _empty_surface(axes: Axes3D, name: str) -> Poly3DCollection:
    surface = Poly3DCollection(np.zeros((1, 4, 3)), cmap=COLOURS, linewidth=0, antialiased=False)
    axes.add_collection3d(surface)
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")
    axes.set_zlabel("counts per pixel")
    axes.set_title(name, fontsize="medium")
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_major_locator(MaxNLocator(MOST_TICKS))
    axes.ticklabel_format(axis="z", scilimits=PLAIN_DECADES)
    axes.view_init(elev=ELEVATION_DEG, azim=AZIMUTH_DEG)
    return surface
