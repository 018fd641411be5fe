"""Plain integers of several rows at once, in vector registers.

The compiler turns loops over words into vector instructions, but not ones of 16 and 32 bits, of which a processor does
four and two for each of 64. So these steps are written as operations on vectors, of which LLVM knows what every
processor has. The digits of a word become a number by three multiplications, each of which joins neighbours and leaves
the sum in the upper half: ``(10 * 256 + 1) * (a + 256 * b)`` holds ``10 * a + b`` in its upper byte (after W. Muła,
"SIMD-ized parsing of decimal numbers").

As with `words`, nothing here checks bounds.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from ..compile import intrinsic
from .words import HIGH_BITS, TO_HIGH, ZEROS

__all__ = ["LANES", "eight_digits", "sixteen_digits"]

LANES = 8
"""Rows at once."""

_i32, _i64 = ir.IntType(32), ir.IntType(64)
_lanes = ir.VectorType(_i64, LANES)


def _vector(bits: int, value: int) -> Any:
    """`value` in every number of so many bits."""
    count = LANES * 64 // bits
    return ir.Constant(ir.VectorType(ir.IntType(bits), count), [value] * count)


def _number(builder: Any, digits: Any) -> Any:
    """The number of each lane whose bytes are eight digits, the first in the lowest byte."""
    for bits, ten in ((16, 10), (32, 100)):
        joining = _vector(bits, (ten << bits // 2) + 1)
        joined = builder.mul(builder.bitcast(digits, joining.type), joining)
        digits = builder.lshr(joined, _vector(bits, bits // 2))
    digits = builder.bitcast(digits, _lanes)
    upper = builder.mul(builder.and_(digits, _vector(64, 0xFFFFFFFF)), _vector(64, 10_000))
    return builder.add(upper, builder.lshr(digits, _vector(64, 32)))


def _not_digits(builder: Any, values: Any) -> Any:
    """As `words.not_digits`, but for the other bits of each byte, which say nothing."""
    return builder.or_(values, builder.add(values, _vector(64, int(TO_HIGH))))


class _Rows:
    """The cells of a column in `LANES` rows, of which the positions of delimiters are known."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        data, positions, first, width, returns, self._out, self._row = arguments
        self._builder = builder
        self._data, places, self._target = (
            context.make_array(signature.args[k])(context, builder, array).data
            for k, array in ((0, data), (1, positions), (5, self._out))
        )
        begins, ends = ir.Constant(_lanes, ir.Undefined), ir.Constant(_lanes, ir.Undefined)
        self._ends = []
        for k in range(LANES):
            place = builder.gep(places, [builder.add(first, builder.mul(width, _i64(k)))])
            begin = builder.load(place)
            end = builder.sub(builder.load(builder.gep(place, [_i64(1)])), returns)
            begins = builder.insert_element(begins, begin, _i32(k))
            ends = builder.insert_element(ends, end, _i32(k))
            self._ends.append(end)
        self.lengths = builder.sub(builder.sub(ends, begins), _vector(64, 1))
        # Bytes of cells that are longer than a multiple of eight by so many: the last ones of a word.
        beyond = builder.and_(builder.sub(_vector(64, 0), builder.shl(self.lengths, _vector(64, 3))), _vector(64, 63))
        self.last_bytes = builder.shl(_vector(64, -1), beyond)

    def words(self, before: int) -> Any:
        """The eight characters that begin `before` bytes before the end of each cell, less those of "0"."""
        builder = self._builder
        words = ir.Constant(_lanes, ir.Undefined)
        for k, end in enumerate(self._ends):
            place = builder.gep(self._data, [builder.sub(end, _i64(before))])
            word = builder.load(builder.bitcast(place, _i64.as_pointer()))
            word.align = 1
            words = builder.insert_element(words, word, _i32(k))
        return builder.xor(words, _vector(64, int(ZEROS)))

    def put(self, numbers: Any) -> None:
        """Store the numbers in their rows."""
        builder = self._builder
        place = builder.bitcast(builder.gep(self._target, [self._row]), _lanes.as_pointer())
        builder.store(numbers, place).align = 8

    def are_wrong(self, suspicious: Any, most_digits: int) -> Any:
        """Whether a high bit is set, or a cell has no or more than so many (a power of two) characters."""
        builder = self._builder
        wrong_length = builder.and_(builder.sub(self.lengths, _vector(64, 1)), _vector(64, -most_digits))
        wrong = builder.or_(builder.and_(suspicious, _vector(64, int(HIGH_BITS))), wrong_length)
        whole = ir.IntType(64 * LANES)
        return builder.icmp_unsigned("!=", builder.bitcast(wrong, whole), ir.Constant(whole, 0))


def _signature(*arguments: Any) -> Any:
    data, positions, _, _, _, out, _ = arguments
    return types.boolean(data, positions, types.intp, types.intp, types.intp, out, types.intp)


@intrinsic
def eight_digits(
    typing: Any, data: Any, positions: Any, first: Any, width: Any, returns: Any, out: Any, row: Any
) -> Any:
    """Read `LANES` cells of one to eight digits to ``out[row:]``; whether any cell is something else.

    Cell k lies after ``positions[first + k * width]`` and before the next one less `returns`.
    """
    del typing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _Rows(context, builder, signature, arguments)
        digits = builder.and_(rows.words(8), rows.last_bytes)
        rows.put(_number(builder, digits))
        return rows.are_wrong(_not_digits(builder, digits), 8)

    return _signature(data, positions, first, width, returns, out, row), codegen


@intrinsic
def sixteen_digits(
    typing: Any, data: Any, positions: Any, first: Any, width: Any, returns: Any, out: Any, row: Any
) -> Any:
    """The same for cells of one to sixteen digits."""
    del typing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _Rows(context, builder, signature, arguments)
        is_long = builder.icmp_signed(">", rows.lengths, _vector(64, 8))
        everything, nothing = _vector(64, -1), _vector(64, 0)
        low = builder.and_(rows.words(8), builder.select(is_long, everything, rows.last_bytes))
        high = builder.and_(rows.words(16), builder.select(is_long, rows.last_bytes, nothing))
        # Known to fit 32 bits, the number of the upper digits takes one multiplication.
        upper = builder.and_(_number(builder, high), _vector(64, 0xFFFFFFFF))
        rows.put(builder.add(_number(builder, low), builder.mul(upper, _vector(64, 100_000_000))))
        return rows.are_wrong(builder.or_(_not_digits(builder, low), _not_digits(builder, high)), 16)

    return _signature(data, positions, first, width, returns, out, row), codegen
