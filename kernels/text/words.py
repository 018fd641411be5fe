"""Eight bytes at a time: what numba lacks for reading text, and the arithmetic of digits within a word.

A *word* is eight characters in a uint64, the first of them in the lowest byte. Numba has no unaligned load and no
comparison of 64 bytes at once, but LLVM has: the intrinsics below are one instruction or a few each. They do not check
bounds; who calls them leaves `FRONT` bytes before and `BACK` bytes after what is parsed.

Digits within a word as of D. Lemire, "Quickly parsing eight digits" (2018), and W. Muła, "SIMD-ized parsing of decimal
numbers"; a zero byte within a word as of H. S. Warren, "Hacker's Delight", 2nd ed., section 6-1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numpy.typing import NDArray

from ..compile import inlined, intrinsic

__all__ = [
    "BACK",
    "FRONT",
    "HIGH_BITS",
    "TO_HIGH",
    "ZEROS",
    "byte_mask",
    "digits_value",
    "load_word",
    "lowest_match",
    "not_digits",
]

FRONT, BACK = 16, 64
"""Bytes that a kernel may read before and after the text, whatever stands there."""
BLOCK = 64
"""Bytes that are compared at once."""

Bytes = NDArray[np.uint8]
U = np.uint64

ZEROS = U(0x3030303030303030)
"""The characters 00000000."""
HIGH_BITS = U(0x8080808080808080)
LOW_BITS = U(0x0101010101010101)
TO_HIGH = U(0x7676767676767676)
"""Added, it carries all values above 9 into the high bit of their byte."""

_i8, _i32, _i64 = (ir.IntType(n) for n in (8, 32, 64))


def _loaded(context: Any, builder: Any, array_type: Any, array: Any, index: Any, kind: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    place = builder.bitcast(builder.gep(data, [index]), kind.as_pointer())
    word = builder.load(place)
    word.align = 1
    return word


@intrinsic
def load_word(typing: Any, data: Any, index: Any) -> Any:
    """Load eight bytes from `index` on, wherever that is."""
    del typing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _loaded(context, builder, signature.args[0], arguments[0], arguments[1], _i64)

    return types.uint64(data, types.intp), codegen


@intrinsic
def byte_mask(typing: Any, data: Any, index: Any, byte: Any) -> Any:
    """Compare 64 bytes from `index` on with `byte`: bit k is set where byte k is equal."""
    del typing
    vector = ir.VectorType(_i8, BLOCK)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _loaded(context, builder, signature.args[0], arguments[0], arguments[1], vector)
        undefined = ir.Constant(vector, ir.Undefined)
        one = builder.insert_element(undefined, arguments[2], ir.Constant(_i32, 0))
        order = ir.Constant(ir.VectorType(_i32, BLOCK), [0] * BLOCK)
        equal = builder.icmp_unsigned("==", text, builder.shuffle_vector(one, undefined, order))
        return builder.bitcast(equal, _i64)

    return types.uint64(data, types.intp, types.uint8), codegen


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
