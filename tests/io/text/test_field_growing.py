"""Tables below titles and lines of keys: what was taken for a table at first may be the title of another one."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utokyo import InputError, Recorder
from utokyo.io.reader import Reader

ABOVE = st.lists(
    st.sampled_from(["Run 12", "Model,6517B", "Range,2.0E-9", "Date,2023/05/09", "", "beam on, oven 180", "# by hand"]),
    max_size=5,
)
HEADS = {",": "Time,A (V),B", "\t": "Time\tA (V)\tB", ";": "Time;A (V);B"}


def rows(delimiter: str, first: int, count: int) -> list[str]:
    return [delimiter.join((f"2023-05-09 11:{i:02d}:05", str(i), f"{i}.5")) for i in range(first, first + count)]


@st.composite
def logs(draw) -> bytes:
    delimiter = draw(st.sampled_from(sorted(HEADS)))
    lines = [*draw(ABOVE), HEADS[delimiter]]
    lines += rows(delimiter, 0, draw(st.integers(0, 9)))
    if draw(st.booleans()):
        lines += [*draw(ABOVE), HEADS[delimiter], *rows(delimiter, 20, draw(st.integers(0, 9)))]
    return ("\n".join(lines) + "\n").encode()


def seen(reader: Reader) -> tuple[object, ...]:
    try:
        reader.update()
    except InputError as error:
        return (str(error),)
    return reader.layout, reader.bad_rows, str(reader.frame.to_dict(as_series=False)), reader.columns


@settings(max_examples=300, deadline=None)
@given(logs(), st.data())
def test_titles_and_keys_grow_as_they_are_read_at_once(content, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.csv")
        path.write_bytes(b"")
        reader = Reader(path)
        for at, cut in zip([0, *cuts], [*cuts, len(content)], strict=True):
            with path.open("ab") as file:
                file.write(content[at:cut])
            with contextlib.suppress(InputError):
                reader.update()
        assert seen(reader) == seen(Reader(path))


def test_a_title_that_was_taken_for_a_row_is_one(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Run 12\n")
    recorder = Recorder(path)
    assert recorder.get_table().height == 1  # two cells between blanks, so far
    with path.open("a") as file:
        file.write("Time,A (V),B\n")
    recorder.get_table()
    with path.open("a") as file:
        file.write("\n".join(rows(",", 0, 4)) + "\n")
    assert recorder.get_table()["A (V)"].to_list() == [0, 1, 2, 3]


@pytest.mark.parametrize("end", ["Time,A (V),B", "Time,A (V),B\n2023-05-09 11:00:05,1,1.5"])
def test_the_last_line_without_an_end_may_show_that_all_before_was_a_title(tmp_path, end):
    path = tmp_path / "log.csv"
    path.write_text("Run 12\n")
    recorder = Recorder(path)
    recorder.get_table()
    with path.open("a") as file:
        file.write(end)
    recorder.finish()
    assert recorder.rows == end.count("\n")


def test_a_checkpoint_behind_a_header_in_the_middle_is_gone_on_from(tmp_path, caplog):
    path, mark = tmp_path / "log.csv", tmp_path / "mark"
    path.write_text("\n".join(["Time,A (V),B", *rows(",", 0, 4), "Time,B,A (V)", *rows(",", 10, 4), ""]))
    reader = Reader(path, checkpoint=mark)
    assert reader.update() == 8
    reader.checkpoint()
    with path.open("a") as file:
        file.write("2023-05-09 11:30:05,1.5,7\n")
    again = Reader(path, checkpoint=mark)
    assert again.update() == 1
    assert again.frame["A (V)"].to_list() == [7]
    assert "not the file of its checkpoint" not in caplog.text
