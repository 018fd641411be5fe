"""Names of files on figures: drawn as they are, whatever they hold."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from utokyo import PMTAnalysis, simulate
from utokyo.engine.figures import labels
from utokyo.engine.figures.labels import as_name
from utokyo.engine.figures.panels import panels_of
from utokyo.engine.figures.window import draw_window

LETTER = "\U0001f7f0"  # of no font that is usual


def font_with(letter: str, path: Path) -> None:
    """A font of one letter, which is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "square"])
    font.setupCharacterMap({ord(letter): "square"})
    font.setupGlyf({".notdef": square, "square": square})
    font.setupHorizontalMetrics({".notdef": (900, 100), "square": (900, 100)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Square", "styleName": "Regular"})
    font.setupOS2(sTypoAscender=800)
    font.setupPost()
    font.save(path)


@pytest.fixture(autouse=True)
def forgotten():
    def forget() -> None:
        for kept in (labels._font_with, labels._letters_of, labels._tell_lost):
            kept.cache_clear()

    forget()
    yield
    forget()


def painted(text: str) -> np.ndarray:
    figure = Figure(figsize=(3.0, 1.0))
    as_name(figure.text(0.1, 0.4, text))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def test_an_installed_font_draws_what_ours_lacks(tmp_path, caplog):
    font_with(LETTER, tmp_path / "square.ttf")
    entries = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "square.ttf")
    font_manager.fontManager._findfont_cached.cache_clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            pixels = painted(f"run {LETTER}")
    finally:
        font_manager.fontManager.ttflist[:] = entries
        font_manager.fontManager._findfont_cached.cache_clear()
    assert not caplog.records
    assert (pixels != painted("run ?")).any()
    assert (pixels != painted("run ")).any()


def test_letters_of_no_font_are_replaced_and_that_is_told_once(monkeypatch, caplog):
    monkeypatch.setattr(labels, "_font_with", lambda letter: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            assert (painted("日本 2022 \uff52\uff55\uff4e") == painted("?? 2022 run")).all()
    assert len(caplog.records) == 1
    assert "no installed font" in caplog.text


@given(st.text(max_size=30))
@example("a\tb\u3000c\n")
@settings(max_examples=200)
def test_any_text_can_be_drawn(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        painted(text)


@pytest.mark.parametrize("name", ["$x^2$", "a $ b", "run $\\frac{1}$ {", "\\$", "\x1b[2J$\x07$"])
def test_titles_hold_names_as_they_are(name, tmp_path):
    seconds = pl.Series(range(60))
    pressures = {f"gauge.{name}": seconds * 1.0, f"gauge.b{name}": seconds * 2.0}
    table = pl.DataFrame({"timestamp": seconds * 10**9, **pressures})
    panels = panels_of(table)
    figure = Figure()
    axes = figure.subplots(len(panels), squeeze=False)[:, 0]
    draw_window(axes, table, 30_000_000_000, pl.DataFrame(), {}, title=name)
    assert axes[0].get_title("left").startswith(labels.printable(name))
    figure.savefig(tmp_path / "figure.png")


def test_a_run_in_a_folder_of_dollars_is_drawn(tmp_path):
    truth = simulate(tmp_path / "data", minutes=0.5, seed=1)
    path = tmp_path / "$\\frac$" / "all_data.csv"
    path.parent.mkdir()
    (tmp_path / "data" / truth["files"]["pmt"]).rename(path)
    named = path.with_name("a$\\frac{1}$ 日本.csv")
    path.rename(named)
    analysis = PMTAnalysis(named, image_src=tmp_path / "plots")
    analysis.run()
    assert analysis.figures
    assert all(figure.stat().st_size > 1000 for figure in analysis.figures)
