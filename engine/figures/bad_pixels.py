"""Figure of the hot and the dead pixels of a camera."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..fits.images.camera_noise import BadPixels
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["BadPixelsSheet", "bad_pixels_figure"]

KINDS = (("hot", "#c8102e", "o"), ("dead", "#1f4e9c", "s"))
PLACE = (0.13, 0.16, 0.82, 0.77)  # left, bottom, width and height of the map, in parts of the figure
MARKER_AREA = 18.0  # points^2: a pixel itself would be too small to be seen


def bad_pixels_figure(bad: BadPixels, title: str) -> Figure:
    """Draw where hot and dead pixels are.

    Parameters
    ----------
    bad : BadPixels
        Of `find_bad_pixels`.
    title : str

    Returns
    -------
    Figure
    """
    sheet = BadPixelsSheet(bad.hot.shape)
    sheet.show(bad, title)
    return sheet.figure


class BadPixelsSheet(Sheet):
    """Sheet of `bad_pixels_figure`, for images of one shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        figure = Figure(figsize=(6.0, 6.0), dpi=DOTS_PER_INCH)
        axes = figure.add_axes(PLACE)
        self._points = [
            axes.scatter([], [], MARKER_AREA, colour, marker=marker, linewidths=0.0, label=kind)
            for kind, colour, marker in KINDS
        ]
        rows, columns = shape
        axes.set_xlim(-0.5, columns - 0.5)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.set_aspect("equal")
        axes.set_facecolor("#f4f4f2")
        axes.set_xlabel("x (px)")
        axes.set_ylabel("y (px)")
        self._title = figure.suptitle("", parse_math=False)
        self._legend = figure.legend(loc="lower center", ncols=2, frameon=False)
        super().__init__(figure, [*self._points, *axes.spines.values(), self._title, self._legend])

    def show(self, bad: BadPixels, title: str) -> None:
        """Make this the picture."""
        self._title.set_text(title)
        for (kind, _, _), points, text in zip(KINDS, self._points, self._legend.get_texts(), strict=True):
            y, x = np.nonzero(getattr(bad, kind))
            points.set_offsets(np.column_stack((x, y)))
            text.set_text(f"{kind}: {x.size}")
