"""The analysis of a folder of images does with each what it was told."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utokyo import (
    CameraConstants,
    ImageAnalysis,
    InputError,
    StaticRecorder,
    fit_gaussian,
    fit_lifetime,
    gaussian_image,
    mean_spot,
)
from utokyo.engine.analyses.image_settings import interval_of
from utokyo.engine.command.config import read_config
from utokyo.engine.figures.image import FittedImage
from utokyo.engine.figures.names import figure_name
from utokyo.io.errors import OutputError
from utokyo.io.whole import write_whole

SHAPE = (100, 90)
SPOT = {"A": 40_000.0, "x0": 40.0, "y0": 55.0, "sigma_x": 6.0, "sigma_y": 9.0, "C": 0.0}
FIRST_NS = 1_663_503_939_000_000_000
SEED = 20220918


def light() -> np.ndarray:
    y, x = np.indices(SHAPE)
    return 25.0 + 20.0 * np.exp(-((x - 60) ** 2 + (y - 80) ** 2) / 900.0)


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in image.tolist()))


def write_series(folder: Path, amplitudes: list[float]) -> pl.DataFrame:
    """Images one second apart, as a table of paths and times."""
    random = np.random.default_rng(SEED)
    paths = []
    for k, amplitude in enumerate(amplitudes):
        image = random.poisson(gaussian_image({**SPOT, "A": amplitude}, SHAPE) + light())
        image[10, 10] = 400  # a hot pixel
        write(folder / f"cmos_{k:06d}.csv", image)
        paths.append(str(folder / f"cmos_{k:06d}.csv"))
    return pl.DataFrame({"filepath": paths, "timestamp": [FIRST_NS + k * 10**9 for k in range(len(paths))]})


def write_references(folder: Path) -> None:
    random = np.random.default_rng(SEED + 1)
    for k in range(12):
        image = random.poisson(light())
        image[10, 10] = 400
        write(folder / f"dark_{k}.csv", image)


def test_references_a_camera_and_a_series_give_the_lifetime(tmp_path):
    amplitudes = [40_000.0 * float(np.exp(-k / 8.0)) for k in range(14)]
    table = write_series(tmp_path / "images", amplitudes)
    write_references(tmp_path / "dark")
    camera = CameraConstants.read("cmos_fr_20220918")
    analysis = ImageAnalysis(
        recorder=StaticRecorder(table),
        references=tmp_path / "dark",
        mask="references",
        camera=camera,
        image_src=tmp_path / "plots",
        draw="detections",
    )
    results = analysis.run()

    assert results["detected"].all()
    assert results["s"].is_between(0.9, 1.1).all()
    row = results.row(0, named=True)
    assert row["mot_number"] == pytest.approx(camera.atom_number(row["A"]).value)
    assert row["mot_number_unc"] / row["mot_number"] == pytest.approx(row["A_unc"] / row["A"])
    assert row["power_W"] > 0.0
    fit = fit_lifetime(results["timestamp_ns"], results["mot_number"], results["mot_number_unc"])
    assert abs(fit.values["tau_s"] - 8.0) < 5 * fit.errors["tau_s"]
    drawn = {path.stem for path in analysis.figures}
    of_folder = {figure_name("image", analysis.source, what) for what in ("bad_pixels", "mot_number")}
    assert of_folder | {figure_name("image", table["filepath"][0], "fit")} <= drawn
    assert analysis.references is not None
    assert analysis.references.bad_pixels.hot[10, 10]


def test_a_broken_image_is_none_of_those_that_could_show_atoms(tmp_path):
    write_series(tmp_path / "images", [60_000.0, 60_000.0, 60_000.0])
    first = sorted((tmp_path / "images").iterdir())[0]
    first.write_text("1,2\nbroken")
    analysis = ImageAnalysis(tmp_path / "images")
    analysis.run()
    said = analysis.remarks()
    assert said[0].startswith("2 of 2 images show atoms")
    assert sum("1 x images have rows and columns" in remark for remark in said) == 1


def test_at_a_known_spot_every_image_has_a_number_of_atoms(tmp_path):
    table = write_series(tmp_path / "images", [60_000.0, 30_000.0, 20.0, 0.0])
    write_references(tmp_path / "dark")
    options = {"references": tmp_path / "dark", "mask": "references", "camera": "cmos_fr_20220918"}
    seen = ImageAnalysis(recorder=StaticRecorder(table), **options).run()
    assert seen["mot_number"].null_count() == 2
    spot = mean_spot(seen)

    analysis = ImageAnalysis(
        recorder=StaticRecorder(table), spot=spot, image_src=tmp_path / "plots", draw="detections", **options
    )
    results = analysis.run()

    assert results["fit_successful"].all()
    assert results["detected"].to_list() == [True, True, False, False]
    assert analysis.remarks()[0] == "2 of 4 images show atoms."
    for name, value in spot.items():
        assert results[name][:2].to_list() == seen[name][:2].to_list()
        assert results[name][2:].to_list() == pytest.approx([value] * 2)
        assert results[f"{name}_unc"][2:].to_list() == [0.0] * 2
    assert results["upper_limit"].is_null().to_list() == [True, True, False, False]
    numbers, errors = results["mot_number"].to_numpy(), results["mot_number_unc"].to_numpy()
    per_count = numbers[0] / results["A"][0]
    assert np.all(np.abs(numbers - per_count * np.array([60_000.0, 30_000.0, 20.0, 0.0])) < 5 * errors)
    assert len(list((tmp_path / "plots").glob("*_fit.png"))) == 2
    image = np.random.default_rng(SEED).poisson(25.0, SHAPE)
    words = FittedImage(image, fit_gaussian(image, spot=spot), "dark").description(in_short=False)
    assert f"x0 = {spot['x0']:.2f} (given) px" in words
    with pytest.raises(InputError, match="spot should hold"):
        ImageAnalysis(recorder=StaticRecorder(table), spot={"x0": 1.0})


def test_stray_light_without_a_reference_is_no_mot_and_with_it_nothing(tmp_path):
    table = write_series(tmp_path / "images", [0.0, 0.0])
    write_references(tmp_path / "dark")
    for references in (None, [tmp_path / "dark"]):
        results = ImageAnalysis(recorder=StaticRecorder(table), references=references).run()
        if references:
            assert not results["detected"].any()
            assert results["reason"].str.contains("no atoms").to_list() == [True, True]
            assert (results["upper_limit"] > 0.0).to_list() == [True, True]
            assert results["mot_number"].null_count() == 2


def test_images_of_other_times_are_passed_over(tmp_path):
    table = write_series(tmp_path / "images", [0.0] * 4)
    begin, end = datetime(2022, 9, 18, 12, 25, 40), "2022-09-18 12:25:42"
    results = ImageAnalysis(recorder=StaticRecorder(table), time_interval=(begin, end)).run()
    assert results["timestamp_ns"].to_list() == [FIRST_NS + 10**9, FIRST_NS + 2 * 10**9]
    assert ImageAnalysis(recorder=StaticRecorder(table), time_interval=(None, FIRST_NS)).run().is_empty()


def test_an_image_of_too_few_counts_is_not_fitted_and_says_so(tmp_path):
    table = write_series(tmp_path / "images", [0.0, 400_000.0])
    analysis = ImageAnalysis(recorder=StaticRecorder(table), min_signal=500_000.0)
    results = analysis.run()
    assert "min_signal" in results["reason"][0]
    assert results["signal_sum"][0] > 0.0
    assert results["A"][0] is None
    assert results["A"][1] > 0.0
    assert analysis.unreadable() == 0


def test_excel_images_are_images(tmp_path):
    pytest.importorskip("xlsxwriter")
    table = write_series(tmp_path / "csv", [40_000.0])
    image = np.loadtxt(table["filepath"][0], delimiter=",", dtype=int)
    (tmp_path / "excel").mkdir()
    pl.DataFrame(image).write_excel(tmp_path / "excel" / "ccd_1.xlsx", include_header=False)
    (excel,) = ImageAnalysis(tmp_path / "excel").run().to_dicts()
    (text,) = ImageAnalysis(tmp_path / "csv").run().to_dicts()
    assert excel["A"] == text["A"]


def test_a_hot_pixel_is_masked_by_its_neighbours_unless_it_is_not_asked_for(tmp_path):
    table = write_series(tmp_path / "images", [40_000.0])
    masked, raw = (
        ImageAnalysis(recorder=StaticRecorder(table), mask=mask, background="flat").run()["X-squared"][0]
        for mask in ("neighbours", None)
    )
    assert masked < raw - 500.0


def test_a_figure_of_every_image_shows_its_bad_pixels(tmp_path):
    table = write_series(tmp_path / "images", [40_000.0])
    analysis = ImageAnalysis(recorder=StaticRecorder(table), image_src=tmp_path / "plots")
    analysis.run()
    image = table["filepath"][0]
    assert {path.stem for path in analysis.figures} == {
        figure_name("image", image, what) for what in ("fit", "3d", "bad_pixels")
    }


def test_a_configuration_reaches_every_option(tmp_path):
    write_series(tmp_path / "images", [40_000.0])
    write_references(tmp_path / "dark")
    (tmp_path / "run.toml").write_text(
        """
        [[analyses]]
        kind = "image"
        filepath = "images"
        references = ["dark"]
        mask = "references"
        roi = [5, 85, 5, 95]
        gain = 1.0
        read_noise = 0.5
        rotated = true
        min_signal = 10
        time_interval = ["2020-01-01 00:00:00", ""]
        camera = "cmos_fr_20220918"
        """
    )
    (analysis,) = read_config(tmp_path / "run.toml").analyses
    (row,) = analysis.run().to_dicts()
    assert row["detected"], row["reason"]
    assert row["theta"] is not None
    assert row["gain"] == 1.0
    assert row["mot_number"] > 0.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mask": "hot"}, "mask should be"),
        ({"mask": "references"}, "needs references"),
        ({"roi": (1, 2)}, "roi should be"),
        ({"time_interval": ("yesterday", None)}, "should be a moment like"),
        ({"time_interval": (2, 1)}, "should end after it begins"),
        ({"time_interval": "2022"}, r"\(begin, end\)"),
        ({"camera": "polaroid"}, "no camera"),
    ],
)
def test_wrong_options_get_one_sentence(tmp_path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        ImageAnalysis(tmp_path, **options)


def test_references_that_do_not_fit_are_told_once(tmp_path):
    table = write_series(tmp_path / "images", [0.0])
    write(tmp_path / "dark" / "a.csv", np.ones((10, 10), int))
    with pytest.raises(InputError, match="or one array, not"):
        ImageAnalysis(recorder=StaticRecorder(table), references=[]).run()
    (row,) = ImageAnalysis(recorder=StaticRecorder(table), references=tmp_path / "dark").run().to_dicts()
    assert "the reference has the shape" in row["reason"]
    write(tmp_path / "dark" / "b.csv", np.ones((10, 11), int))
    with pytest.raises(InputError, match="this reference has the shape"):
        ImageAnalysis(recorder=StaticRecorder(table), references=tmp_path / "dark").run()


@given(st.integers(0, 2**62), st.integers(1, 2**40), st.integers(0, 2**62))
def test_an_interval_holds_what_lies_in_it(begin, length, moment):
    interval = interval_of((begin, begin + length))
    assert interval.holds(moment) == (begin <= moment < begin + length)
    assert not interval.holds(None)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))
def test_texts_and_datetimes_are_the_same_moment(moment):
    moment = moment.replace(microsecond=0)
    by_text = interval_of((f"{moment:%Y/%m/%d %H:%M:%S}", None))
    assert by_text == interval_of((moment, None)) == interval_of((moment.isoformat(), None))
    assert by_text.begin_ns == (moment - datetime(1970, 1, 1)) // timedelta(seconds=1) * 10**9


def test_figures_that_could_not_be_written_are_drawn_by_the_next_run(tmp_path, monkeypatch):
    write_series(tmp_path / "images", [40_000.0, 30_000.0, 0.0])
    analysis = ImageAnalysis(tmp_path / "images", image_src=tmp_path / "plots", mask=None)
    for call in range(6):  # after each of the six figures
        with monkeypatch.context() as broken:
            written = itertools.count()

            def fails(path, content, call=call, written=written):
                if next(written) == min(call, 1):
                    raise OutputError(f"{path}: no space left")
                write_whole(path, content)

            broken.setattr("utokyo.engine.figures.save.write_whole", fails)
            with pytest.raises(OutputError, match="no space"):
                analysis.run()
        # What was drawn is not drawn again.
        assert len(list((tmp_path / "plots").glob("*.png"))) == call
    analysis.run()
    assert len(analysis.figures) == 6
    assert sorted(analysis.figures) == sorted((tmp_path / "plots").glob("*.png"))


def test_images_of_runs_without_figures_are_not_drawn_later(tmp_path):
    folder = tmp_path / "images"
    write_series(folder, [40_000.0, 0.0])
    analysis = ImageAnalysis(folder, mask=None)
    analysis.run()
    analysis.image_src = tmp_path / "plots"
    write(folder / "cmos_000009.csv", np.full(SHAPE, 25))
    analysis.run()
    image = str(folder / "cmos_000009.csv")
    assert {path.stem for path in analysis.figures} == {figure_name("image", image, what) for what in ("fit", "3d")}


def test_an_analysis_does_not_keep_the_pixels_of_its_images(tmp_path):
    table = write_series(tmp_path / "images", [40_000.0, 0.0] * 20)
    tracemalloc.start()
    try:
        analysis = ImageAnalysis(recorder=StaticRecorder(table), draw="never")
        analysis.run()
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert analysis.results["detected"].sum() == 40  # spots, and where there is none, the light, which is one, too
    assert kept < 10 * 8 * SHAPE[0] * SHAPE[1]  # of 40 images
