"""A module is read in one go, and a function fits on a screen."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LINES_OF_A_MODULE = 400
LINES_OF_A_BODY = 60


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def long_modules(paths: Iterable[Path]) -> set[str]:
    """Those of more than `LINES_OF_A_MODULE` lines."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in paths}
    return {path.relative_to(ROOT).as_posix() for path, count in lines.items() if count > LINES_OF_A_MODULE}


def lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def long_functions(source: str) -> set[str]:
    """Functions and methods of more lines than fit on a screen, by their names within the module."""
    found = set()

    def search(node: ast.AST, within: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = within
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{within}.{child.name}".strip(".")
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of_body(child) > LINES_OF_A_BODY:
                found.add(name)
            search(child, name)

    search(ast.parse(source), "")
    return found


def test_no_module_is_long():
    assert not long_modules(sources("engine", "io", "kernels"))


def test_no_function_of_engine_and_io_is_longer_than_a_screen():
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {name}"
        for path in sources("engine", "io")
        for name in long_functions(path.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.parametrize(("lines", "found"), [(LINES_OF_A_BODY, set()), (LINES_OF_A_BODY + 1, {"Fit.step"})])
def test_lines_of_a_body_are_counted_without_its_docstring(lines, found):
    body = "        x = 1\n" * lines
    assert (
        long_functions(f'class Fit:\n    def step(self):\n        """One\n\n        two\n        """\n{body}') == found
    )
