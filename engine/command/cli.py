"""The command ``utokyo``.

Each command imports what it needs when it runs, so that ``--help`` is quick. Exit codes: 0 done; 1 the demonstration
missed the truth, or a fault of the program (with its traceback); 2 a mistake that the user can mend, in one
sentence on the standard error stream; 3 when some files of several failed; 130 after Ctrl-C, and 128 and the number of
another signal that ended it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...io.errors import UtokyoError, printable
from ...io.paths import user_path
from .streams import OutputGoneError, guard_streams

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["app", "main"]

EXIT_USER = 2
NO_TERMINAL_WIDTH = 150  # columns, for logs and pipes

app = typer.Typer(
    name="utokyo",
    help="Follow growing LabVIEW files and find bursts, alpha lines and trapped atoms in them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="With --version: say where compiled kernels are kept, and if all are.")
    ] = False,
) -> None:
    """Follow growing LabVIEW files and find bursts, alpha lines and trapped atoms in them."""
    if version:
        from importlib.metadata import version as version_of  # noqa: PLC0415

        _say(f"utokyo {version_of('data-engineer-utokyo')}")
        if verbose:
            from ..run.warmup import state_of_cache  # noqa: PLC0415

            _say(state_of_cache())
        raise typer.Exit
    if verbose:
        raise typer.BadParameter("--verbose belongs to --version")
    if context.invoked_subcommand is None:
        raise typer.BadParameter("give a command; --help names them")


def main() -> None:
    """Run the command line; mistakes of the user become one sentence and exit code 2."""
    # Pydantic looks for plugins in all installed packages: none is for us, and a broken package would end the command.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    guard_streams()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        from ..run.signals import exit_code  # noqa: PLC0415

        sys.exit(exit_code(interrupt))
    except Exception as error:
        if not isinstance(error, UtokyoError | OutputGoneError):
            raise
        print(f"utokyo: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_USER)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to put data, figures and results.")] = Path("utokyo-demo"),
    minutes: Annotated[float, typer.Option(help="Length of the simulated beam time.")] = 3.0,
    speed: Annotated[float, typer.Option(help="Seconds of beam time in one second.")] = 12.0,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 1,
) -> None:
    """Simulate a beam time, analyse it while it grows, and compare the results with the truth."""
    console = _console()
    with _starting(console):
        from .demo import run_demo  # noqa: PLC0415

    raise typer.Exit(0 if run_demo(user_path(folder), minutes, speed, seed, console) else 1)


# The files of the SSD begin with a dash: what is no option is a file.
@app.command(context_settings={"ignore_unknown_options": True})
def analyze(
    files: Annotated[list[Path], typer.Argument(help="Files of any known format, or folders of them.")],
    plots: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("utokyo-plots"),
    results: Annotated[
        Path | None, typer.Option(help="Table for the results, .csv or .parquet; of several kinds, one each.")
    ] = None,
    figures: Annotated[bool, typer.Option(help="Draw figures.")] = True,
    table: Annotated[bool, typer.Option("--table", help="Print all results as a table, also of many images.")] = False,
    sheet: Annotated[str | None, typer.Option(help="Name of the sheet, of Excel files that have several.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a plain table: ';', 'tab', 'blanks' (any number).")] = None,
    decimal: Annotated[str | None, typer.Option(help="Of a plain table: its decimal sign, '.' or ','.")] = None,
    header_line: Annotated[int | None, typer.Option(help="Line that names the columns, from 1; 0 for none.")] = None,
    units_row: Annotated[bool | None, typer.Option(help="Whether the line under the names says units.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that holds the times; 'none' for none.")] = None,
    time_format: Annotated[str | None, typer.Option(help="How times are written: '%d.%m.%Y %H:%M:%S'.")] = None,
) -> None:
    """Find out what each file is, analyse it, and print the results."""
    console = _console()
    with _starting(console):
        from .analyze import analyze_files  # noqa: PLC0415

    paths = [user_path(file) for file in files]
    asked = {"sheet": sheet, "delimiter": delimiter, "decimal": decimal, "header_line": header_line}
    asked |= {"units_row": units_row, "time": time, "time_format": time_format}
    asked = {name: value for name, value in asked.items() if value is not None}
    raise typer.Exit(analyze_files(paths, plots if figures else None, results, console, table=table, asked=asked))


@app.command()
def run(
    config: Annotated[Path | None, typer.Argument(help="A TOML file; see --example.")] = None,
    cycles: Annotated[int | None, typer.Option(help="Instead of the file's.")] = None,
    period_s: Annotated[float | None, typer.Option(help="Instead of the file's, in seconds.")] = None,
    example: Annotated[bool, typer.Option("--example", help="Print an example of such a file.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of such files, for editors.")] = False,
) -> None:
    """Do the analyses of a configuration every cycle."""
    from .config import EXAMPLE, read_config, run_schema  # noqa: PLC0415

    if example:
        _say(EXAMPLE.read_text(encoding="utf-8").rstrip())
        return
    if schema:
        import json  # noqa: PLC0415

        _say(json.dumps(run_schema(), indent=2))
        return
    if config is None:
        raise typer.BadParameter("give a TOML file, or --example to see one")
    console = _console()
    with _starting(console):
        from ..run.runner import Runner  # noqa: PLC0415

        wanted = read_config(config)
    summary = Runner(wanted.analyses, console=console).run(
        wanted.cycles if cycles is None else cycles, wanted.period_s if period_s is None else period_s
    )
    failed = [a for a in summary.analyses if a.failure]
    for analysis in failed:
        print(printable(f"utokyo: {analysis.name}: {analysis.failure}"), file=sys.stderr)  # noqa: T201
    raise typer.Exit(EXIT_USER if failed else 0)


@app.command()
def join(
    config: Annotated[Path, typer.Argument(help="A TOML file with \\[recorders.NAME] tables, maybe a \\[join] table.")],
    every: Annotated[str | None, typer.Option(help="One row an interval of this length: 1s, 500ms.")] = None,
    on: Annotated[str | None, typer.Option(help="Instead: a row for each reading or burst of this source.")] = None,
    out: Annotated[Path, typer.Option(help="Table to write: .parquet (with units and offsets) or .csv.")] = Path(
        "joined.parquet"
    ),
    begin: Annotated[str | None, typer.Option(help="Only from this time on: '2022-03-14 12:00'.")] = None,
    end: Annotated[str | None, typer.Option(help="Only before this time.")] = None,
    windows: Annotated[Path | None, typer.Option(help="Folder for a figure and a table of every heating.")] = None,
    before: Annotated[str | None, typer.Option(help="With --windows: their length before each heating (2min).")] = None,
    after: Annotated[str | None, typer.Option(help="With --windows: their length after each heating (5min).")] = None,
    merge_within: Annotated[
        str | None, typer.Option(help="With --windows: steps of the heater within this time are one heating (10s).")
    ] = None,
) -> None:
    """Join all sources of a configuration on one time axis."""
    console = _console()
    with _starting(console):
        from .join import join_sources  # noqa: PLC0415

    sentence = join_sources(
        user_path(config),
        user_path(out),
        console,
        every=every,
        on=on,
        between=(begin, end),
        figures=None if windows is None else user_path(windows),
        of_windows={"before": before, "after": after, "merge_within": merge_within},
    )
    _say(sentence)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Where to write; nothing there is overwritten.")],
    minutes: Annotated[float, typer.Option(help="Length of the beam time.")] = 15.0,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 1,
    live: Annotated[float | None, typer.Option(help="Append as the PCs would, so many times faster.")] = None,
) -> None:
    """Write one simulated beam time in the formats of the experiment, and the truth."""
    from ...io.progress import progress  # noqa: PLC0415
    from ..run.waiting import Waiting  # noqa: PLC0415
    from ..simulate.beam_time import simulate as write_beam_time  # noqa: PLC0415

    how = "" if live is None else f", {live:g} times as fast as real time: {60.0 * minutes / live:.0f} s in all"
    with Waiting(_console()), progress(f"writing {minutes:g} minutes of beam time into {folder}{how}") as task:
        truth = write_beam_time(folder, minutes=minutes, seed=seed, live_speed=live, progress=task.update)
    _say(f"{folder}: {len(truth['bursts'])} bursts in {minutes:g} minutes; the truth is in truth.json")


def _say(text: str) -> None:
    """Print to the standard output; that of typer goes past the guard of the streams."""
    sys.stdout.write(printable(text) + "\n")


@app.command()
def warmup(
    works: Annotated[list[str] | None, typer.Argument(help="pulses, images, tables or joins; all without one.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="At most so many at a time; else one a core.")] = None,
) -> None:
    """Compile all kernels for this machine, so that no first use waits: once, and after an upgrade."""
    console = _console()
    with _starting(console):
        from .warmup import warm_up  # noqa: PLC0415

    warm_up(works or (), processes, console)


@contextmanager
def _starting(console: Console) -> Iterator[None]:
    """Say so where the imports take long: on a slow drive, or the first time."""
    from ...io.progress import progress  # noqa: PLC0415
    from ..run.waiting import Waiting  # noqa: PLC0415

    with Waiting(console), progress("starting", is_one_of_many=True):
        yield


def _console() -> Console:
    """The console for people: the standard error stream, on which warnings are shown too."""
    import logging  # noqa: PLC0415

    from rich.logging import RichHandler  # noqa: PLC0415

    from ..run.terminal import SafeConsole  # noqa: PLC0415

    console = SafeConsole(stderr=True)
    if not console.is_terminal:
        console = SafeConsole(stderr=True, width=NO_TERMINAL_WIDTH)
    handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S", markup=False)
    logger = logging.getLogger("utokyo")
    logger.handlers = [handler]
    logger.propagate = False
    # What the reader of Excel files thinks of their columns tells nobody anything.
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    return console
