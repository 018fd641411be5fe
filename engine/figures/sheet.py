"""`Sheet`: a figure for a series of pictures, of which most is painted once.

Axes, ticks and labels take a hundred times as long to make and to paint as the data of one picture. A sheet keeps
them: its ground, all that lasts, is painted once and copied, and only the artists that change are painted over it. It
holds one picture at a time, so it belongs to one analysis and its thread, and is never given away; what a function
returns is the figure of a sheet of its own.
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
    """A figure and those of its artists that differ from one picture to the next.

    Parameters
    ----------
    figure : Figure
        With `DOTS_PER_INCH`; complete, it can be saved in any format.
    changing : sequence of Artist
        In the order in which they are painted over the ground. All others must stay as they are.

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
        """Paint the picture.

        Returns
        -------
        uint8, shape (ny, nx, 4)
            Red, green, blue and opacity, from the top.
        """
        if self._ground is None:
            self._ground = self._paint_ground()
        self._canvas.restore_region(self._ground)
        self._paint_changes(self._canvas.get_renderer())
        return np.array(self._canvas.buffer_rgba())

    def _paint_ground(self) -> Any:
        """All that lasts, as a copy of the canvas."""
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
