"""What is to be analysed: each file by what it holds, also those of a folder; images of a folder together."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...io.errors import InputError, UtokyoError
from ...io.image import image_endings
from ...io.progress import progress
from ..analyses.image_names import says_nothing
from ..analyses.known import analysis_for
from ..recorders.file import FileRecorder
from ..recorders.known import RECORDERS, class_for

if TYPE_CHECKING:
    from ..analyses.base import Analysis
    from ..recorders.base import Recorder

__all__ = ["Job", "jobs_of"]

TABLE_ENDINGS = ("", ".csv", ".txt", ".tsv", ".dat", ".asc", ".log", ".lta", ".lvm", ".xlsx", ".parquet")
"""Of files in a folder that are shown as tables where nobody described them."""
MOST_NAMES = 5
"""Files that are named one by one."""


@dataclass(frozen=True)
class Job:
    """A file, or the images of a folder, with what reads it and what analyses it."""

    path: Path
    recorder_class: type[Recorder]
    options: dict[str, Any] = field(default_factory=dict)
    """Of the analysis."""

    @property
    def made(self) -> type[Analysis] | None:
        """The analysis; None where there is none."""
        return analysis_for(self.recorder_class)


def jobs_of(path: Path) -> tuple[list[Job], str]:
    r"""What there is to do with a path, and a sentence about what is left out, if anything.

    Raises
    ------
    MissingFileError, InputError
        When the path cannot be read, or is a folder without data.

    Examples
    --------
    >>> _ = Path("cmos_1.csv").write_text("25,26,24,31,25,29,24,27,23,25\n" * 9)
    >>> _ = Path("coil.txt").write_text("Time\tCoilOperation\n")
    >>> [(str(job.path), job.recorder_class.__name__) for job in jobs_of(Path("."))[0]]
    [('coil.txt', 'CoilRecorder'), ('.', 'FileRecorder')]
    """
    if not os.path.isdir(path):
        return [Job(path, class_for(path))], ""
    try:
        with os.scandir(path) as entries:
            found = sorted((entry.name, not _is_folder(entry)) for entry in entries)
    except OSError as error:
        raise InputError(f"{path}: cannot be listed ({error.strerror or error})") from error
    names = [name for name, is_file in found if is_file and not says_nothing(name)]
    folders = sum(not is_file for _, is_file in found)
    kinds: dict[str, type[Recorder] | None] = {}
    with progress(f"looking at {len(names)} files of {path.name}") as task:
        for number, name in enumerate(names, start=1):
            kinds[name] = _kind_of(path / name)
            task.update(number / len(names))
    images = [name for name, kind in kinds.items() if kind is not None and issubclass(kind, RECORDERS["picture"])]
    jobs = [Job(path / name, kind) for name, kind in kinds.items() if kind is not None and name not in set(images)]
    if images:
        jobs.append(Job(path, FileRecorder, {"match": _only(images, [name for name, _ in found])}))
    if not jobs:
        raise InputError(f"{path}: no images in this folder, and no tables")
    return jobs, _left_out(path, [name for name, kind in kinds.items() if kind is None], folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; one that cannot be looked at is a file, which is told in its turn."""
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself
        return False


def _kind_of(path: Path) -> type[Recorder] | None:
    """What reads a file of a folder; None for what is no data."""
    ending = path.suffix.lower()
    try:
        kind = class_for(path)
    except UtokyoError:
        return RECORDERS["table"]  # to be told in its turn
    if kind is not RECORDERS["table"]:
        return kind
    if ending in image_endings() and ending not in TABLE_ENDINGS:
        return RECORDERS["picture"]  # whose beginning is not written yet
    return kind if ending in TABLE_ENDINGS else None


def _only(images: Sequence[str], names: Sequence[str]) -> str:
    """Regular expression of the names of the images, among all names; as short as it can be."""
    others = sorted(set(names) - set(images))
    if len(others) < len(images):
        return f"(?!(?:{'|'.join(map(re.escape, others))})$).*" if others else ".*"
    return "|".join(map(re.escape, images))


def _left_out(path: Path, names: Sequence[str], folders: int) -> str:
    parts = []
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        parts.append(f"{', '.join(names[:MOST_NAMES])}{more}")
    if folders:
        parts.append(f"{folders} folder{'s' * (folders != 1)} in it")
    return f"{path}: not looked into: {' and '.join(parts)}" if parts else ""
