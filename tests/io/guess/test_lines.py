"""A text into a table: its delimiter, its header, its units, what is no row, and a header in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo import Kind
from utokyo.io.cells import Notation
from utokyo.io.guess.delimiters import delimiter_of
from utokyo.io.guess.kinds import kind_of
from utokyo.io.guess.lines import are_names_again, body_of
from utokyo.io.quotes import BLANKS, TABS
from utokyo.io.reader import Reader


def read(tmp_path, content: str | bytes) -> Reader:
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    reader = Reader(path)
    reader.update()
    return reader


@given(
    st.sampled_from([",", ";", "\t", "|"]),
    st.lists(st.lists(st.integers(-999, 999), min_size=3, max_size=3), min_size=1, max_size=20),
    st.sampled_from([".", ","]),
)
def test_the_delimiter_is_that_by_which_lines_agree(delimiter, rows, decimal):
    if delimiter == decimal:
        decimal = "."
    lines = ["x,y" if delimiter != "," else "x y"] if len(rows) > 5 else []  # a title
    lines += [delimiter.join(["t", "p", "q"])]
    lines += [delimiter.join(f"{n}{decimal}5" for n in row) for row in rows]
    assert delimiter_of(lines) == delimiter


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=2, max_size=20), st.integers(1, 4))
def test_blanks_delimit_tables_of_numbers(rows, width):
    lines = [f"{x:12.4f}{' ' * width}{y:.3e}" for x, y in rows]
    assert delimiter_of(lines) == BLANKS


def test_runs_of_tabs_are_one_delimiter_where_all_lines_say_so():
    assert delimiter_of(["t\t\tp", "1\t2", "10\t\t\t3"]) == TABS
    assert delimiter_of(["t\tp\tq", "1\t\t2", "3\t4\t5"]) == "\t"  # an empty cell


@pytest.mark.parametrize(
    ("lines", "names", "units", "first"),
    [
        (["t,p", "(s),(mbar)", "1,2.5"], ("t", "p"), ("s", "mbar"), 2),
        (["run 12", "t,p", "s,Pa", "1,2.5"], ("t", "p"), ("s", "Pa"), 3),
        (["t,p", "1,2.5"], ("t", "p"), (), 1),
        (["1,2.5", "2,3.5"], ("column_1", "column_2"), (), 0),
        (["# t, p", "1,2.5"], ("t", "p"), (), 1),
        (["p,q", "1,2.5,3", "2,2.5,3"], ("row", "p", "q"), (), 1),
        (["t,p,", "1,2.5,", "2,2.5,"], ("t", "p"), (), 1),
    ],
)
def test_what_stands_above_the_rows_is_understood(lines, names, units, first):
    body = body_of(lines, ",", Notation())
    assert (body.names, body.units, body.first) == (names, units, first)


def test_lines_that_are_no_rows_are_passed_over_and_counted_where_they_should(tmp_path):
    one, *more = (f"2023-05-09 11:20:0{k},{k}.5\n" for k in range(8))
    content = f"# run 12\nt,p\n% units: s, Pa\n{one}\n# valve opened\n// again\n{more[0]}! end\n\nMean,3.0\n"
    reader = read(tmp_path, content + "".join(more[1:]))
    assert reader.frame["p"].to_list() == [k + 0.5 for k in range(8)]
    assert reader.bad_rows == 1  # the summary
    assert reader.bad_row_messages[0].startswith("t.csv, line 11: a line that sums up, 'Mean', is no row")


def test_a_file_of_carriage_returns_alone_is_lines_too(tmp_path):
    reader = read(tmp_path, b"t,p\r1,2.5\r2,3.5\r")
    assert reader.frame.rows() == [(1, 2.5), (2, 3.5)]


def test_names_are_known_again_by_half_of_a_line_or_by_all_of_them():
    known = ("t", "a", "b")
    assert are_names_again(("t", "a", "b"), known)
    assert are_names_again(("b", "t"), known)
    assert are_names_again(("t", "a", "b", "c", "d", "e", "f", "g"), known)  # all, among many others
    assert not are_names_again(("t", "c", "d", "e"), known)
    assert not are_names_again(("x", "y"), known)


@pytest.mark.parametrize("word", ["N/A", "#N/A", "-", "--", "****", "OL", "null", "Overrange", "Sensor off", " n.a. "])
def test_words_for_no_value_are_of_no_kind(word):
    assert kind_of(word) is None


@pytest.mark.parametrize(("cell", "kind"), [("17", 0), ("1.5", 1), ("ON", 5), ("12:00", 4), ("2023/05/09", 3)])
def test_other_cells_are_of_theirs(cell, kind):
    assert kind_of(cell) is Kind(kind)


# --- A header in the middle of the file.

ROWS = [f"2023-05-09 11:20:{s:02d},{s},{s + 0.5}" for s in range(60)]


@pytest.mark.parametrize("before", [1, 2, 5, 40])
@pytest.mark.parametrize("after", [1, 3, 20])
@pytest.mark.parametrize(
    ("header", "cells", "values"),
    [
        ("When,a,b", "{t},7,8.5", (7, 8.5, None)),
        ("When,b,a", "{t},8.5,7", (7, 8.5, None)),
        ("b,When,a", "8.5,{t},7", (7, 8.5, None)),
        ("When,b", "{t},8.5", (None, 8.5, None)),
        ("When,a", "{t},7", (7, None, None)),
        ("When,a,b,c", "{t},7,8.5,9", (7, 8.5, 9)),
        ("When,c,b", "{t},9,8.5", (None, 8.5, 9)),
        ("When,c,a,d,e,f,b", "{t},9,7,,,,8.5", (7, 8.5, 9)),
    ],
)
def test_rows_go_by_the_header_above_them(tmp_path, before, after, header, cells, values):
    times = [f"2023-05-09 12:00:{s:02d}" for s in range(after)]
    lines = ["When,a,b", *ROWS[:before], header, *(cells.format(t=time) for time in times)]
    reader = read(tmp_path, "\n".join(lines) + "\n")
    frame = reader.frame
    assert reader.rows == before + after
    assert reader.bad_rows == 0
    found = [frame[name][-1] if name in frame.columns else None for name in ("a", "b", "c")]
    assert found == list(values)
    assert frame["a"].to_list()[:before] == list(range(before))
    assert frame["b"].to_list()[:before] == [s + 0.5 for s in range(before)]
    assert [str(time) for time in frame["When"][before:]] == times
    (remark,) = [remark for remark in reader.remarks() if "another header" in remark]
    assert remark.startswith(f"t.csv, line {before + 2}: another header")


def test_a_header_in_the_middle_may_have_its_units_below_it(tmp_path):
    lines = ["t,p", "(s),(Pa)", "1,2.5", "2,3.5", "p,t", "(s),(Pa)", "4.5,3"]
    reader = read(tmp_path, "\n".join(lines) + "\n")
    assert reader.frame.rows() == [(1, 2.5), (2, 3.5), (3, 4.5)]
    assert reader.bad_rows == 0


def test_a_new_column_may_hold_text(tmp_path):
    lines = ["When,a,b", *ROWS[:5], "When,a,b,note", *(f"{row}," for row in ROWS[5:8]), f"{ROWS[9]},valve open"]
    reader = read(tmp_path, "\n".join(lines) + "\n")
    assert reader.frame["note"].to_list() == [None] * 8 + ["valve open"]
    assert reader.generation == 1  # it was no text before


def test_integers_of_a_new_column_may_turn_out_to_be_decimals_or_text(tmp_path):
    lines = ["When,a,b", *ROWS[:5], "When,a,b,c", *(f"{row},7" for row in ROWS[5:8]), f"{ROWS[9]},7.5"]
    reader = read(tmp_path, "\n".join(lines) + "\n")
    assert reader.frame["c"].to_list()[5:] == [7.0, 7.0, 7.0, 7.5]
    lines = ["When,a,b", *ROWS[:30], "When,a,b,c", *(f"{row},run {i}" for i, row in enumerate(ROWS[30:33]))]
    lines[-3] = f"{ROWS[30]},7"
    reader = read(tmp_path, "\n".join(lines) + "\n")
    assert reader.frame["c"].to_list()[30:] == ["7", "run 1", "run 2"]
    assert reader.bad_rows == 0
