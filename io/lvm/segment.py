"""A segment of a LabVIEW measurement file: its columns, and when the values of each were measured.

Each channel has a start, the x of its first value and a step. Where the file saves no x (`X_Columns` No), x of a row is
counted on by the step; where it saves one, it is that of the first channel with the most samples; where it saves one a
channel, each has its own. The time of a row is that of its first x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.units import SECOND_NS
from ..column import Column, Kind
from ..header import distinct
from .tags import COMMENT, X_VALUE, Tags, number_of, start_ns

__all__ = ["Axis", "Segment", "instants_ns", "segment_of"]

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6}
SECONDS |= {"ns": 1e-9, "min": 60.0, "minutes": 60.0, "h": 3600.0, "hours": 3600.0}
"""Units of x that are known; without a label it is seconds."""
EPOCH_1904_NS = -2_082_844_800 * SECOND_NS
"""When LabVIEW begins to count seconds, in Greenwich."""
ABSOLUTE_FROM_S = 1e9
"""From here on, x of a file with absolute times counts from 1904: it is the year 1935."""
ZONE_STEP_NS, LARGEST_ZONE_NS = 900 * SECOND_NS, 15 * 3600 * SECOND_NS
"""Zones differ from Greenwich by quarters of an hour, and by less than that."""
MOST_S = 9e9
"""More seconds do not fit into 64 bits of ns."""


class Axis(NamedTuple):
    """When the values of a channel were measured."""

    start_ns: int | None
    x0: float
    step: float
    samples: int | None


@dataclass(frozen=True)
class Segment:
    """What the header of a segment says.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the fields; the last one takes comments.
    delimiter, decimal : str
    x_places : tuple of int
        Of the columns with x.
    is_counted : bool
        Whether no x is saved.
    axes : mapping of int to Axis
        Of the channels, by place.
    reference : int
        The channel that gives the rows their times; 0 where there is none.
    unit_s : float
        Seconds of one x; 0 where x is no time, so that all rows have that of the start.
    is_absolute : bool
        Whether x may count from 1904.
    units : mapping of str to str
        Of the channels' values.
    """

    columns: tuple[Column, ...]
    delimiter: str
    decimal: str
    x_places: tuple[int, ...]
    is_counted: bool
    axes: dict[int, Axis]
    reference: int
    unit_s: float
    is_absolute: bool
    units: dict[str, str]

    @property
    def axis(self) -> Axis:
        """That of the rows."""
        return self.axes.get(self.reference, Axis(None, 0.0, 0.0, None))

    def x_place_of(self, channel: int) -> int:
        """Where x of a channel stands."""
        return max((place for place in self.x_places if place < channel), default=self.x_places[0])

    def has_own_axis(self, channel: int) -> bool:
        """Whether a channel's values may have other times than the rows that they stand in."""
        own, rows = self.axes[channel], self.axis
        if own.samples == 0 or own.start_ns is None:
            return False
        if self.x_place_of(channel) != self.x_place_of(self.reference):
            return True
        # One sample a time has no step: what stands there means nothing.
        is_stepped = self.is_counted or (own.samples or 0) > 1
        return own.start_ns != rows.start_ns or (is_stepped and (own.x0, own.step) != (rows.x0, rows.step))


def segment_of(file: Tags, tags: Tags, names: list[str], separator: str, decimal: str) -> Segment:
    r"""Put the blocks of file and segment and the names of the columns together.

    Examples
    --------
    >>> from utokyo.io.lvm.segment import segment_of
    >>> tags = {"Channels": ["Channels", "1"], "Delta_X": ["Delta_X", "0.5"]}
    >>> tags |= {"Date": ["Date", "2023/05/09"], "Time": ["Time", "11:20:05"]}
    >>> segment = segment_of({"X_Columns": ["X_Columns", "No"]}, tags, ["X_Value", "Cup"], "\t", ".")
    >>> [column.name for column in segment.columns], segment.is_counted, segment.axis.step
    (['X_Value', 'Cup', 'Comment'], True, 0.5)
    """
    said = "".join(file.get("X_Columns", ())[1:2]).lower()
    is_multi = said == "multi" or names.count(X_VALUE) > 1
    names = [X_VALUE, *names[1:]] if names and not names[0] else list(names)
    channels = _channels(tags)
    expected = len(names) if channels is None else (2 * channels if is_multi else channels + 1)
    if names[-1] != COMMENT and len(names) <= expected:
        names.append(COMMENT)  # comments may come without a name for them
    last = len(names) - 1
    places = [i for i in range(last) if names[i] == X_VALUE] or [0]
    values = [i for i in range(last) if i not in places]
    axes = {place: _axis(file, tags, place, nth, len(values), decimal) for nth, place in enumerate(values)}
    most = max((axis.samples or 0 for axis in axes.values()), default=0)
    reference = next((place for place, axis in axes.items() if is_multi or (axis.samples or 0) == most), 0)
    dimension = _value(tags, "X_Dimension", reference, 0, len(values)) or "Time"
    label = _value(tags, "X_Unit_Label", reference, 0, len(values))
    called = _called(names, places)
    is_counted = said == "no"
    return Segment(
        columns=tuple(
            Column(name, Kind.TEXT if i == last else Kind.FLOAT, nullable=i != 0 or is_counted or is_multi)
            for i, name in enumerate(called)
        ),
        delimiter=separator,
        decimal=decimal,
        x_places=tuple(places),
        is_counted=is_counted,
        axes=axes,
        reference=reference,
        unit_s=SECONDS.get(label.lower() or "s", 1.0) if dimension.lower() == "time" else 0.0,
        is_absolute="".join(file.get("Time_Pref", ())[1:2]).lower() == "absolute",
        units={
            called[place]: unit
            for nth, place in enumerate(values)
            if (unit := _value(tags, "Y_Unit_Label", place, nth, len(values)))
        },
    )


def instants_ns(x: Floats, start_ns: int, unit_s: float) -> Times:
    """Times of x after a start, ns since 1970; rounded once.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo.io.lvm.segment import instants_ns
    >>> instants_ns(np.array([0.25, 3.0]), 10, 1.0)
    array([ 250000010, 3000000010])
    """
    seconds = np.clip(x * unit_s, -MOST_S, MOST_S)
    whole = np.floor(seconds)
    times: Times = whole.astype(np.int64) * SECOND_NS + np.rint((seconds - whole) * 1e9).astype(np.int64)
    return times + start_ns


def absolute_start_ns(first_x: float, segment: Segment, start: int) -> int | None:
    """Where x of absolute times counts from on the clock of the wall; None for x that counts from the start.

    The header has the time of the wall, x that of Greenwich: they differ by the zone. Where they differ by more,
    nothing is known of it, and the times are those of Greenwich.
    """
    seconds = first_x * segment.unit_s
    if not segment.is_absolute or not ABSOLUTE_FROM_S <= seconds < MOST_S:
        return None
    stated = segment.axis.x0 * segment.unit_s
    begun = EPOCH_1904_NS + round((stated if stated >= ABSOLUTE_FROM_S else seconds) * 1e9)
    zone = round((start - begun) / ZONE_STEP_NS) * ZONE_STEP_NS
    return EPOCH_1904_NS + (zone if abs(zone) <= LARGEST_ZONE_NS else 0)


def _channels(tags: Tags) -> int | None:
    said = "".join(tags.get("Channels", ())[1:2])
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else None


def _value(tags: Tags, tag: str, place: int, nth: int, channels: int) -> str:
    """What a tag says of the column at a place, the nth channel; empty where it says nothing."""
    fields = tags.get(tag, ())
    if place < len(fields) and fields[place]:
        return fields[place]
    given = [field for field in fields[1:] if field]
    if len(given) == channels:
        return given[nth]
    return given[0] if len(given) == 1 else ""


def _axis(file: Tags, tags: Tags, place: int, nth: int, channels: int, decimal: str) -> Axis:
    def said(tag: str) -> str:
        return _value(tags, tag, place, nth, channels)

    start = start_ns(said("Date"), said("Time"))
    if start is None and "Date" not in tags:
        start = start_ns("".join(file.get("Date", ())[1:2]), said("Time"))
    x0, step, samples = (number_of(said(tag), decimal) for tag in ("X0", "Delta_X", "Samples"))
    if x0 is None or not np.isfinite(x0):
        x0 = 0.0
    step = 1.0 if step is None or not np.isfinite(step) else step
    return Axis(start, x0, step, None if samples is None or not np.isfinite(samples) else int(samples))


def _called(names: list[str], x_places: list[int]) -> tuple[str, ...]:
    """What the columns are called in the table; a second x after its channel."""
    further = {place: f"{X_VALUE} ({names[place + 1]})" for place in x_places[1:] if place + 1 < len(names)}
    return distinct([further.get(i, name) for i, name in enumerate(names)])
