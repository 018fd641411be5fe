"""Text: bytes to rows, numbers and moments."""
