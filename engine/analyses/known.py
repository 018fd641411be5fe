"""Which analyses there are, in one place: by kind, as TOML files and ``utokyo analyze`` name them."""

from __future__ import annotations

from typing import Any

from ..options.registry import Registry

__all__ = ["ANALYSES", "analysis_for"]

ANALYSES: Registry[Any] = Registry(
    "utokyo.analyses",
    "utokyo.engine.analyses",
    {
        "ssd": "ssd:SSDAnalysis",
        "ssd_folder": "ssd_folder:SSDFolderAnalysis",
        "pmt": "pmt:PMTAnalysis",
        "image": "image:ImageAnalysis",
    },
    base="base:Analysis",
)


def analysis_for(recorder_class: type[Any]) -> type[Any] | None:
    """The analysis of files that a class of recorder reads; None where there is none."""
    for analysis in ANALYSES:
        takes = (analysis.recorder_class,) if analysis.takes is None else analysis.takes
        if issubclass(recorder_class, takes):
            return analysis
    return None
