"""What writers of tables do, as data: a small file for each habit, and what it says.

The habits are those that the test suites of other readers of CSV cover: quoted cells and what goes wrong with quotes,
ends of lines, empty cells and lines, delimiters, numbers at and beyond their limits, letters that look like ends of
lines, NUL bytes, byte order marks, encodings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Any

from utokyo.io.column import Column, Kind
from utokyo.io.header import NamesLine
from utokyo.io.layout import BLANKS, Layout

N, X, S, T = Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.DATETIME


def layout(*kinds: Kind, delimiter: str = ",", nullable: bool = True, **options: Any) -> Layout:
    """Columns a, b, c, ... with a line that names them."""
    columns = tuple(Column("abcdefgh"[i], kind, nullable) for i, kind in enumerate(kinds))
    return Layout("dialect", columns, delimiter, header=NamesLine(), **options)


@dataclass(frozen=True)
class Dialect:
    """One file: its bytes, its layout, its rows, and what is said of its bad lines (from 1)."""

    name: str
    content: bytes
    layout: Layout
    rows: list[tuple[Any, ...]]
    bad: dict[int, str]
    is_guessed: bool
    """Whether a guess of the layout gives the same rows."""


DIALECTS: list[Dialect] = []


def case(
    name: str,
    content: str | bytes,
    described: Layout,
    rows: list[tuple[Any, ...]],
    bad: dict[int, str] | None = None,
    *,
    guessed: bool = True,
) -> None:
    """Add one to the table."""
    data = content.encode(described.encoding) if isinstance(content, str) else content
    DIALECTS.append(Dialect(name, data, described, rows, bad or {}, guessed))


MOMENT = datetime(2022, 3, 14, 10, 0, 1)
TEN, ELEVEN = [(i, i + 0.5) for i in range(1, 11)], "".join(f"{i},{i}.5\n" for i in range(1, 11))

# --- Quotes.
case(
    "delimiters within quotes",
    'a,b,c\n1,"Rb, 85",2.5\n2,"x,y,z",3.5\n',
    layout(N, S, X),
    [(1, "Rb, 85", 2.5), (2, "x,y,z", 3.5)],
)
case(
    "quotes within quotes",
    'a,b\n1,"say ""on"""\n2,""""\n3,"a ""b"" c"\n',
    layout(N, S),
    [(1, 'say "on"'), (2, '"'), (3, 'a "b" c')],
)
case(
    "all cells quoted",
    '"a","b","c"\n"1","1.5","x"\n"-2","2.5e-3","y z"\n',
    layout(N, X, S),
    [(1, 1.5, "x"), (-2, 0.0025, "y z")],
)
case("all cells quoted, CRLF", '"a","b"\r\n"1","1.5"\r\n"2","2.5"\r\n', layout(N, X), [(1, 1.5), (2, 2.5)])
case(
    "quoted empty cells",
    'a,b,c\n"1","","x"\n"2","2.5",""\n"3","3.5","z"\n',
    layout(N, X, S),
    [(1, None, "x"), (2, 2.5, None), (3, 3.5, "z")],
)
case("quoted blanks for no number", 'a,b\n1," "\n2,"2.5"\n3,"   "\n', layout(N, X), [(1, None), (2, 2.5), (3, None)])
case(
    "quoted padded numbers",
    'a,b\n" 1","  1.5 "\n"10"," -2.5"\n"  3  ","3e2  "\n',
    layout(N, X),
    [(1, 1.5), (10, -2.5), (3, 300.0)],
)
case(
    "quoted times",
    'a,b\n"2022-03-14 10:00:01","1"\n" 2022/03/14 10:00:01 ","2"\n',
    layout(T, N),
    [(MOMENT, 1), (MOMENT, 2)],
)
case("quoted padded text keeps its blanks", 'a,b\n1," x "\n2,"y  "\n', layout(N, S), [(1, " x "), (2, "y  ")])
case(
    "blanks before quotes",
    'a,b,c\n 1 , "x, y" ,2\n2,"z" , "3"\n3, ,4\n',
    layout(N, S, N),
    [(1, "x, y", 2), (2, "z", 3), (3, None, 4)],
)
case(
    "a quote within a cell",
    'a,b,c\n1,5" pipe,2\n2,6" pipe,3\n',
    layout(N, S, N),
    [(1, '5" pipe', 2), (2, '6" pipe', 3)],
)
case(
    "letters behind a closing quote", 'a,b,c\n1,"x"y,2\n2,"x" y,3\n', layout(N, S, N), [(1, '"x"y', 2), (2, '"x" y', 3)]
)
case(
    "an open quote",
    f'a,b,c\n{"".join(f"{i},x,{i}.5{chr(10)}" for i in range(1, 4))}4,"y,4.5\n5,z,5.5\n',
    layout(N, S, X),
    [(1, "x", 1.5), (2, "x", 2.5), (3, "x", 3.5), (5, "z", 5.5)],
    {5: "found 2, and a quote that is not closed"},
)
case(
    "an open quote before the first of few rows",
    'a,b\n"1,1.5\n2,2.5\n3,3.5\n',
    layout(N, X),
    [(2, 2.5), (3, 3.5)],
    {2: "found 1, and a quote that is not closed"},
)
case("an open quote in the last cell", 'a,b\n1,x\n2,"y\n3,z\n', layout(N, S), [(1, "x"), (2, '"y'), (3, "z")])
case(
    "an open quote before a number",
    f'a,b\n{ELEVEN}11,"11.5\n12,12.5\n',
    layout(N, X),
    [*TEN, (12, 12.5)],
    {12: "b should be a number, found '\"11.5'"},
)
case(
    "an open quote in a name",
    'a,"b,c\n1,2,x\n2,3,y\n',
    replace(layout(N, N, S), columns=tuple(Column(name, kind, True) for name, kind in (("a", N), ('"b', N), ("c", S)))),
    [(1, 2, "x"), (2, 3, "y")],
)
case(
    "a line end within quotes",
    'a,b,c\n1,x,1\n2,"two\nlines",2\n3,y,3\n4,z,4\n',
    layout(N, S, N),
    [(1, "x", 1), (3, "y", 3), (4, "z", 4)],
    {3: "found 2, and a quote", 4: "found 2"},
)
case(
    "a quote alone",
    'a,b,c\n1,",2\n2,x,3\n3,y,4\n',
    layout(N, S, N),
    [(2, "x", 3), (3, "y", 4)],
    {2: "a quote that is not closed"},
)

# --- Ends of lines, empty lines and cells.
case("LF", "a,b\n1,2\n3,4\n", layout(N, N), [(1, 2), (3, 4)])
case("CRLF", "a,b\r\n1,2\r\n3,4\r\n", layout(N, N), [(1, 2), (3, 4)])
case("CR", "a,b\r1,2\r3,4\r", layout(N, N), [(1, 2), (3, 4)])
case("CR, all quoted", '"a","b"\r"1","x"\r\r"2",""\r', layout(N, S), [(1, "x"), (2, None)])
case("CR CR LF", "a,b,c\r\r\n1,2,x\r\r\n\r\r\n3,4,y\r\r\n", layout(N, N, S), [(1, 2, "x"), (3, 4, "y")])
case("LF and CRLF", "a,b\n1,2\r\n3,4\n5,6\r\n", layout(N, N), [(1, 2), (3, 4), (5, 6)])
case(
    "CR within a line",
    f"a,b\n{ELEVEN}11,11.5\r12,12.5\n13,13.5\n",
    layout(N, X),
    [*TEN, (13, 13.5)],
    {12: "expected 2 fields (a,b), found 3"},
)
case("no end of the last line", "a,b\n1,2\n3,4", layout(N, N), [(1, 2), (3, 4)])
case("no end of the last line, CR", "a,b\r1,2\r3,4", layout(N, N), [(1, 2), (3, 4)])
case("blank lines", "a,b\n\n1,2\n  \n\r\n3,4\n\n\n", layout(N, N), [(1, 2), (3, 4)])
case(
    "empty cells", "a,b,c\n1,,x\n,2.5,\n3,3.5,z\n", layout(N, X, S), [(1, None, "x"), (None, 2.5, None), (3, 3.5, "z")]
)
case(
    "empty cells where none may be",
    "a,b\n1,2.5\n2,\n3,3.5\n",
    layout(N, X, nullable=False),
    [(1, 2.5), (3, 3.5)],
    {3: "b should be a number, found nothing"},
    guessed=False,
)
case(
    "a quoted empty cell where none may be",
    'a,b\n1,2.5\n2,""\n3,3.5\n',
    layout(N, X, nullable=False),
    [(1, 2.5), (3, 3.5)],
    {3: "b should be a number, found nothing"},
    guessed=False,
)
case("names alone", "a,b\n", layout(N, X), [], guessed=False)
case(
    "short and long lines",
    "a,b\n1,2\n3\n4,5,6\n7,8\n9,10\n11,12\n13,14\n15,16\n17,18\n19,20\n",
    layout(N, N),
    [(1, 2), *((i, i + 1) for i in range(7, 20, 2))],
    {3: "found 1", 4: "found 3"},
)
case(
    "short lines that may be",
    "a,b,c\n1,2.5\n2\n3,3.5,x\n",
    layout(N, X, S, short_rows=True),
    [(1, 2.5, None), (2, None, None), (3, 3.5, "x")],
    guessed=False,
)
case("a delimiter after the last cell", "a,b,\n1,2,\n3,4,\n", layout(N, N, trailing_delimiter=True), [(1, 2), (3, 4)])
case("one column", "a\n1\n2\n", layout(N), [(1,), (2,)])
case("one quoted column", 'a\n"1.5"\n"2.5"\n', layout(X), [(1.5,), (2.5,)])

# --- Delimiters.
case("tabs", "a\tb\n1\tx y\n2\t\n", layout(N, S, delimiter="\t"), [(1, "x y"), (2, None)])
case(
    "semicolons and decimal commas",
    'a;b\n1;1,5\n2;"-2,5e-3"\n3;\n',
    layout(N, X, delimiter=";", decimal=","),
    [(1, 1.5), (2, -0.0025), (3, None)],
)
case("bars", "a|b\n1|x,y\n2|z;w\n", layout(N, S, delimiter="|"), [(1, "x,y"), (2, "z;w")])
case("blanks around cells", "a, b\n 1 ,  1.5\n2 , 2.5 \n", layout(N, X), [(1, 1.5), (2, 2.5)])
case(
    "runs of blanks",
    "  a     b\n  1   1.5\n 10  10.5  \n\n100 100.5\n",
    layout(N, X, delimiter=BLANKS),
    [(1, 1.5), (10, 10.5), (100, 100.5)],
    guessed=False,
)
case(
    "blanks and tabs",
    "a b  c\n1 \t1.5\tx\n2  2.5 \t y \r\n",
    layout(N, X, S, delimiter=BLANKS),
    [(1, 1.5, "x"), (2, 2.5, "y")],
    guessed=False,
)
case(
    "runs of blanks and quotes",
    'a b c\n1 "x  y" 1.5\n2 "" 2.5\n3 z"w 3.5\n4 "u 4.5\n',
    layout(N, S, X, delimiter=BLANKS),
    [(1, "x  y", 1.5), (2, None, 2.5), (3, 'z"w', 3.5)],
    {5: "expected 3 fields (a b c), found 2, and a quote"},
    guessed=False,
)
case(
    "runs of blanks, short and long lines",
    "a b\n1 2\n3\n4 5 6\n 7  8\n",
    layout(N, N, delimiter=BLANKS),
    [(1, 2), (7, 8)],
    {3: "expected 2 fields (a b), found 1", 4: "found 3"},
    guessed=False,
)

# --- Numbers.
case(
    "numbers at their limits",
    "a,b\n9223372036854775807,1.7976931348623157e308\n-9223372036854775808,5e-324\n",
    layout(N, X),
    [(2**63 - 1, 1.7976931348623157e308), (-(2**63), 5e-324)],
)
case(
    "integers beyond 64 bits",
    "a,b\n1,2\n9223372036854775808,3\n-9223372036854775809,4\n18446744073709551617,5\n2,6\n",
    layout(N, N),
    [(1, 2), (2, 6)],
    {3: "a should be an integer, found '9223372036854775808'", 4: "found '-92233", 5: "found '1844674"},
    guessed=False,
)
case(
    "decimals whose digits wrap",
    "a\n18446744073709551616\n36893488147419103232.0\n-9223372036854775808.000000\n0.5\n",
    layout(X),
    [(2.0**64,), (2.0**65,), (-(2.0**63),), (0.5,)],
)
case("signs and points", "a,b\n+1,+1.\n-1,-.5\n007,1E+2\n", layout(N, X), [(1, 1.0), (-1, -0.5), (7, 100.0)])
case(
    "what is no number",
    "a\n1.5\nn2\n0x10\n1_000\n2.5\n3.5\n",
    layout(X),
    [(1.5,), (2.5,), (3.5,)],
    {3: "found 'n2'", 4: "0x10", 5: "1_000"},
    guessed=False,
)
case("infinities", "a\ninf\n-Infinity\n1e999\n1.5\n", layout(X), [(inf,), (-inf,), (inf,), (1.5,)])

# --- Letters that other programs take for ends of lines, and NUL bytes.
for letter, called in (
    ("\f", "form feed"),
    ("\v", "vertical tab"),
    ("\x85", "NEL"),
    ("\u2028", "line separator"),
    ("\x1c", "file separator"),
):
    case(
        f"{called} within text",
        f"a,b,c\n1,x{letter}y,2\n2,z,3\n3,{letter},4\n",
        layout(N, S, N),
        [(1, f"x{letter}y", 2), (2, "z", 3), (3, letter, 4)],
    )
    case(
        f"{called} within quotes",
        f'a,b\n1,"x{letter}y"\n2,"{letter}"\n',
        layout(N, S),
        [(1, f"x{letter}y"), (2, letter)],
    )
case("form feed beside a number", "a,b\n1,1.5\n2,\f2.5\n3,3.5\f\n", layout(N, X), [(1, 1.5), (2, 2.5), (3, 3.5)])
case(
    "NUL bytes within text",
    "a,b\n1,x\n2,y\0z\n3,w\n",
    layout(N, S),
    [(1, "x"), (3, "w")],
    {3: "b should be text without NUL bytes, found 'y\\x00z'"},
)
case("NUL bytes within quotes", 'a,b\n1,"x"\n2,"\0"\n3,"w"\n', layout(N, S), [(1, "x"), (3, "w")], {3: "NUL bytes"})
case(
    "NUL bytes for a number",
    f"a,b\n{ELEVEN}11,\0\0\0\n12,12.5\n",
    layout(N, X),
    [*TEN, (12, 12.5)],
    {12: "b should be a number, found '\\x00"},
)
case(
    "NUL bytes over some lines",
    f"a,b\n{ELEVEN}11,1{chr(0) * 40}\n12,12.5\n",
    layout(N, X),
    [*TEN, (12, 12.5)],
    {12: "b should be a number"},
)

# --- Encodings.
case("UTF-8", "a,b\n1,温度 °C\n2,μ\n", layout(N, S), [(1, "温度 °C"), (2, "μ")])
case("UTF-8 with its mark", b"\xef\xbb\xbfa,b\n1,x\n2,y\n", layout(N, S), [(1, "x"), (2, "y")])
case(
    "UTF-8 with its mark, quoted names", b'\xef\xbb\xbf"a","b"\n"1","x"\n"2","y"\n', layout(N, S), [(1, "x"), (2, "y")]
)
case("Shift-JIS", 'a,b\n1,測定ソ表\n2,"表,能"\n', layout(N, S, encoding="cp932"), [(1, "測定ソ表"), (2, "表,能")])
