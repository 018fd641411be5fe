"""`WholeRecorder`: a recorder of what is looked at whole, a folder or an image."""

from __future__ import annotations

from typing import Any

import polars as pl

from .base import Recorder
from .frames import as_asked
from .options import RecorderSettings

__all__ = ["WholeRecorder"]


class WholeRecorder(Recorder):
    """A recorder of what is looked at whole (a folder, an image): it has no lines, so none is bad or unfinished.

    A subclass overrides `update`, `get_data`, `is_up_to_date`, `version`, `rows`, `generation` and `_make_table`.
    """

    settings_class = RecorderSettings
    has_unfinished_line = False
    bad_rows = 0
    bad_row_messages = ()
    is_sorted = True
    only_grows = False
    bytes_read = 0
    generation = 0

    def finish(self) -> int:
        """There is no last line: as `update`."""
        return self.update()

    def remarks(self) -> list[str]:
        """None."""
        return []

    def understood(self, otherwise_by: str = "") -> tuple[list[str], list[str]]:
        """There are no lines to understand."""
        del otherwise_by
        return [], []

    def describe(self) -> str:
        """What it is, for people."""
        self.update()
        return repr(self)

    def get_metadata(self) -> Any:
        """There are none."""
        return as_asked(pl.DataFrame(), self.frame)

    def _start(self) -> None:
        """There is no text to read."""
