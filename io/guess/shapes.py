"""Cells by their shape, in which every digit is a nought.

A sample has thousands of numbers and a few shapes. What a cell is depends on its shape alone, but for dates and whole
numbers that are too large: so most of a guess is to look at one cell of each.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["by_shape"]

NOUGHTS = str.maketrans("123456789", "0" * 9)


def by_shape(cells: Sequence[str]) -> dict[str, list[str]]:
    """The cells of each shape, both in the order in which they come.

    Parameters
    ----------
    cells : sequence of str
        Without line ends.

    Examples
    --------
    >>> from utokyo.io.guess.shapes import by_shape
    >>> by_shape(["1.5", "OL", "2.7", "12"])
    {'0.0': ['1.5', '2.7'], 'OL': ['OL'], '00': ['12']}
    """
    alike: dict[str, list[str]] = {}
    shapes = "\n".join(cells).translate(NOUGHTS).split("\n") if cells else []
    for shape, cell in zip(shapes, cells, strict=True):
        alike.setdefault(shape, []).append(cell)
    return alike
