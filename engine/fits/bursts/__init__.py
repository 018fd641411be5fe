"""Bursts of pulses over a background: found by `find_bursts` and `BurstSearch`, fitted by `fit_burst`.

The four names are imported when they are first used: a module of this room, `dead_time` say, stays quick to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit import fit_burst, fit_overlapping
    from .search import BurstSearch, find_bursts

__all__ = ["BurstSearch", "find_bursts", "fit_burst", "fit_overlapping"]

_HOMES = {"BurstSearch": "search", "find_bursts": "search", "fit_burst": "fit", "fit_overlapping": "fit"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
