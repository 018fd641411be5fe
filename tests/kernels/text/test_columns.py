"""`parse_rows` reads what Python's `csv`, `int` and `float` read, to the last bit, or says that it is not sure."""

from __future__ import annotations

import itertools
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo.kernels.text.cells import FLOAT, INTEGER
from utokyo.kernels.text.columns import odd_room, parse_rows, scratch_room
from utokyo.kernels.text.odd import ODD_FIELDS, read_odd_moments, read_odd_numbers
from utokyo.kernels.text.words import BACK, FRONT


def parsed(text: bytes, kinds: list[int], point: str = ".", order: int = 0, delimiter: str = ","):
    """Integers, decimals and what is left to judge, of lines of plain cells."""
    data = np.frombuffer(b"#" * FRONT + text + b"#" * BACK, np.uint8).copy()
    rows = text.count(b"\n")
    ints = np.full((len(kinds), rows), -7, np.int64)
    floats = np.full((len(kinds), rows), np.nan)
    slots = np.arange(len(kinds))
    odd = np.empty((odd_room(len(kinds)), ODD_FIELDS), np.int64)
    scratch = np.empty(scratch_room(len(kinds)), np.int64)
    start, first, left = FRONT, 0, []
    while start < data.size - BACK:
        start, count, _, found = parse_rows(
            data, start, data.size - BACK, ord(delimiter), ord(point), np.array(kinds), slots, len(kinds), False,
            first, rows - first, ints, floats, np.empty((0, 0), np.int64), odd, scratch,
        )  # fmt: skip
        kept = read_odd_numbers(data, odd[:found], np.array(kinds), slots, ord(point), first, ints, floats)
        kept = read_odd_moments(data, odd[:kept], np.array(kinds), slots, order, first, ints)
        left += [(first + row, column, data[a:b].tobytes()) for row, column, a, b, _, _ in odd[:kept].tolist()]
        first += count
    return ints, floats, left


def bits(value: float) -> int:
    return struct.unpack("<q", struct.pack("<d", value))[0]


def assert_doubles(texts: list[str]) -> int:
    """Each text, in a column of them, is read as Python reads it; how many were left to Python."""
    _, floats, left = parsed("".join(f"{t},0\n" for t in texts).encode(), [FLOAT, FLOAT])
    skipped = {row for row, _, _ in left}
    for row, text in enumerate(texts):
        if row not in skipped:
            assert bits(floats[0, row]) == bits(float(text)), text
    return len(skipped)


def test_doubles_of_all_sizes_are_read_to_the_last_bit():
    random = np.random.default_rng(5)
    values = random.integers(0, 2**64, 60_000, dtype=np.uint64).view(np.float64)
    values = values[np.isfinite(values)]

    assert_doubles([repr(v) for v in values.tolist()])
    few = [v for v in values.tolist() if 1e-290 < abs(v) < 1e290]
    assert assert_doubles([f"{v:.18e}" for v in few]) == 0
    assert assert_doubles([f"{v:.7E}" for v in few]) == 0


def test_doubles_of_everyday_size_are_read_without_python():
    random = np.random.default_rng(6)
    values = (random.normal(0, 1, 30_000) * 10.0 ** random.integers(-9, 9, 30_000)).tolist()

    for form in ("{!r}", "{:.8f}", "{:.3f}", "{:+.6E}", "{:.0f}", "{:.15g}", "{:.1f}"):
        assert assert_doubles([form.format(v) for v in values]) == 0


def test_halves_between_two_doubles_round_to_even():
    odd_and_even = np.arange(2**53 - 64, 2**53 + 64, dtype=np.int64).astype(np.float64)
    texts = [f"{int(v) * 2 + 1}" for v in odd_and_even] + [f"{int(v) * 2 + 1}e1" for v in odd_and_even]
    texts += [f"{int(v)}.5" for v in odd_and_even / 2] + ["9007199254740993", "9007199254740993e0", "1e23", "8.5e22"]

    assert assert_doubles(texts) == 0


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 5), st.integers(-3, 3), st.integers(0, 20), st.sampled_from(["", "0", "00", "e1", "e-20"]))
def test_digits_whose_sum_wraps_are_read_as_python_does(times, beside, places, tail):
    digits = f"{times * 2**64 + beside}"
    texts = [digits, f"-{digits}", f"000{digits}", f"{digits[: len(digits) - places]}.{digits[len(digits) - places :]}"]

    assert_doubles([f"{text}{tail}" for text in texts])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.from_regex(r"[+-]?[0-9]{0,20}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,3})?", fullmatch=True), max_size=40))
def test_whatever_looks_like_a_decimal_is_read_as_python_does(texts):
    _, floats, left = parsed("".join(f"1,{t}\n" for t in texts).encode(), [INTEGER, FLOAT])

    unsure = {row for row, _, _ in left}
    for row, text in enumerate(texts):
        try:
            expected = float(text)
        except ValueError:
            assert row in unsure
        else:
            assert row in unsure or bits(floats[1, row]) == bits(expected)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-99, 99_999_999)), max_size=1500))
def test_integers_are_read_exactly(table):
    ints, _, left = parsed("".join(f"{a},{b}\r\n" for a, b in table).encode(), [INTEGER, INTEGER])

    unsure = {row for row, _, _ in left}
    assert all(abs(table[row][0]) >= 10**18 for row in unsure)
    assert [a for row, a in enumerate(ints[0].tolist()) if row not in unsure] == [
        a for row, (a, _) in enumerate(table) if row not in unsure
    ]
    assert ints[1].tolist() == [b for _, b in table]


@settings(deadline=None, max_examples=200)
@given(
    st.integers(1, 17),
    st.integers(1, 40),
    st.dictionaries(
        st.integers(0, 39), st.sampled_from(["", "-", "-7", "+7", " 7", "7 ", "7a", "/", ":", "1234567890", "0" * 18])
    ),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_integers_of_any_length_are_read_exactly_beside_odd_ones(digits, rows, odd, mixed_ends, random):
    cells = [
        odd.get(row, str(random.randrange(10 ** random.randint(max(0, digits - 2), digits)))) for row in range(rows)
    ]
    ends = ["\r\n" if mixed_ends and random.random() < 0.9 else "\n" for _ in cells]
    text = "".join(f"{cell},{row},{cell}{end}" for row, (cell, end) in enumerate(zip(cells, ends, strict=True)))

    ints, _, left = parsed(text.encode(), [INTEGER] * 3)

    unsure = {(row, column) for row, column, _ in left}
    assert unsure == {
        (r, c) for r, cell in enumerate(cells) if not re.fullmatch(r" *[+-]?[0-9]+ *", cell) for c in (0, 2)
    }
    assert ints[1].tolist() == list(range(rows))
    for row, column in itertools.product(range(rows), (0, 2)):
        if (row, column) not in unsure:
            assert ints[column, row] == int(cells[row])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text('0123456789 -+.,eE"\r/:', max_size=30), max_size=60))
def test_no_text_is_read_as_a_number_that_python_does_not_read(lines):
    text = "".join(line.replace("\r", "") + "\n" for line in lines).encode()

    ints, floats, left = parsed(text, [INTEGER, FLOAT])

    unsure = {(row, column) for row, column, _ in left}
    cells = [line.split(",") for line in text.decode().split("\n")[:-1]]
    plain = [c for c in cells if '"' not in ",".join(c)]
    if len(plain) < len(cells):
        return  # quotes may hold commas: the reader's tests compare those with the csv module
    rows = [c for c in plain if len(c) == 2]
    for row, (first, second) in enumerate(rows):
        if (row, 0) not in unsure:
            assert ints[0, row] == int(first)
        if (row, 1) not in unsure:
            assert bits(floats[1, row]) == bits(float(second))


def test_a_decimal_sign_may_be_a_comma():
    _, floats, left = parsed(b"1.5,2\n", [FLOAT, FLOAT], point=".")
    assert floats[:, 0].tolist() == [1.5, 2.0]
    assert left == []
    _, floats, left = parsed(b"1;5,2\n", [FLOAT, FLOAT], point=";")
    assert floats[:, 0].tolist() == [1.5, 2.0]


def test_text_without_room_around_it_is_refused():
    data = np.frombuffer(b"1,2\n" * 40, np.uint8).copy()
    odd = np.empty((odd_room(2), ODD_FIELDS), np.int64)
    scratch = np.empty(scratch_room(2), np.int64)
    space = np.empty((2, 40), np.int64)

    for start, stop in ((0, 80), (16, data.size)):
        with pytest.raises(ValueError, match="too little room"):
            parse_rows(
                data, start, stop, 44, 46, np.zeros(2, np.int64), np.arange(2), 2, False, 0, 40, space,
                np.empty((0, 40)), np.empty((0, 0), np.int64), odd, scratch,
            )  # fmt: skip
