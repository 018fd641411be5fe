"""Each tuning constant has a row in docs/constants.md, with the value that it has."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "constants.md"
ROOMS = ("kernels", "io", "engine/fits", "engine/join", "engine/run", "engine/analyses")
ROW = re.compile(
    r"\| `(?P<module>[\w/]+)\.(?P<name>[A-Z]\w*)` \| `(?P<value>[^`|]+)` \| (?P<why>\S.*) \| (?P<tried>\S.*) \|"
)

DEFINITIONS = {
    # Units, and the first and last moments.
    "kernels/units.SECOND_NS",
    "kernels/units.DAY_NS",
    "kernels/merge.EARLIEST_NS",
    "kernels/merge.LATEST_NS",
    "io/png.INCH_M",
    "io/text/ahead.EVERYTHING",
    *(f"io/guess/moments.{name}" for name in ("LABVIEW_NS", "EXCEL_NS", "LAST_DAY", "LAST_MONTH")),
    "io/cells.LAST_CENTURY_FROM",
    "kernels/text/moments.LAST_CENTURY_FROM",
    "io/times.LATEST_NS",
    "io/text/row_times.COUNTER",
    "io/text/table.NO_END",
    "engine/join/table.EVERYTHING",
    "engine/join/table.NOTHING",
    # Numbers of mathematics: logarithms, roots, quadratures, coefficients of a polynomial.
    "kernels/bursts/decay.LOG2_E",
    *(f"kernels/bursts/decay.E{power}" for power in range(10)),
    "kernels/images/gaussian.ROOT_HALF",
    "kernels/images/gaussian.ROOT_TWO_PI",
    "engine/fits/number_series.ROOT_TWO_PI",
    "kernels/images/rotated.MIDDLE",
    "kernels/images/rotated.NODE",
    "kernels/images/rotated.SIDE",
    "kernels/images/stack.RADIUS",
    "kernels/logs.LN_2",
    "engine/fits/images/answer.ONE_SIDED",
    "engine/fits/images/problem.SIGMAS",
    "engine/join/events.UNIFORM",
    "engine/fits/counts.ONE_SIGMA",
    "engine/fits/images/alarms.LOG_HUNDREDTH",
    "engine/fits/images/alarms.LOG_TENTH",
    # Places in an array.
    *(f"kernels/images/gaussian.{place}" for place in ("COUNTS", "PIXELS", "FRAMES", "SHIFT", "GAIN", "LARGEST_S")),
    # Limits of number formats, and bits.
    "kernels/bursts/decay.TO_WHOLE",
    "kernels/images/fit.CENTRE",
    "kernels/logs.SQRT_HALF_BITS",
    "kernels/text/cells.HIGHEST_POWER",
    "kernels/text/cells.LOWEST_POWER",
    "kernels/text/cells.MOST_DIGITS",
    "kernels/text/columns.EXACT",
    "kernels/text/moments.NO_NUMBER",
    "kernels/text/moments.FIRST_YEAR",
    "kernels/text/moments.LAST_YEAR",
    "io/guess/kinds.SURE_DIGITS",
    "io/cells.INT64_MAX",
    "io/lvm/segment.EPOCH_1904_NS",
    "io/lvm/state.UNKNOWN",
    # Room that loads of whole words need, and how many bytes a mask has.
    "kernels/text/fields.SPARE",
    "kernels/text/words.BACK",
    "kernels/text/words.BLOCK",
    "kernels/text/words.FRONT",
    # Codes: of kinds, of answers, of the PNG format, of exits.
    "kernels/images/bad_pixels.DEAD",
    "kernels/images/bad_pixels.HOT",
    *(f"kernels/text/cells.{kind}" for kind in ("INTEGER", "FLOAT", "DATETIME", "DATE", "TIME", "TEXT")),
    *(f"kernels/text/odd.{column}" for column in ("ROW", "COLUMN", "START", "STOP", "CODE", "LINE")),
    *(f"kernels/text/odd.{code}" for code in ("ODD_FIELDS", "ODD_EMPTY", "ODD_CELL", "BAD_FIELD_COUNT")),
    *(f"kernels/text/moments.{order}" for order in ("DAY_FIRST", "DAY_FIRST_WITH_POINTS", "MONTH_FIRST", "YEAR_FIRST")),
    *(f"kernels/text/matrix.{code}" for code in ("OK", "RAGGED", "NOT_AN_INTEGER")),
    *(f"io/png.{code}" for code in ("BITS", "TRUE_COLOUR", "NO_FILTER")),
    *(f"io/images/picture.{code}" for code in ("BMP_HEADERS", "COLOURS", "TRANSPARENT")),
    *(f"io/images/picture.{tag}" for tag in ("REDUCED", "BITS", "SAMPLE_FORMAT")),
    "engine/run/signals.FIRST_EXIT_CODE",
    # Characters.
    *(f"kernels/text/cells.{letter}" for letter in ("NEWLINE", "RETURN", "BLANK", "QUOTE", "LETTER_T")),
    *(f"kernels/text/columns.{letter}" for letter in ("MINUS", "PLUS")),
    *(f"kernels/text/fields.{letter}" for letter in ("TAB", "RUNS", "RUNS_OF_TABS")),
    *(f"kernels/text/moments.{letter}" for letter in ("COMMA", "MINUS", "POINT", "SLASH", "COLON", "PLUS", "LETTER_Z")),
    *(f"io/text/line_ends.{letter}" for letter in ("NEWLINE", "RETURN")),
    "io/text/stretch.NEWLINE",
    "kernels/text/segments.STAR",
    *(f"kernels/text/matrix.{letter}" for letter in ("COMMA", "TAB", "BLANK", "SEMICOLON", "NEWLINE", "RETURN")),
    *(f"kernels/text/matrix.{letter}" for letter in ("MINUS", "PLUS")),
}
"""Numbers that nobody chose: they are what they are, or another value would say the same."""


def module_of(place: str) -> ModuleType:
    """The module that stands at a path without its ending: ``io/png``."""
    return importlib.import_module(f"utokyo.{place.replace('/', '.')}")


def assigned(source: str) -> Iterator[str]:
    """Names in upper case that a module assigns at its top; Hz is written as the unit is."""
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for target in targets:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(name, ast.Name) and name.id.lstrip("_").removesuffix("_Hz").isupper():
                    yield name.id


def is_number(value: Any) -> bool:
    """A plain number, or a tuple of them. Masks of kernels are numpy's, and none."""
    if isinstance(value, tuple):
        return bool(value) and all(is_number(each) for each in value)
    return type(value) in (int, float)


@cache
def names_in(path: Path) -> tuple[str, ...]:
    """`assigned` of a file, parsed once."""
    return tuple(assigned(path.read_text(encoding="utf-8"))) if path.is_file() else ()


@cache
def found() -> dict[str, Any]:
    """Values of the numbers at the top of all modules, by ``room/module.NAME``."""
    numbers = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        place = path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__")
        for name in names_in(path):
            value = getattr(module_of(place), name)
            if is_number(value):
                numbers[f"{place}.{name}"] = value
    return numbers


def lines() -> list[str]:
    """Rows of the tables of the page, but their heads."""
    text = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in text if line.startswith("|") and not line.startswith(("| Constant |", "|---"))]


def names() -> list[str]:
    """What the first column of each row says."""
    return [line.partition("`")[2].partition("`")[0] for line in lines()]


@pytest.mark.parametrize("line", lines(), ids=names())
def test_a_row_of_the_page_is_true(line):
    row = ROW.fullmatch(line)
    assert row, "a row is | `room/module.NAME` | `value` | why | what was tried |"
    place, name = row["module"], row["name"]
    stands_there = name in names_in(ROOT / f"{place}.py")
    assert stands_there, f"{place} has no {name}: it was moved or renamed, and its row has to follow"
    module = module_of(place)
    there = getattr(module, name)
    assert name not in re.findall(r"\w+", row["value"]), "the value is that of the constant itself"
    told = eval(row["value"], dict(vars(module)))
    assert type(told) is type(there)
    assert np.array_equal(told, there), f"the page says {told}, the module {there}"
    assert row["why"] != "—"


def test_each_tuning_constant_has_a_row():
    missing = found().keys() - set(names()) - DEFINITIONS
    assert not missing, f"no row in docs/constants.md, and no definition: {', '.join(sorted(missing))}"


def test_a_constant_has_one_row_and_is_no_definition():
    assert len(set(names())) == len(names())
    assert not set(names()) & DEFINITIONS


def test_definitions_are_there():
    gone = DEFINITIONS - found().keys()
    assert not gone, f"no longer in the code: {', '.join(sorted(gone))}"


def test_numbers_at_the_top_are_found_and_nothing_else():
    source = "A, B = 1, (2.0, 3)\n_C: int = 4\nD_Hz = 5\nd = 5\nE: int\nclass F:\n    G = 6\ndef h():\n    I = 7\n"
    assert list(assigned(source)) == ["A", "B", "_C", "D_Hz"]
    assert [is_number(value) for value in (1, 2.0, (1, (2.0, 3)))] == [True] * 3
    assert [is_number(value) for value in (True, "1", (), (1, "2"), [1], np.uint64(1), np.ones(2))] == [False] * 7
