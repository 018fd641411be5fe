"""`Registry`: which classes there are of a sort, ours and those of other packages, by kind.

A kind is the word by which a TOML file names a class, as in ``kind = "coil"``. Ours stand in a table as text,
``"module:Class"``, so that nothing is imported before it is asked for, and nothing that asks the table is imported by
what stands in it. Other packages add theirs by an entry point whose name is the kind; they come first, so that a
laboratory can replace a class of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint
from inspect import isabstract
from typing import Any, Generic, TypeVar, cast

from ...io.errors import InputError
from ...io.plugins import entries_of, forget_entries
from .sentences import did_you_mean, shown

__all__ = ["Registry"]

log = logging.getLogger("utokyo")

T = TypeVar("T")


class Registry(Generic[T]):
    """Classes by kind.

    Parameters
    ----------
    group : str
        Of the entry points: ``"utokyo.recorders"``.
    package : str
        In which our modules stand.
    ours : mapping of str to str
        Kind to ``"module:Class"``, the module relative to the package.
    base : str
        What the classes are made of, likewise.

    Examples
    --------
    >>> from utokyo.engine.recorders.known import RECORDERS
    >>> RECORDERS["coil"].__name__
    'CoilRecorder'
    >>> "coil" in RECORDERS, "spectrograph" in RECORDERS
    (True, False)
    """

    def __init__(self, group: str, package: str, ours: Mapping[str, str], base: str) -> None:
        self.group = group
        self._package, self._ours, self._base = package, dict(ours), base
        self._loaded: dict[str, type[T] | None] = {}

    def __repr__(self) -> str:
        return f"Registry({self.group!r}: {', '.join(self.kinds)})"

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds: first those of other packages, then ours."""
        return tuple(dict.fromkeys([*self._entries, *self._ours]))

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str) and self.get(kind) is not None

    def __getitem__(self, kind: str) -> type[T]:
        """The class of a kind.

        Raises
        ------
        InputError
            When there is none of that kind.
        """
        found = self.get(kind) if isinstance(kind, str) else None
        if found is not None:
            return found
        usable = [usable for usable, _ in self.items()]
        if kind is None:
            raise InputError(f"no kind; it should be one of {', '.join(usable)}")
        if not isinstance(kind, str):
            raise InputError(f"kind should be one of {', '.join(usable)}, not {shown(kind)}")
        if kind in self._entries:
            raise InputError(f"the kind {kind!r} of another package cannot be used: {self._entries[kind].value}")
        named = {found.__name__: usable for usable, found in self.items()}
        question = f"; did you mean {named[kind]!r}?" if kind in named else did_you_mean(kind, usable)
        raise InputError(f"kind should be one of {', '.join(usable)}, not {shown(kind)}{question}")

    def __iter__(self) -> Iterator[type[T]]:
        """All classes, in the order of `kinds`; each once."""
        return iter(dict.fromkeys(found for kind in self.kinds if (found := self.get(kind)) is not None))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Kinds and their classes."""
        return ((kind, found) for kind in self.kinds if (found := self.get(kind)) is not None)

    def get(self, kind: str) -> type[T] | None:
        """The class of a kind, or None."""
        if kind not in self._loaded:
            found = self._plugin(self._entries[kind]) if kind in self._entries else None
            self._loaded[kind] = found or (self._of(self._ours[kind]) if kind in self._ours else None)
        return self._loaded[kind]

    def is_ours(self, kind: str) -> bool:
        """Whether no other package has this kind."""
        return kind in self._ours and kind not in self._entries

    def forget(self) -> None:
        """Look for entry points anew: a package was installed since."""
        self._loaded.clear()
        forget_entries()
        self.__dict__.pop("_entries", None)

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entries_of(self.group)}

    def _of(self, place: str) -> type[T]:
        module, _, name = place.partition(":")
        return cast("type[T]", getattr(import_module(f".{module}", self._package), name))

    def _plugin(self, entry: EntryPoint) -> type[T] | None:
        """The class of an entry point; None, with a warning, where it cannot be used."""
        where = f"{entry.group}: {entry.name} = {entry.value!r}"
        try:
            found: Any = entry.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever another package raises: it is named, and passed over)
            log.warning("%s cannot be loaded (%s: %s); it is passed over", where, type(error).__name__, error)
            return None
        base = self._of(self._base)
        if not (isinstance(found, type) and issubclass(found, base)):
            log.warning("%s is no subclass of %s; it is passed over", where, base.__name__)
            return None
        if isabstract(found):
            missing = ", ".join(sorted(getattr(found, "__abstractmethods__", ())))
            log.warning("%s has no %s; it is passed over", where, missing)
            return None
        return found
