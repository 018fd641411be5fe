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

from ..fits.images.fit import gaussian_image
from ..fits.result import Fit, with_error

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
    ("C", "counts/px"),
    ("s", ""),
)
"""Those of the fit that are shown, with their units."""
IN_FIRST_LINE = 3
"""Parameters in the first line of the description, before the quality of the fit."""


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
        """Mean counts as fitted, shape (ny, nx)."""
        return gaussian_image(self.fit.values, self.image.shape, self.reference)

    @cached_property
    def pulls(self) -> Floats:
        """Residuals in standard deviations, shape (ny, nx)."""
        pulls = (self.image - self.model) / np.sqrt(np.maximum(self.model, 1e-9))
        # Gain and the noise of references make all of them wider; hot pixels say nothing of that.
        squares = np.sort(np.square(pulls), axis=None)[: math.ceil(COMMON_PART * pulls.size)]
        spread = math.sqrt(float(np.mean(squares)) / COMMON_VARIANCE)
        return np.asarray(pulls / spread if spread > 0.0 else pulls)

    def description(self, *, in_short: bool, width: int | None = None) -> str:
        """The fit in words.

        Parameters
        ----------
        in_short : bool
            How many counts there are, and no more.
        width : int, optional
            Letters in a line; without, all of it stands in two lines.
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


def _filled(parts: Iterable[str], width: int) -> list[str]:
    """Lines of as many whole parts as fit in."""
    lines: list[str] = []
    for part in parts:
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
