"""A table of text cells as programs write CSV: ours, and what a spreadsheet makes of it.

A spreadsheet that saves a table chooses encoding, delimiter and decimal sign by the country that it is set to. All of
that is found out, and kept when the table is written again, so that it opens there as before. UTF-16, which nothing
else here reads, is written as UTF-8 with the mark by which spreadsheets tell it.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace

import polars as pl

from ..header import UTF8_MARK

__all__ = ["Dialect", "plain_name", "read_cells", "written_cells"]

DELIMITERS = ",;\t|"
HINT = re.compile(r"sep=(.)\r?\n")
PRIVATE = re.compile("[\ue000-\uf8ff]")
DECIMAL_COMMA = r"^[+-]?\d+,\d+([eE][+-]?\d+)?$"
DECIMAL_POINT = r"^[+-]?\d+\.\d+([eE][+-]?\d+)?$"
REPEATED = "\0"
"""In names within this room: which of several columns of one name it is."""


@dataclass(frozen=True)
class Dialect:
    r"""How a table is written as text.

    Parameters
    ----------
    encoding : str
        Python's name of it.
    delimiter : str
    decimal : str
        The decimal sign.
    line_end : str
    hint : bool
        Whether a first line ``sep=;`` names the delimiter, as some spreadsheets want it.

    Examples
    --------
    >>> from utokyo.io.results.dialect import Dialect
    >>> Dialect(delimiter=";", decimal=",").said()
    "the delimiter ';' with decimal commas is kept"
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    line_end: str = "\n"
    hint: bool = False

    def said(self) -> str:
        """What of it is not as this program writes, for a sentence; empty for nothing."""
        said = []
        if self.encoding.startswith("utf-16"):
            said.append("it was UTF-16 text and is UTF-8 from now on")
        elif self.encoding not in {"utf-8", "utf-8-sig"}:
            said.append(f"the encoding {self.encoding} is kept")
        if self.delimiter != ",":
            called = "tab" if self.delimiter == "\t" else repr(self.delimiter)
            said.append(f"the delimiter {called}{' with decimal commas' * (self.decimal == ',')} is kept")
        return ", ".join(said)


def read_cells(content: bytes) -> tuple[Dialect, pl.DataFrame]:
    r"""The cells of a table as text, and how it is written.

    Returns
    -------
    (Dialect, polars.DataFrame)
        All columns are String; an empty cell is null. Rows and unnamed columns without any cell are left out. Of
        several columns of one name, all but the first have a number in theirs (see `plain_name`).

    Examples
    --------
    >>> from utokyo.io.results.dialect import read_cells
    >>> dialect, cells = read_cells("\ufeffevent;rate_Hz\r\n1;2,5\r\n;\r\n".encode())
    >>> cells.rows(), dialect.encoding, dialect.decimal
    ([('1', '2,5')], 'utf-8-sig', ',')
    """
    encoding, text = _decoded(content)
    hint = HINT.match(text)
    text = (text[hint.end() :] if hint else text).lstrip("\r\n")
    line_end = "\r\n" if "\r\n" in text else "\n"
    delimiter = hint[1] if hint else _delimiter(text)
    names = _distinct(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
    cells = _cells(text, delimiter, names) if names else pl.DataFrame()
    cells = cells.with_columns(pl.when(pl.all() != "").then(pl.all()))
    empty = [n for n in cells.columns if not plain_name(n) and cells[n].null_count() == cells.height]
    cells = cells.drop(empty)
    cells = cells.filter(pl.any_horizontal(pl.all().is_not_null())) if cells.width else cells
    dialect = Dialect(encoding, delimiter, line_end=line_end, hint=hint is not None)
    return (replace(dialect, decimal=",") if delimiter != "," and _has_decimal_commas(cells) else dialect), cells


def written_cells(cells: pl.DataFrame, dialect: Dialect) -> bytes:
    r"""A table of text cells as bytes; in UTF-8 where the encoding of the dialect has not all of its letters.

    Examples
    --------
    >>> from utokyo.io.results.dialect import Dialect, written_cells
    >>> written_cells(pl.DataFrame({"note": ["a;b", None]}), Dialect(delimiter=";"))
    b'note\n"a;b"\n\n'
    """
    target = io.BytesIO()
    # Names may be there twice, which a frame does not allow.
    head = io.StringIO()
    csv.writer(head, delimiter=dialect.delimiter, lineterminator=dialect.line_end).writerow(
        map(plain_name, cells.columns)
    )
    cells.write_csv(target, include_header=False, separator=dialect.delimiter, line_terminator=dialect.line_end)
    text = (f"sep={dialect.delimiter}{dialect.line_end}" if dialect.hint else "") + head.getvalue()
    text += target.getvalue().decode()
    encoding = "utf-8-sig" if dialect.encoding.startswith("utf-16") else dialect.encoding
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8-sig")


def plain_name(name: str) -> str:
    r"""The name of a column as it stands in the file.

    Examples
    --------
    >>> from utokyo.io.results.dialect import plain_name, read_cells
    >>> [plain_name(name) for name in read_cells(b"note,note\n1,2\n")[1].columns]
    ['note', 'note']
    """
    return name.partition(REPEATED)[0]


def _decoded(content: bytes) -> tuple[str, str]:
    """Encoding and text. Whatever is no Unicode goes back into the bytes that it was."""
    if content.startswith(UTF8_MARK):
        return "utf-8-sig", content.decode("utf-8-sig", "replace")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", content.decode("utf-16", "replace")
    if b"\0" in content[:4]:
        encoding = "utf-16-le" if content[:1] != b"\0" else "utf-16-be"
        return encoding, content.decode(encoding, "replace")
    for encoding in ("utf-8", "cp932", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Western letters are read as Shift-JIS that nobody uses.
        if encoding == "utf-8" or not PRIVATE.search(text):
            return encoding, text
    return "latin-1", content.decode("latin-1")


def _delimiter(text: str) -> str:
    """The one that cuts the names into most pieces."""
    widths = {d: len(next(csv.reader(io.StringIO(text, newline=""), delimiter=d), [])) for d in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: widths[delimiter])


def _distinct(names: list[str]) -> list[str]:
    known: dict[str, int] = {}
    answer = []
    for name in names:
        known[name] = known.get(name, 0) + 1
        answer.append(name if known[name] == 1 else f"{name}{REPEATED}{known[name]}")
    return answer


def _cells(text: str, delimiter: str, names: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(text.encode(), separator=delimiter, infer_schema=False, new_columns=names)
    except pl.exceptions.PolarsError:
        # A person's rows may be longer than the names, or quoted otherwise.
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))[1:]
    names = [*names, *(f"{REPEATED}{i}" for i in range(len(names), max(map(len, rows), default=0)))]
    columns = {name: [row[i] if i < len(row) else None for row in rows] for i, name in enumerate(names)}
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))


def _has_decimal_commas(cells: pl.DataFrame) -> bool:
    """Whether more cells are numbers with a decimal comma than with a point."""
    commas, points = (
        sum(int(column.str.contains(pattern).sum()) for column in cells) for pattern in (DECIMAL_COMMA, DECIMAL_POINT)
    )
    return commas > points
