"""`Analysis`: looks at a recorder, and when there is something new gives result rows and figures.

A run does, in this order: read the new rows; analyse; write the results; draw. Nothing is remembered as done before all
of it is, so a run that failed or was killed is made up for by the next one, and results are keyed by source and event,
so that deriving them again harms nothing.
"""

from __future__ import annotations

import io
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...io.errors import InputError
from ...io.png import png_bytes
from ...io.store import ResultTable, write_whole
from ..figures.sheet import DOTS_PER_INCH, Sheet
from ..recorders.base import Recorder
from ..recorders.static import StaticRecorder

__all__ = ["Analysis", "ResultParameter", "save_figure"]

log = logging.getLogger("utokyo")

# Matplotlib's fonts and mathematics are shared by all figures: one is rendered at a time (it holds the GIL anyway).
_drawing = threading.Lock()


@dataclass(frozen=True)
class ResultParameter:
    """One column of a result table: its name, polars type, unit and meaning, and whether the terminal shows it."""

    name: str
    dtype: type[pl.DataType]
    unit: str
    meaning: str
    shown: bool = True


class Analysis(ABC):
    """What is done with one source, every cycle.

    Parameters
    ----------
    filepath : path, optional
        The source; or give a `recorder`.
    recorder : Recorder or StaticRecorder, optional
        A source that is open already, maybe shared with other analyses.
    image_src : path, optional
        Folder for the figures, made if it is missing; without, none are drawn.
    image_extension : str
        ``.png``, ``.pdf``, ``.svg`` or what else matplotlib writes.
    result_filepath : path, optional
        Table to which the result rows are added, ``.csv`` or ``.parquet``.

    Raises
    ------
    InputError
        When neither or both of `filepath` and `recorder` are given, or an ending is unknown.

    Attributes
    ----------
    results : polars.DataFrame
        Results of the last run.
    figures : list of path
        Files drawn by the last run.
    """

    recorder_class: ClassVar[type[Recorder]]
    parameters: ClassVar[tuple[ResultParameter, ...]]
    short_name: ClassVar[str]

    def __init__(
        self,
        filepath: str | Path | None = None,
        *,
        recorder: Recorder | StaticRecorder | None = None,
        image_src: str | Path | None = None,
        image_extension: str = ".png",
        result_filepath: str | Path | None = None,
    ) -> None:
        if (filepath is None) == (recorder is None):
            raise InputError(f"{type(self).__name__} takes a filepath or a recorder: one of them")
        if recorder is not None and not hasattr(recorder, "get_table"):
            raise InputError(f"recorder={recorder!r} is no recorder; a path is given as filepath")
        self.recorder = recorder if recorder is not None else self._recorder_of(Path(filepath or ""))
        self.image_src = None if image_src is None else Path(image_src)
        self.image_extension = "." + image_extension.lstrip(".").lower()
        known = FigureCanvasAgg.get_supported_filetypes()
        if self.image_extension[1:] not in known:
            raise InputError(f"image_extension={image_extension!r} is none of {', '.join(sorted(known))}")
        self.store = None if result_filepath is None else ResultTable(result_filepath)
        self.results = self.no_results()
        self.figures: list[Path] = []
        self._lock = threading.Lock()
        self._done: Any = None
        self._table: pl.DataFrame | None = None

    @property
    def name(self) -> str:
        """For people: the kind of analysis and its source."""
        return f"{type(self).__name__}({self.source_name})"

    @property
    def source(self) -> str:
        """Where the data comes from, as result rows tell it: the absolute path."""
        path = self.recorder.filepath
        return "static" if path is None else path.absolute().as_posix()

    @property
    def source_name(self) -> str:
        """The last part of the source: of a file or a folder."""
        return Path(self.source).name

    @property
    def file_stem(self) -> str:
        """The source's name as the beginning of a figure's name."""
        return Path(self.source).stem.strip("-_. ") or "figure"

    def run(self) -> pl.DataFrame:
        """Analyse what is new.

        Returns
        -------
        polars.DataFrame
            The results of this source so far; see `parameters` for columns and units. When nothing is new since the
            last run, nothing is done.

        Raises
        ------
        InputError, OutputError
            With one sentence, when the source cannot be read or a result cannot be written.
        """
        with self._lock:
            self.recorder.update()
            if self.recorder.version == self._done:
                return self.results
            try:
                # One look at the source for all of a run: while bursts are fitted and drawn, it grows on.
                self._table = pl.DataFrame(self.recorder.get_table())
                state = self.recorder.version
                results = self.analyse()
                if self.store is not None:
                    self.store.replace(results, self.replaced_by(results))
                self.figures = self._drawn() if self.image_src is not None else []
            finally:
                self._table = None
            self.results = results
            self._done = state
            return results

    @abstractmethod
    def analyse(self) -> pl.DataFrame:
        """Results of all that the recorder holds, with the columns of `parameters`."""

    @abstractmethod
    def draw(self) -> Iterable[tuple[str, Figure | Sheet]]:
        """Figures of the last analysis, those that changed: name (without ending) and figure, one after another.

        A sheet may be yielded again with the next picture.
        """

    def remarks(self) -> list[str]:
        """Sentences about the last results that a person should read beside them."""
        return []

    def unreadable(self) -> int:
        """How many parts of the source could not be read."""
        return 0

    def replaced_by(self, results: pl.DataFrame) -> pl.Expr:
        """Which rows on disk the `results` replace: by default all of this source."""
        del results
        return pl.col("source") == self.source

    @classmethod
    def no_results(cls) -> pl.DataFrame:
        """An empty result table."""
        return cls.table([])

    @classmethod
    def table(cls, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """A result table of `rows`, with the columns and types of `parameters`."""
        return pl.DataFrame(rows, schema={p.name: p.dtype for p in cls.parameters}, orient="row")

    def _rows_of(self, *columns: str) -> pl.DataFrame:
        """The recorder's table, in a run the one that it began with; it must have these columns."""
        table = pl.DataFrame(self.recorder.get_table()) if self._table is None else self._table
        missing = [name for name in columns if name not in table.columns]
        if missing:
            raise InputError(f"{self.name} needs a source whose table has the column {missing[0]!r}; this one has not")
        return table

    def _recorder_of(self, filepath: Path) -> Recorder:
        return self.recorder_class(filepath)

    def _drawn(self) -> list[Path]:
        assert self.image_src is not None
        paths: list[Path] = []
        written: Future[None] | None = None
        # A picture of a sheet is encoded and written while the next one is painted; at most one waits. Other figures
        # are on disk before the next is asked for.
        with ThreadPoolExecutor(1, thread_name_prefix="figures") as writer:
            for name, figure in self.draw():
                named = name if name.startswith(f"{self.short_name}_") else f"{self.short_name}_{name}"
                path = self.image_src / f"{named}{self.image_extension}"
                encode = _painted(figure, path)
                if written is not None:
                    written.result()
                    written = None
                if isinstance(figure, Sheet):
                    written = writer.submit(_write, encode, path)
                else:
                    _write(encode, path)
                paths.append(path)
            if written is not None:
                written.result()
        return paths


def save_figure(figure: Figure | Sheet, path: Path) -> None:
    """Paint a figure and write its file, whole or not at all.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    _write(_painted(figure, path), path)


def _write(encode: Callable[[], bytes], path: Path) -> None:
    write_whole(path, encode())


def _painted(figure: Figure | Sheet, path: Path) -> Callable[[], bytes]:
    """Paint a figure for a file; what is returned makes its content, in whatever thread."""
    extension = path.suffix[1:].lower()
    with _drawing:
        if isinstance(figure, Sheet):
            if extension == "png":
                return partial(png_bytes, figure.pixels(), DOTS_PER_INCH)
            figure = figure.figure
        target = io.BytesIO()
        # Strong compression takes longer than drawing, and saves a tenth of the bytes.
        options: dict[str, Any] = {"pil_kwargs": {"compress_level": 1}} if extension == "png" else {}
        figure.savefig(target, format=extension, dpi=DOTS_PER_INCH, **options)
        return target.getvalue
