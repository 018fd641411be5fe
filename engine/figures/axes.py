"""Helpers of all figures: checks of given axes, axes of time, colour bars.

A figure is drawn into axes of a new figure, or into axes that the caller gives. With given axes, everything that is
drawn, titles and colour bars included, belongs to these axes; layout, size and title of their figure are not changed.
Colour bars and descriptions are beside and below the axes: ``layout="constrained"`` makes room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from ...io.errors import InputError

__all__ = ["SeveralAxes", "checked_axes", "colour_bar", "figure_of", "say_nothing", "set_dates", "set_x_limits"]

SeveralAxes: TypeAlias = Sequence[Axes] | NDArray[Any]
"""Several axes: a list, a tuple, or the array that `Figure.subplots` returns."""

INSET = (1.015, 0.0, 0.03, 1.0)
"""Left, bottom, width and height of a colour bar beside given axes, in units of the size of these axes."""
FAINT = "0.4"


def checked_axes(axes: Axes | SeveralAxes, names: Sequence[str], what: str) -> tuple[Axes, ...]:
    """The given axes as a tuple, when their number is right.

    Parameters
    ----------
    axes : Axes, or sequence or array of Axes
    names : sequence of str
        What each of the axes is for; their number is the number of axes that are needed.
    what : str
        What is drawn, for the message: "a burst".

    Raises
    ------
    InputError
        When there are more or fewer axes, or they are not axes of a figure.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> above, below = checked_axes(Figure().subplots(2), ("pulses", "residuals"), "a burst")
    >>> checked_axes([above], ("pulses", "residuals"), "a burst")
    Traceback (most recent call last):
    utokyo.io.errors.InputError: a burst is drawn into 2 axes (pulses, residuals), not into 1
    """
    given = tuple(np.ravel(np.array(axes, dtype=object))) if isinstance(axes, Iterable) else (axes,)
    for one in given:
        if not isinstance(one, Axes) or one.figure is None:
            raise InputError(f"{what} is drawn into axes of a figure, not into {one!r}")
    if len(given) != len(names):
        raise InputError(f"{what} is drawn into {len(names)} axes ({', '.join(names)}), not into {len(given)}")
    return given


def figure_of(axes: Axes | SeveralAxes) -> Figure:
    """The figure that contains the first of these axes; for axes in a `SubFigure`, the whole figure."""
    first = axes if isinstance(axes, Axes) else np.ravel(np.array(axes, dtype=object))[0]
    figure: Figure = first.figure.figure
    return figure


def set_x_limits(axes: Sequence[Axes], low: float, high: float) -> None:
    """Set the same x limits in all axes, whether they share x or not."""
    first, *others = axes
    first.set_xlim(low, high)
    shared = first.get_shared_x_axes()
    for other in others:
        if not shared.joined(first, other):
            other.set_xlim(low, high)


def set_dates(axes: Sequence[Axes], *, fewest: int = 5, most: int | None = None) -> None:
    """Write dates and times along x in a short form.

    Parameters
    ----------
    axes : sequence of Axes
        Axes in which x is in days since 1970, or in datetimes of numpy.
    fewest, most : int
        Limits of the number of ticks.
    """
    for one in axes:
        locator = AutoDateLocator(minticks=fewest, maxticks=most)  # type: ignore[no-untyped-call]
        one.xaxis.set_major_locator(locator)
        one.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def say_nothing(axes: Axes, text: str, *, colour: str = FAINT) -> Text:
    """Write in the middle of axes without data why there are none."""
    axes.set_yticks([])
    return axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=colour)


def colour_bar(shown: ScalarMappable, axes: Axes, label: str, *, make_room: bool, **options: Any) -> Colorbar:
    """Draw a colour bar at the right of axes.

    Parameters
    ----------
    shown : ScalarMappable
        The image or mesh whose colours it explains.
    axes : Axes
    label : str
    make_room : bool
        Whether the axes are made narrower, as `Figure.colorbar` does it; otherwise the bar is an inset of the axes.
    **options
        As for `Figure.colorbar`.
    """
    figure = axes.get_figure()
    assert figure is not None
    place: dict[str, Any] = {"ax": axes, "pad": 0.01} if make_room else {"cax": axes.inset_axes(INSET)}
    return figure.colorbar(shown, label=label, **place, **options)
