"""The import path of the specification; the code is in `utokyo.engine.recorders.pmt`."""

from utokyo.engine.recorders.pmt import PMTParser, PMTRecorder

__all__ = ["PMTParser", "PMTRecorder"]
