"""Compiled functions on arrays: no frame, no path, no physics without its unit."""
