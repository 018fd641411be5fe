"""``python -m utokyo``: the command, where the scripts of this Python are not on the path."""

from .engine.command.cli import main

if __name__ == "__main__":
    main()
