"""Images: the likelihood of a spot, references, the search for spots, stacks, bad pixels."""
