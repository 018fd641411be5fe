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

TAKES = {
    "ssd": {"SSDRecorder"},
    "ssd_folder": set(),
    "pmt": {"PMTRecorder"},
    "image": {"ImageRecorder", "FileRecorder"},
}
"""The recorders of ours, so that a log does not wait for figures and fits of images; a test compares them."""


def analysis_for(recorder_class: type[Any]) -> type[Any] | None:
    """The analysis of files that a class of recorder reads; None where there is none."""
    names = {made.__name__ for made in recorder_class.__mro__}
    for kind in ANALYSES.kinds:
        if ANALYSES.is_ours(kind) and not names & TAKES[kind]:
            continue
        analysis = ANALYSES.get(kind)
        if analysis is None:
            continue
        takes = (analysis.recorder_class,) if analysis.takes is None else analysis.takes
        if issubclass(recorder_class, takes):
            return analysis
    return None
