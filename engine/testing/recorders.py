"""`RecorderTests`: what is promised of a recorder of growing text, whatever its format."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ...io.errors import InputError, MissingFileError
from ..command.config import read_join_config
from ..join.table import join
from ..recorders.base import Recorder
from ..recorders.detect import open_recorder
from ..recorders.known import RECORDERS
from ..recorders.source import Source
from .elsewhere import elsewhere

__all__ = ["RecorderTests"]

MOST_CUTS = 1500
"""Places at which a file is cut, at the most: each costs a look at it."""


class RecorderTests:
    r"""Promises of a recorder, to be inherited by a test class.

    Attributes
    ----------
    recorder_class : type of Recorder
    content : bytes
        Of a file of its format, with three rows or more, and the line end of the last one.
    filename : str
        What the file is called.
    options : mapping
        Of its constructor.
    kind : str
        By which TOML files name it, if it is known by one.
    header_lines : int
        Lines before the first row: 1, unless the class says another number.

    Examples
    --------
    >>> from utokyo import CoilRecorder
    >>> class TestCoil(RecorderTests):
    ...     recorder_class = CoilRecorder
    ...     content = b"Time\tCoilOperation\n2022/03/14 12:09:23\tON\n2022/03/14 12:09:53\tOFF\n"
    """

    recorder_class: ClassVar[type[Recorder]]
    content: ClassVar[bytes]
    filename: ClassVar[str] = "sample.csv"
    options: ClassVar[dict[str, Any]] = {}
    kind: ClassVar[str] = ""
    header_lines: ClassVar[int] = 1

    def opened(self, path: Path, **options: Any) -> Recorder:
        """The recorder of a file."""
        return self.recorder_class(path, **{**self.options, **options})

    def written(self, folder: Path, content: bytes | None = None) -> Path:
        """A file with some content, by default the whole one."""
        path = folder / self.filename
        path.write_bytes(self.content if content is None else content)
        return path

    def whole(self, folder: Path, content: bytes | None = None) -> pl.DataFrame:
        """The table of such a file, read at once by a recorder of its own."""
        other = folder / "whole"
        other.mkdir(exist_ok=True)
        table: pl.DataFrame = self.opened(self.written(other, content)).get_table()
        return table

    def lines(self) -> list[bytes]:
        """Of the content, with their ends."""
        return self.content.splitlines(keepends=True)

    def test_it_reads_its_file(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path))
        table = recorder.get_table()
        assert table.height >= 1
        assert recorder.bad_rows == 0, recorder.bad_row_messages
        assert recorder.bytes_read == len(self.content)
        assert recorder.is_up_to_date()
        if "timestamp" in table.columns:
            assert table["timestamp"].is_sorted()
            assert_frame_equal(
                table.select(pl.col("timestamp").cast(pl.Datetime("ns")).alias("datetime")), table.select("datetime")
            )

    def test_it_keeps_the_interface_of_sources(self, tmp_path: Path) -> None:
        assert isinstance(self.opened(self.written(tmp_path)), Source)

    def test_however_the_bytes_arrive_the_table_is_the_same(self, tmp_path: Path) -> None:
        path = self.written(tmp_path, b"")
        recorder = self.opened(path)
        step = max(1, len(self.content) // MOST_CUTS)
        with path.open("ab") as handle:
            for begin in range(0, len(self.content), step):
                handle.write(self.content[begin : begin + step])
                handle.flush()
                recorder.get_table()
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path))
        assert recorder.bytes_read == len(self.content)

    def test_half_a_header_is_no_row_and_no_mistake(self, tmp_path: Path) -> None:
        header = b"".join(self.lines()[: self.header_lines])
        path = self.written(tmp_path, header[: len(header) // 2])
        recorder = self.opened(path)
        assert recorder.get_table().height == 0
        path.write_bytes(self.content)
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path))

    def test_a_last_line_without_its_end_waits(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path, self.content[:-2]))
        before = recorder.get_table().height
        assert recorder.has_unfinished_line
        recorder.filepath.write_bytes(self.content)
        assert recorder.get_table().height >= before
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path))

    def test_a_truncated_file_is_read_anew(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path))
        recorder.get_table()
        short = b"".join(self.lines()[:-1])
        recorder.filepath.write_bytes(short)
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path, short))

    def test_another_file_of_the_same_name_is_read_anew(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path))
        recorder.get_table()
        lines = self.lines()
        other = b"".join(
            [*lines[: self.header_lines], *lines[self.header_lines + 1 :], *lines[self.header_lines + 1 :]]
        )
        recorder.filepath.write_bytes(other)
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path, other))
        assert recorder.generation == 1

    def test_a_missing_file_is_waited_for(self, tmp_path: Path) -> None:
        recorder = self.opened(tmp_path / self.filename)
        with pytest.raises(MissingFileError):
            recorder.get_table()
        self.written(tmp_path)
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path))

    def test_a_clock_offset_moves_the_times_alone(self, tmp_path: Path) -> None:
        path = self.written(tmp_path)
        table = self.opened(path).get_table()
        if "timestamp" not in table.columns:
            pytest.skip("a format without times")
        moved = self.opened(path, clock_offset=timedelta(seconds=-180)).get_table()
        assert (moved["timestamp"] - table["timestamp"]).unique().to_list() == [-180_000_000_000]
        times = ("timestamp_ns", "timestamp", "datetime")
        assert moved["timestamp_ns"].to_list() == moved["timestamp"].to_list()
        assert_frame_equal(moved.drop(times), table.drop(times))

    def test_it_is_recognised(self, tmp_path: Path) -> None:
        if self.recorder_class.signature is None:
            pytest.skip("a format without a signature")
        assert type(open_recorder(self.written(tmp_path), **self.options)) is self.recorder_class

    def test_it_travels_to_another_process(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path))
        table = recorder.get_table()
        assert_frame_equal(pickle.loads(pickle.dumps(recorder)).get_table(), table)
        assert_frame_equal(elsewhere(self.recorder_class.get_table, recorder), table)

    def test_it_is_joined(self, tmp_path: Path) -> None:
        recorder = self.opened(self.written(tmp_path))
        if "timestamp" not in recorder.get_table().columns:
            pytest.skip("a format without times")
        joined = join([recorder], every="1s")
        prefix = recorder.source_kind().prefix
        assert joined.height >= 1
        assert all(name.startswith(f"{prefix}.") for name in joined.columns[2:])
        assert len(joined.columns) > 2

    def test_it_is_named_in_toml(self, tmp_path: Path) -> None:
        if not self.kind:
            pytest.skip("known by no kind")
        assert RECORDERS[self.kind] is self.recorder_class
        path = self.written(tmp_path)
        keys = "".join(f'{name} = "{value}"\n' for name, value in self.options.items())
        config = tmp_path / "join.toml"
        config.write_text(f'[recorders.source]\nkind = "{self.kind}"\nfilepath = "{path.name}"\n{keys}')
        recorder = read_join_config(config).recorders["source"]
        assert type(recorder) is self.recorder_class
        assert_frame_equal(recorder.get_table(), self.whole(tmp_path))

    def test_a_key_that_it_does_not_have_is_refused(self, tmp_path: Path) -> None:
        if not self.kind:
            pytest.skip("known by no kind")
        config = tmp_path / "join.toml"
        config.write_text(f'[recorders.source]\nkind = "{self.kind}"\nfilepath = "x"\nno_such_option = 1\n')
        with pytest.raises(InputError, match="unknown key 'no_such_option'"):
            read_join_config(config)
