"""Odd cells that are judged together give the table that they give one by one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo.io.column import Column, Kind
from utokyo.io.layout import Layout
from utokyo.io.reader import Reader
from utokyo.io.text import alike
from utokyo.io.times import ColumnTime

NUMBERS = ["1.5", "-2", "OL", "N/A", "nan", "inf", "1.#QNAN", "", "Shutter", '"OL"', '"3"', " OL ", "0x1f", "-", "#N/A"]
DESCRIBED = Layout(
    "log",
    (
        Column("t", Kind.DATETIME),
        Column("p", Kind.FLOAT, nullable=True),
        Column("n", Kind.INTEGER, nullable=True),
        Column("c", Kind.FLOAT),
    ),
    time=ColumnTime("t"),
)
ROWS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([f"2026-11-28 05:17:0{k}" for k in range(9)]),
            st.sampled_from(NUMBERS),
            st.sampled_from(["4", "OL", "-", "", "7.5", "99999999999999999999"]),
            st.sampled_from(["1", "2.5", "2.5", "OL", "nan"]),
        ).map(",".join),
        st.sampled_from(["t,p,n,c", "# by hand", "OL,OL,OL,OL", "-,-,-,1", "#N/A,1,2,3", "1,2", "t,c,p,n"]),
    ),
    max_size=30,
)


def read(path: Path, layout: Layout | None, few_cells: int) -> tuple[object, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "FEW_CELLS", few_cells)
        reader = Reader(path, layout)
        reader.update()
        rows = [[repr(cell) for cell in row] for row in reader.frame.rows()]
        times = None if reader.time_frame() is None else reader.time_frame().rows()
        return rows, reader.frame.schema, times, reader.bad_row_messages, reader.remarks(), reader.generation


@pytest.mark.parametrize("layout", [DESCRIBED, None], ids=["described", "guessed"])
@given(rows=ROWS, repeats=st.integers(1, 3))
def test_cells_are_the_same_together_and_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, layout: Layout | None, rows: list[str], repeats: int
):
    logging.disable(logging.CRITICAL)
    path = tmp_path_factory.mktemp("alike") / "log.csv"
    lines = ["t,p,n,c", "2026-11-28 05:17:00,1.5,4,1", "2026-11-28 05:17:00,2.5,5,1.5", *rows * repeats]
    path.write_text("\n".join(lines) + "\n")
    try:
        assert read(path, layout, 0) == read(path, layout, 1 << 30)
    finally:
        logging.disable(logging.NOTSET)


def test_a_million_words_are_not_judged_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "gauge.csv"
    path.write_text("t,p,n,c\n" + "2026-11-28 05:17:00,OL,4,nan\n" * 20_000)
    judged: list[int] = []
    cell = alike.SecondLook.cell
    monkeypatch.setattr(alike.SecondLook, "cell", lambda *given: (judged.append(1), cell(*given))[1])
    reader = Reader(path, DESCRIBED)

    assert reader.update() == 20_000
    assert reader.frame["p"].null_count() == 20_000
    assert reader.frame["c"].is_nan().all()
    assert len(judged) < 100
    assert reader.remarks() == ["column 'p': 20000 cells hold 'OL', which is no value; they stay empty"]
