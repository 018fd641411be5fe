"""Who reads which table rightly: the script behind the table on the page of recorders."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from compare_dialects import BEGIN, END, READERS, TRACEBACK, Answer, Reader, compare, fault_of, markdown
from dialect_inputs import FILES, write_inputs

ROOT = Path(__file__).resolve().parents[1]
MOMENT = datetime(2024, 3, 11, 9, 30)
WANT = {
    "rows": 2,
    "columns": {"T": {"0": 1.5}},
    "nulls": {"P": 1},
    "first": "2024-03-11 09:30:00",
    "told": ["Overrange"],
}


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return compare(write_inputs(tmp_path_factory.mktemp("inputs")), {"utokyo": READERS["utokyo"]})


def test_we_read_every_kind_rightly(ours):
    assert len(ours.verdicts) == len(FILES) > 30
    assert {kind: row["utokyo"] for kind, row in ours.verdicts.items()} == dict.fromkeys(ours.verdicts, "right")


def test_the_page_of_recorders_has_the_kinds_of_the_script(ours):
    page = (ROOT / "docs" / "recorders.md").read_text(encoding="utf-8")
    table = page[page.index(BEGIN) : page.index(END)]
    kinds = [row[0] for row in re.findall(r"^\| (.+?) \| (.+?) \|", table, re.MULTILINE)[1:-1]]
    assert kinds == list(ours.verdicts)


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"t": [MOMENT, MOMENT + timedelta(seconds=1)], " T ": [1.5, 2.5], "P": [1.0, None]}, ""),
        ({"t": [MOMENT], "T": [1.5], "P": [None]}, "rows"),
        ({"t;T;P": ["a", "b"]}, "one column"),
        ({"t": [MOMENT, MOMENT], "T (K)": [1.5, 2.5], "P": [1.0, None]}, "names"),
        ({"t": [MOMENT, MOMENT], "T": ["1,5", "2,5"], "P": [1.0, None]}, "text"),
        ({"t": [MOMENT, MOMENT], "T": [15, 25], "P": [1.0, None]}, "values"),
        ({"t": [MOMENT, MOMENT], "T": [1.5, 2.5], "P": ["1.0", "OL"]}, "text"),
        ({"t": [MOMENT, MOMENT], "T": [1.5, 2.5], "P": [1.0, 0.0]}, "values"),
        ({"t": ["11.3.", "11.3."], "T": [1.5, 2.5], "P": [1.0, None]}, "right, no times"),
        ({"t": [datetime(2024, 11, 3)] * 2, "T": [1.5, 2.5], "P": [1.0, None]}, "times"),
        ({"t": [datetime(2024, 3, 11, 0, 30, tzinfo=UTC)] * 2, "T": [1.5, 2.5], "P": [1.0, None]}, ""),
        ({"d": [date(2024, 3, 11)] * 2, "t": [time(9, 30)] * 2, "T": [1.5, 2.5], "P": [1.0, None]}, ""),
    ],
)
def test_what_is_wrong_with_a_table(columns, fault):
    assert fault_of(Answer(columns), WANT) == fault


def test_of_us_more_is_asked():
    columns = {"T": [1.5, 2.5], "P": [1.0, None]}
    assert fault_of(Answer(columns, [MOMENT] * 2, ["2 cells hold 'Overrange'"], says_all=True), WANT) == ""
    assert fault_of(Answer(columns, [MOMENT] * 2, says_all=True), WANT) == "not told"
    assert fault_of(Answer(columns, [], ["'Overrange'"], says_all=True), WANT) == "times"
    assert fault_of(Answer({"n": [1, 2]}, [MOMENT] * 2, says_all=True), {"rows": 2, "times": False}) == "times"


def test_a_moment_in_another_zone_is_right_and_a_wrong_one_is_not():
    tokyo = timezone(timedelta(hours=9))
    assert fault_of(Answer({"t": [datetime(2024, 3, 11, 9, 30, 7, tzinfo=tokyo)]}), {"first": WANT["first"]}) == "times"


def test_a_reader_that_is_not_there_is_named_and_one_that_fails_shows_a_traceback(tmp_path):
    def fails(_path, _want):
        raise ZeroDivisionError

    readers = {
        "absent": Reader("no_such_reader_of_tables", fails, lambda: ()),
        "broken": Reader("json", fails, lambda: ()),
    }
    found = compare(write_inputs(tmp_path), readers)
    assert {row["broken"] for row in found.verdicts.values()} == {TRACEBACK}
    table = markdown(found)
    assert "absent" not in table
    assert "Not installed: no_such_reader_of_tables." in table


def test_the_script_reads_a_folder_and_renews_a_page(tmp_path):
    folder, page = tmp_path / "cases", tmp_path / "page.md"
    folder.mkdir()
    (folder / "a.csv").write_text("Time,T\n2024-03-11 09:30:00,1.5\n")
    (folder / "expected.toml").write_text('["one row"]\nfile = "a.csv"\nrows = 1\nfirst = "2024-03-11 09:30:00"\n')
    page.write_text(f"# Page\n{BEGIN}\nold\n{END}\nrest\n")
    command = [sys.executable, str(ROOT / "benchmarks" / "compare_dialects.py"), str(folder)]
    written = subprocess.run([*command, "--write", str(page)], capture_output=True, text=True, check=False)
    assert written.returncode == 0, written.stderr
    text = page.read_text()
    assert re.search(r"\| one row \| right \|", text)
    assert "old" not in text
    assert text.startswith(f"# Page\n{BEGIN}\n| A file with | utokyo |")
    assert text.endswith(f"\n{END}\nrest\n")
