"""Which files of a folder are images, by their names: where nobody says it."""

from __future__ import annotations

import re

from ...io.image import image_endings

__all__ = ["image_names", "says_nothing"]

INDICES = ("timelog.csv", "all_data.csv")
"""They say when images were taken."""
OUR_FIGURES = r"(?:image|ssd|pmt)_.*_[a-z2-7]{6}_(?:fit|3d|bad_pixels|mot_number|overview|current|burst_.*)\.png$"
"""Figures that stand among the images, as `figure_name` calls them."""


def image_names() -> str:
    """Regular expression of the names of images.

    Examples
    --------
    >>> names = ("cmos_1.CSV", "beam.tiff", "timelog.csv", "notes.txt", "image_run_cmos_1_dq3xkb_fit.png")
    >>> [name for name in names if re.fullmatch(image_names(), name)]
    ['cmos_1.CSV', 'beam.tiff']
    """
    others = "|".join([*(f"{re.escape(name)}$" for name in INDICES), OUR_FIGURES])
    return f"(?i)(?!{others}).*({'|'.join(map(re.escape, image_endings()))})"


def says_nothing(name: str) -> bool:
    """Whether a file among data holds none by its name: hidden files, locks of spreadsheets, times of images, figures.

    Examples
    --------
    >>> [name for name in (".figures.json", "~$scan.xlsx", "timelog.csv", "scan.xlsx") if not says_nothing(name)]
    ['scan.xlsx']
    """
    name = name.lower()
    return name.startswith((".", "~$")) or name == INDICES[0] or re.fullmatch(OUR_FIGURES, name) is not None
