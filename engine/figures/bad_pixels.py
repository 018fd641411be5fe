"""Figure of the hot and the dead pixels of a camera."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from ..fits.images.camera_noise import BadPixels
from .axes import SeveralAxes, checked_axes, figure_of
from .labels import as_name
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["BadPixelsSheet", "DrawnBadPixels", "bad_pixels_figure", "draw_bad_pixels"]

HOT, DEAD = ("hot", "#c8102e", "o"), ("dead", "#1f4e9c", "s")
PLACE = (0.13, 0.16, 0.82, 0.77)  # left, bottom, width and height of the map, in parts of the figure
MARKER_AREA = 18.0  # points^2; a single pixel would be too small to be seen


class DrawnBadPixels(NamedTuple):
    """The artists that `draw_bad_pixels` drew."""

    hot: PathCollection
    dead: PathCollection
    title: Text
    legend: Legend
    """The legend, with the numbers of hot and dead pixels."""


def bad_pixels_figure(bad: BadPixels, title: str, *, axes: Axes | SeveralAxes | None = None) -> Figure:
    """Draw a map of hot and dead pixels.

    Parameters
    ----------
    bad : BadPixels
        The result of `find_bad_pixels`.
    title : str
        Title of the figure, such as the name of the image.
    axes : Axes, optional
        Axes to draw into, as for `draw_bad_pixels`; by default, a new figure is made.

    Returns
    -------
    Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When more than one axes is given.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bad_pixels
    >>> image = np.full((40, 30), 100)
    >>> image[12, 7] = 5000
    >>> figure = bad_pixels_figure(find_bad_pixels(image), "cmos_000001.csv")
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['hot: 1', 'dead: 0']
    """
    if axes is not None:
        draw_bad_pixels(axes, bad, title)
        return figure_of(axes)
    sheet = BadPixelsSheet(bad.hot.shape)
    sheet.show(bad, title)
    return sheet.figure


def draw_bad_pixels(axes: Axes | SeveralAxes, bad: BadPixels, title: str = "") -> DrawnBadPixels:
    """Draw a map of hot and dead pixels into axes.

    Parameters
    ----------
    axes : Axes
    bad, title
        As for `bad_pixels_figure`.

    Returns
    -------
    DrawnBadPixels

    Raises
    ------
    InputError
        When more than one axes is given.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from utokyo import find_bad_pixels
    >>> image = np.full((40, 30), 100)
    >>> image[12, 7] = 5000
    >>> drawn = draw_bad_pixels(Figure().subplots(), find_bad_pixels(image))
    >>> drawn.hot.get_offsets().tolist()  # x, y
    [[7.0, 12.0]]
    """
    (axes,) = checked_axes(axes, ("pixels",), "a map of bad pixels")
    hot, dead = _prepare(axes, bad.hot.shape)
    drawn = DrawnBadPixels(hot, dead, axes.set_title("", parse_math=False), axes.legend(loc="upper right"))
    _show(drawn, bad, title)
    return drawn


class BadPixelsSheet(Sheet):
    """Sheet for figures of `bad_pixels_figure`, for images of one shape.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the images.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import find_bad_pixels
    >>> sheet = BadPixelsSheet((40, 30))
    >>> sheet.show(find_bad_pixels(np.full((40, 30), 100)), "cmos_000001.csv")
    >>> sheet.pixels().shape
    (660, 660, 4)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(6.0, 6.0), dpi=DOTS_PER_INCH)
        axes = figure.add_axes(PLACE)
        hot, dead = _prepare(axes, shape)
        title = figure.suptitle("", parse_math=False)
        self._drawn = DrawnBadPixels(hot, dead, title, figure.legend(loc="lower center", ncols=2, frameon=False))
        super().__init__(figure, [hot, dead, *axes.spines.values(), title, self._drawn.legend])

    def show(self, bad: BadPixels, title: str) -> None:
        """Show these bad pixels."""
        _show(self._drawn, bad, title)


def _prepare(axes: Axes, shape: tuple[int, ...]) -> tuple[PathCollection, PathCollection]:
    """Draw an empty map for images of this shape, and return the collections of its points."""
    hot, dead = (
        axes.scatter([], [], MARKER_AREA, colour, marker=marker, linewidths=0.0, label=kind)
        for kind, colour, marker in (HOT, DEAD)
    )
    rows, columns = shape
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_facecolor("#f4f4f2")
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")
    return hot, dead


def _show(drawn: DrawnBadPixels, bad: BadPixels, title: str) -> None:
    drawn.title.set_text(title)
    as_name(drawn.title)
    hot, dead = drawn.legend.get_texts()
    for kind, mask, points, text in (("hot", bad.hot, drawn.hot, hot), ("dead", bad.dead, drawn.dead, dead)):
        y, x = np.nonzero(mask)
        points.set_offsets(np.column_stack((x, y)))
        text.set_text(f"{kind}: {x.size}")
