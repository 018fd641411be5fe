"""Each instruction gives what Python's integers and `struct` give."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.kernels import bits

words = st.integers(0, 2**64 - 1) | st.integers(0, 63).map(lambda k: 1 << k)


def called(step: Any) -> Callable[..., Any]:
    """A function that calls the step: an intrinsic is a part of compiled functions alone."""

    @numba.njit
    def call(*values):
        return step(*values)

    return call


TRAILING, LEADING, ONES = (called(step) for step in (bits.trailing_zeros, bits.leading_zeros, bits.count_ones))
HIGH, DOUBLE, BITS = (called(step) for step in (bits.high_product, bits.double_of_bits, bits.bits_of_double))


@given(words)
def test_bits_are_counted(word):
    text = f"{word:064b}"
    value = np.uint64(word)
    assert ONES(value) == text.count("1")
    assert LEADING(value) == 64 - len(text.lstrip("0"))
    assert TRAILING(value) == 64 - len(text.rstrip("0"))


@given(words, words)
def test_the_upper_half_of_a_product_is_exact(a, b):
    assert int(HIGH(np.uint64(a), np.uint64(b))) == a * b >> 64


@given(st.floats(allow_nan=False))
def test_a_double_and_its_bits_are_one(value):
    (word,) = struct.unpack("<Q", struct.pack("<d", value))
    assert int(BITS(value)) == word
    assert struct.pack("<d", DOUBLE(np.uint64(word))) == struct.pack("<d", value)


@pytest.mark.parametrize("count", [TRAILING, LEADING])
def test_zero_has_no_set_bit(count):
    assert count(np.uint64(0)) == 64
