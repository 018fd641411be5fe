"""The import path of the specification; the code is in `utokyo.engine.analyses.ssd`."""

from utokyo.engine.analyses.ssd import SSDAnalysis

__all__ = ["SSDAnalysis"]
