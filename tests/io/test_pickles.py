"""What describes a file can be sent to another process: it comes back equal, with the same hash, and does its work."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

from utokyo.io.column import Column, Kind
from utokyo.io.errors import InputError, MissingFileError, OutputError
from utokyo.io.header import HeaderMismatch, KeyValueLines, NamesLine, NoHeader, SectionLines
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.text.checkpoint import Checkpoint
from utokyo.io.times import ColumnTime, DateAndTime, Elapsed, TimeOfDay

COLUMNS = (Column("n", Kind.INTEGER), Column("x", Kind.FLOAT, nullable=True, in_file="X [mm]"))
HEADERS = [NoHeader(), NamesLine(2), KeyValueLines(True, ("Start",)), SectionLines("LOG", "Data", ("General",))]
RULES = [ColumnTime("n", 1000), DateAndTime("d", "t"), TimeOfDay("t", 5), Elapsed("n", ("Start",), unit_key="Unit")]
DESCRIPTIONS = [
    *Kind,
    *COLUMNS,
    *HEADERS,
    *RULES,
    *(Layout("all", COLUMNS, header=header, time=rule, others=COLUMNS[1]) for header in HEADERS for rule in RULES),
]
ANSWER = """
import pickle, sys
objects = pickle.load(sys.stdin.buffer)
pickle.dump([(each, each in {each: None}) for each in objects], sys.stdout.buffer)
"""


def answer_of_another_process(objects: list[Any]) -> list[tuple[Any, bool]]:
    """The objects as they come back, and whether they were hashed there."""
    child = subprocess.run([sys.executable, "-c", ANSWER], input=pickle.dumps(objects), capture_output=True, check=True)
    answer: list[tuple[Any, bool]] = pickle.loads(child.stdout)
    return answer


def test_descriptions_go_to_another_process_and_back():
    for sent, (received, was_hashed) in zip(DESCRIPTIONS, answer_of_another_process(DESCRIPTIONS), strict=True):
        assert was_hashed
        assert received == sent
        assert hash(received) == hash(sent)
        assert repr(received) == repr(sent)


def test_descriptions_that_differ_are_not_equal():
    assert len(set(DESCRIPTIONS)) == len(DESCRIPTIONS)


def test_a_checkpoint_and_a_layout_that_came_back_go_on_reading(tmp_path):
    path, state = tmp_path / "f.csv", tmp_path / "state"
    path.write_text("n,X [mm]\n1,0.5\n2,\n")
    reader = Reader(path, Layout("log", COLUMNS), checkpoint=state)
    reader.update()
    written = reader.checkpoint()

    (layout, _), (checkpoint, was_hashed) = answer_of_another_process([Layout("log", COLUMNS), written])

    assert was_hashed
    assert checkpoint == written == Checkpoint.read(state)
    checkpoint.write(tmp_path / "sent")
    with path.open("a") as file:
        file.write("3,1.5\n")
    later = Reader(path, layout, checkpoint=tmp_path / "sent")
    assert later.update() == 1
    assert later.rows == 3


@pytest.mark.parametrize(
    "error", [InputError("a"), MissingFileError("b"), OutputError("c"), HeaderMismatch(3, "x", "y")]
)
def test_errors_keep_their_sentence(error):
    ((received, _),) = answer_of_another_process([error])
    assert type(received) is type(error)
    assert str(received) == str(error)
    assert vars(received) == vars(error)
