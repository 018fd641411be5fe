"""The import path of the specification; the code is in `utokyo.engine.recorders.ion`."""

from utokyo.engine.recorders.ion import IonParser, IonRecorder

__all__ = ["IonParser", "IonRecorder"]
