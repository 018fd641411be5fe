"""How a mistake in an option is said: what it should be and what it is, in the notation that it was given in.

What Python calls ``on='ssd'``, ``True`` and ``(begin, end)`` is ``on = "ssd"``, ``true`` and ``[begin, end]`` in a TOML
file, and ``--on ssd`` on the command line. Whoever reads options from there says so by `notation`, and all sentences
about them follow, wherever they are made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, time
from typing import TYPE_CHECKING, Any, Literal

from ...io.errors import InputError, shortened

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "OptionError",
    "did_you_mean",
    "in_toml",
    "listed",
    "notation",
    "option",
    "part_of",
    "sentence_of",
    "shown",
]

Notation = Literal["python", "toml", "command"]

MOST_CHARACTERS = 200
"""Of a value in a sentence."""

# What pydantic calls a mistake, and how it is said: "gain should be ...".
WANTED = {
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "a text",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "below {lt:g}",
    "less_than_equal": "{le:g} or less",
    "literal_error": "{expected}",
    "dict_type": "a table of keys and values",
    "list_type": "a list",
    "model_type": "a table of keys and values",
    "model_attributes_type": "a table of keys and values",
}

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key of a TOML file that needs no quotes."""

_notation: ContextVar[Notation] = ContextVar("notation", default="python")


class OptionError(InputError):
    """An option that turns out to be wrong after it was read; its second argument is the name of the option.

    Examples
    --------
    >>> error = OptionError("how: pmt has no column 'I'", "how")
    >>> str(error), error.args[1]
    ("how: pmt has no column 'I'", 'how')
    """

    def __str__(self) -> str:
        return str(self.args[0])


@contextmanager
def notation(of: Notation) -> Iterator[None]:
    """Say mistakes as they are written there, within a ``with`` block.

    Examples
    --------
    >>> with notation("toml"):
    ...     option("on", "ssd"), shown(True), listed("begin", "end")
    ('on = "ssd"', 'true', '[begin, end]')
    """
    token = _notation.set(of)
    try:
        yield
    finally:
        _notation.reset(token)


def in_toml() -> bool:
    """Whether the options that are read stand in a TOML file."""
    return _notation.get() == "toml"


def option(name: str, value: str) -> str:
    """An option with a text, as it is given.

    Examples
    --------
    >>> option("on", "ssd")
    "on='ssd'"
    """
    match _notation.get():
        case "toml":
            return f'{name} = "{value}"'
        case "command":
            return f"--{name.replace('_', '-')} {value}"
        case _:
            return f"{name}={value!r}"


def part_of(name: str, key: str) -> str:
    """What an option says about one thing, as it is given.

    Examples
    --------
    >>> part_of("tolerance", "coil")
    'tolerance of coil'
    """
    return f"{name}.{key}" if in_toml() else f"{name} of {key}"


def listed(*names: str) -> str:
    """Names of the parts of a list, as it is given.

    Examples
    --------
    >>> listed("begin", "end")
    '(begin, end)'
    """
    return f"[{', '.join(names)}]" if in_toml() else f"({', '.join(names)})"


def shown(value: Any) -> str:
    """A value as it was given.

    Examples
    --------
    >>> shown({"ssd": True})
    "{'ssd': True}"
    >>> with notation("toml"):
    ...     shown({"ssd": True, "path": "C:/data"})
    "{ssd = true, path = 'C:/data'}"
    """
    return shortened(_toml(value) if in_toml() else repr(value), MOST_CHARACTERS)


def did_you_mean(given: object, known: Collection[str]) -> str:
    """The end of a sentence about an unknown name: the known one that it is like, however it is capitalized.

    Examples
    --------
    >>> did_you_mean("Filepaht", ["filepath", "kind"]), did_you_mean("x", ["filepath"])
    ("; did you mean 'filepath'?", '')
    """
    from difflib import get_close_matches  # noqa: PLC0415 (for mistakes alone)

    by_lower = {name.lower(): name for name in known}
    alike = get_close_matches(str(given).strip().lower(), by_lower, n=1)
    return f"; did you mean {by_lower[alike[0]]!r}?" if alike else ""


def sentence_of(error: ErrorDetails, words: Mapping[str, str], known: tuple[str, ...]) -> str:
    """What is wrong with a value, in a sentence: what it should be, and what it is.

    Parameters
    ----------
    error : mapping
        Of pydantic.
    words : mapping of str to str
        Of fields, what they should be; for the others, the limit says it.
    known : tuple of str
        All fields.
    """
    names = [part for part in error["loc"] if part in known] or [str(part) for part in error["loc"]]
    name = names[0] if names else "it"
    if error["type"] == "extra_forbidden":
        return f"unknown key {name!r}; known are {', '.join(known)}{did_you_mean(name, known)}"
    if error["type"] == "missing":
        return f"no {name}"
    raised = error.get("ctx", {}).get("error")
    if error["type"] == "value_error" and isinstance(raised, InputError):
        return str(raised)
    wanted = words.get(name) or WANTED.get(error["type"], error["msg"].removeprefix("Input should be "))
    if error["type"] in WANTED:
        wanted = wanted.format(**error.get("ctx", {}))
    return f"{name} should be {wanted}, not {shown(error['input'])}"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if value.isprintable() and "'" not in value else json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        keys = {key: key if BARE.fullmatch(str(key)) else json.dumps(key, ensure_ascii=False) for key in value}
        return f"{{{', '.join(f'{keys[key]} = {_toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return value.isoformat() if isinstance(value, date | time) else repr(value)
