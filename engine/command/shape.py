"""Whether the tables of a configuration are tables, and have the brackets that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...io.errors import InputError
from ..options.sentences import shown

__all__ = ["check_effect", "check_shape"]


def check_shape(content: Mapping[str, Any]) -> None:
    """Refuse recorders, analyses and a join that are no tables, or whose brackets are those of another.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_shape({"analyses": ["hall"]})
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: analyses should be tables: write [[analyses]] above the keys of each, not ['hall']
    """
    _check_recorders(content.get("recorders", {}))
    _check_analyses(content.get("analyses", []))
    join = content.get("join", {})
    if isinstance(join, list):
        raise InputError("[[join]] has a bracket too many: write [join]")
    if not isinstance(join, Mapping):
        raise InputError(f"join should be a table: write [join] above its keys, not {shown(join)}")


def check_effect(keys: Mapping[str, Any]) -> None:
    """Refuse keys of an analysis that say how figures are drawn where none are.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_effect({"kind": "pmt", "image_extension": ".pdf"})
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: image_extension has no effect without image_src, the folder for the figures
    """
    idle = [key for key in ("image_extension", "draw") if key in keys and keys[key] != "never"]
    if idle and "image_src" not in keys:
        raise InputError(f"{idle[0]} has no effect without image_src, the folder for the figures")


def _check_recorders(recorders: Any) -> None:
    if not isinstance(recorders, Mapping):
        raise InputError(f"recorders should be tables: write [recorders.NAME] above the keys of each{_not(recorders)}")
    if "kind" in recorders and not isinstance(recorders["kind"], Mapping):
        raise InputError("[recorders] has no name: write [recorders.NAME] above the keys of each")
    for name, keys in recorders.items():
        if isinstance(keys, list):
            raise InputError(f"[[recorders.{name}]] has a bracket too many: write [recorders.{name}]")
        if not isinstance(keys, Mapping):
            where = f"[recorders.{name}] above its keys"
            raise InputError(f"recorders.{name} should be a table: write {where}, not {shown(keys)}")
        if not name.strip():
            raise InputError("[recorders.''] has no name: write [recorders.NAME]")
        below = [key for key, value in keys.items() if isinstance(value, Mapping) and "kind" in value]
        if below and "kind" not in keys:
            raise InputError(
                f"[recorders.{name}.{below[0]}] has a dot in its name: write [recorders.{name}_{below[0]}]"
            )


def _check_analyses(analyses: Any) -> None:
    if isinstance(analyses, Mapping):
        names = [name for name, keys in analyses.items() if isinstance(keys, Mapping)]
        what = f"[analyses.{names[0]}] has a name" if names else "[analyses] is one table"
        raise InputError(f"{what}; write [[analyses]] above each analysis")
    if not isinstance(analyses, list) or not all(isinstance(keys, Mapping) for keys in analyses):
        raise InputError(f"analyses should be tables: write [[analyses]] above the keys of each{_not(analyses)}")


def _not(value: Any) -> str:
    return (
        "" if isinstance(value, list) and all(isinstance(each, Mapping) for each in value) else f", not {shown(value)}"
    )
