"""A reason why a fit is not valid: a code for programs, and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Flag", "Reason"]


class Reason(str):
    """A sentence that says why a fit is not valid, and knows the `code` of its flag."""

    code: str

    def __new__(cls, code: str, sentence: str) -> Reason:
        """Make one of a code and a sentence."""
        reason = super().__new__(cls, sentence)
        reason.code = code
        return reason

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return self.code, str(self)


@dataclass(frozen=True)
class Flag:
    """One reason why numbers must not be used.

    Parameters
    ----------
    code : str
        What programs compare.
    of : tuple of str
        Which fits may have it: "bursts", "images", "lifetimes", "clock offsets", "differences".
    sentence : str
        What people read; numbers in braces, as `str.format` takes them.
    meaning : str
        For the documents: when it is raised, and what to do.
    """

    code: str
    of: tuple[str, ...]
    sentence: str
    meaning: str

    def reason(self, **numbers: Any) -> Reason:
        """The sentence with these numbers."""
        return Reason(self.code, self.sentence.format(**numbers))
