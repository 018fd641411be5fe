"""Files opened for reading, and only files: a pipe or a device would keep whoever opens it waiting."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from .errors import InputError, MissingFileError

__all__ = ["opened", "unreadable"]


def opened(path: Path) -> FileIO:
    """Open a file for reading, unbuffered.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file, it cannot be read, or it is none: a folder, a pipe, a device.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.opened import opened
    >>> _ = Path("log.csv").write_text("1,2")
    >>> with opened(Path("log.csv")) as handle:
    ...     handle.read(3)
    b'1,2'
    """
    try:
        _check_kind(os.stat(path).st_mode)
        handle = FileIO(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))
        try:
            _check_kind(os.fstat(handle.fileno()).st_mode)  # another one may stand there by now
        except OSError:
            handle.close()
            raise
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # a name with a NUL is an error of value
        raise unreadable(path, error) from error
    return handle


def unreadable(path: Path, error: OSError | ValueError) -> InputError:
    """What to say of a file that cannot be read."""
    # Windows says that access is denied where Linux says that it is a folder.
    if getattr(error, "errno", None) == errno.EISDIR or os.path.isdir(path):
        return InputError(f"{path}: this is a folder, not a file; FileRecorder reads the files of a folder")
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, _NoFileError):
        return InputError(f"{path}: {reason}")
    return InputError(f"{path}: cannot be read ({reason}); check the permissions and the drive")


class _NoFileError(OSError):
    """Something that has a name as files have, and is none."""


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise _NoFileError(errno.EINVAL, "this is a pipe or a device, not a file")
