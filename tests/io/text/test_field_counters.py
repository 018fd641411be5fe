"""Counters without times that begin anew are told, once, and stay as they are."""

from __future__ import annotations

import pytest

from utokyo import Recorder


@pytest.mark.parametrize("bits", [16, 31, 32])
@pytest.mark.parametrize("piece", [1 << 20, 23])
def test_where_a_counter_begins_anew_is_told_once(tmp_path, bits, piece, caplog):
    step, size = (1 << bits) // 20, 1 << bits
    values = [(step * i + 7) % size for i in range(45)]
    content = ("tick,A\n" + "".join(f"{value},{i}\n" for i, value in enumerate(values))).encode()
    path = tmp_path / "ticks.csv"
    path.write_bytes(b"")
    recorder = Recorder(path)
    for at in range(0, len(content), piece):
        with path.open("ab") as file:
            file.write(content[at : at + piece])
        recorder.get_table()
    assert recorder.get_table()["tick"].to_list() == values
    row = next(i for i in range(45) if values[i + 1] < values[i]) + 1
    assert recorder.remarks() == [
        f"column 'tick': after row {row} the counter begins anew at 2^{bits} (and 1 more); its values stay as they are"
    ]
    assert sum("begins anew" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize("values", [[5, 3, 9, 1], [0, 70_000, 4_500, 70_100, 3], [1, 2, 3]])
def test_what_does_not_only_rise_is_no_counter(tmp_path, values):
    path = tmp_path / "ticks.csv"
    path.write_text("tick,A\n" + "".join(f"{value},{i}\n" for i, value in enumerate(values)))
    recorder = Recorder(path)
    recorder.get_table()
    assert recorder.remarks() == []
