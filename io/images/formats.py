"""Formats of images that other packages read: ``.fits``, ``.sif``, whatever a camera writes.

An entry point of the group ``utokyo.images`` names an ending, without its dot, and a function: of the path of a file,
it gives the matrix of its counts. It comes before our own reader, so that a laboratory can replace that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..plugins import entries_of

__all__ = ["GROUP", "image_of_format", "is_of_format", "other_endings"]

log = logging.getLogger("utokyo")

GROUP = "utokyo.images"

Image = NDArray[np.int64] | NDArray[np.float64]


def other_endings() -> tuple[str, ...]:
    """The endings of files that other packages read as images, in small letters and with their dots.

    Examples
    --------
    >>> from utokyo.io.images.formats import other_endings
    >>> isinstance(other_endings(), tuple)
    True
    """
    return tuple(ending for ending, entry in _entries().items() if _loaded(entry) is not None)


def is_of_format(path: Path) -> bool:
    """Whether another package reads files of this ending as images.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.images.formats import is_of_format
    >>> is_of_format(Path("cmos_000001.csv"))
    False
    """
    entry = _entries().get(path.suffix.lower())
    return entry is not None and _loaded(entry) is not None


def image_of_format(path: Path) -> Image | None:
    """Read a file whose ending another package has; None for any other.

    Raises
    ------
    InputError
        When it cannot be read, or gives no matrix of finite numbers.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.images.formats import image_of_format
    >>> image_of_format(Path("cmos_000001.csv")) is None
    True
    """
    entry = _entries().get(path.suffix.lower())
    read = None if entry is None else _loaded(entry)
    if entry is None or read is None:
        return None
    try:
        counts = np.asarray(read(path))
    except InputError:
        raise
    except Exception as error:  # whatever another package raises of a file that is not whole yet, or none of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read as {entry.name} by {entry.value} ({reason})") from error
    if counts.ndim != 2 or not counts.size or counts.dtype.kind not in "iuf":
        raise InputError(
            f"{path}: {entry.value} gives no matrix of numbers but {counts.dtype} of the shape {counts.shape}"
        )
    if counts.dtype.kind in "iu":
        return counts.astype(np.int64)
    if not np.all(np.isfinite(counts)):
        raise InputError(f"{path}: no image, which holds finite numbers only")
    return counts.astype(np.float64)


@cache
def _entries() -> dict[str, EntryPoint]:
    return {f".{entry.name.lower().lstrip('.')}": entry for entry in entries_of(GROUP)}


@cache
def _loaded(entry: EntryPoint) -> Callable[[Path], Any] | None:
    """The function of an entry point; None, with a warning, where it cannot be used."""
    where = f"{entry.group}: {entry.name} = {entry.value!r}"
    try:
        found: Any = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 (it is named, and passed over)
        log.warning("%s cannot be loaded (%s: %s); it is passed over", where, type(error).__name__, error)
        return None
    if not callable(found):
        log.warning("%s is no function; it is passed over", where)
        return None
    return found  # type: ignore[no-any-return]
