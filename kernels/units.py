"""Units of time in ns: what all rooms count in."""

from __future__ import annotations

__all__ = ["DAY_NS", "SECOND_NS"]

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
