"""A TOML file as tables, or one sentence about what in it is no TOML, in which line, and what to write instead.

The parser says at which sign it stopped; why a person wrote that is seen in the line: a path of Windows in double
quotes, a text without quotes, ``True``, a name with a blank.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from ...io.errors import InputError, MissingFileError, UtokyoError, shortened
from ...io.opened import opened, unreadable

__all__ = ["read_toml"]

LINE = re.compile(r"\(at line (\d+), column \d+\)")
MOST_CHARACTERS = 80
"""Of a line in a sentence."""


class _Cause(NamedTuple):
    """A usual mistake: what its line looks like, and what to write instead; ``{0}`` and on are its groups."""

    line: re.Pattern[str]
    advice: str


def _cause(line: str, advice: str) -> _Cause:
    return _Cause(re.compile(line), advice)


NAME = r"[\w. -]+?"
BACKSLASH = _cause(r'^[^#"]*"[^"]*\\', "write paths with forward slashes, or in single quotes: 'C:\\data'")
UNCLOSED = _cause(r"""=\s*(["'])(?:(?!\1).)*$""", "a text ends with the quote that it begins with")
# In the order in which they are tried.
CAUSES = (
    BACKSLASH,
    _cause(r"[\u2018-\u201f\u300c\u300d\uff1d]", "write straight quotes and signs of the Latin keyboard"),
    _cause(r"^\s*[;%]|^\s*//", "a remark begins with #"),
    _cause(r"^\s*[{(]", "write keys as name = value, a line each, below [tables]"),
    _cause(rf"^\s*\[+\s*({NAME})\.([\w-]+ [\w -]*?)\s*\]", 'a name with blanks stands in quotes: [{0}."{1}"]'),
    _cause(r"^\s*\[[^\]]*$|^\s*\[\[[^\]]*\]\s*$", "a table's name ends with as many brackets as it begins with"),
    _cause(r"=\s*(True|False)\b", "write true or false, in small letters"),
    _cause(r"=\s*(None|null|nil)\b", "leave out a key that has no value"),
    _cause(r"=\s*(#|$)", "there is no value; leave out a key that has none"),
    _cause(r"=.*\d,\d+\s*(#.*)?$", "a decimal number is written with a point"),
    _cause(rf"^\s*({NAME})\s*:\s", "write {0} = and its value"),
    _cause(r"=.*[,;]\s*(#.*)?$", "nothing follows a value, neither a comma nor a semicolon"),
    UNCLOSED,
    _cause(r"=\s*\d+(\.\d+)?\s*([a-z]+)\s*(#.*)?$", 'a duration or a text stands in quotes: "5s"'),
    _cause(r"""=\s*[^\s"'\[{0-9+-]""", "a text stands in quotes"),
    _cause(rf"^\s*({NAME})\s*$", "write {0} = and its value"),
)


def read_toml(path: Path) -> dict[str, Any]:
    r"""The tables of a file.

    Raises
    ------
    MissingFileError, InputError
        When there is no such file, it is no text in UTF-8, or no TOML.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.engine.command.toml import read_toml
    >>> _ = Path("run.toml").write_text("cycles = 3\nperiod_s: 5\n")
    >>> read_toml(Path("run.toml"))
    Traceback (most recent call last):
        ...
    utokyo.io.errors.InputError: run.toml, line 2: `period_s: 5` is no TOML: write period_s = and its value
    """
    text = _text(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}{_mistake(text, str(error))}") from None


def _text(path: Path) -> str:
    if os.path.isdir(path):
        raise InputError(f"{path}: this is a folder; give the TOML file")
    try:
        with opened(path) as handle:
            content = handle.readall()
    except MissingFileError:
        raise MissingFileError(f"{path}: no such file; `utokyo run --example` prints one to begin with") from None
    except UtokyoError:
        raise
    except OSError as error:
        raise unreadable(path, error) from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise InputError(f"{path}: this is text in UTF-16, or no text; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: this is no text in UTF-8; save it as UTF-8") from None
    # With an end, a last line is told by its number as others are.
    return text.replace("\r\n", "\n").replace("\r", "\n") + "\n"


def _mistake(text: str, error: str) -> str:
    """Where and what is wrong, as the end of a sentence that begins with the path."""
    lines = text.split("\n")
    if twice := _given_twice(lines, error):
        return twice
    found = LINE.search(error)
    if found is None:  # at the end of the document: what began before was not ended
        begun = (BACKSLASH.line, UNCLOSED.line)
        number = next((k for k, line in enumerate(lines, start=1) if any(b.search(line) for b in begun)), 0)
        if not number:
            return f": this is no TOML: a quote or a bracket is not closed ({error})"
    else:
        number = int(found[1])
    line = lines[number - 1]
    said = f", line {number}: `{shortened(line.strip(), MOST_CHARACTERS)}` is no TOML: "
    for cause in CAUSES:
        if match := cause.line.search(line):
            return said + (cause.advice.format(*match.groups()) if match.groups() else cause.advice)
    return said + LINE.sub("", error).strip()


def _given_twice(lines: list[str], error: str) -> str:
    """The sentence about a table or a key that stands twice; empty for any other mistake."""
    if "twice" not in error and "overwrite" not in error and "already" not in error:
        return ""
    seen: dict[str, int] = {}
    table = ""
    for number, line in enumerate(lines, start=1):
        head = re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]", line)
        key = re.match(r"\s*([\w.-]+|\"[^\"]*\"|'[^']*')\s*=", line)
        if head is not None and len(head[1]) == 1:
            name = table = f"[{head[2]}]"
        elif head is not None:
            table = f"[[{head[2]}]] of line {number}"
            continue
        elif key is not None:
            name = f"{key[1]} in {table}" if table else key[1]
        else:
            continue
        if name in seen:
            return f", line {number}: {name} stands in line {seen[name]} already; give it once, or another name"
        seen[name] = number
    return ""
