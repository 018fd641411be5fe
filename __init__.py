"""Data Engineer UTokyo: follow growing LabVIEW files and find bursts, alpha lines and trapped atoms in them.

The public names are imported when they are first used, so that ``import utokyo`` and ``utokyo --help`` stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.analyses.base import Analysis
    from .engine.analyses.findings import Findings
    from .engine.analyses.image import ImageAnalysis
    from .engine.analyses.image_settings import ImageSettings
    from .engine.analyses.parameters import ResultParameter
    from .engine.analyses.pmt import PMTAnalysis, PMTSettings
    from .engine.analyses.ssd import SSDAnalysis, SSDSettings
    from .engine.analyses.ssd_folder import SSDFolderAnalysis, SSDFolderSettings
    from .engine.camera import ATOMS, CameraConstants, Measured
    from .engine.figures.drawing import Drawing
    from .engine.fits.bursts.dead_time import true_rate_Hz
    from .engine.fits.bursts.fit import find_bursts, fit_burst, fit_overlapping
    from .engine.fits.bursts.search import BurstSearch
    from .engine.fits.images.camera_noise import BadPixels, Gain, estimate_gain, find_bad_pixels
    from .engine.fits.images.fit import fit_gaussian, gaussian_image
    from .engine.fits.images.known_spot import Spot, mean_spot
    from .engine.fits.images.reference import Reference, reference_of
    from .engine.fits.images.result import GaussianFit
    from .engine.fits.images.several_spots import fit_spots
    from .engine.fits.images.smooth_light import smooth_reference
    from .engine.fits.images.stack import StackFit, fit_gaussian_stack
    from .engine.fits.lifetime import fit_lifetime
    from .engine.fits.result import Fit
    from .engine.join.clocks import ClockOffset, estimate_clock_offset
    from .engine.join.events import coil_on, heater_on
    from .engine.join.files import read_units
    from .engine.join.options import JoinSettings
    from .engine.join.table import JoinedTable, join
    from .engine.join.windows import Window, windows
    from .engine.options.settings import Settings
    from .engine.recorders.base import Recorder
    from .engine.recorders.coil import CoilParser, CoilRecorder
    from .engine.recorders.detect import open_recorder
    from .engine.recorders.file import FileParser, FileRecorder
    from .engine.recorders.gauge import GaugeParser, GaugeRecorder
    from .engine.recorders.heater import HeaterParser, HeaterRecorder
    from .engine.recorders.heattime import HeatTimeParser, HeatTimeRecorder
    from .engine.recorders.image import ImageParser, ImageRecorder
    from .engine.recorders.ion import IonParser, IonRecorder
    from .engine.recorders.laser import LaserParser, LaserRecorder
    from .engine.recorders.lvm import LVMParser, LVMRecorder
    from .engine.recorders.options import RecorderSettings
    from .engine.recorders.parser import Parser
    from .engine.recorders.pmt import PMTParser, PMTRecorder
    from .engine.recorders.quantity import Quantity, SeenEvents, SourceKind
    from .engine.recorders.results import (
        ImageResultsParser,
        ImageResultsRecorder,
        ParameterParser,
        ParameterRecorder,
        SSDResultsParser,
        SSDResultsRecorder,
    )
    from .engine.recorders.source import Source
    from .engine.recorders.spreadsheet import SpreadsheetParser, SpreadsheetRecorder
    from .engine.recorders.ssd import SSDParser, SSDRecorder
    from .engine.recorders.static import StaticRecorder
    from .engine.run.runner import Runner
    from .engine.run.summary import AnalysisReport, RunSummary
    from .engine.simulate.beam_time import simulate
    from .io.column import Column, Kind
    from .io.errors import InputError, MissingFileError, OutputError, UtokyoError
    from .io.header import KeyValueLines, NamesLine, NoHeader, SectionLines
    from .io.layout import Layout
    from .io.reader import Reader
    from .io.times import ColumnTime, DateAndTime, Elapsed, TimeOfDay

_HOMES = {
    "engine.analyses.base": ["Analysis"],
    "engine.analyses.parameters": ["ResultParameter"],
    "engine.analyses.findings": ["Findings"],
    "engine.analyses.image": ["ImageAnalysis"],
    "engine.analyses.image_settings": ["ImageSettings"],
    "engine.analyses.pmt": ["PMTAnalysis", "PMTSettings"],
    "engine.analyses.ssd": ["SSDAnalysis", "SSDSettings"],
    "engine.analyses.ssd_folder": ["SSDFolderAnalysis", "SSDFolderSettings"],
    "engine.camera": ["ATOMS", "CameraConstants", "Measured"],
    "engine.join.clocks": ["ClockOffset", "estimate_clock_offset"],
    "engine.figures.drawing": ["Drawing"],
    "engine.fits.bursts.dead_time": ["true_rate_Hz"],
    "engine.fits.bursts.fit": ["find_bursts", "fit_burst", "fit_overlapping"],
    "engine.fits.images.camera_noise": ["BadPixels", "Gain", "estimate_gain", "find_bad_pixels"],
    "engine.fits.images.fit": ["fit_gaussian", "gaussian_image"],
    "engine.fits.images.result": ["GaussianFit"],
    "engine.fits.images.known_spot": ["Spot", "mean_spot"],
    "engine.fits.lifetime": ["fit_lifetime"],
    "engine.fits.images.reference": ["Reference", "reference_of"],
    "engine.fits.result": ["Fit"],
    "engine.fits.bursts.search": ["BurstSearch"],
    "engine.fits.images.several_spots": ["fit_spots"],
    "engine.fits.images.smooth_light": ["smooth_reference"],
    "engine.fits.images.stack": ["StackFit", "fit_gaussian_stack"],
    "engine.join.events": ["coil_on", "heater_on"],
    "engine.join.files": ["read_units"],
    "engine.join.options": ["JoinSettings"],
    "engine.join.table": ["JoinedTable", "join"],
    "engine.recorders.base": ["Recorder"],
    "engine.recorders.coil": ["CoilParser", "CoilRecorder"],
    "engine.recorders.detect": ["open_recorder"],
    "engine.recorders.file": ["FileParser", "FileRecorder"],
    "engine.recorders.gauge": ["GaugeParser", "GaugeRecorder"],
    "engine.recorders.heater": ["HeaterParser", "HeaterRecorder"],
    "engine.recorders.heattime": ["HeatTimeParser", "HeatTimeRecorder"],
    "engine.recorders.image": ["ImageParser", "ImageRecorder"],
    "engine.recorders.ion": ["IonParser", "IonRecorder"],
    "engine.recorders.laser": ["LaserParser", "LaserRecorder"],
    "engine.recorders.lvm": ["LVMParser", "LVMRecorder"],
    "engine.recorders.options": ["RecorderSettings"],
    "engine.recorders.parser": ["Parser"],
    "engine.recorders.pmt": ["PMTParser", "PMTRecorder"],
    "engine.recorders.quantity": ["Quantity", "SeenEvents", "SourceKind"],
    "engine.recorders.results": [
        "ImageResultsParser",
        "ImageResultsRecorder",
        "ParameterParser",
        "ParameterRecorder",
        "SSDResultsParser",
        "SSDResultsRecorder",
    ],
    "engine.recorders.source": ["Source"],
    "engine.recorders.spreadsheet": ["SpreadsheetParser", "SpreadsheetRecorder"],
    "engine.recorders.ssd": ["SSDParser", "SSDRecorder"],
    "engine.recorders.static": ["StaticRecorder"],
    "engine.run.runner": ["Runner"],
    "engine.run.summary": ["AnalysisReport", "RunSummary"],
    "engine.options.settings": ["Settings"],
    "engine.simulate.beam_time": ["simulate"],
    "engine.join.windows": ["Window", "windows"],
    "io.errors": ["InputError", "MissingFileError", "OutputError", "UtokyoError"],
    "io.header": ["KeyValueLines", "NamesLine", "NoHeader", "SectionLines"],
    "io.column": ["Column", "Kind"],
    "io.layout": ["Layout"],
    "io.reader": ["Reader"],
    "io.times": ["ColumnTime", "DateAndTime", "Elapsed", "TimeOfDay"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
