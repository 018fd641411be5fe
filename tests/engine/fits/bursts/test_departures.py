"""Where life departs from the model of bursts, by the generators of `benchmarks/calibrations/departures_of_bursts.py`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "benchmarks" / "calibrations" / "departures_of_bursts.py"


@pytest.fixture(scope="module")
def departures():
    if not SCRIPT.exists():
        pytest.skip("the scripts of the calibrations are not beside the tests")
    spec = importlib.util.spec_from_file_location("departures_of_bursts", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("rate_Hz", [2, 20, 118])
def test_pauses_near_each_other_raise_no_more_alarms_than_background(departures, rate_Hz):
    seen = departures.of_background(f"two pauses, {rate_Hz} per s", 60, 151)
    assert seen["false"] <= 4  # 0.6 are expected; a probability of 4e-4
