"""Text as the kernels and headers take it: with room around it, or in lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT

__all__ = ["first_lines", "framed"]

HEADER_BYTES = 1 << 16
"""Of a header in the middle of a file, at most."""


def framed(text: bytes) -> NDArray[np.uint8]:
    r"""Text with the room around it that the kernel needs.

    Examples
    --------
    >>> from utokyo.io.text.framed import framed
    >>> framed(b"1,2\n").dtype
    dtype('uint8')
    """
    return np.frombuffer(bytes(FRONT) + text + bytes(BACK), np.uint8)


def first_lines(data: NDArray[np.uint8]) -> list[bytes]:
    r"""The lines with which data begin, as many as a header has at most.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.text.framed import first_lines
    >>> first_lines(np.frombuffer(b"a,b\n1,2\n", np.uint8))
    [b'a,b\n', b'1,2\n']
    """
    return data[:HEADER_BYTES].tobytes().splitlines(keepends=True)
