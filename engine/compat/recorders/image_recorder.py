"""The import path of the specification; the code is in `utokyo.engine.recorders.image`."""

from utokyo.engine.recorders.image import ImageParser, ImageRecorder

__all__ = ["ImageParser", "ImageRecorder"]
