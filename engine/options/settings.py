"""`Settings`: the options of an analysis, of a recorder or of a join, as one frozen dataclass each.

A field is written once: its annotation says what it may be, its default what it is, the docstring what it means. The
constructor of an analysis takes the fields as keywords, a TOML file has them as keys, a worker gets them by pickle, and
an archive names results by their `fingerprint`. Checking is pydantic's work, by the annotations (with the limits of
``annotated_types``: `Gt`, `Ge`, ...); a mistake is an `InputError` of one sentence, wherever the value came from.
Pydantic is imported when the first value that is not a default has to be checked.

    @dataclass(frozen=True)
    class MagnetSettings(Settings):
        '''How currents become fields.'''  # with a section `Parameters`: it describes the options to editors

        field_per_current_T_per_A: Annotated[float, Gt(0)] = 1e-3
        window: Span = "1s"
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_type_hints

import numpy as np

from ...io.errors import InputError
from ...io.paths import user_path
from .durations import Duration, duration_ns
from .sentences import sentence_of, shown

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "DURATION_SCHEMA",
    "NOTHING",
    "Converted",
    "FilePath",
    "FrozenMapping",
    "Settings",
    "Span",
    "checked_fields",
    "described",
    "model_fields_of",
    "path_of",
    "signature_with",
]

PARAMETERS = re.compile(r"Parameters\n\s*-{4,}\n(.*?)(?:\n\s*\n\s*\w[\w ]*\n\s*-{4,}|\Z)", re.DOTALL)
"""That section of a numpydoc docstring."""


@dataclass(frozen=True, eq=False)
class Converted:
    """Part of the annotation of a field: a function converts the value before its type is checked.

    Parameters
    ----------
    convert : callable
        ``convert(value)`` returns the converted value, or raises `InputError` with a whole sentence.
    json_schema : mapping, optional
        JSON Schema of the values that a TOML file may have, for editors.
    wants : tuple of str
        Further keywords of `convert`: ``name`` for the name of the field, ``folder`` for the folder of the TOML file
        (None where there is no file).
    final : bool
        Whether the converted value is taken without a check of its type.
    """

    convert: Callable[..., Any]
    json_schema: Mapping[str, Any] | None = None
    wants: tuple[str, ...] = ()
    final: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415 (see above: imported when there is something to check)

        def convert(value: Any, info: Any) -> Any:
            known = {"name": info.field_name, "folder": (info.context or {}).get("folder")}
            return self.convert(value, **{name: known[name] for name in self.wants})

        if self.final:
            return core_schema.with_info_plain_validator_function(convert)
        return core_schema.with_info_before_validator_function(convert, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return handler(schema) if self.json_schema is None else dict(self.json_schema)


def path_of(value: Any, *, name: str, folder: Path | None) -> Path:
    r"""A path out of what was given; one of a TOML file is relative to its folder, or to the user's, after ``~``.

    Raises
    ------
    InputError
        When it is none.

    Examples
    --------
    >>> path_of("C:\temp", name="image_src", folder=Path("beam"))
    Traceback (most recent call last):
    utokyo.io.errors.InputError: image_src should be a path, not 'C:\temp': a backslash in double quotes begins ...
    """
    if not isinstance(value, str | Path):
        raise InputError(f"{name} should be a path, not {shown(value)}")
    if not str(value).strip() or "\0" in str(value):
        raise InputError(f"{name} should be the path of a file or folder, not {shown(value)}")
    if any(sign < " " for sign in str(value)):
        slashes = "a backslash in double quotes begins a tab or the like; write paths with / or in single quotes"
        raise InputError(f"{name} should be a path, not {shown(str(value))}: {slashes}")
    path = user_path(value)
    return path if folder is None else folder / path


def _span(value: Any, *, name: str) -> Any:
    """A duration as it was given, if it is one that does not go back."""
    duration_ns(value, name, least_ns=0)
    return value


FilePath = Annotated[Path, Converted(path_of, {"type": "string"}, wants=("name", "folder"), final=True)]
"""A path; in a TOML file, relative to the folder of that file."""
DURATION_SCHEMA = {"type": ["string", "number"], "examples": ["2min", "500ms", 1.5]}
Span = Annotated[Duration, Converted(_span, DURATION_SCHEMA, wants=("name",), final=True)]
"""A duration of 0 or more: ``"2min"``, a number of seconds, a `timedelta`."""


class FrozenMapping(Mapping[str, Any]):
    """A mapping that hashes and pickles: the options of a frozen dataclass must not change.

    Examples
    --------
    >>> FrozenMapping({"heater": "2s"})
    FrozenMapping({'heater': '2s'})
    >>> hash(FrozenMapping({"a": 1, "b": 2})) == hash(FrozenMapping({"b": 2, "a": 1}))
    True
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items = dict(items or {})

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"FrozenMapping({self._items!r})"

    def __reduce__(self) -> tuple[type[FrozenMapping], tuple[dict[str, Any]]]:
        return FrozenMapping, (self._items,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415

        del source, handler

        def frozen(value: Any, info: Any) -> FrozenMapping:
            if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
                raise InputError(f"{info.field_name} should be a table of keys and values, not {shown(value)}")
            return cls(value)

        return core_schema.with_info_plain_validator_function(frozen)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        return {"type": "object"}


NOTHING = FrozenMapping()
"""No keys: a default."""


@dataclass(frozen=True)
class Settings:
    """Base class of options, checked when they are made: a frozen dataclass whose fields all have defaults.

    Raises
    ------
    InputError
        When a value is not what its annotation allows. The message names the option, what it should be, and what it is.

    Examples
    --------
    >>> from utokyo import SSDSettings
    >>> settings = SSDSettings(false_alarms_per_hour=0.1)
    >>> settings
    SSDSettings(false_alarms_per_hour=0.1, dead_time_s=None)
    >>> settings == SSDSettings(false_alarms_per_hour=0.1), settings.fingerprint[:8]
    (True, '...')
    """

    words: ClassVar[Mapping[str, str]] = {}
    """By the name of an option, what the message about a bad value says that it should be: with ``{"gain": "a positive
    number of counts"}``, "gain should be a positive number of counts, not -1". Without, the limit: "above 0"."""

    def __post_init__(self) -> None:
        given = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if not _is_default(self, f)}
        if given:
            checked = checked_fields(type(self), given)
            for name, value in checked.items():
                object.__setattr__(self, name, value)
        self.check()

    def check(self) -> None:
        """Raise `InputError` when options contradict one another; a subclass overrides this."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the name of the class and of all options, as text: the same in every process for equal options."""
        canonical = json.dumps([type(self).__qualname__, _jsonable(self)], sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the options, in the order of the fields."""
        return tuple(f.name for f in fields(cls))

    @classmethod
    def of(cls, settings: Self | None, options: Mapping[str, Any], owner: str) -> Self:
        """The settings of a constructor that takes either a settings object or the options as keywords.

        `settings` is returned as it is; when it is None, new settings are made of the keywords `options`. `owner` is
        the name of the class whose constructor was called, for messages.

        Raises
        ------
        TypeError
            When both are given, an option is unknown, or `settings` is of another class.
        InputError
            When the value of an option is not what it should be.
        """
        if unknown := [name for name in options if name not in cls.names()]:
            known = ", ".join(cls.names())
            raise TypeError(f"{owner} has no option {unknown[0]!r}; it has {known or 'none'}")
        if settings is None:
            return cls(**options)
        if not isinstance(settings, cls):
            raise TypeError(f"the settings of {owner} are {cls.__name__}, not {settings!r}")
        if options:
            raise TypeError(f"{owner} takes settings or options, not both: {', '.join(options)}")
        return settings


def signature_with(function: Callable[..., Any], cls: type[Settings]) -> inspect.Signature:
    """The signature of a function, without `self`, and with the options of `cls` in place of ``**options``."""
    given = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=_default_of(f), annotation=f.type)
        for f in fields(cls)
    ]
    answer = inspect.signature(function).return_annotation
    plain = [p for p in given if p.kind is not p.VAR_KEYWORD]
    return inspect.Signature([*plain, *options], return_annotation=answer)


def checked_fields(cls: Any, given: Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """Check and convert values of options by the annotations of their fields.

    Parameters
    ----------
    cls : type of Settings
    given : mapping of str
        Values by the name of the option; the answer has the same names.
    folder : path, optional
        Folder of the TOML file that has the values, for relative paths.

    Raises
    ------
    InputError
        When a value is not what its annotation allows.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        model = model_of(cls).model_validate(dict(given), context={"folder": folder})
    except ValidationError as error:
        raise InputError(sentence_of(error.errors()[0], cls.words, cls.names())) from None
    return {name: getattr(model, name) for name in given}


@cache
def model_of(cls: Any) -> type[BaseModel]:
    """The pydantic model with the fields, limits and descriptions of a class of settings."""
    from pydantic import ConfigDict, create_model  # noqa: PLC0415

    return create_model(
        cls.__name__,
        __config__=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True),
        __doc__=cls.__doc__.strip().splitlines()[0],
        **model_fields_of(cls),
    )


def model_fields_of(cls: Any) -> dict[str, Any]:
    """Annotation and pydantic field of each field of a class of settings."""
    from pydantic.fields import FieldInfo  # noqa: PLC0415

    hints = get_type_hints(cls, include_extras=True)
    meaning = described(cls)
    found = {}
    for f in fields(cls):
        default = _default_of(f)
        default = dict(default) if isinstance(default, FrozenMapping) else default
        found[f.name] = (hints[f.name], FieldInfo(default=default, description=meaning.get(f.name)))
    return found


@cache
def described(cls: Any) -> Mapping[str, str]:
    """The description of each parameter in the numpydoc docstrings of a class and its base classes."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        # From Python 3.13 on docstrings come without the indents of the source.
        section = PARAMETERS.search(inspect.cleandoc(base.__doc__ or ""))
        for entry in re.split(r"\n(?=\S)", section[1]) if section else ():
            head, *text = entry.strip("\n").split("\n")
            meaning = " ".join(" ".join(text).split())
            found |= dict.fromkeys((name.strip() for name in head.partition(" : ")[0].split(",")), meaning)
    return found


def _default_of(f: Field[Any]) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def _is_default(settings: Settings, f: Field[Any]) -> bool:
    """Whether a field is its default itself, which needs no check."""
    return f.default is not MISSING and getattr(settings, f.name) is f.default


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _jsonable(value: Any) -> Any:
    """The value as JSON holds it, exactly: floats by their digits, times in microseconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _jsonable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, timedelta):
        return {"microseconds": value // timedelta(microseconds=1)}
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "digest"):
        return {"digest": value.digest}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} has no fingerprint: give its class a `digest`")
