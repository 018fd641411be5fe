"""Comments with separators in them: LabVIEW puts no quotes around what people type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...kernels.text.words import BACK, FRONT
from .segment import Segment
from .tags import number_of

__all__ = ["with_quoted_comments"]

Bytes = NDArray[np.uint8]


def with_quoted_comments(rows: bytes, segment: Segment) -> Bytes | None:
    r"""Whole lines with quotes around the comments that hold separators, `FRONT` bytes before and `BACK` after them.

    A line with a number among its additional fields is no comment: it stays, and is a bad row. None where nothing is to
    be quoted.

    Examples
    --------
    >>> from utokyo.io.lvm.comments import with_quoted_comments
    >>> from utokyo.io.lvm.segment import segment_of
    >>> segment = segment_of({}, {}, ["X_Value", "Cup", "Comment"], ",", ".")
    >>> with_quoted_comments(b"0,1,stuck, again\n", segment).tobytes().strip(b"\0")
    b'0,1,"stuck, again"\n'
    """
    separator, columns = segment.delimiter.encode(), len(segment.columns)
    lines = rows.split(b"\n")
    changed = False
    for i, line in enumerate(lines):
        if line.count(separator) < columns or b'"' in line:
            continue
        fields = line.rstrip(b"\r").split(separator)
        comment = fields[columns - 1 :]
        while comment and not comment[-1].strip():
            comment.pop()
        if len(comment) > 1 and all(number_of(part.decode("latin-1"), segment.decimal) is None for part in comment):
            lines[i] = separator.join([*fields[: columns - 1], b'"' + separator.join(comment) + b'"'])
            changed = True
    return np.frombuffer(bytes(FRONT) + b"\n".join(lines) + bytes(BACK), np.uint8) if changed else None
