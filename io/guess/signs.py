"""The decimal sign, and the sign between thousands: one decision for a file, weighed over all its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..cells import THOUSANDS
from .shapes import by_shape

__all__ = ["Signs", "signs_of"]

NUMBER = re.compile(rf"[+-]?(\d[\d{THOUSANDS}]*|[.,]\d+)([eE][+-]?\d+)?")
"""What may be a number in one notation or another."""
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?P<sign>[.,'])\d{3}")
"""A number that is a decimal, or has one sign between thousands: who can tell?"""
BETWEEN = THOUSANDS.replace(",", "").replace(".", "")
"""Signs that are never a decimal one."""
BETWEEN_THOUSANDS = re.compile(rf"[+-]?\d{{1,3}}(?P<sign>[{BETWEEN}])\d{{3}}((?P=sign)\d{{3}})*([.,]\d+)?")
GROUPED_SHAPE = re.compile(r"[+-]?0{1,3}[.,']000")
WHOLE = re.compile(r"[+-]?\d{1,3}")


class Signs(NamedTuple):
    """How a file writes its numbers."""

    decimal: str = "."
    thousands: str = ""
    undecided: tuple[int, ...] = ()
    """Columns whose numbers are decimals or thousands, and nothing says which."""


def signs_of(columns: Sequence[Sequence[str]], given: str = "") -> Signs:
    """Find the signs from the cells of each column.

    Parameters
    ----------
    columns : sequence of sequences of str
        Cells without quotes.
    given : str
        The decimal sign, where it is known.

    Examples
    --------
    >>> from utokyo.io.guess.signs import signs_of
    >>> signs_of([["812", "1.003", "2.155"], ["19,47", "20,4", "21,5"]])
    Signs(decimal=',', thousands='.', undecided=())
    >>> signs_of([["812.4", "1,003.4"]])
    Signs(decimal='.', thousands=',', undecided=())
    >>> signs_of([["1,003", "2,155"]])
    Signs(decimal='.', thousands='', undecided=(0,))
    """
    evidence = [_evidence(cells) for cells in columns]
    decimals: Counter[str] = Counter()
    thousands: Counter[str] = Counter()
    for column in evidence:
        decimals.update(column.decimals)
        thousands.update(column.thousands)
    decimal = given or ("," if decimals[","] > decimals["."] else ".")
    if not given and not decimals[","] and not decimals["."]:
        # Only groups of three digits. Beside numbers below a thousand without a sign, they are thousands.
        for column in evidence:
            if column.grouped and column.whole:
                thousands.update({sign: n for sign, n in column.grouped.items() if sign != "." or thousands["."]})
        decimal = "," if thousands["."] and not thousands[","] else "."
    else:
        for column in evidence:
            thousands.update({sign: n for sign, n in column.grouped.items() if sign != decimal})
    between = next((sign for sign in THOUSANDS if sign != decimal and thousands[sign]), "")
    decided = given or decimals[","] or decimals["."] or thousands.total()
    undecided = () if decided else tuple(i for i, column in enumerate(evidence) if column.grouped[","])
    return Signs(decimal, "" if undecided else between, undecided)


class _Evidence(NamedTuple):
    """What the cells of a column say."""

    decimals: Counter[str]
    """Cells in which a sign can only be the decimal one."""
    thousands: Counter[str]
    """Cells in which it can only stand between thousands."""
    grouped: Counter[str]
    """Cells in which it may be both."""
    whole: int
    """Cells of up to three digits without a sign."""


def _evidence(cells: Sequence[str]) -> _Evidence:
    found = _Evidence(Counter(), Counter(), Counter(), 0)
    whole = 0
    for shape, alike in by_shape(cells).items():
        if not NUMBER.fullmatch(shape):
            continue
        if any(sign in shape for sign in BETWEEN) and not BETWEEN_THOUSANDS.fullmatch(shape):
            continue  # two numbers, rather
        count = len(alike)
        if not any(sign in shape for sign in THOUSANDS):
            whole += count * (WHOLE.fullmatch(shape) is not None)
            continue
        if GROUPED_SHAPE.fullmatch(shape):  # but a number before a sign of thousands begins with no nought
            grouped = [match["sign"] for cell in alike if (match := GROUPED.fullmatch(cell))]
            found.grouped.update(grouped)
            count -= len(grouped)
        if not count:
            continue
        present = [sign for sign in THOUSANDS if sign in shape]
        last = max(present, key=shape.rfind)
        for sign in present:
            if sign in BETWEEN or shape.count(sign) > 1 or (sign != last):
                found.thousands[sign] += count
            else:
                found.decimals[sign] += count
    if all(" " in cell for cell in cells if NUMBER.fullmatch(cell)):
        del found.thousands[" "]  # two numbers in each cell, rather
    return found._replace(whole=whole)
