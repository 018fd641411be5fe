"""`Analysis`: a source, looked at every cycle; what is new in it becomes result rows and figures.

What is found is the business of `analyse`, a pure function of a table and its settings, which a cycle, a task of an
archive, a page and a test call alike. An `Analysis` keeps the cycle: read the new rows; analyse; write the results;
draw. Nothing is remembered as done before all of it is, so a run that failed or was killed is made up for by the next
one, and results are keyed by source and event, so that deriving them again harms nothing.

An analysis travels to another process as what makes it: there it begins anew.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ...io.errors import InputError
from ...io.forks import OwnLock
from ...io.paths import user_path
from ...io.progress import progress
from ...io.store import ResultTable
from ...io.whole import check_folder
from ..figures.drawing import Drawing, Sheets
from ..figures.events import EventFigures
from ..figures.save import save_drawings
from ..options.settings import Settings, signature_with
from ..recorders.base import Recorder
from ..recorders.frames import as_polars
from ..recorders.known import RECORDERS
from ..recorders.quantity import SourceKind
from ..recorders.source import Source
from .findings import Findings
from .parameters import ResultParameter, table_of, with_timestamp

__all__ = ["Analysis", "absolute"]


class Analysis(ABC):
    """What is done with one source, every cycle.

    Parameters
    ----------
    filepath : path, optional
        The source; or give a `recorder`.
    recorder : Recorder, StaticRecorder or other Source, optional
        A source that is open already, maybe shared with other analyses.
    image_src : path, optional
        Folder for the figures, made if it is missing; without, none are drawn.
    image_extension : str
        ``.png``, ``.pdf``, ``.svg`` or what else matplotlib writes.
    result_filepath : path, optional
        Table to which the result rows are added, ``.csv`` or ``.parquet``.
    settings : Settings, optional
        The options, of the class that `settings_class` says.
    **options
        Instead: its fields as keywords.

    Raises
    ------
    InputError
        When neither or both of `filepath` and `recorder` are given, the recorder is for other data, an option is not
        what is asked for, an ending is unknown, or results or figures cannot be written where they are to be.

    Attributes
    ----------
    results : polars.DataFrame
        Results of the last run.
    findings : Findings
        All that it found.
    figures : list of path
        Files of the figures of the last run, also those that an earlier one had drawn from the same.
    latest_ns : int or None
        Time of the newest row of the source that the last run saw, ns since 1970.

    Examples
    --------
    >>> from utokyo import SSDAnalysis, simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> analysis = SSDAnalysis("beam/" + truth["files"]["ssd"], false_alarms_per_hour=0.1)
    >>> analysis.run().height == len(truth["bursts"])
    True
    """

    recorder_class: ClassVar[type[Recorder]]
    """What opens `filepath`."""

    settings_class: ClassVar[type[Settings]] = Settings
    """Its options."""

    parameters: ClassVar[tuple[ResultParameter, ...]]
    """Columns of its results; those with a `timestamp_ns` have it as `timestamp`, too, as tables of data have."""

    short_name: ClassVar[str]
    """At the beginning of the names of its figures."""

    join_as: ClassVar[SourceKind | None] = None
    """How its results are joined with other sources; None takes its columns by their types."""

    joins: ClassVar[bool] = False
    """Whether ``utokyo join`` takes its results, too, where a configuration names it."""

    takes: ClassVar[tuple[type[Recorder], ...] | None] = None
    """Recorders whose files ``utokyo analyze`` hands to it; None for `recorder_class` alone."""

    compiles: ClassVar[tuple[str, ...]] = ("tables",)
    """Works of `engine.run.warmup.works`, whose kernels it uses: they are compiled ahead."""

    most_rows_printed: ClassVar[int] = 200
    """Results that ``utokyo analyze`` prints as a table without being asked to."""

    _made_by: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Show the options in the signature of the constructor, and the columns that all results have."""
        super().__init_subclass__(**keywords)
        if "parameters" in vars(cls):
            cls.parameters = with_timestamp(cls.parameters)
        cls.__signature__ = signature_with(Analysis.__init__, cls.settings_class)  # type: ignore[attr-defined]

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Note what makes it, for pickles."""
        self = super().__new__(cls)
        self._made_by = args, options
        return self

    def __init__(
        self,
        filepath: str | Path | None = None,
        *,
        recorder: Source | None = None,
        image_src: str | Path | None = None,
        image_extension: str = ".png",
        result_filepath: str | Path | None = None,
        settings: Settings | None = None,
        **options: Any,
    ) -> None:
        if (filepath is None) == (recorder is None):
            raise InputError(f"{type(self).__name__} takes a filepath or a recorder: one of them")
        if recorder is not None and not hasattr(recorder, "get_table"):
            raise InputError(f"recorder={recorder!r} is no recorder; a path is given as filepath")
        if recorder is not None and not self.takes_recorder(recorder):
            raise InputError(f"{type(self).__name__} takes {self.recorder_class.__name__}, not {recorder!r}")
        self.settings = self.settings_class.of(settings, options, type(self).__name__)
        self.recorder: Source = recorder if recorder is not None else self.recorder_for(user_path(filepath or ""))
        self.image_src = None if image_src is None else user_path(image_src)
        self.image_extension = f".{str(image_extension).lstrip('.').lower()}"
        known = FigureCanvasAgg.get_supported_filetypes()
        if self.image_extension[1:] not in known:
            raise InputError(f"image_extension={image_extension!r} is none of {', '.join(sorted(known))}")
        self.store = None if result_filepath is None else ResultTable(result_filepath)
        self._check_outputs()
        self.results = self.no_results()
        self.findings = Findings(self.results)
        self.figures: list[Path] = []
        self.latest_ns: int | None = None
        self._lock = OwnLock()
        self._done: Any = None
        self._generation = 0
        self._undrawn: dict[str, Drawing] = {}
        self._shown: set[str] = set()
        self._events: dict[str, EventFigures] = {}
        self._sheets: Sheets = {}

    def _check_outputs(self) -> None:
        """Refuse places where figures or results can never be written, before anything is read."""
        if self.image_src is not None:
            check_folder(self.image_src)
        if self.store is None:
            return
        path, source = self.store.path.absolute(), self.recorder.filepath
        if source is not None and path == source.absolute():
            raise InputError(f"{self.store.path}: the results would replace the data; give another result_filepath")
        if self.image_src is not None and path in {folder := self.image_src.absolute(), *folder.parents}:
            raise InputError(f"{self.store.path}: this is result_filepath and a folder of image_src; change one")

    def __reduce__(self) -> tuple[Any, ...]:
        args, options = self._made_by
        return _made, (type(self), args, options)

    def __repr__(self) -> str:
        rows = self.results.height
        return f"{type(self).__name__}({self.source!r}, {rows} result{'' if rows == 1 else 's'})"

    def _repr_html_(self) -> str:
        """Name, remarks and results, for a notebook."""
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self.remarks())
        return f"<p><b>{escape(self.name)}</b></p>{remarks}{self.results._repr_html_()}"

    @staticmethod
    @abstractmethod
    def analyse(table: pl.DataFrame, settings: Any, *, source: str = "", earlier: Findings | None = None) -> Findings:
        """What a table holds: a pure function.

        Parameters
        ----------
        table : polars.DataFrame
            As the recorder's `get_table` gives it.
        settings : Settings
            Of `settings_class`.
        source : str
            Where the table comes from, for the column `source` and for titles.
        earlier : Findings, optional
            Those of a table that this one continues. The answer is the same without: it spares the work that was done
            for them, and only new drawings are in it.

        Raises
        ------
        InputError
            When the table is not what is asked for.
        """

    @classmethod
    def takes_recorder(cls, recorder: Source) -> bool:
        """Whether a recorder may be for such data: not one that is known to be for others.

        Parameters
        ----------
        recorder : Source
            Of `recorder_class`, or of pulses where that is of pulses, too; or a plain table, a fixed one or a class
            that no kind names, whose columns are looked at in the first run.
        """
        if isinstance(recorder, cls.recorder_class) or not isinstance(recorder, Recorder):
            return True
        wanted, own = cls.recorder_class.join_as, recorder.join_as
        if wanted is not None and own is not None and wanted.has_bursts and own.has_bursts:
            return True
        return not any(isinstance(recorder, known) for known in RECORDERS if known is not Recorder)

    @property
    def name(self) -> str:
        """For people: the kind of analysis and its source."""
        return f"{type(self).__name__}({self.source_name})"

    @property
    def source(self) -> str:
        """Where the data comes from, as result rows say it: the absolute path."""
        path = self.recorder.filepath
        return "static" if path is None else absolute(path)

    @property
    def source_name(self) -> str:
        """The last part of the source: of a file or a folder."""
        return Path(self.source).name

    def run(self) -> pl.DataFrame:
        """Analyse what is new.

        Returns
        -------
        polars.DataFrame
            The results of this source so far; see `parameters` for columns and units. When nothing is new since the
            last run, nothing is done, but that rows and figures that somebody deleted are made again.

        Raises
        ------
        InputError, OutputError
            With one sentence, when the source cannot be read or a result cannot be written.
        """
        with self._lock, progress(f"analysing {self.source_name}"):
            self.recorder.update()
            lost = self._has_lost_figures()
            if self.recorder.version == self._done and not lost:
                if self.store is not None and self.store.has_changed():
                    self.store.restore(self.findings.rows, self.findings.replaces)
                return self.results
            # One look at the source for all of a run: while bursts are fitted and drawn, it grows on.
            table = as_polars(self.recorder.get_table())
            version, generation = self.recorder.version, self.recorder.generation
            earlier = self.findings if generation == self._generation else None
            if lost:  # only findings from the start have the drawings of all
                earlier = None
                self._shown.clear()
            self.findings, self._generation = self.find(table, earlier), generation
            self.figures = self.publish(self.findings)
            self.results = self.findings.rows
            self._done = version
            if table.height and "timestamp" in table.columns:
                self.latest_ns = int(table["timestamp"].to_numpy().max())
            return self.results

    def find(self, table: pl.DataFrame, earlier: Findings | None) -> Findings:
        """What `analyse` finds in the recorder's table."""
        return self.analyse(table, self.settings, source=self.source, earlier=earlier)

    def publish(self, findings: Findings) -> list[Path]:
        """Store rows and draw figures; the files that were drawn.

        Raises
        ------
        OutputError
            When a file cannot be written. Figures that were not drawn are drawn with those of the next findings.
        """
        if self.image_src is None:
            self._undrawn.clear()
        else:
            self._undrawn |= {drawing.name: drawing for drawing in findings.drawings}
            self._events |= {figures.begin: figures for figures in findings.events}
        if self.store is not None:
            self.store.replace(findings.rows, findings.replaces)
        if self.image_src is None:
            return []
        paths = save_drawings(list(self._undrawn.values()), self.image_src, self.image_extension, self._sheets)
        self._undrawn.clear()
        self._shown.update(path.name for path in paths)
        for figures in self._events.values():
            gone = figures.remove_others(self.image_src, self.image_extension)
            self._shown.difference_update(path.name for path in gone)
        self._events.clear()
        return paths

    def _has_lost_figures(self) -> bool:
        """Whether a figure that was drawn is there no more."""
        if self.image_src is None or not self._shown:
            return False
        try:
            missing = self._shown.difference(os.listdir(self.image_src))
        except FileNotFoundError:
            return True
        except OSError:  # a drive that is away for a moment
            return False
        # A drive may list names in other letters than it was given.
        return any(not (self.image_src / name).exists() for name in missing)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Where results and figures go."""
        stored = None if self.store is None else self.store.path
        return tuple(path for path in (stored, self.image_src) if path is not None)

    def newest(self) -> str:
        """The newest result in a few words, for the line of a run; empty where there is none."""
        return ""

    def remarks(self) -> list[str]:
        """Sentences about the last results that a person should read beside them."""
        return list(self.findings.remarks)

    def unreadable(self) -> int:
        """How many parts of the source could not be read."""
        return self.findings.unreadable

    @classmethod
    def no_results(cls) -> pl.DataFrame:
        """An empty result table."""
        return cls.table([])

    @classmethod
    def table(cls, rows: list[dict[str, Any]]) -> pl.DataFrame:
        """A result table of `rows`, with the columns and types of `parameters`."""
        return table_of(cls.parameters, rows)

    def recorder_for(self, filepath: Path) -> Recorder:
        """The recorder of a path; an analysis whose recorder has options of its own overrides it."""
        return self.recorder_class(filepath)

    # What a join asks: see `recorders.source.Joinable`.

    generation = 0
    only_grows = False

    @property
    def clock_offset_ns(self) -> int:
        """What the recorder adds to all times, ns."""
        return self.recorder.clock_offset_ns

    def get_metadata(self) -> pl.DataFrame:
        """Results have none."""
        return pl.DataFrame()

    def source_kind(self, name: str = "") -> SourceKind:
        """How its results are joined: as its class says, else by the types of its columns."""
        del name
        return SourceKind(self.short_name, others=True) if self.join_as is None else self.join_as

    def table_to_join(self) -> pl.DataFrame:
        """The results of a run, with `timestamp`, sorted by it."""
        return self.run().with_columns(timestamp=pl.col("timestamp_ns")).sort("timestamp", maintain_order=True)


def absolute(path: str | Path) -> str:
    """The absolute path of a source, the same from every folder: what it is known by in results and names.

    Examples
    --------
    >>> absolute("../data/./run/../ssd.csv") == absolute("../data/ssd.csv")
    True
    """
    return Path(os.path.abspath(path)).as_posix()


def _made(cls: type[Analysis], args: tuple[Any, ...], options: dict[str, Any]) -> Analysis:
    return cls(*args, **options)
