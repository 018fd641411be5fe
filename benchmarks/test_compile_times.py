"""The script about a first start works, and no kernel is compiled twice where once is enough."""

from __future__ import annotations

import pytest
from compile_times import measure


@pytest.mark.timeout(300)
def test_the_first_table_of_a_log_compiles_each_kernel_once() -> None:
    times = measure("log")
    ours = [kernel.name for kernel in times.kernels if kernel.module.startswith("utokyo")]
    assert "parse_rows" in ours
    assert len(ours) == len(set(ours))
    assert not [kernel.name for kernel in times.kernels if "unicode" in kernel.module]  # the words of numpy's errors
    assert 0.0 < times.compiling_s < times.cpu_s
    assert str(times).startswith("log ")
