"""Who reads which table rightly: we and other readers, on small tables as loggers, programs and people write them.

    python benchmarks/compare_dialects.py                             # inputs of its own
    python benchmarks/compare_dialects.py FOLDER                      # those of a folder with an expected.toml
    python benchmarks/compare_dialects.py --write docs/recorders.md   # the table of that page anew

Each reader is called as by a person who does not know the file. It is right where the number of rows, the values that
are asked for and the times are those of the file. Of other readers a time may stay text or a number: that is right
without times. A moment with a zone may come in another zone, a date and a time of day in two columns, and names may
have blanks around them. What we have to say besides, such as that a clock went back, is asked of us alone.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import logging
import math
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from dialect_inputs import write_inputs

__all__ = ["READERS", "Answer", "Comparison", "compare", "fault_of", "markdown"]

Want = Mapping[str, Any]
BEGIN, END = "<!-- compare_dialects.py: begin -->", "<!-- compare_dialects.py: end -->"
"""Around the table of a page."""
CLOSE_S, RELATIVE = 1e-3, 1e-9
"""How near times and values have to be."""
RIGHT, NO_TIMES, REFUSED, TRACEBACK = "right", "right, no times", "refused", "traceback"


@dataclass
class Answer:
    """What a reader made of a file."""

    columns: dict[str, list[Any]]
    moments: list[Any] | None = None
    """Where the reader says which column has the times."""
    said: list[str] = field(default_factory=list)
    image: np.ndarray[Any, Any] | None = None
    sweeps: int | None = None
    says_all: bool = False
    """Whether it has to say what is to be said of a file."""

    @property
    def rows(self) -> int:
        """Their number."""
        return len(next(iter(self.columns.values()), []))


class Reader(NamedTuple):
    """A reader of tables."""

    package: str
    read: Callable[[Path, Want], Answer]
    refusals: Callable[[], tuple[type[Exception], ...]]
    """Errors that say of a file why it is not read; others are faults of the program."""


def of_utokyo(path: Path, want: Want) -> Answer:
    """Ours: the class for the file, or the one that is named."""
    import utokyo  # noqa: PLC0415 (as the others)

    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("utokyo")
    before = log.propagate, log.level
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.INFO)
    try:
        opened = getattr(utokyo, want["recorder"])(path) if "recorder" in want else utokyo.open_recorder(path)
        if isinstance(opened, utokyo.ImageRecorder):
            return Answer({}, image=opened.get_image(), says_all=True)
        table = opened.get_table()
        said = [*heard, *opened.bad_row_messages, *opened.remarks()]
    finally:
        log.removeHandler(handler)
        log.propagate = before[0]
        log.setLevel(before[1])
    has_times = {"timestamp", "datetime"} <= set(table.columns)
    sweeps = opened.get_sweeps().height if isinstance(opened, utokyo.LaserRecorder) else None
    return Answer(
        table.to_dict(as_series=False),
        table["datetime"].to_list() if has_times else [],
        [sentence.replace(path.name, "") for sentence in said],
        sweeps=sweeps,
        says_all=True,
    )


def of_pandas(path: Path, _want: Want, **options: Any) -> Answer:
    """pandas, by itself or with the delimiter found out."""
    return _of_frame(importlib.import_module("pandas").read_csv(path, **options))


def of_pandas_sniffed(path: Path, want: Want) -> Answer:
    """pandas, which then asks Python's `csv.Sniffer`."""
    return of_pandas(path, want, sep=None, engine="python")


def of_polars(path: Path, _want: Want) -> Answer:
    """Polars, with dates and times found out."""
    return Answer(importlib.import_module("polars").read_csv(path, try_parse_dates=True).to_dict(as_series=False))


def of_duckdb(path: Path, _want: Want) -> Answer:
    """duckdb, whose reader finds all out by itself."""
    found = importlib.import_module("duckdb").read_csv(str(path))
    names, rows = found.columns, found.fetchall()
    return Answer({name: [row[i] for row in rows] for i, name in enumerate(names)})


def of_clevercsv(path: Path, _want: Want) -> Answer:
    """clevercsv, which finds out delimiter and quotes, and lets pandas read; its `read_table` leaves all as text."""
    return _of_frame(importlib.import_module("clevercsv").read_dataframe(str(path)))


def _of_frame(frame: Any) -> Answer:
    columns = {}
    for i, name in enumerate(frame.columns):
        cells = frame.iloc[:, i].astype(object)
        columns[str(name)] = cells.where(cells.notna(), None).tolist()
    return Answer(columns)


def _errors_of(*names: str) -> Callable[[], tuple[type[Exception], ...]]:
    """Those errors, of packages that need not be there."""

    def errors() -> tuple[type[Exception], ...]:
        found = (name.rsplit(".", 1) for name in names)
        return tuple(getattr(importlib.import_module(module), error) for module, error in found)

    return errors


PANDAS = "pandas.errors.ParserError", "pandas.errors.EmptyDataError"
READERS: dict[str, Reader] = {
    "utokyo": Reader("utokyo", of_utokyo, _errors_of("utokyo.InputError")),
    "pandas": Reader("pandas", of_pandas, _errors_of(*PANDAS)),
    "pandas, sep=None": Reader("pandas", of_pandas_sniffed, _errors_of(*PANDAS)),
    "polars": Reader("polars", of_polars, _errors_of("polars.exceptions.PolarsError")),
    "duckdb": Reader("duckdb", of_duckdb, _errors_of("duckdb.Error")),
    "clevercsv": Reader(
        "clevercsv",
        of_clevercsv,
        _errors_of("clevercsv.exceptions.NoDetectionResult", "clevercsv.exceptions.ParserError", *PANDAS),
    ),
}


def verdict(reader: Reader, path: Path, want: Want) -> str:
    """What comes of a file: right, refused, a traceback, or what is wrong."""
    refusals = (*reader.refusals(), UnicodeError, csv.Error)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            answer = reader.read(path, want)
        except refusals:
            return REFUSED
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            return TRACEBACK
    wrong = fault_of(answer, want)
    if not wrong:
        return RIGHT
    told = any("pars" in str(w.category).lower() for w in warned)
    return wrong if wrong == NO_TIMES else f"**wrong**: {wrong}{' (a warning)' * told}"


def fault_of(answer: Answer, want: Want) -> str:
    """What is not as the file says, in two words; empty where all is."""
    if "image" in want:
        return _fault_of_image(answer, want)
    if "signals" in want:
        signals = sorted(set(answer.columns.get("signal", [])))
        return "" if signals == want["signals"] and answer.sweeps == want["sweeps"] else "rows"
    if answer.rows != want.get("rows", answer.rows):
        return "rows"
    columns = {name.strip(): cells for name, cells in answer.columns.items()}
    nulls = want.get("nulls", {})
    if not {*want.get("columns", {}), *nulls} <= set(columns):
        return "one column" if len(columns) == 1 else "names"
    for name, cells in want.get("columns", {}).items():
        for row, value in cells.items():
            if wrong := _fault_of_value(columns[name][int(row)], value):
                return wrong
    for name, count in nulls.items():
        if any(isinstance(cell, str) for cell in columns[name]):
            return "text"
        if columns[name].count(None) != count:
            return "values"
    said = " ".join(answer.said)
    if answer.says_all and not any(word in said for word in want.get("told", [said])):
        return "not told"
    return _fault_of_times(answer, want)


def _fault_of_value(found: Any, value: float) -> str:
    if isinstance(found, str):
        return "text"
    if found is None or isinstance(found, bool | datetime | date | time):
        return "values"
    return "" if math.isclose(float(found), value, rel_tol=RELATIVE, abs_tol=RELATIVE * 1e-12) else "values"


def _fault_of_image(answer: Answer, want: Want) -> str:
    """Whether a table is the matrix of an image, and the spot in it is where it is."""
    image = answer.image
    if image is None:
        cells = list(answer.columns.values())
        if any(not isinstance(cell, int | float) for column in cells for cell in column):
            return "text"
        image = np.array(cells, dtype=float).T
    if list(image.shape) != want["image"]:
        return "rows"
    import utokyo  # noqa: PLC0415

    fit = utokyo.fit_gaussian(image)
    near = all(abs(fit.values[name] - value) < 0.15 for name, value in want["spot"].items())
    return "" if fit.valid and near else "values"


def _fault_of_times(answer: Answer, want: Want) -> str:
    found = [answer.moments] if answer.moments is not None else list(_moments(answer.columns))
    if want.get("times") is False:
        return "times" if any(found) else ""
    wanted = {row: datetime.fromisoformat(want[key]) for key, row in (("first", 0), ("last", -1)) if key in want}
    if not wanted or not answer.rows:
        return ""
    if not any(found):
        return "times" if answer.says_all else NO_TIMES
    for moments in found:
        in_order = sorted(moment for moment in moments if moment is not None)  # as our tables are
        if in_order and all(_is_near(in_order[row], moment) for row, moment in wanted.items()):
            return ""
    return "times"


def _moments(columns: Mapping[str, Sequence[Any]]) -> Iterator[list[Any]]:
    """Columns of moments, and a day with the time of day of another column."""
    kinds = {name: {type(cell) for cell in cells if cell is not None} for name, cells in columns.items()}
    days = [name for name, kind in kinds.items() if kind == {date}]
    clocks = [name for name, kind in kinds.items() if kind == {time}]
    for name, kind in kinds.items():
        if kind and all(issubclass(found, datetime) for found in kind):
            yield list(columns[name])
    if days and clocks:
        cells = zip(columns[days[0]], columns[clocks[0]], strict=True)
        yield [datetime.combine(day, clock) if day and clock else None for day, clock in cells]


def _is_near(found: datetime, wanted: datetime) -> bool:
    """Whether a moment is as it is written; one with a zone may be in another."""
    away_s = abs((found.replace(tzinfo=None) - wanted) / timedelta(seconds=1))
    if found.tzinfo is not None and away_s < 86_400:
        away_s = abs(away_s - 900 * round(away_s / 900))
    return away_s < CLOSE_S


@dataclass
class Comparison:
    """Verdicts by kind of table and reader."""

    verdicts: dict[str, dict[str, str]]
    versions: dict[str, str]
    missing: list[str]
    """Packages that are not installed."""


def compare(book: Path, readers: Mapping[str, Reader] = READERS) -> Comparison:
    """Let readers read the files of an expected.toml."""
    versions, missing = {}, []
    for package in dict.fromkeys(reader.package for reader in readers.values()):
        try:
            versions[package] = getattr(importlib.import_module(package), "__version__", "")
        except ImportError:
            missing.append(package)
    there = {name: reader for name, reader in readers.items() if reader.package not in missing}
    verdicts = {}
    for kind, want in tomllib.loads(book.read_text(encoding="utf-8")).items():
        path = book.parent / want["file"]
        verdicts[kind] = {name: verdict(reader, path, want) for name, reader in there.items()}
    return Comparison(verdicts, versions, missing)


def markdown(found: Comparison) -> str:
    """The table, with a row of sums and a line on versions."""
    names = list(next(iter(found.verdicts.values()), {}))
    right = {name: sum(row[name] in {RIGHT, NO_TIMES} for row in found.verdicts.values()) for name in names}
    lines = [f"| A file with | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    lines += [f"| {kind} | {' | '.join(row[name] for name in names)} |" for kind, row in found.verdicts.items()]
    lines.append(f"| right, of {len(found.verdicts)} | {' | '.join(str(right[name]) for name in names)} |")
    peers = [f"{package} {version}" for package, version in found.versions.items() if package != "utokyo"]
    if peers:
        lines += ["", f"With {', '.join(peers)}."]
    if found.missing:
        lines += ["", f"Not installed: {', '.join(found.missing)}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="with an expected.toml; without, inputs of its own")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into a page, between its two marks")
    wanted = parser.parse_args()
    if wanted.folder and not (wanted.folder / "expected.toml").is_file():
        parser.error(f"{wanted.folder} has no expected.toml")
    with tempfile.TemporaryDirectory() as own:
        book = wanted.folder / "expected.toml" if wanted.folder else write_inputs(Path(own))
        table = markdown(compare(book))
    if wanted.write is None:
        sys.stdout.write(table + "\n")
        return
    page = wanted.write.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        parser.error(f"{wanted.write} has no {BEGIN} and {END}, between which the table stands")
    before, _, rest = page.partition(BEGIN)
    wanted.write.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
