"""What happens in a simulated beam time: heatings, bursts of released atoms, and switches of the coil.

One `Plan` holds what all instruments share: when the foil was heated, how many atoms came off, when the coil was on.
Bursts follow the model that they are fitted with, a rise and a decay that meet at t0:
``rate(t) = b(t) + (n_rise / tau_rise) exp((t - t0) / tau_rise)`` before t0 and
``b(t) + (n_decay / tau_decay) exp(-(t - t0) / tau_decay)`` after it, with ``n_rise / tau_rise = n_decay / tau_decay``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import Floats, Integers

__all__ = ["PULSES_OF_A_DECAY", "Plan", "draw_plan", "heating_texts"]

# The heatings and their bursts.
FIRST_HEATING_S = 4.0
HEATING_PERIOD_S = 36.0
HEATING_SPREAD = 0.2
HEATING_DURATION_S = 8
RELEASE_DELAY_S = (1.7, 2.3)
PULSES_OF_A_DECAY = (150.0, 5000.0)
HALF_LIFE_S = (0.4, 1.2)
TAU_RISE_S = (0.08, 0.4)
COIL_FIRST_ON_S = (2.0, 4.0)
COIL_PERIOD_S = (24.0, 36.0)


@dataclass(frozen=True, eq=False)
class Plan:
    """What all instruments of a beam time share; times in s since the start, one element a heating."""

    start: datetime
    duration_s: float
    heated_s: Floats
    volts: Integers
    t0_s: Floats
    n_decay: Floats
    tau_decay_s: Floats
    tau_rise_s: Floats
    switched_s: Floats

    @property
    def start_ns(self) -> int:
        """The start in ns since 1970, by the wall clock."""
        return (self.start - datetime(1970, 1, 1)) // timedelta(seconds=1) * 10**9

    @property
    def n_rise(self) -> Floats:
        """Pulses of each rise, such that it meets the decay at t0."""
        return self.n_decay * self.tau_rise_s / self.tau_decay_s

    def ns(self, times_s: Floats) -> Integers:
        """Return beam times as ns since 1970."""
        return self.start_ns + np.rint(times_s * 1e9).astype(np.int64)

    def coil(self, times_s: Floats) -> Integers:
        """Return 1 where the coil is on: it starts off, and each switch turns it."""
        return (np.searchsorted(self.switched_s, times_s, side="right") % 2).astype(np.int64)

    def heating(self, times_s: Floats) -> NDArray[np.bool_]:
        """Return where the foil is being heated."""
        last = np.searchsorted(self.heated_s, times_s, side="right") - 1
        begun_s = np.append(self.heated_s, -np.inf)[last]
        return times_s < begun_s + HEATING_DURATION_S

    def truth(self) -> dict[str, Any]:
        """Return what was planned, as numbers of JSON."""
        return {
            "start_ns": self.start_ns,
            "heatings": _records(
                time_ns=self.ns(self.heated_s), text=heating_texts(self.volts), coil=self.coil(self.heated_s)
            ),
            "bursts": _records(
                t0_ns=self.ns(self.t0_s),
                n_rise=self.n_rise,
                tau_rise_s=self.tau_rise_s,
                n_decay=self.n_decay,
                tau_decay_s=self.tau_decay_s,
                half_life_s=math.log(2) * self.tau_decay_s,
            ),
            "coil": _records(time_ns=self.ns(self.switched_s), state=self.coil(self.switched_s)),
        }


def draw_plan(start: datetime, duration_s: float, random: np.random.Generator) -> Plan:
    """Draw the heatings, their bursts and the switches of the coil.

    Heatings whose burst would not end within the beam time are left out.
    """
    most = 2 + int(duration_s / (HEATING_PERIOD_S * (1 - HEATING_SPREAD)))
    gaps = HEATING_PERIOD_S * random.uniform(1 - HEATING_SPREAD, 1 + HEATING_SPREAD, most)
    heated_s = FIRST_HEATING_S + np.cumsum(gaps) - gaps[0]
    t0_s = heated_s + random.uniform(*RELEASE_DELAY_S, most)
    volts = random.integers(2, 4, most)
    fewest, largest = map(math.log, PULSES_OF_A_DECAY)
    n_decay = np.exp(random.uniform(fewest, largest, most))
    tau_decay_s = random.uniform(*HALF_LIFE_S, most) / math.log(2)
    tau_rise_s = random.uniform(*TAU_RISE_S, most)
    whole = t0_s + 5 * tau_decay_s < duration_s
    switches = 2 + int(duration_s / COIL_PERIOD_S[0])
    gaps = random.uniform(*COIL_PERIOD_S, switches)
    switched_s = random.uniform(*COIL_FIRST_ON_S) + np.cumsum(gaps) - gaps[0]
    return Plan(
        start,
        duration_s,
        heated_s[whole],
        volts[whole],
        t0_s[whole],
        n_decay[whole],
        tau_decay_s[whole],
        tau_rise_s[whole],
        switched_s[switched_s < duration_s],
    )


def heating_texts(volts: Integers) -> list[str]:
    """How the log of heatings writes them: voltage, duration and power."""
    return [f"{number}V{HEATING_DURATION_S}s 1kW" for number in volts.tolist()]


def _records(**columns: Floats | Integers | list[str]) -> list[dict[str, Any]]:
    """Return one mapping a row, of plain numbers."""
    plain = (column if isinstance(column, list) else column.tolist() for column in columns.values())
    return [dict(zip(columns, row, strict=True)) for row in zip(*plain, strict=True)]
