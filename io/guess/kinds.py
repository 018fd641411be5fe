"""What the cells of a column are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from .. import cells
from ..absent import says_no_value
from ..cells import Notation
from ..column import Kind
from .shapes import by_shape

__all__ = ["MOMENTS", "SURE_DIGITS", "kind_of", "kinds_of"]

PLAIN_NUMBER = re.compile(r"[-+0.,'eE]+")
"""The shape of a number without words."""
SURE_DIGITS = 18
"""Of integers that 64 bits hold, whatever the digits."""
MOMENTS = {Kind.DATE, Kind.DATETIME, Kind.TIME}


@lru_cache(1 << 14)
def kind_of(cell: str, notation: Notation = cells.PLAIN) -> Kind | None:
    """The narrowest kind that a cell is; None for an empty one, and for a word that says that there is no value.

    Examples
    --------
    >>> from utokyo.io.guess.kinds import kind_of
    >>> kind_of("17"), kind_of("12:00"), kind_of("N/A")
    (<Kind.INTEGER: 0>, <Kind.TIME: 4>, None)
    """
    if not cell.strip() or says_no_value(cell):
        return None
    for kind in (Kind.INTEGER, Kind.FLOAT, Kind.DATE, Kind.DATETIME, Kind.TIME):
        if cells.cell_value(cell, kind, notation) is not None:
            return kind
    return Kind.TEXT


def kinds_of(found: Sequence[str], notation: Notation = cells.PLAIN) -> Counter[Kind | None]:
    """How many cells are of which kind, as `kind_of` says of each.

    Examples
    --------
    >>> from utokyo.io.guess.kinds import kinds_of
    >>> sorted(kinds_of(["17", "4", "18"]).items())
    [(<Kind.INTEGER: 0>, 3)]
    """
    kinds: Counter[Kind | None] = Counter()
    for shape, alike in by_shape(found).items():
        kind = kind_of(alike[0], notation)
        fits = len(shape) <= SURE_DIGITS or notation.decimal in shape  # no integer beyond 64 bits
        if kind in {Kind.INTEGER, Kind.FLOAT} and fits and PLAIN_NUMBER.fullmatch(shape):
            kinds[kind] += len(alike)
            continue
        for cell, count in Counter(alike).items():
            is_alike = kind in MOMENTS and cells.cell_value(cell, kind, notation) is not None
            kinds[kind if is_alike else kind_of(cell, notation)] += count
    return kinds
