r"""Tests that a recorder or an analysis of another package inherits: what ours promise, yours should, too.

    from utokyo.testing import RecorderTests

    class TestMagnetRecorder(RecorderTests):
        recorder_class = MagnetRecorder
        content = b"Time\tField (mT)\n2022/09/18 12:00:00\t1.25\n2022/09/18 12:00:01\t1.50\n"

They are run by pytest, which has to be installed.
"""

import pytest

pytest.register_assert_rewrite("utokyo.engine.testing.analyses", "utokyo.engine.testing.recorders")

from .engine.testing.analyses import AnalysisTests  # noqa: E402 (after what pytest has to know of it)
from .engine.testing.recorders import RecorderTests  # noqa: E402

__all__ = ["AnalysisTests", "RecorderTests"]
