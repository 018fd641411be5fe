"""The import path of the specification; the code is in `utokyo.engine.recorders.ssd`."""

from utokyo.engine.recorders.ssd import SSDParser, SSDRecorder

__all__ = ["SSDParser", "SSDRecorder"]
