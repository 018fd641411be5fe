"""The import path of the specification; the code is in `utokyo.engine.runner`."""

from utokyo.engine.runner import Runner

__all__ = ["Runner"]
