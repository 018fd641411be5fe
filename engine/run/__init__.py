"""The Runner, and the summary of a run."""
