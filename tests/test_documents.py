"""Every example of the documents runs, in the order in which a reader meets it."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
from commands import here

from utokyo import (
    Column,
    ColumnTime,
    DateAndTime,
    Elapsed,
    JoinedTable,
    KeyValueLines,
    Kind,
    Layout,
    NamesLine,
    NoHeader,
    Recorder,
    SectionLines,
    TimeOfDay,
    simulate,
)
from utokyo.engine.command.config import read_config, read_join_config
from utokyo.engine.recorders.known import class_for
from utokyo.io.guess.asked import Asked

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLE = re.compile(r"<!-- test: laboratory -->\n```python\n(.*?)```", re.DOTALL)
FILE = re.compile(r"<!-- file: \S+ -->\n```python\n")
CONFIG = re.compile(r"<!-- config -->\n```toml\n(.*?)```", re.DOTALL)


@pytest.fixture
def laboratory(tmp_path, monkeypatch) -> Path:
    """A folder with the files that the examples name."""
    truth = simulate(tmp_path / "beam", minutes=1.0, seed=5)
    for name, source in (("my_filepath.csv", "ssd"), ("all_data.csv", "pmt")):
        (tmp_path / name).write_bytes((tmp_path / "beam" / truth["files"][source]).read_bytes())
    (tmp_path / "temperatures.csv").write_text("time,T (K)\n2022-09-18 12:00:00,293.1\n2022-09-18 12:00:01,293.2\n")
    (tmp_path / "magnet.txt").write_text("Time\tField (mT)\n2022/09/18 12:00:00\t1.25\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_examples_of_a_document_run(document, laboratory):
    text = document.read_text(encoding="utf-8")
    examples = EXAMPLE.findall(text)
    files = FILE.findall(text)  # of a package, which tests/test_recipes.py builds and tests
    assert len(examples) + len(files) == text.count("```python"), "an example without its mark is not tested"
    for example in examples:
        exec(compile(example, document.name, "exec"), {"__name__": "example"})


def test_the_readme_runs_as_it_stands_after_the_command_that_it_names(tmp_path, monkeypatch, capsys):
    """From its first example on, with nothing but what the named command writes; its two cycles are two."""
    text = DOCUMENTS[0].read_text(encoding="utf-8")
    (command,) = re.findall(r"run as they stand, in this order, after `utokyo (simulate [^`]+)`", text)
    assert text.index(command) < text.index("```python")
    monkeypatch.chdir(tmp_path)
    assert here(*command.split(), folder=tmp_path).returncode == 0
    summaries = []
    for example in EXAMPLE.findall(text):
        names: dict[str, object] = {"__name__": "example"}
        exec(compile(example, "README.md", "exec"), names)
        summaries += [names["summary"]] if "summary" in names else []
    assert [(summary.cycles, summary.skipped) for summary in summaries] == [(2, 0)]  # type: ignore[attr-defined]
    assert "2 cycles\n" in capsys.readouterr().out


def test_the_subclass_of_the_readme_reads_its_file(laboratory):
    example = next(e for e in EXAMPLE.findall(DOCUMENTS[0].read_text(encoding="utf-8")) if "MagnetRecorder" in e)
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(example, "README.md", "exec"), names)
    table = names["table"]
    assert table.columns == ["Time", "Field (mT)", "timestamp_ns", "timestamp", "datetime"]  # type: ignore[attr-defined]
    assert table["Field (mT)"].to_list() == [1.25]  # type: ignore[index]


def test_the_page_of_recorders_describes_all_of_a_layout():
    text = (ROOT / "docs" / "recorders.md").read_text(encoding="utf-8")
    page = text[text.index("## A format of one's own") : text.index("## Parser mode")]
    for field in dataclasses.fields(Layout):
        assert f"| `{field.name}` |" in page
    for kind in Kind:
        assert f"| `{kind.name}` |" in page
    for field in dataclasses.fields(Column):
        assert field.name in page
    for style in (NamesLine, NoHeader, KeyValueLines, SectionLines, ColumnTime, DateAndTime, TimeOfDay, Elapsed):
        assert f"| `{style.__name__}(" in page
    assert "regular expression in bytes" in page
    assert "Text is taken, too" in page


@pytest.mark.parametrize("signature", [rb"Thermometer \d+", r"Thermometer \d+"])
def test_a_signature_is_bytes_or_text(signature, tmp_path, monkeypatch):
    """As the page of recorders says."""
    known = type("ThermometerRecorder", (Recorder,), {"signature": signature})
    monkeypatch.setattr("utokyo.engine.recorders.known.RECORDERS", [known])
    (tmp_path / "t.txt").write_text("Thermometer 2\nTime;T [K]\n")
    assert class_for(tmp_path / "t.txt") is known


def test_the_configuration_of_the_documents_can_be_read(tmp_path):
    (config,) = CONFIG.findall((ROOT / "docs" / "running.md").read_text(encoding="utf-8"))
    tomllib.loads(config)
    path = tmp_path / "run.toml"
    path.write_text(config)
    assert read_config(path).cycles == 180
    oven = _recorder_of_join(tmp_path, config, "oven")
    assert oven.settings.asked() == Asked("Zeit", "%d.%m.%Y %H:%M:%S", ";", ",", 3, True)


def _recorder_of_join(folder: Path, config: str, name: str) -> Recorder:
    """A recorder of a configuration of runs, which uses none but those of its analyses."""
    recorders = "".join(table for table in re.split(r"^(?=\[)", config, flags=re.MULTILINE) if "[recorders." in table)
    path = folder / "recorders.toml"
    path.write_text(f'{recorders}\n[join]\nevery = "1s"\n')
    return read_join_config(path).recorders[name]


def test_the_join_of_the_documents_can_be_read(tmp_path):
    text = (ROOT / "docs" / "join.md").read_text(encoding="utf-8")
    (config,) = re.findall(r"<!-- join config -->\n```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "join.toml"
    path.write_text(config)
    wanted = read_join_config(path)
    assert list(wanted.recorders) == ["ssd", "coil"]
    assert wanted.of_windows == {"before": "90s", "after": "10min", "merge_within": "1min"}
    assert JoinedTable(wanted.recorders, **wanted.options).clock_offsets_ns["coil"] == -180_000_000_000


def test_every_link_of_the_documents_leads_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_architecture_names_every_room():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+)` \|", text, re.MULTILINE)
    modules = [path for room in ("engine", "io", "kernels", "benchmarks") for path in (ROOT / room).rglob("*.py")]
    rooms = {module.parent.relative_to(ROOT).as_posix() for module in modules}
    rooms = {"engine/compat" if room.startswith("engine/compat/") else room for room in rooms}
    assert sorted(named) == sorted(rooms | {"docs", "tests"})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_a_document_names_is_there(document):
    for path in re.findall(
        r"`((?:benchmarks|engine|io|kernels|tests)/[a-z0-9_/.]+\.py)`", document.read_text(encoding="utf-8")
    ):
        assert (ROOT / path).is_file(), path
