"""Pictures of cameras (PNG, TIFF, BMP, PGM) as matrices of their counts.

Pillow decodes all but PGM, whose counts it stretches to 8 or 16 bits. A picture is measured by its header before
anything is decoded. What is no matrix of counts is refused in one sentence, for a number that was made up would be
fitted as well as any: false colours, transparency, fewer than 8 bits, several pictures in one file.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["PICTURE_ENDINGS", "is_picture", "picture_of"]

MOST_PIXELS = 1 << 25
"""Of a picture, before it is decoded: cameras have up to 26 million, and as many doubles are 256 MB."""
MOST_PAGES = 64
"""Pages of a TIFF that are looked at: the first may have small copies behind it."""

PICTURE_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".pgm")
PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
NETPBM = re.compile(rb"P([1-6])\s+(?:#[^\n]*\n\s*)*(\d+)\s+(?:#[^\n]*\n\s*)*(\d+)\s")
MAXIMUM = re.compile(rb"(?:#[^\n]*\n\s*|\s)*(\d+)\s")
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""Sizes of the second header of a BMP: the first has but two letters."""
COLOURS, TRANSPARENT = (2, 6), (4, 6)
"""Of a PNG."""
REDUCED, BITS, SAMPLE_FORMAT = 254, 258, 339
"""Tags of a TIFF."""

Image = NDArray[np.int64] | NDArray[np.float64]


def is_picture(head: bytes) -> bool:
    r"""Whether a file that begins so is a picture, also one that is refused.

    Examples
    --------
    >>> from utokyo.io.images.picture import is_picture
    >>> is_picture(b"P5\n640 480\n4095\n"), is_picture(b"P5,time\n1,2\n")
    (True, False)
    """
    return _format_of(head) is not None


def picture_of(path: Path, content: bytes) -> Image:
    """Read the counts of a picture.

    Parameters
    ----------
    path : path
        For messages.
    content : bytes
        Of the file, of which `is_picture` is true.

    Returns
    -------
    int64, or float64 of a TIFF of floats; shape (rows, columns)

    Raises
    ------
    InputError
        When it is cut or damaged, too large, or no matrix of counts.

    Examples
    --------
    >>> from pathlib import Path
    >>> from utokyo.io.images.picture import picture_of
    >>> picture_of(Path("beam.pgm"), bytes([*b"P5 3 2 4095 ", 0, 1, 0, 2, 0, 3, 1, 0, 1, 1, 1, 2]))
    array([[  1,   2,   3],
           [256, 257, 258]])
    """
    called = _format_of(content[: 1 << 16])
    if called in {"JPEG", "GIF"}:
        raise InputError(f"{path}: a {called} picture has lost counts; let the camera write PNG or TIFF")
    try:
        pixels = _netpbm(path, content) if called == "PGM" else _decoded(path, content, str(called))
    except InputError:
        raise
    except Exception as error:  # whatever a decoder raises of bytes that are not as they should be
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: this {called} picture is not whole yet, or damaged ({reason}); it is read again once it changes"
        ) from error
    return _counts_of(path, pixels)


def _format_of(head: bytes) -> str | None:
    if head.startswith(PNG):
        return "PNG"
    if head.startswith(TIFF):
        return "TIFF"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if NETPBM.match(head):
        return "PGM"
    return "JPEG" if head.startswith(JPEG) else "GIF" if head.startswith(GIF) else None


def _measure(path: Path, width: int, height: int) -> None:
    """Refuse a picture that is larger than an image can be."""
    if width * height > MOST_PIXELS:
        raise InputError(f"{path}: {width} x {height} pixels, more than the {MOST_PIXELS} of the largest image")


def _refuse_bits(path: Path, bits: int) -> None:
    raise InputError(f"{path}: {bits} bit{'s' * (bits != 1)} a pixel; an image has 8 or more")


def _decoded(path: Path, content: bytes, called: str) -> NDArray[Any]:
    """The pixels as Pillow decodes them: (rows, columns), or (rows, columns, channels)."""
    # Its own classes, not `Image.open`: nothing but these formats is decoded, and our limit is the one that counts.
    from PIL import BmpImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: PLC0415 (few images are pictures)

    picture: Any
    if called == "PNG":
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        _measure(path, width, height)
        bits, colours = content[24], content[25]
        if bits < 8:
            _refuse_bits(path, bits)
        if bits == 16 and colours in COLOURS + TRANSPARENT:
            raise InputError(f"{path}: a picture of 16 bits with channels of colour or transparency; save it in grey")
        picture = PngImagePlugin.PngImageFile(io.BytesIO(content))
    elif called == "BMP":
        picture = BmpImagePlugin.BmpImageFile(io.BytesIO(content))
        bits = int.from_bytes(content[28:30], "little")
        if bits < 8 and content[14] > 12:
            _refuse_bits(path, bits)
    else:
        picture = TiffImagePlugin.TiffImageFile(io.BytesIO(content))
    _measure(path, *picture.size)
    if called == "TIFF":
        return _of_tiff(path, picture)
    if getattr(picture, "n_frames", 1) > 1:
        raise InputError(f"{path}: several pictures in one file; save each as a file of its own")
    return _pixels(path, picture)


def _of_tiff(path: Path, picture: Any) -> NDArray[Any]:
    """The one page of a TIFF that is no small copy of another."""
    pages = [k for k in range(MOST_PAGES) if _has_page(picture, k) and not picture.tag_v2.get(REDUCED, 0) & 1]
    if len(pages) > 1:
        more = " or more" * (len(pages) == MOST_PAGES)
        raise InputError(f"{path}: {len(pages)}{more} pictures in one TIFF; save each as a file of its own")
    picture.seek(pages[0] if pages else 0)
    _measure(path, *picture.size)
    bits, signs = picture.tag_v2.get(BITS, (1,)), picture.tag_v2.get(SAMPLE_FORMAT, (1,))
    bits, signs = (value if isinstance(value, tuple) else (value,) for value in (bits, signs))
    if bits[0] < 8:
        _refuse_bits(path, bits[0])
    if bits[0] > 8 and len(bits) > 1:
        raise InputError(f"{path}: a picture of {bits[0]} bits with channels of colour; save it in grey")
    pixels = _pixels(path, picture)
    # Pillow has no type for whole numbers of 32 bits without a sign.
    return pixels.view(np.uint32) if bits[0] == 32 and signs[0] == 1 and pixels.dtype == np.int32 else pixels


def _has_page(picture: Any, page: int) -> bool:
    try:
        picture.seek(page)
    except EOFError:
        return False
    return True


def _pixels(path: Path, picture: Any) -> NDArray[Any]:
    if picture.mode == "1":
        _refuse_bits(path, 1)
    if picture.mode == "P":  # numbers of colours, which may be greys
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    picture.load()
    return np.asarray(picture)


def _netpbm(path: Path, content: bytes) -> NDArray[Any]:
    """The pixels of a PGM or PPM, as numbers or as bytes, up to the largest count that it names."""
    found = NETPBM.match(content)
    assert found is not None
    kind, width, height = (int(number) for number in found.groups())
    _measure(path, width, height)
    if kind in {1, 4}:
        _refuse_bits(path, 1)
    largest = MAXIMUM.match(content, found.end() - 1)
    if largest is None or not 0 < int(largest[1]) < 1 << 16:
        raise ValueError("no largest count")
    shape = (height, width, 3) if kind in {3, 6} else (height, width)
    size = int(np.prod(shape))
    if kind in {2, 3}:
        text = re.sub(rb"#[^\n]*", b"", content[largest.end() :]).split()
        pixels = np.array(text[:size]).astype(np.int64)
    else:
        dtype = np.dtype(np.uint8 if int(largest[1]) < 256 else ">u2")
        if NETPBM.match(content, largest.end() + size * dtype.itemsize):
            raise InputError(f"{path}: several pictures in one file; save each as a file of its own")
        there = (len(content) - largest.end()) // dtype.itemsize
        pixels = np.frombuffer(content, dtype, min(size, there), largest.end())
    if pixels.size < size:
        raise ValueError(f"{pixels.size} of {size} pixels are there")
    return pixels.reshape(shape)


def _counts_of(path: Path, pixels: NDArray[Any]) -> Image:
    """One count a pixel: a grey picture that was saved in colours has it three times."""
    if pixels.ndim == 3:
        channels = pixels.shape[2]
        if channels in {2, 4}:
            if not np.all(pixels[..., -1] == 255):
                raise InputError(f"{path}: a picture with transparent pixels, which are no counts; save it in grey")
            pixels = pixels[..., :-1]
        grey = pixels[..., 0]
        if channels > 4 or not np.all(pixels == grey[..., None]):
            raise InputError(
                f"{path}: a picture in colours: whether they are those of a camera or a scale of false colours cannot "
                "be known; save it in grey"
            )
        pixels = grey
    if pixels.ndim != 2:
        raise InputError(f"{path}: no matrix of counts but an array of the shape {pixels.shape}")
    if pixels.dtype.kind in "iu":
        return pixels.astype(np.int64)
    if not np.all(np.isfinite(pixels)):
        raise InputError(f"{path}: no image, which holds finite numbers only")
    return pixels.astype(np.float64)
