"""Mistakes in a configuration: each is one sentence that says what is wrong, where, and what to write instead."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import pytest

from utokyo import InputError
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
    assert f"run.toml, [[analyses]] number 1: [recorders.{recorder}] is a " in sentence
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
        ("between = [1, 99999999999999999999]", "between should lie between the years 1824 and 2115"),
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
        (r'filepath = "C:\data\ssd.csv"', "write paths with forward slashes, or in single quotes: 'C:\\data'"),
        (r'filepath = "C:\Users\fr"', "write paths with forward slashes, or in single quotes: 'C:\\data'"),
        ('filepath = "C:\\data\\"', "write paths with forward slashes, or in single quotes: 'C:\\data'"),
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
