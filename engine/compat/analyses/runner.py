"""The import path of the specification; the code is in `utokyo.engine.run.runner`."""

from utokyo.engine.run.runner import Runner

__all__ = ["Runner"]
