"""How far a LabVIEW measurement file was read, as data: what the next line is, and what the headers before it said.

It is all that is needed to go on, in this process or, out of a checkpoint, in a later one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..text.growing import FINGERPRINT_BYTES, Fingerprint, GrowingFile
from ..whole import write_whole

__all__ = ["UNKNOWN", "LVMCheckpoint", "LVMState"]

FORMAT = "utokyo lvm checkpoint 1"
UNKNOWN = -1
"""Of `LVMState.absolute_ns` before the first row."""


@dataclass
class LVMState:
    """Between two lines.

    Texts of the file are kept byte for byte (as Latin-1), until it is known how to read them.

    Parameters
    ----------
    mode : str
        What the next line is: ``title``, ``file`` (of the file's block), ``between`` (blocks), ``names``, ``rows`` or
        ``special`` (of a block that is passed over).
    after_special : str
        The mode after that block.
    separator, decimal, encoding : str
        Empty while they are not known.
    file_tags, tags : mapping of str to list of str
        The block of the file, and of the segment.
    names : list of str
        Of the segment's columns.
    lines, bad_rows : int
        So far.
    header_bytes : int
        Of the header that is being read.
    rows_of_segment : int
        Lines with rows since its header, with bad ones.
    absolute_ns : int, optional
        Where x of this segment counts from, ns since 1970; `UNKNOWN` before its first row.
    last_start_ns : int, optional
        Of the last segment that had one.
    previous_ns : int, optional
        Time of the row before, without the clock's offset.
    is_sorted : bool
        Whether the times never decreased.
    has_times : bool, optional
        Whether rows have times; None before the first segment.
    has_own_axes : bool
        Whether values were seen that have other times than their rows.
    columns : list of str
        All columns so far, by their names in the table; texts last.
    texts : list of str
        Those of them that hold text.
    metadata : mapping
        What the headers say.
    told : list of str
        What was told once.
    """

    mode: str = "title"
    after_special: str = ""
    separator: str = ""
    decimal: str = ""
    encoding: str = ""
    file_tags: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    lines: int = 0
    bad_rows: int = 0
    header_bytes: int = 0
    rows_of_segment: int = 0
    absolute_ns: int | None = None
    last_start_ns: int | None = None
    previous_ns: int | None = None
    is_sorted: bool = True
    has_times: bool | None = None
    has_own_axes: bool = False
    columns: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    metadata: dict[str, str | int | float] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LVMCheckpoint:
    """A state and the file that it is of.

    Parameters
    ----------
    position : int
        Where the next line begins, in bytes.
    head_bytes, head_hash, tail_bytes, tail_hash : int and str
        By which the file is known again: hashes of its first bytes, and of those before the position.
    rows : int
        That were shown before.
    generation : int
        How often the file had turned out to be another one.
    state : mapping
        The fields of the `LVMState`.
    """

    position: int
    head_bytes: int
    head_hash: str
    tail_bytes: int
    tail_hash: str
    rows: int
    generation: int
    state: dict[str, Any]

    @classmethod
    def of(cls, file: GrowingFile, state: LVMState, rows: int, generation: int) -> LVMCheckpoint:
        """The state after the last line that was taken."""
        head = file.fingerprint.head
        before = min(file.position, FINGERPRINT_BYTES)
        # Not as the file has it: whole lines that nobody asked for yet may be more than it keeps.
        tail = file.bytes_at(file.position - before, before)
        return cls(file.position, len(head), _hash_of(head), len(tail), _hash_of(tail), rows, generation, asdict(state))

    def resume(self, file: GrowingFile) -> LVMState | None:
        """Bring a file to this position; None when it is not the one of the checkpoint any more.

        Raises
        ------
        MissingFileError, InputError
            When there is no such file, or it cannot be read.
        """
        head = file.bytes_at(0, self.head_bytes)
        tail = file.bytes_at(self.position - self.tail_bytes, self.tail_bytes)
        if _hash_of(head) != self.head_hash or _hash_of(tail) != self.tail_hash:
            return None
        before = min(self.position, FINGERPRINT_BYTES)
        file.resume(self.position, 0, Fingerprint(head, file.bytes_at(self.position - before, before)))
        return LVMState(**self.state)

    def write(self, path: Path) -> None:
        """Write it, replacing the one before.

        Raises
        ------
        OutputError
            When the disk is full or the folder cannot be written to.
        """
        write_whole(path, json.dumps({FORMAT: asdict(self)}, indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> LVMCheckpoint | None:
        """Read one; None where there is no such file.

        Raises
        ------
        InputError
            When the file is something else, or cannot be read.
        """
        try:
            content = json.loads(path.read_bytes())[FORMAT]
            LVMState(**content["state"])
            return cls(**content)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (ValueError, TypeError, KeyError):
            raise InputError(
                f"{path}: this is no checkpoint of a LabVIEW measurement file; delete it to read all data"
            ) from None


def _hash_of(content: bytes) -> str:
    """SHA-256 of some bytes, as text."""
    return hashlib.sha256(content).hexdigest()
