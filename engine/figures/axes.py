"""What all figures share: the axes that they draw into, and what stands on every one of them.

A figure is drawn into axes of its own, or into those that its caller gives. Given axes belong to the caller: what is
drawn belongs to them, title and bars of colours included, and the layout, the size and the title of their figure are
left as they are. Bars and descriptions stand beside and below the axes: ``layout="constrained"`` makes room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from ...io.errors import InputError

__all__ = ["SeveralAxes", "checked_axes", "colour_bar", "figure_of", "say_nothing", "set_x_limits"]

SeveralAxes: TypeAlias = Sequence[Axes] | NDArray[Any]
"""Axes as a list, a tuple, or the array of `Figure.subplots`."""

INSET = (1.015, 0.0, 0.03, 1.0)
"""Left, bottom, width and height of a bar of colours beside given axes, in parts of these."""
FAINT = "0.4"


def checked_axes(axes: Axes | SeveralAxes, names: Sequence[str], what: str) -> tuple[Axes, ...]:
    """The axes that a figure is drawn into, as many as it has names for.

    Parameters
    ----------
    axes : Axes, or sequence or array of Axes
    names : sequence of str
        What each is for.
    what : str
        What is drawn, as the beginning of the sentence that says what is wrong.

    Raises
    ------
    InputError
        When they are more or fewer, or no axes of a figure.

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
    """The whole figure that (the first of) these axes stand in, also when they stand in a part of it, a `SubFigure`."""
    first = axes if isinstance(axes, Axes) else np.ravel(np.array(axes, dtype=object))[0]
    figure: Figure = first.figure.figure
    return figure


def set_x_limits(axes: Sequence[Axes], low: float, high: float) -> None:
    """The same limits for all axes, whether they share them or not."""
    first, *others = axes
    first.set_xlim(low, high)
    shared = first.get_shared_x_axes()
    for other in others:
        if not shared.joined(first, other):
            other.set_xlim(low, high)


def say_nothing(axes: Axes, text: str, *, colour: str = FAINT) -> Text:
    """Say in the middle of axes why there is nothing in them."""
    axes.set_yticks([])
    return axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=colour)


def colour_bar(shown: ScalarMappable, axes: Axes, label: str, *, make_room: bool, **options: Any) -> Colorbar:
    """A bar of colours at the right of axes.

    Parameters
    ----------
    shown : ScalarMappable
        What has the colours.
    axes : Axes
    label : str
    make_room : bool
        Whether the axes become narrower for it, as by `Figure.colorbar`; without, it is an inset of theirs.
    **options
        As for `Figure.colorbar`.
    """
    figure = axes.get_figure()
    assert figure is not None
    place: dict[str, Any] = {"ax": axes, "pad": 0.01} if make_room else {"cax": axes.inset_axes(INSET)}
    return figure.colorbar(shown, label=label, **place, **options)
