"""Images whose lines end in carriage returns alone."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo import open_recorder


@pytest.mark.parametrize("delimiter", [",", "\t", ";", " "])
def test_carriage_returns_alone_end_the_rows_of_an_image(tmp_path, delimiter):
    image = np.arange(240).reshape(12, 20) % 50 + 20
    path = tmp_path / "spot.asc"
    path.write_bytes(b"".join(delimiter.join(map(str, row)).encode() + b"\r" for row in image.tolist()))
    assert np.array_equal(open_recorder(path).get_image(), image)
