"""The console on which people read: what stands in files and names of files cannot steer it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.segment import Segment

from ...io.errors import printable

__all__ = ["SafeConsole"]


class SafeConsole(Console):
    r"""A console of rich that shows control characters as `printable` does; those of rich itself do their work.

    Examples
    --------
    >>> import sys
    >>> from utokyo.engine.run.terminal import SafeConsole
    >>> SafeConsole(file=sys.stdout, width=40).print("run \x1b[2J 7", highlight=False)
    run \x1b[2J 7
    """

    def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
        """Segments of text for something that can be shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
