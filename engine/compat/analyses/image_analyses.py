"""The import path of the specification; the code is in `utokyo.engine.analyses.image`."""

from utokyo.engine.analyses.image import ImageAnalysis

__all__ = ["ImageAnalysis"]
