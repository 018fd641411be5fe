"""The import path of the specification; the code is in `utokyo.engine.recorders.base`."""

from utokyo.engine.recorders.base import Recorder
from utokyo.engine.recorders.parser import Parser

__all__ = ["Parser", "Recorder"]
