"""What the rows of images say, in words: the newest one in a line, all of them in a few sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from ..fits.rounding import with_error

__all__ = ["newest_image", "remarks_on", "remarks_on_noise"]

NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?")


def newest_image(rows: pl.DataFrame) -> str:
    """The newest image: its MOT number or counts with the error, or the limit where nothing is seen.

    Examples
    --------
    >>> row = {"filename": "cmos_1.csv", "timestamp_ns": 0, "mot_number": 1203.4, "mot_number_unc": 31.2}
    >>> newest_image(pl.DataFrame([row]))
    'N = 1203 ± 31 (cmos_1.csv)'
    """
    if rows.is_empty():
        return "no image yet"
    row = rows.sort("timestamp_ns", nulls_last=False, maintain_order=True).row(-1, named=True)
    return f"{_measured(row)} ({row['filename']})"


def remarks_on(rows: pl.DataFrame) -> Iterator[str]:
    """How many images show atoms, how many, why others were refused, the limits, and whose times are not sure."""
    seen = rows.filter(pl.col("detected").fill_null(value=False))
    faint = seen.filter(~pl.col("fit_successful")).height
    said = f" ({faint} of them too faint or cut off to be measured)" if faint else ""
    readable = rows["detected"].count()
    if rows.height != 1 and (readable or rows.is_empty()):
        yield f"{seen.height} of {readable} image{' shows' if readable == 1 else 's show'} atoms{said}."
    elif rows["signal_sum"].count():
        yield f"{rows['filename'][0]}: {_measured(rows.row(0, named=True))}."
    if rows.height == 1:
        yield from _times(rows)
        return
    good = rows.filter("fit_successful")
    for name, unit in (("mot_number", "atoms"), ("A", "counts")):
        among = good if name == "mot_number" else good.filter(pl.col("detected").fill_null(value=True))
        if among[name].count():
            yield f"{_range(among, name, f'{name}_unc')} {unit} in {among[name].count()} images."
            break
    limits = rows.filter(~pl.col("detected"), ~pl.col("fit_successful"))["upper_limit"].drop_nulls()
    if limits.len():
        low, middle, high = map(_short, np.quantile(limits.to_numpy(), [0.0, 0.5, 1.0]))
        yield (
            f"{limits.len()} images without atoms: A is below {low} to {high} counts (95 %), below {middle} in half of "
            "them."
        )
    others = rows.filter(~pl.col("fit_successful"), pl.col("upper_limit").is_null() | pl.col("detected"))
    # Without numbers: what is alike is counted.
    refused = Counter(NUMBER.sub("some", _reason(row)) for row in others.iter_rows(named=True))
    if refused:
        yield f"{others.height} refused: " + "; ".join(f"{count} x {why}" for why, count in refused.most_common()) + "."
    yield from _times(rows)


def remarks_on_noise(noises: Sequence[float]) -> Iterator[str]:
    """Whose counts are negative, so that their noise had to be estimated.

    Examples
    --------
    >>> list(remarks_on_noise([3.21]))[0][:68]
    'negative counts in 1 image: a background was subtracted, it seems. T'
    """
    if noises:
        ends = dict.fromkeys(map(_short, (min(noises), max(noises))))
        yield (
            f"negative counts in {len(noises)} image{'s' * (len(noises) != 1)}: a background was subtracted, it seems. "
            f"The noise without light was estimated, {' to '.join(ends)} counts; raw counts with references, or "
            "read_noise, tell more."
        )


def _short(number: float) -> str:
    """Three digits, written out."""
    return f"{float(f'{number:.3g}'):g}"


def _measured(row: dict[str, Any]) -> str:
    for name, called, unit in (("mot_number", "N", ""), ("A", "A", "counts")):
        value, error = row.get(name), row.get(f"{name}_unc")
        if value is not None and error is not None and (name == "mot_number" or row.get("fit_successful")):
            return f"{called} = {with_error(value, error, unit)}"
    if row.get("upper_limit") is not None and not row.get("detected"):
        return f"no atoms, A < {_short(row['upper_limit'])} counts (95 %)"
    return _reason(row)


def _range(rows: pl.DataFrame, value: str, error: str) -> str:
    """The smallest and the largest, with their errors."""
    rows = rows.filter(pl.col(value).is_not_null()).sort(value)
    ends = [with_error(row[value], row[error]) for row in (rows.row(0, named=True), rows.row(-1, named=True))]
    return " to ".join(dict.fromkeys(ends))


def _reason(row: dict[str, Any]) -> str:
    """The first reason why a row may not be used, without its path."""
    first = (row.get("reason") or "no reason given").partition("; ")[0]
    _, path, after = first.rpartition(str(row["filename"]))
    return after.partition(": ")[2] or first if path else first


def _times(rows: pl.DataFrame) -> Iterator[str]:
    modified = int((rows["time_source"] == "modified").sum())
    if modified:
        which = "the time is that" if modified == 1 else f"{modified} of {rows.height} times are those"
        yield f"{which} of the last modification (marked *): no all_data.csv or timelog.csv knows when it was taken."
