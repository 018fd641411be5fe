"""The import path of the specification; the code is in `utokyo.engine.recorders.static`."""

from utokyo.engine.recorders.static import StaticRecorder

__all__ = ["StaticRecorder"]
