"""The header blocks of LabVIEW measurement files: lines of a tag and its values.

The first block speaks for the file, a later one for a segment, where the values of a column stand below each other.
What the tags mean is told in National Instruments' "Specification for the LabVIEW Measurement File (.lvm)".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .. import cells
from ..column import Kind

__all__ = ["Tags", "begins_header", "decimal_of", "fields_of", "number_of", "separator_of", "start_ns"]

Tags = Mapping[str, Sequence[str]]
"""A block: of each tag the fields of its line, with the tag itself."""

TITLE = "LabVIEW Measurement"
END_OF_HEADER = "***End_of_Header***"
START_SPECIAL, END_SPECIAL = "***Start_Special***", "***End_Special***"
X_VALUE, COMMENT = "X_Value", "Comment"
OF_COLUMNS = (
    *("Channels", "Samples", "Date", "Time", "X0", "Delta_X"),
    *("X_Dimension", "X_Unit_Label", "Y_Dimension", "Y_Unit_Label"),
)
"""Tags with a value a column."""
SEGMENT_TAGS = frozenset(
    {*OF_COLUMNS, "Notes", "Test_Name", "Test_Numbers", "Test_Series", "UUT_Name", "UUT_M/N", "UUT_S/N"}
)
NAMED_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": " "}
USUAL_SEPARATOR = re.compile(r"[\t,;|]")
CLOCK = re.compile(r"(\d{1,2}:\d{2}:\d{2})(?:[.,](\d*))?")


def fields_of(line: str, separator: str) -> list[str]:
    r"""The fields of a line, without blanks and quotes; those at its end that are empty are left out.

    Before the separator is known, it is the first of those that are used.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import fields_of
    >>> fields_of("Channels\t3\t\t\t\r\n", "\t"), fields_of("Operator,shift", "")
    (['Channels', '3'], ['Operator', 'shift'])
    """
    if not separator:
        found = USUAL_SEPARATOR.search(line)
        separator = found[0] if found else "\t"
    fields = [_bare(field) for field in line.split(separator)]
    while len(fields) > 1 and not fields[-1]:
        fields.pop()
    return fields


def _bare(field: str) -> str:
    """Without blanks and quotes; blanks of ASCII alone, for the bytes of a text are not known to be letters yet."""
    field = field.strip(" \t\r\n")
    return field[1:-1].replace('""', '"') if len(field) >= 2 and field[0] == field[-1] == '"' else field


def begins_header(tag: str) -> bool:
    """Whether a line between rows that begins with this field is the first of a header.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import begins_header
    >>> begins_header("Channels"), begins_header("NaN")
    (True, False)
    """
    return tag in SEGMENT_TAGS or tag in {X_VALUE, TITLE, END_OF_HEADER, START_SPECIAL}


def separator_of(line: str) -> str | None:
    r"""The separator that a line names; empty where it names none, None where it is more than one character.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import separator_of
    >>> separator_of("Separator\tTab\r\n"), separator_of("Separator,,"), separator_of("Operator\tshift")
    ('\t', ',', '')
    """
    if not line.startswith("Separator"):
        return ""
    said = line.removeprefix("Separator").rstrip("\r\n")
    named = said[1:].strip().lower() if said else ""
    if named in NAMED_SEPARATORS:
        return NAMED_SEPARATORS[named]
    characters = set(said)
    return characters.pop() if len(characters) == 1 else None


def decimal_of(file: Tags, tags: Tags, row: str, separator: str) -> str:
    r"""The decimal sign: what the file's block says, else what the segment's numbers have, else those of a row.

    It is empty where none of these has one.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import decimal_of
    >>> decimal_of({"Decimal_Separator": ["Decimal_Separator", ","]}, {}, "", "\t")
    ','
    >>> decimal_of({}, {"X0": ["X0", "0.0E+0"]}, "", "\t"), decimal_of({}, {}, "\t0,055\t7", "\t")
    ('.', ',')
    """
    said = "".join(file.get("Decimal_Separator", ())[1:2])
    if said in {".", ","}:
        return said
    if separator == ",":
        return "."
    for numbers in ("\t".join([*tags.get("X0", ())[1:], *tags.get("Delta_X", ())[1:]]), row):
        if "." in numbers:
            return "."
        if re.search(r"\d,\d", numbers):
            return ","
    return ""


def number_of(text: str, decimal: str) -> float | None:
    """A number of a header, with either decimal sign; None where it is none.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import number_of
    >>> number_of("3,90625E-5", ","), number_of("", ".")
    (3.90625e-05, None)
    """
    value = cells.cell_value(text, Kind.FLOAT, cells.Notation(decimal))
    if value is None:
        value = cells.cell_value(text, Kind.FLOAT)
    return None if value is None else float(value)


def start_ns(date: str, time: str) -> int | None:
    """When a segment began, ns since 1970; None where nothing real is said: LabVIEW writes 1903 where it has no time.

    Examples
    --------
    >>> from utokyo.io.lvm.tags import start_ns
    >>> start_ns("1970/01/01", "00:00:01,2500000000000000000"), start_ns("1903/12/31", "19:00:00")
    (1250000000, None)
    """
    day, clock = cells.cell_value(date, Kind.DATE), CLOCK.fullmatch(time.strip())
    if day is None or clock is None:
        return None
    digits = (clock[2] or "").ljust(10, "0")
    moment = cells.time_of_day_ns(f"{clock[1]}.{digits[:9]}")
    return None if moment is None else int(day) + moment + (digits[9] >= "5")
