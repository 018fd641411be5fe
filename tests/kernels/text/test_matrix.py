"""The matrix parser reads every integer exactly, and says where a matrix breaks."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from utokyo.kernels.text.matrix import NOT_AN_INTEGER, OK, RAGGED, first_line_width, parse_matrix
from utokyo.kernels.text.words import BACK, FRONT

LARGEST = 10**18 - 1  # 18 digits: the most that are read as integers


def parsed(text: bytes) -> tuple[tuple[int, int, int, int], np.ndarray]:
    stop = FRONT + len(text)
    data = np.frombuffer(b"7" * FRONT + text + b"7" * BACK, np.uint8)  # what stands around the text is not read
    out = np.full((text.count(b"\n") + 1, first_line_width(data[FRONT:stop])), -1, np.int64)
    answer = parse_matrix(data, FRONT, stop, out)
    return answer, out[: answer[1]]


@settings(deadline=None)
@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-LARGEST, LARGEST)))
def test_every_integer_of_up_to_18_digits_is_read_exactly(matrix):
    text = "\n".join(",".join(map(str, row)) for row in matrix.tolist()).encode()

    (code, *_), read = parsed(text)

    assert code == OK
    np.testing.assert_array_equal(read, matrix)


def plainly(text: bytes) -> list[list[int]] | None:
    """The same by Python's own means; None for what is no matrix of integers."""
    rows = []
    for line in text.split(b"\n"):
        cells = line.translate(bytes.maketrans(b",;\t\r", b"    ")).split()
        if not all(re.fullmatch(rb"[+-]?[0-9]{1,18}", cell) for cell in cells):
            return None
        rows += [[int(cell) for cell in cells]] if cells else []
    return rows if all(len(row) == len(rows[0]) for row in rows) else None


@settings(deadline=None, max_examples=200)
@given(data=st.data(), columns=st.integers(1, 40), rows=st.integers(1, 300))
def test_lines_that_differ_among_many_that_do_not_are_read_all_the_same(data, columns, rows):
    line_end = data.draw(st.sampled_from([b"\n", b"\r\n"]))
    delimiter = data.draw(st.sampled_from([b",", b"\t", b";", b" "]))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    largest = 10 ** random.integers(1, 19, (rows, columns))
    lines = [delimiter.join(b"%d" % n for n in row) for row in random.integers(0, largest).tolist()]
    changes = st.sampled_from([b"-5", b"+12", b" 7", b"8 ", b"", b"x", b"3,4", b"\n", b"123456789012345678", b'"9"'])
    for k in data.draw(st.lists(st.integers(0, rows - 1), max_size=4)):
        cells = lines[k].split(delimiter)
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(changes)
        lines[k] = delimiter.join(cells) + data.draw(st.sampled_from([b"", b"", delimiter, b" ", b"\r"]))
    text = line_end.join(lines) + data.draw(st.sampled_from([b"", line_end]))
    expected = plainly(text)

    (code, *_), read = parsed(text)

    assert (code == OK) == (expected is not None)
    if expected:
        np.testing.assert_array_equal(read, expected)


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
