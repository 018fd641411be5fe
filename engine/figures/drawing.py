"""`Drawing`: a figure before it is drawn, as data: which function draws it, of what, and what its file is called.

Analyses hand them over with their results; who wants the picture calls `figure`, in any process: a drawing pickles.
Pictures by the thousand are drawn on sheets that are kept (`SheetDrawing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from .sheet import Sheet

__all__ = ["Drawing", "SheetDrawing", "Sheets"]

Sheets = MutableMapping[type[Sheet], tuple[tuple[int, ...], Sheet]]
"""Of each kind of sheet, the last one, and the shape of the pictures that it is for."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure to be drawn.

    Parameters
    ----------
    name : str
        Name of its file, without the ending.
    function : callable
        ``function(*arguments, **options)`` returns the figure; of the top level of a module, so that it pickles.
    arguments : tuple
        The data that the function draws.
    options : mapping
        Keywords of the function.
    reads : tuple of str
        Paths of files that the function reads: when one changes, the figure is another one.

    Examples
    --------
    >>> from utokyo.engine.figures.ssd import overview_figure
    >>> drawing = Drawing("overview", overview_figure, ([0, 10**9], [2500, 2600]), {"title": "two pulses"})
    >>> type(drawing.figure()).__name__
    'Figure'
    """

    name: str
    function: Callable[..., Figure]
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reads: tuple[str, ...] = field(default=(), repr=False)

    def figure(self) -> Figure:
        """Draw it."""
        return self.function(*self.arguments, **self.options)

    def on_sheet(self, sheets: Sheets) -> Figure | Sheet:
        """Draw it; one of many alike, on a sheet that is kept."""
        del sheets
        return self.figure()


@dataclass(frozen=True, eq=False)
class SheetDrawing(Drawing):
    """A figure to be drawn on a sheet, which is painted once for all pictures of a shape.

    Parameters
    ----------
    name : str
    function : callable
        ``function(*arguments, **options)`` returns what the sheet's `show` takes: the data are loaded when they are
        drawn.
    arguments, options, reads
    sheet : type of Sheet
    shape : tuple of int
        Of the pictures.
    """

    function: Callable[..., tuple[Any, ...]]  # type: ignore[assignment]
    sheet: type[Any] = field(kw_only=True)
    shape: tuple[int, ...] = field(kw_only=True)

    def figure(self) -> Figure:
        """Draw it on a sheet of its own."""
        figure: Figure = self.on_sheet({}).figure
        return figure

    def on_sheet(self, sheets: Sheets) -> Sheet:
        """Draw it on the sheet of its kind that is kept, if that is of its shape."""
        shape, sheet = sheets.get(self.sheet, (None, None))
        if sheet is None or shape != self.shape:
            sheet = self.sheet(self.shape)
            sheets[self.sheet] = self.shape, sheet
        shown: Any = sheet
        shown.show(*self.function(*self.arguments, **self.options))
        return sheet
