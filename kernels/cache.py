"""Where compiled kernels are kept between starts, and why a cache is never a reason to fail.

Numba keeps all signatures of a function in one index file, which two processes overwrite for each other, and an error
of the disk or of a pickle comes out of the call of the kernel, as if the data were wrong. Here each signature has a
file of its own: a checksum, then numba's pickle. It is written beside and renamed, so that processes that compile at
once do no harm. A file that is damaged, a folder that cannot be used and a full disk are told once; then the kernel is
compiled as if nothing had been kept.

A pickle runs code when it is read. Therefore the folder belongs to this user alone, and one of somebody else is not
read. `NUMBA_CACHE_DIR` names another folder; who names it vouches for all who can write there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import logging
import os
import pickle
import sys
import uuid
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numba.core.compiler
import numba.core.runtime
import numba.core.serialize
from numba.core.caching import NullCache

__all__ = ["KernelCache", "cache_folder"]

log = logging.getLogger("utokyo")

# Numba's types are not those that a type checker knows.
_config: Any = numba.config
_dumps: Any = numba.core.serialize.dumps
_runtime: Any = numba.core.runtime.rtsys  # type: ignore[attr-defined]
_rebuild: Any = numba.core.compiler.CompileResult._rebuild

ADDRESS = " at 0x"
"""In the name of a type: it is another one in each process, and nothing that could be found again."""


def cache_folder() -> Path:
    """Folder of the compiled kernels: that of `NUMBA_CACHE_DIR`, else one of this user alone.

    Returns
    -------
    pathlib.Path
        It exists; of our own folder the permissions are 0700.

    Raises
    ------
    OSError
        When it cannot be made, or belongs to somebody else.

    Examples
    --------
    >>> from utokyo.kernels.cache import cache_folder
    >>> cache_folder().is_dir()
    True
    """
    chosen = _config.CACHE_DIR
    if chosen:
        folder = Path(chosen).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    return _private(_user_folder() / "utokyo") / "kernels"


class KernelCache(NullCache):
    """What is kept of one kernel, in the way in which numba's dispatchers ask for it.

    Parameters
    ----------
    function : callable
        The function as it was written.
    stamp : str
        Stands for the source of all that is compiled into it: other sources, other files.

    Examples
    --------
    >>> from utokyo.kernels.cache import KernelCache
    >>> KernelCache(len.__call__, "of this source").cache_path is None  # it has no file
    True
    """

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        code = getattr(function, "__code__", None)
        self._source = Path(code.co_filename).absolute() if code else None
        self._bytecode = code.co_code if code else b""
        module = self._source.stem if self._source else ""
        self._name = f"{module}.{getattr(function, '__qualname__', '')}".replace("<", "").replace(">", "")
        self._name += f".py{sys.version_info[0]}{sys.version_info[1]}"
        self._stamp = _hash(stamp, numba.__version__)

    @property
    def cache_path(self) -> str | None:
        """The folder of its files; None where there is none."""
        folder = self._folder()
        return None if folder is None else str(folder)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled code of a signature; None where it has to be compiled."""
        found = self._load(sig, target_context)
        if found is None:
            _leave_blas_out()
        return found

    def _load(self, sig: Any, target_context: Any) -> Any:
        # Numba would load all that it can compile first, which takes longer than to read a log.
        _runtime.initialize(target_context)
        path = self._path(sig, target_context.codegen())
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _tell(f"a compiled kernel cannot be read ({path}: {error.strerror or error}); it is compiled anew")
            return None
        digest, payload = content[: hashlib.sha256().digest_size], content[hashlib.sha256().digest_size :]
        reason = "it is damaged"
        if hashlib.sha256(payload).digest() == digest:
            try:
                kept_sig, reduced = pickle.loads(payload)
                if kept_sig == sig:
                    return _rebuild(target_context, *reduced)
                reason = "it is of another signature"
            except Exception as error:  # noqa: BLE001 - whatever numba or a pickle raises, it can be compiled anew
                reason = f"{type(error).__name__}: {error}"
        _tell(f"a file of compiled kernels is of no use ({path}: {reason}); it is set aside and compiled anew")
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code of a signature, where that is possible."""
        if data.library.has_dynamic_globals:
            warnings.warn(f"the kernel {self._name} cannot be kept: it holds an address", stacklevel=2)
            return
        path = self._path(sig, data.codegen)
        if path is None:
            return
        payload = _dumps((sig, data._reduce()))
        beside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            path.parent.mkdir(exist_ok=True)
            try:
                beside.write_bytes(hashlib.sha256(payload).digest() + payload)
                beside.replace(path)
            finally:
                beside.unlink(missing_ok=True)
            for old in path.parent.glob(f"{self._name}.*"):
                if not old.name.startswith(f"{self._name}.{self._stamp}."):  # of the sources before an edit
                    old.unlink(missing_ok=True)
        except OSError as error:
            if not path.exists():  # else another process was faster: Windows replaces no file that is being read
                _tell_that_nothing_is_kept(path.parent, error)

    def holds(self, sig: Any, codegen: Any) -> bool:
        """Whether there is a file for a signature; what is in it is not looked at."""
        path = self._path(sig, codegen)
        return path is not None and path.exists()

    def _folder(self) -> Path | None:
        """Folder of the kernels beside this one; None where none can be used, which is told."""
        if self._source is None:
            return None
        place = self._source.parent
        try:
            return cache_folder() / f"{place.name}_{_hash(str(place))}"
        except OSError as error:
            _tell_that_nothing_is_kept(error.filename or "a folder for compiled kernels", error)
            return None

    def _path(self, sig: Any, codegen: Any) -> Path | None:
        """The file of a signature; None where none can be kept."""
        text = str(sig)
        folder = None if ADDRESS in text else self._folder()
        if folder is None:
            return None
        key = _hash(text, repr(codegen.magic_tuple()), self._bytecode.hex())
        return folder / f"{self._name}.{self._stamp}.{key}.kernel"


def _leave_blas_out() -> None:
    """Let numba find a BLAS without importing scipy's linear algebra for it, when something is compiled.

    It only asks whether there is one (scipy is among what we need), and imports it again where a product of matrices is
    compiled.
    """
    asked = "scipy.linalg.cython_blas"
    if "scipy.linalg" in sys.modules or "numba.np.arraymath" in sys.modules:
        return
    sys.modules[asked] = ModuleType(asked)
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        del sys.modules[asked]


def _user_folder() -> Path:
    """Where programs of this user keep what can be made again."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else _home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches"
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else _home() / ".cache"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # no HOME, and no user of this number
        raise OSError(str(error)) from None


@cache
def _private(folder: Path) -> Path:
    """Make a folder that this user alone can enter."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "geteuid"):
        for found in (folder.lstat(), folder.stat()):  # where it is a link: of whom, and to what
            if found.st_uid != os.geteuid():
                raise PermissionError(0, "it belongs to another user", str(folder))
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    (folder / "kernels").mkdir(exist_ok=True)
    return folder


def _hash(*texts: str) -> str:
    """So short that paths of Windows have room for several."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _tell(sentence: str) -> None:
    """Warn of it: once for all kernels, for what ails one of them ails most of them."""
    if not _told:
        _told.append(sentence)
        log.warning("%s", sentence)


_told: list[str] = []


def _tell_that_nothing_is_kept(where: object, error: OSError) -> None:
    _tell(
        f"compiled kernels cannot be kept ({where}: {error.strerror or error}): every start compiles them anew, which "
        "takes half a minute; make room, or name another folder in NUMBA_CACHE_DIR"
    )
