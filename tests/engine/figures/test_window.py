"""What stands in the panels of a window: names and units from data, and what is said where there is nothing."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from utokyo.engine.figures import panels
from utokyo.engine.figures.panels import Panel
from utokyo.engine.figures.window import draw_window, panels_of, window_figure

SECOND = 1_000_000_000


def table_of(**columns: object) -> pl.DataFrame:
    """Ten rows of a second; of a column's name the first underscore is a dot."""
    named = {name.replace("_", ".", 1): values for name, values in columns.items()}
    return pl.DataFrame({"timestamp": np.arange(10) * SECOND, **named})


def labels_of(table: pl.DataFrame, units: dict[str, str]) -> list[str]:
    return [axes.get_ylabel() for axes in window_figure(table, 0, pl.DataFrame(), units).axes]


def legend_of(table: pl.DataFrame, units: dict[str, str]) -> list[str]:
    (axes,) = window_figure(table, 0, pl.DataFrame(), units).axes
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_a_panel_that_finds_columns_by_their_source_has_the_unit_of_the_join():
    gauge = table_of(gauge_Neut=1.0, gauge_Rb=2.0)
    assert labels_of(gauge, {"gauge.Neut": "Pa", "gauge.Rb": "Pa"}) == ["gauge (Pa)"]
    assert legend_of(gauge, {"gauge.Neut": "Pa", "gauge.Rb": "Pa"}) == ["Neut", "Rb"]
    assert labels_of(gauge, {}) == ["gauge\n(unit unknown)"]


def test_units_that_differ_stand_beside_the_names_of_the_columns():
    gauge = table_of(gauge_Neut=1.0, gauge_valve=2.0, **{"gauge_T (K)": 3.0})
    units = {"gauge.Neut": "Pa", "gauge.valve": "", "gauge.T (K)": "K"}
    assert labels_of(gauge, units) == ["gauge"]
    assert legend_of(gauge, units) == ["Neut (Pa)", "valve", "T (K)"]


def test_a_panel_that_names_its_unit_keeps_it():
    assert labels_of(table_of(pmt_current_A=1.0), {"pmt.current_A": "A"}) == ["PMT current (A)"]


def test_names_of_states_and_limits_are_data_of_the_panel(monkeypatch):
    shutter = Panel("shutter", (".open",), limits=(-1.0, 2.0), ticks=((0.0, "shut"), (1.0, "open")))
    monkeypatch.setattr(panels, "PANELS", (shutter,))
    (axes,) = window_figure(table_of(laser_open=np.arange(10) > 4), 0, pl.DataFrame(), {}).axes
    assert axes.get_ylim() == (-1.0, 2.0)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["shut", "open"]


def test_the_coil_is_off_or_on():
    (axes,) = window_figure(table_of(coil_on=np.arange(10) > 4), 0, pl.DataFrame(), {}).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["off", "on"]


def test_panels_travel_and_stay_the_same_keys():
    table = table_of(coil_on=True, pmt_current_A=1.0)
    drawn = draw_window(Figure().subplots(2), table, 0, pl.DataFrame(), {})
    assert list(drawn.panels) == pickle.loads(pickle.dumps(list(panels_of(table))))


def test_errors_are_no_columns_of_a_panel():
    table = table_of(gauge_Neut=1.0, gauge_Neut_error=0.1, ssd_rate_Hz=50.0, ssd_rate_error_Hz=7.0)
    assert sorted(panels_of(table).values()) == [["gauge.Neut"], ["ssd.rate_Hz"]]


@pytest.mark.parametrize(("rows", "barred"), [(400, True), (401, False)])
def test_too_many_error_bars_are_left_out(rows, barred):
    time_ns, current_A = np.arange(rows) * SECOND, np.ones(rows)
    table = pl.DataFrame({"timestamp": time_ns, "pmt.current_A": current_A, "pmt.current_error_A": current_A})
    drawn = draw_window(Figure().subplots(), table, 0, pl.DataFrame(), {})
    ((panel,),) = [drawn.panels.values()]
    assert (panel.columns["pmt.current_A"].errors is not None) == barred
    assert panel.columns["pmt.current_A"].points.get_xdata().size == rows


def test_a_window_without_rows_says_once_that_nothing_is_known():
    table = table_of(coil_on=True, pmt_current_A=1.0)[:0]
    for axes in window_figure(table, 0, pl.DataFrame(), {}).axes:
        assert [text.get_text() for text in axes.texts] == ["nothing known in this window"]


def test_the_ground_is_shaded_where_the_coil_was_on():
    second = np.arange(10)
    table = table_of(coil_on=(second > 1) & (second < 5) | (second == 8), ion_FC=1.0)
    drawn = draw_window(Figure().subplots(2), table, 0, pl.DataFrame(), {})
    for panel in drawn.panels.values():
        spans = [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in panel.coil.get_paths()]
        assert spans == [(2.0, 5.0), (8.0, 9.0)]


def test_bursts_are_counted_and_marked():
    table = table_of(ssd_rate_Hz=50.0)
    for number, said in ((0, "0 bursts"), (1, "1 burst"), (2, "2 bursts")):
        axes = Figure().subplots()
        bursts = pl.DataFrame({"timestamp_ns": [3 * SECOND, 5 * SECOND][:number]}, schema={"timestamp_ns": pl.Int64})
        drawn = draw_window(axes, table, SECOND, bursts, {})
        assert axes.get_title(loc="right") == said
        (panel,) = drawn.panels.values()
        marked = [] if panel.bursts is None else panel.bursts.get_xdata().tolist()
        assert marked == [2.0, 4.0][:number]
