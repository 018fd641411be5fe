"""Images without atoms, as an option of `ImageAnalysis`: paths or an array, read when they are first needed."""

from __future__ import annotations

import hashlib
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...io.errors import InputError
from ...io.image import read_image
from ..fits.images.camera_noise import BadPixels, find_bad_pixels
from ..fits.images.reference import Reference, reference_of
from ..options.sentences import shown
from ..options.settings import path_of
from .image_names import image_names

__all__ = ["References", "references_of"]

Floats = NDArray[np.float64]


class References:
    """Images without atoms. Those of the same paths, or of the same counts, are equal.

    Parameters
    ----------
    given : tuple of paths, or array
        Images, or folders of them; or counts of shape (k, ny, nx), or (ny, nx) for light without noise.

    Examples
    --------
    >>> one, other = References(np.full((2, 3, 3), 25.0)), References(np.full((2, 3, 3), 25.0))
    >>> one == other, hash(one) == hash(other)
    (True, True)
    """

    def __init__(self, given: tuple[Path, ...] | Floats) -> None:
        self.given = given
        self._lock = threading.RLock()
        self._stack: Floats | None = None
        self._bad: BadPixels | None = None
        self._prepared: dict[tuple[float | None, float], Reference] = {}

    def __repr__(self) -> str:
        if isinstance(self.given, tuple):
            return f"References({', '.join(map(str, self.given))})"
        return f"References(array of shape {self.given.shape})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, References) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[type[References], tuple[Any]]:
        return References, (self.given,)

    @property
    def digest(self) -> str:
        """SHA-256 of the paths, or of the counts and their shape."""
        if isinstance(self.given, tuple):
            content = "\n".join(path.as_posix() for path in self.given).encode()
        else:
            content = repr(self.given.shape).encode() + np.ascontiguousarray(self.given).tobytes()
        return hashlib.sha256(content).hexdigest()

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
            if (gain, read_noise) not in self._prepared:
                is_light = isinstance(self.given, np.ndarray) and self.given.ndim == 2
                self._prepared[gain, read_noise] = reference_of(stack[0] if is_light else stack, bad, gain, read_noise)
            return self._prepared[gain, read_noise]

    @property
    def bad_pixels(self) -> BadPixels:
        """Pixels that their neighbours contradict."""
        with self._lock:
            if self._bad is None:
                self._bad = find_bad_pixels(self.stack)
            return self._bad

    def _read(self) -> Floats:
        if isinstance(self.given, np.ndarray):
            return self.given[None] if self.given.ndim == 2 else self.given
        files: list[Path] = []
        for path in self.given:
            files += _images_in(path) if path.is_dir() else [path]
        if not files:
            raise InputError(f"references: no images in {', '.join(map(str, self.given))}")
        images = [np.asarray(read_image(file), dtype=np.float64) for file in files]
        for file, image in zip(files, images, strict=True):
            if image.shape != images[0].shape:
                raise InputError(f"{file}: this reference has the shape {image.shape}, the first {images[0].shape}")
        return np.array(images)


def references_of(given: Any, *, folder: Path | None = None) -> References | None:
    """References out of a path, paths or an array; texts are relative to a folder, where one is given.

    Raises
    ------
    InputError
        When they are something else.
    """
    if given is None or isinstance(given, References):
        return given
    if isinstance(given, np.ndarray):
        return References(np.asarray(given, dtype=np.float64))
    paths = [given] if isinstance(given, str | Path) else given
    if not isinstance(paths, list | tuple) or not paths or not all(isinstance(path, str | Path) for path in paths):
        raise InputError(f"references should be paths of images or folders, or one array, not {shown(given)}")
    return References(tuple(path_of(path, name="references", folder=folder) for path in paths))


def _images_in(folder: Path) -> list[Path]:
    names = re.compile(image_names())
    return [file for file in sorted(folder.iterdir()) if names.fullmatch(file.name)]
