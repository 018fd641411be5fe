"""Files that are there whole or not at all: written beside the old one, flushed, and renamed over it."""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from .errors import InputError, OutputError

__all__ = ["check_folder", "output_error", "remove_remains", "write_whole"]

RETRIES, RETRY_AFTER_S = 20, 0.05
"""On Windows a file cannot be replaced while a viewer or a virus scanner looks at it: it is tried for a second."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    A link stays a link: the file that it leads to is replaced. Permissions and group of an earlier file stay.

    Raises
    ------
    OutputError
        When the disk is full, the folder cannot be made, another program holds the file, or it is a device or a pipe.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.whole import write_whole
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "plots", "figure.png")
    ...     write_whole(path, b"content")
    ...     [file.name for file in path.parent.iterdir()]
    ['figure.png']
    """
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        temporary = target.with_name(f"{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        target.parent.mkdir(parents=True, exist_ok=True)
        earlier = _state_of(target)
        try:
            with temporary.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            if earlier is not None:
                _take_over(temporary, earlier)
            _rename(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error


def remove_remains(path: Path) -> None:
    """Delete what programs that were killed while they wrote a file left beside it; only where none writes it now.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from utokyo.io.whole import remove_remains
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "r.csv.123-456.tmp").write_bytes(b"half")
    ...     remove_remains(Path(folder, "r.csv"))
    ...     list(Path(folder).iterdir())
    []
    """
    target = Path(os.path.realpath(path))
    remains = re.compile(re.escape(target.name) + r"\.\d+-\d+\.tmp")
    with suppress(OSError):  # they harm nobody
        for name in filter(remains.fullmatch, os.listdir(target.parent)):
            (target.parent / name).unlink(missing_ok=True)


def output_error(path: Path, error: OSError) -> OutputError:
    """The sentence for a file that cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.whole import output_error
    >>> str(output_error(Path("r.csv"), PermissionError(13, "denied"))).partition(":")[0]
    'r.csv'
    """
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}:
        reason = "no space left on the drive; free some"
    elif isinstance(error, PermissionError):
        reason = "no permission, or the file is open in another program (Excel?); close it there"
    else:
        reason = f"{error.strerror or error}; check the path and the drive"
    return OutputError(
        f"{path}: cannot be written: {reason}; what was there before is kept, and the next cycle or run tries again"
    )


def _state_of(path: Path) -> os.stat_result | None:
    """Of the file that is to be replaced; None while there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OutputError(f"{path}: cannot be written: it is no file (a folder, a device or a pipe); give another path")
    return found


def _take_over(temporary: Path, earlier: os.stat_result) -> None:
    """Give a new file the permissions and the group of the one that it replaces, as far as this user may."""
    if hasattr(os, "chown"):
        for owner in (earlier.st_uid, -1):
            try:
                os.chown(temporary, owner, earlier.st_gid)
            except OSError:  # another user's file, or a drive without owners
                continue
            break
    try:
        temporary.chmod(stat.S_IMODE(earlier.st_mode))
    except OSError:  # a drive without permissions
        return


def _rename(temporary: Path, path: Path) -> None:
    for _ in range(RETRIES):
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(RETRY_AFTER_S)
        else:
            return
    temporary.replace(path)


def check_folder(folder: Path) -> None:
    """Refuse a folder that is none and cannot be made; nothing is made.

    Raises
    ------
    InputError
        When a file is in the way, or nothing may be written there.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.whole import check_folder
    >>> _ = Path("plots").write_text("")
    >>> check_folder(Path("plots"))
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: plots: this is a file, no folder; choose another path
    """
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
    if there is None:
        return
    if not os.path.isdir(there):
        what = "this is a file, no folder" if there == folder else f"this folder cannot be made: {there} is a file"
        raise InputError(f"{folder}: {what}; choose another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to write in {there}; choose another path")
