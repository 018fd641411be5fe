"""``utokyo join``: the sources of a configuration as one table on the disk, with a line of what is waited for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from ...io.errors import InputError
from ...io.progress import progress
from ...io.whole import check_folder
from ..join.files import JOINED_ENDINGS
from ..join.table import JoinedTable
from ..join.windows import windows
from ..options.durations import duration_ns
from ..options.sentences import OptionError, notation
from ..run.waiting import Waiting
from ..run.warmup import compile_ahead
from .config import JoinConfig, read_join_config
from .tables import when

__all__ = ["join_sources"]

FOR_WINDOWS = ("how", "tolerance", "clock_offsets", "between", "false_alarms_per_hour")


def join_sources(
    config: Path,
    out: Path,
    console: Console,
    *,
    every: str | None = None,
    on: str | None = None,
    between: tuple[str | None, str | None] = (None, None),
    figures: Path | None = None,
    of_windows: Mapping[str, str | None] | None = None,
) -> str:
    """Join what a configuration names, and write the table.

    Parameters
    ----------
    config : path
        The TOML file.
    out : path
        ``.parquet`` or ``.csv``.
    console : rich.console.Console
        For what is waited for.
    every, on, between
        As for `utokyo.join`; instead of what the file says.
    figures : path, optional
        Folder for a figure and a table of every heating, as `utokyo.windows` makes them.
    of_windows : mapping of str to str, optional
        `before`, `after` and `merge_within`, as for `utokyo.windows`; None for what the file says.

    Returns
    -------
    str
        One sentence about what was written.

    Raises
    ------
    InputError, OutputError
        When the configuration cannot be done, there is no row in the time asked for, or the table cannot be written.
    """
    if out.suffix.lower() not in JOINED_ENDINGS:
        raise InputError(f"{out}: a joined table ends in {' or '.join(JOINED_ENDINGS)}")
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; give the path of a file with --out")
    given = {name: length for name, length in (of_windows or {}).items() if length is not None}
    _check_lengths(given, figures)
    check_folder(out.parent)
    if figures is not None:
        check_folder(figures)
    wanted = read_join_config(config)
    with notation("command"):
        table = JoinedTable(wanted.recorders, **_options(wanted.options, every, on, between))
    with Waiting(console):
        bursts = ["pulses"] if any(source.kind.has_bursts for source in table.joined_sources) else []
        compile_ahead(["tables", "joins", *bursts])
        with progress("joining") as task, _said_where(config, {"every": every, "on": on}):
            table.update(task.update)
        _expect_rows(table, out)
        with progress(f"writing {out.name}"):
            table.write(out)
        drawn = _draw(wanted, figures, between, given) if figures is not None else ""
    names = ", ".join(table.sources)
    return f"{out}: {table.frame.height} rows of {table.frame.width} columns, joined from {names}{drawn}"


def _check_lengths(given: Mapping[str, str], figures: Path | None) -> None:
    """Refuse what is said of windows that are not drawn, and lengths that are none."""
    with notation("command"):
        for name, length in given.items():
            duration_ns(length, name, least_ns=0 if name != "after" else 1)
    if given and figures is None:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise InputError(f"{named} says how the windows around heatings are drawn: give --windows FOLDER with it")


def _expect_rows(table: JoinedTable, out: Path) -> None:
    """Refuse to write a table that says nothing over one that does: without a row, or with empty rows alone."""
    values = table.frame.drop("timestamp", "datetime")
    if any(column.null_count() < column.len() for column in values.iter_columns()):
        return
    on = table.settings.on
    asked_of = [source for source in table.joined_sources if on in {None, source.name}]
    firsts = [source.first_ns for source in asked_of if source.first_ns is not None]
    lasts = [source.last_ns for source in asked_of if source.last_ns is not None]
    named = "the sources" if on is None else on
    if not firsts:
        raise InputError(f"no row to write: {named} had no data yet; {out} is left as it was")
    begin_ns, end_ns = table.limits
    asked = f" from {when(begin_ns)}" * (begin_ns is not None) + f" until {when(end_ns)}" * (end_ns is not None)
    what = "row" if on is None else f"burst of {on}" if asked_of[0].kind.has_bursts else f"reading of {on}"
    there = f"the data of {named} are from {when(min(firsts))} to {when(max(lasts))}"
    raise InputError(f"no {what}{asked}: {there}; {out} is left as it was")


@contextmanager
def _said_where(config: Path, given: Mapping[str, str | None]) -> Iterator[None]:
    """Name the file of an option that turns out to be wrong, unless the command line gave it."""
    try:
        with notation("toml"):
            yield
    except OptionError as error:
        name = error.args[1]
        where = "" if given.get(name) is not None else f"{config}, [join]: "
        raise InputError(f"{where}{error}") from None


def _draw(
    wanted: JoinConfig,
    folder: Path,
    between: tuple[str | None, str | None],
    given: Mapping[str, str],
) -> str:
    options: dict[str, Any] = {name: wanted.options[name] for name in FOR_WINDOWS if name in wanted.options}
    if between != (None, None):
        options["between"] = between
    with progress("joining around every heating"):
        options |= wanted.of_windows | dict(given)
        found = windows(wanted.recorders, **options)
    with progress(f"painting {len(found)} heating{'s' * (len(found) != 1)} into {folder.name}") as task:
        paths = found.save(folder, progress=task.update)
    return f"; {len(paths)} heating{'s' * (len(paths) != 1)} drawn in {folder}"


def _options(
    options: dict[str, Any], every: str | None, on: str | None, between: tuple[str | None, str | None]
) -> dict[str, Any]:
    """What the file says, with what the command line says in its place; a row a second when neither says anything."""
    options = dict(options)
    if every is not None or on is not None:
        options = {name: value for name, value in options.items() if name not in {"every", "on"}}
        options |= {"every": every, "on": on}
    elif not {"every", "on"} & options.keys():
        options["every"] = "1s"
    if between != (None, None):
        options["between"] = between
    return options
