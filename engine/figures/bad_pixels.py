"""Figure of the hot and the dead pixels of a camera."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..fits.gain import BadPixels

__all__ = ["bad_pixels_figure"]

KINDS = (("hot", "#c8102e", "o"), ("dead", "#1f4e9c", "s"))
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
    figure = Figure(figsize=(6.0, 6.0), layout="constrained")
    axes = figure.subplots()
    rows, columns = bad.hot.shape
    for kind, colour, marker in KINDS:
        y, x = np.nonzero(getattr(bad, kind))
        axes.scatter(x, y, MARKER_AREA, colour, marker=marker, linewidths=0.0, label=f"{kind}: {x.size}")
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_facecolor("#f4f4f2")
    axes.set_xlabel("x (px)")
    axes.set_ylabel("y (px)")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure
