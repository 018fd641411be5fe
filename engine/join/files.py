"""Joined tables on disk: Parquet with units and clock offsets, or CSV without them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from ...io.errors import InputError
from ...io.paths import user_path
from ...io.results.cells import escaped
from ...io.whole import write_whole

__all__ = ["JOINED_ENDINGS", "read_units", "write_joined"]

JOINED_ENDINGS = (".parquet", ".csv")


def write_joined(
    frame: pl.DataFrame,
    path: str | Path,
    *,
    units: Mapping[str, str] | None = None,
    clock_offsets_ns: Mapping[str, int] | None = None,
) -> Path:
    """Write a joined table; after a failure there is no partly written file.

    Parameters
    ----------
    frame : polars.DataFrame
    path : path
        Name of the file: ``.parquet``, with units and clock offsets in its metadata, or ``.csv``, without them.
    units : mapping of str to str, optional
        Units by column.
    clock_offsets_ns : mapping of str to int, optional
        Clock offsets by source, ns.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InputError
        When the name has another ending.
    OutputError
        When the file cannot be written.
    """
    path = user_path(path)
    target = io.BytesIO()
    if path.suffix.lower() == ".csv":
        texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
        frame.with_columns(escaped(pl.col(name)).alias(name) for name in texts).write_csv(target)
    elif path.suffix.lower() == ".parquet":
        _write_parquet(frame, target, units or {}, clock_offsets_ns or {})
    else:
        raise InputError(f"{path}: a joined table ends in {' or '.join(JOINED_ENDINGS)}")
    write_whole(path, target.getvalue())
    return path


def read_units(path: str | Path) -> tuple[dict[str, str], dict[str, int]]:
    """Read units and clock offsets from a Parquet file of a join.

    Parameters
    ----------
    path : path

    Returns
    -------
    units : dict of str to str
        Units by column.
    clock_offsets_ns : dict of str to int
        Clock offsets by source, ns.

    Raises
    ------
    InputError
        When the file is not a joined table in Parquet format.

    Examples
    --------
    >>> frame = pl.DataFrame({"timestamp": [0], "pmt.current_A": [1e-13]})
    >>> path = write_joined(frame, "joined.parquet", units={"pmt.current_A": "A"}, clock_offsets_ns={"pmt": 0})
    >>> read_units(path)
    ({'pmt.current_A': 'A'}, {'pmt': 0})
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 (takes a while, and few ask)

    try:
        metadata = pq.read_schema(user_path(path)).metadata or {}
        known = json.loads(metadata[b"utokyo"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: this is no Parquet file of a join ({error})") from None
    return known["units"], known["clock_offsets_ns"]


def _write_parquet(
    frame: pl.DataFrame, target: io.BytesIO, units: Mapping[str, str], clock_offsets_ns: Mapping[str, int]
) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = frame.to_arrow()
    schema = table.schema
    for place, field in enumerate(table.schema):
        schema = schema.set(place, field.with_metadata({"unit": units.get(field.name, "")}))
    metadata = {"units": dict(units), "clock_offsets_ns": dict(clock_offsets_ns)}
    pq.write_table(table.cast(schema).replace_schema_metadata({"utokyo": json.dumps(metadata)}), target)
