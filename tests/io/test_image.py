"""Images are read as they were written, and half an image is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from utokyo.io.errors import InputError, MissingFileError
from utokyo.io.image import read_image


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    image=arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-999, 4095)),
    separator=st.sampled_from([",", "\t", " ", ";"]),
    end=st.sampled_from(["\n", "\r\n", ",\n"]),
    closed=st.booleans(),
)
def test_a_matrix_written_and_read_back_is_equal(tmp_path, image, separator, end, closed):
    path = tmp_path / "image.csv"
    content = end.join(separator.join(map(str, row)) for row in image.tolist())
    path.write_bytes((content + end * closed).encode())

    read = read_image(path)

    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, image)


def test_the_real_image_has_its_shape_and_sum(real_files):
    image = read_image(real_files / "cmos_000039.csv")
    assert image.shape == (263, 228)
    assert image.sum() == 1477272


def test_decimals_are_read_as_python_reads_them(tmp_path):
    path = tmp_path / "image.csv"
    path.write_text("1,2.5\n-1e3,4\n")
    np.testing.assert_array_equal(read_image(path), [[1, 2.5], [-1000, 4]])


def test_the_byte_order_mark_of_excel_is_passed_over(tmp_path):
    path = tmp_path / "image.csv"
    path.write_bytes(b"\xef\xbb\xbf1,2\n3,4\n")
    np.testing.assert_array_equal(read_image(path), [[1, 2], [3, 4]])


def test_an_old_excel_image_is_read(tmp_path):
    pytest.importorskip("fastexcel")
    pytest.importorskip("xlsxwriter")
    image = np.arange(12).reshape(3, 4)
    pl.DataFrame(image).write_excel(tmp_path / "image.xlsx", include_header=False)
    read = read_image(tmp_path / "image.xlsx")
    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1,2,3\n4,5\n", "line 2: expected 3 values as in the first line, found 2"),
        (b"1,2,3\n4,5,6\n7,8,9,10\n", "line 3: expected 3 values as in the first line, found 4"),
        (b"1,2,3\n4,x,6\n", "line 2: no image, which holds numbers only"),
        (b"1,2.5,3\n4,5\n", "line 2: expected 3 values"),
        (b"1,2,3\n4,nan,6\n", "line 2: no image, which holds finite numbers only"),
        (b"", "the image is empty"),
        (b"\n\n", "the image is empty"),
    ],
)
def test_what_is_no_image_is_told_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "image.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_image(path)


def test_no_file_a_folder_and_no_excel_are_told_in_one_sentence(tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        read_image(tmp_path / "nix.csv")
    with pytest.raises(InputError, match="this is a folder"):
        read_image(tmp_path)
    (tmp_path / "bad.xlsx").write_bytes(b"no excel")
    with pytest.raises(InputError, match="no Excel file"):
        read_image(tmp_path / "bad.xlsx")
