"""Only wavelengths are signals of the wavemeter; voltages and temperatures stand under names of their own."""

from __future__ import annotations

import logging

import pytest
from polars.testing import assert_frame_equal
from scipy import constants

from utokyo import JoinedTable, LaserParser, LaserRecorder

HEADER = "WLMLTAID02\nStartTime\t15.03.2022, 08:46:39.387\n\n[Measurement data]\n"
VACUUM = "Signal 8  Wavelength, vac.  [nm]", "Signal 3  Wavelength, vac.  [nm]"


def written(path, frames, rows):
    """A long-term measurement; a row is its time, the frame that was read, and what it read."""
    index = "26\t" + "\t".join(map(str, range(len(frames)))) + "\n"
    lines = [f"{time}" + "\t" * (frame + 1) + f"{value}\n" for time, frame, value in rows]
    path.write_text(HEADER + index + "Time  [ms]\t" + "\t".join(frames) + "\n" + "".join(lines), encoding="cp932")
    return path


@pytest.fixture
def log(tmp_path):
    frames = ("Temperature  [C]", *VACUUM, "Analog output voltage 1  [mV]", "Signal 8  Linewidth  [GHz]")
    rows = []
    for sweep in range(5):
        begin = 1000 * sweep
        rows += [(begin, 1, 780.25 + 1e-6 * sweep), (begin + 20, 3, -10.0 * sweep), (begin + 40, 2, 718.2)]
        rows += [(begin + 60, 0, 21.0 + sweep), (begin + 80, 4, 0.3), (begin + 90, 0, 21.5 + sweep)]
    return written(tmp_path / "log.lta", frames, rows)


def test_voltage_temperature_and_linewidth_are_no_signals(log):
    recorder = LaserRecorder(log)
    table = recorder.get_table()
    assert table["signal"].to_list() == [8, 3] * 5
    assert table["wavelength"].min() > 700.0
    assert table["frequency_THz"].to_list() == pytest.approx([constants.c / w / 1e3 for w in table["wavelength"]])
    assert recorder.get_sweeps().columns[:2] == ["wavelength_8", "wavelength_3"]
    assert recorder.get_data().height == 30


def test_each_reading_stands_once_in_the_row_of_the_next_measurement(log):
    table = LaserRecorder(log).get_table()
    assert table["Analog output voltage 1 (mV)"].to_list() == [
        None,
        0.0,
        None,
        -10.0,
        None,
        -20.0,
        None,
        -30.0,
        None,
        -40.0,
    ]
    assert table["Temperature (C)"].to_list() == [None, None, 21.5, None, 22.5, None, 23.5, None, 24.5, None]
    sweeps = LaserRecorder(log).get_sweeps()
    assert sweeps["Temperature (C)"].to_list() == [None, 21.5, 22.5, 23.5, 24.5]
    assert sweeps["Analog output voltage 1 (mV)"].to_list() == [0.0, -10.0, -20.0, -30.0, -40.0]


def test_sweeps_are_shown_as_they_stay_however_the_file_grows(log):
    whole = LaserRecorder(log).get_sweeps()
    content = log.read_bytes()
    grown = log.with_name("grown.lta")
    grown.write_bytes(b"")
    recorder = LaserRecorder(grown)
    with grown.open("ab") as handle:
        for line in content.splitlines(keepends=True):
            handle.write(line)
            handle.flush()
            seen = recorder.get_sweeps()
            if "wavelength_3" in seen.columns:
                assert_frame_equal(seen, whole.head(seen.height))
    assert_frame_equal(recorder.get_table(), LaserRecorder(log).get_table())


@pytest.mark.parametrize("lines", [1, 2, 4, 7])
def test_a_parser_gives_the_same_readings_in_any_chunks(log, lines):
    whole = LaserRecorder(log).get_table().sort("time")
    chunks = list(LaserParser(log, lines_per_update=lines))
    for name in ("signal", "Temperature (C)", "Analog output voltage 1 (mV)"):
        assert [value for chunk in chunks for value in chunk[name]] == whole[name].to_list()


def test_units_of_a_join_are_those_of_the_frames(log):
    joined = JoinedTable([LaserRecorder(log)], every="1s")
    joined.update()
    assert joined.units["laser.wavelength_8"] == "nm"
    assert joined.units["laser.Temperature (C)"] == "C"


@pytest.mark.parametrize(
    ("frame", "shown", "nm"),
    [
        ("Signal 2  Wavelength, vac.  [nm]", 780.25, 780.25),
        ("Signal 2  Frequency  [THz]", 384.2, constants.c / 384.2 / 1e3),
        ("Signal 2  Wave number  [1/cm]", 12816.4, 1e7 / 12816.4),
        ("Wavelength 2, vac.  [nm]", 780.25, 780.25),
    ],
)
def test_a_wavelength_is_one_however_the_wavemeter_shows_it(tmp_path, frame, shown, nm):
    path = written(tmp_path / "log.lta", (frame, "Signal 2  Power  [uW]"), [(1, 0, shown), (2, 1, 55.0), (3, 0, shown)])
    table = LaserRecorder(path).get_table()
    assert table["signal"].to_list() == [2, 2]
    assert table["wavelength"].to_list() == pytest.approx([nm, nm], rel=1e-12)
    assert table["frequency_THz"].to_list() == pytest.approx([constants.c / nm / 1e3] * 2, rel=1e-12)


def test_a_wavelength_in_air_has_no_frequency_and_it_is_said_once(tmp_path, caplog):
    path = written(tmp_path / "log.lta", ("Signal 2  Wavelength, std. air  [nm]",), [(1, 0, 780.03), (2, 0, 780.03)])
    recorder = LaserRecorder(path)
    with caplog.at_level(logging.WARNING, "utokyo"):
        table = recorder.get_table()
        recorder.get_sweeps()
    assert table["wavelength"].to_list() == [780.03, 780.03]
    assert table["frequency_THz"].null_count() == 2
    assert caplog.text.count("signal 2 are those in air") == 1


def test_a_file_without_wavelengths_has_readings_alone(tmp_path):
    path = written(tmp_path / "log.lta", ("Temperature  [C]",), [(1, 0, 21.0), (2, 0, 21.5)])
    recorder = LaserRecorder(path)
    assert recorder.get_table().height == 0
    assert recorder.get_sweeps().height == 0
    assert recorder.get_data().height == 2
