"""Memory that is used again: never while somebody sees it, and given back wherever the garbage collector runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from utokyo.io import memory


def test_memory_is_used_again_only_when_no_view_is_left():
    first = memory.matrix(1000, 3, np.int64)
    address = first.ctypes.data
    view = first[:10]
    del first
    view[:] = 7
    others = [memory.matrix(1000, 3, np.int64) for _ in range(2)]
    assert address not in [other.ctypes.data for other in others]
    for other in others:
        other[:] = 1
    assert (view == 7).all()

    del view, others
    again = [memory.matrix(1000, 3, np.int64) for _ in range(3)]
    assert address in [array.ctypes.data for array in again]


def test_what_is_kept_is_bounded():
    for rows in (100, 10_000, 1_000_000, 4_000_000):
        held = [memory.matrix(rows, 1, np.int64) for _ in range(10)]
        del held
    memory.matrix(1, 1, np.int64)
    assert sum(spare.size for spare in memory._spare) <= memory.KEPT_BYTES


COLLECT_ALWAYS = """
import gc
import numpy as np
from utokyo.io import memory

class Knot:
    pass

gc.set_threshold(1)  # collects at every new object: within the lock too
for _ in range(2000):
    knot = Knot()
    knot.itself, knot.array = knot, memory.matrix(100, 3, np.int64)  # only the collector finds it
    del knot
print("done")
"""


def test_a_collection_in_the_middle_of_lending_does_not_wait_for_itself():
    done = subprocess.run(
        [sys.executable, "-c", COLLECT_ALWAYS], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["done"], done.stderr
