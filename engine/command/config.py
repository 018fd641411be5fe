"""What ``utokyo run`` and ``utokyo join`` do, as a TOML file says it.

Paths are relative to the folder of the file. Keys that nobody knows are a mistake, not a comment: a misspelt
``result_filepath`` must not cost a night of results. `EXAMPLE` is the file that is shipped.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ...io.errors import InputError, MissingFileError
from ..analyses.base import Analysis
from ..analyses.image import ImageAnalysis
from ..analyses.pmt import PMTAnalysis
from ..analyses.ssd import SSDAnalysis
from ..analyses.ssd_folder import SSDFolderAnalysis
from ..durations import Duration
from ..join.kinds import kind_of, name_of
from ..recorders.base import Recorder
from ..recorders.coil import CoilRecorder
from ..recorders.file import FileRecorder
from ..recorders.gauge import GaugeRecorder
from ..recorders.heater import HeaterRecorder
from ..recorders.heattime import HeatTimeRecorder
from ..recorders.ion import IonRecorder
from ..recorders.laser import LaserRecorder
from ..recorders.pmt import PMTRecorder
from ..recorders.results import ImageResultsRecorder, SSDResultsRecorder
from ..recorders.ssd import SSDRecorder

__all__ = ["ANALYSES", "EXAMPLE", "JoinConfig", "RunConfig", "read_config", "read_join_config"]

EXAMPLE = Path(__file__).with_name("example.toml")

ANALYSES: Mapping[str, type[Analysis]] = {
    "ssd": SSDAnalysis,
    "ssd_folder": SSDFolderAnalysis,
    "pmt": PMTAnalysis,
    "image": ImageAnalysis,
}
RECORDERS: Mapping[str, type[Recorder]] = {
    "ssd": SSDRecorder,
    "pmt": PMTRecorder,
    "coil": CoilRecorder,
    "heater": HeaterRecorder,
    "heating": HeatTimeRecorder,
    "gauge": GaugeRecorder,
    "ion": IonRecorder,
    "laser": LaserRecorder,
    "files": FileRecorder,
    "bursts": SSDResultsRecorder,
    "image": ImageResultsRecorder,
    "table": Recorder,
}

RUN_KEYS: dict[str, type | tuple[type, ...]] = {
    "cycles": int,
    "period_s": (int, float),
    "recorders": dict,
    "analyses": list,
    "join": dict,
}
JOIN_KEYS: dict[str, type | tuple[type, ...]] = {
    "on": str,
    "every": (str, int, float),
    "how": dict,
    "tolerance": (str, int, float, dict),
    "clock_offsets": dict,
    "between": list,
    "window": (str, int, float),
    "false_alarms_per_hour": (int, float),
    "merge_within": (str, int, float),
}
RECORDER_KEYS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "filepath": str,
    "match": str,
    "clock_offset_s": (int, float),
    "always_update": bool,
    "day": str,
}
ANALYSIS_KEYS: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "recorder": str,
    "filepath": str,
    "image_src": str,
    "image_extension": str,
    "result_filepath": str,
    "match": str,
    "draw": str,
    "time_interval": list,
    "min_signal": (int, float),
    "references": (str, list),
    "mask": str,
    "roi": list,
    "gain": (int, float),
    "read_noise": (int, float),
    "rotated": bool,
    "spot": dict,
    "camera": str,
    "camera_file": str,
    "false_alarms_per_hour": (int, float),
}
PATHS = ("filepath", "image_src", "result_filepath", "camera_file")


@dataclass(frozen=True, eq=False)
class RunConfig:
    """What a `Runner` is to do."""

    analyses: list[Analysis]
    cycles: int
    period_s: float


@dataclass(frozen=True, eq=False)
class JoinConfig:
    """What `utokyo.join` is to do: the sources by name, and its options; and what one heating is to `windows`."""

    recorders: dict[str, Any]
    options: dict[str, Any]
    merge_within: Duration | None


def read_config(path: str | Path) -> RunConfig:
    """Read the configuration of a run.

    Raises
    ------
    MissingFileError, InputError
        With one sentence that says where and what, when the file is missing, no TOML, or says what cannot be done.
    """
    path = Path(path)
    content = _content(path)
    recorders = _recorders(path, content)
    if not content.get("analyses"):
        raise InputError(f"{path}: no [[analyses]]; `utokyo run --example` prints a file to begin with")
    analyses = _analyses(path, content, recorders)
    return RunConfig(analyses, content.get("cycles", 100), float(content.get("period_s", 5.0)))


def read_join_config(path: str | Path) -> JoinConfig:
    """Read what is to be joined: all recorders of the file, and the atoms that its image analyses find.

    Raises
    ------
    MissingFileError, InputError
        As `read_config`.
    """
    path = Path(path)
    content = _content(path)
    sources: dict[str, Any] = dict(_recorders(path, content))
    images = [a for a in _analyses(path, content, sources) if isinstance(a, ImageAnalysis)]
    for analysis in images:
        sources[name_of(kind_of(analysis), sources)] = analysis
    if not sources:
        raise InputError(f"{path}: no [recorders.NAME] to join; `utokyo run --example` prints a file to begin with")
    options = content.get("join", {})
    _check(options, JOIN_KEYS, f"{path}, [join]")
    options = dict(options)
    merge_within = options.pop("merge_within", None)
    return JoinConfig(sources, options, merge_within)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file; `utokyo run --example` prints one to begin with") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: this is no TOML file: {error}") from None
    _check(content, RUN_KEYS, f"{path}")
    return content


def _recorders(path: Path, content: dict[str, Any]) -> dict[str, Recorder]:
    recorders = {}
    for name, keys in content.get("recorders", {}).items():
        where = f"{path}, [recorders.{name}]"
        recorders[name] = _made(where, RECORDERS, keys, RECORDER_KEYS, path.parent)
    return recorders


def _analyses(path: Path, content: dict[str, Any], recorders: Mapping[str, Recorder]) -> list[Analysis]:
    analyses = []
    for number, entry in enumerate(content.get("analyses", ()), start=1):
        where = f"{path}, [[analyses]] number {number}"
        keys = dict(entry) if isinstance(entry, dict) else entry
        _check(keys, ANALYSIS_KEYS, where)
        if "recorder" in keys:
            if keys["recorder"] not in recorders:
                known = ", ".join(recorders) or "none"
                raise InputError(f"{where}: no [recorders.{keys['recorder']}]; there are: {known}")
            keys["recorder"] = recorders[keys["recorder"]]
        analyses.append(_made(where, ANALYSES, keys, {**ANALYSIS_KEYS, "recorder": Recorder}, path.parent))
    return analyses


def _made(where: str, classes: Mapping[str, type[Any]], keys: Any, known: Mapping[str, Any], folder: Path) -> Any:
    """Make what a table of the file describes."""
    _check(keys, known, where)
    options = dict(keys)
    kind = options.pop("kind", None)
    if kind not in classes:
        raise InputError(f"{where}: kind should be one of {', '.join(classes)}, not {kind!r}")
    for name in PATHS:
        if name in options:
            options[name] = folder / options[name]
    if "references" in options:
        given = options["references"]
        options["references"] = [folder / path for path in ([given] if isinstance(given, str) else given)]
    if options.get("mask") == "none":  # TOML has no word for nothing
        options["mask"] = None
    if classes is RECORDERS and "filepath" not in options:
        raise InputError(f"{where}: no filepath")
    if not math.isfinite(options.get("clock_offset_s", 0.0)):
        raise InputError(f"{where}: clock_offset_s should be a number of seconds, not {options['clock_offset_s']!r}")
    if "clock_offset_s" in options:
        options["clock_offset"] = timedelta(seconds=options.pop("clock_offset_s"))
    try:
        return classes[kind](**options)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except TypeError as error:  # an option that this class does not have, or one that it must have
        keys_given = ", ".join(options)
        raise InputError(f"{where}: kind {kind!r} does not go with these keys ({keys_given})") from error


def _check(keys: Any, known: Mapping[str, Any], where: str) -> None:
    if not isinstance(keys, dict):
        raise InputError(f"{where}: expected a table of keys and values, found {keys!r}")
    for name, value in keys.items():
        if name not in known:
            raise InputError(f"{where}: unknown key {name!r}; known are {', '.join(known)}")
        expected = known[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            types = expected if isinstance(expected, tuple) else (expected,)
            raise InputError(f"{where}: {name} should be {' or '.join(t.__name__ for t in types)}, not {value!r}")
