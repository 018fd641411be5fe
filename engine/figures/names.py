"""What figures are called: which run they are of, and that no two sources ever share a name.

A folder of figures is filled by many runs, by several programs, over months; whether a name will clash is not known
when it is given, and must not depend on what was drawn before. So it is made of the source alone: its folder and name,
for people, and a mark of its whole path, for what these do not tell apart. The same path has the same name for ever.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

__all__ = ["figure_name", "title_of"]

MARK_LETTERS = 6
"""Of 32 each: two of a thousand sources of one folder and name share a mark once in two thousand such archives."""
MOST_BYTES = 32, 96
"""Of the names of folder and source, so that the whole is a name on every drive."""
LONGEST_TITLE = 64
"""Letters: beside it stands how much was found."""
ENDING = re.compile(r"\.[A-Za-z]\w{0,7}$")
STRANGE = re.compile(r"[^\w.+-]+")


def figure_name(kind: str, source: str, what: str) -> str:
    """The name of a figure's file: kind of analysis, folder and name of the source, a mark of its path, what it shows.

    Examples
    --------
    >>> figure_name("pmt", "/data/20220918/all_data.csv", "current")
    'pmt_20220918_all_data_d3zrgb_current'
    >>> figure_name("pmt", "/archive/20220918/all_data.csv", "current")
    'pmt_20220918_all_data_zxwrx7_current'
    """
    path = Path(source)
    stem = ENDING.sub("", path.name).removeprefix(f"{kind}_")
    names = [_plain(text, most) for text, most in zip((path.parent.name, stem), MOST_BYTES, strict=True)]
    return "_".join([kind, *filter(None, names), _mark(source), what])


def title_of(source: str) -> str:
    """A source as the title of a figure names it: with its folder.

    Examples
    --------
    >>> title_of("/data/20220918/all_data.csv")
    '20220918/all_data.csv'
    """
    path = Path(source)
    title = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    half = LONGEST_TITLE // 2 - 2
    return title if len(title) <= LONGEST_TITLE else f"{title[:half]}...{title[-half:]}"


def _mark(source: str) -> str:
    """Of the whole path; on Windows capitals make no difference."""
    path = (source.lower() if os.name == "nt" else source).encode(errors="surrogateescape")
    return base64.b32encode(hashlib.blake2b(path, digest_size=10).digest()).decode()[:MARK_LETTERS].lower()


def _plain(text: str, most: int) -> str:
    """A name without what some drives do not take, in UTF-8 no longer than `most` bytes; cut in its middle."""
    text = STRANGE.sub("-", text).strip("-_. ")
    if len(text.encode()) <= most:
        return text
    half = most // 2 - 1
    begin = text.encode()[:half].decode(errors="ignore")
    end = text.encode()[-half:].decode(errors="ignore")
    return f"{begin}..{end}"
