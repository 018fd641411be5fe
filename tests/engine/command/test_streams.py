"""What the command does when its streams are closed, full, or know ASCII alone, and with hostile names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import here

from utokyo import simulate

LOG = "time,p\n2022-03-14 10:00:00,1.5\n2022-03-14 10:00:01,1.25\n"
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
posix_only = pytest.mark.skipif(os.name != "posix", reason="by a shell, and by names that Windows does not allow")


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def utokyo(*arguments: object, redirect: str = "", **others: str) -> subprocess.CompletedProcess[str]:
    """By a shell, which closes and redirects."""
    command = ["sh", "-c", f'"$@" {redirect}', "sh", sys.executable, "-m", "utokyo", *map(str, arguments)]
    environment = {**os.environ, **others}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", timeout=120, check=False
    )


def _but_waiting(told: str) -> list[str]:
    """Lines that say more than what a slow machine is waiting for."""
    return [line for line in told.splitlines() if not line.endswith(" ...") and ": done in " not in line]


@posix_only
@pytest.mark.parametrize("redirect", [">&-", pytest.param(">/dev/full", marks=full)])
@pytest.mark.parametrize("arguments", [("analyze", "log.csv"), ("--version",), ("run", "--example"), ("--help",)])
def test_an_output_that_takes_nothing_is_one_sentence(arguments, redirect, log, monkeypatch):
    monkeypatch.chdir(log.parent)
    answer = utokyo(*arguments, redirect=redirect)
    assert answer.returncode == 2
    (told,) = _but_waiting(answer.stderr)
    assert "the standard output takes no more" in told


@posix_only
def test_a_reader_that_left_is_one_sentence(log):
    answer = utokyo("analyze", log, redirect=f"2>{log.parent}/told | true")
    del answer
    told = _but_waiting((log.parent / "told").read_text())
    assert told in ([], ["utokyo: the standard output takes no more (it was closed); what was left to print is lost"])


@full
@pytest.mark.parametrize("redirect", ["2>&-", "2>/dev/full"])
def test_without_a_place_for_messages_the_results_are_printed(redirect, log):
    answer = utokyo("analyze", log, log.parent / "nowhere.csv", redirect=redirect)
    assert answer.returncode == 3
    assert "2 rows" in answer.stdout


NAMES = ["日本.csv", "run\x1b[2J\x07\r\u202e.csv", os.fsdecode(b"run\xff.csv"), "a [red]b.csv"]


@posix_only
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_any_name_can_be_told(name, ascii_only, tmp_path):
    for path, content in ((tmp_path / name, LOG), (tmp_path / f"bad {name}", "")):
        path.write_text(content)
    paths = (tmp_path / name, tmp_path / f"bad {name}")
    answer = here("analyze", *paths, folder=tmp_path, encoding="ascii" if ascii_only else "utf-8")
    assert answer.returncode == 3
    assert "2 rows" in answer.stdout
    assert "the file is empty" in answer.stderr
    for told in (answer.stdout, answer.stderr):
        assert not set(told) & set("\x1b\x07\r\u202e")


@posix_only
def test_hostile_text_in_a_file_does_not_reach_the_terminal(tmp_path):
    path = tmp_path / "log.csv"
    rows = "".join(f"2022-03-14 10:00:{second:02d},1.5\n" for second in range(10, 30))
    path.write_text(LOG.replace("p\n", "p\x1b]0;title\x07\n") + rows + "2022-03-14 10:00:40,\x1b[2J\n")
    answer = here("analyze", path, folder=tmp_path)
    assert answer.returncode == 2
    assert "\\x1b[2J" in answer.stderr
    assert "\\x1b]0;title" in answer.stdout
    assert not set(answer.stdout + answer.stderr) & set("\x1b\x07")


@posix_only
def test_a_folder_with_one_broken_image_is_done_and_names_it(tmp_path):
    rows = "\n".join(",".join(str(100 + (7 * x + 3 * y) % 11) for x in range(30)) for y in range(30))
    for name in ("cmos_1.csv", "CMOS_2.CSV"):
        (tmp_path / name).write_text(rows)
    (tmp_path / "cmos_3.csv").write_text("1,2\n3\n")
    (tmp_path / "cmos_4.csv").symlink_to("cmos_4.csv")
    os.mkfifo(tmp_path / "cmos_5.csv")
    answer = here("analyze", "--no-figures", "--table", tmp_path, folder=tmp_path)
    assert answer.returncode == 3, answer.stderr
    assert "CMOS_2.CSV" in answer.stdout
    assert "cmos_3.csv" in answer.stderr
    assert "cmos_5.csv" not in answer.stdout


@posix_only
def test_files_of_every_bad_kind_are_named_and_the_good_one_is_done(log):
    folder = log.parent
    os.mkfifo(folder / "pipe.csv")
    (folder / "loop.csv").symlink_to("loop.csv")
    bad = [folder / "pipe.csv", folder / "loop.csv", folder / ("x" * 300), folder / "nowhere.csv", Path("/dev/zero")]
    answer = here("analyze", *bad, log, folder=folder)
    assert answer.returncode == 3
    assert answer.stderr.count("utokyo: ") == len(bad)
    assert "2 rows" in answer.stdout
    for path in bad[:3]:
        told = here("run", path, folder=folder)
        assert told.returncode == 2
        assert told.stderr.count("\n") == 1


FORK = """
import os, sys
from utokyo import Recorder, InputError
Recorder("log.csv").get_table()
child = os.fork()
if not child:
    try:
        Recorder("log.csv").get_table()
    except InputError as error:
        print(error)
        sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_after_use_is_told(log):
    answer = subprocess.run(
        [sys.executable, "-c", FORK], cwd=log.parent, capture_output=True, text=True, timeout=60, check=True
    )
    sentence, code = answer.stdout.splitlines()
    assert "was forked" in sentence
    assert code == "7"


@posix_only
def test_a_kind_of_another_file_is_one_sentence(tmp_path):
    truth = simulate(tmp_path / "data", minutes=0.5, seed=1)
    config = tmp_path / "run.toml"
    config.write_text(f"[[analyses]]\nkind = 'image'\nfilepath = 'data/{truth['files']['ssd']}'\n")
    answer = here("run", config, folder=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
