"""What ``utokyo run`` and ``utokyo join`` do, as a TOML file says it.

The keys of a recorder or an analysis are the fields of its settings, so that whatever a class takes, ours or another
package's, can be said here. Paths are relative to the folder of the file. Keys that nobody knows are a mistake, not a
comment: a misspelt ``result_filepath`` must not cost a night of results. `EXAMPLE` is the file that is shipped;
`run_schema` describes such files to editors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from annotated_types import Ge, Gt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ...io.errors import InputError
from ...io.paths import user_path
from ..analyses.base import Analysis
from ..analyses.known import ANALYSES
from ..join.kinds import kind_of, name_of
from ..join.options import JoinSettings, named_sources
from ..join.table import JoinedTable
from ..options.durations import Duration, duration_ns
from ..options.registry import Registry
from ..options.sentences import did_you_mean, notation, sentence_of
from ..options.settings import FilePath, Settings, Span, checked_fields, model_fields_of
from ..recorders.base import Recorder
from ..recorders.known import RECORDERS, check_file
from ..recorders.options import RecorderSettings
from .shape import check_effect, check_shape
from .toml import read_toml

__all__ = ["EXAMPLE", "JoinConfig", "RunConfig", "read_config", "read_join_config", "run_schema"]

EXAMPLE = Path(__file__).with_name("example.toml")
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RunTable(Settings):
    """A run of analyses.

    Parameters
    ----------
    cycles : int
        How often all analyses are run.
    period_s : float
        Seconds from the start of one cycle to that of the next.
    """

    words = {"cycles": "a whole number, 1 cycle or more", "period_s": "a number of seconds above 0"}  # noqa: RUF012

    cycles: Annotated[int, Ge(1)] = 100
    period_s: Annotated[float, Gt(0)] = 5.0


@dataclass(frozen=True)
class JoinTable(JoinSettings):
    """The options of `join`, and of the windows that are drawn beside it.

    Parameters
    ----------
    before, after : duration, optional
        Lengths of the windows before and after each heating; by default 2 min and 5 min.
    merge_within : duration, optional
        Steps of the heater that follow one another within this time are one heating.
    """

    before: Span | None = None
    after: Span | None = None
    merge_within: Span | None = None


@dataclass(frozen=True)
class Outputs(Settings):
    """Where the figures and results of an analysis go.

    Parameters
    ----------
    image_src : path, optional
        Folder for the figures; without, none are drawn.
    image_extension : str
        ``.png``, ``.pdf``, ``.svg`` or what else matplotlib writes.
    result_filepath : path, optional
        Table for the results, ``.csv`` or ``.parquet``.
    """

    image_src: FilePath | None = None
    image_extension: str = ".png"
    result_filepath: FilePath | None = None


PLACES = {
    **dict.fromkeys(("kind", "filepath"), "below a [recorders.NAME] or an [[analyses]]"),
    **dict.fromkeys(("clock_offset_s", *RecorderSettings.names()), "below a [recorders.NAME]"),
    **dict.fromkeys(("recorder", *Outputs.names()), "below an [[analyses]]"),
    **dict.fromkeys(JoinTable.names(), "below [join]"),
    **dict.fromkeys(RunTable.names(), "at the top of the file, above the first line with a bracket"),
}
"""Where keys stand that stand in one place only; for those who write them elsewhere."""


@dataclass(frozen=True, eq=False)
class RunConfig:
    """What a `Runner` is to do."""

    analyses: list[Analysis]
    cycles: int
    period_s: float


@dataclass(frozen=True, eq=False)
class JoinConfig:
    """What `utokyo.join` is to do: the sources by name, and its options; and those of `windows` alone."""

    recorders: dict[str, Any]
    options: dict[str, Any]
    of_windows: dict[str, Duration]


def read_config(path: str | Path) -> RunConfig:
    r"""Read the configuration of a run.

    Raises
    ------
    MissingFileError, InputError
        With one sentence that says where and what, when the file is missing, no TOML, or says what cannot be done.

    Examples
    --------
    >>> _ = Path("run.toml").write_text('cycles = 2\n[[analyses]]\nkind = "pmt"\nfilepath = "all_data.csv"\n')
    >>> read_config("run.toml").analyses[0].name
    'PMTAnalysis(all_data.csv)'
    """
    path = user_path(path)
    with notation("toml"):
        return _run_config(path)


def _run_config(path: Path) -> RunConfig:
    content = _content(path)
    recorders = _recorders(path, content)
    if not content.analyses:
        raise InputError(f"{path}: no [[analyses]]; `utokyo run --example` prints a file to begin with")
    _ = _join_table(path, content)
    return RunConfig(_analyses(path, content, recorders), content.cycles, content.period_s)


def read_join_config(path: str | Path) -> JoinConfig:
    """Read what is to be joined: all recorders of the file, and the atoms that its image analyses find.

    Raises
    ------
    MissingFileError, InputError
        As `read_config`.
    """
    path = user_path(path)
    with notation("toml"):
        return _join_config(path)


def _join_config(path: Path) -> JoinConfig:
    content = _content(path)
    sources: dict[str, Any] = dict(_recorders(path, content))
    for name, recorder in sources.items():
        with _said_where(f"{path}, [recorders.{name}]"):
            named_sources({name: recorder})
            kind_of(recorder, name)
    for analysis in _analyses(path, content, sources):
        if analysis.joins:
            sources[name_of(kind_of(analysis), sources)] = analysis
    if not sources:
        raise InputError(f"{path}: no [recorders.NAME] to join; `utokyo run --example` prints a file to begin with")
    table = _join_table(path, content)
    options = {f.name: getattr(table, f.name) for f in fields(JoinSettings) if f.name in content.join}
    with _said_where(f"{path}, [join]"):
        JoinedTable(sources, **(options if {"every", "on"} & options.keys() else {**options, "every": "1s"}))
    of_windows = {name: getattr(table, name) for name in content.join if name not in options}
    return JoinConfig(sources, options, of_windows)


def _join_table(path: Path, content: _Content) -> JoinTable:
    with _said_where(f"{path}, [join]"):
        return JoinTable(**checked_fields(JoinTable, content.join, path.parent))


def run_schema() -> dict[str, Any]:
    """JSON Schema of configuration files, with the options of every kind that is known, for editors."""
    recorders, analyses = (
        [model(kind, made) for kind, made in registry.items()]
        for registry, model in ((RECORDERS, _recorder_model), (ANALYSES, _analysis_model))
    )
    model = create_model(
        "utokyo run",
        __config__=STRICT,
        __doc__="What `utokyo run` and `utokyo join` do.",
        recorders=_tables(dict[str, _one_of(recorders)], {}, "Sources by name."),  # type: ignore[misc]
        analyses=_tables(list[_one_of(analyses)], [], "What is done every cycle."),  # type: ignore[misc]
        join=(create_model("join", __config__=STRICT, **model_fields_of(JoinTable)), None),
        **model_fields_of(RunTable),
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


class _Content(BaseModel):
    """The tables of a file, before their kinds are known."""

    model_config = STRICT

    cycles: Annotated[int, Ge(1)] = 100
    period_s: Annotated[float, Gt(0)] = 5.0
    recorders: dict[str, dict[str, Any]] = {}
    analyses: list[dict[str, Any]] = []
    join: dict[str, Any] = {}


def _content(path: Path) -> _Content:
    content = read_toml(path)
    with _said_where(str(path)):
        check_shape(content)
    tables: _Content = _validated(_Content, content, str(path), path.parent, RunTable)
    return tables


def _recorders(path: Path, content: _Content) -> dict[str, Recorder]:
    return {
        name: _recorder(keys, f"{path}, [recorders.{name}]", path.parent) for name, keys in content.recorders.items()
    }


def _recorder(keys: dict[str, Any], where: str, folder: Path) -> Recorder:
    kind, made = _class_of(RECORDERS, keys, where)
    table = _validated(_recorder_model(kind, made), keys, where, folder, made.settings_class)
    options = _options_of(made.settings_class, table, keys)
    if table.clock_offset_s is not None:
        if "clock_offset" in options:
            raise InputError(f"{where}: clock_offset and clock_offset_s say the same; give one of them")
        with _said_where(where):
            offset_ns = duration_ns(table.clock_offset_s, "clock_offset_s")
        options["clock_offset"] = timedelta(microseconds=offset_ns / 1000)
    with _said_where(where):
        recorder: Recorder = made(table.filepath, settings=made.settings_class(**options))
        check_file(recorder.filepath, made)
    return recorder


def _analyses(path: Path, content: _Content, recorders: Mapping[str, Recorder]) -> list[Analysis]:
    analyses = [
        _analysis(keys, recorders, f"{path}, [[analyses]] number {number}", path.parent)
        for number, keys in enumerate(content.analyses, start=1)
    ]
    _check_apart(path, analyses)
    return analyses


def _check_apart(path: Path, analyses: list[Analysis]) -> None:
    """Refuse two analyses that would replace each other's rows or figures."""
    numbers: dict[tuple[Any, ...], int] = {}
    for number, analysis in enumerate(analyses, start=1):
        outputs: list[tuple[tuple[Any, ...], tuple[str, str]]] = []
        if analysis.store is not None:
            said = f"writes rows of the same source into {analysis.store.path.name}", "result_filepath"
            outputs.append(((analysis.source, analysis.store.path.resolve()), said))
        if analysis.image_src is not None:
            said = f"draws figures of the same names into {analysis.image_src.name}", "image_src"
            named = analysis.short_name, analysis.source_name, analysis.image_extension
            outputs.append(((*named, analysis.image_src.resolve()), said))
        for key, (does, option) in outputs:
            earlier = numbers.setdefault(key, number)
            if earlier != number:
                where = f"{path}, [[analyses]] number {number}"
                raise InputError(
                    f"{where}: number {earlier} {does}, which would replace these; give it another {option}"
                )


def _analysis(keys: dict[str, Any], recorders: Mapping[str, Recorder], where: str, folder: Path) -> Analysis:
    kind, made = _class_of(ANALYSES, keys, where)
    table = _validated(_analysis_model(kind, made), keys, where, folder, made.settings_class)
    if table.recorder is not None and table.recorder not in recorders:
        there = f"{', '.join(recorders) or 'none'}{did_you_mean(table.recorder, recorders)}"
        raise InputError(f"{where}: no [recorders.{table.recorder}]; there are: {there}")
    if table.recorder is not None and not made.takes_recorder(recorders[table.recorder]):
        own = next(named for named, known in RECORDERS.items() if known is type(recorders[table.recorder]))
        kinds = (f'"{named}"' for named, known in RECORDERS.items() if issubclass(known, made.recorder_class))
        raise InputError(
            f'{where}: [recorders.{table.recorder}] is of kind "{own}", which an analysis of kind "{kind}" cannot '
            f"read; give it a recorder of kind {' or '.join(kinds)}"
        )
    with _said_where(where):
        check_effect(keys)
        analysis: Analysis = made(
            table.filepath,
            recorder=None if table.recorder is None else recorders[table.recorder],
            settings=made.settings_class(**_options_of(made.settings_class, table, keys)),
            **_options_of(Outputs, table, keys),
        )
        path, is_plain = analysis.recorder.filepath, type(analysis.recorder) is Recorder
        if path is not None and (table.recorder is None or is_plain):
            check_file(path, made.recorder_class)
        if table.filepath is not None and os.path.isfile(table.filepath):  # one of a folder of images
            check_file(table.filepath, next((c for c in made.takes or () if not c.reads_folder), made.recorder_class))
        if analysis.store is not None:
            analysis.store.check({"source", "timestamp_ns"} & {p.name for p in made.parameters})
    return analysis


def _class_of(registry: Registry[Any], keys: dict[str, Any], where: str) -> tuple[str, Any]:
    """The kind that a table names, and its class."""
    kind = keys.get("kind")
    other = RECORDERS if registry is ANALYSES else ANALYSES
    if isinstance(kind, str) and kind not in registry and kind in other:
        place = "of recorders: write it below a [recorders.NAME]" if other is RECORDERS else "of [[analyses]]"
        raise InputError(f"{where}: '{kind}' is a kind {place}; here it may be {', '.join(registry.kinds)}")
    with _said_where(where):
        return str(kind), registry[kind]  # type: ignore[index]


@cache
def _recorder_model(kind: str, made: Any) -> type[BaseModel]:
    """The keys of a recorder's table."""
    return create_model(
        f"recorder {kind}",
        __config__=STRICT,
        __doc__=_first_line(made),
        kind=_constant(kind),
        filepath=(FilePath, Field(description="File or folder.")),
        clock_offset_s=(float | None, Field(None, description="The older way to say `clock_offset`, in seconds.")),
        **model_fields_of(made.settings_class),
    )


@cache
def _analysis_model(kind: str, made: Any) -> type[BaseModel]:
    """The keys of an analysis' table."""
    return create_model(
        f"analysis {kind}",
        __config__=STRICT,
        __doc__=_first_line(made),
        kind=_constant(kind),
        recorder=(str | None, Field(None, description="Name of one of the recorders.")),
        filepath=(FilePath | None, Field(None, description="Instead: file or folder.")),
        **model_fields_of(Outputs),
        **model_fields_of(made.settings_class),
    )


def _tables(annotation: Any, default: Any, description: str) -> Any:
    """A field that holds tables."""
    return annotation, Field(default, description=description)


def _constant(kind: str) -> Any:
    """A field that holds this text."""
    return Literal[kind], ...


def _one_of(models: list[type[BaseModel]]) -> Any:
    """Any of some tables, which their kinds distinguish."""
    return Annotated[Union[tuple(models)], Field(discriminator="kind")] if len(models) > 1 else models[0]  # noqa: UP007


def _first_line(made: type[Any]) -> str:
    return (made.__doc__ or made.__name__).strip().splitlines()[0]


def _options_of(cls: type[Settings], table: BaseModel, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields of some settings that a table has, converted."""
    return {name: getattr(table, name) for name in cls.names() if name in keys}


def _validated(
    model: type[BaseModel], keys: Mapping[str, Any], where: str, folder: Path, cls: type[Settings] | None
) -> Any:
    try:
        return model.model_validate(keys, context={"folder": folder})
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][-1])
        if first["type"] == "extra_forbidden" and key in PLACES and not isinstance(first["input"], Mapping):
            raise InputError(f"{where}: {key} does not belong here; write it {PLACES[key]}") from None
        words = {"clock_offset_s": "a number of seconds"} | dict({} if cls is None else cls.words)
        raise InputError(f"{where}: {sentence_of(first, words, tuple(model.model_fields))}") from None


@contextmanager
def _said_where(where: str) -> Iterator[None]:
    """Say in which table a mistake stands."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
