"""Kernels that are kept on disk: whatever happens to the files, a call answers, and no other user's code runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo.kernels import cache as keeping
from utokyo.kernels import compile as compiling

MODULE = """from .compile import exact_kernel


@exact_kernel
def answer(number):
    return 2 * number + 1
"""
CALL = "from package.module import answer; print(answer(1), answer(1.5), sum(answer.stats.cache_hits.values()))"

posix_only = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no owners and modes of this kind")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a package of one kernel."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").touch()
    (folder / "package" / "module.py").write_text(MODULE)
    for module in (compiling, keeping):
        shutil.copy(Path(module.__file__), folder / "package")
    return folder


def environment(**others: str) -> dict[str, str]:
    return {**os.environ, "NUMBA_DISABLE_JIT": "0", **others}


def call(place: Path, code: str = CALL, **others: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=place,
        env=environment(**others),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def answers(place: Path, hits: int, code: str = CALL, **others: str) -> str:
    """What a process says that calls the kernel, whose answer is right, with so many signatures found on the disk."""
    told = call(place, code, **others)
    assert told.returncode == 0, told.stderr
    assert told.stdout.split() == ["3", "4.0", str(hits)]
    return told.stderr


@pytest.fixture(scope="module")
def compiled(place, tmp_path_factory) -> Path:
    """A folder in which the kernel is kept."""
    folder = tmp_path_factory.mktemp("compiled")
    assert answers(place, 0, NUMBA_CACHE_DIR=str(folder)) == ""
    assert answers(place, 2, NUMBA_CACHE_DIR=str(folder)) == ""
    return folder


@pytest.fixture
def kept(compiled, tmp_path) -> Path:
    """A copy of it, which a test may damage."""
    return shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)


DAMAGE = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "garbage": lambda content: b"\x80garbage" * 100,
    "a bit": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "no pickle": lambda content: hashlib.sha256(b"no pickle").digest() + b"no pickle",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files_are_told_once_and_made_anew(place, kept, damage):
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    told = answers(place, 0, NUMBA_CACHE_DIR=str(kept))
    assert told.count("compiled anew") == 1
    assert answers(place, 2, NUMBA_CACHE_DIR=str(kept)) == ""


@pytest.mark.parametrize("which", range(2))
def test_each_file_alone_may_go(place, kept, which):
    sorted(path for path in kept.rglob("*") if path.is_file())[which].unlink()
    assert answers(place, 1, NUMBA_CACHE_DIR=str(kept)) == ""


def test_a_file_that_cannot_be_read_is_told_once(place, kept):
    for path in [path for path in kept.rglob("*") if path.is_file()]:
        path.unlink()
        path.mkdir()  # as with a lack of permission, which root would not notice
    assert answers(place, 0, NUMBA_CACHE_DIR=str(kept)).count("\n") == 1


def test_a_folder_that_cannot_be_made_is_told_once(place, tmp_path):
    (tmp_path / "file").touch()
    told = answers(place, 0, NUMBA_CACHE_DIR=str(tmp_path / "file" / "cache"))
    assert told.count("\n") == 1
    assert "cannot be kept" in told


def test_a_full_disk_is_told_once_and_leaves_nothing(place, tmp_path):
    resource = pytest.importorskip("resource")
    del resource
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); {CALL}"
    told = answers(place, 0, limited, NUMBA_CACHE_DIR=str(tmp_path))
    assert told.count("\n") == 1
    assert "cannot be kept" in told
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert answers(place, 0, NUMBA_CACHE_DIR=str(tmp_path)) == ""


@posix_only
def test_without_a_home_it_compiles(place, tmp_path):
    (tmp_path / "file").touch()
    told = answers(place, 0, NUMBA_CACHE_DIR="", HOME=str(tmp_path / "file"), XDG_CACHE_HOME="")
    assert told.count("\n") == 1
    unknown = f"import pathlib; pathlib.Path.home = lambda: (_ for _ in ()).throw(RuntimeError('no home')); {CALL}"
    told = answers(place, 0, unknown, NUMBA_CACHE_DIR="", XDG_CACHE_HOME="")
    assert "no home" in told


@posix_only
def test_the_folder_is_of_this_user_alone(place, tmp_path):
    quiet = {"NUMBA_CACHE_DIR": "", "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    if sys.platform == "darwin":
        ours = tmp_path / "Library" / "Caches" / "utokyo"
    else:
        ours = tmp_path / ".cache" / "utokyo"
    assert answers(place, 0, **quiet) == ""
    assert ours.stat().st_mode & 0o777 == 0o700
    ours.chmod(0o777)
    assert answers(place, 2, **quiet) == ""
    assert ours.stat().st_mode & 0o777 == 0o700

    another = f"import os; me = os.geteuid(); os.geteuid = lambda: me + 1; {CALL}"
    told = answers(place, 0, another, **quiet)
    assert told.count("\n") == 1
    assert "belongs to another user" in told
    assert not list((place / "package" / "__pycache__").glob("*.nb?"))


def test_windows_has_it_in_the_local_data_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert keeping._user_folder() == tmp_path


def test_a_pickle_of_another_signature_is_not_used(place, kept):
    one, other = sorted(path for path in kept.rglob("*") if path.is_file())
    shutil.copy(one, other)
    assert "another signature" in answers(place, 1, NUMBA_CACHE_DIR=str(kept))


def test_kept_code_runs_without_what_compiling_needs(place, kept):
    code = (
        "import sys; from package.module import answer; print(answer(1), 'numba.cpython.randomimpl' in sys.modules); "
        "print(answer(1j), 'numba.cpython.randomimpl' in sys.modules, 'scipy.linalg' in sys.modules)"
    )
    process = call(place, code, NUMBA_CACHE_DIR=str(kept))
    assert process.stdout.split("\n")[:2] == ["3 False", "(1+2j) True False"], process.stderr


def test_an_edit_leaves_no_files_behind(place, kept):
    module = place / "package" / "module.py"
    before = {path.name for path in kept.rglob("*") if path.is_file()}
    try:
        module.write_text(MODULE + "# edited\n")
        assert answers(place, 0, NUMBA_CACHE_DIR=str(kept)) == ""
    finally:
        module.write_text(MODULE)
    after = {path.name for path in kept.rglob("*") if path.is_file()}
    assert len(after) == 2
    assert not before & after


def test_processes_that_compile_at_once_keep_all(place, tmp_path):
    """Each begins with another signature: with one index for all of them, one was lost, or stood for another."""
    where = environment(NUMBA_CACHE_DIR=str(tmp_path))
    codes = (CALL, "from package.module import answer; print(answer(1.5), answer(1), answer(1 + 1j))")
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=place, env=where, stdout=subprocess.PIPE, text=True)
        for code in codes * 2
    ]
    told = [process.communicate(timeout=120)[0].split() for process in running]
    assert all(numbers[:2] == wanted for numbers, wanted in zip(told, [["3", "4.0"], ["4.0", "3"]] * 2, strict=True))
    assert answers(place, 2, NUMBA_CACHE_DIR=str(tmp_path)) == ""
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


@given(content=st.binary(max_size=200))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_file_is_passed_over(content, tmp_path, monkeypatch):
    from numba import int64  # noqa: PLC0415
    from numba.core.registry import cpu_target  # noqa: PLC0415

    monkeypatch.setattr(keeping._config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(keeping, "_told", [])
    context = cpu_target.target_context
    cache = keeping.KernelCache(environment, "stamp")
    path = cache._path((int64,), context.codegen())
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert cache.load_overload((int64,), context) is None
    path.write_bytes(hashlib.sha256(content).digest() + content)
    assert cache.load_overload((int64,), context) is None
    assert not path.exists()
