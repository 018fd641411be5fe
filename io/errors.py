"""What a user can do wrong, and the one sentence that says so.

Everything that a user can mend (a path, a format, a full disk) is raised as a `UtokyoError` whose text says what, where
and what to do. The command prints that text alone and leaves with exit code 2; any other exception is a fault of the
program and keeps its traceback.
"""

from __future__ import annotations

__all__ = ["FormatError", "InputError", "MissingFileError", "OutputError", "UtokyoError"]


class UtokyoError(Exception):
    """A mistake that the user can mend; its text is one sentence for a person."""


class InputError(UtokyoError, ValueError):
    """A file or a setting is not what was asked for."""


class FormatError(InputError):
    """A file does not begin as its format does."""


class MissingFileError(InputError, FileNotFoundError):
    """A file does not exist, or not yet: the Runner waits for it."""

    def __str__(self) -> str:
        return str(self.args[0])


class OutputError(UtokyoError, OSError):
    """A result or a figure cannot be written."""

    def __str__(self) -> str:
        return str(self.args[0])
