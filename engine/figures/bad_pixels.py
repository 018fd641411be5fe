"""Figure of the hot and the dead pixels of a camera."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from ..fits.images.camera_noise import FALSE_ALARMS, BadPixels
from .axes import SeveralAxes, checked_axes, figure_of
from .labels import as_name
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["BadPixelsSheet", "DrawnBadPixels", "bad_pixels_figure", "draw_bad_pixels"]

HOT, DEAD = ("hot", "#c8102e", "o"), ("dead", "#1f4e9c", "s")
PLACE = (0.13, 0.2, 0.82, 0.73)  # left, bottom, width and height of the map, in parts of the figure
MARKER_AREA = 18.0  # points^2: a pixel itself would be too small to be seen
CRITERION = (
    "hot, dead: brighter, darker than the median of its neighbours lets expect\n"
    f"(noise alone: one good pixel of {1.0 / FALSE_ALARMS:.0e})"
).replace("e+0", "e")


class DrawnBadPixels(NamedTuple):
    """What `draw_bad_pixels` drew."""

    hot: PathCollection
    dead: PathCollection
    title: Text
    legend: Legend
    """How many there are of each."""


def bad_pixels_figure(bad: BadPixels, title: str, *, axes: Axes | SeveralAxes | None = None) -> Figure:
    """Draw where hot and dead pixels are.

    Parameters
    ----------
    bad : BadPixels
        Of `find_bad_pixels`.
    title : str
    axes : Axes, optional
        Into which it is drawn, as by `draw_bad_pixels`; without, into a new figure.

    Returns
    -------
    Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there is more than one axes.

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
    """Draw where hot and dead pixels are.

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
        If there is more than one axes.

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
    """Sheet of `bad_pixels_figure`, for images of one shape.

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
        """Make this the picture."""
        _show(self._drawn, bad, title)


def _prepare(axes: Axes, shape: tuple[int, ...]) -> tuple[PathCollection, PathCollection]:
    """An empty map for images of this shape, and its points."""
    hot, dead = (
        axes.scatter([], [], MARKER_AREA, colour, marker=marker, linewidths=0.0, label=kind)
        for kind, colour, marker in (HOT, DEAD)
    )
    rows, columns = shape
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_facecolor("#f4f4f2")
    axes.set_xlabel(f"x (px)\n{CRITERION}")
    axes.set_ylabel("y (px)")
    return hot, dead


def _show(drawn: DrawnBadPixels, bad: BadPixels, title: str) -> None:
    drawn.title.set_text(f"bad pixels, {title}" if title else "bad pixels")
    as_name(drawn.title)
    hot, dead = drawn.legend.get_texts()
    for kind, mask, points, text in (("hot", bad.hot, drawn.hot, hot), ("dead", bad.dead, drawn.dead, dead)):
        y, x = np.nonzero(mask)
        points.set_offsets(np.column_stack((x, y)))
        text.set_text(f"{kind}: {x.size}")
