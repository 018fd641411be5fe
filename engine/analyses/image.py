"""The camera's images: a 2D Gaussian fitted to each, and figures of signal, fit and residual.

Every image is one result row, also the one that cannot be read (its row says why) and the one that shows no atoms (its
fit is not successful, and says so, and how many atoms there may be at most). An image is read and fitted once; one that
was half written is fitted again when it has grown. Images are read and fitted in threads.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.image import read_image
from ...io.progress import progress
from ..camera import CameraConstants
from ..figures.bad_pixels import BadPixelsSheet, bad_pixels_figure
from ..figures.drawing import Drawing, SheetDrawing
from ..figures.image import FittedImage, ImageSheet, SurfaceSheet
from ..figures.mot_number import mot_number_figure
from ..figures.names import figure_name, title_of
from ..fits.images.automatic_mask import automatic_mask
from ..fits.images.camera_noise import find_bad_pixels
from ..fits.images.fit import fit_gaussian
from ..fits.images.reference import Reference
from ..fits.images.result import GaussianFit
from ..fits.lifetime import fit_lifetime
from ..fits.result import Fit
from ..fits.rounding import rounded_moment
from ..recorders.file import FileRecorder
from ..recorders.image import ImageRecorder
from ..recorders.results import ATOMS
from .base import Analysis, absolute
from .findings import Findings, check_columns
from .image_names import image_names
from .image_settings import ImageSettings, Interval
from .image_words import newest_image, remarks_on, remarks_on_noise
from .parameters import ResultParameter, table_of
from .references import References

__all__ = ["ImageAnalysis"]

THREADS = 2
"""More wait for the memory: passes over pixels are as long as reading them."""
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


def _fitted_parameters() -> Iterator[ResultParameter]:
    """Columns of the fitted numbers and their errors."""
    for name in FITTED:
        unit, error = UNITS.get(name, "pixels"), f"{name}_unc"
        yield ResultParameter(name, pl.Float64, unit, MEANINGS[name], shown=name not in HIDDEN, error=error)
        yield ResultParameter(error, pl.Float64, unit, "its standard error", shown=False)


FEWEST_FOR_LIFETIME = 8
"""Numbers of atoms from which on the lifetime is fitted."""
PARAMETERS = (
    ResultParameter("source", pl.String, "", "folder", shown=False),
    ResultParameter("filename", pl.String, "", "image"),
    ResultParameter("timestamp_ns", pl.Int64, "ns", "when it was taken, since 1970"),
    ResultParameter("time_source", pl.String, "", "who says when: all_data, timelog or modified", shown=False),
    *_fitted_parameters(),
    ResultParameter("significance", pl.Float64, "sigma", "of atoms being there, all places that were tried considered"),
    ResultParameter("detected", pl.Boolean, "", "whether there are atoms", shown=False),
    ResultParameter("departure", pl.Float64, "", "of the shape from a Gaussian, part of the peak", shown=False),
    ResultParameter("aperture_sum", pl.Float64, "counts", "light of any shape", shown=False, error="aperture_sum_unc"),
    ResultParameter("aperture_sum_unc", pl.Float64, "counts", "its standard error", shown=False),
    ResultParameter("centroid_x", pl.Float64, "pixels", "of this light, column", shown=False),
    ResultParameter("centroid_y", pl.Float64, "pixels", "of this light, row", shown=False),
    ResultParameter("d4sigma_x", pl.Float64, "pixels", "four standard deviations of it along a row", shown=False),
    ResultParameter("d4sigma_y", pl.Float64, "pixels", "the same along a column", shown=False),
    ResultParameter("upper_limit", pl.Float64, "counts", "of A at 95 %, when nothing is seen", shown=False),
    ResultParameter("gain", pl.Float64, "counts per electron", "given or estimated", shown=False),
    ResultParameter("X-squared", pl.Float64, "", "Poisson deviance", shown=False),
    ResultParameter("ndof", pl.Int64, "", "its degrees of freedom", shown=False),
    ResultParameter("p-value", pl.Float64, "", "probability of larger residuals"),
    ResultParameter("R^2", pl.Float64, "", "part of the variance that the fit explains", shown=False),
    ResultParameter("signal_sum", pl.Float64, "counts", "all pixels together", shown=False),
    ResultParameter(
        "mot_number",
        pl.Float64,
        "",
        "atoms, when a camera and a spot or atoms are there",
        shown=False,
        error="mot_number_unc",
    ),
    ResultParameter("mot_number_unc", pl.Float64, "", "its standard error", shown=False),
    ResultParameter(
        "mot_number_limit",
        pl.Float64,
        "",
        "atoms at most (95 %), when nothing is seen",
        shown=False,
    ),
    ResultParameter("power_W", pl.Float64, "W", "their light on the camera", shown=False, error="power_W_unc"),
    ResultParameter("power_W_unc", pl.Float64, "W", "its standard error", shown=False),
    ResultParameter("fit_successful", pl.Boolean, "", "whether the numbers may be used"),
    ResultParameter("reason", pl.String, "", "why not"),
    ResultParameter("remark", pl.String, "", "what is to be known of the picture", shown=False),
)


@dataclass(frozen=True)
class _Image:
    """What was found in one image file, as it was when it had that size, and was written then."""

    state: tuple[int, int]
    row: dict[str, Any]
    fit: GaussianFit | None = None
    shape: tuple[int, ...] = ()
    has_bad_pixels: bool = False
    is_unreadable: bool = False


class _Progress(NamedTuple):
    """The images so far, by path."""

    settings: ImageSettings
    images: dict[str, _Image]


def fit_images(
    table: pl.DataFrame, settings: ImageSettings, *, source: str = "", earlier: Findings | None = None
) -> Findings:
    """Read and fit the images that are new or have grown; see `Analysis.analyse`."""
    interval = settings.time_interval or Interval()
    files = [f for f in _files(table).to_dicts() if interval.holds(f["timestamp"])]
    before = None if earlier is None else earlier.progress
    known = before.images if isinstance(before, _Progress) and before.settings == settings else {}
    new = [f for f in files if f["filepath"] not in known or known[f["filepath"]].state != _state_of(f)]
    look = _Look(settings, source)
    if new and settings.references is not None:
        _ = look.reference  # a mistake in them is reported once, not in every row
    parts = [new[k : k + TOGETHER] for k in range(0, len(new), TOGETHER)]
    seen: list[_Image] = []
    with (
        progress(f"fitting {len(new)} image{'s' * (len(new) != 1)} of {Path(source).name}") as task,
        ThreadPoolExecutor(THREADS, thread_name_prefix="image") as pool,
    ):
        for part in pool.map(look.at_all, parts):
            seen += part
            task.update(len(seen) / len(new))
    images = known | dict(zip((f["filepath"] for f in new), seen, strict=True))
    there = {f["filepath"]: images[f["filepath"]] for f in files}
    rows = table_of(PARAMETERS, [image.row for image in there.values()]).fill_nan(None)
    changed = [f["filepath"] for f in new]
    return Findings(
        rows,
        fits={path: image.fit for path, image in there.items() if image.fit is not None},
        drawings=tuple(_drawings(changed, images, settings, look, source)),
        remarks=(*remarks_on(rows), *remarks_on_noise(_estimated_noises(there, settings))),
        # Rows of images that are gone by now stay.
        replaces=(pl.col("source") == source) & pl.col("filename").is_in(rows["filename"].to_list()),
        unreadable=sum(image.is_unreadable for image in images.values()),
        progress=_Progress(settings, images),
    )


def _estimated_noises(images: Mapping[str, _Image], settings: ImageSettings) -> list[float]:
    """The noise of those images whose counts are negative, in counts, where none was given."""
    fits = (image.fit for image in images.values() if image.fit is not None and not settings.read_noise > 0.0)
    return [fit.read_noise for fit in fits if fit.read_noise > 0.0]


class ImageAnalysis(Analysis):
    """2D Gaussian fits of all images of a folder, new ones as they appear.

    Parameters
    ----------
    filepath : path, optional
        A folder of images, or one image; or give a `recorder` whose table has the column `filepath`.
    **options
        As for `Analysis`, and the fields of `ImageSettings`: `match`, `draw`, `time_interval`, `min_signal`,
        `references`, `mask`, `roi`, `gain`, `read_noise`, `rotated`, `background`, `saturation`, `spot`, `camera`,
        `camera_file`.

    Examples
    --------
    >>> from utokyo import simulate
    >>> truth = simulate("beam", minutes=1.0, seed=1)
    >>> folder = Path("beam", truth["images"][0]["file"]).parent
    >>> results = ImageAnalysis(folder, camera="cmos_fr_20220918").run()
    >>> results.height == len(truth["images"])
    True
    """

    recorder_class = FileRecorder
    settings_class = ImageSettings
    settings: ImageSettings
    short_name = "image"
    parameters = PARAMETERS
    join_as = ATOMS
    most_rows_printed = 1
    compiles = ("tables", "images")
    joins = True
    takes = (ImageRecorder, FileRecorder)
    analyse = staticmethod(fit_images)

    def newest(self) -> str:
        """The newest image: its MOT number or counts with the error, or the limit where nothing is seen."""
        return newest_image(self.results)

    @property
    def references(self) -> References | None:
        """Images without atoms, if any were given."""
        return self.settings.references

    @property
    def camera(self) -> Any:
        """Its constants, if any were given."""
        return self.settings.camera_constants

    def recorder_for(self, filepath: Path) -> FileRecorder:
        """Of the images of a folder, or of one image in its folder."""
        if filepath.is_file():
            return FileRecorder(filepath.parent, re.escape(filepath.name))
        return FileRecorder(filepath, self.settings.match or image_names())


class _Look:
    """Reads and fits images, with what they share."""

    def __init__(self, settings: ImageSettings, source: str) -> None:
        self.settings, self.source = settings, source

    @property
    def reference(self) -> Reference | None:
        """Their light without atoms."""
        references = self.settings.references
        return None if references is None else references.prepared(self.settings.gain, self.settings.read_noise)

    def at_all(self, files: list[dict[str, Any]]) -> list[_Image]:
        """Look at some files."""
        return [self.at(file) for file in files]

    def at(self, file: dict[str, Any]) -> _Image:
        """Read and fit one image."""
        row: dict[str, Any] = {p.name: None for p in PARAMETERS}
        row |= {"source": self.source, "timestamp_ns": file["timestamp"]}
        row |= {"filename": file["filename"], "time_source": file["time_source"], "fit_successful": False}
        state, least = _state_of(file), self.settings.min_signal
        try:
            image = read_image(file["filepath"]).astype(np.float64)  # once, for all that look at it
            row["signal_sum"] = float(image.sum())
            if least is not None and row["signal_sum"] < least:
                row["reason"] = f"not fitted: fewer counts than min_signal = {least:g}"
                return _Image(state, row)
            bad = self._bad_pixels(image)
            fit = fit_gaussian(image, reference=self.reference, mask=bad, **self.settings.fit_options)
        except InputError as error:
            row["reason"] = str(error)
            return _Image(state, row, is_unreadable=True)
        self._fill(row, fit)
        # Its profile would keep the pixels: of a beam time's images they fill the memory.
        return _Image(state, row, replace(fit, profile=None), image.shape, bad is not None)

    def _fill(self, row: dict[str, Any], fit: GaussianFit) -> None:
        for name, value in fit.values.items():
            row |= {name: value, f"{name}_unc": fit.errors[name]}
        row |= {"significance": fit.significance, "X-squared": fit.deviance, "ndof": fit.ndof, "p-value": fit.p_value}
        row |= {"R^2": fit.explained, "detected": fit.detected, "upper_limit": fit.upper_limit, "gain": fit.gain}
        row |= {"fit_successful": fit.valid, "reason": fit.reason or None}
        if fit.detected:
            of_light = fit.moments
            row |= {"aperture_sum": of_light.total, "aperture_sum_unc": of_light.total_error}
            row |= {"centroid_x": of_light.x, "centroid_y": of_light.y}
            row |= {"d4sigma_x": of_light.d4_sigma_x, "d4sigma_y": of_light.d4_sigma_y}
            row |= {"departure": fit.departure, "remark": "; ".join(fit.remarks) or None}
        camera = self.settings.camera_constants
        if camera is not None and math.isfinite(fit.upper_limit):
            row["mot_number_limit"] = camera.atom_number(fit.upper_limit)[0]
        if camera is not None and (fit.detected or (fit.valid and self.settings.spot)):
            for name, measured in (("mot_number", camera.atom_number), ("power_W", camera.power)):
                row[name], row[f"{name}_unc"] = measured(fit.values["A"], fit.errors["A"])

    def _bad_pixels(self, image: NDArray[np.float64]) -> NDArray[np.bool_] | None:
        """Those to leave out; None where all are good."""
        bad = None
        if self.settings.mask == "references" and self.settings.references is not None:
            bad = self.settings.references.bad_pixels.mask
        elif self.settings.mask == "auto":
            bad = automatic_mask(image)
        elif self.settings.mask == "neighbours":
            bad = find_bad_pixels(image).mask
        return bad if bad is not None and bad.any() else None


def _state_of(file: Mapping[str, Any]) -> tuple[int, int]:
    """What is another one when a file was written to since."""
    return file["size_bytes"], file["modified_ns"]


def _files(table: pl.DataFrame) -> pl.DataFrame:
    """The files of a table; what it does not say of them is unknown."""
    check_columns(table, ("filepath",), "ImageAnalysis")
    unknown = {
        "filename": pl.col("filepath").map_elements(lambda path: Path(path).name, pl.String),
        "size_bytes": pl.lit(0, pl.Int64),
        "modified_ns": pl.lit(0, pl.Int64),
        "timestamp": pl.lit(None, pl.Int64),
        "time_source": pl.lit(None, pl.String),
    }
    return table.with_columns(**{n: e for n, e in unknown.items() if n not in table.columns})


def _drawings(
    changed: list[str], images: dict[str, _Image], settings: ImageSettings, look: _Look, source: str
) -> Iterator[Drawing]:
    """Figures of new images: signal, fit and residual; the 3D view. Of the folder: MOT number, bad pixels."""
    if settings.draw == "never" or not changed:
        return
    for path in changed:
        image = images[path]
        if image.fit is None or (settings.draw == "detections" and not image.fit.detected):
            continue
        light = None if look.reference is None else look.reference.light
        where = absolute(path)
        shown = (path, image.fit, title_of(where), light, settings.camera_constants, _taken(path, image.row))
        pictures: list[tuple[str, Any, Any, tuple[Any, ...]]] = [
            (what, sheet, _fitted_image, shown) for what, sheet in (("fit", ImageSheet), ("3d", SurfaceSheet))
        ]
        if settings.draw == "always" and settings.mask == "neighbours" and image.has_bad_pixels:
            pictures.append(("bad_pixels", BadPixelsSheet, _bad_pixels_of, (path, title_of(where))))
        for what, sheet, function, shown in pictures:
            called = figure_name("image", where, what)
            yield SheetDrawing(called, function, shown, sheet=sheet, shape=image.shape, reads=(path,))
    if settings.references is not None and settings.mask == "references":
        called = figure_name("image", source, "bad_pixels")
        yield Drawing(called, bad_pixels_figure, (settings.references.bad_pixels, "references"))
    results = table_of(PARAMETERS, [image.row for image in images.values()])
    if settings.camera_constants is not None and results["mot_number"].count():
        results, called = results.sort("timestamp_ns"), figure_name("image", source, "mot_number")
        yield Drawing(called, mot_number_figure, (results, title_of(source), _lifetime(results)))


def _lifetime(results: pl.DataFrame) -> Fit | None:
    """How long atoms stay in the trap: of a series in which every image has its number, with atoms or without."""
    if results.filter(pl.col("mot_number").is_null(), pl.col("mot_number_limit").is_not_null()).height:
        return None
    numbers = results.filter(pl.col("mot_number_unc") > 0.0, pl.col("timestamp_ns").is_not_null())
    if numbers["timestamp_ns"].n_unique() < FEWEST_FOR_LIFETIME:
        return None
    return fit_lifetime(*numbers.select("timestamp_ns", "mot_number", "mot_number_unc"))


def _fitted_image(
    path: str,
    fit: GaussianFit,
    name: str,
    light: NDArray[np.float64] | None,
    camera: CameraConstants | None,
    taken: str,
) -> tuple[FittedImage]:
    """What the sheets of an image show."""
    return (FittedImage(read_image(path), fit, name, light, camera, taken),)


def _taken(path: str, row: dict[str, Any]) -> str:
    """When an image was taken, and in which run: the folders that it is in."""
    run = "/".join(Path(path).parent.parts[-3:]).lstrip("/")
    when = "time not known" if row["timestamp_ns"] is None else rounded_moment(row["timestamp_ns"], None)[0]
    guessed = " (of the file)" if row["time_source"] == "modified" else ""
    return f"{when}{guessed},  run {run}" if run else f"{when}{guessed}"


def _bad_pixels_of(path: str, name: str) -> tuple[Any, str]:
    """What the sheet of its bad pixels shows."""
    return find_bad_pixels(read_image(path)), name
