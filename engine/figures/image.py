"""Figures of a camera image and its fit: image, fit and residual side by side, and both as surfaces.

New figures are those of a sheet for images of one shape (`ImageSheet`, `SurfaceSheet`), which an analysis keeps for all
its images. With given axes, the same is drawn into these.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from mpl_toolkits.mplot3d import Axes3D

from ...io.errors import InputError
from ..fits.result import Fit
from . import image_sheet, surface_sheet
from .axes import SeveralAxes, checked_axes, figure_of
from .fitted_image import FittedImage, Image
from .image_sheet import NAMES, DrawnImage, ImageSheet
from .surface_sheet import DrawnSurfaces, SurfaceSheet

__all__ = [
    "DrawnImage",
    "DrawnSurfaces",
    "FittedImage",
    "ImageSheet",
    "SurfaceSheet",
    "draw_image",
    "draw_image_3d",
    "image_figure",
    "image_figure_3d",
]

INSET = (1.04, 0.0, 0.05, 1.0)
"""Left, bottom, width and height of the colour bars, in units of the size of the image at their left."""
CAPTION_WIDTH = 50
"""Letters in a line of the description below given axes."""
CAPTION_POINTS = 4
"""Space above the description, points."""


def image_figure(
    image: Image, fit: Fit, title: str, *, reference: Image | None = None, axes: SeveralAxes | None = None
) -> Figure:
    """Draw camera image, fit and residual side by side.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    fit : Fit
        The result of `fit_gaussian`.
    title : str
    reference : array, shape (ny, nx), optional
        The reference that was given to `fit_gaussian`.
    axes : three Axes, optional
        Axes to draw into, as for `draw_image`; by default, a new figure is made.

    Returns
    -------
    Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When there are not three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image
    >>> spot = {"A": 30_000.0, "x0": 18.0, "y0": 22.0, "sigma_x": 3.0, "sigma_y": 4.0, "C": 20.0}
    >>> image = np.random.default_rng(1).poisson(gaussian_image(spot, (50, 40)))
    >>> figure = image_figure(image, fit_gaussian(image), "cmos_000001.csv")
    >>> [axes.get_title() for axes in figure.axes[:3]]
    ['camera', 'fit', 'camera - fit']
    """
    if axes is not None:
        draw_image(axes, image, fit, title, reference=reference)
        return figure_of(axes)
    sheet = ImageSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference))
    return sheet.figure


def draw_image(
    axes: SeveralAxes, image: Image, fit: Fit, title: str = "", *, reference: Image | None = None
) -> DrawnImage:
    """Draw camera image, fit and residual into three axes.

    Parameters
    ----------
    axes : three Axes
        For the camera image, with the title; for the fit, with the colour bar of counts at its right and the
        description below it; and for the residual, with its colour bar.
    image, fit, title, reference
        As for `image_figure`.

    Returns
    -------
    DrawnImage

    Raises
    ------
    InputError
        When there are not three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> drawn = draw_image(Figure().subplots(1, 3), image, fit_gaussian(image), "cmos_000001.csv")
    >>> print(drawn.description.get_text())
    NOT VALID: no atoms: nothing stands out of the
    background
    """
    panels = checked_axes(axes, NAMES, "an image")
    bars = [one.inset_axes(INSET) for one in panels[1:]]
    description = _caption(panels[1])
    drawn = image_sheet.prepare(panels, bars, image.shape, _title(panels[0]), description)
    fitted = FittedImage(image, fit, title or NAMES[0], reference)
    image_sheet.show(drawn, fitted, width=CAPTION_WIDTH)
    return drawn


def image_figure_3d(
    image: Image, fit: Fit, title: str, *, reference: Image | None = None, axes: SeveralAxes | None = None
) -> Figure:
    """Draw camera image and fit as surfaces.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts; a large image is averaged over blocks of pixels.
    fit : Fit
        The result of `fit_gaussian`.
    title : str
    reference : array, shape (ny, nx), optional
        The reference that was given to `fit_gaussian`.
    axes : two Axes3D, optional
        Axes to draw into, as for `draw_image_3d`; by default, a new figure is made.

    Returns
    -------
    Figure
        The new figure, or the one that contains the given axes.

    Raises
    ------
    InputError
        When there are not two axes with ``projection="3d"``.

    Examples
    --------
    >>> import numpy as np
    >>> from utokyo import fit_gaussian, gaussian_image
    >>> spot = {"A": 30_000.0, "x0": 18.0, "y0": 22.0, "sigma_x": 3.0, "sigma_y": 4.0, "C": 20.0}
    >>> image = np.random.default_rng(1).poisson(gaussian_image(spot, (50, 40)))
    >>> figure = image_figure_3d(image, fit_gaussian(image), "cmos_000001.csv")
    >>> figure.get_suptitle()
    'cmos_000001.csv'
    """
    if axes is not None:
        draw_image_3d(axes, image, fit, title, reference=reference)
        return figure_of(axes)
    sheet = SurfaceSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference))
    return sheet.figure


def draw_image_3d(
    axes: SeveralAxes, image: Image, fit: Fit, title: str = "", *, reference: Image | None = None
) -> DrawnSurfaces:
    """Draw camera image and fit as surfaces into two axes.

    Parameters
    ----------
    axes : two Axes3D
        For the camera image, with the title, and for the fit, with the description below it.
    image, fit, title, reference
        As for `image_figure_3d`.

    Returns
    -------
    DrawnSurfaces

    Raises
    ------
    InputError
        When there are not two axes with ``projection="3d"``.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> views = Figure().subplots(1, 2, subplot_kw={"projection": "3d"})
    >>> drawn = draw_image_3d(views, image, fit_gaussian(image), "cmos_000001.csv")
    >>> drawn.camera.axes is views[0]
    True
    """
    views = checked_axes(axes, NAMES[:2], "an image in three dimensions")
    for one in views:
        if not isinstance(one, Axes3D):
            raise InputError(f"an image in three dimensions is drawn into axes with projection='3d', not into {one!r}")
    drawn = surface_sheet.prepare(views, image.shape, _title(views[0]), _caption(views[1]))
    surface_sheet.show(drawn, FittedImage(image, fit, title or NAMES[0], reference), width=CAPTION_WIDTH)
    return drawn


def _title(axes: Axes) -> Text:
    """The title of axes, without formulas: the name of a file may contain a dollar sign."""
    return axes.set_title("", parse_math=False)


def _caption(axes: Axes) -> Text:
    """An empty text below the axes and the label of x; for axes in three dimensions, inside them."""
    below = "axes fraction" if isinstance(axes, Axes3D) else axes.xaxis.label
    return axes.annotate(
        "", (0.5, 0.0), (0.0, -CAPTION_POINTS),
        xycoords=("axes fraction", below), textcoords="offset points",
        ha="center", va="top", fontsize="small", parse_math=False, annotation_clip=False,
    )  # fmt: skip
