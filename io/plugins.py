"""What other packages add to ours: their entry points, whatever state those packages are in."""

from __future__ import annotations

import logging
from functools import cache
from importlib.metadata import EntryPoint, distributions, entry_points

__all__ = ["entries_of", "forget_entries"]

log = logging.getLogger("utokyo")


def entries_of(group: str) -> list[EntryPoint]:
    """Entry points of a group, of all distributions but those whose list of them cannot be read.

    Examples
    --------
    >>> from utokyo.io.plugins import entries_of
    >>> entries_of("a group that nobody has")
    []
    """
    try:
        return list(entry_points(group=group))
    except Exception:  # noqa: BLE001 (one such list, of whatever package, and there are none: they are read one by one)
        return [entry for entry in _readable_entries() if entry.group == group]


@cache
def _readable_entries() -> tuple[EntryPoint, ...]:
    """All entry points, distribution by distribution; a warning names those that cannot be read, once."""
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        name = "a package without a name"
        try:
            name = distribution.metadata["Name"] or name
            if name in found:
                continue  # the first on the path counts, as for Python
            found[name] = []
            found[name] += distribution.entry_points
        except Exception as error:  # noqa: BLE001 (see above)
            where = f"{name} in {distribution.locate_file('')}"
            log.warning(
                "the entry points of %s cannot be read (%s: %s); they are passed over",
                *(where, type(error).__name__, error),
            )
    return tuple(entry for entries in found.values() for entry in entries)


def forget_entries() -> None:
    """Look for entry points anew: a package was installed since.

    Examples
    --------
    >>> from utokyo.io.plugins import forget_entries
    >>> forget_entries()
    """
    _readable_entries.cache_clear()
