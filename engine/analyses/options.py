"""What an `ImageAnalysis` is told beside its folder: when, which light to take off, which pixels, and which camera."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...io.cells import datetime_ns
from ...io.errors import InputError
from ...io.image import read_image
from ..camera import CameraConstants
from ..fits.images.camera_noise import BadPixels, find_bad_pixels
from ..fits.images.reference import Reference, reference_of

__all__ = ["Interval", "References", "camera_of", "checked_choice", "interval_of"]

Floats = NDArray[np.float64]
IMAGE_ENDINGS = (".csv", ".xlsx")
INDICES = ("timelog.csv", "all_data.csv")


@dataclass(frozen=True)
class Interval:
    """Times from `begin_ns` on and before `end_ns`."""

    begin_ns: float = -math.inf
    end_ns: float = math.inf

    def holds(self, timestamp_ns: int | None) -> bool:
        """Whether a time lies within; an unknown one does in an interval without ends."""
        if timestamp_ns is None:
            return math.isinf(self.begin_ns) and math.isinf(self.end_ns)
        return self.begin_ns <= timestamp_ns < self.end_ns


def interval_of(given: Sequence[Any] | None) -> Interval:
    """Read ``(begin, end)``: each a text, a datetime, ns since 1970, or None for no end.

    Raises
    ------
    InputError
    """
    if given is None:
        return Interval()
    if isinstance(given, str) or len(given) != 2:
        raise InputError(f"time_interval should be (begin, end), not {given!r}")
    begin, end = (_moment(moment) for moment in given)
    interval = Interval(-math.inf if begin is None else begin, math.inf if end is None else end)
    if not interval.begin_ns < interval.end_ns:
        raise InputError(f"time_interval should end after it begins, unlike {given!r}")
    return interval


def _moment(given: Any) -> int | None:
    if given is None or given == "":
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text = str(given) if isinstance(given, (str, datetime)) else ""
    moment = datetime_ns(text.replace("T", " ").replace("-", "/")) or datetime_ns(text)
    if moment is None:
        raise InputError(f"time_interval: {given!r} is no time such as '2022-09-18 12:25:39'")
    return moment


def camera_of(given: CameraConstants | str | None, file: str | Path | None) -> CameraConstants | None:
    """The constants themselves, or the set of that name."""
    if given is None or isinstance(given, CameraConstants):
        return given
    return CameraConstants.read(given) if file is None else CameraConstants.read(given, file)


@dataclass(eq=False)
class References:
    """Images without atoms, read when they are first needed.

    Parameters
    ----------
    given : path, sequence of paths, or array
        Images, or folders of them; or an array of counts of shape (k, ny, nx), or (ny, nx) for light without noise.
    """

    given: Any
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _stack: Floats | None = None
    _bad: BadPixels | None = None
    _prepared: Reference | None = None

    @property
    def stack(self) -> Floats:
        """Counts, shape (k, ny, nx).

        Raises
        ------
        InputError
            When there is no image, or when they differ in shape.
        """
        with self._lock:
            if self._stack is None:
                self._stack = self._read()
            return self._stack

    def prepared(self, gain: float | None, read_noise: float) -> Reference:
        """As `fit_gaussian` takes it: images with their noise, or one array without.

        Raises
        ------
        InputError
            As `stack`, and when they hold no light.
        """
        stack, bad = self.stack, self.bad_pixels.mask
        with self._lock:
            if self._prepared is None:
                is_array = isinstance(self.given, np.ndarray) and self.given.ndim == 2
                self._prepared = reference_of(stack[0] if is_array else stack, bad, gain, read_noise)
            return self._prepared

    @property
    def bad_pixels(self) -> BadPixels:
        """Pixels that their neighbours contradict."""
        stack = self.stack
        with self._lock:
            if self._bad is None:
                self._bad = find_bad_pixels(stack)
            return self._bad

    def _read(self) -> Floats:
        if isinstance(self.given, np.ndarray):
            stack = np.asarray(self.given, dtype=np.float64)
            return stack[None] if stack.ndim == 2 else stack
        paths = [self.given] if isinstance(self.given, (str, Path)) else list(self.given)
        if not all(isinstance(path, (str, Path)) for path in paths):
            raise InputError("references should be paths of images or folders, or one array")
        files: list[Path] = []
        for path in map(Path, paths):
            files += _images_in(path) if path.is_dir() else [path]
        if not files:
            raise InputError(f"references={self.given!r}: no images there")
        images = [np.asarray(read_image(file), dtype=np.float64) for file in files]
        for file, image in zip(files, images, strict=True):
            if image.shape != images[0].shape:
                raise InputError(f"{file}: this reference has the shape {image.shape}, the first {images[0].shape}")
        return np.array(images)


def _images_in(folder: Path) -> list[Path]:
    found = sorted(folder.iterdir())
    return [f for f in found if f.suffix.lower() in IMAGE_ENDINGS and f.name.lower() not in INDICES]


def checked_choice(name: str, given: Any, choices: Sequence[str | None]) -> None:
    """Refuse what is not one of the choices.

    Raises
    ------
    InputError
    """
    if given not in choices:
        told = [repr(choice) for choice in choices]
        raise InputError(f"{name} should be {', '.join(told[:-1])} or {told[-1]}, not {given!r}")
