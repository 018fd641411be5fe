"""`Drawing`: a figure that is not drawn yet, as data: the function that draws it, its arguments, and a file name.

Analyses return drawings with their results. The method `figure` draws one, in any process, since drawings can be
pickled. Thousands of figures of the same kind are drawn on sheets that are kept (`SheetDrawing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from .sheet import Sheet

__all__ = ["Drawing", "SheetDrawing", "Sheets"]

Sheets = MutableMapping[type[Sheet], tuple[tuple[int, ...], Sheet]]
"""The last sheet of each kind, with the shape of its pictures."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure that is not drawn yet.

    Parameters
    ----------
    name : str
        Name of the file, without ending.
    function : callable
        ``function(*arguments, **options)`` returns the figure. It is defined at the top level of a module, so that it
        can be pickled.
    arguments : tuple
        Data for the function.
    options : mapping
        Keywords for the function.
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
        """Draw the figure."""
        return self.function(*self.arguments, **self.options)

    def on_sheet(self, sheets: Sheets) -> Figure | Sheet:
        """Draw it; one of many alike, on a sheet that is kept."""
        del sheets
        return self.figure()


@dataclass(frozen=True, eq=False)
class SheetDrawing(Drawing):
    """A figure that is drawn on a sheet, whose axes are painted once for all pictures of one shape.

    Parameters
    ----------
    name, arguments, options, reads
        As for `Drawing`.
    function : callable
        ``function(*arguments, **options)`` loads the data, and returns the arguments of the method `show` of the sheet.
    sheet : type of Sheet
    shape : tuple of int
        Shape of the pictures.
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
