"""The import path of the specification; the code is in `utokyo.engine.recorders.results`."""

from utokyo.engine.recorders.results import (
    ImageResultsParser,
    ImageResultsRecorder,
    ParameterParser,
    ParameterRecorder,
    SSDResultsParser,
    SSDResultsRecorder,
)

__all__ = [
    "ImageResultsParser",
    "ImageResultsRecorder",
    "ParameterParser",
    "ParameterRecorder",
    "SSDResultsParser",
    "SSDResultsRecorder",
]
