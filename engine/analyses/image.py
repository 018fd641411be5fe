"""The camera's images: a 2D Gaussian fitted to each, and figures of signal, fit and residual.

Every image is one result row, also the one that cannot be read (its row says why) and the one that shows no atoms (its
fit is not successful, and says so, and how many atoms there may be at most). An image is read and fitted once; one that
was half written is fitted again when it has grown. Images are read and fitted in threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.image import read_image
from ..camera import CameraConstants
from ..figures.bad_pixels import BadPixelsSheet, bad_pixels_figure
from ..figures.image import FittedImage, ImageSheet, SurfaceSheet
from ..figures.mot_number import mot_number_figure
from ..figures.sheet import Sheet
from ..fits.images.camera_noise import find_bad_pixels
from ..fits.images.fit import fit_gaussian
from ..fits.images.known_spot import spot_of
from ..fits.images.reference import Reference
from ..fits.images.result import GaussianFit
from ..recorders.base import Recorder
from ..recorders.file import FileRecorder
from .base import Analysis, ResultParameter
from .options import References, camera_of, checked_choice, interval_of

__all__ = ["ImageAnalysis"]

# Every csv and xlsx of the folder, but the indices that say when images were taken.
IMAGE_NAMES = r"(?!timelog\.csv$|all_data\.csv$).*\.(csv|xlsx)"
THREADS = 2
TOGETHER = 8
"""Images that a thread takes at a time."""
FITTED = ("A", "x0", "y0", "sigma_x", "sigma_y", "theta", "C", "s")
UNITS = {"A": "counts", "C": "counts per pixel", "theta": "rad", "s": ""}
MEANINGS = {
    "A": "counts of the Gaussian, all pixels together",
    "x0": "centre, column",
    "y0": "centre, row",
    "sigma_x": "width along a row",
    "sigma_y": "width along a column",
    "theta": "angle of the widths, when it is fitted",
    "C": "background",
    "s": "part of the reference, when there is one",
}
HIDDEN = ("theta", "s")

Draw = Literal["always", "detections", "never"]
Mask = Literal["neighbours", "references"] | None


@dataclass(frozen=True)
class _Looked:
    """What was found in one image file, as it was when it had that size."""

    size_bytes: int
    row: dict[str, Any]
    fit: GaussianFit | None


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
    time_interval : (begin, end), optional
        Images of other times are passed over: texts such as ``"2022-09-18 12:25:39"``, datetimes or ns; None for no
        end.
    min_signal : float, optional
        Counts, all pixels together: an image with less is not fitted, and its row says so.
    references : path, paths or array, optional
        Images without atoms as the camera wrote them, or folders of them: their light, and their noise, are a part of
        the model (see `fit_gaussian`). An array of shape (ny, nx) is light without noise.
    mask : "neighbours", "references" or None
        What says which pixels are hot or dead: the neighbours of each in the image itself, or in the references.
    roi : (x_low, x_high, y_low, y_high), optional
        Part of the image to fit.
    gain, read_noise, rotated, spot
        As for `fit_gaussian`. With a `spot`, whose place and widths are known (`mean_spot`), every image has a MOT
        number with its error, for `fit_lifetime`, also those without a detection.
    camera : CameraConstants or str, optional
        For the columns `mot_number` and `power_W`: constants, or the name of a set.
    camera_file : path, optional
        TOML file with that set; by default those that are shipped.
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
                ResultParameter(name, pl.Float64, UNITS.get(name, "pixels"), MEANINGS[name], shown=name not in HIDDEN),
                ResultParameter(
                    f"{name}_unc", pl.Float64, UNITS.get(name, "pixels"), "its standard error", shown=False
                ),
            )
        ),
        ResultParameter(
            "significance", pl.Float64, "sigma", "of atoms being there, all places that were tried taken into account"
        ),
        ResultParameter("detected", pl.Boolean, "", "whether there are atoms", shown=False),
        ResultParameter("upper_limit", pl.Float64, "counts", "of A at 95 %, when nothing is seen", shown=False),
        ResultParameter("gain", pl.Float64, "counts per electron", "given or estimated", shown=False),
        ResultParameter("X-squared", pl.Float64, "", "Poisson deviance", shown=False),
        ResultParameter("ndof", pl.Int64, "", "its degrees of freedom", shown=False),
        ResultParameter("p-value", pl.Float64, "", "probability of larger residuals"),
        ResultParameter("R^2", pl.Float64, "", "part of the variance that the fit explains", shown=False),
        ResultParameter("signal_sum", pl.Float64, "counts", "all pixels together", shown=False),
        ResultParameter(
            "mot_number", pl.Float64, "", "atoms, when a camera and a spot or atoms are there", shown=False
        ),
        ResultParameter("mot_number_unc", pl.Float64, "", "its standard error", shown=False),
        ResultParameter("power_W", pl.Float64, "W", "their light on the camera", shown=False),
        ResultParameter("power_W_unc", pl.Float64, "W", "its standard error", shown=False),
        ResultParameter("fit_successful", pl.Boolean, "", "whether the numbers may be used"),
        ResultParameter("reason", pl.String, "", "why not"),
    )

    def __init__(
        self,
        filepath: str | Path | None = None,
        *,
        match: str = IMAGE_NAMES,
        draw: Draw = "always",
        time_interval: Sequence[Any] | None = None,
        min_signal: float | None = None,
        references: Any = None,
        mask: Mask = "neighbours",
        roi: Sequence[int] | None = None,
        gain: float | None = None,
        read_noise: float = 0.0,
        rotated: bool = False,
        spot: Mapping[str, float] | None = None,
        camera: CameraConstants | str | None = None,
        camera_file: str | Path | None = None,
        **options: Any,
    ) -> None:
        checked_choice("draw", draw, ("always", "detections", "never"))
        checked_choice("mask", mask, ("neighbours", "references", None))
        if mask == "references" and references is None:
            raise InputError("mask='references' needs references")
        if roi is not None and len(roi) != 4:
            raise InputError(f"roi should be (x_low, x_high, y_low, y_high), not {roi!r}")
        self.match = match
        self.draw_which = draw
        self.interval = interval_of(time_interval)
        self.min_signal = min_signal
        self.references = None if references is None else References(references)
        self.mask = mask
        self.camera = camera_of(camera, camera_file)
        self._fit_options: dict[str, Any] = {
            "roi": None if roi is None else (roi[0], roi[1], roi[2], roi[3]),
            "gain": gain,
            "read_noise": read_noise,
            "rotated": rotated,
            "spot": None if spot is None else spot_of(spot, rotated=rotated),
        }
        self._looked: dict[str, _Looked] = {}
        self._new: list[str] = []
        self._undrawn: list[str] = []
        self._sheets: dict[tuple[type[Any], tuple[int, ...]], Any] = {}
        super().__init__(filepath, **options)

    def analyse(self) -> pl.DataFrame:
        """Read and fit the images that are new or have grown."""
        files = [f for f in self._files().to_dicts() if self.interval.holds(f["timestamp"])]
        new = [f for f in files if self._size_seen(f["filepath"]) != f["size_bytes"]]
        if new and self.references is not None:
            _ = self._reference  # a mistake in them is told once, not in every row
        parts = [new[k : k + TOGETHER] for k in range(0, len(new), TOGETHER)]
        with ThreadPoolExecutor(THREADS, thread_name_prefix="image") as pool:
            looked = [one for part in pool.map(self._look_at, parts) for one in part]
        self._looked |= dict(zip((f["filepath"] for f in new), looked, strict=True))
        # Those of a run whose drawing failed are drawn by the next one.
        waiting = {*self._undrawn, *(f["filepath"] for f in new)}
        self._new = [f["filepath"] for f in files if f["filepath"] in waiting]
        return self.table([self._looked[f["filepath"]].row for f in files]).fill_nan(None)

    def draw(self) -> Iterator[tuple[str, Figure | Sheet]]:
        """Figures of new images: signal, fit and residual; and the 3D view. Of the folder: MOT number, bad pixels.

        Those of images are the same sheets again and again, which hold the picture until the next one is asked for.
        """
        if self.draw_which == "never":
            return
        for path in self._new:
            looked = self._looked[path]
            if looked.fit is None or (self.draw_which == "detections" and not looked.fit.detected):
                continue
            image, stem, name = read_image(path), Path(path).stem, looked.row["filename"]
            light = None if self._reference is None else self._reference.light
            fitted = FittedImage(image, looked.fit, name, light)
            for ending, kind in (("fit", ImageSheet), ("3d", SurfaceSheet)):
                yield f"{stem}_{ending}", self._sheet(kind, image.shape, fitted)
            if self.draw_which == "always" and self.mask == "neighbours":
                bad = find_bad_pixels(image)
                if bad.mask.any():
                    yield f"{stem}_bad_pixels", self._sheet(BadPixelsSheet, image.shape, bad, name)
        if self.references is not None and self.mask == "references" and self._new:
            yield "bad_pixels", bad_pixels_figure(self.references.bad_pixels, "references")
        results = self.table([self._looked[path].row for path in self._looked])
        if self.camera is not None and results["mot_number"].count() and self._new:
            yield "mot_number", mot_number_figure(results.sort("timestamp_ns"), self.source_name)

    def _drawn(self) -> list[Path]:
        self._undrawn = self._new
        paths = super()._drawn()
        self._undrawn = []
        return paths

    def remarks(self) -> list[str]:
        """How many images show atoms."""
        seen = int(self.results["detected"].fill_null(False).sum())
        faint = int((self.results["detected"] & ~self.results["fit_successful"]).sum())
        told = f" ({faint} of them too faint or cut off to be measured)" if faint else ""
        return [f"{seen} of {self.results.height} images show atoms{told}."]

    def unreadable(self) -> int:
        """Images that could not be read or fitted at all."""
        return sum(looked.fit is None and "min_signal" not in looked.row["reason"] for looked in self._looked.values())

    def replaced_by(self, results: pl.DataFrame) -> pl.Expr:
        """The rows of the same images; those of images that are gone by now stay."""
        return (pl.col("source") == self.source) & pl.col("filename").is_in(results["filename"].to_list())

    def _recorder_of(self, filepath: Path) -> Recorder:
        if filepath.is_file():
            return FileRecorder(filepath.parent, re.escape(filepath.name))
        return FileRecorder(filepath, self.match)

    def _sheet(self, kind: type[Any], shape: tuple[int, ...], *shown: Any) -> Sheet:
        """A sheet for images of this shape, which shows this; those of the last shape are kept."""
        if any(known != shape for _, known in self._sheets):
            self._sheets.clear()
        sheet = self._sheets.get((kind, shape)) or self._sheets.setdefault((kind, shape), kind(shape))
        sheet.show(*shown)
        return cast("Sheet", sheet)

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

    def _look_at(self, files: list[dict[str, Any]]) -> list[_Looked]:
        return [self._look(file) for file in files]

    def _look(self, file: dict[str, Any]) -> _Looked:
        """Read and fit one image."""
        row: dict[str, Any] = {p.name: None for p in self.parameters}
        row |= {"source": self.source, "timestamp_ns": file["timestamp"]}
        row |= {"filename": file["filename"], "time_source": file["time_source"], "fit_successful": False}
        try:
            image = read_image(file["filepath"]).astype(np.float64)  # once, for all that look at it
            row["signal_sum"] = float(image.sum())
            if self.min_signal is not None and row["signal_sum"] < self.min_signal:
                row["reason"] = f"not fitted: fewer counts than min_signal = {self.min_signal:g}"
                return _Looked(file["size_bytes"], row, None)
            fit = self._fit(image)
        except InputError as error:
            row["reason"] = str(error)
            return _Looked(file["size_bytes"], row, None)
        for name, value in fit.values.items():
            row |= {name: value, f"{name}_unc": fit.errors[name]}
        row |= {"significance": fit.significance, "X-squared": fit.deviance, "ndof": fit.ndof, "p-value": fit.p_value}
        row |= {"R^2": fit.explained, "detected": fit.detected, "upper_limit": fit.upper_limit, "gain": fit.gain}
        row |= {"fit_successful": fit.valid, "reason": fit.reason or None}
        if self.camera is not None and (fit.detected or (fit.valid and self._fit_options["spot"])):
            for name, measured in (("mot_number", self.camera.atom_number), ("power_W", self.camera.power)):
                row[name], row[f"{name}_unc"] = measured(fit.values["A"], fit.errors["A"])
        # Its profile would keep the pixels: of a beam time's images they fill the memory.
        return _Looked(file["size_bytes"], row, replace(fit, profile=None))

    def _fit(self, image: NDArray[Any]) -> GaussianFit:
        bad = None
        if self.mask == "references" and self.references is not None:
            bad = self.references.bad_pixels.mask
        elif self.mask == "neighbours":
            bad = find_bad_pixels(image).mask
        if bad is not None and not bad.any():
            bad = None
        return fit_gaussian(image, reference=self._reference, mask=bad, **self._fit_options)

    @property
    def _reference(self) -> Reference | None:
        if self.references is None:
            return None
        return self.references.prepared(self._fit_options["gain"], self._fit_options["read_noise"])
