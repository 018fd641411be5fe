"""One module a source: what differs from the plain `Recorder`, and nothing else."""
