"""Figures of a camera image and its fit: signal beside fit beside residual, and the view in three dimensions.

Each is the figure of a sheet for images of one shape (`ImageSheet`, `SurfaceSheet`), which an analysis keeps for all
its images, or is drawn into the axes that it is given.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from mpl_toolkits.mplot3d import Axes3D

from ...io.errors import InputError
from ..camera import CameraConstants
from ..fits.result import Fit
from . import image_sheet, surface_sheet
from .axes import SeveralAxes, checked_axes, figure_of
from .fitted_image import FittedImage, Image
from .image_sheet import CLOSER, NAMES, DrawnImage, ImageSheet
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
"""Left, bottom, width and height of the bars of colours, in parts of the image at their left."""
CAPTION_WIDTH = 50
"""Letters in a line of the description below given axes."""
CAPTION_POINTS = 4
"""Room above it."""


def image_figure(
    image: Image,
    fit: Fit,
    title: str,
    *,
    reference: Image | None = None,
    camera: CameraConstants | None = None,
    taken: str = "",
    axes: SeveralAxes | None = None,
) -> Figure:
    """Draw camera signal, fit and residual side by side: the whole field, and what is around the spot.

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
        For the scale in mm, and the number of atoms.
    taken : str
        When and in which run, for the title.
    axes : three or six Axes, optional
        Into which it is drawn, as by `draw_image`; without, into a new figure.

    Returns
    -------
    Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there are neither three axes nor six.

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
        draw_image(axes, image, fit, title, reference=reference, camera=camera, taken=taken)
        return figure_of(axes)
    sheet = ImageSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference, camera, taken))
    return sheet.figure


def draw_image(
    axes: SeveralAxes,
    image: Image,
    fit: Fit,
    title: str = "",
    *,
    reference: Image | None = None,
    camera: CameraConstants | None = None,
    taken: str = "",
) -> DrawnImage:
    """Draw camera signal, fit and residual into axes.

    Parameters
    ----------
    axes : three or six Axes
        For the camera's signal, which has the title; for the fit, which has the bar of counts at its right and the
        description below; and for the residual. Three more are for what is around the spot in each of these.
    image, fit, title, reference, camera, taken
        As for `image_figure`.

    Returns
    -------
    DrawnImage

    Raises
    ------
    InputError
        If there are neither three axes nor six.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from utokyo import fit_gaussian
    >>> image = np.random.default_rng(1).poisson(20.0, (40, 30))
    >>> drawn = draw_image(Figure().subplots(1, 3), image, fit_gaussian(image), "cmos_000001.csv")
    >>> print(drawn.description.get_text())
    no atoms,  A < 280 counts (95 %)
    """
    six = np.size(np.array(axes, dtype=object)) >= len(NAMES) + len(CLOSER)
    panels = checked_axes(axes, NAMES + CLOSER if six else NAMES, "an image")
    bars = [one.inset_axes(INSET) for one in panels[1:3]]
    description = _caption(panels[4 if six else 1])
    drawn = image_sheet.prepare(panels, bars, image.shape, _title(panels[0]), description)
    fitted = FittedImage(image, fit, title or NAMES[0], reference, camera, taken)
    image_sheet.show(drawn, fitted, width=CAPTION_WIDTH)
    return drawn


def image_figure_3d(
    image: Image,
    fit: Fit,
    title: str,
    *,
    reference: Image | None = None,
    camera: CameraConstants | None = None,
    taken: str = "",
    axes: SeveralAxes | None = None,
) -> Figure:
    """Draw camera signal and fit as surfaces: of what is around the spot, or of the whole image where there is none.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts; averaged over blocks of pixels where these would be too many to be seen, which the figure says.
    fit : Fit
        Of `fit_gaussian`.
    title : str
    reference : array, shape (ny, nx), optional
        The one that was fitted with it.
    camera, taken
        As for `image_figure`.
    axes : two Axes3D, optional
        Into which it is drawn, as by `draw_image_3d`; without, into a new figure.

    Returns
    -------
    Figure
        The new one, or the one that the axes are in.

    Raises
    ------
    InputError
        If there are not two axes with ``projection="3d"``.

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
        draw_image_3d(axes, image, fit, title, reference=reference, camera=camera, taken=taken)
        return figure_of(axes)
    sheet = SurfaceSheet(image.shape)
    sheet.show(FittedImage(image, fit, title, reference, camera, taken))
    return sheet.figure


def draw_image_3d(
    axes: SeveralAxes,
    image: Image,
    fit: Fit,
    title: str = "",
    *,
    reference: Image | None = None,
    camera: CameraConstants | None = None,
    taken: str = "",
) -> DrawnSurfaces:
    """Draw camera signal and fit as surfaces into axes.

    Parameters
    ----------
    axes : two Axes3D
        For the camera's signal, which has the title, and for the fit, which has the description below.
    image, fit, title, reference, camera, taken
        As for `image_figure_3d`.

    Returns
    -------
    DrawnSurfaces

    Raises
    ------
    InputError
        If there are not two axes with ``projection="3d"``.

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
    drawn = surface_sheet.prepare(views, _title(views[0]), _caption(views[1]))
    surface_sheet.show(drawn, FittedImage(image, fit, title or NAMES[0], reference, camera, taken), width=CAPTION_WIDTH)
    return drawn


def _title(axes: Axes) -> Text:
    """The title of axes, which shows text as it is: the name of a file may hold a dollar."""
    return axes.set_title("", parse_math=False)


def _caption(axes: Axes) -> Text:
    """A text below axes and what is written along them; in space that is within the axes."""
    below = "axes fraction" if isinstance(axes, Axes3D) else axes.xaxis.label
    return axes.annotate(
        "", (0.5, 0.0), (0.0, -CAPTION_POINTS),
        xycoords=("axes fraction", below), textcoords="offset points",
        ha="center", va="top", fontsize="small", parse_math=False, annotation_clip=False,
    )  # fmt: skip
