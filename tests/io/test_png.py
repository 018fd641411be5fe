"""Pictures come back from their files as they were."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from utokyo.io.png import png_bytes


@pytest.mark.parametrize("channels", [3, 4])
@given(data=st.data())
def test_every_picture_is_read_back(data, channels):
    shape = (data.draw(st.integers(1, 30)), data.draw(st.integers(1, 30)), channels)
    pixels = data.draw(arrays(np.uint8, shape))
    read = matplotlib.image.imread(io.BytesIO(png_bytes(pixels, 110.0)), format="png")
    np.testing.assert_array_equal(np.rint(read * 255.0).astype(np.uint8), pixels[..., :3])
