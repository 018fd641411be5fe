"""The import path of the specification; the code is in `utokyo.engine.recorders.file`."""

from utokyo.engine.recorders.file import FileParser, FileRecorder

__all__ = ["FileParser", "FileRecorder"]
