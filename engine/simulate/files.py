"""The files of a simulated beam time, byte for byte as the PCs of the experiment write them.

Each function turns arrays into one `Stream`: the bytes of a file, and for every block of them (a line, mostly) the beam
time at which the PC has measured it. That is all a live run has to know: what may stand on the disk at a time is a
prefix of the bytes. Nothing here is random and nothing here is physics; the same arrays give the same bytes.
Heater and ion files end their lines in CR LF, the others in LF, as the real PCs mix it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LASER_SIGNALS",
    "SSD_LLD",
    "SSD_ULD",
    "TICKS_PER_S",
    "Stream",
    "coil_stream",
    "gauge_stream",
    "heater_stream",
    "heating_log_stream",
    "image_stream",
    "ion_stream",
    "laser_stream",
    "pmt_stream",
    "ssd_stream",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TICKS_PER_S = 1_000_000
SSD_LLD = 500
SSD_ULD = 4031

# No dead time is simulated, and the header says so: a reader that corrects by the header then corrects by nothing.
SSD_HEADER = """\
Model,WE7562
BlockNumber,1
BlockSize,{pulses:<19d}
TraceName,Time,PulseHeight
VUnit,cnt
HResolution,1.000000e+000
"HUnit",?
Date,{start_date}
Time,{start_time}
//Comment,
//StartDate,{start_date}
//StartTime,{start_time}
//StopDate,{stop_date}
//StopTime,{stop_time}
//Input,Input1
//OperationMode,LIST
//MeasureMode,Peak
//Gain,4096
//GNDLevel,31
//10VLevel,4032
//CalResolution,1.000000e+000
//CalOffset,0.000000e+000
//PulseWidth,0.000000e+000
//LLD,{lld}
//ULD,{uld}
//ErrorCheck,ON
//ROIEnabled,ON
//TriggerSource,Input1
//GateFunction,None
//TriggerOutput,None
//SignalType,Trigger
//Synchronize,OFF
//StopSource,None
//TimeResolution,{resolution}
//TimeStamp,Peak
//RealTime,{real_time}
//LiveTime,{real_time}
//DeadTime(%),0.000000e+000
"""

HEATER_HEADER = """\
PROTEM Logging Tool File Format Version.,2
Title:,Simulated heater
Item No.:,,,65,12
Ch No.:,,,1,1
Item Name:,,,マニュアル制御モードの設定値 (SV),設定値 (SV) モニタ
Ch Name:,,,CH 1,CH 1
"""

COIL_HEADER = "Time\tCoilOperation\n"
GAUGE_HEADER = "Timestamp,Rb disp.,Neut.,Surf. Ref.,NC,NC,NC\n"
PMT_HEADER = "No.,Time,PMT Current (A),ROI Sum,Coil (1:ON 0:OFF),\n"

ELECTRODES = (
    "Au Target",
    "Takefune Left",
    "Takefune Right",
    "Extraction",
    "Def Up",
    "Def Down",
    "Drift 1",
    "Einzel",
    "Drift 2",
)
ION_COLUMNS = (
    *("Timestamp", "Be Bypass", "Fr Beamline", "Center", "Surrounding", "FC", "NC"),
    *("Be temp (degC)", "He press (V)", "Au temp (V)", "Read Au current", *ELECTRODES),
    *("Read Au current Current", *(f"{electrode} Current" for electrode in ELECTRODES)),
    *("Freq (kHz)", "Phase (deg)", "Amp(CH1) (Vpp)", "Amp(CH2) (Vpp)"),
)
ION_ROW = ",".join(["{}", *["{:.9f}"] * 2, *["{:.6f}"] * 7, *["{:.8f}"] * 20, *["{:.0f}"] * 4]) + "\r\n"
HEATER_ROW = "{},00,{},{}\r\n"
GAUGE_ROW = ",".join(["{}", *["{:.9f}"] * 6]) + "\n"
PMT_ROW = "{:06d},{},{:.6E},{},{}\n"

# Signal numbers in the order of the columns, with nominal vacuum wavelengths in nm.
LASER_SIGNALS = {8: 780.2462, 1: 780.2411, 4: 794.9790, 6: 718.2160, 3: 817.1665, 2: 718.1370}
LASER_HEADER = """\
WLMLTAID02
File version\t8
Version\t9\t4310\t6508\t001
Frames\t{frames}
Measurements\t{measurements}
StartTime\t{start}
EndTime\t{end}

[General settings]
LTWH\t0\t0\t1280\t1024
Unit\t2
Power Unit\t0
StatCnt\t10
RxM\t2
KxM\t2
KxL\t2
FxMM\t10000
TxMM\t600
TxWM\t1
TxW1\t{window}

"""
LASER_FRAME = """\
[Frame {number}]
cmi\t{channel}
type\t9
ver\t4310
pmptype\t-1
pmp\t-1
Caption\tWSU-4310: Signal {signal}  Frequency  [THz]
LTWH\t0\t{top}\t1072\t160
Docked\t1
Color\t{color}
LColor\t-2147483640
KyM\t2
yMM\t-13\t-13
Exp\t1
ExpC\t1

"""


@dataclass(frozen=True, eq=False)
class Stream:
    """A file that grows: its bytes, and when which of them are due.

    Parameters
    ----------
    path : PurePosixPath
        Relative to the folder of the beam time.
    data : bytes
        The complete file.
    times_s : array of float64, shape (n,)
        Beam time in s at which each block is due, never decreasing.
    ends : array of int64, shape (n,)
        Offset of the first byte after each block.
    rows : int
        Data rows, without the header.
    cut_probability : float
        How often a live run cuts an append of this file at a random byte.
    """

    path: PurePosixPath
    data: bytes
    times_s: Floats
    ends: Integers
    rows: int
    cut_probability: float = 1.0

    def bytes_due(self, time_s: float) -> int:
        """Bytes that have been measured at a beam time in s."""
        blocks = int(np.searchsorted(self.times_s, time_s, side="right"))
        return int(self.ends[blocks - 1]) if blocks else 0


def ssd_stream(path: str, start_ns: int, duration_s: float, ticks: Integers, heights: Integers) -> Stream:
    """List mode of the SSD: ticks of 1 us since the start, pulse heights in channels."""
    start_date, start_time = _wall_clock(start_ns, np.zeros(1))[0].split(" ")
    stop_date, stop_time = _wall_clock(start_ns, np.array([duration_s]))[0].split(" ")
    header = SSD_HEADER.format(
        pulses=len(ticks),
        start_date=start_date,
        start_time=start_time,
        stop_date=stop_date,
        stop_time=stop_time,
        lld=SSD_LLD,
        uld=SSD_ULD,
        resolution=_three_digit_exponent(1 / TICKS_PER_S),
        real_time=_three_digit_exponent(duration_s),
    )
    lines = [b"%d,%d,%d\n" % row for row in zip(range(len(ticks)), ticks.tolist(), heights.tolist(), strict=True)]
    return _line_stream(path, header.encode("ascii"), ticks / TICKS_PER_S, lines)


def heater_stream(path: str, start_ns: int, times_s: Floats, target: Integers, measured: Integers) -> Stream:
    """Heater log in Shift-JIS: set and measured power in percent."""
    clock = (text.replace(" ", ",") for text in _wall_clock(start_ns, times_s))
    rows = zip(clock, target.tolist(), measured.tolist(), strict=True)
    lines = [HEATER_ROW.format(*row).encode("ascii") for row in rows]
    return _line_stream(path, HEATER_HEADER.replace("\n", "\r\n").encode("cp932"), times_s, lines)


def heating_log_stream(path: str, start_ns: int, times_s: Floats, heatings: Iterable[str], coil: Integers) -> Stream:
    """Log of heatings: time of the day, voltage with duration and power, and the coil."""
    rows = zip(_wall_clock(start_ns, times_s), heatings, coil.tolist(), strict=True)
    lines = [f"{clock[11:]}\t{heating}\t{'ON' if on else 'OFF'}\n".encode("ascii") for clock, heating, on in rows]
    return _line_stream(path, b"", times_s, lines)


def coil_stream(path: str, start_ns: int, times_s: Floats, states: Integers) -> Stream:
    """Log of the coil relay: one line a switch."""
    rows = zip(_wall_clock(start_ns, times_s), states.tolist(), strict=True)
    lines = [f"{clock}\t{'ON' if on else 'OFF'}\n".encode("ascii") for clock, on in rows]
    return _line_stream(path, COIL_HEADER.encode("ascii"), times_s, lines)


def gauge_stream(path: str, start_ns: int, times_s: Floats, pressures: Floats) -> Stream:
    """Vacuum gauge: six pressures a row, `pressures` of shape (n, 6)."""
    rows = zip(_wall_clock(start_ns, times_s), pressures.tolist(), strict=True)
    lines = [GAUGE_ROW.format(clock, *row).encode("ascii") for clock, row in rows]
    return _line_stream(path, GAUGE_HEADER.encode("utf-8"), times_s, lines)


def ion_stream(path: str, start_ns: int, times_s: Floats, values: Floats) -> Stream:
    """Ion source in Shift-JIS: 33 values a row, `values` of shape (n, 33) in the order of the columns."""
    header = ",".join(ION_COLUMNS) + "\r\n"
    rows = zip(_wall_clock(start_ns, times_s), values.tolist(), strict=True)
    lines = [ION_ROW.format(clock, *row).encode("ascii") for clock, row in rows]
    return _line_stream(path, header.encode("cp932"), times_s, lines)


def laser_stream(path: str, start_ns: int, begin_s: float, times_ms: Floats, column: Integers, nm: Floats) -> Stream:
    """Wavemeter: one signal a row, in the column of its signal.

    `begin_s` is the file's StartTime as beam time; `times_ms` counts from it, and `column` from 0 over `LASER_SIGNALS`.
    """
    begin_ns = start_ns + round(begin_s * 1e9)
    last_ms = times_ms[-1:].max(initial=0.0)
    head = LASER_HEADER.format(
        frames=len(LASER_SIGNALS),
        measurements=len(times_ms),
        start=_laser_clock(begin_ns),
        end=_laser_clock(begin_ns + round(last_ms * 1e6)),
        window="D" + "0" * 64,
    )
    for index, signal in enumerate(LASER_SIGNALS):
        color = 0x808080 + 0x101000 * index
        head += LASER_FRAME.format(number=index + 1, channel=41 + signal, signal=signal, top=170 * index, color=color)
    names = (f"Signal {signal}  Wavelength, vac.  [nm]" for signal in LASER_SIGNALS)
    head += "[Measurement data]\n26\t" + "\t".join(str(index) for index in range(len(LASER_SIGNALS)))
    head += "\nTime  [ms]\t" + "\t".join(names) + "\n"

    before = [b"\t" * (1 + index) for index in range(len(LASER_SIGNALS))]
    after = [b"\t" * (len(LASER_SIGNALS) - 1 - index) + b"\n" for index in range(len(LASER_SIGNALS))]
    clock = [(b"%.4f" % time).rstrip(b"0").rstrip(b".") for time in times_ms.tolist()]
    rows = zip(clock, column.tolist(), nm.tolist(), strict=True)
    lines = [time + before[index] + b"%.8f" % value + after[index] for time, index, value in rows]
    if lines:
        lines[-1] = lines[-1].rstrip(b"\t\n") + b"\n"  # the program drops the trailing tabs of its last line
    return _line_stream(path, head.encode("cp932"), begin_s + times_ms * 1e-3, lines)


def pmt_stream(
    path: str,
    start_ns: int,
    times_s: Floats,
    *,
    numbers: Integers,
    current_A: Floats,
    roi_sum: Integers,
    coil: Integers,
) -> Stream:
    """`all_data.csv`: PMT current, counts on the camera and the state of the coil."""
    columns = (numbers.tolist(), _wall_clock(start_ns, times_s, "ms"), current_A.tolist(), roi_sum.tolist())
    rows = zip(*columns, coil.tolist(), strict=True)
    lines = [PMT_ROW.format(*row).encode("ascii") for row in rows]
    return _line_stream(path, PMT_HEADER.encode("ascii"), times_s, lines)


def image_stream(path: str, time_s: float, image: Integers, cut_probability: float) -> Stream:
    """Return an image, one image row a line; the camera hands over the whole image at once."""
    data = _integer_csv(image)
    ends = np.array([len(data)], dtype=np.int64)
    return Stream(PurePosixPath(path), data, np.array([time_s]), ends, len(image), cut_probability)


def _line_stream(path: str, header: bytes, times_s: Floats, lines: list[bytes]) -> Stream:
    blocks = [header, *lines] if header else lines
    due_s = np.concatenate([np.zeros(1), times_s]) if header else times_s
    ends = np.cumsum(np.fromiter(map(len, blocks), dtype=np.int64, count=len(blocks)))
    return Stream(PurePosixPath(path), b"".join(blocks), due_s, ends, len(lines))


def _wall_clock(start_ns: int, times_s: Floats, unit: str = "s") -> list[str]:
    """Return ``2022/09/18 12:25:39`` (and ``.266`` with unit "ms"), cut off as clocks do, not rounded."""
    # Half a nanosecond of rounding must not turn .266 into .265.
    moments = (start_ns + np.rint(times_s * 1e9).astype(np.int64)).view("datetime64[ns]")
    texts = np.datetime_as_string(moments.astype(f"datetime64[{unit}]")).tolist()
    return [text.replace("-", "/").replace("T", " ") for text in texts]


def _laser_clock(moment_ns: int) -> str:
    clock = _wall_clock(moment_ns, np.zeros(1), "ms")[0]
    return f"{clock[8:10]}.{clock[5:7]}.{clock[:4]}, {clock[11:]}"


def _three_digit_exponent(value: float) -> str:
    """Return ``1.000000e-006``, as the C library of old Windows prints it."""
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{mantissa}e{int(exponent):+04d}"


def _integer_csv(matrix: Integers) -> bytes:
    """Return a matrix of non-negative integers as CSV, a hundred times faster than number by number.

    Every number is looked up as right-aligned digits after zero bytes; dropping the zero bytes aligns them all.
    """
    width = len(str(int(matrix.max())))
    table = b"".join((b"%d," % value).rjust(width + 1, b"\0") for value in range(int(matrix.max()) + 1))
    cells = np.frombuffer(table, dtype=np.uint8).reshape(-1, width + 1)[matrix]
    cells[:, -1, -1] = ord("\n")
    packed: NDArray[np.uint8] = cells[cells != 0]
    return packed.tobytes()
