"""Every public name shows by an example what it does, and the example runs.

Examples see the names of their module, as always in doctests, and run in an empty folder. They are to be deterministic
(random numbers from a seed) and to show the same with all releases of the dependencies that the project allows: plain
Python numbers and short lists rather than printed frames and numpy's scalars.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import get_origin

import pytest

import utokyo

ROOMS = ("engine", "io", "kernels")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> Iterator[ModuleType]:
    for room in ROOMS:
        package = importlib.import_module(f"utokyo.{room}")
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def public_names() -> dict[str, set[str]]:
    """Public names of each module: of its ``__all__``, and those that the package hands out."""
    names = {module.__name__: set(getattr(module, "__all__", ())) for module in modules()}
    for name, value in handed_out().items():
        names[value.__module__].add(name)
    return names


def handed_out() -> dict[str, type | FunctionType]:
    """The classes and functions that the package hands out."""
    values = ((name, getattr(utokyo, name)) for name in utokyo.__all__)
    return {name: value for name, value in values if inspect.isclass(value) or inspect.isfunction(value)}


def examples_of(module: str, name: str) -> list[doctest.DocTest]:
    """Examples in the docstring of a name, and in those of its methods."""
    home = importlib.import_module(module)
    value = getattr(home, name)
    if value.__doc__ is None or not callable(value) or get_origin(value) is not None:
        return []  # the docstring of a constant is that of its class
    names = dict(vars(home))
    return [test for test in doctest.DocTestFinder().find(value, name, module=False, globs=names) if test.examples]


def has_example(docstring: str | None) -> bool:
    """Whether a docstring has a section of examples, and something in it runs."""
    _, section, examples = inspect.cleandoc(docstring or "").partition("\nExamples\n--------\n")
    return bool(section) and ">>> " in examples


EXAMPLES = [
    pytest.param(test, id=f"{module.removeprefix('utokyo.')}:{test.name}")
    for module, names in public_names().items()
    for name in sorted(names)
    for test in examples_of(module, name)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_shows_what_it_says(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=said.append)
    assert not result.failed, "".join(said)


def test_every_public_name_has_an_example():
    assert not {name for name, value in handed_out().items() if not has_example(value.__doc__)}


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        (None, False),
        ("Add.\n\n    Examples\n    --------\n    >>> 1 + 1\n    2\n    ", True),
        ("Add.\n\n    Examples\n    --------\n    Add one::\n\n        1 + 1\n    ", False),
        ("Add.\n\n    >>> 1 + 1\n    2\n    ", False),
    ],
)
def test_an_example_is_a_section_that_runs(docstring, found):
    assert has_example(docstring) is found
