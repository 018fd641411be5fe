"""Lines between rows that may be none: headers in the middle of a file, and lines without a value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compile import exact_kernel
from .cells import BLANK, NEWLINE, RETURN

__all__ = ["doubtful_lines"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

STAR = 42


@exact_kernel
def doubtful_lines(
    data: Bytes, start: int, stop: int, delimiter: int, full: int, begins: Integers
) -> tuple[int, int, int]:
    r"""Find the lines that begin with a letter or a star, and those without any value.

    Parameters
    ----------
    data : uint8, shape (n,)
    start, stop : int
        Where the text stands in `data`: whole lines.
    delimiter : int
        Code of the byte between fields.
    full : int
        A line without values that has so many delimiters is a row of missing ones, and not listed.
    begins : int64
        Where these lines begin; when it is full, the rest is not looked at.

    Returns
    -------
    found, position, most : ints
        How many they are, where it stopped, and the most delimiters of a line that is not listed.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.kernels.text.segments import doubtful_lines
    >>> text = np.frombuffer(b"1\t2\n\t\nChannels\t1\n\t\t\n", np.uint8)
    >>> begins = np.empty(4, np.int64)
    >>> found, position, most = doubtful_lines(text, 0, text.size, 9, 2, begins)
    >>> begins[:found].tolist(), position == text.size, most
    ([4, 6], True, 2)
    """
    found = most = 0
    line = start
    while line < stop and found < begins.size:
        first = data[line] | 32
        doubtful = data[line] == STAR or (97 <= first <= 122)
        i, delimiters = line, 0
        while data[i] == delimiter or data[i] == BLANK or data[i] == RETURN:
            delimiters += data[i] == delimiter
            i += 1
        doubtful |= data[i] == NEWLINE and delimiters < full
        while data[i] != NEWLINE:
            delimiters += data[i] == delimiter
            i += 1
        if doubtful:
            begins[found] = line
            found += 1
        else:
            most = max(most, delimiters)
        line = i + 1
    return found, line, most
