"""The import path of the specification; the code is in `utokyo.engine.recorders.gauge`."""

from utokyo.engine.recorders.gauge import GaugeParser, GaugeRecorder

__all__ = ["GaugeParser", "GaugeRecorder"]
