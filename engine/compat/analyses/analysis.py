"""The import path of the specification; the code is in `utokyo.engine.analyses.base`."""

from utokyo.engine.analyses.base import Analysis
from utokyo.engine.analyses.parameters import ResultParameter

__all__ = ["Analysis", "ResultParameter"]
