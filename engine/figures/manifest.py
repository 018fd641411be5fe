"""`Manifest`: which figures of a folder are drawn, and of what, so that a restart draws what is missing alone.

It is a small file in the folder, ``.figures.json``: for each figure a digest of all that it was drawn from, and how
many bytes it has. A figure that was deleted, replaced, or drawn from something else is drawn again. Without the file
all are drawn anew: nothing depends on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ... import __version__
from ...io.results.lock import exclusive
from ...io.whole import write_whole
from .drawing import Drawing

__all__ = ["MANIFEST", "Digests", "Manifest"]

MANIFEST = ".figures.json"
WRITTEN_EVERY_S = 5.0
"""While many figures are drawn: a run that is killed has lost no more."""
ABOUT = "What each figure was drawn from; utokyo draws anew what is missing. May be deleted: all are drawn once more."


class Manifest:
    """The figures of a folder that are drawn.

    Parameters
    ----------
    folder : path

    Examples
    --------
    >>> import tempfile
    >>> from utokyo.engine.figures.manifest import Manifest
    >>> folder = tempfile.TemporaryDirectory()
    >>> figure = Path(folder.name, "overview.png")
    >>> _ = figure.write_bytes(b"picture")
    >>> manifest = Manifest(Path(folder.name))
    >>> manifest.note(figure, "digest of its data")
    >>> manifest.write()
    >>> Manifest(Path(folder.name)).has(figure, "digest of its data")
    True
    >>> figure.unlink()
    >>> Manifest(Path(folder.name)).has(figure, "digest of its data")
    False
    >>> folder.cleanup()
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / MANIFEST
        self._drawn = _read(self._path)
        self._new: dict[str, dict[str, Any]] = {}
        self._written = time.monotonic()

    def has(self, path: Path, digest: str) -> bool:
        """Whether a figure is there, drawn from this."""
        entry = self._drawn.get(path.name)
        if not isinstance(entry, dict) or entry.get("of") != digest or not digest:
            return False
        try:
            return path.stat().st_size == entry.get("bytes")
        except OSError:
            return False

    def note(self, path: Path, digest: str) -> None:
        """Note that a figure was drawn; written down now and then, and by `write`."""
        self._new[path.name] = {"of": digest, "bytes": path.stat().st_size}
        if time.monotonic() - self._written > WRITTEN_EVERY_S:
            self.write()

    def write(self) -> None:
        """Write down what was noted, beside what other programs drew into the folder.

        Raises
        ------
        OutputError
        """
        self._written = time.monotonic()
        if not self._new:
            return
        with exclusive(self._path):
            self._drawn = _read(self._path) | self._new
            content = {"about": ABOUT, "figures": dict(sorted(self._drawn.items()))}
            write_whole(self._path, json.dumps(content, indent=0).encode())
        self._new.clear()


class Digests:
    """Digests of drawings; large arrays that many of them share are digested once.

    Examples
    --------
    >>> from utokyo.engine.figures.drawing import Drawing
    >>> from utokyo.engine.figures.manifest import Digests
    >>> one, same, other = (Drawing("overview", print, (np.arange(3), text)) for text in "aab")
    >>> digests = Digests()
    >>> digests.of(one) == digests.of(same), digests.of(one) == digests.of(other)
    (True, False)
    """

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, bytes]] = {}

    def of(self, drawing: Drawing) -> str:
        """What a figure is drawn from, the files that it reads and this program's version with it; empty if unknown."""
        digest = hashlib.blake2b(digest_size=16)
        try:
            read = [(path, *_state_of(path)) for path in drawing.reads]
            parts = (__version__, drawing.function, drawing.arguments, drawing.options, read)
            self._add(parts, digest.update)
        except (TypeError, RecursionError):
            return ""
        return digest.hexdigest()

    def _add(self, value: Any, add: Callable[[bytes], None]) -> None:
        """Add a value so that equal ones add the same bytes in every process."""
        if value is None or isinstance(value, bool | int | float | str | bytes | Path | np.generic):
            add(f"{type(value).__name__} {value!r};".encode(errors="surrogateescape"))
        elif isinstance(value, np.ndarray):
            add(self._of_array(value))
        elif isinstance(value, pl.DataFrame):
            self._add((value.columns, str(value.dtypes), repr(value.rows())), add)
        elif isinstance(value, Mapping):
            self._add(("mapping", *value.items()), add)
        elif isinstance(value, list | tuple):
            add(f"{len(value)} of;".encode())
            for each in value:
                self._add(each, add)
        elif is_dataclass(value) and not isinstance(value, type):
            # What a fit can be asked beyond its numbers (its profile) is made of the same data.
            there = {f.name: getattr(value, f.name) for f in fields(value)}
            self._add((type(value).__qualname__, {n: v for n, v in there.items() if not callable(v)}), add)
        elif hasattr(value, "__qualname__"):
            add(f"{value.__module__}.{value.__qualname__};".encode())
        else:
            raise TypeError(f"{value!r} has no digest")

    def _of_array(self, array: np.ndarray[Any, Any]) -> bytes:
        known = self._arrays.get(id(array))
        if known is None or known[0] is not array:
            if array.dtype.hasobject:
                raise TypeError("an array of objects has no digest")
            content: Any = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            digest = hashlib.blake2b(content, digest_size=16)
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            known = self._arrays[id(array)] = array, digest.digest()
        return known[1]


def _state_of(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _read(path: Path) -> dict[str, Any]:
    """What was drawn; nothing where the file is missing or none of ours."""
    try:
        figures = json.loads(path.read_bytes())["figures"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(figures) if isinstance(figures, dict) else {}
