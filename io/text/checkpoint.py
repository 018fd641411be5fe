"""How far a file was read, written down so that a later process goes on there.

A checkpoint is a small JSON file, there whole or not at all. With results that are keyed by source and event (`store`),
every row counts exactly once, whenever the process is killed: what was derived after the last checkpoint is derived
again, and replaces itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..store import write_whole

__all__ = ["Checkpoint", "hash_of"]

FORMAT = "utokyo checkpoint 1"


def hash_of(content: bytes) -> str:
    """SHA-256 of some bytes, as text."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """The state of a reader between two rows.

    Parameters
    ----------
    position : int
        Where the next row to parse begins, in bytes.
    start : int
        Where the rows begin, behind the header.
    sample_bytes : int
        How much of the start the format was found out from.
    head_bytes, head_hash, tail_end, tail_bytes, tail_hash : int and str
        The fingerprint of the file: hashes of its first rows, and of what stands before `tail_end`.
    lines, rows, bad_rows : int
        Before `position`.
    skipped_rows : int
        Rows behind `position` that were shown already.
    previous_ns : int or None
        Time of the row before, without the clock's offset.
    is_sorted : bool
        Whether the times never decreased.
    kinds : tuple of int
        Of the columns: a guess may have been widened since.
    generation : int
        How often the file had turned out to be another one.
    """

    position: int
    start: int
    sample_bytes: int
    head_bytes: int
    head_hash: str
    tail_end: int
    tail_bytes: int
    tail_hash: str
    lines: int
    bad_rows: int
    previous_ns: int | None
    is_sorted: bool
    kinds: tuple[int, ...]
    generation: int
    rows: int = 0
    skipped_rows: int = 0

    def write(self, path: Path) -> None:
        """Write it, replacing the one before.

        Raises
        ------
        OutputError
            When the disk is full or the folder cannot be written to.
        """
        write_whole(path, json.dumps({FORMAT: asdict(self)}, indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> Checkpoint | None:
        """Read one; None where there is no such file.

        Raises
        ------
        InputError
            When the file is something else, or cannot be read.
        """
        try:
            content: Any = json.loads(path.read_bytes())
            return cls(**{**content[FORMAT], "kinds": tuple(content[FORMAT]["kinds"])})
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (ValueError, TypeError, KeyError):
            raise InputError(f"{path}: this is no checkpoint; delete it to read the data from its start") from None
