"""Which recorder a file is for, found by looking at it.

Recorders of other packages take part through the entry-point group ``utokyo.recorders`` (see `registry`): each names a
subclass of `Recorder` with a `signature`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .base import Recorder
from .known import class_for

__all__ = ["open_recorder"]


def open_recorder(path: str | Path, **options: Any) -> Recorder:
    r"""Open a file with the recorder that it is for.

    Parameters
    ----------
    path : path
    **options
        As for `Recorder`.

    Returns
    -------
    Recorder
        Of the class whose format it is; a plain `Recorder` for a table that nobody described.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file, or it cannot be read.

    Examples
    --------
    >>> _ = Path("coil.txt").write_text("Time\tCoilOperation\n2022/03/14 12:09:23\tON\n")
    >>> open_recorder("coil.txt")
    CoilRecorder('coil.txt', rows=0, bad_rows=0)
    """
    recorder: Recorder = class_for(path)(path, **options)
    return recorder
