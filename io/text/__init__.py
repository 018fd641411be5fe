"""Growing text files: bytes to whole lines, lines to columns, columns to times."""
