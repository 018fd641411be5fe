"""The matrix parser reads every integer exactly, and says where a matrix breaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from utokyo.kernels.matrix import NOT_AN_INTEGER, OK, RAGGED, first_line_width, parse_matrix

LARGEST = 10**18 - 1  # 18 digits: the most that are read as integers


def parsed(text: bytes) -> tuple[tuple[int, int, int, int], np.ndarray]:
    data = np.frombuffer(text, np.uint8)  # read-only, as bytes of a file are
    out = np.full((text.count(b"\n") + 1, first_line_width(data)), -1, np.int64)
    answer = parse_matrix(data, out)
    return answer, out[: answer[1]]


@settings(deadline=None)
@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-LARGEST, LARGEST)))
def test_every_integer_of_up_to_18_digits_is_read_exactly(matrix):
    text = "\n".join(",".join(map(str, row)) for row in matrix.tolist()).encode()

    (code, *_), read = parsed(text)

    assert code == OK
    np.testing.assert_array_equal(read, matrix)


@pytest.mark.parametrize("text", [b"1,2\n3,4", b"1,2\n3,4\n", b"1,2\r\n3,4\r\n", b"1,2,\n3,4,\n", b" 1\t2 \n3  4\n\n"])
def test_separators_and_ends_of_lines_do_not_matter(text):
    (code, rows, *_), read = parsed(text)
    assert (code, rows) == (OK, 2)
    np.testing.assert_array_equal(read, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "line", "values"),
    [(b"1,2\n3\n", 2, 1), (b"1,2\n3,4\n5,6,7", 3, 3), (b"1\n2,3,4,5\n", 2, 4)],
)
def test_a_row_of_another_length_is_told_with_its_line_and_its_values(text, line, values):
    (code, rows, stopped, found), _ = parsed(text)
    assert (code, rows, stopped, found) == (RAGGED, line - 1, line, values)


@pytest.mark.parametrize("bad", [b"x", b"1.5", b"-", b"+", b"1-2", b"1e3", b"1" * 19, b"\xff"])
def test_what_is_no_integer_is_told_with_its_line_and_place(bad):
    (code, rows, line, place), _ = parsed(b"1,2\n3," + bad + b"\n")
    assert (code, rows, line, place) == (NOT_AN_INTEGER, 1, 2, 2)


@pytest.mark.parametrize(("text", "width"), [(b"", 0), (b"\n\n", 0), (b"7", 1), (b"\n1, 2\t3;4\n5", 4)])
def test_the_width_is_that_of_the_first_line_with_values(text, width):
    assert first_line_width(np.frombuffer(text, np.uint8)) == width
