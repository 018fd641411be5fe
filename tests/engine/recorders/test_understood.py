"""What was understood of a file is the truth, each thing once, whenever somebody asks; and a user may say otherwise."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from commands import here as utokyo

from utokyo import GaugeRecorder, InputError, Parser, Recorder, open_recorder
from utokyo.engine.command.config import read_join_config

LOG = (
    "# run 12\nZeit;Cup (nA);Ofen\n"
    + "".join(f"09.05.2023 11:20:{s:02d};1.00{s % 7},5;{s}\n" for s in range(30))
    + "09.05.2023 11:20:30;OL;30\n"
    + "Zeit;Ofen;Cup (nA)\n"
    + "".join(f"09.05.2023 11:20:{s:02d};{s};2,5\n" for s in range(31, 50))
    + "09.05.2023 10:30:00;50;OL\nschrott\n"
)
"""Decimal commas, thousands, words, a header in the middle, a clock that goes back, a bad line."""
SAID = [
    "log.csv, line 34: another header (in another order); the rows behind it go by it",
    "column 'Cup (nA)': 2 cells hold 'OL', which is no value; they stay empty",
    "after row 50 the clock goes back by 50 min 49 s, from 2023-05-09 11:20:49 to 2023-05-09 10:30:00; rows are sorted "
    "by these times, so those of both stand mixed: to set it right, read the rows behind it, in a file of their own, "
    "with a clock_offset",
]


class TableParser(Parser, Recorder):
    """Of any table."""


def test_a_description_says_what_a_file_is_and_each_thing_once(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    recorder = Recorder(path)
    lines = recorder.describe().splitlines()
    assert lines == [
        "log.csv: a table, found out from the file",
        "  delimiter ';', decimal sign ',', '.' between thousands, utf-8; names in line 2",
        "  times: column 'Zeit', written as day, month, year",
        "  Zeit: date and time",
        "  Cup (nA): decimals",
        "  Ofen: integers",
        *(f"  {remark}" for remark in SAID),
        "  to say it otherwise: Recorder(path, delimiter=, decimal=, header_line=, units_row=, time=, time_format=)",
    ]
    assert recorder.remarks() == SAID
    assert recorder.describe().splitlines() == lines  # again
    facts, remarks = recorder.understood()
    assert facts == [line.strip() for line in lines[1:3]]
    assert remarks == [lines[-1].strip()]


@pytest.mark.parametrize("step", [1, 7, 200])
def test_a_file_that_grew_is_described_as_the_whole_one_and_the_log_says_each_thing_once(tmp_path, step, caplog):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    whole = Recorder(path).describe()
    path.write_text("")
    growing = Recorder(path)
    caplog.clear()
    with caplog.at_level(logging.INFO, "utokyo"):
        for stop in range(0, len(LOG), step):
            path.write_text(LOG[:stop])
            growing.update()
        path.write_text(LOG)
        assert growing.describe() == whole
        growing.get_table()
    counts = Counter(record.getMessage() for record in caplog.records)
    assert [message for message, count in counts.items() if count > 1] == []
    for what in ("another header", "'OL'", "the clock goes back", "line 55"):
        assert sum(what in message for message in counts) == 1, what


@pytest.mark.parametrize("rows", [5, 31, 33, 45, 51])
def test_a_restart_from_a_checkpoint_says_the_same_and_logs_nothing_of_rows_before_it(tmp_path, rows, caplog):
    path, mark = tmp_path / "log.csv", tmp_path / "mark"
    path.write_text(LOG)
    first = TableParser(path, lines_per_update=rows, checkpoint=mark)
    first.get_table()
    first.checkpoint()
    caplog.clear()
    second = TableParser(path, lines_per_update=1000, checkpoint=mark)
    table = second.get_table()
    assert table.height == 51 - rows
    assert second.remarks() == SAID
    text = caplog.text
    assert ("another header" in text) == (rows < 31)
    assert ("'OL'" in text) == (rows < 31)
    assert ("the clock goes back" in text) == (rows < 51)
    whole = Recorder(path).get_data().tail(51 - rows)
    assert table.select(whole.columns).sort("Zeit").equals(whole.sort("Zeit"))


def test_what_a_guess_said_before_more_was_there_is_not_said_any_more(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("When,n\n05/09/2023 11:20:05,1\n")
    recorder = Recorder(path)
    assert "'05/09/2023' is taken for day, month, year" in recorder.describe()
    with path.open("a") as file:
        file.write("05/13/2023 11:20:05,2\n")
    recorder.update()
    assert "is taken for" not in recorder.describe()
    assert "written as month, day, year" in recorder.describe()


def test_an_epoch_is_named(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Time (s),n\n3766476005.25,1\n3766476006.25,2\n")
    description = Recorder(path).describe()
    assert description.count("seconds since 1904 (LabVIEW)") == 1


def test_a_known_format_is_described_without_a_word_on_guessing(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("Timestamp,Rb disp.,NC,\n2022/03/14 12:00:00,1e-6,1,\n")
    description = open_recorder(path).describe()
    assert description.startswith("g.csv: a gauge file\n")
    assert "otherwise" not in description
    assert "found out" not in description


# --- What the user says.

MOMENT = datetime(2023, 5, 9, 11, 20, 5)
OPTIONS = {
    "delimiter": (",", "a,b;c,d\n1,2;3,4\n4,5;6,5\n", lambda table: table.columns == ["a", "b;c", "d"]),
    "decimal": (",", "n;I\n2,155;5\n1,003;6\n", lambda table: table["n"].to_list() == [2.155, 1.003]),
    "header_line": (3, "p;q\n0;0\nx;y\n1;2\n3;4\n", lambda table: table.columns[:2] == ["x", "y"]),
    "units_row": (True, "name;where\nwalnut;hall\nelm;yard\n", lambda table: table.height == 1),
    "time": (
        "b",
        "a;b\n1683631205;1683631205\n",
        lambda table: table["datetime"][0] == MOMENT,
    ),
    "time_format": (
        "%Y%m%d-%Hh%Mm%S",
        "t;n\n20230509-11h20m05;1\n",
        lambda table: table["datetime"][0] == MOMENT,
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_is_obeyed_in_python_and_in_toml(tmp_path, name):
    value, content, is_obeyed = OPTIONS[name]
    path = tmp_path / "any.csv"
    path.write_text(content)
    assert not is_obeyed_without(path, is_obeyed)
    assert is_obeyed(Recorder(path, **{name: value}).get_table())
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    config = tmp_path / "run.toml"
    config.write_text(
        f'[recorders.any]\nkind = "table"\nfilepath = "any.csv"\n{name} = {shown}\n[join]\nevery = "1s"\n'
    )
    assert is_obeyed(read_join_config(config).recorders["any"].get_table())


def is_obeyed_without(path: Path, is_obeyed) -> bool:
    try:
        return bool(is_obeyed(Recorder(path).get_table()))
    except (pl.exceptions.ColumnNotFoundError, InputError):
        return False


WRONG = {
    "delimiter": ["ab", "ä", 1],
    "decimal": [";", "point", 1],
    "header_line": [-1, "first", 1.5],
    "units_row": ["yes", 2],
    "time": [1],
    "time_format": ["%Q", 1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_option_is_one_sentence_and_ends_the_command_with_2(tmp_path, name, value):
    path = tmp_path / "any.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError) as error:
        Recorder(path, **{name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    config = tmp_path / "run.toml"
    shown = repr(value).replace("'", '"')
    config.write_text(
        f'[recorders.any]\nkind = "table"\nfilepath = "any.csv"\n{name} = {shown}\n[join]\nevery = "1s"\n'
    )
    answer = utokyo("join", config, folder=tmp_path)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    sentence = " ".join(answer.stderr.split())
    assert name in sentence
    assert sentence.count("utokyo:") == 1


def test_a_column_of_times_that_is_not_there_ends_the_command_with_2(tmp_path):
    (tmp_path / "any.csv").write_text("a,b\n1,2\n")
    config = tmp_path / "run.toml"
    config.write_text('[recorders.any]\nkind = "table"\nfilepath = "any.csv"\ntime = "when"\n[join]\nevery = "1s"\n')
    answer = utokyo("join", config, folder=tmp_path)
    assert answer.returncode == 2
    assert "there is no column 'when' for time=; there are 'a', 'b'" in " ".join(answer.stderr.split())


def test_a_known_format_takes_no_option_of_a_table_and_says_so(tmp_path):
    with pytest.raises(TypeError, match="GaugeRecorder has no option 'decimal'"):
        GaugeRecorder(tmp_path / "g.csv", decimal=",")


def test_analyze_prints_what_was_understood_once_and_how_to_say_it_otherwise(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    answer = utokyo("analyze", "log.csv", folder=tmp_path)
    text = " ".join((answer.stdout + answer.stderr).split())
    for words in (
        "delimiter ';', decimal sign ',', '.' between thousands, utf-8; names in line 2",
        "times: column 'Zeit', written as day, month, year",
        "to say it otherwise: --delimiter, --decimal, --header-line, --units-row, --time, --time-format",
        "line 34: another header (in another order)",
        "2 cells hold 'OL'",
        "the clock goes back by 50 min 49 s",
        "line 55: expected 3 fields (Zeit;Ofen;Cup (nA)), found 1",
    ):
        assert text.count(words) == 1, words
    assert answer.returncode == 2  # for the bad row
