"""Figures of events that are named by when they were: those of an event that moved, or is none, do not stay behind.

While data come in, a burst moves, or turns out to be another one. Its new figure has another name, and the old one
would lie beside it as a burst of its own. Which files are of events that are no more is told by their names alone, as
the rows of a result table are by their times: it works after a restart, too, and needs no notes.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ...kernels.units import SECOND_NS

__all__ = ["EventFigures", "moment_in_name"]

log = logging.getLogger("utokyo")

MOMENT = r"(\d{8}-\d{6})(?:_\d+)?"


@dataclass(frozen=True)
class EventFigures:
    """The figures of all events of one source.

    Parameters
    ----------
    begin : str
        What stands before the moment in the names of their files.
    first_ns, last_ns : int
        Between which the data of the source are: figures of other moments are those of another run.
    names : frozenset of str
        Of the files, without the ending.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> figures = EventFigures("ssd_burst_", 0, 10**10, frozenset({"ssd_burst_19700101-000003"}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("burst_19700101-000002", "burst_19700101-000003", "burst_19700102-000000", "overview"):
    ...         Path(folder, f"ssd_{name}.png").touch()
    ...     [path.name for path in figures.remove_others(Path(folder), ".png")]
    ['ssd_burst_19700101-000002.png']
    """

    begin: str
    first_ns: int
    last_ns: int
    names: frozenset[str]

    def remove_others(self, folder: Path, extension: str) -> list[Path]:
        """Remove figures of this source and time that are none of these; the files that are gone."""
        pattern = re.compile(re.escape(self.begin) + MOMENT + re.escape(extension))
        gone = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            match = pattern.fullmatch(path.name)
            if match is None or path.name.removesuffix(extension) in self.names or not self._holds(match[1]):
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s shows a burst that moved or is none, and cannot be removed: %s", path, error.strerror)
            else:
                gone.append(path)
        return gone

    def _holds(self, moment: str) -> bool:
        """Whether a moment, as names have it, is within the data."""
        stamp = pl.Series([moment]).str.to_datetime("%Y%m%d-%H%M%S", time_unit="ns", strict=False).cast(pl.Int64)[0]
        return stamp is not None and self.first_ns // SECOND_NS * SECOND_NS <= stamp <= self.last_ns


def moment_in_name(stamp_ns: int) -> str:
    """When an event was, for the name of a file.

    Examples
    --------
    >>> moment_in_name(1_663_503_939_000_000_000)
    '20220918-122539'
    """
    return str(pl.Series([stamp_ns]).cast(pl.Datetime("ns")).dt.strftime("%Y%m%d-%H%M%S")[0])
