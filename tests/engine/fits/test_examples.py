"""The examples in the docstrings of the fits run, and say what they show."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

from utokyo.engine import fits

MODULES = ["utokyo.engine.camera", "utokyo.engine.durations"]
MODULES += [module.name for module in pkgutil.walk_packages(fits.__path__, f"{fits.__name__}.")]
FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = [test for name in MODULES for test in FINDER.find(import_module(name), name) if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name.removeprefix("utokyo.engine."))
def test_an_example_runs(example):
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_what_users_import_has_an_example():
    shown = {example.name.rsplit(".", 1)[-1] for example in EXAMPLES}
    assert shown >= {
        *("find_bursts", "fit_burst", "fit_overlapping", "BurstSearch", "Fit", "fit_lifetime"),
        *("fit_gaussian", "gaussian_image", "GaussianFit", "mean_spot", "Reference", "reference_of"),
        *("fit_gaussian_stack", "StackFit", "estimate_gain", "Gain", "find_bad_pixels", "BadPixels"),
        *("CameraConstants", "Measured"),
    }
