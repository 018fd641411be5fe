"""The one place that says how kernels are compiled.

Every compiled function of this package carries one of these decorators, so that all of them release the GIL, are kept
on disk between starts, and follow numpy's rules for division.

- `kernel` lets the compiler reorder sums (``contract, reassoc, arcp, nsz``). It never assumes that numbers are finite:
  ``nnan`` and ``ninf`` would remove the checks that keep a fit honest.
- `exact_kernel` keeps every rounding as written. Parsing needs it: a reciprocal in place of a division would change the
  last bit of a double.
- `inner_kernel` is `exact_kernel`, and `inner_loop` is `kernel`, for what other kernels alone call: without the bridge
  from Python they compile faster, and so does what calls them.
- `inlined` is the same for the small steps of an inner loop: without it a call with an array costs as much as the step.
- `few_steps()` at the beginning of a kernel says that its loops are short: they are left as they are, neither unrolled
  nor turned into vector instructions, which takes long and gains nothing.
- `intrinsic` is numba's, for steps that are written as instructions of LLVM.

Short ways to compile less: a loop in the place of numpy's functions and of an assignment to a whole array (each of them
is compiled, too, with the words of its errors), the same types from all callers (a number that stands in the code is a
type of its own: ``np.int64(0)``), an element of an array read once, and few kernels one within the other: what a kernel
calls is optimised again within it.

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
from numba.core import types

from .cache import KernelCache

__all__ = ["exact_kernel", "few_steps", "inlined", "inner_kernel", "inner_loop", "intrinsic", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

FASTMATH = {"contract", "reassoc", "arcp", "nsz"}
RELATIVE_IMPORT = re.compile(r"^from (\.+)([\w.]*) import (\([^)]*\)|.*)", re.MULTILINE)

# Called with values, defined with types: nothing that a type checker can follow.
intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", numba.extending.intrinsic)


@intrinsic
def few_steps(typing: Any) -> Any:
    """Compile the kernel that calls this for size: its loops are short, and the time is spent elsewhere."""
    del typing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        builder.function.attributes.add("optsize")
        return context.get_dummy_value()

    return types.none(), codegen


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop of floating-point arithmetic, with reordering of sums allowed."""
    return _compiled(function, fastmath=FASTMATH)


def exact_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop whose every rounding must stay as written."""
    return _compiled(function, fastmath=False)


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of other kernels, with every rounding as written."""
    return _compiled(function, fastmath=False, no_cpython_wrapper=True)


def inner_loop(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of other kernels, with reordering of sums allowed."""
    return _compiled(function, fastmath=FASTMATH, no_cpython_wrapper=True)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a step that becomes a part of the loop around it."""
    return _compiled(function, fastmath=False, forceinline=True, no_cpython_wrapper=True)


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    njit = cast("Any", numba.njit)  # its types leave options out
    compiled = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
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
