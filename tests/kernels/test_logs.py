"""Logarithms by bits and series equal those of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from utokyo.kernels.logs import weighted_log_sum


def test_the_sum_of_logarithms_keeps_its_digits():
    random = np.random.default_rng(3)
    values = 10.0 ** random.uniform(-1, 12, 1001)
    weights = random.uniform(0.0, 100.0, 1001)
    found = weighted_log_sum(weights, values, np.empty(1001), 990)
    assert found == pytest.approx(np.sum(weights[:990] * np.log(values[:990])), rel=1e-13)
