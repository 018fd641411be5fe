"""LabVIEW measurement files: what stands in them, and that it does not matter how it arrives."""

from __future__ import annotations

import logging

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from utokyo import LVMParser, LVMRecorder, open_recorder
from utokyo.io.errors import FormatError, InputError
from utokyo.io.labview import LVMReader
from utokyo.io.times import cells

START = "2023/05/09 11:20:05.25"


def ns(text: str) -> int:
    value = cells.datetime_ns(text)
    assert value is not None
    return value


def block_of_file(x="One", decimal=".", separator="Tab", end="\n", **more) -> str:
    sign = {"Tab": "\t", "Comma": ",", "Semicolon": ";"}[separator]
    tags = {
        "LabVIEW Measurement": "",
        "Writer_Version": "2",
        "Separator": separator,
        "Decimal_Separator": decimal,
        "Multi_Headings": "Yes",
        "X_Columns": x,
        "Time_Pref": "Relative",
        "Operator": "shift",
        "Date": "2023/05/09",
        "Time": f"11:20:05{'.' if sign == ',' else decimal}2500000000000000000",
        **more,
    }
    lines = [f"{tag}{sign}{value}" for tag, value in tags.items() if value is not None]
    return end.join([*lines, f"***End_of_Header***{sign}", ""])


def block_of_segment(names, tags, separator="\t", end="\n") -> str:
    """A blank line, the tags with one value a column, the names."""
    lines = [separator, *(separator.join([tag, *values, ""]) for tag, values in tags.items())]
    return end.join([*lines, f"***End_of_Header***{separator * len(names)}", separator.join(names), ""])


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def table_of(path):
    recorder = LVMRecorder(path)
    table = recorder.get_table()
    assert recorder.bad_rows == 0, recorder.bad_row_messages
    return table


TWO = {"Channels": ["2"], "Samples": ["3", "3"], "Date": ["2023/05/09"] * 2, "Time": ["11:20:05.25"] * 2}


def test_times_are_the_start_and_x(tmp_path):
    text = block_of_file() + block_of_segment(["X_Value", "Cup", "Pump", "Comment"], TWO)
    table = table_of(written(tmp_path / "a.lvm", text + "0.0\t1.5\t2\tVALVE\n1.000132\t-2.5e-3\t\n"))
    assert table.columns[:4] == ["X_Value", "Cup", "Pump", "Comment"]
    assert table["timestamp"].to_list() == [ns(START), ns(START) + 1_000_132_000]
    assert table["Cup"].to_list() == [1.5, -2.5e-3]
    assert table["Pump"].to_list() == [2.0, None]
    assert table["Comment"].to_list() == ["VALVE", None]
    assert table["Operator"].to_list() == ["shift"] * 2


def test_x_that_is_not_saved_is_counted_with_bad_rows_in_between(tmp_path):
    tags = {**TWO, "X0": ["0,5", "0,5"], "Delta_X": ["0,25", "0,25"], "Samples": ["4", "4"]}
    text = block_of_file(x="No", decimal=",") + block_of_segment(["X_Value", "A", "B", "Comment"], tags)
    path = written(tmp_path / "a.lvm", text + "\t1,5\t2,5\n\t1,5\t2,5\t3\t4\n\t\t\n\t3,5\t4,5\tlate\n")
    recorder = LVMRecorder(path)
    table = recorder.get_table()
    assert table["X_Value"].to_list() == [0.5, 1.0, 1.25]
    assert table["timestamp"].to_list() == [ns(START) + t for t in (500_000_000, 1_000_000_000, 1_250_000_000)]
    assert table["A"].to_list() == [1.5, None, 3.5]
    assert recorder.bad_rows == 1
    assert "line 22" in recorder.bad_row_messages[0]


def test_more_rows_than_samples_without_x_are_told(tmp_path, caplog):
    tags = {**TWO, "Samples": ["1", "1"], "Delta_X": ["1.0", "1.0"]}
    text = block_of_file(x="No") + block_of_segment(["X_Value", "A", "B"], tags) + "\t1\t2\n" * 3
    with caplog.at_level(logging.INFO, "utokyo"):
        table = table_of(written(tmp_path / "a.lvm", text))
    assert (np.diff(table["timestamp"].to_numpy()) == 1_000_000_000).all()
    assert caplog.text.count("counted on by Delta_X") == 1


def test_each_channel_has_its_own_x(tmp_path, caplog):
    names = ["X_Value", "Fast", "X_Value", "Slow", "Comment"]
    tags = {
        "Channels": ["2"],
        "Date": ["2023/05/09", "", "2023/05/09"],
        "Time": ["11:20:05.25", "", "11:20:06.25"],
        "Y_Unit_Label": ["Volts", "", "K"],
    }
    text = block_of_file(x="Multi") + block_of_segment(names, tags) + "0\t1\t0\t10\n0.5\t2\t2\t20\n1\t3\t\t\n"
    recorder = LVMRecorder(written(tmp_path / "a.lvm", text))
    table = recorder.get_table()
    assert table.columns[:5] == ["X_Value", "Fast", "X_Value (Slow)", "Slow", "Comment"]
    assert (table["timestamp"] - ns(START)).to_list() == [0, 500_000_000, 1_000_000_000]
    assert (table["Fast (unit)"][0], table["Slow (unit)"][0]) == ("Volts", "K")
    assert "different times" in caplog.text
    channels = recorder.get_channels().filter(pl.col("channel") == "Slow")
    assert channels["value"].to_list() == [10.0, 20.0]
    assert (channels["timestamp"] - ns(START)).to_list() == [1_000_000_000, 3_000_000_000]
    joined = recorder.table_to_join()
    assert joined.filter(pl.col("Slow") == 20.0)["timestamp"].item() == ns(START) + 3_000_000_000
    assert not recorder.only_grows


def test_equal_x_of_all_channels_are_one_axis(tmp_path, caplog):
    names = ["X_Value", "A", "X_Value", "B", "Comment"]
    text = block_of_file(x="Multi") + block_of_segment(names, {"Channels": ["2"], "Samples": ["2", "", "2"]})
    recorder = LVMRecorder(written(tmp_path / "a.lvm", text + "0\t1\t0\t10\n0.5\t2\t0.5\t20\n"))
    assert recorder.get_table().height == 2
    assert recorder.table_to_join().height == 2
    assert not caplog.text


def test_steps_of_its_own_give_a_channel_its_own_times(tmp_path):
    tags = {**TWO, "Samples": ["4", "2"], "X0": ["0", "0"], "Delta_X": ["0.5", "1"]}
    text = block_of_file() + block_of_segment(["X_Value", "A", "B", "Comment"], tags)
    recorder = LVMRecorder(written(tmp_path / "a.lvm", text + "0\t1\t10\n0.5\t2\t20\n1\t3\t\n1.5\t4\t\n"))
    slow = recorder.get_channels().filter(pl.col("channel") == "B")
    assert (slow["timestamp"] - ns(START)).to_list() == [0, 1_000_000_000]


def test_segments_have_their_own_starts_columns_and_specials(tmp_path, caplog):
    second = {"Channels": ["2"], "Notes": ["after the valve"], "Date": ["2023/05/10"] * 2, "Time": ["00:00:01"] * 2}
    special = "***Start_Special***\nWfm_Sclr_Meas\n1\t2\t3\n***End_Special***\n"
    text = block_of_file() + special + block_of_segment(["X_Value", "A", "B", "Comment"], TWO) + "0\t1\t2\n1\t3\t4\n"
    text += "\n" + special + block_of_segment(["X_Value", "B", "C", "Comment"], second) + "0\t5\t6\tnew\n\n"
    text += block_of_segment(["X_Value", "A", "B", "Comment"], {"Channels": ["2"]}) + "2\t7\t8\n"
    with caplog.at_level(logging.INFO, "utokyo"):
        table = table_of(written(tmp_path / "a.lvm", text))
    assert table.columns[:5] == ["X_Value", "A", "B", "C", "Comment"]
    assert table.select("A", "B", "C").rows() == [
        (7.0, 8.0, None),
        (1.0, 2.0, None),
        (3.0, 4.0, None),
        (None, 5.0, 6.0),
    ] or table.select("A", "B", "C").rows() == [(1.0, 2.0, None), (3.0, 4.0, None), (7.0, 8.0, None), (None, 5.0, 6.0)]
    assert table["timestamp"].max() == ns("2023/05/10 00:00:01")
    assert "new columns: C" in caplog.text
    assert "***Start_Special***" in caplog.text


def test_a_logger_that_was_started_again_goes_by_its_new_header(tmp_path, caplog):
    text = block_of_file() + block_of_segment(["X_Value", "A", "B"], TWO) + "0\t1\t2\n"
    text += block_of_file(decimal=",", separator="Semicolon", Time="13:00:00", Date="2023/05/09")
    text += block_of_segment(["X_Value", "B", "A"], {"Channels": ["2"]}, separator=";") + "0,5;20,5;10,5\n"
    table = table_of(written(tmp_path / "a.lvm", text))
    assert table["A"].to_list() == [1.0, 10.5]
    assert table["B"].to_list() == [2.0, 20.5]
    assert table["timestamp"][-1] == ns("2023/05/09 13:00:00.5")
    assert "second header" in caplog.text


def test_absolute_times_count_from_1904_in_greenwich(tmp_path):
    # The wall is nine hours ahead; x of the first row is the moment of the header.
    since_1904 = (ns(START) - 9 * 3600 * 10**9) / 1e9 + 2_082_844_800
    text = block_of_file(Time_Pref="Absolute") + block_of_segment(["X_Value", "A"], {"Channels": ["1"]})
    table = table_of(written(tmp_path / "a.lvm", text + f"{since_1904:.6f}\t1\n{since_1904 + 2.5:.6f}\t2\n"))
    assert abs(table["timestamp"] - ns(START)).to_list() == [0, 2_500_000_000]


def test_absolute_times_that_count_from_the_start_do(tmp_path):
    text = block_of_file(Time_Pref="Absolute") + block_of_segment(["X_Value", "A"], {"Channels": ["1"]})
    assert table_of(written(tmp_path / "a.lvm", text + "3.5\t1\n"))["timestamp"][0] == ns(START) + 3_500_000_000


@pytest.mark.parametrize("date", [["Date", "1903/12/31"], ["Date", ""], None])
def test_a_segment_without_a_date_has_that_of_the_file(tmp_path, date):
    tags = {"Channels": ["1"], **({} if date is None else {date[0]: [date[1]]}), "Time": [""]}
    text = block_of_file() + block_of_segment(["X_Value", "A"], tags) + "1\t1\n"
    assert table_of(written(tmp_path / "a.lvm", text))["timestamp"][0] == ns(START) + 10**9


def test_without_any_date_there_are_no_times(tmp_path):
    text = block_of_file(Date=None, Time=None) + block_of_segment(["X_Value", "A"], {"Channels": ["1"]}) + "1\t1\n"
    assert "timestamp" not in table_of(written(tmp_path / "a.lvm", text)).columns


@pytest.mark.parametrize(("unit", "ns_of_2"), [("ms", 2_000_000), ("s", 2_000_000_000), ("min", 120_000_000_000)])
def test_x_has_the_unit_of_its_label(tmp_path, unit, ns_of_2):
    tags = {"Channels": ["1"], "X_Unit_Label": [unit]}
    text = block_of_file() + block_of_segment(["X_Value", "A"], tags) + "2\t1\n"
    assert table_of(written(tmp_path / "a.lvm", text))["timestamp"][0] == ns(START) + ns_of_2


def test_x_that_is_no_time_leaves_the_start(tmp_path):
    tags = {"Channels": ["1"], "X_Dimension": ["Frequency"]}
    text = block_of_file() + block_of_segment(["X_Value", "A"], tags) + "10\t1\n20\t2\n"
    assert table_of(written(tmp_path / "a.lvm", text))["timestamp"].to_list() == [ns(START)] * 2


def test_the_decimal_sign_is_found_where_it_is_not_told(tmp_path):
    for sign in ".,":
        tags = {"Channels": ["1"], "X0": [f"0{sign}0E+0"]}
        text = block_of_file(Decimal_Separator=None, Time="11:20:05,25")
        text += block_of_segment(["X_Value", "A"], tags) + f"0{sign}5\t1{sign}25\n"
        table = table_of(written(tmp_path / "a.lvm", text))
        assert (table["A"][0], table["X_Value"][0]) == (1.25, 0.5)
        assert table["timestamp"][0] == ns(START) + 500_000_000


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "cp1252"])
def test_names_units_and_comments_in_the_encoding_of_the_pc(tmp_path, encoding):
    name, unit, comment = ("温度", "度", "弁が開いた") if encoding == "cp932" else ("Ofen (°C)", "°C", "geöffnet")
    tags = {"Channels": ["1"], "Y_Unit_Label": [unit]}
    text = block_of_file() + block_of_segment(["X_Value", name, "Comment"], tags) + f"0\t1\t{comment}\n"
    table = table_of(written(tmp_path / "a.lvm", text, encoding))
    assert table.columns[1] == name
    assert table[f"{name} (unit)"][0] == unit
    assert table["Comment"][0] == comment
    ascii_header = block_of_file() + block_of_segment(["X_Value", "A", "Comment"], {"Channels": ["1"]})
    table = table_of(written(tmp_path / "b.lvm", ascii_header + f"0\t1\n1\t2\t{comment}\n", encoding))
    assert table["Comment"].to_list() == [None, comment]


REFUSED = {
    "LabView\n": "line 1: this is no LabVIEW measurement file: expected 'LabVIEW Measurement', found 'LabView'",
    "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\n0\t1\n": "line 4: .* the names of the columns",
    "LabVIEW Measurement,\nSeparator,Comma\nDecimal_Separator,,\n": "a comma for both",
    "LabVIEW Measurement\t\nSeparator\tabc\n": "one character as Separator",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path, text):
    with pytest.raises(FormatError, match=REFUSED[text]):
        LVMRecorder(written(tmp_path / "a.lvm", text)).get_table()


@pytest.mark.parametrize("separator", ["Tab", "Comma"])
def test_a_comment_may_hold_separators(tmp_path, separator):
    sign = {"Tab": "\t", "Comma": ","}[separator]
    text = block_of_file(separator=separator)
    text += block_of_segment(["X_Value", "A", "Comment"], {"Channels": ["1"]}, sign)
    rows = [["0", "1", "stuck", " again"], ["1", "2"], ["2", "3", "OK", ""], ["3", "4", "a", "b", "c"]]
    table = table_of(written(tmp_path / "a.lvm", text + "\r\n".join([sign.join(row) for row in rows]) + "\r\n"))
    assert table["A"].to_list() == [1.0, 2.0, 3.0, 4.0]
    assert table["Comment"].to_list() == [f"stuck{sign} again", None, "OK", f"a{sign}b{sign}c"]


def test_a_bad_cell_costs_its_row_and_is_told(tmp_path):
    text = block_of_file() + block_of_segment(["X_Value", "A", "B", "Comment"], TWO)
    recorder = LVMRecorder(written(tmp_path / "a.lvm", text + "0\t1\t2\n1\t2\t3\t4\t5\n2\tNaN\t-Inf\n"))
    table = recorder.get_table()
    assert table["X_Value"].to_list() == [0.0, 2.0]
    assert np.isnan(table["A"][1])
    assert table["B"][1] == -np.inf
    assert recorder.bad_rows == 1


# Any file, in any pieces.

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 6))


@st.composite
def segments(draw, separator, decimal, x, end):
    channels = draw(st.lists(st.sampled_from(["Cup", "Pump", "T (°C)", "温度"]), min_size=1, max_size=3, unique=True))
    count, rows = len(channels), draw(st.integers(0, 6))
    repeat = (lambda values: [v for value in values for v in (value, "")][:-1]) if x == "Multi" else list
    tags = {"Channels": [str(count)]}
    optional = {
        "Samples": [str(draw(st.integers(0, 6))) for _ in channels],
        "Date": ["2023/05/09"] * count,
        "Time": [f"11:2{draw(st.integers(0, 9))}:05{'.' if separator == ',' else decimal}25"] * count,
        "X0": [f"0{decimal}0E+0"] * count,
        "Delta_X": [f"{draw(st.sampled_from([0.5, 1.0]))}".replace(".", decimal) for _ in channels],
        "Y_Unit_Label": ["Volts"] * count,
        "Notes": ["free text"],
    }
    tags |= {tag: repeat(v) if tag != "Notes" else v for tag, v in optional.items() if draw(st.booleans())}
    names = [n for c in channels for n in ("X_Value", c)] if x == "Multi" else ["X_Value", *channels]
    names += ["Comment"] if draw(st.booleans()) else []
    text = draw(st.sampled_from(["", f"***Start_Special***{end}any{end}1{separator}2{end}***End_Special***{end}"]))
    text += block_of_segment(names, tags, separator, end)
    for row in range(rows):
        cells_of_row = [f"{draw(NUMBERS)!r}".replace(".", decimal) for _ in channels]
        at = f"{row * 0.5}".replace(".", decimal)
        if x == "Multi":
            fields = [f for value in cells_of_row for f in (at, value)]
        else:
            fields = ["" if x == "No" else at, *cells_of_row]
        fields += draw(st.sampled_from([[], [], ["valve"], ["弁"], [""], ["a", "b"], ["1", "2"]]))
        text += separator.join(fields) + end + draw(st.sampled_from(["", "", "", end]))
    return text


@st.composite
def files(draw):
    separator, decimal = draw(st.sampled_from([("Tab", "."), ("Tab", ","), ("Comma", "."), ("Semicolon", ",")]))
    x, end = draw(st.sampled_from(["One", "No", "Multi"])), draw(st.sampled_from(["\n", "\r\n"]))
    sign = {"Tab": "\t", "Comma": ",", "Semicolon": ";"}[separator]
    text = ""
    for _ in range(draw(st.integers(1, 2))):
        text += block_of_file(x, decimal, separator, end)
        text += "".join(draw(st.lists(segments(sign, decimal, x, end), min_size=1, max_size=3)))
    return text.encode()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=files(), seed=st.integers(0, 2**32 - 1))
def test_any_cutting_into_appends_gives_the_table_of_one_read(tmp_path, content, seed):
    random = np.random.default_rng(seed)
    path, whole_path, state = tmp_path / "grown.lvm", tmp_path / "whole.lvm", tmp_path / "state"
    whole_path.write_bytes(content)
    whole = LVMRecorder(whole_path)
    table, data = whole.get_table(), whole.get_data()
    path.write_bytes(b"")
    state.unlink(missing_ok=True)
    grown, reader, chunks, at = LVMRecorder(path), LVMReader(path, checkpoint=state), [], 0
    while at < len(content):
        at, begin = at + int(random.integers(1, 60)), at
        with path.open("ab") as handle:
            handle.write(content[begin:at])
        if random.random() < 0.7:
            grown.get_table()
        if random.random() < 0.5:
            chunk = reader.next_chunk(int(random.integers(1, 5)))
            if chunk is not None:
                chunks.append((chunk, reader.time_frame()))
            if reader.columns and random.random() < 0.5:
                reader.checkpoint()
                reader = LVMReader(path, checkpoint=state)  # another process
    while (chunk := reader.next_chunk(3)) is not None:
        chunks.append((chunk, reader.time_frame()))
    assert_frame_equal(grown.get_table(), table)
    assert_frame_equal(grown.get_data(), data)
    assert grown.bad_row_messages == tuple(m.replace("whole.lvm", "grown.lvm") for m in whole.bad_row_messages)
    assert grown.bytes_read == len(content)
    assert (reader.rows, reader.bad_rows, reader.metadata) == (whole.rows, whole.bad_rows, whole._reader.metadata)
    assert reader.is_up_to_date()
    if chunks:
        assert_frame_equal(pl.concat([data.clear(), *(chunk for chunk, _ in chunks)], how="diagonal"), data)
        times = [frame for _, frame in chunks if frame is not None]
        if times:
            assert_frame_equal(pl.concat(times), whole._reader.time_frame())
    else:
        assert data.is_empty()


def test_a_parser_hands_out_every_row_once(tmp_path):
    text = block_of_file() + block_of_segment(["X_Value", "A", "B"], TWO) + "0\t1\t2\n1\t3\t4\n2\t5\t6\n"
    path, state = written(tmp_path / "a.lvm", text), tmp_path / "state"
    parser = LVMParser(path, lines_per_update=2, checkpoint=state)
    assert parser.get_table()["A"].to_list() == [1.0, 3.0]
    assert not parser.is_up_to_date()
    parser.checkpoint()
    later = LVMParser(path, lines_per_update=2, checkpoint=state)
    assert later.get_table()["A"].to_list() == [5.0]
    assert later.get_table().is_empty()
    with pytest.raises(InputError, match="get_channels"):
        later.get_channels()
    path.write_text(text.replace("3\t4", "7\t8"))
    other = LVMParser(path, checkpoint=state)
    assert other.get_table().height == 3


def test_a_checkpoint_knows_another_file_with_the_same_header(tmp_path):
    header = block_of_file() + block_of_segment(["X_Value", "A", "B"], TWO)
    rows = [f"{k}\t{k + 0.5}\t{k + 0.25}\n" for k in range(20_000)]
    path, state = written(tmp_path / "a.lvm", header + "".join(rows)), tmp_path / "state"
    parser = LVMParser(path, lines_per_update=5_000, checkpoint=state)
    parser.get_table()
    parser.checkpoint()
    assert LVMParser(path, lines_per_update=100_000, checkpoint=state).get_table().height == 15_000
    rows[4_999] = rows[4_999].replace(".5", ".6")
    written(path, header + "".join(rows))
    assert LVMParser(path, lines_per_update=100_000, checkpoint=state).get_table().height == 20_000


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    (tmp_path / "state").write_text("{}")
    with pytest.raises(InputError, match="no checkpoint of a LabVIEW measurement file"):
        LVMReader(tmp_path / "a.lvm", checkpoint=tmp_path / "state")
    with pytest.raises(InputError, match="nothing was read yet"):
        LVMReader(tmp_path / "a.lvm", checkpoint=tmp_path / "new").checkpoint()


def test_the_beginning_of_the_title_is_known(tmp_path):
    for content in (b"LabVIEW", b"LabVIEW Meas", b"LabVIEW Measurement\t\r\n"):
        (tmp_path / "a.lvm").write_bytes(content)
        assert type(open_recorder(tmp_path / "a.lvm")) is LVMRecorder
    (tmp_path / "a.csv").write_bytes(b"Label,x\n")
    assert type(open_recorder(tmp_path / "a.csv")) is not LVMRecorder
