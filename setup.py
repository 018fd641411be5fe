"""What pyproject.toml cannot say of a package that is the root of its repository.

The files in the root that build and test the package are no part of it. And nothing of a build stays in the tree, which
the next one would pack again, with modules that are gone by then.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py

TOOLS = {"noxfile", "setup"}


class BuildPackage(build_py):
    """The modules of the package alone."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Package, name and path of each."""
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [(name, module, path) for name, module, path in found if name != "utokyo" or module not in TOOLS]


folder = tempfile.mkdtemp()
atexit.register(shutil.rmtree, folder, ignore_errors=True)
setup(cmdclass={"build_py": BuildPackage}, options={"build": {"build_base": folder}})
