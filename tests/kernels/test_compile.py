"""Compiled code that is kept on disk is that of the sources as they are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utokyo.kernels import cache as keeping
from utokyo.kernels import compile as compiling

CALLER = """from .compile import exact_kernel
from .middle import doubled


@exact_kernel
def answer(number: int) -> int:
    return doubled(number) + 1
"""
MIDDLE = """from .compile import inner_kernel
from .step import stepped


@inner_kernel
def doubled(number: int) -> int:
    return 2 * stepped(number)
"""
STEP = """from .compile import inlined


@inlined
def stepped(number: int) -> int:
    return number + {}
"""


def answered(folder: Path, module: str = "package.caller") -> int:
    """By a process of its own, which finds what the one before has kept."""
    kept = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kept"), "NUMBA_DISABLE_JIT": "0"}
    code = f"from {module} import answer; print(answer(1), sum(answer.stats.cache_hits.values()))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=kept, capture_output=True, text=True, check=True
    )
    answer, hits = told.stdout.split()
    return int(answer) if int(hits) == 0 else -int(answer)


DEEP_CALLER = """from ...compile import exact_kernel
from ...images.middle import doubled


@exact_kernel
def answer(number: int) -> int:
    return doubled(number) + 1
"""
DEEP_MIDDLE = """from .. import step as steps
from ..compile import (
    inner_kernel,  # (a comment in brackets)
)

stepped = steps.stepped


@inner_kernel
def doubled(number: int) -> int:
    return 2 * stepped(number)
"""


@pytest.mark.timeout(120)
def test_an_edit_of_what_a_kernel_is_made_of_is_seen(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    for module in (compiling, keeping):
        shutil.copy(Path(module.__file__), package)
    (package / "caller.py").write_text(CALLER)
    (package / "middle.py").write_text(MIDDLE)
    (package / "step.py").write_text(STEP.format(10))

    assert answered(tmp_path) == 23
    assert answered(tmp_path) == -23  # kept
    (package / "step.py").write_text(STEP.format(20))
    assert answered(tmp_path) == 43


@pytest.mark.timeout(120)
def test_an_edit_two_folders_apart_is_seen(tmp_path):
    package = tmp_path / "package"
    for folder in (package, package / "images", package / "text", package / "text" / "parts"):
        folder.mkdir()
        (folder / "__init__.py").touch()
    for module in (compiling, keeping):
        shutil.copy(Path(module.__file__), package)
    (package / "text" / "parts" / "caller.py").write_text(DEEP_CALLER)
    (package / "images" / "middle.py").write_text(DEEP_MIDDLE)
    (package / "step.py").write_text(STEP.format(10))

    assert answered(tmp_path, "package.text.parts.caller") == 23
    assert answered(tmp_path, "package.text.parts.caller") == -23  # kept
    (package / "step.py").write_text(STEP.format(20))
    assert answered(tmp_path, "package.text.parts.caller") == 43
