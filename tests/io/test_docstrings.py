"""The examples in the docstrings of files and kernels run, and every name that users import from `io` has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import utokyo.io
import utokyo.kernels

MODULES = [
    module.name
    for room in (utokyo.io, utokyo.kernels)
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
    if not module.ispkg
]
DOORS = [name for name in MODULES if name.count(".") == 2 and name.startswith("utokyo.io.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", DOORS)
def test_every_name_that_users_import_has_an_example(name):
    module = importlib.import_module(name)
    public = {public: getattr(module, public) for public in module.__all__}
    named = {public: value for public, value in public.items() if inspect.isclass(value) or inspect.isfunction(value)}
    assert not [public for public, value in named.items() if ">>> " not in (inspect.getdoc(value) or "")]
