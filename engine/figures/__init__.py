"""Results in, matplotlib `Figure` out: objects only, never pyplot, so that threads and long runs are safe."""
