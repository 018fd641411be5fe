"""The search for a spot tries what it says it tries."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo.kernels.images.search import (
    best_square,
    bin_pixels,
    clean_excess,
    copy_counts,
    median_background,
    pixel_noise,
)

SHAPE = (37, 50)
LEVEL = 4.0


def ratio_of(excess: float, background: float) -> float:
    return (excess + background) * np.log1p(excess / background) - excess if excess > 0 else 0.0


@pytest.mark.parametrize("flat", [True, False])
def test_the_best_square_is_the_one_of_brute_force(flat):
    random = np.random.default_rng(8)
    background = np.array([[LEVEL]]) if flat else random.uniform(2.0, 9.0, SHAPE)
    level = np.broadcast_to(background, SHAPE)
    excess = random.poisson(level) - level
    excess[20:26, 30:36] += 3.0
    ratios, limits = np.empty(8), np.empty(8)
    ratio, size, x, y, counts = best_square(excess, background, ratios, limits, 1.0)

    best = []
    for k in range(4):
        side = 2**k
        found = []
        for a in range(-(-SHAPE[0] // side)):
            for b in range(-(-SHAPE[1] // side)):
                part = np.s_[max(0, (a - 1) * side) : (a + 2) * side, max(0, (b - 1) * side) : (b + 2) * side]
                total = excess[part].sum()
                found.append(
                    (ratio_of(total, level[part].sum()), k, a, b, total, total + 1.645 * level[part].sum() ** 0.5)
                )
        assert ratios[k] == pytest.approx(max(found)[0])
        if not flat:
            assert limits[k] == pytest.approx(max(f[5] for f in found))
        assert limits[k] >= max(f[4] for f in found)
        best.append(max(found))
    expected = max(best)
    assert (ratio, size, counts) == pytest.approx((expected[0], expected[1], expected[4]))
    assert (x, y) == ((expected[3] + 0.5) * 2**size - 0.5, (expected[2] + 0.5) * 2**size - 0.5)
    assert np.isnan(ratios[5])


def test_single_hot_pixels_are_cut_off_and_spots_are_not():
    random = np.random.default_rng(1)
    counts = random.poisson(25.0, SHAPE).astype(float)
    counts[10, 10] = 400.0
    counts[0, 49] = 400.0
    counts[20:24, 20:24] += 200.0
    used = np.ones(SHAPE)
    used[30, 30] = 0.0
    excess = np.empty(SHAPE)
    clean_excess(counts, used, np.array([[25.0]]), 1.0, excess)
    assert max(excess[10, 10], excess[0, 49]) < 60.0
    assert excess[20:24, 20:24].min() > 120.0
    assert excess[30, 30] == 0.0
    elsewhere = counts < 60.0
    elsewhere[30, 30] = False
    np.testing.assert_allclose(excess[elsewhere], counts[elsewhere] - 25.0)


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_noise_and_background_survive_hot_pixels_and_a_spot(gain):
    random = np.random.default_rng(2)
    counts = gain * random.poisson(30.0 / gain, (200, 180)).astype(float)
    counts[random.integers(0, 200, 30), random.integers(0, 180, 30)] += 500.0
    counts[50:100, 50:100] += 40.0
    noise, level = (guess(counts, np.ones(counts.shape)) for guess in (pixel_noise, median_background))
    assert noise == pytest.approx(gain, rel=0.1)
    assert level == pytest.approx(30.0, rel=0.03)


def test_sums_of_pixels_are_scaled_where_some_are_masked():
    image = np.arange(16.0).reshape(4, 4)
    used = np.ones((4, 4))
    out, covered = np.empty((2, 2)), np.empty((2, 2))
    bin_pixels(image, used, 2, out, covered)
    assert out.tolist() == [[10.0, 18.0], [42.0, 50.0]]
    used[0, :2] = 0.0
    bin_pixels(image, used, 2, out, covered)
    assert covered.tolist() == [[0.0, 1.0], [1.0, 1.0]]
    assert out[0, 1] == 18.0


def test_looking_at_counts_copies_the_used_ones_alone():
    image = np.array([[1.0, np.nan, 3.0], [-2.0, np.inf, 5.0]])
    used = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    out = np.empty((2, 3))
    pixels, _, _, negative, infinite = copy_counts(image, used, 0.5, out)
    assert (pixels, negative, infinite) == (5.0, 1.0, 1.0)
    assert out[0].tolist() == [1.5, 0.0, 3.5]
