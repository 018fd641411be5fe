"""The import path of the specification; the code is in `utokyo.engine.recorders.laser`."""

from utokyo.engine.recorders.laser import LaserParser, LaserRecorder

__all__ = ["LaserParser", "LaserRecorder"]
