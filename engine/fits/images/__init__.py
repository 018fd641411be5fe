"""Spots in images: the 2D Gaussian fit, its background and references, stacks, and the noise of the camera."""
