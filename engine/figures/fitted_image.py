"""An image with its fit, and the data of all figures of it: model, residuals, numbers, and scale of the colours."""

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

from ..fits.images.fit import gaussian_image
from ..fits.result import Fit
from .labels import with_error

__all__ = ["FittedImage", "Floats", "Image", "common_limits"]

Image = NDArray[np.int64] | NDArray[np.float64]
Floats = NDArray[np.float64]

COMMON_PART, COMMON_VARIANCE = 0.99, 0.925
"""The standard deviation of residuals is estimated from this fraction of the pixels, those with the smallest residuals;
and the variance of this central part of a standard normal distribution."""
DARKEST, BRIGHTEST = 0.001, 0.999
"""Quantiles of the counts at the ends of the colour scale: pixels beyond them may be hot or dead."""
PARAMETERS = (
    ("A", "counts"),
    ("x0", "px"),
    ("y0", "px"),
    ("sigma_x", "px"),
    ("sigma_y", "px"),
    ("C", "counts/px"),
    ("s", ""),
)
"""Parameters of the fit that are written in the description, with units."""
IN_FIRST_LINE = 3
"""Number of parameters in the first line of the description, before significance and goodness of fit."""


@dataclass(frozen=True, eq=False, repr=False)
class FittedImage:
    """An image with its fit, for its figures.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    fit : Fit
        The result of `fit_gaussian`.
    title : str
    reference : array, shape (ny, nx), optional
        The reference that was given to `fit_gaussian`.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> fitted = FittedImage(image, fit_gaussian(image), "cmos_000001.csv")
    >>> fitted
    FittedImage('cmos_000001.csv', 40 x 30 pixels, not valid)
    >>> fitted.description(in_short=True)
    'NOT VALID: no atoms: nothing stands out of the background'
    """

    image: Image
    fit: Fit
    title: str
    reference: Image | None = None

    @cached_property
    def model(self) -> Floats:
        """Mean counts of the fitted model, shape (ny, nx)."""
        return gaussian_image(self.fit.values, self.image.shape, self.reference)

    @cached_property
    def pulls(self) -> Floats:
        """Residuals in standard deviations, shape (ny, nx)."""
        pulls = (self.image - self.model) / np.sqrt(np.maximum(self.model, 1e-9))
        # An unknown gain, and the noise of references, scale all of them. Hot pixels must not enter this scale.
        squares = np.sort(np.square(pulls), axis=None)[: math.ceil(COMMON_PART * pulls.size)]
        spread = math.sqrt(float(np.mean(squares)) / COMMON_VARIANCE)
        return np.asarray(pulls / spread if spread > 0.0 else pulls)

    def description(self, *, in_short: bool, width: int | None = None) -> str:
        """Parameters, significance and goodness of the fit as text, or the reason why it is not valid.

        Parameters
        ----------
        in_short : bool
            Whether only A and the significance are written.
        width : int, optional
            Letters in a line; by default, there are two lines of any length.
        """
        if not self.fit.valid:
            text = f"NOT VALID: {self.fit.reason}"
            return text if width is None else textwrap.fill(text, width)
        values = list(self._values())
        quality = f"significance {self.fit.significance:.1f}"
        if in_short:
            lines = [[values[0], quality]]
        else:
            quality += f", deviance / ndof = {self.fit.deviance / self.fit.ndof:.3f}"
            lines = [[*values[:IN_FIRST_LINE], quality], values[IN_FIRST_LINE:]]
        written = [",  ".join(line) for line in lines] if width is None else _filled(chain(*lines), width)
        return "\n".join(written)

    def _values(self) -> Iterator[str]:
        for name, unit in PARAMETERS:
            if name in self.fit.values:
                value, error = self.fit.values[name], self.fit.errors[name]
                # Given places and widths have the error 0.
                shown = f"{value:.2f} (given) {unit}" if error == 0.0 else with_error(value, error, unit)
                yield f"{name} = {shown}".rstrip()

    def __repr__(self) -> str:
        rows, columns = self.image.shape
        verdict = "valid" if self.fit.valid else "not valid"
        return f"{type(self).__name__}({self.title!r}, {rows} x {columns} pixels, {verdict})"

    def __getstate__(self) -> dict[str, Any]:
        """Without model and residuals, which are as large as the image and can be computed again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _filled(parts: Iterable[str], width: int) -> list[str]:
    """Lines of at most `width` letters, each with as many whole parts as possible."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f",  {part}"
        else:
            lines.append(part)
    return lines


def common_limits(image: Image, model: Floats, fit: Fit) -> tuple[float, float]:
    """Limits of the colours of image and model, counts: without hot pixels, but with the whole spot of a valid fit."""
    low, high = np.quantile(image, (DARKEST, BRIGHTEST))
    top = max(float(high), float(model.max())) if fit.valid else float(high)
    return float(low), max(top, float(low) + 1.0)
