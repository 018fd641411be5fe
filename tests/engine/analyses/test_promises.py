"""All analyses keep what is promised of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from utokyo import ImageAnalysis, InputError, PMTAnalysis, SSDAnalysis, SSDFolderAnalysis, simulate
from utokyo.engine.analyses.known import ANALYSES, TAKES, analysis_for
from utokyo.engine.fits.error_names import error_column
from utokyo.engine.recorders.known import RECORDERS
from utokyo.testing import AnalysisTests


class TestSSD(AnalysisTests):
    analysis_class = SSDAnalysis
    kind = "ssd"
    options = {"false_alarms_per_hour": 0.1, "dead_time_s": 1e-6}

    def source(self, folder: Path) -> Path:
        truth = simulate(folder / "beam", minutes=1.2, seed=6)
        return folder / "beam" / truth["files"]["ssd"]


class TestSSDFolder(AnalysisTests):
    analysis_class = SSDFolderAnalysis
    kind = "ssd_folder"
    options = {"match": r"run_\d\.csv"}

    def source(self, folder: Path) -> Path:
        (folder / "runs").mkdir()
        for seed in (6, 7):
            truth = simulate(folder / f"beam{seed}", minutes=1.0, seed=seed)
            (folder / f"beam{seed}" / truth["files"]["ssd"]).rename(folder / "runs" / f"run_{seed}.csv")
        return folder / "runs"


class TestPMT(AnalysisTests):
    analysis_class = PMTAnalysis
    kind = "pmt"

    def source(self, folder: Path) -> Path:
        truth = simulate(folder / "beam", minutes=1.0, seed=6)
        return folder / "beam" / truth["files"]["pmt"]


class TestImage(AnalysisTests):
    analysis_class = ImageAnalysis
    kind = "image"
    options = {"camera": "cmos_fr_20220918", "roi": [60, 170, 60, 200], "gain": 1.0}

    def source(self, folder: Path) -> Path:
        truth = simulate(folder / "beam", minutes=1.0, seed=6)
        return (folder / "beam" / truth["images"][0]["file"]).parent


def test_every_column_of_an_error_is_named_by_its_value():
    for analysis in ANALYSES:
        names = [p.name for p in analysis.parameters]
        for parameter in analysis.parameters:
            assert parameter.error == (error_column(parameter.name, names) or "")


def test_each_kind_of_file_goes_to_its_analysis():
    chosen = {kind: analysis_for(recorder) for kind, recorder in RECORDERS.items()}
    expected = {"ssd": SSDAnalysis, "pmt": PMTAnalysis, "picture": ImageAnalysis, "files": ImageAnalysis}
    assert {kind: analysis for kind, analysis in chosen.items() if analysis is not None} == expected


def test_the_recorders_that_ours_take_are_told_without_importing_them():
    told = {}
    for kind, analysis in ANALYSES.items():
        takes = (analysis.recorder_class,) if analysis.takes is None else analysis.takes
        told[kind] = {recorder.__name__ for recorder in takes}
    assert told == TAKES


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gain": -1}, "gain should be a positive number of counts per electron, not -1"),
        ({"gain": float("nan")}, "gain should be a positive number of counts per electron, not nan"),
        ({"gain": "high"}, "gain should be a positive number of counts per electron, not 'high'"),
        ({"read_noise": -0.1}, "read_noise should be a number of counts, 0 or more, not -0.1"),
        ({"roi": ["1", "2", "3", "4"]}, r"roi should be \(x_low, x_high, y_low, y_high\)"),
        ({"rotated": "yes"}, "rotated should be True, False or 'auto', not 'yes'"),
        ({"match": "("}, "is no regular expression"),
        ({"spot": {"x0": 1.0}}, "spot should hold"),
        ({"min_signal": "much"}, "min_signal should be a number of counts"),
        ({"camera": 7}, "camera should be the name of a set"),
    ],
)
def test_an_image_option_that_is_none_is_refused_at_once(tmp_path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        ImageAnalysis(tmp_path, **options)
