"""A result table that other processes write and people edit: no row is lost, none is there twice, no entry goes."""

from __future__ import annotations

import csv
import io
import logging
import os
import random
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.io.errors import InputError, OutputError
from utokyo.io.results import lock
from utokyo.io.results.cells import as_cells, escaped, typed, unescaped
from utokyo.io.results.dialect import Dialect, read_cells, written_cells
from utokyo.io.results.times import span_of
from utokyo.io.store import ResultTable, read_results
from utokyo.io.whole import write_whole

FIRST_NS = 1_663_503_939_123_456_789
SCHEMA = {
    "source": pl.String,
    "timestamp_ns": pl.Int64,
    "half_life": pl.Float64,
    "onset_ns": pl.Int64,
    "valid": pl.Boolean,
    "reason": pl.String,
}


def bursts(source: str, events: list[int]) -> pl.DataFrame:
    """Rows as an analysis makes them, a minute and some ns from one to the next."""
    times = [FIRST_NS + 61_234_567_891 * i for i in events]
    rows = {
        "source": [source] * len(events),
        "timestamp_ns": times,
        "half_life": [i / 7 + 0.1 for i in events],
        "onset_ns": [t - 123_456_789 for t in times],
        "valid": [i % 3 > 0 for i in events],
        "reason": [None if i % 3 else "too few, alas" for i in events],
    }
    return pl.DataFrame(rows, schema=SCHEMA)


def of(source: str) -> pl.Expr:
    return pl.col("source") == source


WRITE = """
import sys, time
import polars as pl
from utokyo.io.store import ResultTable
path, name, begin = sys.argv[1], sys.argv[2], float(sys.argv[3])
table = ResultTable(path)
while time.time() < begin:
    pass
for i in range(20):
    rows = pl.DataFrame({"source": [name] * (i + 1), "timestamp_ns": list(range(i + 1))})
    table.replace(rows, pl.col("source") == name)
"""


def raced(folder: Path, ending: str, writers: int = 3) -> pl.DataFrame:
    """The table that some processes wrote at once."""
    path = folder / f"r{ending}"
    begin = str(time.time() + 2.0)
    processes = [subprocess.Popen([sys.executable, "-c", WRITE, str(path), f"s{i}", begin]) for i in range(writers)]
    assert [process.wait(timeout=120) for process in processes] == [0] * writers
    return read_results(path)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_processes_that_write_one_table_keep_each_others_rows(tmp_path, ending):
    table = raced(tmp_path, ending)
    assert sorted(table["source"].value_counts()["count"]) == [20, 20, 20]


@pytest.mark.slow
@pytest.mark.parametrize("race", range(50))
def test_of_fifty_races_none_loses_a_row(tmp_path, race):
    table = raced(tmp_path, ".csv" if race % 2 else ".parquet", writers=2 + race % 3)
    assert set(table["source"].value_counts()["count"]) == {20}
    assert table["source"].n_unique() == 2 + race % 3


WRITE_FOR_EVER = """
import itertools, sys
import polars as pl
from utokyo.io.store import ResultTable
table = ResultTable(sys.argv[1])
for i in itertools.count(1):
    rows = pl.DataFrame({"source": ["victim"] * i, "timestamp_ns": list(range(i))})
    table.replace(rows, pl.col("source") == "victim")
    if i == 1:
        print("ready", flush=True)
"""


def killed(folder: Path, ending: str, kills: int) -> None:
    """Kill a program while it writes a table, again and again, and write into it oneself in between."""
    table = ResultTable(folder / f"r{ending}")
    dice = random.Random(kills)
    for kill in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(table.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(dice.expovariate(20.0))
        process.kill()
        process.communicate()
        table.replace(bursts(f"s{kill}", [kill]), of(f"s{kill}"))
        found = read_results(table.path)
        assert found.filter(of("victim")).height >= 1
        assert sorted(found.filter(~of("victim"))["source"]) == sorted(f"s{i}" for i in range(kill + 1))
        assert found.select("source", "timestamp_ns").is_unique().all()
    ResultTable(table.path).replace(bursts("s", [0]), of("s"))
    assert sorted(path.name for path in folder.iterdir()) == [f".r{ending}.lock", f"r{ending}"]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_program_that_is_killed_leaves_a_whole_table_and_no_lock(tmp_path, ending):
    killed(tmp_path, ending, 3)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_fifty_kills_leave_a_whole_table(tmp_path, ending):
    killed(tmp_path, ending, 50)


HOLD = """
import sys
from pathlib import Path
from utokyo.io.results.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def held(path: Path) -> subprocess.Popen[str]:
    """A process that holds a table until it reads a line, or is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_waits_says_so_and_gives_up_with_a_sentence(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(lock, "SAID_AFTER_S", 0.1)
    monkeypatch.setattr(lock, "LONGEST_WAIT_S", 0.5)
    table = ResultTable(tmp_path / "r.csv")
    other = held(table.path)
    try:
        with pytest.raises(OutputError, match=r"another program has been writing it for 0\.5 s; the next cycle"):
            table.replace(bursts("a", [1]), of("a"))
        assert "waiting for it" in caplog.text
    finally:
        other.kill()  # a lock ends with its process, however that ends
        other.communicate()
    assert table.replace(bursts("a", [1]), of("a")) == 1


def test_who_waits_writes_as_soon_as_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SAID_AFTER_S", 0.1)
    table = ResultTable(tmp_path / "r.csv")
    other = held(table.path)
    threading.Timer(0.3, lambda: other.communicate("\n")).start()
    assert table.replace(bursts("a", [1]), of("a")) == 1


def test_a_link_to_a_table_has_the_lock_of_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(lock, "SAID_AFTER_S", 0.1)
    real, link = tmp_path / "share" / "r.csv", tmp_path / "r.csv"
    ResultTable(real).replace(bursts("a", [1]), of("a"))
    link.symlink_to(real)
    other = held(real)
    try:
        with pytest.raises(OutputError, match="another program"):
            ResultTable(link).replace(bursts("a", [2]), of("a"))
    finally:
        other.kill()
        other.communicate()
    ResultTable(link).replace(bursts("a", [2]), of("a"))
    assert link.is_symlink()
    assert read_results(real)["timestamp_ns"].to_list() == bursts("a", [2])["timestamp_ns"].to_list()


@pytest.mark.skipif(os.name == "nt", reason="modes and groups are those of POSIX")
def test_a_file_that_is_replaced_keeps_link_mode_and_group(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_bytes(b"old")
    real.chmod(0o664)
    groups = [group for group in os.getgroups() if group != os.getgid()]
    group = next(iter(groups), 12345 if os.geteuid() == 0 else os.getgid())
    os.chown(real, -1, group)
    link.symlink_to("real.csv")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o664
    assert real.stat().st_gid == group
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="a device or a pipe"):
        write_whole(pipe, b"x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_table_that_is_open_elsewhere_is_written_by_the_next_cycle(tmp_path, monkeypatch):
    table = ResultTable(tmp_path / "r.csv")
    table.replace(bursts("a", [1]), of("a"))

    def held_by_excel(self: Path, target: Path) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    with monkeypatch.context() as windows:
        windows.setattr("utokyo.io.whole.RETRIES", 1)
        windows.setattr(Path, "replace", held_by_excel)
        with pytest.raises(OutputError, match=r"open in another program \(Excel\?\); close it there; .* next cycle"):
            table.replace(bursts("a", [1, 2]), of("a"))
    assert table.replace(bursts("a", [1, 2]), of("a")) == 1


@dataclass(frozen=True)
class Spreadsheet:
    """What a spreadsheet makes of a table, as the country it is set to wants it."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    digits: int = 6
    """Of numbers of ns, so many are left; 15 are written out, fewer with an exponent."""

    def cell(self, text: str) -> str:
        if text in {"true", "false"}:
            return text.upper()
        try:
            number = float(text)
        except ValueError:
            return text
        if text.isdigit() and len(text) > 11:
            return (
                str(int(f"{number:.14e}".replace(".", "").partition("e")[0]) * 10 ** (len(text) - 15))
                if (self.digits == 15)
                else f"{number:.{self.digits - 1}E}".replace(".", self.decimal)
            )
        return f"{number:.10g}".replace(".", self.decimal)

    def saved(self, path: Path, edit=lambda rows: rows) -> None:
        """Open a table, let a person edit its rows, the first of which are the names, and save it."""
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        rows = edit([rows[0], *([self.cell(cell) for cell in row] for row in rows[1:])])
        target = io.StringIO()
        csv.writer(target, delimiter=self.delimiter, lineterminator="\r\n").writerows(rows)
        path.write_bytes(target.getvalue().encode(self.encoding))


SPREADSHEETS = [
    Spreadsheet(),
    Spreadsheet(";", ",", "utf-8-sig"),
    Spreadsheet("\t", ".", "utf-16"),
    Spreadsheet(",", ".", "cp932", digits=15),
    Spreadsheet(";", ",", "latin-1", digits=10),
    Spreadsheet(",", ".", "utf-16-le"),
]


def by_event(table: pl.DataFrame) -> dict[tuple[str, int], dict]:
    rows = {(r["source"], r["timestamp_ns"]): r for r in table.to_dicts() if r["source"] is not None}
    assert len(rows) == table.filter(pl.col("source").is_not_null()).height, "a row is there twice"
    return rows


def annotated(notes: dict[int, str], drop: set[int] = frozenset(), reverse: bool = False, first: bool = False):
    """An edit: entries in a column of one's own, rows deleted, sorted otherwise, columns moved, one of no name."""

    def edit(rows: list[list[str]]) -> list[list[str]]:
        names, *body = rows
        body = [[*row, notes.get(i, ""), ""] for i, row in enumerate(body) if i not in drop]
        names = [*names, "note", ""]
        body = body[::-1] if reverse else body
        order = list(range(len(names)))
        order = order[::-1] if first else order
        return [[row[k] for k in order] for row in [names, *body]]

    return edit


@pytest.mark.parametrize("sheet", SPREADSHEETS)
def test_a_table_that_a_spreadsheet_saved_goes_on(tmp_path, sheet, caplog):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))
    ResultTable(path).replace(bursts("b", [3, 4]), of("b"))
    sheet.saved(path, annotated({1: "beautiful", 3: "beam off"}, drop={4}, reverse=True, first=True))

    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))

    table = read_results(path)
    rows = by_event(table)
    truth = by_event(bursts("a", [0, 1, 2]))
    for key, row in truth.items():
        assert {name: rows[key][name] for name in row} == row
    assert {key: row["note"] for key, row in rows.items() if row["note"]} == {
        ("a", bursts("a", [1])["timestamp_ns"][0]): "beautiful",
        ("b", bursts("b", [3])["timestamp_ns"][0]): "beam off",
    }
    assert len(rows) == 4
    assert table["timestamp_ns"].is_sorted()
    assert table["valid"].dtype == pl.Boolean
    assert "" not in table.columns
    other = rows["b", bursts("b", [3])["timestamp_ns"][0]]
    assert other["onset_ns"] is None, "a time that was rounded must not be taken for one"
    assert "the times of 4 rows were rounded, and are right again by their ids" in caplog.text
    assert caplog.text.count("was changed by another program") == 1
    assert ("other times (onset_ns) were, too" in caplog.text) == (len(rows) > 3)
    dialect = read_cells(path.read_bytes())[0]
    assert (dialect.delimiter, dialect.decimal) == (sheet.delimiter, sheet.decimal)
    written = {"utf-16": "utf-8-sig", "utf-16-le": "utf-8-sig", "cp932": "utf-8", "latin-1": "utf-8"}
    assert dialect.encoding == written.get(sheet.encoding, sheet.encoding)
    # All again, as another program: nothing is left to be done.
    before = path.read_bytes()
    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))
    assert path.read_bytes() == before
    ResultTable(path).replace(bursts("b", [3, 4]), of("b"))
    assert (
        by_event(read_results(path)).keys()
        == by_event(bursts("a", [0, 1, 2])).keys() | by_event(bursts("b", [3, 4])).keys()
    )


def test_japanese_entries_stay_in_shift_jis(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    Spreadsheet(encoding="cp932").saved(path, annotated({0: "良い"}))
    ResultTable(path).replace(bursts("a", [0, 1]), of("a"))
    assert path.read_bytes().decode("cp932").count("良い") == 1
    assert read_results(path)["note"].to_list() == ["良い", None]
    ResultTable(path).replace(bursts("é", [2]), of("é"))  # no letter of Shift-JIS
    assert read_results(path)["source"].to_list() == ["a", "a", "é"]
    assert read_results(path)["note"].to_list() == ["良い", None, None]


def test_rows_and_columns_of_a_person_stay(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0, 1]), of("a"))

    def edit(rows):
        return [[*rows[0], "by", "by"], *([*r, "me", "you"] for r in rows[1:]), ["", *[""] * 6, "mean", "0.2"]]

    Spreadsheet().saved(path, edit)
    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))
    table = read_results(path)
    assert table["by"].to_list() == ["me", "me", None, "mean"]
    assert table.columns[-2:] == ["by", f"by ({table.width})"]
    assert table["timestamp_ns"].null_count() == 1
    assert path.read_text(encoding="utf-8").splitlines()[0].endswith(",by,by")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_entries_follow_an_event_that_moved_and_stay_when_it_is_gone(tmp_path, ending, caplog):
    path = tmp_path / f"r{ending}"
    ResultTable(path).replace(bursts("a", [0, 1]), of("a"))
    noted = read_results(path).with_columns(note=pl.Series(["moved", "gone"]))
    noted.write_csv(path) if ending == ".csv" else noted.write_parquet(path)
    moved = bursts("a", [0]).with_columns(pl.col("timestamp_ns") + 165_000_000)
    for _ in range(2):
        ResultTable(path).replace(moved, of("a"))
    table = read_results(path)
    assert table["note"].to_list() == ["moved", "gone"]
    assert table["timestamp_ns"].to_list() == [moved["timestamp_ns"][0], noted["timestamp_ns"][1]]
    assert table["half_life"].to_list() == [moved["half_life"][0], None]
    assert "the events of 1 row with entries are gone" in caplog.text
    ResultTable(path).replace(bursts("a", [0, 1]), of("a"))  # and found again
    assert read_results(path)["note"].to_list() == ["moved", "gone"]
    assert read_results(path)["half_life"].null_count() == 0


def test_rounded_rows_without_an_id_are_known_by_their_other_numbers(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))
    ResultTable(path).replace(bursts("b", [3]), of("b"))

    def edit(rows):
        place = rows[0].index("id")
        rows = annotated({2: "the third"}, reverse=True)(rows)
        return [[cell for k, cell in enumerate(row) if k != place] for row in rows]

    Spreadsheet(";", ",").saved(path, edit)
    ResultTable(path).replace(bursts("a", [0, 1, 2]), of("a"))
    table = read_results(path)
    assert table["source"].to_list() == ["a", "a", "a", "b"]
    assert table["note"].to_list() == [None, None, "the third", None]
    assert table["timestamp_ns"].to_list() == [*bursts("a", [0, 1, 2])["timestamp_ns"], None]
    ResultTable(path).replace(bursts("b", [3]), of("b"))
    assert by_event(read_results(path)).keys() == by_event(pl.concat([bursts("a", [0, 1, 2]), bursts("b", [3])])).keys()


@given(
    sheet=st.sampled_from(SPREADSHEETS),
    ours=st.sets(st.integers(0, 30), max_size=8),
    others=st.sets(st.integers(0, 30), max_size=8),
    after=st.sets(st.integers(0, 30), max_size=8),
    notes=st.dictionaries(st.integers(0, 15), st.text("abc=+-', ;", min_size=1).filter(str.strip), max_size=6),
    drop=st.sets(st.integers(0, 15), max_size=4),
    reverse=st.booleans(),
    first=st.booleans(),
)
def test_whatever_a_person_does_no_row_is_double_and_no_entry_lost(
    tmp_path_factory, sheet, ours, others, after, notes, drop, reverse, first
):
    path = tmp_path_factory.mktemp("edited") / "r.csv"
    ResultTable(path).replace(bursts("a", sorted(ours)), of("a"))
    ResultTable(path).replace(bursts("b", sorted(others)), of("b"))
    count = len(ours) + len(others)
    sheet.saved(path, annotated(notes, drop, reverse, first))
    written = sorted(note for i, note in notes.items() if i < count and i not in drop)

    ResultTable(path).replace(bursts("a", sorted(after)), of("a"))
    ResultTable(path).replace(bursts("b", sorted(others)), of("b"))

    rows = by_event(read_results(path))
    truth = by_event(pl.concat([bursts("a", sorted(after)), bursts("b", sorted(others))]))
    for key, row in truth.items():
        assert {name: rows[key][name] for name in row} == row
    # What is gone stays for its entries alone.
    assert all(rows[key]["half_life"] is None and rows[key]["note"] for key in rows.keys() - truth.keys())
    cells = read_cells(path.read_bytes())[1]
    assert (sorted(cells["note"].drop_nulls()) if "note" in cells.columns else []) == written


@pytest.mark.parametrize(
    "name", ["=1+1", "+cmd|' /C calc'!A0", "-a", "@SUM(A1)", "\tx", "\rx", "\uff1d1", "'=x", "''", "'a"]
)
def test_text_that_looks_like_a_formula_is_none_and_comes_back(tmp_path, name):
    path = tmp_path / "r.csv"
    rows = pl.DataFrame({"source": [name], "timestamp_ns": [-5], "value": [-1.5]})
    ResultTable(path).replace(rows, of(name))
    ResultTable(path).replace(rows, of(name))
    (line,) = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))[1:]
    assert not line[0].startswith(tuple("=+-@\t\r\uff1d"))
    assert line[1] == "-5"
    assert line[3] == "-1.5"
    assert read_results(path)["source"].to_list() == [name]


@given(
    st.lists(st.text("=+-@\t\r\n'\"ab,; \uff1d", min_size=1), min_size=1),
    st.sampled_from(",;\t|"),
    st.sampled_from(",."),
)
def test_cells_go_there_and_back(texts, delimiter, decimal):
    dialect = Dialect(delimiter=delimiter, decimal=decimal if delimiter != "," else ".", encoding="utf-8-sig")
    rows = pl.DataFrame({"x": texts, "n": range(len(texts)), "f": [i / 7 for i in range(len(texts))]})
    cells = as_cells(rows, dialect)
    found, read = read_cells(written_cells(cells, dialect))
    assert read.equals(cells)
    assert found.delimiter == delimiter
    assert typed(read, dialect)["n"].to_list() == rows["n"].to_list()
    assert typed(read, dialect)["f"].to_list() == rows["f"].to_list()
    assert rows.select(unescaped(escaped(pl.col("x"))))["x"].to_list() == texts
    assert read.select(unescaped(pl.col("x")))["x"].to_list() == texts


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300, max_value=1e300), st.integers(1, 15))
def test_a_number_lies_among_those_that_round_to_it(number, digits):
    low, high = span_of(f"{number:.{digits - 1}E}")
    assert low <= number * (1 + 1e-15)
    assert number * (1 - 1e-15) <= high


def test_a_table_of_another_kind_and_an_empty_one(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(b"")
    assert read_results(path).is_empty()
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    path.write_bytes(b"\r\n\r\n" + path.read_bytes())
    ResultTable(path).replace(bursts("b", [1]), of("b"))
    assert read_results(path)["source"].to_list() == ["a", "b"]


def test_a_table_that_another_one_changed_is_noticed(tmp_path):
    table = ResultTable(tmp_path / "r.csv")
    assert not table.has_changed()
    table.replace(bursts("a", [0]), of("a"))
    assert not table.has_changed()
    ResultTable(table.path).replace(bursts("b", [0]), of("b"))
    assert table.has_changed()
    table.replace(bursts("a", [0]), of("a"))
    assert not table.has_changed()
    table.path.unlink()
    assert table.has_changed()


def test_western_letters_are_not_taken_for_japanese_ones(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    Spreadsheet(";", ",", "cp1252").saved(path, annotated({0: "schön"}))
    ResultTable(path).replace(bursts("a", [0, 1]), of("a"))
    assert read_results(path)["note"].to_list() == ["schön", None]
    ResultTable(path).replace(bursts("良", [2]), of("良"))
    assert read_results(path)["note"].to_list() == ["schön", None, None]


def test_other_times_are_not_called_unknown_where_they_are_written_anew(tmp_path, caplog):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    Spreadsheet().saved(path)
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    assert "were rounded, and are right again" in caplog.text
    assert "unknown" not in caplog.text


def test_a_line_that_names_the_delimiter_stays(tmp_path):
    path = tmp_path / "r.csv"
    ResultTable(path).replace(bursts("a", [0]), of("a"))
    path.write_bytes(b"sep=;\r\n" + path.read_bytes().replace(b",", b";").replace(b"\n", b"\r\n"))
    ResultTable(path).replace(bursts("b", [1]), of("b"))
    assert path.read_bytes().startswith(b"sep=;\r\nsource;timestamp_ns;id;")
    assert read_results(path)["source"].to_list() == ["a", "b"]


def test_rows_that_were_deleted_come_back_and_those_of_others_stay(tmp_path):
    table = ResultTable(tmp_path / "r.csv")
    mine = bursts("a", [0, 1])
    table.replace(mine, of("a"))
    theirs = mine.with_columns(half_life=pl.lit(9.0))
    ResultTable(table.path).replace(theirs, of("a"))
    assert table.restore(mine, of("a")) == 0  # two programs that disagree do not write for ever
    assert read_results(table.path)["half_life"].to_list() == [9.0, 9.0]
    Spreadsheet().saved(table.path, annotated({}, drop={0}))
    assert table.restore(mine, of("a")) == 1
    assert read_results(table.path)["half_life"].to_list() == mine["half_life"].to_list()


def test_a_table_that_may_not_be_read_now_is_tried_again(tmp_path, monkeypatch):
    table = ResultTable(tmp_path / "r.csv")
    table.replace(bursts("a", [0]), of("a"))

    def held_by_excel(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as windows:
        windows.setattr(Path, "read_bytes", held_by_excel)
        with pytest.raises(InputError, match=r"open in another program \(Excel\?\); close it there"):
            table.replace(bursts("a", [0, 1]), of("a"))
    assert table.replace(bursts("a", [0, 1]), of("a")) == 1


def test_nothing_is_said_of_a_table_that_nobody_touched(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(3):
        ResultTable(tmp_path / "r.csv").replace(bursts("a", [0, 1]), of("a"))
    assert not caplog.text
