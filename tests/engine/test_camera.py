"""Atoms from counts: the numbers of the books, and whatever follows from a constant follows it."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from utokyo import ATOMS, CameraConstants, InputError, MissingFileError
from utokyo.engine.camera import SHIPPED

SETS = ("ccd", "cmos_rb_20220918", "cmos_fr_20220918", "cmos_laser_room")


def test_the_saturation_intensities_are_those_of_the_tables():
    # D. A. Steck, Rubidium 87 D Line Data: 1.669 mW/cm^2 for circular light on the cycling transition
    assert ATOMS["Rb-87"].saturation_intensity_W_per_m2 == pytest.approx(16.69, rel=1e-3)


@pytest.mark.parametrize("name", SETS)
def test_the_shipped_sets_can_be_read(name):
    camera = CameraConstants.read(name)
    assert camera.exposure_s == 50e-6
    assert camera.solid_angle_sr == pytest.approx(64 * math.pi / 65**2)
    assert ATOMS[camera.atom].wavelength_m == (718e-9 if "fr" in name else 780.241e-9)


def test_the_number_of_atoms_is_the_equation():
    camera = replace(CameraConstants.read("cmos_fr_20220918"), gain=1.5)
    gamma = 2 * math.pi * 7.57e6
    saturation = 0.056 / (math.pi * 0.0035**2) / (math.pi * constants.h * constants.c * gamma / (3 * 718e-9**3))
    rate = gamma / 2 * saturation / (1 + saturation + 4 * (10 / 7.57) ** 2)
    photons = 60_000 / 1.5 / 50e-6 / 0.46
    number = camera.atom_number(60_000.0, 600.0)
    assert number.value == pytest.approx(photons / (rate * camera.solid_angle_sr / (4 * math.pi)))
    assert number.error == pytest.approx(0.01 * number.value)
    # omega = 2 pi c / lambda is in the power, and cancels in the number
    power = camera.power(60_000.0, 600.0)
    assert power.value == pytest.approx(photons * constants.h * constants.c / 718e-9)
    assert power.value / camera.power_per_atom_W == pytest.approx(number.value)


def test_changing_a_constant_keeps_what_follows_true():
    camera = CameraConstants.read("ccd")
    farther = replace(camera, viewport_distance_cm=130.0)
    assert farther.solid_angle_sr == pytest.approx(camera.solid_angle_sr / 4)
    assert farther.atom_number(1000.0).value == pytest.approx(4 * camera.atom_number(1000.0).value)
    assert replace(camera, atom="Fr").saturation != camera.saturation


def test_errors_of_constants_are_propagated():
    camera = replace(CameraConstants.read("ccd"), uncertainties={"quantum_efficiency": 0.05, "gain": 0.1})
    number = camera.atom_number(10_000.0, 300.0)
    assert number.error / number.value == pytest.approx(math.hypot(0.1, 0.1, 0.03), rel=1e-6)
    power = camera.power(0.0, 300.0)
    assert power.value == 0.0
    assert power.error >= 0.0


@given(st.floats(0.1, 1e3), st.floats(0.0, 1e3))
def test_an_atom_never_scatters_more_than_half_its_decay_rate(power_mW, detuning_MHz):
    camera = replace(CameraConstants.read("ccd"), power_x_mW=power_mW, detuning_MHz=detuning_MHz)
    assert 0.0 < camera.scattering_rate_Hz < camera.transition.decay_rate_Hz / 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("", "a constant is missing"),
        ("colour = 3", "unknown constant 'colour'"),
        ('atom = "Cs"', "atom should be one of"),
        ("roi_x = [1]", "roi_x should be two whole numbers"),
        ("= 3", "no TOML file"),
    ],
)
def test_a_wrong_file_gets_one_sentence(tmp_path, change, sentence):
    path = tmp_path / "cameras.toml"
    text = SHIPPED.read_text()
    text = text.replace("exposure_s = 50e-6\n", "") if not change else text
    if change.startswith("atom"):
        text = text.replace('atom = "Rb-87"', change)
    elif change.startswith("roi_x"):
        text = text.replace("roi_x = [480, 560]", change)
    else:
        text = text.replace("[ccd]\n", f"[ccd]\n{change}\n")
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        CameraConstants.read("ccd", path)


def test_a_set_or_a_file_that_is_not_there_is_told():
    with pytest.raises(InputError, match=r"no camera \[polaroid\]; there are: ccd"):
        CameraConstants.read("polaroid")
    with pytest.raises(MissingFileError):
        CameraConstants.read("ccd", "nowhere.toml")
    with pytest.raises(InputError, match="exposure_s should be positive"):
        replace(CameraConstants.read("ccd"), exposure_s=-1.0)
    with pytest.raises(InputError, match="uncertainties"):
        replace(CameraConstants.read("ccd"), uncertainties={"colour": 1.0})
    with pytest.raises(InputError, match="uncertainties: gain = 'a' is no error"):
        replace(CameraConstants.read("ccd"), uncertainties={"gain": "a"})
    with pytest.raises(InputError, match="uncertainties should be errors by name, not 3"):
        replace(CameraConstants.read("ccd"), uncertainties=3)


def test_constants_hash_and_are_equal_after_a_pickle():
    camera = replace(CameraConstants.read("ccd"), uncertainties={"gain": 0.1})
    assert pickle.loads(pickle.dumps(camera)) == camera
    assert hash(pickle.loads(pickle.dumps(camera))) == hash(camera)
    assert {camera: 1}[replace(camera)] == 1
    assert replace(camera, uncertainties={"gain": 0.2}) != camera
    assert replace(camera, gain=1.5) != camera


def test_constants_do_not_change_with_what_they_were_made_of():
    errors, ends = {"gain": 0.1}, [10, 20]
    camera = replace(CameraConstants.read("ccd"), uncertainties=errors, roi_x=ends)
    errors["gain"], ends[0] = 0.5, 0
    assert camera.uncertainties == {"gain": 0.1}
    assert camera.roi_x == (10, 20)
    hash(camera)
