"""The import path of the specification; the code is in `utokyo.engine.recorders.heattime`."""

from utokyo.engine.recorders.heattime import HeatTimeParser, HeatTimeRecorder

__all__ = ["HeatTimeParser", "HeatTimeRecorder"]
