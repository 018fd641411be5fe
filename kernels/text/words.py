"""Eight bytes at a time: what numba lacks for reading text, and the arithmetic of digits within a word.

A *word* is eight characters in a uint64, the first of them in the lowest byte. Numba has no unaligned load, no count of
bits and no comparison of 64 bytes at once, but LLVM has: the intrinsics below are one instruction or a few each. They
do not check bounds; who calls them leaves `FRONT` bytes before and `BACK` bytes behind what is parsed.

Digits within a word as of D. Lemire, "Quickly parsing eight digits" (2018), and W. Muła, "SIMD-ized parsing of decimal
numbers"; a zero byte within a word as of H. S. Warren, "Hacker's Delight", 2nd ed., section 6-1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from ..compile import inlined

__all__ = [
    "BACK",
    "FRONT",
    "HIGH_BITS",
    "TO_HIGH",
    "ZEROS",
    "bits_of_double",
    "byte_mask",
    "count_ones",
    "digits_value",
    "double_of_bits",
    "high_product",
    "leading_zeros",
    "load_word",
    "lowest_match",
    "not_digits",
    "trailing_zeros",
]

FRONT, BACK = 16, 64  # bytes that a kernel may read before and behind the text, whatever stands there
BLOCK = 64

Bytes = NDArray[np.uint8]
U = np.uint64

ZEROS = U(0x3030303030303030)  # "00000000"
HIGH_BITS = U(0x8080808080808080)
LOW_BITS = U(0x0101010101010101)
TO_HIGH = U(0x7676767676767676)  # carries all values above 9 into the high bit of their byte

# Called with values, defined with types: nothing that a type checker can follow.
_intrinsic = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)

_i1, _i8, _i64, _i128 = (ir.IntType(n) for n in (1, 8, 64, 128))


def _loaded(context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [index]), kind.as_pointer())
    word = builder.load(place)
    word.align = 1
    return word


@_intrinsic
def load_word(typing: Any, data: Any, index: Any) -> Any:
    """Load eight bytes from `index` on, wherever that is."""
    del typing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _loaded(context, builder, signature.args[0], arguments[0], arguments[1], _i64)

    return types.uint64(data, types.intp), codegen


@_intrinsic
def byte_mask(typing: Any, data: Any, index: Any, byte: Any) -> Any:
    """Compare 64 bytes from `index` on with `byte`: bit k is set where byte k is equal."""
    del typing
    vector = ir.VectorType(_i8, BLOCK)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _loaded(context, builder, signature.args[0], arguments[0], arguments[1], vector)
        undefined = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(undefined, arguments[2], ir.Constant(ir.IntType(32), 0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK)
        equal = builder.icmp_unsigned("==", text, builder.shuffle_vector(one, undefined, order))
        return builder.bitcast(equal, _i64)

    return types.uint64(data, types.intp, types.uint8), codegen


@_intrinsic
def trailing_zeros(typing: Any, word: Any) -> Any:
    """Count the zero bits below the lowest set one; 64 for zero."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.cttz(args[0], ir.Constant(_i1, 0))


@_intrinsic
def leading_zeros(typing: Any, word: Any) -> Any:
    """Count the zero bits above the highest set one; 64 for zero."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.ctlz(args[0], ir.Constant(_i1, 0))


@_intrinsic
def count_ones(typing: Any, word: Any) -> Any:
    """Count the set bits."""
    del typing, word
    return types.int64(types.uint64), lambda _c, builder, _s, args: builder.ctpop(args[0])


@_intrinsic
def high_product(typing: Any, a: Any, b: Any) -> Any:
    """Upper 64 of the 128 bits of ``a * b``."""
    del typing, a, b

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        product = builder.mul(*(builder.zext(argument, _i128) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(_i128, 64)), _i64)

    return types.uint64(types.uint64, types.uint64), codegen


@_intrinsic
def double_of_bits(typing: Any, bits: Any) -> Any:
    """The double with these bits."""
    del typing, bits
    return types.float64(types.uint64), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.DoubleType())


@_intrinsic
def bits_of_double(typing: Any, value: Any) -> Any:
    """The bits of a double."""
    del typing, value
    return types.uint64(types.float64), lambda _c, builder, _s, args: builder.bitcast(args[0], _i64)


@inlined
def not_digits(values: int) -> int:
    """Whether any byte of a word, from which "00000000" was taken (by xor), is above 9: zero where none is."""
    return (values | (values + TO_HIGH)) & HIGH_BITS


@inlined
def digits_value(values: int) -> int:
    """The number whose eight digits, the first in the lowest byte, are the bytes of a word."""
    pairs = values * U(10) + (values >> U(8))
    first = (pairs & U(0x000000FF000000FF)) * U(0x000F424000000064)
    second = ((pairs >> U(16)) & U(0x000000FF000000FF)) * U(0x0000271000000001)
    return (first + second) >> U(32)


@inlined
def lowest_match(word: int, repeated: int) -> int:
    """The high bit of the first byte of `word` that equals the byte of which `repeated` is made; zero for none."""
    difference = word ^ repeated
    found = (difference - LOW_BITS) & ~difference & HIGH_BITS
    return found & (U(0) - found)
