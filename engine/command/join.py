"""``utokyo join``: the sources of a configuration as one table on the disk, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ...io.errors import InputError
from ...io.whole import check_folder
from ..join.files import JOINED_ENDINGS
from ..join.table import JoinedTable
from ..join.windows import windows
from ..options.durations import Duration
from ..options.sentences import OptionError, notation
from .config import JoinConfig, read_join_config

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
    merge_within: str | None = None,
) -> str:
    """Join what a configuration names, and write the table.

    Parameters
    ----------
    config : path
        The TOML file.
    out : path
        ``.parquet`` or ``.csv``.
    console : rich.console.Console
        For the progress bar.
    every, on, between
        As for `utokyo.join`; instead of what the file says.
    figures : path, optional
        Folder for a figure and a table of every heating, as `utokyo.windows` makes them.
    merge_within : str, optional
        As for `utokyo.windows`; instead of what the file says.

    Returns
    -------
    str
        One sentence about what was written.

    Raises
    ------
    InputError, OutputError
        When the configuration cannot be done, or the table cannot be written.
    """
    if out.suffix.lower() not in JOINED_ENDINGS:
        raise InputError(f"{out}: a joined table ends in {' or '.join(JOINED_ENDINGS)}")
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; give the path of a file with --out")
    if merge_within is not None and figures is None:
        raise InputError("--merge-within says which steps are one heating: give --windows FOLDER with it")
    check_folder(out.parent)
    if figures is not None:
        check_folder(figures)
    wanted = read_join_config(config)
    with notation("command"):
        table = JoinedTable(wanted.recorders, **_options(wanted.options, every, on, between))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task("joining", total=1.0)
        with _said_where(config, {"every": every, "on": on}):
            table.update(lambda done: progress.update(task, completed=0.9 * done))
        table.write(out)
        progress.update(task, completed=1.0)
        drawn = _draw(wanted, figures, between, merge_within, progress) if figures is not None else ""
    names = ", ".join(table.sources)
    return f"{out}: {table.frame.height} rows of {table.frame.width} columns, joined from {names}{drawn}"


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
    merge_within: Duration | None,
    progress: Progress,
) -> str:
    options = {name: wanted.options[name] for name in FOR_WINDOWS if name in wanted.options}
    if between != (None, None):
        options["between"] = between
    merge_within = wanted.merge_within if merge_within is None else merge_within
    found = windows(wanted.recorders, merge_within=merge_within, **options)
    task = progress.add_task("drawing", total=1.0)
    paths = found.save(folder, progress=lambda done: progress.update(task, completed=done))
    return f"; {len(paths)} heatings drawn in {folder}"


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
