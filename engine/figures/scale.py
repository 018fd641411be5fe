"""A bar in an image that says how long something is: in mm where the camera is known, else in pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

__all__ = ["DrawnScale", "prepare_scale", "show_scale"]

LONGEST = 0.4
"""Of the bar, in parts of the side of the image."""
AT = (0.05, 0.06)
"""Where the bar begins, in parts of the axes."""
COLOUR, EDGE = "white", "black"


class DrawnScale(NamedTuple):
    """A bar and its length, in words."""

    bar: Line2D
    length: Text


def prepare_scale(axes: Axes) -> DrawnScale:
    """Draw a bar of no length yet, legible on dark and on bright ground."""
    outlined = [withStroke(linewidth=3.0, foreground=EDGE)]
    bar = Line2D(
        [AT[0], AT[0]], [AT[1], AT[1]], transform=axes.transAxes, color=COLOUR, linewidth=2.0, path_effects=outlined
    )
    axes.add_artist(bar)
    length = axes.text(
        AT[0], AT[1] + 0.03, "", transform=axes.transAxes, color=COLOUR, fontsize="small", path_effects=outlined
    )
    return DrawnScale(bar, length)


def show_scale(drawn: DrawnScale, side_px: float, pixel_mm: float | None, *, only_mm: bool = False) -> None:
    """Give the bar the length that reads best, for axes that show so many pixels; invisible where mm are not known."""
    for artist in drawn:
        artist.set_visible(pixel_mm is not None or not only_mm)
    unit = 1.0 if pixel_mm is None else pixel_mm
    length = _round_below(LONGEST * side_px * unit)
    drawn.bar.set_xdata([AT[0], AT[0] + length / (unit * side_px)])
    drawn.length.set_text(f"{length:g} px" if pixel_mm is None else f"{length:g} mm = {length / pixel_mm:.3g} px")


def _round_below(length: float) -> float:
    """The largest number 1, 2 or 5 times a power of ten that is not larger.

    >>> _round_below(0.37), _round_below(91.0)
    (0.2, 50.0)
    """
    power = 10.0 ** math.floor(math.log10(length))
    return float(f"{next(m for m in (5, 2, 1) if m * power <= 1.0001 * length) * power:.3g}")
