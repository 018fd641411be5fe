"""The options of `ImageAnalysis`: which images, what is taken off, which pixels are left out, how they are fitted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt

from ...io.errors import InputError
from ..camera import SHIPPED, CameraConstants
from ..fits.images.known_spot import Spot, spot_of
from ..options.durations import moment_ns, wall_clock
from ..options.sentences import in_toml, listed, option, shown
from ..options.settings import Converted, FilePath, Settings
from ..recorders.options import PATTERN
from .references import References, references_of

__all__ = ["ImageSettings", "Interval", "interval_of"]

STRINGS = {"type": "array", "items": {"type": "string"}}
SPOT_SCHEMA = {"type": "object", "additionalProperties": {"type": "number"}}
INTERVAL_SCHEMA = {"type": "array", "minItems": 2, "maxItems": 2}
ROI_SCHEMA = {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4}


@dataclass(frozen=True)
class Interval:
    """Times from `begin_ns` on and before `end_ns`.

    Examples
    --------
    >>> interval_of(("2022-09-18 12:25:39", None)).holds(1_663_503_939_000_000_000)
    True
    """

    begin_ns: float = -math.inf
    end_ns: float = math.inf

    def holds(self, timestamp_ns: int | None) -> bool:
        """Whether a time lies within; an unknown one does in an interval without ends."""
        if timestamp_ns is None:
            return math.isinf(self.begin_ns) and math.isinf(self.end_ns)
        return self.begin_ns <= timestamp_ns < self.end_ns


def interval_of(given: Any) -> Interval | None:
    """Read ``(begin, end)``: each a text, a datetime, ns since 1970, or None for no end.

    Raises
    ------
    InputError
    """
    if given is None or isinstance(given, Interval):
        return given
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InputError(f"time_interval should be {listed('begin', 'end')}, not {shown(given)}")
    begin, end = (_moment(moment) for moment in given)
    interval = Interval(-math.inf if begin is None else begin, math.inf if end is None else end)
    if not interval.begin_ns < interval.end_ns:
        raise InputError(f"time_interval should end after it begins, unlike {shown(given)}")
    return interval


def _moment(given: Any) -> int | None:
    if given is None or given == "":
        return None
    return moment_ns(wall_clock(given, "time_interval") if in_toml() else given, "time_interval")


def _roi(given: Any) -> tuple[int, int, int, int] | None:
    if given is None:
        return None
    if isinstance(given, list | tuple | np.ndarray) and len(given) == 4:
        ends = [end.item() if isinstance(end, np.integer) else end for end in given]
        if all(isinstance(end, int) and not isinstance(end, bool) for end in ends):
            x_low, x_high, y_low, y_high = ends
            if 0 <= x_low < x_high and 0 <= y_low < y_high:
                return x_low, x_high, y_low, y_high
    wanted = listed("x_low", "x_high", "y_low", "y_high")
    raise InputError(f"roi should be {wanted} in pixels from 0, each low end below the high one, not {shown(given)}")


def _mask(given: Any) -> Any:
    """TOML has no word for nothing."""
    return None if given == "none" else given


def _spot(given: Any) -> Spot | None:
    if given is None or isinstance(given, Spot):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"spot should hold x0, y0, sigma_x and sigma_y, not {shown(given)}")
    spot = spot_of(given)
    if min(spot.sigma_x, spot.sigma_y) <= 0.0:
        raise InputError(f"spot should hold widths above 0, not {shown(given)}")
    return spot


def _camera(given: Any) -> CameraConstants | str | None:
    if given is None or isinstance(given, CameraConstants | str):
        return given
    raise InputError(f"camera should be the name of a set, or CameraConstants, not {shown(given)}")


@dataclass(frozen=True)
class ImageSettings(Settings):
    """Options of `ImageAnalysis`.

    Parameters
    ----------
    match : str, optional
        Regular expression that the names of the images match; by default all ``.csv``, ``.asc``, ``.xlsx``, ``.png``,
        ``.tif``, ``.tiff``, ``.bmp``, ``.pgm``, and what installed packages read.
    draw : "always", "detections" or "never"
        For which images figures are drawn, where `image_src` says.
    time_interval : (begin, end), optional
        Images of other times are passed over: texts such as ``"2022-09-18 12:25:39"``, datetimes or ns; None (in TOML
        an empty text) for no end.
    min_signal : float, optional
        Counts, all pixels together: an image with less is not fitted, and its row says so.
    references : path, paths or array, optional
        Images without atoms as the camera wrote them, or folders of them: their light, and their noise, are a part of
        the model (see `fit_gaussian`). An array of shape (ny, nx) is light without noise.
    mask : "neighbours", "references", "auto" or None
        What says which pixels are hot or dead: the neighbours of each in the image itself, or in the references; "auto"
        finds odd columns, rows and cosmic rays, too. In TOML, "none" is none.
    roi : (x_low, x_high, y_low, y_high), optional
        Part of the image to fit, pixels, the upper ends excluded.
    gain : float, optional
        Counts per electron; without, it is estimated.
    read_noise : float
        Standard deviation of a pixel without light, counts.
    rotated : bool or "auto"
        Whether the axes of the spot may be turned against those of the image; "auto" turns them where the residuals ask
        for it.
    background : "auto", "flat", "plane" or "quadratic"
        Of the light around the spot, as for `fit_gaussian`: "auto" takes an even one where nothing contradicts it.
    saturation : float, optional
        Largest number of counts that the camera can write; without it, pixels at the largest value are found by their
        number.
    spot : mapping or Spot, optional
        Place and widths of the spot, as for `fit_gaussian`. With it, whose place and widths are known (`mean_spot`),
        every image has a MOT number with its error, for `fit_lifetime`, also those without a detection.
    camera : CameraConstants or str, optional
        For the columns `mot_number` and `power_W`: constants, or the name of a set.
    camera_file : path, optional
        TOML file with that set; by default those that are shipped.

    Examples
    --------
    >>> ImageSettings(gain=-1)
    Traceback (most recent call last):
    utokyo.io.errors.InputError: gain should be a positive number of counts per electron, not -1
    >>> ImageSettings(roi=(10, 90, 20, 100)).roi
    (10, 90, 20, 100)
    """

    words = {  # noqa: RUF012 (a class variable of the base)
        "draw": "'always', 'detections' or 'never'",
        "mask": "'neighbours', 'references', 'auto' or None (in TOML 'none')",
        "gain": "a positive number of counts per electron",
        "read_noise": "a number of counts, 0 or more",
        "saturation": "a positive number of counts",
        "rotated": "True, False or 'auto'",
        "background": "'auto', 'flat', 'plane' or 'quadratic'",
        "min_signal": "a number of counts",
    }

    match: Annotated[str | None, PATTERN] = None
    draw: Literal["always", "detections", "never"] = "always"
    time_interval: Annotated[Interval | None, Converted(interval_of, INTERVAL_SCHEMA, final=True)] = None
    min_signal: float | None = None
    references: Annotated[
        References | None,
        Converted(references_of, {"anyOf": [{"type": "string"}, STRINGS]}, wants=("folder",), final=True),
    ] = None
    mask: Annotated[Literal["neighbours", "references", "auto"] | None, Converted(_mask)] = "neighbours"
    roi: Annotated[tuple[int, int, int, int] | None, Converted(_roi, ROI_SCHEMA, final=True)] = None
    gain: Annotated[float, Gt(0)] | None = None
    read_noise: Annotated[float, Ge(0)] = 0.0
    rotated: bool | Literal["auto"] = False
    background: Literal["auto", "flat", "plane", "quadratic"] = "auto"
    saturation: Annotated[float, Gt(0)] | None = None
    spot: Annotated[Spot | None, Converted(_spot, SPOT_SCHEMA, final=True)] = None
    camera: Annotated[CameraConstants | str | None, Converted(_camera, {"type": "string"}, final=True)] = None
    camera_file: FilePath | None = None

    def check(self) -> None:
        """Refuse a mask of references without any, a spot that is none, and a camera that is not known."""
        if self.mask == "references" and self.references is None:
            raise InputError(f"{option('mask', 'references')} needs references")
        if self.camera_file is not None and not isinstance(self.camera, str):
            raise InputError(f"camera_file has no effect without {option('camera', 'NAME')}, one of the sets in it")
        if self.spot is not None:
            spot_of(self.spot, rotated=self.rotated is True)
        _ = self.camera_constants

    @cached_property
    def camera_constants(self) -> CameraConstants | None:
        """Of the camera, however it was given."""
        if not isinstance(self.camera, str):
            return self.camera
        return CameraConstants.read(self.camera, SHIPPED if self.camera_file is None else self.camera_file)

    @property
    def fit_options(self) -> Mapping[str, Any]:
        """As `fit_gaussian` takes them."""
        names = ("roi", "gain", "read_noise", "rotated", "background", "spot", "saturation")
        return {name: getattr(self, name) for name in names}
