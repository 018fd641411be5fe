"""Write figures to files; after a failure there is no partly written file."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ...io.errors import OutputError
from ...io.png import png_bytes
from ...io.progress import progress
from ...io.whole import write_whole
from .drawing import Drawing, Sheets
from .manifest import Digests, Manifest
from .sheet import DOTS_PER_INCH, Sheet

__all__ = ["encoder_of", "save_drawings", "save_figure"]

# Matplotlib's fonts and mathematics are shared by all figures: one is rendered at a time (it holds the GIL anyway).
_painting = threading.Lock()


def save_figure(figure: Figure | Sheet, path: Path) -> None:
    """Write a figure to a file; after a failure there is no partly written file.

    Parameters
    ----------
    figure : Figure or Sheet
    path : path
        The ending is the format, one of those that matplotlib writes.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    _write(encoder_of(figure, path), path)


def save_drawings(drawings: Iterable[Drawing], folder: Path, extension: str, sheets: Sheets) -> list[Path]:
    """Draw figures and write their files, but those that are there already, drawn from the same.

    Parameters
    ----------
    drawings : iterable of Drawing
    folder : path
        Folder for the files; it is made when it does not exist.
    extension : str
        Ending of the files: ``.png``, for example.
    sheets : mapping
        The sheets that are kept from one call to the next.

    Returns
    -------
    list of path
        The files, in order, with those that were there.

    Raises
    ------
    OutputError
        When a file cannot be written; the figures before it have been written.
    """
    wanted, paths = list(drawings), list[Path]()
    manifest, digests = Manifest(folder), Digests()
    written: Future[None] | None = None
    # A picture of a sheet is encoded and written while the next one is painted; at most one waits. Other figures are
    # written before the next one is drawn, so that their memory is free again.
    with (
        _noted(manifest),
        progress(f"painting {len(wanted)} figure{'s' * (len(wanted) != 1)} into {folder.name}") as task,
        ThreadPoolExecutor(1, thread_name_prefix="figures") as writer,
    ):
        for drawing in wanted:
            path = folder / f"{drawing.name}{extension}"
            paths.append(path)
            digest = digests.of(drawing)
            if manifest.has(path, digest):
                continue
            figure = drawing.on_sheet(sheets)
            encode = encoder_of(figure, path)
            if written is not None:
                written.result()
                written = None
            if isinstance(figure, Sheet):
                written = writer.submit(_write_noted, encode, path, manifest, digest)
            else:
                _write_noted(encode, path, manifest, digest)
            task.update(len(paths) / len(wanted))
        if written is not None:
            written.result()
    return paths


@contextmanager
def _noted(manifest: Manifest) -> Iterator[None]:
    """Write down what was drawn, also where a figure could not be."""
    try:
        yield
    except BaseException:
        with suppress(OutputError):  # what could not be drawn is told
            manifest.write()
        raise
    manifest.write()


def encoder_of(figure: Figure | Sheet, path: Path) -> Callable[[], bytes]:
    """Paint a figure, and return a function that encodes it as the content of a file, in any thread."""
    extension = path.suffix[1:].lower()
    with _painting:
        if isinstance(figure, Sheet):
            if extension == "png":
                return partial(png_bytes, figure.pixels(), DOTS_PER_INCH)
            figure = figure.figure
        target = io.BytesIO()
        # Strong compression takes longer than drawing, and saves a tenth of the bytes.
        options: dict[str, Any] = {"pil_kwargs": {"compress_level": 1}} if extension == "png" else {}
        figure.savefig(target, format=extension, dpi=DOTS_PER_INCH, **options)
        return target.getvalue


def _write(encode: Callable[[], bytes], path: Path) -> None:
    write_whole(path, encode())


def _write_noted(encode: Callable[[], bytes], path: Path, manifest: Manifest, digest: str) -> None:
    _write(encode, path)
    manifest.note(path, digest)
