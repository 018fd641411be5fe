"""Mistakes in a configuration: each is one sentence that says what is wrong, where, and what to write instead."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest

from utokyo import InputError, simulate
from utokyo.engine.command.config import read_config, read_join_config
from utokyo.engine.options.sentences import notation, shown

RECORDERS = """
[recorders.heater]
kind = "heater"
filepath = "heater.csv"
[recorders.ssd]
kind = "ssd"
filepath = "ssd.csv"
[recorders.picture]
kind = "picture"
filepath = "cmos_1.csv"
[recorders.images]
kind = "files"
filepath = "images"
[recorders.any]
kind = "table"
filepath = "any.csv"
"""
SSD = '[[analyses]]\nkind = "ssd"\nfilepath = "x.csv"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder that a configuration is written to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(content: str | bytes, read=read_config) -> str:
    """The sentence by which a configuration is refused."""
    path = Path("run.toml")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        read(path)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert sentence.startswith("run.toml")
    return sentence


@pytest.mark.parametrize(
    ("kind", "recorder", "wanted"),
    [
        ("ssd", "heater", '"ssd"'),
        ("ssd", "images", '"ssd"'),
        ("pmt", "ssd", '"pmt"'),
        ("image", "picture", '"files"'),
        ("ssd_folder", "ssd", '"files"'),
    ],
)
def test_a_recorder_of_another_kind_is_refused_when_the_file_is_read(kind, recorder, wanted, folder):
    sentence = refused(f'{RECORDERS}[[analyses]]\nkind = "{kind}"\nrecorder = "{recorder}"\n')
    assert f"run.toml, [[analyses]] number 1: [recorders.{recorder}] is of kind " in sentence
    assert sentence.endswith(f"give it a recorder of kind {wanted}")


def test_recorders_of_files_that_do_not_exist_yet_are_taken(folder):
    Path("run.toml").write_text(
        RECORDERS
        + "".join(
            f'[[analyses]]\nkind = "{kind}"\nrecorder = "{recorder}"\n'
            for kind, recorder in (("ssd", "ssd"), ("image", "images"), ("ssd_folder", "images"), ("ssd", "any"))
        )
    )
    assert len(read_config("run.toml").analyses) == 4


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('result_filepath = "taken.csv"', "taken.csv: this is a folder; a result table needs"),
        ('result_filepath = "file/results/r.csv"', "file/results: this folder cannot be made: file is a file"),
        ('result_filepath = "x.csv"', "x.csv: the results would replace the data"),
        ('image_src = "file"', "file: this is a file, no folder; choose another path"),
        ('image_src = "file/plots"', "file/plots: this folder cannot be made: file is a file"),
        ('image_src = "new.csv"\nresult_filepath = "new.csv"', "result_filepath and a folder of image_src"),
    ],
)
def test_figures_and_results_that_can_never_be_written_are_refused(line, sentence, folder):
    Path("taken.csv").mkdir()
    Path("file").write_text("")
    said = refused(SSD + line)
    assert said.startswith("run.toml, [[analyses]] number 1: ")
    assert sentence in said.replace("\\", "/")
    assert not Path("x.csv").exists()


def test_a_folder_without_permission_is_refused_and_nothing_is_made(folder, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "plots/new: no permission to write in ." in refused(SSD + 'image_src = "plots/new"').replace("\\", "/")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    read_config("run.toml")
    assert not Path("plots").exists()


SOURCES = """
[recorders.ssd]
kind = "ssd"
filepath = "s.csv"
[recorders.pmt]
kind = "pmt"
filepath = "p.csv"
[join]
"""


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('every = "often"', "every should be a duration like '2min', '500ms' or a number of seconds, not 'often'"),
        ('every = "0s"', "every should be above 0 and at most 36600d, not '0s'"),
        ('every = "80000d"', "every should be 36600d at most, not '80000d'"),
        ("every = true", "every should be a duration like '2min', '500ms' or a number of seconds, not true"),
        ('every = "1s"\non = "ssd"', 'join takes on = "ssd" (a row a burst, an image, a reading) or every = "1s"'),
        ('on = "sdd"', "on: 'sdd' is none of the sources; there are: ssd, pmt; did you mean 'ssd'?"),
        ('on = "pmt"\nwindow = "1ns"', "window should be 2ns or more and at most 36600d, not '1ns'"),
        ('how = "median"', """made of which readings, as {ssd = 'median', "pmt.current_A" = 'max'}, not 'median'"""),
        ("how.pmt.current_A = 'max'", "not {pmt = {current_A = 'max'}}; a name with a dot stands in quotes"),
        ("how = {pmt = 'medien'}", "how: pmt should be one of last, mean,"),
        ("how = {'PMT.current_A' = 'max'}", "how: 'PMT.current_A' is none of the sources; there are: ssd, pmt; did"),
        ("tolerance = {pmt = 'late'}", "tolerance.pmt should be a duration"),
        ("tolerance = {'pmt.current_A' = '1s'}", "tolerance: 'pmt.current_A' is none of the sources"),
        ("clock_offsets = {sdd = '1s'}", "clock_offsets: 'sdd' is none of the sources"),
        ("clock_offsets = {ssd = 'late'}", "clock_offsets.ssd should be a duration"),
        (
            "clock_offsets = '1s'",
            "clock_offsets should say by how much for which source, as {pmt = '1500ms'}, not '1s'",
        ),
        ("between = ['2022-09-18']", "between should be [begin, end], not ['2022-09-18']"),
        ("between = ['noon', '']", "between should be a moment like '2022-03-14 12:05:00', 2022-03-14T12:05:00 or ns"),
        ("between = [12:00:00, 13:00:00]", "not 12:00:00"),
        ("between = [2022-09-19, 2022-09-18]", "between: the begin 2022-09-19 is not before the end 2022-09-18"),
        ("between = [1, 99999999999999999999]", "between should lie between the years 1678 and 2262"),
        (
            'every = "1us"\nbetween = [2022-09-18, 2022-09-19]',
            "between holds 1 days, which are more than 50,000,000 intervals of 1us: every should be 1.8ms or longer",
        ),
        ('evry = "1s"', "unknown key 'evry'"),
    ],
)
def test_mistakes_in_what_is_joined_name_the_table_and_are_said_as_toml(line, sentence, folder):
    said = refused(SOURCES + line, read_join_config)
    assert said.startswith("run.toml, [join]: ")
    assert sentence in said


def test_a_run_reads_the_table_of_the_join_too(folder):
    assert "run.toml, [join]: unknown key 'evry'" in refused(SSD + '[join]\nevry = "1s"')


def test_a_source_that_cannot_be_joined_is_named(folder):
    assert refused(RECORDERS, read_join_config).startswith("run.toml, [recorders.picture]: picture is a single image")
    dotted = "[recorders.'a.b']\nkind = 'ssd'\nfilepath = 'x'"
    assert "cannot be called 'a.b'" in refused(dotted, read_join_config)


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (
            "[2026-01-01T00:00:00, 2026-01-02T06:30:00.5]",
            (datetime(2026, 1, 1), datetime(2026, 1, 2, 6, 30, 0, 500_000)),
        ),
        ("[2026-01-01, 2026-01-02]", (date(2026, 1, 1), date(2026, 1, 2))),
        ("[2026-01-01T00:00:00+09:00, '']", (datetime(2026, 1, 1), None)),
        ("['', '2026-01-01']", (None, "2026-01-01")),
    ],
)
def test_moments_are_those_of_toml_as_well(between, expected, folder, caplog):
    Path("run.toml").write_text(f"{SOURCES}between = {between}")
    assert read_join_config("run.toml").options["between"] == expected
    said = "between: times in the files have no zone; 2026-01-01T00:00:00+09:00 is taken as 2026-01-01 00:00:00"
    assert (said in caplog.text) == ("+09:00" in between)


def test_values_are_shown_as_they_are_written():
    values = [True, 1.5, ["a", 2], {"a": "b", "c d": "it's"}, "C:\\x", time(0, 3)]
    with notation("toml"):
        assert [shown(value) for value in values] == [
            "true",
            "1.5",
            "['a', 2]",
            """{a = 'b', "c d" = "it's"}""",
            "'C:\\x'",
            "00:03:00",
        ]
    assert shown(True) == "True"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("recorders.h = 'a'", "run.toml: recorders.h should be a table: write [recorders.h] above its keys, not 'a'"),
        ("recorders = 'a'", "run.toml: recorders should be tables: write [recorders.NAME] above the keys of each, not"),
        ("[recorders]\nkind = 'ssd'", "run.toml: [recorders] has no name: write [recorders.NAME]"),
        ("[[recorders]]\nkind = 'ssd'", "run.toml: recorders should be tables: write [recorders.NAME] above"),
        ("[[recorders.h]]\nkind = 'ssd'", "run.toml: [[recorders.h]] has a bracket too many: write [recorders.h]"),
        ("[recorders.my.ssd]\nkind = 'ssd'", "[recorders.my.ssd] has a dot in its name: write [recorders.my_ssd]"),
        ("[recorders.'']\nkind = 'ssd'", "run.toml: [recorders.''] has no name"),
        (
            "analyses = ['hall']",
            "run.toml: analyses should be tables: write [[analyses]] above the keys of each, not [",
        ),
        ("analyses = 'hall'", "write [[analyses]] above the keys of each, not 'hall'"),
        ("[analyses.ssd]\nkind = 'ssd'", "run.toml: [analyses.ssd] has a name; write [[analyses]] above each analysis"),
        ("join = '1s'", "run.toml: join should be a table: write [join] above its keys, not '1s'"),
        ("[[join]]\nevery = '1s'", "run.toml: [[join]] has a bracket too many: write [join]"),
        ("[[analyses]]\nkind = ['ssd']", "number 1: kind should be one of ssd, ssd_folder, pmt, image, not ['ssd']"),
        ("[[analyses]]\nkind = {a = 1}", "not {a = 1}"),
        ("[[analyses]]\nkind = 'SSD'", "not 'SSD'; did you mean 'ssd'?"),
        ("[[analyses]]\nkind = 'PMTAnalysis'", "not 'PMTAnalysis'; did you mean 'pmt'?"),
    ],
)
def test_tables_that_are_none_are_named(content, sentence, folder):
    assert sentence in refused(content)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            r'filepath = "C:\data\ssd.csv"',
            "write paths with forward slashes, or in single quotes: 'C:\\data'",
        ),
        (
            r'filepath = "C:\Users\fr"',
            "write paths with forward slashes, or in single quotes: 'C:\\data'",
        ),
        (
            'filepath = "C:\\data\\"',
            "write paths with forward slashes, or in single quotes: 'C:\\data'",
        ),
        ("kind = “ssd”", "write straight quotes"),
        ("; the SSD", "a remark begins with #"),
        ('{"cycles": 3}', "write keys as name = value"),
        ("[recorders.my ssd]", 'a name with blanks stands in quotes: [recorders."my ssd"]'),
        ("[recorders.ssd", "as many brackets as it begins with"),
        ("[[analyses]", "as many brackets as it begins with"),
        ("always_update = True", "write true or false, in small letters"),
        ("image_src = None", "leave out a key that has no value"),
        ("image_src =", "there is no value"),
        ("period_s = 0,5", "a decimal number is written with a point"),
        ("period_s: 5", "write period_s = and its value"),
        ("period_s = 5;", "nothing follows a value"),
        ("period_s = 5s", 'a duration or a text stands in quotes: "5s"'),
        ("kind = ssd", "a text stands in quotes"),
        ("kind = 'ssd", "a text ends with the quote that it begins with"),
        ("cycles", "write cycles = and its value"),
    ],
)
def test_what_is_no_toml_is_shown_with_its_line_and_what_to_write(line, advice, folder):
    said = refused(f"# a run\n{line}\n")
    assert said.startswith(f"run.toml, line 2: `{line}` is no TOML: ")
    assert advice in said


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("cycles = 1\ncycles = 2", "run.toml, line 2: cycles stands in line 1 already"),
        ("[recorders.a]\nkind = 'ssd'\n[recorders.a]", "run.toml, line 3: [recorders.a] stands in line 1 already"),
        (SSD + "image_src = 'a'\n" + SSD + "kind = 'ssd'", "line 8: kind in [[analyses]] of line 5 stands in line 6"),
        ("references = [\n'a',", "run.toml: this is no TOML: a quote or a bracket is not closed"),
        ("cycles = 3".encode("utf-16"), "run.toml: this is text in UTF-16, or no text; save it as UTF-8"),
        ("cycles = 3".encode("utf-16-le"), "run.toml: this is text in UTF-16, or no text; save it as UTF-8"),
        ("\nname = 'データ'".encode("shift-jis"), "run.toml, line 2: this is no text in UTF-8; save it as UTF-8"),
        ("", "run.toml: no [[analyses]]"),
    ],
)
def test_files_that_are_none_are_told_from_toml(content, sentence, folder):
    assert sentence in refused(content)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_tabs_and_all_line_ends_are_read(ends, folder):
    text = f"{SSD}\tdead_time_s\t=\t1e-6\n# remark\n".replace("\n", ends)
    Path("run.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_config("run.toml").analyses[0].settings.dead_time_s == 1e-6


def test_a_folder_is_no_configuration(folder):
    Path("run.toml").mkdir()
    with pytest.raises(InputError, match=r"run\.toml: this is a folder; give the TOML file"):
        read_config("run.toml")


IMAGE = '[[analyses]]\nkind = "image"\nfilepath = "images"\n'


def recorder(kind: str, line: str) -> str:
    return f'[recorders.a]\nkind = "{kind}"\nfilepath = "x.txt"\n{line}\n{SSD}'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (SSD + "period_s = 5", "number 1: period_s does not belong here; write it at the top of the file, above the"),
        (SSD + "clock_offset_s = 5", "number 1: clock_offset_s does not belong here; write it below a [recorders."),
        ("every = '1s'", "run.toml: every does not belong here; write it below [join]"),
        (recorder("ssd", "image_src = 'p'"), "[recorders.a]: image_src does not belong here; write it below an [["),
        ("[recorder.a]\nkind = 'ssd'", "unknown key 'recorder'; known are cycles, period_s, recorders, analyses, join"),
        (SSD + "Dead_Time_s = 0", "did you mean 'dead_time_s'?"),
        ("[[analyses]]\nkind = 'heater'", "'heater' is a kind of recorders: write it below a [recorders.NAME]; here"),
        (recorder("ssd_folder", ""), "'ssd_folder' is a kind of [[analyses]]; here it may be ssd, pmt"),
        (RECORDERS + "[[analyses]]\nkind = 'ssd'\nrecorder = 'SDD'", "any; did you mean 'ssd'?"),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = \"C:\\temp\\new.csv\"", 'not "C:\\temp\\new.csv": a backslash in'),
        (recorder("ssd", "clock_offset = 3"), "[recorders.a]: clock_offset should be a text, as '-3min', not 3"),
        (recorder("heating", "day = 20220918"), "day should be one like '2022-09-18', without a time, not 20220918"),
        (recorder("heating", "day = 2022-09-18T12:00:00"), "without a time, not 2022-09-18T12:00:00"),
        (recorder("heating", ""), 'the file\'s name holds no day like 20220918; give the day, as day = "2022-09-18"'),
        (
            IMAGE + "roi = [20, 10, 0, 30]",
            "roi should be [x_low, x_high, y_low, y_high] in pixels from 0, each low end",
        ),
        (IMAGE + "roi = [-1, 10, 0, 30]", "not [-1, 10, 0, 30]"),
        (IMAGE + "spot = {x0 = '1', y0 = 1, sigma_x = 1, sigma_y = 1}", "spot should hold numbers of pixels, not {x0"),
        (IMAGE + "spot = {x0 = 1, y0 = 1, sigma_x = 0, sigma_y = 1}", "spot should hold widths above 0"),
        (IMAGE + "time_interval = '2022-09-18'", "time_interval should be [begin, end], not '2022-09-18'"),
        (IMAGE + "references = []", "references should be paths of images or folders, or one array, not []"),
        (IMAGE + 'mask = "references"', 'mask = "references" needs references'),
        (IMAGE + 'match = "*.csv"', r"is no regular expression: nothing to repeat at position 0; write '.*\.csv'"),
        (IMAGE + 'camera = "ccd"\ncamera_file = "."', "cannot be read"),
        (IMAGE + 'camera_file = "cameras.toml"', 'camera_file has no effect without camera = "NAME"'),
        (IMAGE + 'draw = "detections"', "draw has no effect without image_src"),
        (SSD + 'image_extension = ".pdf"', "image_extension has no effect without image_src"),
        (2 * (SSD + 'image_src = "p"\n'), "number 2: number 1 draws figures of the same names into p, which would"),
    ],
)
def test_what_a_person_writes_at_four_in_the_morning(content, sentence, folder):
    assert sentence in refused(content)


def test_days_times_wide_blanks_and_the_folder_of_a_user_are_taken(folder, monkeypatch):
    monkeypatch.setattr(Path, "expanduser", lambda path: Path(str(path).replace("~", "home")))
    content = (
        "[recorders.log]\nkind = 'heating'\nfilepath = '~/x.txt'\nday = 2022-09-18\n"
        "[[analyses]]\nkind = 'image'\nfilepath = 'データ\u3000一'\ntime_interval = [2022-09-18T12:00:00, '']\n"
    )
    Path("run.toml").write_text(content, encoding="utf-8")
    (analysis,) = read_config("run.toml").analyses
    assert analysis.settings.time_interval.begin_ns == 1_663_502_400_000_000_000
    assert read_join_config("run.toml").recorders["log"].filepath == Path("home/x.txt")


def test_a_file_that_is_there_and_of_another_kind_is_refused(folder):
    simulate("beam", minutes=0.2, seed=1)
    pmt = next(Path("beam").rglob("all_data.csv")).as_posix()
    ssd = next(Path("beam").glob("*Slot1*")).as_posix()
    for content, sentence in (
        (f"[[analyses]]\nkind = 'ssd'\nfilepath = '{pmt}'", 'no file for SSDRecorder; it looks like one of kind = "p'),
        (f"[recorders.a]\nkind = 'pmt'\nfilepath = '{ssd}'\n{SSD}", 'it looks like one of kind = "ssd"'),
        (
            f"[recorders.a]\nkind = 'table'\nfilepath = '{pmt}'\n[[analyses]]\nkind = 'ssd'\nrecorder = 'a'",
            f"number 1: {pmt}: this is no file for SSDRecorder",
        ),
        ("[[analyses]]\nkind = 'ssd'\nfilepath = 'beam'", "beam: this is a folder; SSDRecorder wants a file"),
        (f"[[analyses]]\nkind = 'ssd_folder'\nfilepath = '{ssd}'", "this is a file; FileRecorder wants the folder"),
        (SSD + f"result_filepath = '{pmt}'", "all_data.csv: a table without the column"),
    ):
        assert sentence in refused(content).replace("\\", "/")
    Path("x.csv").write_text("")
    Path("run.toml").write_text(f"{SSD}[[analyses]]\nkind = 'pmt'\nfilepath = '{pmt}'\n")
    assert len(read_config("run.toml").analyses) == 2
