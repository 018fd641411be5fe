"""Which recorders there are, in one place: by kind, as TOML files, the join and the detection of formats name them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...io.errors import InputError, MissingFileError
from ...io.header import UTF8_MARK
from ..options.registry import Registry

__all__ = ["RECORDERS", "class_for", "hint"]

# In the order in which the signatures are tried.
RECORDERS: Registry[Any] = Registry(
    "utokyo.recorders",
    "utokyo.engine.recorders",
    {
        "ssd": "ssd:SSDRecorder",
        "pmt": "pmt:PMTRecorder",
        "coil": "coil:CoilRecorder",
        "heater": "heater:HeaterRecorder",
        "heating": "heattime:HeatTimeRecorder",
        "ion": "ion:IonRecorder",
        "gauge": "gauge:GaugeRecorder",
        "laser": "laser:LaserRecorder",
        "files": "file:FileRecorder",
        "bursts": "results:SSDResultsRecorder",
        "image": "results:ImageResultsRecorder",
        "parameters": "results:ParameterRecorder",
        "picture": "image:ImageRecorder",
        "table": "base:Recorder",
    },
    base="base:Recorder",
)
HEAD_BYTES = 1 << 14


def class_for(path: str | Path) -> type[Any]:
    """The class of recorder that a file is for, by its first bytes; the plain one for a table that nobody described.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file, or it cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as handle:
            head = handle.read(HEAD_BYTES).removeprefix(UTF8_MARK)
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except OSError as error:
        if path.is_dir():
            raise InputError(f"{path}: this is a folder; FileRecorder reads the files of a folder") from None
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    for recorder in RECORDERS:
        signature = recorder.signature
        if signature is not None and re.match(signature, head, re.MULTILINE):
            return recorder
    return RECORDERS["picture" if path.suffix.lower() == ".xlsx" else "table"]


def hint(path: Path, tried: type[Any]) -> str:
    """The end of a sentence about a file of another format: what it looks like."""
    found = class_for(path)
    return "" if issubclass(tried, found) else f"; it looks like a file for {found.__name__}"
