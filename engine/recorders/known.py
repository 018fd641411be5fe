"""Which recorders there are, in one place: by kind, as TOML files, the join and the detection of formats name them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...io.errors import InputError, UtokyoError
from ...io.header import UTF8_MARK
from ...io.images.formats import is_of_format
from ...io.opened import opened, unreadable
from ...io.paths import user_path
from ...io.sheet import is_spreadsheet, is_spreadsheet_image
from ...io.text.utf16 import text_of
from ..options.registry import Registry
from ..options.sentences import option

__all__ = ["RECORDERS", "check_file", "class_for", "hint"]

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
        "lvm": "lvm:LVMRecorder",
        "files": "file:FileRecorder",
        "bursts": "results:SSDResultsRecorder",
        "image": "results:ImageResultsRecorder",
        "parameters": "results:ParameterRecorder",
        "spreadsheet": "spreadsheet:SpreadsheetRecorder",
        "picture": "image:ImageRecorder",
        "table": "base:Recorder",
    },
    base="base:Recorder",
)
HEAD_BYTES = 1 << 16  # a row of an image has 4096 numbers of six signs, and two are looked at


def class_for(path: str | Path) -> type[Any]:
    """The class of recorder that a file is for, by its first bytes; the plain one for a table that nobody described.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file, or it cannot be read.
    """
    path = user_path(path)
    head = _head(path)
    for recorder in RECORDERS:
        if recorder.recognises(head):
            return recorder
    if is_spreadsheet(path):
        return RECORDERS["picture" if is_spreadsheet_image(path) else "spreadsheet"]
    return RECORDERS["picture" if is_of_format(path) else "table"]


def _head(path: Path) -> bytes:
    """The first bytes of a file."""
    try:
        with opened(path) as handle:
            return text_of(handle.read(HEAD_BYTES)).removeprefix(UTF8_MARK)
    except UtokyoError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error


def check_file(path: Path, wanted: type[Any]) -> None:
    """Refuse a file that is there and surely for another class; one that is empty or missing may yet become one.

    Raises
    ------
    InputError
        When a folder stands where a file should, or a file where a folder should, or the file begins as those of
        another class do and not as those of this one.
    """
    if not os.path.exists(path):
        return
    if wanted.reads_folder or os.path.isdir(path):
        if wanted.reads_folder and not os.path.isdir(path):
            raise InputError(f"{path}: this is a file; {wanted.__name__} wants the folder it is in")
        if not wanted.reads_folder:
            raise InputError(f"{path}: this is a folder; {wanted.__name__} wants a file")
        return
    found = class_for(path)
    if wanted.signature is None or found.signature is None or issubclass(wanted, found) or issubclass(found, wanted):
        return
    if not wanted.recognises(_head(path)):
        kind = next(kind for kind, known in RECORDERS.items() if known is found)
        raise InputError(f"{path}: this is no file for {wanted.__name__}; it looks like one of {option('kind', kind)}")


def hint(path: Path, tried: type[Any]) -> str:
    """The end of a sentence about a file of another format: what it looks like."""
    found = class_for(path)
    return "" if issubclass(tried, found) else f"; it looks like a file for {found.__name__}"
