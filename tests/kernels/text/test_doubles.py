"""Every decimal is the double that Python's ``float()`` gives: the hard vectors, made here, through the whole parser.

Hard are decimals near half the way between two doubles, those of more digits than 64 bits hold (whose sum wraps), and
those at both ends of the range.
"""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo.io.column import Column, Kind
from utokyo.io.header import NoHeader
from utokyo.io.layout import Layout
from utokyo.io.text.buffer import ColumnBuffer
from utokyo.io.text.parser import TextParser
from utokyo.io.text.second_look import Context
from utokyo.kernels.text.words import BACK, FRONT

from .test_columns import assert_doubles

LARGEST = 2**1024 - 2**970  # the last double
SMALLEST = Fraction(1, 2**1074)


def doubles(texts: list[str], decimal: str = ".") -> list[float]:
    """A column of texts, as the reader reads it."""
    layout = Layout("x", (Column("x", Kind.FLOAT), Column("n", Kind.INTEGER)), ";", header=NoHeader(), decimal=decimal)
    content = "".join(f"{text.replace('.', decimal)};0\n" for text in texts).encode()
    data = np.frombuffer(bytes(FRONT) + content + bytes(BACK), np.uint8)
    buffer = ColumnBuffer(layout.columns)
    told: list[str] = []
    TextParser(buffer, Context.of(layout, buffer), 0, lambda line, reason: told.append(reason)).append(
        data, FRONT, FRONT + len(content)
    )
    assert not told, told[0]
    return buffer.column("x").tolist()


def assert_as_python(texts: list[str], decimal: str = ".") -> None:
    found = doubles(texts, decimal)
    bits = [struct.pack("<d", value) for value in found]
    wrong = [
        (text, value) for text, value, b in zip(texts, found, bits, strict=True) if b != struct.pack("<d", float(text))
    ]
    assert not wrong, wrong[:5]


def pointed(digits: str, exponent: int, place: int) -> str:
    """``digits * 10**exponent`` with the point before the last `place` digits, which may be more than there are."""
    padded = digits.rjust(place + 1, "0")
    whole, fraction = padded[: len(padded) - place], padded[len(padded) - place :]
    return f"{whole}.{fraction}e{exponent + place}" if exponent + place else f"{whole}.{fraction}"


def exact_digits(value: Fraction) -> tuple[int, int]:
    """A dyadic fraction as ``digits * 10**exponent``."""
    twos = value.denominator.bit_length() - 1
    return value.numerator * 5**twos, -twos


def halfway(bits: int) -> Fraction:
    """Half the way between the positive double of these bits and the next one."""
    low, high = (Fraction(struct.unpack("<d", struct.pack("<Q", b))[0]) for b in (bits, bits + 1))
    return (low + high) / 2


any_double = st.integers(0, 0x7FEFFFFFFFFFFFFE) | st.integers(0, 1 << 52)  # the latter are denormal
of_everyday_size = st.floats(1e-20, 1e25).map(lambda x: struct.unpack("<Q", struct.pack("<d", x))[0])


@settings(deadline=None, max_examples=150)
@given(st.lists(any_double | of_everyday_size, min_size=1, max_size=8), st.integers(17, 40), st.integers(0, 45))
def test_decimals_near_half_the_way_between_two_doubles_round_as_python_rounds(all_bits, count, place):
    texts = []
    for bits in all_bits:
        digits, exponent = exact_digits(halfway(bits))
        cut = max(0, len(str(digits)) - count)
        for beside in (-1, 0, 1):
            near = str(digits // 10**cut + beside)
            texts += [
                pointed(near, exponent + cut, 0),
                pointed(near, exponent + cut, place),
                f"-{near}e{exponent + cut}",
            ]
        texts += [f"{digits}e{exponent}", f"{digits}1e{exponent - 1}", f"{digits - 1}9e{exponent - 1}"]

    assert_as_python(texts)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(1, 10**21 // 2**64), st.integers(-2, 2)), min_size=1, max_size=20),
    st.integers(0, 25),
    st.integers(-40, 40),
    st.sampled_from(["", "-", "+"]),
    st.sampled_from([".", ","]),
)
def test_digits_whose_sum_wraps_in_64_bits_are_read_whole(multiples, place, exponent, sign, decimal):
    digits = [str(times * 2**64 + beside) for times, beside in multiples]
    digits += [str(2**63), str(2**65), str(3 * 2**64), f"{-(2**63):f}".lstrip("-"), str(10**19), str(10**20 - 1)]

    texts = [f"{sign}{pointed(text, exponent, place)}" for text in digits if "." not in text]
    texts += [f"{sign}{text}" for text in digits]

    assert_as_python(texts, decimal)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.text("0123456789", min_size=17, max_size=40), min_size=1, max_size=30),
    st.integers(0, 40),
    st.integers(-345, 345),
)
def test_seventeen_to_forty_digits_with_the_point_anywhere(texts, place, exponent):
    assert_as_python(
        [pointed(text, exponent, place) for text in texts] + [f"{text}." for text in texts] + [f".{t}" for t in texts]
    )


def test_both_ends_of_the_range():
    digits, exponent = exact_digits(SMALLEST / 2)  # rounds to zero, and a little more to the smallest double
    texts = [f"{digits}e{exponent}", f"{digits}1e{exponent - 1}", f"{digits - 1}9e{exponent - 1}"]
    texts += ["4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072014e-308"]
    texts += ["2.2250738585072011e-308", "2.225073858507201136057409796709131975934819546351645648e-308"]
    texts += [
        str(LARGEST),
        str(LARGEST + 2**969),
        str(LARGEST + 2**969 - 1),
        "1.7976931348623158e308",
        "1.7976931348623159e308",
    ]
    texts += [
        "1e-400",
        "0e999999",
        "0.0e-999999",
        "-0.0",
        "-0",
        "00000000000000000000000000000.0",
        "1e308",
        "1e309",
        "-1e999999",
    ]
    texts += [
        "0" * 400 + "1" + "0" * 400 + f".{'0' * 400}e-400",
        "1" + "0" * 330 + "e-330",
        "0." + "0" * 330 + "1e331",
        "1e-999999",
    ]

    assert_as_python(texts)
    assert_as_python([text.replace("e", "E") for text in texts], ",")


def test_the_longest_decimals_are_read():
    for bits in (1, 0x10000000000000, 0x3FF0000000000000, 0x7FEFFFFFFFFFFFFE):
        digits, exponent = exact_digits(halfway(bits))
        assert_as_python([f"{digits}e{exponent}", f"{digits}{'0' * 300}1e{exponent - 301}"])


def test_more_digits_than_64_bits_hold_seldom_need_python():
    random = np.random.default_rng(7)
    values = (random.normal(0, 1, 5000) * 10.0 ** random.integers(-9, 9, 5000)).tolist()

    assert assert_doubles([f"{v:.25e}" for v in values]) == 0
    assert assert_doubles([f"{v:.30f}" for v in values]) == 0


@pytest.mark.parametrize(
    "text", ["", ".", "-", "+", "e5", "1e", "1e+", "--1", "1.2.3", "0x10", "1_0", "1e5.0", "1 2", "\u0661"]
)
def test_what_is_no_decimal_is_none(text):
    with pytest.raises(AssertionError, match="x should be a number"):
        doubles(["1.5", text])
