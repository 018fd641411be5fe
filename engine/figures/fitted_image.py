"""An image with its fit, and what all pictures of it need: the model, the residuals, the numbers, the scale."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..camera import CameraConstants
from ..fits.images.fit import gaussian_image
from ..fits.result import Fit
from ..fits.rounding import with_error

__all__ = ["FittedImage", "Floats", "Image", "common_limits"]

Image = NDArray[np.int64] | NDArray[np.float64]
Floats = NDArray[np.float64]

COMMON_PART, COMMON_VARIANCE = 0.99, 0.925
"""Part of the pixels, those with the smallest residuals, from which the spread of all is estimated; and the variance of
such a part of a standard normal distribution."""
DARKEST, BRIGHTEST = 0.001, 0.999
"""Parts of the pixels between which the scale of counts lies: the others are hot or dead."""
PARAMETERS = (
    ("A", "counts"),
    ("x0", "px"),
    ("y0", "px"),
    ("sigma_x", "px"),
    ("sigma_y", "px"),
    ("theta", "rad"),
    ("C", "counts/px"),
    ("s", ""),
)
"""Those of the fit that are shown, with their units."""
WITHOUT_ATOMS = frozenset({"no_atoms", "no_light", "all_zero"})
"""Flags of fits of images that show no atoms: an answer, and no failure."""
ZOOM_WIDTHS, LEAST_ZOOM = 4.0, 8
"""Half a side of what is shown closer: that many widths of the spot, and pixels."""


@dataclass(frozen=True, eq=False, repr=False)
class FittedImage:
    """What the figures of one image share.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    fit : Fit
        Of `fit_gaussian`.
    title : str
    reference : array, shape (ny, nx), optional
        The one that was fitted with it.
    camera : CameraConstants, optional
        Which makes mm of pixels and atoms of counts.
    taken : str
        When, and in which run.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> fitted = FittedImage(image, fit_gaussian(image), "cmos_000001.csv")
    >>> fitted
    FittedImage('cmos_000001.csv', 40 x 30 pixels, not valid)
    >>> fitted.description(in_short=True)
    'no atoms,  A < 280 counts (95 %)'
    """

    image: Image
    fit: Fit
    title: str
    reference: Image | None = None
    camera: CameraConstants | None = None
    taken: str = ""

    @property
    def shows_no_atoms(self) -> bool:
        """Whether that is what the fit says, and nothing else."""
        return bool(self.fit.flags) and WITHOUT_ATOMS.issuperset(self.fit.flags)

    @property
    def heading(self) -> str:
        """The title, and below it when the image was taken."""
        return f"{self.title}\n{self.taken}" if self.taken else self.title

    @property
    def pixel_mm(self) -> float | None:
        """Side of a pixel at the trap; None where the camera is not known."""
        return None if self.camera is None else 1e3 * self.camera.pixel_size_m

    @cached_property
    def zoom(self) -> tuple[slice, slice] | None:
        """Rows and columns around the spot, as far as they are in the image; None without a spot."""
        if not self.fit.valid:
            return None
        values = self.fit.values
        half = max(LEAST_ZOOM, math.ceil(ZOOM_WIDTHS * max(values["sigma_x"], values["sigma_y"])))
        middles = (round(values[name]) for name in ("y0", "x0"))
        rows, columns = (
            slice(min(max(0, middle - half), n - 1), max(1, min(n, middle + half + 1)))
            for middle, n in zip(middles, self.image.shape, strict=True)
        )
        return rows, columns

    @cached_property
    def model(self) -> Floats:
        """Mean counts as fitted, shape (ny, nx): the background alone, where there are no atoms."""
        values = {**self.fit.values, "A": 0.0} if self.shows_no_atoms else self.fit.values
        return gaussian_image(values, self.image.shape, self.reference)

    @cached_property
    def pulls(self) -> Floats:
        """Residuals in standard deviations, shape (ny, nx)."""
        read_noise = getattr(self.fit, "read_noise", 0.0)
        if read_noise > 0.0:  # a model may then be below zero, where a background was subtracted
            variance = getattr(self.fit, "gain", 1.0) * np.maximum(self.model, 0.0) + read_noise**2
        else:
            variance = np.maximum(self.model, 1e-9)
        pulls = (self.image - self.model) / np.sqrt(variance)
        # Gain and the noise of references make all of them wider; hot pixels say nothing of that.
        squares = np.sort(np.square(pulls), axis=None)[: math.ceil(COMMON_PART * pulls.size)]
        spread = math.sqrt(float(np.mean(squares)) / COMMON_VARIANCE)
        return np.asarray(pulls / spread if spread > 0.0 else pulls)

    def description(self, *, in_short: bool, width: int | None = None) -> str:
        """The fit in words.

        Parameters
        ----------
        in_short : bool
            How many counts and atoms there are, and no more.
        width : int, optional
            Letters in a line; without, all of it stands in one.
        """
        if not self.fit.valid and not self.shows_no_atoms:
            text = f"not valid: {self.fit.reason}"
            return text if width is None else textwrap.fill(text, width)
        if not self.fit.valid:
            parts = list(self._limits())
        elif in_short:
            parts = [next(self._values()), *self._atoms(), self._significance]
        else:
            parts = [*self._values(), *self._atoms(), self._significance]
            parts += [f"deviance / ndof = {self.fit.deviance / self.fit.ndof:.3f}"] if self.fit.ndof else []
        return ",  ".join(parts) if width is None else "\n".join(_filled(parts, width))

    @property
    def _significance(self) -> str:
        return f"significance {self.fit.significance:.1f}"

    def _limits(self) -> Iterator[str]:
        """That there are no atoms, and how many there may be."""
        yield "no atoms" if "no_atoms" in self.fit.flags else self.fit.reason
        limit = getattr(self.fit, "upper_limit", math.nan)
        if math.isfinite(limit):
            yield f"A < {_brief(limit)} counts (95 %)"
            if self.camera is not None:
                yield f"N < {_brief(self.camera.atom_number(limit)[0])} atoms"

    def _atoms(self) -> Iterator[str]:
        if self.camera is not None:
            yield f"N = {with_error(*self.camera.atom_number(self.fit.values['A'], self.fit.errors['A']), 'atoms')}"

    def _values(self) -> Iterator[str]:
        for name, unit in PARAMETERS:
            if name in self.fit.values:
                value, error = self.fit.values[name], self.fit.errors[name]
                # Place and widths may have been given.
                shown = f"{value:.2f} (given) {unit}" if error == 0.0 else with_error(value, error, unit)
                yield f"{name} = {shown}".rstrip()

    def __repr__(self) -> str:
        rows, columns = self.image.shape
        verdict = "valid" if self.fit.valid else "not valid"
        return f"{type(self).__name__}({self.title!r}, {rows} x {columns} pixels, {verdict})"

    def __getstate__(self) -> dict[str, Any]:
        """Without what can be computed again: it is as large as the image."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _brief(limit: float) -> str:
    """A limit with two digits."""
    return f"{float(f'{limit:.2g}'):g}"


def _filled(parts: Iterable[str], width: int) -> list[str]:
    """Lines of as many whole parts as fit in; a part that is longer than a line is broken between words."""
    lines: list[str] = []
    for part in chain.from_iterable(textwrap.wrap(part, width) for part in parts):
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f",  {part}"
        else:
            lines.append(part)
    return lines


def common_limits(image: Image, model: Floats, fit: Fit) -> tuple[float, float]:
    """Common scale of image and model: of the spot where there is one, else of the image without its hot pixels."""
    low, high = np.quantile(image, (DARKEST, BRIGHTEST))
    top = max(float(high), float(model.max())) if fit.valid else float(high)
    return float(low), max(top, float(low) + 1.0)
