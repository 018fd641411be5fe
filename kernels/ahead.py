"""Compiling kernels before anybody calls them: which ones, for which types, and whether that was done already.

`types.toml` lists them, by the work that needs them and by the module that they stand in: what a process with an empty
cache compiled when it did that work (`benchmarks/kernel_types.py` writes the list; tests compare). What is not in it,
such as a kernel of a rare option, is compiled when it is called, as ever.

`main` is what a process does that another one started: it reads names of batches, a line each, compiles them, and
writes a dot for every function and a line for every batch that is done.
"""

from __future__ import annotations

import gc
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from numba.core import event, types

from .cache import KernelCache

__all__ = ["DONE", "DOT", "Batch", "all_batches", "main", "text_of", "types_of"]

LIST = Path(__file__).with_name("types.toml")
DOT, DONE = ".", "done"
"""What a process writes after a function and after a batch."""


@dataclass(frozen=True)
class Batch:
    """Kernels of one module that one work needs, compiled one after another.

    Parameters
    ----------
    work : str
        What needs them: ``tables``, ``pulses``, ``images`` or ``joins``.
    module : str
        Below `kernels`: ``bursts.fit``.
    seconds : float
        How long it takes, compared with others, s: long ones come first.
    functions : int
        How many functions are compiled, those of others that become a part of them and are not there yet included.
    kernels : mapping of str to list of str
        By name, the types for which it is called; see `types_of`.

    Examples
    --------
    >>> batch = all_batches()[0]
    >>> batch.name == f"{batch.work}:{batch.module}"
    True
    """

    work: str
    module: str
    seconds: float
    functions: int
    kernels: dict[str, list[str]]

    @property
    def name(self) -> str:
        """Of all batches, the only one of this name."""
        return f"{self.work}:{self.module}"

    def is_kept(self) -> bool:
        """Whether all of it is in the cache of kernels."""
        return all(
            isinstance(kept := getattr(kernel, "_cache", None), KernelCache)
            and kept.holds(signature, kernel.targetctx.codegen())
            for kernel, signature in self._signatures()
        )

    def compile(self) -> None:
        """Compile what is neither in the cache nor in this process."""
        for kernel, signature in self._signatures():
            kernel.compile(signature)

    def _signatures(self) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        module = import_module(f"{__package__}.{self.module}")
        for name, texts in self.kernels.items():
            for text in texts:
                yield getattr(module, name), types_of(text)


@cache
def all_batches() -> tuple[Batch, ...]:
    """All that is listed, what takes longest first."""
    with LIST.open("rb") as file:
        found = [Batch(**batch) for batch in tomllib.load(file)["batches"]]
    return tuple(sorted(found, key=lambda batch: -batch.seconds))


def types_of(text: str) -> tuple[Any, ...]:
    """The types of numba that a text names.

    Parameters
    ----------
    text : str
        Such as ``int64; float64[:,:]; readonly int64[:]``. Arrays are contiguous and in the order of C.

    Returns
    -------
    tuple of numba types

    Examples
    --------
    >>> types_of("int64; readonly float64[:,:]")
    (int64, Array(float64, 2, 'C', True, aligned=True))
    """
    return tuple(_type_of(part.strip()) for part in text.split(";") if part.strip())


def text_of(signature: tuple[Any, ...]) -> str:
    """The text that stands for types.

    Raises
    ------
    TypeError
        When there is none.

    Examples
    --------
    >>> text_of(types_of("int64; readonly float64[:,:]"))
    'int64; readonly float64[:,:]'
    """
    text = "; ".join(map(_text_of, signature))
    if types_of(text) != tuple(signature):
        raise TypeError(f"no text stands for {signature}")
    return text


def _type_of(text: str) -> Any:
    scalar, _, dimensions = text.removeprefix("readonly ").partition("[")
    scalar = getattr(types, "boolean" if scalar == "bool" else scalar)
    if not dimensions:
        return scalar
    return types.Array(scalar, dimensions.count(":"), "C", readonly=text.startswith("readonly "))


def _text_of(each: Any) -> str:
    if not isinstance(each, types.Array):
        return str(each)
    colons = ",".join(":" * each.ndim)
    return f"{'' if each.mutable else 'readonly '}{each.dtype}[{colons}]"


class _Counted(event.Listener):
    """Calls something after each function that was compiled."""

    def __init__(self, on_function: Callable[[], None]) -> None:
        self._on_function = on_function

    def on_start(self, event: Any) -> None:
        """Nothing has been done yet."""

    def on_end(self, event: Any) -> None:
        """One more."""
        self._on_function()


def main() -> None:
    """Compile the batches whose names come in.

    Examples
    --------
    >>> import io, sys
    >>> sys.stdin = io.StringIO("")
    >>> main()
    """
    was_on = gc.isenabled()
    gc.disable()  # a compiler keeps what it makes: to look for what is over takes a tenth of the time
    listener = _Counted(lambda: print(DOT, flush=True))  # noqa: T201
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        batches = {batch.name: batch for batch in all_batches()}
        for line in sys.stdin:
            batches[line.strip()].compile()
            print(DONE, flush=True)  # noqa: T201
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]
        if was_on:
            gc.enable()
