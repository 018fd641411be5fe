"""The options of a join, and its sources by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Gt, Le

from ...io.errors import InputError
from ..fits.bursts.search import MOST_FALSE_ALARMS_PER_HOUR
from ..options.durations import Duration, Moment, duration_ns, moment_ns, wall_clock
from ..options.sentences import did_you_mean, in_toml, listed, part_of, shown
from ..options.settings import DURATION_SCHEMA, NOTHING, Converted, FrozenMapping, Settings
from .kinds import kind_of, name_of
from .source import JoinSource

__all__ = ["JoinSettings", "Sources", "check_source", "named_sources", "sources_of"]

Sources = Sequence[Any] | Mapping[str, Any]
Limits = tuple[int | None, int | None]


def _length(least_ns: int) -> Any:
    """Annotation of a field that is the length of an interval, at least `least_ns`, or None."""

    def length(value: Any, *, name: str) -> Any:
        if value is not None:
            duration_ns(value, name, least_ns=least_ns)
        return value

    return Converted(length, DURATION_SCHEMA, wants=("name",), final=True)


def _how(value: Any) -> FrozenMapping:
    if not isinstance(value, Mapping) or not all(isinstance(how, str) for how in value.values()):
        as_in = shown({"ssd": "median", "pmt.current_A": "max"})
        quoted = "; a name with a dot stands in quotes" if in_toml() and isinstance(value, Mapping) else ""
        raise InputError(f"how should say what is made of which readings, as {as_in}, not {shown(value)}{quoted}")
    return FrozenMapping(value)


def _tolerance(value: Any) -> Any:
    if isinstance(value, Mapping):
        for name, longest in value.items():
            duration_ns(longest, part_of("tolerance", name), least_ns=0)
        return FrozenMapping(value)
    if value is not None:
        duration_ns(value, "tolerance", least_ns=0)
    return value


def _offsets(value: Any) -> FrozenMapping:
    if not isinstance(value, Mapping):
        as_in = shown({"pmt": "1500ms"})
        raise InputError(f"clock_offsets should say by how much for which source, as {as_in}, not {shown(value)}")
    for name, offset in value.items():
        offset_ns(offset, name)
    return FrozenMapping(value)


def _between(value: Any) -> tuple[Moment | None, Moment | None] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InputError(f"between should be {listed('begin', 'end')}, not {shown(value)}")
    begin, end = value
    if in_toml():
        begin, end = (None if moment == "" else wall_clock(moment, "between") for moment in value)
    limits_ns((begin, end))
    return begin, end


NAMED_DURATIONS = {"type": "object", "additionalProperties": DURATION_SCHEMA}
NAMED_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True)
class JoinSettings(Settings):
    """Options of `join`.

    Parameters
    ----------
    on : str, optional
        Name of a source. The table has one row for each of its readings (an image, a reading of the PMT); for a source
        of pulses, one row for each burst that `find_bursts` finds.
    every : duration, optional
        Instead of `on`: length of the intervals, ``"1s"`` or ``"500ms"``; the table has one row for each interval.
    how : mapping of str to str
        How the readings in an interval are combined: ``last``, ``mean`` (with its error), ``first``, ``min``, ``max``,
        ``median``, ``sum`` or ``count``. The key is ``"source"``, ``"source.quantity"``, or ``"source.column"`` for any
        column of the table of the source.
    tolerance : duration, or mapping of source to duration, optional
        Largest age of a last value at the beginning of its row; an older one is null. By default, each kind of source
        has its own: 10 s for logs with a line every second, 12 h for the coil, whose log has a line for every switch.
    clock_offsets : mapping of source to duration or ClockOffset
        Added to the times of the source; negative where the clock of its PC is fast.
    between : (begin, end), optional
        The table has only rows with begin <= time < end; None (in TOML an empty text) for no limit. With `every`, the
        first interval begins at `begin`; without it, intervals begin at multiples of their length since 1970.
    window : duration
        When `on` is not a source of pulses: length of the interval around each row in which readings are counted and
        averaged. The interval of a burst is that from its onset to its end.
    false_alarms_per_hour : float
        When `on` is a source of pulses: as for `find_bursts`.

    Examples
    --------
    >>> JoinSettings(every="1s", tolerance={"coil": "10min"}).between is None
    True
    >>> JoinSettings(every="often")
    Traceback (most recent call last):
    utokyo.io.errors.InputError: every should be a duration like '2min', '500ms' or a number of seconds, not 'often'
    """

    words = {  # noqa: RUF012 (a class variable of the base)
        "false_alarms_per_hour": f"above 0 and at most {MOST_FALSE_ALARMS_PER_HOUR:g}",
        "on": "the name of a source",
    }

    on: str | None = None
    every: Annotated[Duration | None, _length(1)] = None
    how: Annotated[FrozenMapping, Converted(_how, NAMED_TEXTS, final=True)] = NOTHING
    tolerance: Annotated[
        Duration | FrozenMapping | None,
        Converted(_tolerance, {"anyOf": [DURATION_SCHEMA, NAMED_DURATIONS]}, final=True),
    ] = None
    clock_offsets: Annotated[FrozenMapping, Converted(_offsets, NAMED_DURATIONS, final=True)] = NOTHING
    between: Annotated[
        tuple[Moment | None, Moment | None] | None,
        Converted(_between, {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}, final=True),
    ] = None
    window: Annotated[Duration, _length(2)] = "1s"
    false_alarms_per_hour: Annotated[float, Gt(0), Le(MOST_FALSE_ALARMS_PER_HOUR)] = 0.01

    @property
    def limits_ns(self) -> Limits:
        """Begin and end of the rows, ns since 1970; None for no limit."""
        return limits_ns(self.between)


def named_sources(recorders: Sources) -> dict[str, Any]:
    """Recorders and analyses by name: the names that were given, or those of their kinds.

    Raises
    ------
    InputError
        When there is no source, or a name is empty, has a dot, or is not text.
    """
    if isinstance(recorders, Mapping):
        named = dict(recorders)
    elif isinstance(recorders, str | bytes) or not isinstance(recorders, Sequence):
        raise InputError("join takes a list of recorders, or a mapping of names to them")
    else:
        named = {}
        for recorder in recorders:
            named[name_of(kind_of(recorder, f"{recorder!r}"), named)] = recorder
    if not named:
        raise InputError("join needs at least one source")
    if bad := next((name for name in named if not isinstance(name, str) or not name or "." in name), None):
        raise InputError(f"a source cannot be called {bad!r}: names are texts without a dot")
    return named


def sources_of(recorders: Sources, settings: JoinSettings) -> dict[str, JoinSource]:
    """The sources of a join by name, each with its own tolerance, offset and quantities.

    Raises
    ------
    InputError
        When a recorder cannot be joined, or an option names a source that does not exist.
    """
    named = named_sources(recorders)
    tolerance = settings.tolerance
    tolerances = tolerance if isinstance(tolerance, Mapping) else {}
    for what, keys in (("tolerance", tolerances), ("clock_offsets", settings.clock_offsets), ("how", settings.how)):
        for key in keys:
            check_source(what, key, key.partition(".")[0] if what == "how" else key, named)
    sources = {}
    for name, recorder in named.items():
        kind = kind_of(recorder, name)
        own = kind.tolerance_s if tolerance is None or isinstance(tolerance, Mapping) else tolerance
        sources[name] = JoinSource(
            name,
            recorder,
            kind,
            tolerance_ns=duration_ns(tolerances.get(name, own), part_of("tolerance", name), least_ns=0),
            offset_ns=offset_ns(settings.clock_offsets.get(name, 0), name),
            how=settings.how,
        )
    return sources


def check_source(what: str, given: str, source: str, named: Collection[str]) -> None:
    """Refuse an option about a source that is not there."""
    if source not in named:
        raise InputError(
            f"{what}: {given!r} is none of the sources; there are: {', '.join(named)}{did_you_mean(source, named)}"
        )


def offset_ns(offset: Any, name: str) -> int:
    """An offset in ns, from a duration or a `ClockOffset`; `InputError` when the latter is not valid."""
    if hasattr(offset, "offset_ns") and hasattr(offset, "valid"):
        if not offset.valid:
            raise InputError(f"clock_offsets: that of {name} could not be estimated: {offset.reason}")
        return int(offset.offset_ns)
    return duration_ns(offset, part_of("clock_offsets", name))


def limits_ns(between: tuple[Moment | None, Moment | None] | None) -> Limits:
    """Begin and end in ns since 1970; None for no limit."""
    if between is None:
        return None, None
    begin, end = (None if moment is None else moment_ns(moment, "between") for moment in between)
    if begin is not None and end is not None and begin >= end:
        raise InputError(f"between: the begin {shown(between[0])} is not before the end {shown(between[1])}")
    return begin, end
