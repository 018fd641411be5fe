"""The one place that says how kernels are compiled.

Every compiled function of this package carries one of these decorators, so that all of them release the GIL, are kept
on disk between starts, and follow numpy's rules for division.

- `kernel` lets the compiler reorder sums (``contract, reassoc, arcp, nsz``). It never assumes that numbers are finite:
  ``nnan`` and ``ninf`` would remove the checks that keep a fit honest.
- `exact_kernel` keeps every rounding as written. Parsing needs it: a reciprocal in place of a division would change the
  last bit of a double.
- `inner_kernel` is `exact_kernel` for what other kernels alone call: without the bridge from Python it compiles faster.
- `inlined` is the same for the small steps of an inner loop: without it a call with an array costs as much as the step.
- `intrinsic` is numba's, for steps that are written as instructions of LLVM.

Signatures are lazy: explicit ones compile at import. Compiled code is kept by `cache`, with a stamp of the file of a
kernel and of all files that it imports: neither an edit nor an upgrade in place goes on with code of before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numba.extending

from .cache import KernelCache

__all__ = ["exact_kernel", "inlined", "inner_kernel", "intrinsic", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

FASTMATH = {"contract", "reassoc", "arcp", "nsz"}
RELATIVE_IMPORT = re.compile(r"^from (\.+)([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)

# Called with values, defined with types: nothing that a type checker can follow.
intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", numba.extending.intrinsic)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop of floating-point arithmetic, with reordering of sums allowed."""
    return _compiled(function, fastmath=FASTMATH)


def exact_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop whose every rounding must stay as written."""
    return _compiled(function, fastmath=False)


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of other kernels, with every rounding as written."""
    return _compiled(function, fastmath=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a step that becomes a part of the loop around it."""
    return _compiled(function, fastmath=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    compiled = numba.njit(nogil=True, error_model="numpy", **options)(function)
    source = Path(function.__code__.co_filename)
    if hasattr(compiled, "_cache") and source.is_file():  # not within an archive, nor with NUMBA_DISABLE_JIT
        compiled._cache = KernelCache(function, _stamp(source))
    return cast("Callable[P, R]", compiled)


@cache
def _stamp(source: Path) -> str:
    """A hash of the contents of a module and of all modules that it imports."""
    contents = hashlib.sha256()
    for path in sorted(_sources(source)):
        contents.update(path.read_bytes())
    return contents.hexdigest()


@cache
def _sources(source: Path) -> frozenset[Path]:
    """The module and all that it imports, directly or by others."""
    return frozenset({source}).union(*map(_sources, _imported(source)))


def _imported(source: Path) -> set[Path]:
    """The files that ``from .a import b`` names, with any number of dots, dotted names, and a module as a name."""
    found = set()
    for dots, dotted, names in RELATIVE_IMPORT.findall(source.read_text(encoding="utf-8")):
        module = source.parents[len(dots) - 1].joinpath(*filter(None, dotted.split(".")))
        within = (module / name for name in re.findall(r"\w+", re.sub(r"#.*", "", names)))
        found |= {path for stem in (module, *within) for path in (stem.with_suffix(".py"), stem / "__init__.py")}
    return {path for path in found if path.is_file() and path != source}
