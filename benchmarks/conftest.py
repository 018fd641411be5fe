"""Shared by all benchmarks: the option for sizes, and one file of every format."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench_files import WRITERS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sizes", choices=("small", "large"), default="small", help="small: minutes; large: 455 MB files")


@pytest.fixture(scope="session")
def rows(request: pytest.FixtureRequest) -> int:
    """Rows of the large files."""
    return 20_000_000 if request.config.getoption("--sizes") == "large" else 1_000_000


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, rows: int) -> dict[str, Path]:
    """One file of every format; rows of the others are longer, and fewer: more than 200 MB of each for 2e7 pulses."""
    folder = tmp_path_factory.mktemp("files")
    sizes = {"ssd": rows, "gauge": rows // 8, "pmt": rows // 5, "ion": rows // 32}
    return {name: write(folder / f"{name}.csv", sizes[name]) for name, write in WRITERS.items()}
