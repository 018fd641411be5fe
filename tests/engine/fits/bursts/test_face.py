"""The room of bursts hands on what users import, and nothing before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import utokyo
from utokyo.engine.fits import bursts


def test_the_names_of_the_face_are_those_of_the_room():
    assert bursts.find_bursts is utokyo.find_bursts
    assert bursts.fit_burst is utokyo.fit_burst
    assert bursts.BurstSearch is utokyo.BurstSearch
    assert set(bursts.__all__) <= set(dir(bursts))
    for name in bursts.__all__:
        assert callable(getattr(bursts, name))
    with pytest.raises(AttributeError, match="no attribute 'fit_bursts'"):
        _ = bursts.fit_bursts


def test_a_module_of_the_room_imports_no_more_than_it_needs():
    code = "import sys, utokyo.engine.fits.bursts.dead_time; print('numba' in sys.modules, 'polars' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
