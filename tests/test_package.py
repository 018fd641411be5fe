"""The package is what its lists say, wherever it is installed, and quick to import."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

import utokyo

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_public_name_can_be_imported():
    for name in utokyo.__all__:
        assert getattr(utokyo, name) is not None
    assert utokyo.__version__ == PROJECT["project"]["version"]


def test_type_checkers_see_the_same_names_as_users():
    source = (ROOT / "__init__.py").read_text(encoding="utf-8")
    block = source.split("if TYPE_CHECKING:")[1].split("_HOMES")[0]
    seen = set()
    for home, names in re.findall(r"from \.([\w.]+) import \(?([\w,\s]+?)\)?\n(?=    from|\n)", block):
        for name in re.findall(r"\w+", names):
            assert utokyo._HOME_OF[name] == home
            seen.add(name)
    assert seen == set(utokyo._HOME_OF)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Spectrograph'"):
        _ = utokyo.Spectrograph


def test_the_wheel_holds_every_folder_of_the_package(tmp_path):
    source = tmp_path / "source"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout: its files cannot be told from those that a build left")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    held = {str(Path(name).parent.as_posix()) for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}

    folders = {"utokyo", "recorders", "analyses"}
    for room in ("engine", "io", "kernels"):
        files = (p for p in (source / room).rglob("*.py") if "compat" not in p.parts)
        folders |= {f"utokyo/{p.parent.relative_to(source).as_posix()}" for p in files}
    assert held == folders
    assert {p.replace(".", "/") for p in PROJECT["tool"]["setuptools"]["packages"]} == folders
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if re.fullmatch(r"utokyo/\w+\.py", name)} == {
        "utokyo/__init__.py",
        "utokyo/__main__.py",
        "utokyo/testing.py",
    }
    assert not (source / "build").exists(), "the next build would pack what this one left"
    assert "utokyo/py.typed" in names
    assert "utokyo/engine/command/example.toml" in names


def seconds_of(arguments: list[str], tmp_path: Path) -> float:
    """The quickest of some runs: other work on the machine makes them slower, never quicker."""
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run(arguments, check=True, capture_output=True, cwd=tmp_path)
        best = min(best, time.perf_counter() - begin)
    return best


def test_import_and_help_are_quick(tmp_path):
    start = seconds_of([sys.executable, "-c", "pass"], tmp_path)
    assert seconds_of([sys.executable, "-c", "import utokyo"], tmp_path) - start < 0.5
    assert seconds_of([sys.executable, "-m", "utokyo", "--help"], tmp_path) < 0.3 + start


def test_pyplot_is_never_imported():
    pyplot = re.compile(r"^\s*(import|from) matplotlib.*pyplot", re.MULTILINE)
    for path in (ROOT / "engine").rglob("*.py"):
        assert not pyplot.search(path.read_text(encoding="utf-8")), path
