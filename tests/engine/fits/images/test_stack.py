"""Fits of a stack are those of its images, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo import InputError, fit_gaussian, fit_gaussian_stack, gaussian_image

SEED = 20220918
NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")


def spots(images: int, gain: float = 1.0, shape: tuple[int, int] = (15, 15)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(SEED)
    truth = np.column_stack(
        [
            10 ** random.uniform(3.2, 4.5, images),
            *random.uniform(6.0, 8.0, (2, images)),
            *random.uniform(1.0, 2.2, (2, images)),
            10 ** random.uniform(0.5, 1.5, images),  # with a few counts in all, errors are not symmetric
        ]
    )
    means = np.array([gaussian_image(dict(zip(NAMES, row, strict=True)), shape) for row in truth])
    return truth, gain * random.poisson(means / gain)


@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_pulls_have_mean_zero_and_width_one(gain):
    truth, stack = spots(2500, gain)
    fit = fit_gaussian_stack(stack, gain=gain)
    assert fit.valid.mean() > 0.999
    pulls = ((fit.values - truth) / fit.errors)[fit.valid]
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.08), pulls.mean(axis=0)
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 0.06), pulls.std(axis=0)
    assert np.abs(pulls).max() < 6


def test_each_image_is_fitted_as_if_it_were_alone():
    _, stack = spots(60)
    fit = fit_gaussian_stack(stack, gain=1.0)
    for k in range(60):
        alone = fit_gaussian(stack[k], gain=1.0)
        np.testing.assert_allclose(fit.values[k], list(alone.values.values()), atol=2e-3 * fit.errors[k].max())
        np.testing.assert_allclose(fit.errors[k], list(alone.errors.values()), rtol=1e-2)


def test_the_number_of_threads_changes_nothing():
    _, stack = spots(1200)
    one, two = (fit_gaussian_stack(stack, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.covariance, two.covariance)


def test_read_noise_is_in_the_errors():
    random = np.random.default_rng(SEED)
    truth, stack = spots(1500, 2.0)
    fit = fit_gaussian_stack(stack + random.normal(0.0, 3.0, stack.shape), gain=2.0, read_noise=3.0)
    pulls = ((fit.values - truth) / fit.errors)[fit.valid]
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 0.08)


def test_images_without_a_spot_are_not_valid_and_do_not_stop_the_others():
    _, stack = spots(5)
    stack[2] = 0.0
    stack[3] = 7.0
    fit = fit_gaussian_stack(stack)
    assert fit.valid[[0, 1, 4]].all()
    assert not fit.valid[2]
    frame = fit.to_frame()
    assert frame.height == len(fit) == 5
    assert frame["sigma_x_unc"][0] == fit.errors[0, 3]
    assert fit["A"].shape == (5,)


def test_an_empty_stack_has_no_answers():
    assert len(fit_gaussian_stack(np.empty((0, 15, 15)))) == 0


@pytest.mark.parametrize(
    ("stack", "options", "sentence"),
    [
        (np.zeros((15, 15)), {}, "a stack has images"),
        (np.zeros((2, 3, 3)), {}, "a stack has images"),
        (np.full((2, 9, 9), -1.0), {}, "negative"),
        (np.full((2, 9, 9), np.nan), {}, "missing counts"),
        (np.zeros((2, 9, 9)), {"gain": -1.0}, "gain should be"),
        (np.zeros((2, 9, 9)), {"read_noise": 1.0}, "needs a gain"),
    ],
)
def test_what_cannot_be_fitted_is_told_in_one_sentence(stack, options, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_gaussian_stack(stack, **options)
