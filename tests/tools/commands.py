"""The command ``utokyo`` as tests call it: in this process, which costs no start, or in one of its own.

In this process it is the function that a process calls, with streams, folder and arguments as a process has them. What
only a process has (signals, its end, streams that are closed) needs `in_a_process`; so do a few of all other tests.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from utokyo.engine.command.cli import main

__all__ = ["here", "in_a_process"]


def in_a_process(*arguments: object, folder: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "utokyo", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)


def here(*arguments: object, folder: Path, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Run the command in this process, with streams of an encoding, and put all that it changes back in place."""
    command = ["utokyo", *map(str, arguments)]
    with _stream(encoding) as output, _stream(encoding) as errors, _as_a_process(command, folder, output, errors):
        code = _exit_code()
        # The guards of the streams flush what they hold.
        output.flush()
        errors.flush()
        texts = [stream.buffer.getvalue().decode(encoding) for stream in (output, errors)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(command, code, *texts)


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except Exception:  # noqa: BLE001 (as at the end of a process)
        traceback.print_exc()
        return 1
    return 0


def _stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


@contextlib.contextmanager
def _as_a_process(
    command: list[str], folder: Path, output: io.TextIOWrapper, errors: io.TextIOWrapper
) -> Iterator[None]:
    logger, fastexcel = logging.getLogger("utokyo"), logging.getLogger("fastexcel")
    kept = sys.argv, sys.stdout, sys.stderr, logger.handlers, logger.propagate, logger.level, fastexcel.level
    plugins = os.environ.get("PYDANTIC_DISABLE_PLUGINS")
    sys.argv, sys.stdout, sys.stderr = command, output, errors
    logger.setLevel(logging.NOTSET)  # pytest shows more than a process does
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.argv, sys.stdout, sys.stderr, logger.handlers, logger.propagate, level, excel_level = kept
        logger.setLevel(level)
        fastexcel.setLevel(excel_level)
        if plugins is None:
            os.environ.pop("PYDANTIC_DISABLE_PLUGINS", None)
