"""What is checked before a change lands, a session each: ``nox --list`` names them, docs/contributing.md says more.

Sessions that use the newest releases of all dependencies share one environment, that of ``tests`` for the Python that
runs nox, and with it the kernels that were compiled there. Other versions (`lowest`, `newest`, other Pythons) have
environments of their own, with kernels of their own. What is tested is the package as it is installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False  # a Python that is not here is skipped, in CI too

ROOT = Path(__file__).resolve().parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
PYTHONS = nox.project.python_versions({"project": PROJECT})
LOWEST_PYTHON = PROJECT["requires-python"].removeprefix(">=")
FUZZING_S = 60


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The fast tests, on each Python that is here."""
    python = _python_in(session.virtualenv.location)
    _install(session, python, "test")
    _pytest(session, python, *session.posargs)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """The long statistical and endurance tests, and those of properties with many examples."""
    long = ("-m", "slow or hypothesis", "--hypothesis-profile", "thorough")
    _pytest(session, _shared_python(session, "test"), *long, *session.posargs)


@nox.session(python=LOWEST_PYTHON, reuse_venv=False)
def lowest(session: nox.Session) -> None:
    """The fast tests on the lower bounds of pyproject.toml, exactly, in a new environment."""
    python = _python_in(session.virtualenv.location)
    _install(session, python, "test", *_lower_bounds("test"))
    # Old releases use what the newest releases of their own dependencies, which they do not bound, are about to drop.
    _pytest(session, python, "-W", "ignore::DeprecationWarning", *session.posargs)


@nox.session(reuse_venv=False)
def newest(session: nox.Session) -> None:
    """The fast tests on the newest releases of all dependencies, in a new environment."""
    python = _python_in(session.virtualenv.location)
    _install(session, python, "test")
    _pytest(session, python, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format and spelling, as the hooks of .pre-commit-config.yaml check them."""
    session.install(*_requirements("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Types of the package as it is installed."""
    python = _shared_python(session, "types")
    session.chdir(session.create_tmp())  # in the root, Python's own module io would be looked for in the folder io
    session.run(python, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "utokyo", external=True)


@nox.session(venv_backend="none")
def doctest(session: nox.Session) -> None:
    """The examples of docstrings and documents, which are among the fast tests, too."""
    python = _shared_python(session, "test")
    _pytest(session, python, "tests/test_docstrings.py", "tests/test_documents.py", *session.posargs)


@nox.session(venv_backend="none")
def bounds(session: nox.Session) -> None:
    """The tests of io and kernels, with kernels that check the bounds of their arrays."""
    python = _shared_python(session, "test")
    # Numba does not keep code with checks apart from code without.
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(_shared(session) / "bounds")}
    _pytest(session, python, "tests/io", "tests/kernels", *session.posargs, env=checked)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """The benchmarks, untimed, on their smallest sizes: results equal the peers'. With arguments: as these say."""
    _pytest(session, _shared_python(session, "bench"), "benchmarks", *(session.posargs or ["--benchmark-disable"]))


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """A minute of random files for the reader. With arguments: as these say."""
    try:
        python = _shared_python(session, "fuzz")
    except nox.command.CommandFailed:
        session.skip("atheris does not install here")
    usual = (f"-max_total_time={FUZZING_S}", "-timeout=20", "-verbosity=0", "-print_final_stats=1")
    session.chdir(session.create_tmp())  # files that crash the reader are left there
    session.run(python, str(ROOT / "tests" / "fuzz_reader.py"), *(session.posargs or usual), external=True)


def _shared(session: nox.Session) -> Path:
    """The environment of `tests` for the Python that runs nox."""
    major, minor, *_ = sys.version_info
    return session.cache_dir.resolve().parent / f"tests-{major}-{minor}"


def _shared_python(session: nox.Session, extra: str) -> str:
    """Python of the shared environment, in which the package as it is now and an extra are installed."""
    python = _python_in(_shared(session))
    if not Path(python).exists():
        session.run(sys.executable, "-m", "venv", str(_shared(session)), external=True)
    _install(session, python, extra)
    return python


def _python_in(environment: str | os.PathLike[str]) -> str:
    return str(Path(environment).absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def _install(session: nox.Session, python: str, extra: str, *pins: str) -> None:
    """Install the package as it is now, in place of an earlier one, with an extra and given versions."""
    wheel = _wheel(session, python)
    _pip(session, python, "install", f"{wheel}[{extra}]", *pins)
    _pip(session, python, "install", "--force-reinstall", "--no-deps", str(wheel))


def _wheel(session: nox.Session, python: str) -> Path:
    """The package as it is now, built once a run of nox."""
    folder = session.cache_dir.resolve() / "wheel"
    if folder not in _built:
        _built.add(folder)
        _pip(session, python, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    return folder / f"{PROJECT['name'].replace('-', '_')}-{PROJECT['version']}-py3-none-any.whl"


_built: set[Path] = set()


def _pip(session: nox.Session, python: str, *arguments: str) -> None:
    """Run pip in an environment; not with ``nox --no-install``."""
    session.run_install(python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments, external=True)


def _lower_bounds(extra: str) -> Iterator[str]:
    """Each requirement of the package and of an extra at its lower bound: ``numpy==1.26`` for ``numpy>=1.26``."""
    for requirement in (*PROJECT["dependencies"], *_requirements(extra)):
        if ">=" not in requirement:
            raise ValueError(f"pyproject.toml: {requirement} has no lower bound")
        yield requirement.replace(">=", "==")


def _requirements(extra: str) -> Iterator[str]:
    """What an extra asks for, also by way of other extras of this package."""
    for requirement in PROJECT["optional-dependencies"][extra]:
        package, _, extras = requirement.removesuffix("]").partition("[")
        if package == PROJECT["name"]:
            for other in extras.split(","):
                yield from _requirements(other)
        else:
            yield requirement


def _pytest(session: nox.Session, python: str, *arguments: str, env: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run pytest without a screen to draw on."""
    session.run(python, "-m", "pytest", "-q", *arguments, env={"MPLBACKEND": "agg", **env}, external=True)
