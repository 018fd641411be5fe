"""The import path of the specification; the code is in `utokyo.engine.recorders.heater`."""

from utokyo.engine.recorders.heater import HeaterParser, HeaterRecorder

__all__ = ["HeaterParser", "HeaterRecorder"]
