"""`Rest`: whether a file is at rest, so that it may be mapped.

A file that is truncated while it is mapped ends the program that looks at it on POSIX, and on Windows whoever wants to
truncate it is refused. So only files that nobody writes to are mapped: two looks found the same size and the same time
of modification, and that is long ago.
"""

from __future__ import annotations

import os
import time
from io import FileIO
from typing import Literal

__all__ = ["LOOK_AGAIN_BYTES", "Access", "Rest"]

Access = Literal["auto", "map", "read"]
"""How the parts of a long file come into memory: mapped where it is at rest; always mapped; always read."""

STILL_S = 60.0
"""Since the last modification, by the clock of this machine: a file at rest was left for longer."""
LOOKS_APART_S = 0.01
"""Between two looks, at the least."""
LOOK_AGAIN_BYTES = 32 << 20
"""Read between two looks; reading them takes longer than `LOOKS_APART_S`."""


class Rest:
    """What the looks at one file found.

    Parameters
    ----------
    access : {"auto", "map", "read"}
        With the other two, nothing is looked at.

    Examples
    --------
    >>> import os, time
    >>> from io import FileIO
    >>> from pathlib import Path
    >>> from utokyo.io.text.rest import Rest
    >>> _ = Path("run.csv").write_text("1,2")
    >>> os.utime("run.csv", (time.time() - 3600,) * 2)
    >>> rest = Rest("auto")
    >>> with FileIO("run.csv") as handle:
    ...     first = rest.look(handle)
    ...     time.sleep(0.02)
    ...     first, rest.look(handle)
    (False, True)
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._found: tuple[int, int] | None = None
        self._since_s = 0.0

    def look(self, handle: FileIO) -> bool:
        """Whether the parts of this file may be mapped by now."""
        if self.access != "auto":
            return self.access == "map"
        status = os.fstat(handle.fileno())
        found, now_s = (status.st_size, status.st_mtime_ns), time.monotonic()
        if found != self._found:
            self._found, self._since_s = found, now_s
        return now_s - self._since_s >= LOOKS_APART_S and time.time() - status.st_mtime > STILL_S
