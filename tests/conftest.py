"""Shared by all tests: where the real files are, and nothing that a test could not make itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# The first example of a test may compile kernels, which takes seconds; tests that hang are ended by pytest-timeout.
# Where a test does not say how many examples it takes, a change gets a few, and the session `slow` of nox many.
settings.register_profile("utokyo", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.load_profile("utokyo")

REAL_FILES = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder of real files of the March 2022 beam time; they are not shipped."""
    if not REAL_FILES.is_dir():
        pytest.skip("the real files of the beam time are not here (they are not shipped with the project)")
    return REAL_FILES
