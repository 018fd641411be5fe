"""Where lines end, and text cells into one piece of memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bits import count_ones
from ..compile import exact_kernel
from .cells import NEWLINE
from .words import BACK, byte_mask

__all__ = ["count_newlines", "gather_text"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


@exact_kernel
def count_newlines(data: Bytes, start: int, stop: int) -> int:
    """Count the line ends in ``data[start:stop]``, after which there are `BACK` readable bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.text.lines import count_newlines
    >>> from utokyo.kernels.text.words import BACK
    >>> text = b"1,2" + bytes([10]) + b"3,4" + bytes([10])
    >>> count_newlines(np.frombuffer(text + bytes(BACK), np.uint8), 0, len(text))
    2
    """
    if start < 0 or stop + BACK > data.size:
        raise ValueError("too little room after the text")
    lines = 0
    for base in range(start, stop, 64):
        line_ends = byte_mask(data, base, np.uint8(NEWLINE))
        if stop - base < 64:
            line_ends &= (np.uint64(1) << np.uint64(stop - base)) - np.uint64(1)
        lines += count_ones(line_ends)
    return lines


@exact_kernel
def gather_text(data: Bytes, starts: Integers, stops: Integers, out: Bytes, offsets: Integers) -> None:
    """Copy the cells ``data[starts[i]:stops[i]]`` one after another into `out`.

    Parameters
    ----------
    data : uint8, shape (n,)
    starts, stops : int64, shape (rows,)
    out : uint8, room for the sum of the lengths
    offsets : int64, shape (rows + 1,)
        ``offsets[0]`` says where to begin in `out`; the others are filled with the ends.
    """
    position = offsets[0]
    for row in range(starts.size):
        for i in range(starts[row], stops[row]):
            out[position] = data[i]
            position += 1
        offsets[row + 1] = position
