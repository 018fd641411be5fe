"""The one place that says how kernels are compiled.

Every compiled function of this package carries one of these decorators, so that all of them release the GIL, are kept
on disk between starts, and follow numpy's rules for division.

- `kernel` lets the compiler reorder sums (``contract, reassoc, arcp, nsz``). It never assumes that numbers are finite:
  ``nnan`` and ``ninf`` would remove the checks that keep a fit honest.
- `exact_kernel` keeps every rounding as written. Parsing needs it: a reciprocal in place of a division would change the
  last bit of a double.
- `inner_kernel` is `exact_kernel` for what other kernels alone call: without the bridge from Python it compiles faster.
- `inlined` is the same for the small steps of an inner loop: without it a call with an array costs as much as the step.

Signatures are lazy: explicit ones compile at import. ``cache=True`` does not see edits in *other* files: after editing
`words`, `lanes`, `cells` or `fields`, touch `columns` too (an installation writes all of them anew).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

__all__ = ["exact_kernel", "inlined", "inner_kernel", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")

FASTMATH = {"contract", "reassoc", "arcp", "nsz"}


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
    decorate = numba.njit(nogil=True, cache=True, error_model="numpy", **options)
    return cast("Callable[P, R]", decorate(function))
