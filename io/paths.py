"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError

__all__ = ["user_path"]


def user_path(path: str | Path) -> Path:
    r"""A path in which ``~`` at the beginning is the user's home folder, as in a shell.

    The shell does this itself where it stands at the beginning of an argument; in Python, in TOML, after an equals sign
    and on Windows nobody does. A name that only begins with the sign (``~$table.xlsx``, of Excel) is a name.

    Raises
    ------
    InputError
        When it is not known where the home folder is.

    Examples
    --------
    >>> user_path("~/beam/ssd.csv") == Path.home() / "beam" / "ssd.csv"
    True
    >>> user_path("~backup.csv").name
    '~backup.csv'
    """
    text = str(path)
    if text != "~" and not text.startswith(("~/", "~\\")):
        return Path(path)
    try:
        return Path("~", text[2:]).expanduser()
    except RuntimeError:
        raise InputError(f"{path}: nobody knows where the home folder ~ is; write the path in full") from None
