"""`Findings`: all that an analysis finds in a table, as data, before anything is stored or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ...io.errors import InputError
from ..figures.drawing import Drawing
from ..figures.events import EventFigures
from ..fits.result import Fit

__all__ = ["Findings", "check_columns"]


@dataclass(frozen=True, eq=False)
class Findings:
    """The answer of an analysis.

    Parameters
    ----------
    rows : polars.DataFrame
        Result rows, with the columns of the analysis' `parameters`.
    fits : mapping
        The fits behind them: by `timestamp_ns` of a burst, by the path of an image.
    drawings : tuple of Drawing
        Figures that are new, or other than in the findings before.
    events : tuple of EventFigures
        Which figures of a source's events there are now, where they are others than before.
    remarks : tuple of str
        Sentences that a person should read beside the rows.
    replaces : polars expression
        Which rows of a result table on disk these replace.
    unreadable : int
        Parts of the source that could not be read.
    progress : object
        What the next call goes on from, when these findings are given to it as `earlier`.

    Examples
    --------
    >>> from utokyo import PMTAnalysis, PMTSettings
    >>> columns = ["timestamp", "PMT Current (A)", "Coil (1:ON 0:OFF)"]
    >>> table = pl.DataFrame([[0, 10**9, 2 * 10**9], [2e-13, 1e-13, 1e-13], [1, 0, 0]], schema=columns)
    >>> PMTAnalysis.analyse(table, PMTSettings())
    Findings(1 row, 1 drawing)
    """

    rows: pl.DataFrame
    fits: Mapping[Any, Fit] = field(default_factory=dict)
    drawings: tuple[Drawing, ...] = ()
    events: tuple[EventFigures, ...] = ()
    remarks: tuple[str, ...] = ()
    replaces: pl.Expr = field(default_factory=lambda: pl.lit(value=False))
    unreadable: int = 0
    progress: Any = None

    def __repr__(self) -> str:
        parts = [(self.rows.height, "row"), (len(self.fits), "fit"), (len(self.drawings), "drawing")]
        counts = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in parts if n or what == "row"]
        counts += [f"{self.unreadable} unreadable"] if self.unreadable else []
        return f"Findings({', '.join([*counts, *self.remarks])})"

    def _repr_html_(self) -> str:
        """The rows, for a notebook."""
        return str(self.rows._repr_html_())


def check_columns(table: pl.DataFrame, columns: tuple[str, ...], who: str) -> None:
    """Refuse a table without some columns.

    Raises
    ------
    InputError
    """
    if missing := [name for name in columns if name not in table.columns]:
        raise InputError(f"{who} needs a source whose table has the column {missing[0]!r}; this one has not")
