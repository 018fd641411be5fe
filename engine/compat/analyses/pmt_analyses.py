"""The import path of the specification; the code is in `utokyo.engine.analyses.pmt`."""

from utokyo.engine.analyses.pmt import PMTAnalysis

__all__ = ["PMTAnalysis"]
