"""Small tables as loggers, programs and people write them, one for each kind, and what a reader should make of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

__all__ = ["EXPECTED", "write_inputs"]

EXPECTED = "expected.toml"
"""Beside the files: what they say."""
FIRST, ROWS = "2024-03-11 09:30:00", 10
Cells = Callable[[int], str]
FILES: dict[str, bytes] = {}
SAYS: list[str] = []


def file(kind: str, name: str, content: str | bytes, said: str, encoding: str = "utf-8") -> None:
    """Add one: its kind, its name, what it holds, and what it says as lines of TOML."""
    FILES[name] = content.encode(encoding) if isinstance(content, str) else content
    SAYS.append(f'["{kind}"]\nfile = "{name}"\n{said.strip()}\n')


def rows(line: Cells, count: int = ROWS, end: str = "\n", first: int = 0) -> str:
    """Lines by their number."""
    return "".join(line(i) + end for i in range(first, first + count))


def clock(i: int) -> str:
    """A time of day, a second later in each row."""
    return f"09:30:{i:02d}"


def pressure(i: int) -> str:
    """A reading with an exponent."""
    return f"{3.2 + 0.1 * i:.1f}e-8"


TIMES = f'first = "{FIRST}"\nlast = "2024-03-11 09:30:09"'
OVEN = "columns = { Oven = { 0 = 412.5, 9 = 413.4 } }"


def oven(i: int) -> str:
    """A temperature."""
    return f"{412.5 + 0.1 * i:.1f}"


def comma(number: str) -> str:
    """A number as it is written in Germany."""
    return number.replace(".", ",")


def plain_and_european() -> None:
    """Delimiters, decimal signs, dates."""
    table = "Time,Oven,P\n" + rows(lambda i: f"2024-03-11 {clock(i)},{oven(i)},{pressure(i)}")
    file("plain table", "plain.csv", table, f"rows = 10\n{TIMES}\n{OVEN}")
    quoted = '"Time","Oven","P"\n' + rows(lambda i: f'"2024-03-11 {clock(i)}","{oven(i)}",""')
    file("all cells in quotes, one column empty", "quoted.csv", quoted, f"rows = 10\n{TIMES}\n{OVEN}")
    table = "Zeit;Oven\n" + rows(lambda i: f"11.03.2024 {clock(i)};{comma(oven(i))}")
    file("decimal commas, day.month.year", "comma.csv", table, f"rows = 10\n{TIMES}\n{OVEN}")
    groups = "Rate;Oven\n" + rows(lambda i: f"{[812, 990, '1.044', '2.155'][i % 4]};{comma(oven(i))}")
    said = "rows = 10\ncolumns = { Rate = { 0 = 812, 3 = 2155 }, Oven = { 0 = 412.5 } }"
    file("thousands 2.155 beside decimals 412,5", "german.csv", groups, said)
    english = "Time,Rate\n" + rows(lambda i: f'2024-03-11 {clock(i)},"{[812.4, "1,003.4"][i % 2]}"')
    said = f"rows = 10\n{TIMES}\ncolumns = {{ Rate = {{ 0 = 812.4, 1 = 1003.4 }} }}"
    file("thousands 1,003.4 in quotes", "english.csv", english, said)
    dashes = "Time\tOven\n" + rows(lambda i: f"13-03-2024 {clock(i)}\t{oven(i)}")
    file("dd-mm-yyyy", "dashes.tsv", dashes, f"rows = 10\n{TIMES.replace('-11', '-13')}")
    american = "Time,Oven\n" + rows(lambda i: f"3/13/2024 02:30:{i:02d} PM,{oven(i)}")
    file("American dates with AM and PM", "american.csv", american, 'rows = 10\nfirst = "2024-03-13 14:30:00"')
    short = rows(lambda i: f"27-03-24,{clock(i)},{oven(i)}")
    said = f"rows = 10\n{TIMES.replace('-11', '-27')}"
    file("no header, date and time apart, years of two digits", "short.csv", short, said)
    fraction = "Time;Oven\n" + rows(lambda i: f"2024-03-11 {clock(i)},25;{comma(oven(i))}")
    file("fractions of seconds with a comma", "fraction.csv", fraction, f'rows = 10\nfirst = "{FIRST}.250"\n{OVEN}')
    zone = "Time,Oven\n" + rows(lambda i: f"2024-03-11T{clock(i)}+09:00,{oven(i)}")
    file("ISO times with a zone", "zone.csv", zone, f"rows = 10\n{TIMES}\n{OVEN}")


def epochs() -> None:
    """Numbers that are times, and one that is none."""
    unix = 1_710_149_400
    for kind, name, cell in (
        ("seconds since 1904 (LabVIEW)", "labview.csv", lambda i: f"{unix + 2_082_844_800 + i}.000"),
        ("milliseconds since 1970", "unix_ms.csv", lambda i: f"{1000 * (unix + i)}"),
        ("days of Excel", "excel.csv", lambda i: f"{45_362 + (34_200 + i) / 86_400:.9f}"),
    ):
        table = "Time,Oven\n" + rows(lambda i, cell=cell: f"{cell(i)},{oven(i)}")
        file(kind, name, table, f'rows = 10\n{TIMES}\n{OVEN}\ntold = ["{kind.split()[-1].strip("()")}"]')
    ticks = "timestamp,counts\n" + rows(lambda i: f"{420_000_000 + 1024 * i},{17 + i}")
    file("a counter that is called timestamp", "ticks.csv", ticks, "rows = 10\ntimes = false")


def no_values() -> None:
    """Cells without a value, and columns that have none at first."""
    late = "Time,Oven,Laser\n" + rows(lambda i: f"2024-03-11 {clock(i)},{oven(i)},{'' if i < 4 else 0.25 * i}")
    said = f"rows = 10\n{TIMES}\ncolumns = {{ Laser = {{ 4 = 1.0 }} }}\nnulls = {{ Laser = 4 }}"
    file("a channel that begins late", "late.csv", late, said)
    words = "Time,Oven,P\n" + rows(
        lambda i: f"2024-03-11 {clock(i)},{oven(i)},{['Overrange', 'OL', pressure(i), '---'][min(i, 2) + (i == 7)]}"
    )
    said = f'rows = 10\n{TIMES}\n{OVEN}\nnulls = {{ P = 3 }}\ntold = ["Overrange"]'
    file("words for no value", "words.csv", words, said)


def headers() -> None:
    """Headers that stand again, and what else stands around rows."""

    def part(names: str, line: Cells, first: int) -> str:
        return names + "\n" + rows(line, 5, first=first)

    def usual(i: int) -> str:
        return f"2024-03-11 {clock(i)},{oven(i)},{pressure(i)}"

    first = part("Time,Oven,P", usual, 0)
    again = f"rows = 10\n{TIMES}\n{OVEN}"
    file("started again, same header", "again.csv", first + part("Time,Oven,P", usual, 5), again)
    swapped = part("Time,P,Oven", lambda i: f"2024-03-11 {clock(i)},{pressure(i)},{oven(i)}", 5)
    file("started again, columns in another order", "swapped.csv", first + swapped, f'{again}\ntold = ["header"]')
    more = part("Time,Oven,P,Laser", lambda i: f"{usual(i)},{0.5 * i}", 5)
    said = "columns = { Oven = { 9 = 413.4 }, Laser = { 5 = 2.5 } }\nnulls = { Laser = 5 }\n"
    file("started again, one more column", "more.csv", first + more, f'rows = 10\n{TIMES}\n{said}told = ["header"]')
    comments = "# run 17\n" + first + "# valve opened by hand\n" + rows(usual, 5, first=5) + "\nMean,412.9\n"
    file("comments, and a line of means at the end", "comments.csv", comments, again)
    titles = "Vacuum logger\nserial 4711\n\nTime,Oven,P\n" + rows(usual)
    file("titles above the header", "titles.csv", titles, again)
    units = "Time,Oven,P\n,degC,Pa\n" + rows(usual)
    file("units below the names", "units.csv", units, again)
    closed = "Time,Oven,P,\n" + rows(lambda i: usual(i) + ",")
    file("a delimiter at the end of each line", "closed.csv", closed, again)
    numbered = "Oven,P\n" + rows(lambda i: f"{i + 1},{oven(i)},{pressure(i)}")
    file("rows that begin with their number (R)", "numbered.csv", numbered, f"rows = 10\n{OVEN}")
    quote = "Time,Oven,note\n" + rows(lambda i: f"2024-03-11 {clock(i)},{oven(i)},{chr(34) * (i == 3)}ok")
    file("a quote that is never closed", "quote.csv", quote, again)


def letters() -> None:
    """Encodings, ends of lines, blanks between columns."""
    western = "Time;Länge (µm)\n" + rows(lambda i: f"2024-03-11 {clock(i)};{17.5 + i}")
    said = f'rows = 10\n{TIMES}\ncolumns = {{ "Länge (µm)" = {{ 0 = 17.5 }} }}'
    file("Windows-1252", "western.csv", western, said, "cp1252")
    japanese = "時刻,炉温度 (℃)\n" + rows(lambda i: f"2024/03/11 {clock(i)},{oven(i)}")
    said = f'rows = 10\n{TIMES}\ncolumns = {{ "炉温度 (℃)" = {{ 0 = 412.5 }} }}'
    file("Shift-JIS", "japanese.csv", japanese, said, "cp932")
    table = "Time\tOven\n" + rows(lambda i: f"2024-03-11 {clock(i)}\t{oven(i)}", end="\r\n")
    file("UTF-16 (Unicode text of Excel)", "unicode.txt", "\ufeff" + table, f"rows = 10\n{TIMES}\n{OVEN}", "utf-16-le")
    returns = "Time,Oven\r" + rows(lambda i: f"2024-03-11 {clock(i)},{oven(i)}", end="\r")
    file("lines that end in a carriage return alone", "returns.csv", returns, f"rows = 10\n{TIMES}\n{OVEN}")
    blanks = "  t_s     Oven\n" + rows(lambda i: f"{0.5 * i:>6.2f}{oven(i):>9}")
    file("columns filled up with blanks", "blanks.txt", blanks, f"rows = 10\n{OVEN}")
    tabs = "Time\t\tOven\t\t\tP\n" + rows(lambda i: f"2024-03-11 {clock(i)}\t{oven(i)}\t\t{pressure(i)}")
    file("any number of tabs between columns", "tabs.log", tabs, f"rows = 10\n{TIMES}\n{OVEN}")
    wide = "step,total\n" + rows(lambda i: f"{i},{2**64 * (i + 1)}")
    file("integers beyond 64 bits", "wide.csv", wide, "rows = 10\ncolumns = { total = { 0 = 18446744073709551616.0 } }")


def clocks_and_instruments() -> None:
    """A clock that is set, and files of programs that are more than a table."""
    autumn = "Time,Oven\n" + "".join(f"2023-10-29 02:{m:02d}:00,412.5\n" for m in (*range(50, 60), *range(8)))
    said = 'rows = 18\nfirst = "2023-10-29 02:00:00"\ntold = ["back"]'
    file("a clock that is set back", "autumn.csv", autumn, said)

    def counts(x: int, y: int) -> str:
        return comma(f"{90 * math.exp(-((x - 11) ** 2 + (y - 8) ** 2) / 18) + 5:.1f}")

    image = "Exposure;0,1\n\n" + rows(lambda y: ";".join([str(y), *(counts(x, y) for x in range(22))]), 15)
    spot = "image = [15, 22]\nspot = { x0 = 11.0, y0 = 8.0, sigma_x = 3.0 }"
    file("an image with the numbers of its rows", "spot.asc", image, spot)
    head = "LabVIEW Measurement\t\nWriter_Version\t2\nReader_Version\t2\nSeparator\tTab\nDecimal_Separator\t.\n"
    head += "Multi_Headings\tNo\nX_Columns\tOne\nTime_Pref\tRelative\nDate\t2024/03/11\nTime\t09:30:00.000000\n"
    head += "***End_of_Header***\t\n\t\nChannels\t1\t\nSamples\t10\t\nDate\t2024/03/11\t\nTime\t09:30:00.000000\t\n"
    head += "X_Dimension\tTime\t\nX0\t0.0\t\nDelta_X\t1.0\t\n***End_of_Header***\t\t\nX_Value\tOven\tComment\n"
    measured = head + rows(lambda i: f"{i}.0\t{oven(i)}")
    file("LabVIEW measurement file", "oven.lvm", measured, f"rows = 10\n{TIMES}\n{OVEN}")


for group in (plain_and_european, epochs, no_values, headers, letters, clocks_and_instruments):
    group()


def write_inputs(folder: Path) -> Path:
    """Write all files, and beside them what they say; the path of that."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    book = folder / EXPECTED
    book.write_text("\n".join(SAYS), encoding="utf-8")
    return book
