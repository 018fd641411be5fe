"""Pictures of cameras are images with the counts that they hold; what is no matrix of counts is refused."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from utokyo import ImageAnalysis, ImageRecorder, gaussian_image, open_recorder
from utokyo.engine.command.config import read_config
from utokyo.io.errors import InputError
from utokyo.io.image import is_image, read_image

SPOT = {"A": 30_000.0, "x0": 24.0, "y0": 19.0, "sigma_x": 5.0, "sigma_y": 4.0, "C": 20.0}
EIGHT = np.random.default_rng(1).integers(0, 256, (6, 9)).astype(np.uint8)
SIXTEEN = np.random.default_rng(2).integers(0, 65536, (6, 9)).astype(np.uint16)


def saved(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def pgm(path, pixels, largest, kind=5):
    if kind == 5:
        body = pixels.astype(">u2" if largest > 255 else np.uint8).tobytes()
    else:
        body = "\n".join(" ".join(map(str, row)) for row in pixels.tolist()).encode() + b"\n"
    path.write_bytes(b"P%d\n# a camera\n%d %d\n%d\n" % (kind, pixels.shape[1], pixels.shape[0], largest) + body)
    return path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ending=st.sampled_from([".png", ".tif", ".TIFF", ".bmp", ".pgm"]),
    pixels=st.sampled_from([np.uint8, np.uint16]).flatmap(
        lambda dtype: arrays(dtype, st.tuples(st.integers(1, 9), st.integers(1, 9)))
    ),
)
def test_the_counts_of_a_picture_are_those_that_were_saved(tmp_path, ending, pixels):
    if ending == ".bmp":
        pixels = pixels.astype(np.uint8)
    path = tmp_path / f"beam{ending}"
    if ending == ".pgm" and pixels.dtype == np.uint16:  # which old releases of Pillow do not save
        pgm(path, pixels, 65535)
    else:
        saved(path, pixels)
    read = read_image(path)
    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, pixels)
    assert type(open_recorder(path)) is ImageRecorder
    np.testing.assert_array_equal(ImageRecorder(path).get_data().to_numpy(), pixels)


@pytest.mark.parametrize("kind", [2, 5])
@pytest.mark.parametrize("largest", [100, 255, 1023, 4095, 65535])
def test_counts_of_a_pgm_are_not_stretched_to_the_largest(tmp_path, kind, largest):
    pixels = SIXTEEN.astype(np.int64) % (largest + 1)
    np.testing.assert_array_equal(read_image(pgm(tmp_path / "beam.pgm", pixels, largest, kind)), pixels)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiffs_may_be_compressed(tmp_path, compression):
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.tif", SIXTEEN, compression=compression)), SIXTEEN)


def test_floats_and_signs_of_a_tiff_stay(tmp_path):
    floats = (SIXTEEN - 1000.5).astype(np.float32)
    read = read_image(saved(tmp_path / "a.tif", floats))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, floats)
    np.testing.assert_array_equal(read_image(saved(tmp_path / "b.tif", SIXTEEN.astype(np.int32) - 7)), SIXTEEN - 7.0)
    floats[2, 3] = np.nan
    with pytest.raises(InputError, match="finite numbers only"):
        read_image(saved(tmp_path / "c.tif", floats))


def test_whole_numbers_of_32_bits_without_a_sign_stay_positive(tmp_path):
    pixels = SIXTEEN.astype(np.uint32) * 65_000
    content = saved(tmp_path / "a.tif", pixels.view(np.int32)).read_bytes()
    signed, unsigned = (struct.pack("<HHIHH", 339, 3, 1, kind, 0) for kind in (2, 1))
    assert content.count(signed) == 1
    (tmp_path / "a.tif").write_bytes(content.replace(signed, unsigned))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), pixels)


def test_grey_that_was_saved_in_colours_is_grey(tmp_path):
    colours = np.repeat(EIGHT[..., None], 3, axis=2)
    for ending in (".png", ".bmp", ".tif"):
        np.testing.assert_array_equal(read_image(saved(tmp_path / f"rgb{ending}", colours)), EIGHT)
    opaque = np.dstack([colours, np.full(EIGHT.shape, 255, np.uint8)])
    np.testing.assert_array_equal(read_image(saved(tmp_path / "rgba.png", opaque)), EIGHT)
    Image.fromarray(EIGHT).convert("P").save(tmp_path / "palette.png")
    np.testing.assert_array_equal(read_image(tmp_path / "palette.png"), EIGHT)


def refused(name, folder):
    """A picture that is no matrix of counts."""
    path = folder / name
    colours = np.dstack([EIGHT, EIGHT // 2, EIGHT])
    if name == "colours.png":
        return saved(path, colours)
    if name == "palette.bmp":
        Image.fromarray(colours).quantize(16).save(path)
    if name == "clear.png":
        saved(path, np.dstack([colours[..., :1].repeat(3, axis=2), EIGHT]))
    if name == "pages.tif":
        saved(path, SIXTEEN, save_all=True, append_images=[Image.fromarray(SIXTEEN)])
    if name == "two.pgm":
        pgm(path, EIGHT, 255)
        path.write_bytes(2 * path.read_bytes())
    if name in {"bits.png", "bits.tif"}:
        Image.fromarray(EIGHT > 99).save(path)
    if name == "bits.pgm":
        path.write_bytes(b"P4 8 2 \1\2")
    if name == "lossy.jpg":
        saved(path, EIGHT)
    if name == "deep.png":
        raw = b"".join(b"\0" + bytes(6) for _ in range(2))
        path.write_bytes(png(1, 2, 16, 2, raw))
    if name == "none.png":
        path.write_bytes(b"1,2\n3,4\n")
    return path


def png(width, height, bits, colours, raw):
    """A PNG of any header."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("colours.png", "a picture in colours: .* save it in grey"),
        ("palette.bmp", "a picture in colours"),
        ("clear.png", "transparent pixels"),
        ("pages.tif", "2 pictures in one TIFF; save each as a file of its own"),
        ("two.pgm", "several pictures in one file"),
        ("bits.png", "1 bit a pixel"),
        ("bits.tif", "1 bit a pixel"),
        ("bits.pgm", "1 bit a pixel"),
        ("lossy.jpg", "a JPEG picture has lost counts"),
        ("deep.png", "16 bits with channels of colour"),
        ("none.png", "this is no picture of PNG, TIFF, BMP or PGM, or its beginning is not written yet"),
    ],
)
def test_what_is_no_matrix_of_counts_is_refused_in_one_sentence(tmp_path, name, sentence):
    with pytest.raises(InputError, match=sentence) as told:
        read_image(refused(name, tmp_path))
    assert "\n" not in str(told.value)


def test_a_picture_is_measured_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(60_000, 60_000, 8, 0, b""))
    with pytest.raises(InputError, match="60000 x 60000 pixels, more than the 33554432 of the largest image"):
        read_image(path)
    path = tmp_path / "bomb.pgm"
    path.write_bytes(b"P5 60000 60000 255\n")
    with pytest.raises(InputError, match="60000 x 60000 pixels"):
        read_image(path)
    content = bytearray(saved(tmp_path / "bomb.tif", EIGHT).read_bytes())
    for tag in (256, 257):
        place = content.index(struct.pack("<HHI", tag, 4, 1))
        content[place + 8 : place + 12] = struct.pack("<I", 60_000)
    (tmp_path / "bomb.tif").write_bytes(content)
    with pytest.raises(InputError, match="60000 x 60000 pixels"):
        read_image(tmp_path / "bomb.tif")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.pgm"])
def test_any_part_of_a_picture_is_not_whole_yet(tmp_path, name):
    content = saved(tmp_path / name, EIGHT).read_bytes()
    whole = 0
    for size in range(len(content)):
        (tmp_path / name).write_bytes(content[:size])
        try:
            np.testing.assert_array_equal(read_image(tmp_path / name), EIGHT)
            whole += 1
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 (a part may be all but the mark of its end)
    assert whole <= 160  # bytes behind the pixels: tags of a TIFF, the end of a PNG


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".pgm"])
def test_a_folder_of_pictures_is_fitted_and_a_part_of_one_is_tried_again(tmp_path, ending):
    random = np.random.default_rng(4)
    pixels = random.poisson(gaussian_image(SPOT, (40, 50))).clip(0, 255).astype(np.uint8)
    saved(tmp_path / f"one{ending}", pixels)
    content = (tmp_path / f"one{ending}").read_bytes()
    late = tmp_path / f"two{ending}"
    late.write_bytes(content[: len(content) // 2])
    analysis = ImageAnalysis(tmp_path)
    rows = {row["filename"]: row for row in analysis.run().to_dicts()}
    assert rows[f"one{ending}"]["fit_successful"], rows[f"one{ending}"]["reason"]
    assert abs(rows[f"one{ending}"]["x0"] - SPOT["x0"]) < 0.2
    assert not rows[late.name]["fit_successful"]
    assert analysis.unreadable() == 1
    # Windows gives a copy its whole size first.
    late.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    os.utime(late, ns=(1, 1))
    analysis.run()
    late.write_bytes(content)
    os.utime(late, ns=(2_000_000_000, 2_000_000_000))
    rows = {row["filename"]: row for row in analysis.run().to_dicts()}
    assert rows[late.name]["fit_successful"]
    assert rows[late.name]["A"] == rows[f"one{ending}"]["A"]
    assert analysis.unreadable() == 0


def test_pictures_are_images_in_toml_and_as_references(tmp_path):
    random = np.random.default_rng(5)
    (tmp_path / "dark").mkdir()
    dark = {**SPOT, "A": 0.0}
    for k in range(3):
        saved(tmp_path / "dark" / f"{k}.png", random.poisson(gaussian_image(dark, (40, 50))).astype(np.uint8))
    saved(tmp_path / "beam.tif", random.poisson(gaussian_image(SPOT, (40, 50))).astype(np.uint16))
    config = tmp_path / "run.toml"
    config.write_text('[[analyses]]\nkind = "image"\nfilepath = "beam.tif"\nreferences = "dark"\n')
    (row,) = read_config(config).analyses[0].run().to_dicts()
    assert row["fit_successful"], row["reason"]
    assert row["s"] is not None


def test_figures_of_ours_are_no_images_of_the_next_cycle(tmp_path):
    pixels = np.random.default_rng(4).poisson(gaussian_image(SPOT, (40, 50))).clip(0, 255).astype(np.uint8)
    saved(tmp_path / "beam.png", pixels)
    analysis = ImageAnalysis(tmp_path, image_src=tmp_path)
    analysis.run()
    assert len(analysis.figures) >= 2
    assert analysis.run()["filename"].to_list() == ["beam.png"]


def test_real_pictures_of_beams_are_read_as_pillow_shows_them(real_files):
    folder = real_files / "beams"
    if not folder.is_dir():
        pytest.skip("the pictures of beams are not here")
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in {".pgm", ".png"}]
    assert len(paths) == 9
    for path in paths:
        with Image.open(path) as picture:
            np.testing.assert_array_equal(read_image(path), np.asarray(picture))


def test_what_begins_like_a_picture_and_is_none():
    assert not is_image(b"BMI,height\n1,2\n")
    assert not is_image(b"P5,P6\n1,2\n")
    assert is_image(b"GIF89a")
