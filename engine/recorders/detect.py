"""Which recorder a file is for, told by looking at it.

Recorders of other packages take part through the entry-point group ``utokyo.recorders``: each names a subclass of
`Recorder` with a `signature`.
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ...io.errors import InputError, MissingFileError
from ...io.header import UTF8_MARK
from .base import Recorder
from .coil import CoilRecorder
from .gauge import GaugeRecorder
from .heater import HeaterRecorder
from .heattime import HeatTimeRecorder
from .image import ImageRecorder
from .ion import IonRecorder
from .laser import LaserRecorder
from .pmt import PMTRecorder
from .results import ImageResultsRecorder, SSDResultsRecorder
from .ssd import SSDRecorder

__all__ = ["known_recorders", "open_recorder", "recorder_for"]

OURS: tuple[type[Recorder], ...] = (
    SSDRecorder,
    PMTRecorder,
    CoilRecorder,
    HeaterRecorder,
    HeatTimeRecorder,
    IonRecorder,
    GaugeRecorder,
    LaserRecorder,
    SSDResultsRecorder,
    ImageResultsRecorder,
    ImageRecorder,
)
HEAD_BYTES = 1 << 14


def open_recorder(path: str | Path, **options: Any) -> Recorder:
    """Open a file with the recorder that it is for.

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
    """
    return recorder_for(path)(path, **options)


def recorder_for(path: str | Path) -> type[Recorder]:
    """The class of recorder that a file is for."""
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
    for recorder in known_recorders():
        if recorder.signature is not None and re.match(recorder.signature, head, re.MULTILINE):
            return recorder
    return ImageRecorder if path.suffix.lower() == ".xlsx" else Recorder


def known_recorders() -> tuple[type[Recorder], ...]:
    """All recorders with a signature: first those of other packages, then ours."""
    return (*(entry.load() for entry in entry_points(group="utokyo.recorders")), *OURS)


def hint(path: Path, tried: type[Recorder]) -> str:
    """The end of a sentence about a file of another format: what it looks like."""
    found = recorder_for(path)
    return "" if found is Recorder or issubclass(tried, found) else f"; it looks like a file for {found.__name__}"
