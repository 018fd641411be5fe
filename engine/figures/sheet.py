"""`Sheet`: a figure for a series of pictures, whose axes, ticks and labels are painted only once.

Making and painting axes, ticks and labels takes a hundred times as long as painting the data of one picture. A sheet
paints all artists that do not change once, as its background; for each picture, this background is copied and only the
artists that change are painted over it. A sheet has one picture at a time. It therefore belongs to one analysis and its
thread, and is not shared; figures that functions return are those of new sheets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["DOTS_PER_INCH", "Sheet"]

DOTS_PER_INCH = 110


class Sheet:
    """A figure, and those of its artists that change from picture to picture.

    Parameters
    ----------
    figure : Figure
        A figure with the resolution `DOTS_PER_INCH`. It can also be saved by itself, in any format.
    changing : sequence of Artist
        The artists that change, in the order in which they are painted over the background. All other artists must not
        change.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(2.0, 1.0), dpi=DOTS_PER_INCH)
    >>> number = figure.text(0.5, 0.5, "1")
    >>> sheet = Sheet(figure, [number])
    >>> sheet
    Sheet(220 x 110 pixels, 1 of its artists changes)
    >>> first = sheet.pixels()
    >>> number.set_text("2")
    >>> sheet.pixels().shape, bool((sheet.pixels() == first).all())
    ((110, 220, 4), False)
    """

    def __init__(self, figure: Figure, changing: Sequence[Artist]) -> None:
        self.figure = figure
        self._changing = tuple(changing)
        self._canvas: Any = FigureCanvasAgg(figure)
        self._ground: Any = None

    def pixels(self) -> NDArray[np.uint8]:
        """Paint the present picture.

        Returns
        -------
        uint8, shape (ny, nx, 4)
            Red, green, blue and opacity of each pixel, from the top.
        """
        if self._ground is None:
            self._ground = self._paint_ground()
        self._canvas.restore_region(self._ground)
        self._paint_changes(self._canvas.get_renderer())
        return np.array(self._canvas.buffer_rgba())

    def _paint_ground(self) -> Any:
        """Paint the artists that do not change, and return a copy of the canvas."""
        shown = [artist for artist in self._changing if artist.get_visible()]
        try:
            for artist in shown:
                artist.set_visible(False)
            self._canvas.draw()
        finally:
            for artist in shown:
                artist.set_visible(True)
        return self._canvas.copy_from_bbox(self.figure.bbox)

    def _paint_changes(self, renderer: Any) -> None:
        for artist in self._changing:
            artist.draw(renderer)

    def __repr__(self) -> str:
        width, height = self._canvas.get_width_height()
        number = len(self._changing)
        changing = f"{number} of its artists change{'s' if number == 1 else ''}"
        return f"{type(self).__name__}({width} x {height} pixels, {changing})"
