"""Camera images: one fit, a stack of small ones and a folder, beside the peers on the same likelihood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

from utokyo import ImageAnalysis, Spot, fit_gaussian, fit_gaussian_stack, gaussian_image
from utokyo.engine.fits.images.reference import reference_of

NAMES = ("A", "x0", "y0", "sigma_x", "sigma_y", "C")
SHAPE = (263, 228)
SPOTS = {
    "spot of 8 x 12": (60_000.0, 100.0, 130.0, 8.0, 12.0, 25.0),
    "spot of 30 x 40": (1e6, 100.0, 130.0, 30.0, 40.0, 25.0),
    "no atoms": (0.0, 100.0, 130.0, 8.0, 12.0, 25.0),
}
START = np.array([50_000.0, 98.0, 133.0, 10.0, 10.0, 24.0])


def image_of(truth: tuple[float, ...], shape: tuple[int, int] = SHAPE, seed: int = 2) -> np.ndarray:
    mean = gaussian_image(dict(zip(NAMES, truth, strict=True)), shape)
    return np.random.default_rng(seed).poisson(mean).astype(float)


def model_of(cdf: Any, parameters: np.ndarray) -> np.ndarray:
    a, x0, y0, sx, sy, c = parameters
    x, y = (np.diff(cdf(np.arange(n + 1) - 0.5, m, s)) for n, m, s in ((SHAPE[1], x0, sx), (SHAPE[0], y0, sy)))
    return a * np.outer(y, x) + c


def scipy_cdf(edges: np.ndarray, mean: float, sigma: float) -> np.ndarray:
    return np.asarray(special.ndtr((edges - mean) / sigma))


def by_iminuit(image: np.ndarray) -> tuple[np.ndarray, float]:
    iminuit = pytest.importorskip("iminuit")
    norm = pytest.importorskip("numba_stats.norm")

    def half_deviance(parameters: np.ndarray) -> float:
        mean = model_of(norm.cdf, parameters)
        if not np.all(mean > 0.0):
            return np.inf
        return float(np.sum(mean - image + special.xlogy(image, image / mean)))

    minuit = iminuit.Minuit(half_deviance, START)
    minuit.errordef = 0.5
    minuit.migrad()
    minuit.hesse()
    return np.array(minuit.values), float(minuit.fval)


def by_curve_fit(image: np.ndarray) -> tuple[np.ndarray, float]:
    def curve(_: np.ndarray, *parameters: float) -> np.ndarray:
        return model_of(scipy_cdf, np.array(parameters)).ravel()

    flat = image.ravel()
    return optimize.curve_fit(curve, np.arange(flat.size), flat, START, np.sqrt(np.maximum(flat, 1.0)))[0], np.nan


def by_lmfit(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The model that lmfit ships, as a user of it fits a spot: two dimensions and a constant."""
    models = pytest.importorskip("lmfit").models
    y, x = (axis.ravel().astype(float) for axis in np.indices(SHAPE))
    model = models.Gaussian2dModel() + models.ConstantModel()
    names = ("amplitude", "centerx", "centery", "sigmax", "sigmay", "c")
    parameters = model.make_params(**dict(zip(names, START, strict=True)))
    flat = image.ravel()
    found = model.fit(flat, parameters, x=x, y=y, weights=1.0 / np.sqrt(np.maximum(flat, 1.0)))
    return np.array([found.params[name].value for name in names]), np.nan


PEERS = {"iminuit + numba_stats": by_iminuit, "scipy curve_fit": by_curve_fit, "lmfit": by_lmfit}


@pytest.mark.parametrize("spot", SPOTS)
def test_fit_of_an_image(benchmark: Any, spot: str) -> None:
    benchmark.group = "fit of an image of 263 x 228"
    image = image_of(SPOTS[spot])
    assert fit_gaussian(image).valid == (spot != "no atoms")
    benchmark(fit_gaussian, image)


@pytest.mark.parametrize("spot", ["spot of 8 x 12", "no atoms"])
@pytest.mark.parametrize("frames", [12, 0])
def test_fit_of_an_image_with_references(benchmark: Any, spot: str, frames: int) -> None:
    benchmark.group = "fit of an image of 263 x 228 with references, or light without noise"
    random = np.random.default_rng(5)
    y, x = np.indices(SHAPE)
    light = 20.0 * np.exp(-((x - 150.0) ** 2 + (y - 80.0) ** 2) / 5000.0) + 10.0
    image = image_of(SPOTS[spot]) + random.poisson(light)
    reference = reference_of(random.poisson(light, (frames, *SHAPE)) if frames else light)
    assert fit_gaussian(image, reference=reference).detected == (spot != "no atoms")
    benchmark(fit_gaussian, image, reference=reference)


def test_fit_of_a_small_image(benchmark: Any) -> None:
    """What does not depend on the number of pixels weighs most here."""
    image = image_of((5000.0, 30.0, 28.0, 3.0, 4.0, 2.0), (60, 70))
    assert fit_gaussian(image).valid
    benchmark(fit_gaussian, image)


@pytest.mark.parametrize("spot", ["spot of 8 x 12", "no atoms"])
def test_fit_at_a_known_spot(benchmark: Any, spot: str) -> None:
    benchmark.group = "A and its limit at a known spot, image of 263 x 228"
    known = Spot(*SPOTS["spot of 8 x 12"][1:5])
    image = image_of(SPOTS[spot])
    assert fit_gaussian(image, spot=known).valid
    benchmark(fit_gaussian, image, spot=known)


@pytest.mark.parametrize("peer", PEERS)
def test_fit_of_an_image_by_a_peer(benchmark: Any, peer: str) -> None:
    """Peers begin at a given start."""
    benchmark.group = "fit of an image of 263 x 228"
    image = image_of(SPOTS["spot of 8 x 12"])
    fit = fit_gaussian(image)
    values, nll = PEERS[peer](image)
    errors = np.array([fit.errors[name] for name in NAMES])
    # least squares with sqrt(n) weights is biased in C
    tolerance = 0.05 * errors if peer.startswith("iminuit") else 20.0 * errors + 1.5
    assert np.all(np.abs(values - [fit.values[name] for name in NAMES]) < tolerance)
    assert np.isnan(nll) or fit.nll < nll + 1e-6
    benchmark.pedantic(PEERS[peer], args=(image,), rounds=3)


@pytest.fixture(scope="module")
def stack() -> np.ndarray:
    random = np.random.default_rng(4)
    images = []
    for k in range(20_000):
        truth = (10 ** random.uniform(3, 4), *random.uniform(6, 8, 2), *random.uniform(1, 2, 2), random.uniform(1, 20))
        images.append(image_of(truth, (15, 15), k))
    return np.array(images)


@pytest.mark.parametrize("threads", [1, 2])
def test_fit_of_a_stack(benchmark: Any, stack: np.ndarray, threads: int) -> None:
    benchmark.group = "20 000 spots of 15 x 15, with covariance"
    assert fit_gaussian_stack(stack).valid.mean() > 0.999
    benchmark.extra_info["fits"] = len(stack)
    benchmark.pedantic(lambda: fit_gaussian_stack(stack, threads=threads), rounds=5)


def test_fit_of_a_stack_by_picasso(benchmark: Any, stack: np.ndarray) -> None:
    benchmark.group = "20 000 spots of 15 x 15, with covariance"
    gaussmle = pytest.importorskip("picasso.gaussmle", exc_type=ImportError)
    part = stack[:1000].astype(np.float32)
    gaussmle.gaussmle(part[:10], 1e-3, 50)
    benchmark.extra_info["fits"] = len(part)
    benchmark.pedantic(lambda: gaussmle.gaussmle(part, 1e-3, 50), rounds=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for k in range(2000 if request.config.getoption("--sizes") == "large" else 500):  # one in ten with atoms
        image = image_of(SPOTS["spot of 8 x 12" if k % 10 == 0 else "no atoms"], seed=k).astype(int)
        lines = (",".join(map(str, row)) for row in image.tolist())
        (folder / f"cmos_{k:06d}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("mask", ["neighbours", None])
def test_folder_of_images(benchmark: Any, folder: Path, mask: Any) -> None:
    benchmark.group = "a folder of images of 263 x 228, read and fitted, figures off"
    found = ImageAnalysis(folder, draw="never", mask=mask).run()
    false_alarms = found["detected"].sum() - found.height // 10
    assert 0 <= false_alarms <= 8  # one in a thousand is allowed: of 1800 images, nine are one in ten thousand runs
    benchmark.extra_info |= {"images": found.height, "false alarms": int(false_alarms)}
    benchmark.pedantic(lambda: ImageAnalysis(folder, draw="never", mask=mask).run(), rounds=3)


def test_figures_of_images(benchmark: Any, folder: Path, tmp_path: Path) -> None:
    benchmark.group = "figures of one image in ten of a folder, which is read and fitted"

    def run() -> int:
        analysis = ImageAnalysis(folder, image_src=tmp_path, draw="detections")
        analysis.run()
        return len(analysis.figures)

    images = len(list(folder.glob("*.csv")))
    assert images // 5 <= run() <= images // 5 + 16
    benchmark.pedantic(run, rounds=1)
