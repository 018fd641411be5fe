"""Exports of cameras are images, whatever stands around the pixels; tables are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utokyo import ImageAnalysis, ImageRecorder, Recorder, gaussian_image, open_recorder
from utokyo.io.errors import InputError
from utokyo.io.image import is_image, read_image
from utokyo.io.images.text import matrix_of

SPOT = {"A": 30_000.0, "x0": 14.0, "y0": 9.0, "sigma_x": 3.0, "sigma_y": 2.5, "C": 500.0}
SETTINGS = (
    "Date and Time:{d}Thu Sep 22 12:25:39 2022\nTemperature (C):{d}-70\nExposure Time (secs):{d}0{p}05\n"
    "Pixel Readout Rate (MHz):{d}3\nModel:{d}DU897\nPre-Amplifier Gain:{d}1x\n"
)


def export(image, delimiter, decimal=".", digits=0, index=None, numbers=False, closed=False, before="", after=""):
    """A matrix as a program of a camera writes it."""
    lines = []
    columns = image.shape[1]
    if numbers:
        corner = [] if index is None else [""]
        lines.append([*corner, *map(str, range(index or 0, columns + (index or 0)))])
    for number, row in enumerate(image.tolist()):
        cells = [f"{value:.{digits}f}".replace(".", decimal) for value in row]
        lines.append(cells if index is None else [str(number + index), *cells])
    body = "".join(delimiter.join(cells) + delimiter * closed + "\n" for cells in lines)
    told = SETTINGS.format(d=delimiter if delimiter.strip() else "  ", p=decimal)
    return (told * bool(before) + before + body + after + told * bool(after)).encode()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    delimiter=st.sampled_from([",", ";", "\t", " ", "   "]),
    decimal=st.sampled_from([".", ","]),
    digits=st.integers(0, 3),
    index=st.sampled_from([None, 0, 1]),
    numbers=st.booleans(),
    closed=st.booleans(),
    before=st.sampled_from(["", "\n"]),
    after=st.sampled_from(["", "\n", "\n\n"]),
    end=st.sampled_from(["\n", "\r\n"]),
    columns=st.integers(18, 30),
    seed=st.integers(0, 2**16),
)
def test_the_pixels_of_any_export_are_read_and_recognised(
    tmp_path, delimiter, decimal, digits, index, numbers, closed, before, after, end, columns, seed
):
    if decimal == "," and delimiter == ",":
        decimal = "."
    pixels = np.random.default_rng(seed).normal(300.0, 400.0, (7, columns)).clip(-900.0, 65535.0).round(digits)
    content = export(pixels, delimiter, decimal, digits, index, numbers, closed, before, after)
    path = tmp_path / "export.asc"
    path.write_bytes(content.replace(b"\n", end.encode()))

    np.testing.assert_array_equal(read_image(path), pixels)
    assert type(open_recorder(path)) is ImageRecorder
    assert is_image(path.read_bytes()[: 3 * len(content) // 4])


@pytest.mark.parametrize(("delimiter", "decimal"), [(",", "."), (";", ","), ("\t", "."), ("  ", ".")])
def test_a_spot_is_found_where_it_is_whatever_stands_around_it(tmp_path, delimiter, decimal):
    image = np.random.default_rng(3).poisson(gaussian_image(SPOT, (20, 28))) + 0.25
    path = tmp_path / "spot.asc"
    path.write_bytes(export(image, delimiter, decimal, 2, index=1, closed=True, after="\n"))
    (row,) = ImageAnalysis(path).run().to_dicts()
    assert row["fit_successful"], row["reason"]
    for name in ("x0", "y0", "sigma_x", "sigma_y"):
        assert abs(row[name] - SPOT[name]) < 4.0 * row[f"{name}_unc"]
        assert abs(row[name] - SPOT[name]) < 0.15


def test_an_image_of_full_size_is_recognised_by_its_first_row(tmp_path):
    row = ";".join(["12345,25"] * 2048)
    path = tmp_path / "large.txt"
    path.write_text(f"{row}\n" * 20)
    assert type(open_recorder(path)) is ImageRecorder
    assert read_image(path).shape == (20, 2048)
    path.write_text(",".join(["-12345"] * 4096) + "\n" + ",".join(["60000"] * 4096) + "\n")
    assert type(open_recorder(path)) is ImageRecorder


TABLES = {
    "a log of three columns": "".join(f"{i},{1.5 * i},{2 * i}\n" for i in range(40)),
    "a log of three columns, counted": "".join(f"{i + 1}\t{20 + i % 3}\t{300 - i}\n" for i in range(40)),
    "a spectrum": "".join(f"{i}\t{500 + i % 7}\n" for i in range(40)),
    "names above many columns": ";".join(f"T{i}" for i in range(24)) + "\n" + (";".join(["1,5"] * 24) + "\n") * 9,
    "seconds before many columns": "".join(f"{0.5 * i} " + "3.25 " * 20 + "\n" for i in range(9)),
    "ticks before many columns": "".join(f"{1683631205 + 7 * i * i}," + "3," * 15 + "\n" for i in range(9)),
    "times before many columns": "".join(f"2022-09-18 12:00:0{i}," + "3," * 15 + "\n" for i in range(9)),
    "text": "a note about the night\nof two lines\n",
}


@pytest.mark.parametrize("what", TABLES)
def test_a_table_stays_a_table(tmp_path, what):
    path = tmp_path / "table.csv"
    path.write_text(TABLES[what])
    assert type(open_recorder(path)) is Recorder


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a,b,c\n1,2,3\n4,5,6\n", "line 1: no image, .* names of columns, as 'a'"),
        (b"1,2,3\n4,5,6\nTemperature,-70\n7,8,9\n", "line 4: no image, .* other lines in its middle"),
        (b"1;2,5;3\n4;5;6\n7;8\n", "line 3: expected 3 values as in the first line, found 2"),
        (b"".join(b"%d,25,26\n" % (i % 5 + 1) for i in range(15)), "3 images one below the other"),
        (b"1,2,3\n4,,6\n", "line 2: no image, .* '' is none"),
        (b"a note about the night\n", "no image, .*it begins with 'a note about the night'"),
    ],
)
def test_what_is_no_image_is_told_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "image.asc"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_image(path)


def test_what_was_left_out_is_known(tmp_path):
    pixels = np.random.default_rng(5).integers(100, 900, (6, 9))
    matrix = matrix_of(tmp_path / "x.asc", export(pixels, ",", index=1, numbers=True, after="\n"))
    assert (matrix.index_column, matrix.column_numbers, matrix.other_lines) == (True, True, 6)
    matrix = matrix_of(tmp_path / "x.csv", export(pixels, ","))
    assert (matrix.index_column, matrix.column_numbers, matrix.other_lines) == (False, False, 0)


def test_quoted_numbers_are_numbers(tmp_path):
    path = tmp_path / "image.csv"
    path.write_text('"1","2.5"\n"-3","4"\n')
    np.testing.assert_array_equal(read_image(path), [[1, 2.5], [-3, 4]])


def test_an_image_without_its_background_is_fitted_and_it_is_said(tmp_path):
    random = np.random.default_rng(7)
    image = random.poisson(gaussian_image(SPOT, (20, 28))) - random.poisson(500.0, (20, 28))
    path = tmp_path / "spot.asc"
    path.write_bytes(export(image, "\t", index=1))
    analysis = ImageAnalysis(path)
    (row,) = analysis.run().to_dicts()
    assert row["fit_successful"], row["reason"]
    assert abs(row["A"] - SPOT["A"]) < 4.0 * row["A_unc"]
    assert any(remark.startswith("negative counts in 1 image") for remark in analysis.remarks())
    path.write_bytes(export(image + 600, "\t", index=1))
    analysis.run()
    assert not any("negative" in remark for remark in analysis.remarks())
