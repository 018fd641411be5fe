"""The encoding of a text that does not say it: UTF-8, Shift-JIS (Japanese Windows) or Windows-1252 (Western)."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from ..header import UTF8_MARK

__all__ = ["encoding_of", "likely_encoding"]

KANJI = re.compile(rb"[\x81-\x9f][\x40-\x7e\x80-\xfc]")
"""Two bytes of Shift-JIS whose first is a control character or a rare sign in Windows-1252."""
KATAKANA = re.compile(rb"[\xa1-\xdf]{2,}")
"""Half-width letters of Shift-JIS, which come in words; in Windows-1252 accents stand between Latin letters."""
ALONE = re.compile(
    rb"(?<![\x80-\xff])([\x80\xa0\xa3\xa7\xa9\xb0-\xb3\xb5\xb7\xbc-\xbe\xc5\xd7\xd8]|(?<=[a-z])\xdf"
    rb"|[\xc0-\xde](?=[a-z])|(?<=[A-Z])[\xc0-\xde](?=[A-Z])|[\xe0-\xff])(?![\x80-\xff])"
)
"""A sign or letter of Windows-1252 between ASCII, as it stands there: a degree, a micro, an umlaut in a word."""


def likely_encoding(text: bytes) -> str:
    r"""The encoding that text in none that it says is most likely in; it need not be able to read all of it.

    Examples
    --------
    >>> from utokyo.io.guess.letters import likely_encoding
    >>> [likely_encoding(text) for text in (b"T (K)\n", "炉 (℃)\n".encode("cp932"), b"Ofen (\xb0C)\n")]
    ['utf-8', 'cp932', 'cp1252']
    """
    if _reads(text, "utf-8"):
        return "utf-8"
    japanese = len(KANJI.findall(text)) + len(KATAKANA.findall(text))
    order = ("cp932", "cp1252") if japanese > len(ALONE.findall(text)) else ("cp1252", "cp932")
    return next((encoding for encoding in order if _reads(text, encoding)), "cp1252")


def encoding_of(path: Path, sample: bytes) -> str:
    r"""How the bytes of a text are to be read, as Python calls it.

    Parameters
    ----------
    path : path
        For messages.
    sample : bytes
        Whole lines.

    Raises
    ------
    InputError
        When the bytes are text in none of the three.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.guess.letters import encoding_of
    >>> encoding_of(Path("t.csv"), "温度 (K)\n".encode("cp932"))
    'cp932'
    """
    sample = sample.removeprefix(UTF8_MARK)
    encoding = likely_encoding(sample)
    try:
        sample.decode(encoding)
    except UnicodeDecodeError as error:
        number = sample.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {number}: neither UTF-8, Shift-JIS nor Windows-1252 text; save the file as UTF-8"
        ) from None
    return encoding


def _reads(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
