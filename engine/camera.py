"""From counts to atoms: what must be known of camera, beams and atom, and what follows from it.

An atom in the light of the trap scatters (two levels: C. J. Foot, Atomic Physics, 2005, section 9.1)

    R_sc = Gamma/2 * s / (1 + s + 4 (delta / Gamma)^2)    with s = I / I_sat and I_sat = pi h c Gamma / (3 lambda^3)

photons a second, of which the camera sees the part Omega / (4 pi) through its viewport, so that A counts of a spot are

    N = (A / gain) / (exposure * efficiency) / (R_sc Omega / (4 pi))    atoms.

Gamma, lambda and I_sat are those of the atom that is trapped (`ATOMS`; D. A. Steck, Alkali D Line Data, for rubidium).
Whatever follows from other constants is a property: changing one keeps the others true.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from scipy import constants

from ..io.errors import InputError, MissingFileError
from ..io.paths import user_path

__all__ = ["ATOMS", "SHIPPED", "Atom", "CameraConstants", "Measured"]

SHIPPED = Path(__file__).with_name("cameras.toml")
STEP = 1e-6
"""Relative change of a constant, for the derivative by it."""


@dataclass(frozen=True)
class Atom:
    """The cycling transition of an atom: wavelength, and natural linewidth Gamma / (2 pi)."""

    wavelength_m: float
    linewidth_MHz: float

    @property
    def decay_rate_Hz(self) -> float:
        """Gamma, 1/s."""
        return 2.0 * math.pi * self.linewidth_MHz * 1e6

    @property
    def photon_energy_J(self) -> float:
        """Energy of one photon, J: h c / lambda."""
        return constants.h * constants.c / self.wavelength_m  # type: ignore[no-any-return]

    @property
    def saturation_intensity_W_per_m2(self) -> float:
        """I_sat = pi h c Gamma / (3 lambda^3), W/m^2, for circular light on the cycling transition."""
        return math.pi * constants.h * constants.c * self.decay_rate_Hz / (3.0 * self.wavelength_m**3)  # type: ignore[no-any-return]


ATOMS: Mapping[str, Atom] = {
    "Rb-87": Atom(wavelength_m=780.241e-9, linewidth_MHz=6.067),
    "Fr": Atom(wavelength_m=718e-9, linewidth_MHz=7.57),
}


class Measured(NamedTuple):
    """A number and its standard error.

    Examples
    --------
    >>> value, error = Measured(1200.0, 35.0)
    >>> round(error / value, 3)
    0.029
    """

    value: float
    error: float


@dataclass(frozen=True)
class CameraConstants:
    """What must be known to turn counts into atoms.

    Parameters
    ----------
    atom : str
        One of `ATOMS`.
    cell_size_m : float
        Side of a pixel on the sensor, m.
    exposure_s : float
        Time over which one image collects light, s.
    quantum_efficiency : float
        Electrons per photon that reaches the sensor.
    power_x_mW, power_y_mW, power_z_mW : float
        Powers of the three beams of the trap, mW.
    detuning_MHz : float
        Detuning of the beams from the resonance, MHz; its sign does not matter.
    beam_diameter_cm : float
        Diameter of each beam, cm.
    roi_x, roi_y : (int, int)
        Region of interest on the sensor, pixels, the upper ends excluded.
    gain : float
        Counts per electron.
    magnification : float
        Size of the image over that of the trap.
    beam_passes : int
        How often each beam goes through the trap: 2 when it is sent back.
    viewport_area_cm2, viewport_distance_cm : float
        What light the camera sees: the area of the opening, cm^2, and its distance from the trap, cm.
    uncertainties : mapping of str to float
        Standard errors of constants by their names; those of counts are added to them.

    Raises
    ------
    InputError
        When the atom is unknown, or a constant is not positive.

    Examples
    --------
    >>> camera = CameraConstants.read("cmos_fr_20220918")
    >>> camera.atom, camera.roi
    ('Fr', (175, 232, 233, 290))
    >>> atoms = camera.atom_number(counts=50_000.0, error=900.0)
    >>> round(atoms.value), round(atoms.error)
    (27677, 498)
    """

    atom: str
    cell_size_m: float
    exposure_s: float
    quantum_efficiency: float
    power_x_mW: float
    power_y_mW: float
    power_z_mW: float
    detuning_MHz: float
    beam_diameter_cm: float
    roi_x: tuple[int, int] = (0, 0)
    roi_y: tuple[int, int] = (0, 0)
    gain: float = 1.0
    magnification: float = 1.0
    beam_passes: int = 1
    viewport_area_cm2: float = 8.0**2 * math.pi
    viewport_distance_cm: float = 65.0
    uncertainties: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.atom not in ATOMS:
            raise InputError(f"atom should be one of {', '.join(ATOMS)}, not {self.atom!r}")
        numbers = _numbers()
        for name in numbers:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f"{name} should be a number, not {value!r}")
            if not value > 0.0 and name != "detuning_MHz" and not (name.startswith("power") and value == 0.0):
                raise InputError(f"{name} should be positive, not {value!r}")
        for name in ("roi_x", "roi_y"):
            ends = getattr(self, name)
            if not (isinstance(ends, Sequence) and len(ends) == 2 and all(map(_is_whole, ends))):
                raise InputError(f"{name} should be two whole numbers, not {ends!r}")
            object.__setattr__(self, name, (int(ends[0]), int(ends[1])))
        if not isinstance(self.uncertainties, Mapping):
            raise InputError(f"uncertainties should be errors by name, not {self.uncertainties!r}")
        for name, error in self.uncertainties.items():
            if name not in numbers or not isinstance(error, (int, float)) or not error >= 0.0:
                raise InputError(f"uncertainties: {name} = {error!r} is no error of one of {', '.join(numbers)}")
        object.__setattr__(self, "uncertainties", dict(self.uncertainties))  # the caller may change his own

    @classmethod
    def read(cls, name: str, path: str | Path = SHIPPED) -> CameraConstants:
        """Read a set from a TOML file.

        Parameters
        ----------
        name : str
            Name of the table: ``ccd``, ``cmos_rb_20220918``, ``cmos_fr_20220918`` or ``cmos_laser_room`` are shipped.
        path : path
            The file; by default the one with the cameras that are shipped.

        Raises
        ------
        MissingFileError, InputError
            With one sentence, when the file, the set or a constant is missing or wrong.
        """
        path = user_path(path)
        try:
            sets = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise MissingFileError(f"{path}: no such file") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path}: this is no TOML file: {error}") from None
        where = path.name if path == SHIPPED else str(path)
        if not isinstance(sets.get(name), dict):
            raise InputError(f"{where}: no camera [{name}]; there are: {', '.join(sets) or 'none'}")
        return cls._from_table(sets[name], f"{where}, [{name}]")

    @classmethod
    def _from_table(cls, table: Mapping[str, Any], where: str) -> CameraConstants:
        known = [constant.name for constant in fields(cls)]
        for key in table:
            if key not in known:
                raise InputError(f"{where}: unknown constant {key!r}; known are {', '.join(known)}")
        try:
            return cls(**table)
        except TypeError as error:
            raise InputError(f"{where}: a constant is missing ({str(error).split(': ')[-1]})") from None
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    @property
    def transition(self) -> Atom:
        """The transition of the atom that is trapped."""
        return ATOMS[self.atom]

    @property
    def roi(self) -> tuple[int, int, int, int]:
        """(x_low, x_high, y_low, y_high), as `fit_gaussian` takes it."""
        return (*self.roi_x, *self.roi_y)

    @property
    def pixel_size_m(self) -> float:
        """Side of a pixel at the trap, m."""
        return self.cell_size_m / self.magnification

    @property
    def intensity_W_per_m2(self) -> float:
        """Intensity of all beams at the trap, W/m^2: their powers over the area of one beam."""
        power_W = (self.power_x_mW + self.power_y_mW + self.power_z_mW) * 1e-3 * self.beam_passes
        return power_W / (math.pi * (self.beam_diameter_cm * 1e-2 / 2.0) ** 2)

    @property
    def saturation(self) -> float:
        """The saturation parameter s = I / I_sat."""
        return self.intensity_W_per_m2 / self.transition.saturation_intensity_W_per_m2

    @property
    def scattering_rate_Hz(self) -> float:
        """R_sc: photons a second that one atom scatters."""
        s = self.saturation
        detuned = 4.0 * (self.detuning_MHz / self.transition.linewidth_MHz) ** 2
        return self.transition.decay_rate_Hz / 2.0 * s / (1.0 + s + detuned)

    @property
    def solid_angle_sr(self) -> float:
        """Omega of the viewport, sr: its area over the square of its distance."""
        return self.viewport_area_cm2 / self.viewport_distance_cm**2

    @property
    def counts_per_atom(self) -> float:
        """Counts of one atom in one image."""
        seen = self.scattering_rate_Hz * self.solid_angle_sr / (4.0 * math.pi)
        return seen * self.exposure_s * self.quantum_efficiency * self.gain

    @property
    def power_per_atom_W(self) -> float:
        """Power of the light of one atom that reaches the camera, W: R_sc h c / lambda Omega / (4 pi)."""
        return self.scattering_rate_Hz * self.transition.photon_energy_J * self.solid_angle_sr / (4.0 * math.pi)

    def atom_number(self, counts: float, error: float = 0.0) -> Measured:
        """How many atoms these counts are.

        Parameters
        ----------
        counts, error : float
            Amplitude A of a fit and its standard error, counts.

        Returns
        -------
        Measured
            Number and standard error, that of the counts and of the constants together.
        """
        return self._propagated(lambda camera: counts / camera.counts_per_atom, error / self.counts_per_atom)

    def power(self, counts: float, error: float = 0.0) -> Measured:
        """Light that reached the camera during the exposure, W.

        Parameters
        ----------
        counts, error : float
            Amplitude A of a fit and its standard error, counts.

        Returns
        -------
        Measured
            Power and standard error, W.
        """

        def watts(camera: CameraConstants) -> float:
            photons = counts / camera.gain / camera.quantum_efficiency
            return photons * camera.transition.photon_energy_J / camera.exposure_s

        per_count = watts(self) / counts if counts else 0.0
        return self._propagated(watts, error * per_count)

    def _propagated(self, derived: Callable[[CameraConstants], float], counts_error: float) -> Measured:
        """Add the errors of constants, each by the derivative in it, to that of the counts."""
        variance = counts_error**2
        for name, error in self.uncertainties.items():
            value = getattr(self, name)
            step = max(abs(value), 1e-12) * STEP
            up, down = (derived(replace(self, **{name: value + sign * step})) for sign in (1.0, -1.0))
            variance += ((up - down) / (2.0 * step) * error) ** 2
        return Measured(derived(self), math.sqrt(variance))


def _is_whole(value: Any) -> bool:
    """Whether it is an integer, of any kind but a truth value."""
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _numbers() -> list[str]:
    """Names of the constants that are numbers."""
    return [f.name for f in fields(CameraConstants) if f.name not in {"atom", "roi_x", "roi_y", "uncertainties"}]
