"""Figures of a camera image and its fit: signal beside fit beside residual, and the view in three dimensions."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D
from numpy.typing import NDArray

from ..fits.gaussian import gaussian_image
from ..fits.result import Fit, rounded

__all__ = ["image_figure", "image_figure_3d"]

FARTHEST_PULL = 5.0
PLACES = ((0.055, 0.2, 0.25, 0.68), (0.325, 0.2, 0.25, 0.68), (0.67, 0.2, 0.25, 0.68))
BARS = ((0.585, 0.25, 0.012, 0.58), (0.93, 0.25, 0.012, 0.58))
"""Left, bottom, width and height of the images and of the bars of colours, in parts of the figure."""
MOST_TICKS = 5
MOST_SURFACE_POINTS = 40  # along a side of the surface: more are slow and no clearer
SHOWN = (("A", "counts"), ("x0", "px"), ("y0", "px"), ("sigma_x", "px"), ("sigma_y", "px"), ("C", "counts/px"))

Image = NDArray[np.int64] | NDArray[np.float64]


def image_figure(image: Image, fit: Fit, title: str, *, reference: Image | None = None) -> Figure:
    """Draw camera signal, fit and residual side by side.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts.
    fit : Fit
        Of `fit_gaussian`.
    title : str
    reference : array, optional
        The one that was fitted with it.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(12.0, 5.4))
    figure.suptitle(title)
    # Fixed places: a layout that is computed costs as much time as the figure itself, for each of thousands of images.
    signal, fitted, residual = (figure.add_axes(place) for place in PLACES)
    bar, residual_bar = (figure.add_axes(place) for place in BARS)
    model = gaussian_image(fit.values, image.shape, reference)
    scale = _scale(image, model, fit)
    for axes, pixels, name in ((signal, image, "camera"), (fitted, model, "fit")):
        mesh = axes.imshow(pixels, norm=scale, cmap="viridis", interpolation="nearest")
        axes.set_title(name)
        axes.set_xlabel("x (px)")
    figure.colorbar(mesh, cax=bar, label="counts per pixel")
    dispersion = max(1.0, fit.deviance / fit.ndof) if fit.ndof > 0 else 1.0
    pulls = (image - model) / np.sqrt(np.maximum(model, 1e-9) * dispersion)
    mesh = residual.imshow(pulls, norm=Normalize(-FARTHEST_PULL, FARTHEST_PULL), cmap="RdBu_r", interpolation="nearest")
    residual.set_title("camera - fit")
    residual.set_xlabel("x (px)")
    figure.colorbar(mesh, cax=residual_bar, label="standard deviations", extend="both")
    signal.set_ylabel("y (px)")
    for axes in (fitted, residual):
        axes.set_yticklabels([])
    if fit.valid:
        for axes in (signal, fitted):
            _mark(axes, fit)
    figure.supxlabel(_description(fit), y=0.015, fontsize="medium", color="black" if fit.valid else "#b00020")
    return figure


def image_figure_3d(image: Image, fit: Fit, title: str, *, reference: Image | None = None) -> Figure:
    """Draw camera signal and fit as surfaces over the image.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Counts; averaged over blocks of pixels where it is large.
    fit : Fit
    title : str
    reference : array, optional
        The one that was fitted with it.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(12.0, 6.0))
    figure.subplots_adjust(left=0.0, right=0.95, bottom=0.13, top=0.92, wspace=0.05)
    figure.suptitle(title)
    model = gaussian_image(fit.values, image.shape, reference)
    block = max(1, int(np.ceil(max(image.shape) / MOST_SURFACE_POINTS)))
    scale = _scale(_averaged(image, block), _averaged(model, block), fit)
    for place, (pixels, name) in enumerate(((image, "camera"), (model, "fit")), start=1):
        axes = figure.add_subplot(1, 2, place, projection="3d")
        assert isinstance(axes, Axes3D)
        heights = _averaged(pixels, block)
        y, x = (np.arange(n) * block + (block - 1) / 2 for n in heights.shape)
        axes.plot_surface(
            *np.meshgrid(x, y), heights, norm=scale, cmap="viridis", rcount=MOST_SURFACE_POINTS,
            ccount=MOST_SURFACE_POINTS, linewidth=0, antialiased=False,
        )  # fmt: skip
        axes.set_zlim(scale.vmin, scale.vmax)
        axes.set_xlabel("x (px)")
        axes.set_ylabel("y (px)")
        axes.set_zlabel("counts per pixel")
        axes.set_title(name)
        for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
            axis.set_major_locator(MaxNLocator(MOST_TICKS))
        axes.view_init(elev=32, azim=-60)
    figure.supxlabel(_description(fit), y=0.015, fontsize="medium", color="black" if fit.valid else "#b00020")
    return figure


def _scale(image: Image, model: NDArray[np.float64], fit: Fit) -> Normalize:
    """Common colours: of the spot where there is one, else of the image without its hot pixels."""
    low, high = np.quantile(image, (0.001, 0.999))
    top = max(float(high), float(model.max())) if fit.valid else float(high)
    return Normalize(float(low), max(top, float(low) + 1.0))


def _averaged(image: Image, block: int) -> NDArray[np.float64]:
    rows, columns = (n // block * block for n in image.shape)
    blocks = image[:rows, :columns].reshape(rows // block, block, columns // block, block)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float64)


def _mark(axes: object, fit: Fit) -> None:
    """Ellipses of one and two standard deviations."""
    for sigmas, style in ((1, "-"), (2, "--")):
        width, height = (2 * sigmas * fit.values[name] for name in ("sigma_x", "sigma_y"))
        centre = (fit.values["x0"], fit.values["y0"])
        ellipse = Ellipse(centre, width, height, fill=False, edgecolor="#ff7f00", linewidth=1.0, linestyle=style)
        axes.add_patch(ellipse)  # type: ignore[attr-defined]


def _description(fit: Fit) -> str:
    if not fit.valid:
        return f"NOT VALID: {fit.reason}"
    parts = [f"{name} = {' +- '.join(rounded(fit.values[name], fit.errors[name]))} {unit}" for name, unit in SHOWN]
    quality = f"significance {fit.significance:.1f}, deviance / ndof = {fit.deviance / fit.ndof:.3f}"
    return f"{',  '.join(parts[:3])}\n{',  '.join(parts[3:])},  {quality}"
