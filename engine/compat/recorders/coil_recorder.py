"""The import path of the specification; the code is in `utokyo.engine.recorders.coil`."""

from utokyo.engine.recorders.coil import CoilParser, CoilRecorder

__all__ = ["CoilParser", "CoilRecorder"]
