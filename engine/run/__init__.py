"""The Runner, and what it reports of a run."""
