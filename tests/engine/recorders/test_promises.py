"""All recorders keep what is promised of one, on files as the simulation writes them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest

from utokyo import (
    CoilRecorder,
    FileRecorder,
    GaugeRecorder,
    HeaterRecorder,
    HeatTimeRecorder,
    ImageRecorder,
    InputError,
    IonRecorder,
    LaserRecorder,
    LVMRecorder,
    ParameterRecorder,
    PMTRecorder,
    Recorder,
    Source,
    SSDParser,
    SSDRecorder,
    StaticRecorder,
    join,
    simulate,
)
from utokyo.engine.recorders.known import RECORDERS
from utokyo.testing import RecorderTests

ROWS = 40


@cache
def content_of(source: str, rows: int = ROWS) -> bytes:
    """The header and the first rows of a simulated file."""
    with tempfile.TemporaryDirectory() as folder:
        truth = simulate(Path(folder) / "beam", minutes=2.0, seed=4)
        path = truth["files"][source]
        content = (Path(folder) / "beam" / path).read_bytes()
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) - truth["rows"][path] + rows])


class TestSSD(RecorderTests):
    recorder_class = SSDRecorder
    content = content_of("ssd")
    kind = "ssd"
    header_lines = content.count(b"\n") - ROWS


class TestPMT(RecorderTests):
    recorder_class = PMTRecorder
    content = content_of("pmt")
    kind = "pmt"


class TestCoil(RecorderTests):
    recorder_class = CoilRecorder
    content = content_of("coil")
    kind = "coil"


class TestHeater(RecorderTests):
    recorder_class = HeaterRecorder
    content = content_of("heater")
    kind = "heater"
    header_lines = content.count(b"\n") - ROWS


class TestHeatTime(RecorderTests):
    recorder_class = HeatTimeRecorder
    content = content_of("heating_log")
    kind = "heating"
    filename = "heating.csv"
    options = {"day": "2022-09-18"}
    header_lines = 0


class TestGauge(RecorderTests):
    recorder_class = GaugeRecorder
    content = content_of("gauge")
    kind = "gauge"


class TestIon(RecorderTests):
    recorder_class = IonRecorder
    content = content_of("ion")
    kind = "ion"


class TestLaser(RecorderTests):
    recorder_class = LaserRecorder
    content = content_of("laser")
    kind = "laser"
    header_lines = content.count(b"\n") - ROWS


LVM_HEADER = b"""LabVIEW Measurement\t\r
Separator\tTab\r
Decimal_Separator\t.\r
X_Columns\tOne\r
Date\t2023/05/09\r
Time\t11:20:05.2500000000000000000\r
***End_of_Header***\t\r
\t\r
Channels\t2\t\t\r
Y_Unit_Label\tVolts\tVolts\t\r
***End_of_Header***\t\t\t\r
X_Value\tCup\tPump\tComment\r
"""


class TestLVM(RecorderTests):
    recorder_class = LVMRecorder
    content = LVM_HEADER + b"".join(b"%.3f\t%.4f\t%d\tOK\r\n" % (0.5 * k, 2.4 + 0.01 * k, k) for k in range(30))
    kind = "lvm"
    filename = "run.lvm"
    header_lines = LVM_HEADER.count(b"\n")


class TestTable(RecorderTests):
    recorder_class = Recorder
    content = b"time,T (K)\n" + b"".join(b"2022-09-18 12:00:%02d,%.2f\n" % (s, 293.1 + 0.1 * s) for s in range(30))
    kind = "table"


WHOLE = {"a folder": FileRecorder, "an image": ImageRecorder, "a table in Parquet": ParameterRecorder}


def whole_source(what: str, folder: Path) -> Recorder:
    """A recorder of what is no growing text."""
    if what == "a folder":
        (folder / "a.txt").write_text("x")
        return FileRecorder(folder)
    if what == "an image":
        (folder / "cmos_000001.csv").write_text("1,2\n3,4\n")
        return ImageRecorder(folder / "cmos_000001.csv")
    path = folder / "results.parquet"
    StaticRecorder({"timestamp_ns": [2, 1], "A": [1.0, 2.0]}).get_data().write_parquet(path)
    return ParameterRecorder(path)


@pytest.mark.parametrize("what", WHOLE)
def test_what_is_no_text_answers_for_itself(what, tmp_path):
    recorder = whole_source(what, tmp_path)
    assert isinstance(recorder, Source)
    assert not hasattr(recorder, "_reader")  # there is none whose answers it could inherit
    recorder.get_table()
    assert recorder.rows == {"a folder": 1, "an image": 2, "a table in Parquet": 2}[what]
    assert (recorder.bad_rows, recorder.bad_row_messages, recorder.has_unfinished_line) == (0, (), False)
    assert (recorder.generation, recorder.only_grows) == (0, False)
    assert recorder.is_sorted == (what != "a table in Parquet")
    assert recorder.is_up_to_date()
    assert recorder.finish() == 0 or what == "a table in Parquet"
    assert repr(recorder).startswith(type(recorder).__name__)


def test_a_changed_image_or_table_is_another_generation(tmp_path):
    image = whole_source("an image", tmp_path)
    image.get_table()
    image.filepath.write_text("1,2\n3,5\n5,6\n")
    assert image.get_table().height == 3
    assert image.generation == 1
    table = whole_source("a table in Parquet", tmp_path)
    version = table.get_table() is not None and table.version
    StaticRecorder({"timestamp_ns": [1], "A": [1.0]}).get_data().write_parquet(table.filepath)
    assert table.get_table().height == 1
    assert table.version != version
    assert table.generation == 1


def test_a_fixed_table_is_a_source_too():
    static = StaticRecorder({"timestamp": [2, 1], "x": [1, 2]}, {"key": "value"})
    assert isinstance(static, Source)
    assert not static.is_sorted
    assert static.get_table()["timestamp"].is_sorted()
    assert static.source_kind().prefix == "static"
    assert static.source_kind("ssd").has_bursts
    assert repr(static) == "StaticRecorder(2 rows: timestamp, x)"


def test_what_cannot_be_joined_says_why(tmp_path):
    (tmp_path / "ssd.csv").write_bytes(TestSSD.content)
    with pytest.raises(InputError, match="hands out every chunk once"):
        join([SSDParser(tmp_path / "ssd.csv")], every="1s")
    with pytest.raises(InputError, match="is a single image"):
        join({"i": whole_source("an image", tmp_path)}, every="1s")


def test_every_kind_is_a_recorder_with_its_name_in_the_join():
    for kind, recorder in RECORDERS.items():
        assert issubclass(recorder, Recorder)
        assert recorder.join_as is None or recorder.join_as.prefix == kind
