"""The Runner, and what it tells of a run."""
