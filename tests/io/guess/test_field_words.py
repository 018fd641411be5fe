"""Words, limits, codes and numbers by which instruments say that there is no reading."""

from __future__ import annotations

import contextlib

import pytest

from utokyo import GaugeRecorder, InputError, Recorder


@pytest.fixture(params=[1 << 20, 7])
def grown(request, tmp_path):
    """The recorder of a file that came in pieces, and was looked at between them."""

    def read(content: str, made=Recorder):
        path = tmp_path / "log.csv"
        path.write_bytes(b"")
        recorder, data = made(path), content.encode()
        for at in range(0, len(data), request.param):
            with path.open("ab") as file:
                file.write(data[at : at + request.param])
            with contextlib.suppress(InputError):
                recorder.get_table()
        return recorder

    return read


def log(cells: list[str]) -> str:
    return "Time,A,B\n" + "".join(f"2023-05-09 11:20:{i:02d},{cell},{i}\n" for i, cell in enumerate(cells))


@pytest.mark.parametrize("word", ["Error", "OVER", "n.d.", "<5E-10", "> 1e-2", "Error 5", "ERR-12", "Off", "T/C open"])
@pytest.mark.parametrize("places", [(3, 7), (0, 1, 2, 3, 4, 5)])
def test_a_word_among_numbers_leaves_its_cell_empty_and_its_row_there(grown, word, places):
    recorder = grown(log([word if i in places else f"{i}.5" for i in range(12)]))
    table = recorder.get_table()
    assert table["A"].to_list() == [None if i in places else i + 0.5 for i in range(12)]
    assert table["B"].to_list() == list(range(12))
    assert recorder.bad_rows == 0
    assert [remark for remark in recorder.remarks() if repr(word) in remark and f"{len(places)} cells" in remark]


def test_words_with_a_number_among_them_are_words(grown):
    recorder = grown(log(["Sensor 2 off" if i == 7 else f"{i}.5" for i in range(12)]))
    assert recorder.get_table()["A"].to_list() == [None if i == 7 else i + 0.5 for i in range(12)]
    assert recorder.bad_rows == 0


@pytest.mark.parametrize("states", [("ON", "OFF"), ("OPEN", "HI"), ("OFF", "OFF"), ("OK", "Error")])
def test_states_stay_text(grown, states):
    table = grown(log([states[i % 2] for i in range(12)])).get_table()
    assert table["A"].to_list() == [states[i % 2] for i in range(12)]


@pytest.mark.parametrize("number", ["9.91E37", "+9.9E37", "9.90000000E+37", "-9.9E+37"])
def test_numbers_of_scpi_that_are_none(grown, number):
    recorder = grown(log([number if i in {0, 7} else f"{i}.5E-9" for i in range(12)]))
    table = recorder.get_table()
    assert table["A"].to_list() == [None if i in {0, 7} else float(f"{i}.5E-9") for i in range(12)]
    assert [remark for remark in recorder.remarks() if "e+37" in remark and "2 cells" in remark]


def test_larger_numbers_are_numbers(grown):
    assert grown(log(["1e38", "9.8e37", "nan", "2.5"])).get_table()["A"][:2].to_list() == [1e38, 9.8e37]


def test_gauges_keep_their_rows_whatever_one_of_them_says(grown):
    cells = ["0.000000895", "UR", "<5E-10", "9.91E37", "Error 5", "1.2e-7"]
    rows = "".join(f"2022/03/12 20:32:1{i},{cell},0.0000003,0.05\n" for i, cell in enumerate(cells))
    recorder = grown("Timestamp,Rb disp.,Neut.,NC\n" + rows, GaugeRecorder)
    assert recorder.get_table()["Rb disp."].to_list() == [8.95e-7, None, None, None, None, 1.2e-7]
    assert recorder.get_table()["Neut."].to_list() == [3e-7] * 6
    assert recorder.bad_rows == 0


def test_lines_that_sum_up_are_no_rows(grown):
    recorder = grown("No,A\n" + "".join(f"{i},{i}.5\n" for i in range(8)) + "Average,4.0\nMax:,7.5\n標準偏差,0.5\n")
    assert recorder.get_table()["A"].to_list() == [i + 0.5 for i in range(8)]
    assert recorder.bad_rows == 3
    assert "'Average'" in recorder.bad_row_messages[0]
