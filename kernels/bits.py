"""The bits of integers and doubles: what numba lacks and LLVM has, one instruction or a few each.

Kernels of text look for bytes with them, those of bursts and images take the exponent of a double from its bits. None
of them allocates, branches or raises.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .compile import intrinsic

__all__ = ["bits_of_double", "count_ones", "double_of_bits", "high_product", "leading_zeros", "trailing_zeros"]

_i1, _i64, _i128 = (ir.IntType(n) for n in (1, 64, 128))


@intrinsic
def trailing_zeros(typing: Any, word: Any) -> Any:
    """Count the zero bits below the lowest set one; 64 for zero."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.cttz(args[0], ir.Constant(_i1, 0))


@intrinsic
def leading_zeros(typing: Any, word: Any) -> Any:
    """Count the zero bits above the highest set one; 64 for zero."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.ctlz(args[0], ir.Constant(_i1, 0))


@intrinsic
def count_ones(typing: Any, word: Any) -> Any:
    """Count the set bits."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.ctpop(args[0])


@intrinsic
def high_product(typing: Any, a: Any, b: Any) -> Any:
    """Upper 64 of the 128 bits of ``a * b``."""
    del typing, a, b

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        product = builder.mul(*(builder.zext(argument, _i128) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(_i128, 64)), _i64)

    return types.uint64(types.uint64, types.uint64), codegen


@intrinsic
def double_of_bits(typing: Any, bits: Any) -> Any:
    """The double with these bits."""
    del typing, bits
    return types.float64(types.uint64), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.DoubleType())


@intrinsic
def bits_of_double(typing: Any, value: Any) -> Any:
    """The bits of a double."""
    del typing, value
    return types.uint64(types.float64), lambda _c, builder, _s, args: builder.bitcast(args[0], _i64)
