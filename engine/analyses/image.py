"""The camera's images: a 2D Gaussian fitted to each, and figures of signal, fit and residual.

Every image is one result row, also the one that cannot be read (its row says why) and the one that shows no atoms (its
fit is not successful, and says so). An image is read and fitted once; one that was half written is fitted again when it
has grown. Images are read and fitted in threads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.image import read_image
from ..figures.image import image_figure, image_figure_3d
from ..fits.gaussian import fit_gaussian, gaussian_image
from ..fits.result import Fit
from ..recorders.base import Recorder
from ..recorders.file import FileRecorder
from .base import Analysis, ResultParameter

__all__ = ["ImageAnalysis"]

# Every csv and xlsx of the folder, but the indices that say when images were taken.
IMAGE_NAMES = r"(?!timelog\.csv$|all_data\.csv$).*\.(csv|xlsx)"
THREADS = 2
FITTED = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")
UNITS = {"A": "counts", "C": "counts per pixel"}
MEANINGS = {
    "A": "counts of the Gaussian, all pixels together",
    "x0": "centre, column",
    "y0": "centre, row",
    "sigma_x": "width along a row",
    "sigma_y": "width along a column",
    "C": "background",
}

Draw = Literal["always", "detections", "never"]


@dataclass(frozen=True)
class _Looked:
    """What was found in one image file, as it was when it had that size."""

    size_bytes: int
    row: dict[str, Any]
    fit: Fit | None


class ImageAnalysis(Analysis):
    """2D Gaussian fits of all images of a folder, new ones as they appear.

    Parameters
    ----------
    filepath : path, optional
        A folder of images, or one image; or give a `recorder` whose table has the column `filepath`.
    match : str
        Regular expression that the names of the images match; by default all ``.csv`` and ``.xlsx``.
    draw : "always", "detections" or "never"
        For which images figures are drawn, where `image_src` says.
    **options
        As for `Analysis`.
    """

    recorder_class = FileRecorder
    short_name = "image"
    parameters = (
        ResultParameter("source", pl.String, "", "folder", shown=False),
        ResultParameter("filename", pl.String, "", "image"),
        ResultParameter("timestamp_ns", pl.Int64, "ns", "when it was taken, since 1970"),
        ResultParameter("time_source", pl.String, "", "who says when: all_data, timelog or modified", shown=False),
        *(
            parameter
            for name in FITTED
            for parameter in (
                ResultParameter(name, pl.Float64, UNITS.get(name, "pixels"), MEANINGS[name]),
                ResultParameter(
                    f"{name}_unc", pl.Float64, UNITS.get(name, "pixels"), "its standard error", shown=False
                ),
            )
        ),
        ResultParameter("significance", pl.Float64, "sigma", "of atoms being there, places tried taken into account"),
        ResultParameter("X-squared", pl.Float64, "", "Poisson deviance", shown=False),
        ResultParameter("ndof", pl.Int64, "", "its degrees of freedom", shown=False),
        ResultParameter("p-value", pl.Float64, "", "probability of a larger deviance"),
        ResultParameter("R^2", pl.Float64, "", "part of the variance that the fit explains", shown=False),
        ResultParameter("signal_sum", pl.Float64, "counts", "all pixels together", shown=False),
        ResultParameter("fit_successful", pl.Boolean, "", "whether the numbers may be used"),
        ResultParameter("reason", pl.String, "", "why not"),
    )

    def __init__(
        self, filepath: str | Path | None = None, *, match: str = IMAGE_NAMES, draw: Draw = "always", **options: Any
    ) -> None:
        if draw not in {"always", "detections", "never"}:
            raise InputError(f"draw should be 'always', 'detections' or 'never', not {draw!r}")
        self.match = match
        self.draw_which = draw
        self._looked: dict[str, _Looked] = {}
        self._new: list[str] = []
        super().__init__(filepath, **options)

    def analyse(self) -> pl.DataFrame:
        """Read and fit the images that are new or have grown."""
        files = self._files().to_dicts()
        new = [f for f in files if self._size_seen(f["filepath"]) != f["size_bytes"]]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="image") as pool:
            looked = dict(zip((f["filepath"] for f in new), pool.map(self._look, new), strict=True))
        self._looked |= looked
        self._new = list(looked)
        return self.table([self._looked[f["filepath"]].row for f in files]).fill_nan(None)

    def draw(self) -> Iterator[tuple[str, Figure]]:
        """Two figures for every new image: signal, fit and residual; and the 3D view."""
        for path in self._new:
            looked = self._looked[path]
            if looked.fit is None or self.draw_which == "never":
                continue
            if self.draw_which == "detections" and not looked.fit.valid:
                continue
            image, stem = read_image(path), Path(path).stem
            yield f"{stem}_fit", image_figure(image, looked.fit, looked.row["filename"])
            yield f"{stem}_3d", image_figure_3d(image, looked.fit, looked.row["filename"])

    def remarks(self) -> list[str]:
        """How many images show atoms."""
        seen = int(self.results["fit_successful"].sum())
        return [f"{seen} of {self.results.height} images show atoms."]

    def unreadable(self) -> int:
        """Images that could not be read or fitted at all."""
        return sum(looked.fit is None for looked in self._looked.values())

    def replaced_by(self, results: pl.DataFrame) -> pl.Expr:
        """The rows of the same images; those of images that are gone by now stay."""
        return (pl.col("source") == self.source) & pl.col("filename").is_in(results["filename"].to_list())

    def _recorder_of(self, filepath: Path) -> Recorder:
        if filepath.is_file():
            return FileRecorder(filepath.parent, re.escape(filepath.name))
        return FileRecorder(filepath, self.match)

    def _files(self) -> pl.DataFrame:
        table = self._rows_of("filepath")
        nothing = {
            "filename": pl.col("filepath").map_elements(lambda path: Path(path).name, pl.String),
            "size_bytes": pl.lit(0, pl.Int64),
            "timestamp": pl.lit(None, pl.Int64),
            "time_source": pl.lit(None, pl.String),
        }
        return table.with_columns(**{n: e for n, e in nothing.items() if n not in table.columns})

    def _size_seen(self, path: str) -> int:
        looked = self._looked.get(path)
        return -1 if looked is None else looked.size_bytes

    def _look(self, file: dict[str, Any]) -> _Looked:
        """Read and fit one image."""
        row: dict[str, Any] = {p.name: None for p in self.parameters}
        row |= {"source": self.source, "timestamp_ns": file["timestamp"]}
        row |= {"filename": file["filename"], "time_source": file["time_source"], "fit_successful": False}
        try:
            image = read_image(file["filepath"])
            fit = fit_gaussian(image)
        except InputError as error:
            row["reason"] = str(error)
            return _Looked(file["size_bytes"], row, None)
        for name in FITTED:
            row |= {name: fit.values[name], f"{name}_unc": fit.errors[name]}
        row |= {"significance": fit.significance, "X-squared": fit.deviance, "ndof": fit.ndof, "p-value": fit.p_value}
        row |= {"R^2": _explained(image, fit), "signal_sum": float(image.sum())}
        row |= {"fit_successful": fit.valid, "reason": fit.reason or None}
        return _Looked(file["size_bytes"], row, fit)


def _explained(image: NDArray[Any], fit: Fit) -> float:
    """Coefficient of determination R^2."""
    if not all(math.isfinite(fit.values[name]) for name in FITTED):
        return math.nan
    variance = float(np.sum((image - image.mean()) ** 2))
    residual = float(np.sum((image - gaussian_image(fit.values, image.shape)) ** 2))
    return 1.0 - residual / variance if variance > 0.0 else math.nan
