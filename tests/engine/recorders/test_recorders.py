"""Recorders give the tables that formats.md promises, of the real files and of files that are written here."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import utokyo
from utokyo import (
    CoilRecorder,
    FileParser,
    FileRecorder,
    GaugeRecorder,
    HeaterRecorder,
    HeatTimeRecorder,
    ImageParser,
    ImageRecorder,
    InputError,
    IonRecorder,
    LaserParser,
    LaserRecorder,
    MissingFileError,
    PMTRecorder,
    Recorder,
    SSDParser,
    SSDRecorder,
    SSDResultsParser,
    SSDResultsRecorder,
    StaticRecorder,
    open_recorder,
)

COUNTS = [
    (SSDRecorder, "ssd_short.csv", 18),
    (SSDRecorder, "ssd_long.csv", 15262),
    (PMTRecorder, "pmt_short.csv", 18),
    (CoilRecorder, "coil_short.txt", 18),
    (CoilRecorder, "coil_long.txt", 31),
    (GaugeRecorder, "gauge_short.csv", 18),
    (HeaterRecorder, "heater_short.csv", 18),
    (HeaterRecorder, "heater_long.csv", 60000),
    (IonRecorder, "ion_short.csv", 18),
    (IonRecorder, "ion_long.csv", 642),
    (LaserRecorder, "laser_short.lta", 108),
    (SSDResultsRecorder, "upstream_ssd_results.csv", 30),
]

SSD_FILE = """Model,WE7562
BlockSize,3              
TraceName,Time,PulseHeight
"HUnit",?
Time,10:07:54
//StartDate,2022/03/14
//StartTime,10:07:54
//TimeResolution,1.000000e-006
0,553786,2463
1,865236,2855
2,2486115,2516
"""  # noqa: W291 (the module pads its numbers)


@pytest.fixture
def ssd_file(tmp_path) -> Path:
    path = tmp_path / "-20220314-100754-Slot1-In1.csv"
    path.write_text(SSD_FILE)
    return path


@pytest.mark.parametrize(("recorder", "name", "rows"), COUNTS, ids=[name for _, name, _ in COUNTS])
def test_the_real_files_have_their_rows_and_no_bad_ones(real_files, recorder, name, rows):
    source = recorder(real_files / name)

    table = source.get_table()

    assert table.height == rows
    assert source.bad_rows == 0
    assert source.is_up_to_date()
    assert table["timestamp"].is_sorted()
    assert table.schema["timestamp"] == pl.Int64
    assert table.schema["datetime"] == pl.Datetime("ns")


@pytest.mark.parametrize(("recorder", "name", "rows"), COUNTS, ids=[name for _, name, _ in COUNTS])
def test_the_real_files_are_recognised(real_files, recorder, name, rows):
    del rows
    assert type(open_recorder(real_files / name)) is recorder


def test_the_real_ssd_file_has_37_keys_and_begins_to_the_microsecond(real_files):
    recorder = SSDRecorder(real_files / "ssd_long.csv")

    table = recorder.get_table()

    assert recorder.get_metadata().shape == (1, 37)
    assert table.columns[:3] == ["TraceName", "Time_x", "PulseHeight"]
    assert table.columns[-3:] == ["timestamp_ns", "timestamp", "datetime"]
    assert table["datetime"][0] == datetime(2022, 3, 14, 10, 7, 54, 553786)


def test_the_real_laser_file_has_18_sweeps_of_six_signals(real_files):
    recorder = LaserRecorder(real_files / "laser_short.lta")

    sweeps = recorder.get_sweeps()

    assert sweeps.height == 18
    assert sum(c.startswith("wavelength_") for c in sweeps.columns) == 6
    assert sweeps.null_count().sum_horizontal()[0] == 0
    first = recorder.get_table()["datetime"][0]
    assert first.replace(microsecond=first.microsecond // 1000 * 1000) == datetime(2022, 3, 15, 8, 46, 39, 513000)


def test_the_real_image_has_its_shape_and_sum(real_files):
    recorder = open_recorder(real_files / "cmos_000039.csv")

    assert type(recorder) is ImageRecorder
    assert recorder.get_data().shape == (263, 228)
    assert recorder.get_image().sum() == 1477272
    assert recorder.get_table().columns[-3:] == ["timestamp_ns", "timestamp", "datetime"]


def test_the_table_joins_rows_metadata_and_times(ssd_file):
    recorder = SSDRecorder(filepath=str(ssd_file))

    table = recorder.get_table()

    assert recorder.get_data().columns == ["TraceName", "Time_x", "PulseHeight"]
    assert table["Time"].to_list() == ["10:07:54"] * 3
    assert table["BlockSize"].to_list() == [3] * 3
    assert table["HUnit"][0] == "?"
    assert table["//TimeResolution"][0] == 1e-6
    assert table["timestamp"][1] - table["timestamp"][0] == (865236 - 553786) * 1000


def test_a_recorder_follows_its_file(ssd_file):
    recorder = SSDRecorder(ssd_file)
    assert recorder.get_table().height == 3
    with ssd_file.open("ab") as handle:
        handle.write(b"3,2628986,2527\n4,26504")

    assert not recorder.is_up_to_date()
    assert recorder.get_table().height == 4
    assert recorder.bytes_read == ssd_file.stat().st_size
    assert recorder.is_up_to_date()


def test_the_same_table_is_given_again_while_nothing_is_new(ssd_file):
    recorder = SSDRecorder(ssd_file)
    assert recorder.get_table() is recorder.get_table()


def test_always_update_sees_a_change_in_the_middle(ssd_file):
    patient, watchful = SSDRecorder(ssd_file), SSDRecorder(ssd_file, always_update=True)
    patient.get_table(), watchful.get_table()

    ssd_file.write_text(SSD_FILE.replace("0,553786,2463", "0,553786,9999") + "3,9999999,1\n" * 40)

    assert watchful.get_table()["PulseHeight"][0] == 9999


def test_a_clock_offset_moves_all_times(ssd_file):
    offset = timedelta(minutes=-3)
    moved = SSDRecorder(ssd_file, clock_offset=offset).get_table()["datetime"]
    assert moved[0] == SSDRecorder(ssd_file).get_table()["datetime"][0] + offset


def test_pandas_users_get_pandas(ssd_file):
    pandas = pytest.importorskip("pandas")
    recorder = SSDRecorder(ssd_file, frame="pandas")
    for frame in (recorder.get_table(), recorder.get_data(), recorder.get_metadata()):
        assert isinstance(frame, pandas.DataFrame)


def test_rows_out_of_order_are_sorted_by_time(tmp_path):
    path = tmp_path / "coil.txt"
    path.write_text(
        "Time\tCoilOperation\n2022/03/14 12:00:09\tOFF\n2022/03/14 12:00:05\tON\n2022/03/14 12:00:05\tOFF\n"
    )
    recorder = CoilRecorder(path)
    assert recorder.get_table()["CoilOperation"].to_list() == ["ON", "OFF", "OFF"]
    assert recorder.get_data()["CoilOperation"].to_list() == ["OFF", "ON", "OFF"]


def test_a_parser_gives_one_chunk_after_another(ssd_file):
    parser = SSDParser(ssd_file, lines_per_update=2)
    assert parser.get_table()["TraceName"].to_list() == [0, 1]
    assert [t["TraceName"].to_list() for t in parser] == [[2]]
    assert parser.get_table().is_empty()
    with ssd_file.open("ab") as handle:
        handle.write(b"3,2628986,2527\n")
    assert [t["TraceName"].to_list() for t in parser] == [[3]]


@pytest.mark.parametrize("name", [n for n in utokyo.__all__ if n.endswith("Parser") and n != "Parser"])
def test_there_is_a_parser_for_every_recorder_of_a_file(name):
    assert issubclass(getattr(utokyo, name), getattr(utokyo, name.replace("Parser", "Recorder")))


def test_the_heating_log_takes_its_day_from_its_name_or_from_its_user(tmp_path):
    content = "23:59:52\t2V8s 1kW\tON\n00:00:10\t2V8s 1kW\tOFF\n"
    named, nameless = tmp_path / "20220918BT.csv", tmp_path / "log.csv"
    named.write_text(content)
    nameless.write_text(content)

    expected = [datetime(2022, 9, 18, 23, 59, 52), datetime(2022, 9, 19, 0, 0, 10)]
    assert HeatTimeRecorder(named).get_table()["datetime"].to_list() == expected
    assert HeatTimeRecorder(nameless, day="2022-09-18").get_table()["datetime"].to_list() == expected
    assert type(open_recorder(named)) is HeatTimeRecorder
    with pytest.raises(InputError, match="give the day, as day='2022-09-18'"):
        HeatTimeRecorder(nameless)


def test_the_gauges_of_one_name_are_numbered(tmp_path):
    path = tmp_path / "gauge.csv"
    path.write_text("Timestamp,Rb disp.,NC,NC,NC\n2022/03/12 20:32:19,0.000000895,1,2,0.050090000\n")
    table = GaugeRecorder(path).get_table()
    assert table.columns == ["Timestamp", "Rb disp.", "NC1", "NC2", "NC3", "timestamp_ns", "timestamp", "datetime"]
    assert table["Rb disp."][0] == 8.95e-7


def test_a_japanese_header_is_read_and_a_cut_character_costs_no_row(tmp_path):
    path = tmp_path / "heater.csv"
    header = "PROTEM Logging Tool File Format Version.,2\nItem Name:,,,設定値,モニタ\n".encode("cp932")
    path.write_bytes(header[:-2] + b"\n" + b"2022/03/14,10:07:41,00,5,4\n2022/03/14,10:07:42,\x83\n")

    recorder = HeaterRecorder(path)

    assert recorder.get_table()["MeasuredPercentage"].to_list() == [4.0]
    assert recorder.get_metadata()["Item Name:"][0].startswith("設定値,モニ")
    assert recorder.bad_rows == 1


@pytest.mark.parametrize(
    ("content", "types"),
    [
        ("a,b\n1,2.5\n3,4\n", [pl.Int64, pl.Float64]),
        ("a;b\n1;2,5\n3;4,25\n", [pl.Int64, pl.Float64]),
        ("a\tb\tc\n1\tx y\t2022/03/14 10:00:00\n", [pl.Int64, pl.String, pl.Datetime("ns")]),
        ('"a, b",c\n"x, y",1\n', [pl.String, pl.Int64]),
        ("1,2\n3,4\n", [pl.Int64, pl.Int64]),
        ("a,b,\n1,2\n3,4\n", [pl.Int64, pl.Int64]),
    ],
)
def test_a_plain_table_that_nobody_described_is_read(tmp_path, content, types):
    path = tmp_path / "some.csv"
    path.write_text(content)
    recorder = Recorder(path)
    assert recorder.get_data().dtypes == types
    assert recorder.bad_rows == 0


def test_decimals_that_come_late_in_a_column_of_integers_are_kept(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("a,b\n" + "1,2\n" * 20_000 + "1,2.5\n")
    recorder = Recorder(path)
    assert recorder.get_data()["b"].sum() == 40_002.5
    assert recorder.bad_rows == 0


def test_a_folder_is_a_table_of_its_files(tmp_path):
    for name in ("b_2.csv", "a_1.csv", "notes.txt"):
        (tmp_path / name).write_text("1,2\n")
    recorder = FileRecorder(filepath=tmp_path, match=r".*\.csv")

    assert recorder.get_data()["filename"].to_list() == ["a_1.csv", "b_2.csv"]
    (tmp_path / "c_3.csv").write_text("1\n")
    assert not recorder.is_up_to_date()
    assert recorder.get_table().height == 3
    assert [len(c) for c in FileParser(tmp_path, r".*\.csv", lines_per_update=2)] == [2, 1]


def test_images_take_their_time_from_the_index_of_their_run(tmp_path):
    run = tmp_path / "20220918-122539_data"
    images = run / "cmos_roidata" / "0918122554"
    images.mkdir(parents=True)
    (run / "all_data.csv").write_text(
        "No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n000257,2022/09/18 12:25:54.500,-1.5E-13,1491678,1\n"
    )
    row = ",".join(["25"] * 12) + "\n"
    for number in (257, 300):
        (images / f"cmos_{number:06d}.csv").write_text(row * 12)
    (images / "timelog.csv").write_text("File Name,Time\ncmos_000300.csv,12:26:00.250\n")

    table = FileRecorder(images, r"cmos.*").get_data()

    assert table["time_source"].to_list() == ["all_data", "timelog"]
    first = ImageRecorder(images / "cmos_000257.csv").get_table()["datetime"][0]
    assert first == datetime(2022, 9, 18, 12, 25, 54, 500000)
    clock = pl.Series(table["timestamp"]).cast(pl.Datetime("ns")).dt.time()
    assert str(clock[1]) == "12:26:00.250000"
    assert [len(c) for c in ImageParser(images / "cmos_000257.csv", lines_per_update=8)] == [8, 4]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_results_of_analyses_are_sources_too(tmp_path, ending):
    path = tmp_path / f"results{ending}"
    table = pl.DataFrame(
        {"timestamp_ns": [1_663_503_945_000_000_001, 1_663_503_900_000_000_000], "half_life_time": [6e8, 7e8]}
    )
    table.write_csv(path) if ending == ".csv" else table.write_parquet(path)

    read = SSDResultsRecorder(path).get_table()

    assert read["timestamp"].to_list() == sorted(table["timestamp_ns"])
    assert read["half_life_time"].to_list() == [7e8, 6e8]
    assert sum(len(c) for c in SSDResultsParser(path, lines_per_update=1)) == 2


def test_a_static_recorder_stands_in_for_a_file():
    recorder = StaticRecorder({"timestamp": [2, 1], "x": [0.5, 1.5]}, {"key": 7})
    assert recorder.get_table().to_dict(as_series=False)["x"] == [1.5, 0.5]
    assert recorder.get_table()["key"].to_list() == [7, 7]
    assert recorder.get_data()["x"].to_list() == [0.5, 1.5]
    assert recorder.is_up_to_date()


def test_a_wrong_format_says_which_it_looks_like(tmp_path, ssd_file):
    with pytest.raises(InputError, match=r"line 1: this is no PMT file: .*; it looks like a file for SSDRecorder"):
        PMTRecorder(ssd_file).get_table()
    coil = tmp_path / "coil.txt"
    coil.write_text("Time\tCoilOperation\n2022/03/14 12:00:09\tOFF\n")
    with pytest.raises(InputError, match="it looks like a file for CoilRecorder"):
        SSDRecorder(coil).get_table()


@pytest.mark.parametrize("recorder", [SSDRecorder, PMTRecorder, HeaterRecorder, LaserRecorder, GaugeRecorder])
def test_every_recorder_tells_every_other_format(real_files, recorder):
    own = {name for r, name, _ in COUNTS if r is recorder}
    if recorder is GaugeRecorder:  # a table of Timestamp and numbers, as the ion source's is
        own |= {"ion_short.csv", "ion_long.csv"}
    for name in {name for _, name, _ in COUNTS} - own:
        with pytest.raises(InputError):
            recorder(real_files / name).get_table()


@pytest.mark.parametrize("content", ["", SSD_FILE[:40], SSD_FILE[: SSD_FILE.index("0,5537")]])
def test_a_file_without_rows_yet_is_an_empty_table(tmp_path, content):
    path = tmp_path / "ssd.csv"
    path.write_text(content)
    recorder = SSDRecorder(path)
    assert recorder.get_table().height == 0
    path.write_text(SSD_FILE)
    assert recorder.get_table().height == 3


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(MissingFileError, match="no such file"):
        open_recorder(tmp_path / "nix.csv")
    with pytest.raises(MissingFileError, match="no such folder"):
        FileRecorder(tmp_path / "nix").get_table()
    with pytest.raises(InputError, match="this is a folder"):
        SSDRecorder(tmp_path).get_table()
    (tmp_path / "f").write_text("x")
    with pytest.raises(InputError, match="FileRecorder wants the folder"):
        FileRecorder(tmp_path / "f").get_table()


def test_a_parser_goes_on_over_rows_that_measured_nothing(tmp_path):
    path = tmp_path / "log.lta"
    header = "WLMLTAID02\nStartTime\t15.03.2022, 08:46:39.387\n\n[Measurement data]\n26\t0\t1\n"
    names = "Time  [ms]\tSignal 8  Wavelength, vac.  [nm]\tSignal 1  Wavelength, vac.  [nm]\n"
    path.write_text(header + names + "1.5\t780.1\n2.5\n3.5\t\t780.2\n")
    assert LaserRecorder(path).get_table()["signal"].to_list() == [8, 1]
    chunks = [c["signal"].to_list() for c in LaserParser(path, lines_per_update=1)]
    assert chunks == [[8], [1]]


def test_a_file_that_appears_late_with_an_early_time_is_handed_out_once(tmp_path):
    for i, name in enumerate(("a.csv", "b.csv", "c.csv")):
        (tmp_path / name).write_text("1\n")
        os.utime(tmp_path / name, (1e9 + i, 1e9 + i))
    parser = FileParser(tmp_path, r".*\.csv")
    assert parser.get_table()["filename"].to_list() == ["a.csv", "b.csv", "c.csv"]
    (tmp_path / "old.csv").write_text("1\n")
    os.utime(tmp_path / "old.csv", (1e8, 1e8))
    assert parser.get_table()["filename"].to_list() == ["old.csv"]
    assert parser.get_table().is_empty()


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_integers_since_1970_are_read_in_the_unit_that_they_are_in(tmp_path, unit):
    path = tmp_path / "t.csv"
    moment_ns = 1_647_216_000_000_000_000
    path.write_text(f"timestamp,v\n{moment_ns // unit},1\n{moment_ns // unit + 1},2\n")
    assert Recorder(path).get_table()["datetime"][0] == datetime(2022, 3, 14)


def test_small_integers_called_timestamp_are_no_times(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("timestamp,v\n1,1\n2,2\n")
    assert Recorder(path).get_table().columns == ["timestamp", "v"]


def test_a_column_that_has_the_name_of_a_time_is_kept(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("when,datetime\n2022-03-14 10:00:00,7\n")
    table = Recorder(path).get_table()
    assert table.columns == ["when", "datetime (file)", "timestamp_ns", "timestamp", "datetime"]
    assert table["datetime (file)"].to_list() == [7]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbf1,2\n3,4\n5,6\n", 3),
        (b"\xef\xbb\xbfa,b\n3,4\n5,6\n", 2),
        (b"a,b\n1,2,\n3,4,\n5,6,\n", 3),
    ],
)
def test_odd_tables_lose_no_good_row(tmp_path, content, rows):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    recorder = Recorder(path)
    assert recorder.get_data().height == rows
    assert recorder.bad_rows == 0


def test_wrong_arguments_get_one_sentence(ssd_file):
    with pytest.raises(InputError, match="clock_offset should be a timedelta"):
        SSDRecorder(ssd_file, clock_offset=-180)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="frame should be"):
        StaticRecorder({"a": [1]}, frame="xx")  # type: ignore[arg-type]
