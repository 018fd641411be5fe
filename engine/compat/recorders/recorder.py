"""The import path of the specification; the code is in `utokyo.engine.recorders.base`."""

from utokyo.engine.recorders.base import Parser, Recorder

__all__ = ["Parser", "Recorder"]
