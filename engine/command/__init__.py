"""The command `utokyo`: one module a command."""
