"""`AnalysisTests`: what is promised of an analysis, whatever it finds."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from matplotlib.figure import Figure
from polars.testing import assert_frame_equal

from ...io.errors import InputError
from ...io.store import read_results
from ..analyses.base import Analysis
from ..analyses.findings import Findings
from ..analyses.known import ANALYSES
from ..command.config import read_config
from ..join.kinds import kind_of
from ..recorders.frames import as_polars
from ..recorders.static import StaticRecorder
from .elsewhere import elsewhere

__all__ = ["AnalysisTests"]

PIECES = 5
"""In which a table comes, one after another."""


class AnalysisTests:
    """Promises of an analysis, to be inherited by a test class, which says where its source comes from.

    Attributes
    ----------
    analysis_class : type of Analysis
    options : mapping
        Of its settings, other than the defaults, as a TOML file has them.
    kind : str
        By which TOML files name it, if it is known by one.

    Examples
    --------
    >>> from utokyo import PMTAnalysis
    >>> class TestPMT(AnalysisTests):
    ...     analysis_class = PMTAnalysis
    ...
    ...     def source(self, folder):
    ...         truth = simulate(folder / "beam", minutes=0.5)
    ...         return folder / "beam" / truth["files"]["pmt"]
    """

    analysis_class: ClassVar[type[Analysis]]
    options: ClassVar[dict[str, Any]] = {}
    kind: ClassVar[str] = ""

    def source(self, folder: Path) -> Path:
        """A file or folder with something to find, written into a folder."""
        pytest.fail(f"{type(self).__name__} needs a method `source(folder)` that writes its files into {folder}")

    def made(self, folder: Path, **outputs: Any) -> Analysis:
        """An analysis of the source."""
        path = folder / "made.txt"
        if not path.exists():
            path.write_text(str(self.source(folder)))
        return self.analysis_class(path.read_text(), **self.options, **outputs)

    def found(self, folder: Path) -> tuple[pl.DataFrame, Any, Findings]:
        """Table, settings and findings of the source."""
        analysis = self.made(folder)
        table = as_polars(analysis.recorder.get_table())
        return table, analysis.settings, self.analysis_class.analyse(table, analysis.settings, source=analysis.source)

    def test_it_finds_something_in_the_columns_that_it_says(self, tmp_path: Path) -> None:
        results = self.made(tmp_path).run()
        assert results.height >= 1
        assert results.schema == {p.name: p.dtype for p in self.analysis_class.parameters}
        names = {p.name for p in self.analysis_class.parameters}
        assert {p.error for p in self.analysis_class.parameters} <= {"", *names}

    def test_running_again_does_nothing_and_adds_no_row(self, tmp_path: Path) -> None:
        path = tmp_path / "results.parquet"
        analysis = self.made(tmp_path, result_filepath=path)
        results = analysis.run()
        assert analysis.run() is results
        assert read_results(path).height == results.height

    def test_a_program_that_was_killed_and_started_again_stores_each_row_once(self, tmp_path: Path) -> None:
        path = tmp_path / "results.csv"
        first = self.made(tmp_path, result_filepath=path).run()
        again = self.made(tmp_path, result_filepath=path).run()
        assert_frame_equal(again, first)
        assert read_results(path).height == first.height

    def test_its_findings_are_a_function_of_table_and_settings(self, tmp_path: Path) -> None:
        table, settings, findings = self.found(tmp_path)
        again = self.analysis_class.analyse(table, settings, source=self.made(tmp_path).source)
        assert_frame_equal(again.rows, findings.rows)
        assert [d.name for d in again.drawings] == [d.name for d in findings.drawings]
        assert again.remarks == findings.remarks

    def test_findings_that_go_on_from_earlier_ones_are_the_same(self, tmp_path: Path) -> None:
        table, settings, findings = self.found(tmp_path)
        source = self.made(tmp_path).source
        earlier: Findings | None = None
        drawn: set[str] = set()
        for piece in range(1, PIECES + 1):
            part = table.head(table.height * piece // PIECES)
            earlier = self.analysis_class.analyse(part, settings, source=source, earlier=earlier)
            drawn |= {drawing.name for drawing in earlier.drawings}
        assert earlier is not None
        assert_frame_equal(earlier.rows, findings.rows)
        assert {drawing.name for drawing in findings.drawings} <= drawn

    def test_other_settings_are_not_taken_for_the_same(self, tmp_path: Path) -> None:
        settings = self.made(tmp_path).settings
        assert pickle.loads(pickle.dumps(settings)) == settings
        assert hash(pickle.loads(pickle.dumps(settings))) == hash(settings)
        assert pickle.loads(pickle.dumps(settings)).fingerprint == settings.fingerprint
        if self.options:
            assert settings != self.analysis_class.settings_class()
            assert settings.fingerprint != self.analysis_class.settings_class().fingerprint

    def test_it_finds_the_same_in_another_process(self, tmp_path: Path) -> None:
        table, settings, findings = self.found(tmp_path)
        there = elsewhere(self.analysis_class.analyse, table, settings, source="/somewhere/else.csv")
        dropped = [name for name in ("source",) if name in findings.rows.columns]
        assert_frame_equal(there.rows.drop(dropped), findings.rows.drop(dropped))
        assert there.fits.keys() == findings.fits.keys()
        assert len(there.drawings) == len(findings.drawings)
        assert all(isinstance(drawing.figure(), Figure) for drawing in there.drawings[:3])

    def test_it_travels_to_another_process(self, tmp_path: Path) -> None:
        analysis = self.made(tmp_path)
        results = analysis.run()
        assert_frame_equal(pickle.loads(pickle.dumps(analysis)).run(), results)

    def test_its_figures_are_written(self, tmp_path: Path) -> None:
        analysis = self.made(tmp_path, image_src=tmp_path / "plots")
        analysis.run()
        assert sorted(analysis.figures) == sorted(_pictures(tmp_path / "plots"))
        assert all(path.name.startswith(f"{self.analysis_class.short_name}_") for path in analysis.figures)
        before = {path: path.stat().st_mtime_ns for path in analysis.figures}
        analysis.run()
        assert {path: path.stat().st_mtime_ns for path in before} == before

    def test_a_figure_that_was_deleted_comes_again_and_no_other(self, tmp_path: Path) -> None:
        plots = tmp_path / "plots"
        analysis = self.made(tmp_path, image_src=plots)
        analysis.run()
        first, *others = analysis.figures
        for again in (analysis, self.made(tmp_path, image_src=plots)):  # in the same run, and in the next one
            before = {path: path.stat().st_mtime_ns for path in others}
            first.unlink()
            again.run()
            assert first.is_file()
            assert {path: path.stat().st_mtime_ns for path in others} == before

    def test_two_sources_of_one_name_share_no_figure(self, tmp_path: Path) -> None:
        table, settings, _ = self.found(tmp_path)
        drawn = [
            {drawing.name for drawing in self.analysis_class.analyse(table, settings, source=source).drawings}
            for source in ("/one/run/all_data.csv", "/other/run/all_data.csv")
        ]
        assert drawn[0]
        assert drawn[0].isdisjoint(drawn[1]) or "filepath" in table.columns

    def test_its_results_can_be_joined(self, tmp_path: Path) -> None:
        analysis = self.made(tmp_path)
        assert analysis.table_to_join()["timestamp"].is_sorted()
        assert kind_of(analysis).prefix

    def test_a_table_of_something_else_is_refused(self) -> None:
        with pytest.raises(InputError, match="needs a source whose table has the column"):
            self.analysis_class(recorder=StaticRecorder({"x": [1]}), **self.options).run()

    def test_an_option_that_it_does_not_have_is_a_mistake_of_the_program(self) -> None:
        with pytest.raises(TypeError, match="has no option 'no_such_option'"):
            self.analysis_class("x", no_such_option=1)

    def test_it_is_named_in_toml_with_its_options_as_keys(self, tmp_path: Path) -> None:
        if not self.kind:
            pytest.skip("known by no kind")
        assert ANALYSES[self.kind] is self.analysis_class
        made = self.made(tmp_path)
        keys = "".join(f"{name} = {_toml(value)}\n" for name, value in self.options.items())
        source = _toml(made.source)
        config = tmp_path / "run.toml"
        config.write_text(f'[[analyses]]\nkind = "{self.kind}"\nfilepath = {source}\n{keys}')
        (analysis,) = read_config(config).analyses
        assert analysis.settings == made.settings
        config.write_text(f'[[analyses]]\nkind = "{self.kind}"\nfilepath = {source}\nno_such_option = 1\n')
        with pytest.raises(InputError, match="unknown key 'no_such_option'"):
            read_config(config)


def _pictures(folder: Path) -> list[Path]:
    """The files of a folder of figures that are figures."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int | float) else f"'{value}'"
